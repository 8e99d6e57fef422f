//! The columns of the fleet, and which of them go when the screen is narrow.

use crate::tui::{glyph::Glyphs, widget::paint::Align};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Column {
    Tenant,
    /// Word, bar and stage.
    PhaseLong,
    /// Word and bar; the stage is said under WHY.
    Phase,
    Since,
    Tier,
    Image,
    Restarts,
    Quota,
    MemoryBar,
    Memory,
    CpuBar,
    App,
    Config,
    /// The fuller of the two volumes.
    Disk,
    Browser,
    Changed,
    Why,
}

/// A column with its place on the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Placed {
    pub(crate) column: Column,
    pub(crate) x: u16,
    pub(crate) width: u16,
}

use Column as C;

/// Everything, from left to right.
const ALL: &[Column] = &[
    C::Tenant,
    C::PhaseLong,
    C::Since,
    C::Tier,
    C::Image,
    C::Restarts,
    C::Quota,
    C::MemoryBar,
    C::CpuBar,
    C::App,
    C::Config,
    C::Browser,
    C::Changed,
    C::Why,
];

/// One sacrifice: these columns go, and this one comes in the first one's place.
type Step = (&'static [Column], Option<Column>);

/// What is given up, the first step first. TENANT, PHASE, SINCE and WHY stay to the last.
const STEPS: &[Step] = &[
    (&[C::Quota], None),
    (&[C::Changed], None),
    (&[C::MemoryBar, C::CpuBar], Some(C::Memory)),
    (&[C::App, C::Config], Some(C::Disk)),
    (&[C::Image], None),
    (&[C::PhaseLong], Some(C::Phase)),
    (&[C::Browser], None),
    (&[C::Memory], None),
    (&[C::Disk], None),
    (&[C::Restarts], None),
    (&[C::Tier], None),
    (&[C::Why], None),
];

/// Cells left of the first column: pointer, glyph, mark.
const MARGIN: u16 = 3;
/// WHY is worth this much room before anything else is shown beside it.
const WHY: u16 = 20;
/// Room that WHY does not need goes to long names.
const WHY_PLENTY: u16 = 50;
const NAME: u16 = 13;
const NAME_PLENTY: u16 = 40;

impl Column {
    fn width(self) -> u16 {
        match self {
            C::Tenant => NAME,
            C::PhaseLong => 30,
            C::Phase => 16,
            C::Since | C::App | C::Config | C::Disk | C::Quota => 5,
            C::Tier | C::Memory => 4,
            C::Image | C::Browser => 10,
            C::Restarts => 3,
            C::MemoryBar | C::CpuBar => 10,
            C::Changed => 7,
            C::Why => WHY,
        }
    }

    pub(crate) fn title(self, glyphs: &Glyphs) -> (&'static str, Align) {
        match self {
            C::Tenant => ("TENANT", Align::Left),
            C::PhaseLong | C::Phase => ("PHASE", Align::Left),
            C::Since => ("SINCE", Align::Right),
            C::Tier => ("TIER", Align::Left),
            C::Image => ("IMAGE", Align::Left),
            C::Restarts => (glyphs.restarts, Align::Right),
            C::Quota => ("QUOTA", Align::Right),
            C::MemoryBar => ("MEM", Align::Left),
            C::Memory => ("MEM%", Align::Right),
            C::CpuBar => ("CPU", Align::Left),
            C::App => ("APP", Align::Right),
            C::Config => ("CFG", Align::Right),
            C::Disk => ("DISK", Align::Right),
            C::Browser => ("BROWSER", Align::Left),
            C::Changed => ("CHANGED", Align::Right),
            C::Why => ("WHY", Align::Left),
        }
    }

    /// For the help text: what the column says.
    pub(crate) fn meaning(self) -> &'static str {
        match self {
            C::Tenant => "its id, after the glyph of its phase",
            C::PhaseLong | C::Phase => "what it is doing; while it boots, the stages done of all",
            C::Since => "time in this phase; while it boots, time in this stage",
            C::Tier => "pro or max",
            C::Image => "image wanted; * where the pod runs another one",
            C::Restarts => "restarts of all containers of its pod",
            C::Quota => "fullest line of its quota",
            C::MemoryBar | C::Memory => "memory in use, of what its tier allows",
            C::CpuBar => "processor in use, of what its tier allows",
            C::App => "volume app-data: percent used, ! from 90",
            C::Config => "volume config-data; node: it lies on the node's disk, no share of its own",
            C::Disk => "the fuller of its volumes",
            C::Browser => "its browser's container",
            C::Changed => "age of the last change of phase",
            C::Why => "the reason, in the cluster's own words",
        }
    }

    pub(crate) fn all() -> &'static [Self] {
        ALL
    }
}

fn needed(columns: &[Column]) -> u16 {
    let gaps = u16::try_from(columns.len().saturating_sub(1)).unwrap_or(0);
    MARGIN + gaps + columns.iter().map(|c| c.width()).sum::<u16>()
}

/// The columns that fit into `width`, with their places.
pub(crate) fn plan(width: u16) -> Vec<Placed> {
    let mut columns = ALL.to_vec();
    for (go, come) in STEPS {
        if needed(&columns) <= width {
            break;
        }
        if let Some(first) = go.first().and_then(|g| columns.iter().position(|c| c == g)) {
            if let Some(come) = come {
                columns.insert(first, *come);
            }
            columns.retain(|c| !go.contains(c));
        }
    }
    let spare = width.saturating_sub(needed(&columns));
    let for_name = (spare.saturating_sub(WHY_PLENTY - WHY)).min(NAME_PLENTY - NAME);
    let mut x = MARGIN;
    columns
        .into_iter()
        .map(|column| {
            let width = match column {
                C::Tenant => NAME + for_name,
                C::Why => WHY + spare - for_name,
                other => other.width(),
            };
            let placed = Placed { column, x, width };
            x += width + 1;
            placed
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn titles(width: u16) -> String {
        let glyphs = crate::tui::glyph::GlyphSet::Unicode.glyphs();
        plan(width).iter().map(|p| p.column.title(glyphs).0).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn columns_go_in_the_stated_order() {
        assert_eq!(titles(200), "TENANT PHASE SINCE TIER IMAGE ↻ QUOTA MEM CPU APP CFG BROWSER CHANGED WHY");
        assert_eq!(titles(120), "TENANT PHASE SINCE TIER IMAGE ↻ MEM% DISK BROWSER WHY");
        assert_eq!(titles(80), "TENANT PHASE SINCE TIER ↻ MEM% DISK WHY");
        assert_eq!(titles(60), "TENANT PHASE SINCE WHY");
        assert_eq!(titles(40), "TENANT PHASE SINCE");
    }

    #[test]
    fn no_column_leaves_the_screen_or_covers_another() {
        for width in 40..400 {
            let plan = plan(width);
            let mut free_from = MARGIN;
            for placed in &plan {
                assert!(placed.x >= free_from, "{width}: {placed:?}");
                free_from = placed.x + placed.width + 1;
            }
            assert!(free_from - 1 <= width, "{width}: {plan:?}");
            for must in [C::Tenant, C::Since] {
                assert!(plan.iter().any(|p| p.column == must), "{width}: no {must:?}");
            }
        }
    }
}
