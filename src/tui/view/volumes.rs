//! All volumes of the fleet, the fullest first.

use ratatui::layout::Rect;

use crate::{
    fleet::{Claim, quantity::Bytes},
    index::{
        Entry, Link, Meter,
        words::{pace, span},
    },
    tui::{
        state::{State, volumes::Volumes},
        theme::Role,
        widget::{
            bar,
            paint::{Align, Paint},
        },
    },
};

use super::{footer, header};

/// Lines above the first row: what is shown, and the columns' titles.
const HEAD: u16 = 2;

/// Rows that fit on a screen of this size.
pub(crate) fn rows(size: (u16, u16)) -> usize {
    usize::from(size.1.saturating_sub(header::HEIGHT + HEAD + footer::HEIGHT))
}

/// One column: its title, its width, which side it stands on, and what it means. Those that do not fit are left out, the last
/// of [`SPARED`] first.
struct Column {
    title: &'static str,
    width: u16,
    align: Align,
    meaning: &'static str,
    text: fn(&mut Paint<'_>, &Entry, &Claim) -> (String, Role),
}

/// What a narrow screen does without, from the last on; the others are there always.
const SPARED: [&str; 7] = ["FULL IN", "FROM", "AGE", "PER DAY", "USED", "SIZE", "INODE"];

const METER: u16 = 10;
/// Cells of what was seen so far: as many as looks are kept.
const COURSE: u16 = 8;
/// From here on there is room for a meter.
const WIDE: u16 = 110;

const COLUMNS: [Column; 10] = [
    Column {
        title: "TENANT",
        width: 18,
        align: Align::Left,
        meaning: "whose it is",
        text: |_, entry, _| (entry.tenant.id.to_string(), Role::Text),
    },
    Column {
        title: "CLAIM",
        width: 12,
        align: Align::Left,
        meaning: "its PersistentVolumeClaim",
        text: |_, _, claim| (claim.name.to_string(), Role::Text),
    },
    Column {
        title: "FULL",
        width: 5,
        align: Align::Right,
        meaning: "bytes in use, in percent; - is not known, and node: the figures are the node's disk, not the claim's",
        text: |_, _, claim| match claim.percent() {
            Some(percent) => (bar::share_text(percent), bar::share_role(percent)),
            None if claim.on_node_disk() => ("node".to_owned(), Role::Dim),
            None => ("-".to_owned(), Role::Dim),
        },
    },
    Column {
        title: "USED",
        width: 8,
        align: Align::Right,
        meaning: "bytes in use",
        text: |_, _, claim| match claim.usage {
            Some(usage) => (bytes(usage.used), Role::Text),
            None => ("-".to_owned(), Role::Dim),
        },
    },
    Column {
        title: "SIZE",
        width: 8,
        align: Align::Right,
        meaning: "what the claim holds; what it asks for, until it is bound",
        text: |_, _, claim| {
            let size = claim.capacity.or(claim.requested);
            (size.map_or_else(|| "-".to_owned(), |q| q.to_string()), Role::Text)
        },
    },
    Column {
        title: "INODE",
        width: 5,
        align: Align::Right,
        meaning: "inodes in use, in percent: a volume without a free one is full, whatever its bytes",
        text: |_, _, claim| match claim.inode_percent() {
            Some(percent) => (bar::share_text(percent), bar::share_role(percent)),
            None => ("-".to_owned(), Role::Dim),
        },
    },
    Column {
        title: "PER DAY",
        width: 9,
        align: Align::Right,
        meaning: "how fast it fills; known after half an hour of watching, or from Prometheus",
        text: |_, _, claim| match claim.growth {
            Some(growth) => (pace(growth), Role::Text),
            None => ("-".to_owned(), Role::Dim),
        },
    },
    Column {
        title: "FULL IN",
        width: 8,
        align: Align::Right,
        meaning: "when it will be full at that pace, once it was seen for an hour",
        text: |_, _, claim| match claim.seconds_to_full() {
            Some(seconds) => (span(seconds), if seconds < 3 * 86_400 { Role::MeterFull } else { Role::Text }),
            None => ("-".to_owned(), Role::Dim),
        },
    },
    Column {
        title: "FROM",
        width: 10,
        align: Align::Left,
        meaning: "who says so: the node's kubelet, Prometheus, or df inside the pod",
        text: |_, _, claim| match claim.usage {
            Some(usage) => (usage.source.word().to_owned(), Role::Dim),
            None => ("-".to_owned(), Role::Dim),
        },
    },
    Column {
        title: "AGE",
        width: 5,
        align: Align::Right,
        meaning: "how old the figures are",
        text: |paint, _, claim| match claim.usage {
            Some(usage) => (paint.age(usage.at), Role::Dim),
            None => ("-".to_owned(), Role::Dim),
        },
    },
];

/// For the help: title and meaning of each column.
pub(crate) fn columns() -> impl Iterator<Item = (&'static str, &'static str)> {
    let course = ("COURSE", "what it held at the last looks, from the least to the most; wide screens only");
    COLUMNS.iter().map(|c| (c.title, c.meaning)).chain([course])
}

fn bytes(n: u64) -> String {
    Bytes(i64::try_from(n).unwrap_or(i64::MAX)).to_string()
}

pub(crate) fn draw(paint: &mut Paint<'_>, state: &State, page: &Volumes, area: Rect) {
    let right = area.right().saturating_sub(1);
    summary(paint, state, page, area.y, right);
    let titles = paint.style(Role::Columns);
    paint.buf.set_style(Rect { y: area.y + 1, height: 1, ..area }, titles);
    let mut placed = Vec::new();
    let mut x = area.x + 2;
    let meter = area.width >= WIDE;
    let width = |column: &Column| column.width + if meter && column.title == "FULL" { METER + 1 } else { 0 } + 2;
    let mut shown: Vec<&Column> = COLUMNS.iter().collect();
    for spared in SPARED.iter().rev() {
        if x + shown.iter().map(|c| width(c)).sum::<u16>() <= right + 2 {
            break;
        }
        shown.retain(|column| column.title != *spared);
    }
    for column in shown {
        let more = width(column) - column.width - 2;
        paint.cell(x, area.y + 1, column.width, column.title, column.align, Role::Columns);
        placed.push((x, column));
        x += column.width + more + 2;
    }
    // The last to fit.
    let course = (x + COURSE <= right).then_some(x);
    if let Some(x) = course {
        paint.cell(x, area.y + 1, COURSE, "COURSE", Align::Left, Role::Columns);
    }
    let note = course.map_or(x, |x| x + COURSE + 2);
    let stale = state.stale().is_some();
    let lines = (area.y + HEAD)..area.bottom();
    for (y, (i, row)) in lines.zip(page.rows.iter().enumerate().skip(page.offset)) {
        let line = Rect { y, height: 1, ..area };
        if let Some((entry, claim)) = row.find(&state.fleet) {
            for (x, column) in &placed {
                let (text, role) = (column.text)(paint, entry, claim);
                paint.cell(*x, y, column.width, &text, column.align, role);
                if meter && column.title == "FULL" {
                    bar::meter(paint, x + column.width + 1, y, METER, claim.percent());
                }
            }
            if let (Some(x), Some(usage)) = (course, claim.usage.filter(|_| !claim.on_node_disk())) {
                let text = bar::course_of(paint.glyphs, state.fleet.series(claim.uid), usage.capacity);
                paint.cell(x, y, COURSE, &text, Align::Left, Role::Meter);
            }
            let (text, role) = remark(claim);
            paint.text(note, y, right, &text, role);
        } else {
            paint.text(area.x + 2, y, right, "gone", Role::Dim);
        }
        if stale {
            let style = paint.style(Role::Stale);
            paint.buf.set_style(line, style);
        }
        if i == page.at {
            let selected = paint.style(Role::Selected);
            paint.buf.set_style(line, selected);
            paint.text(area.x, y, right, paint.glyphs.pointer, Role::Key);
            paint.buf.set_style(Rect { width: 1, ..line }, selected);
        }
    }
}

/// What is out of the ordinary about a claim.
fn remark(claim: &Claim) -> (String, Role) {
    if claim.on_node_disk() {
        return ("node disk".to_owned(), Role::Dim);
    }
    if let Some(resize) = claim.resize() {
        return (resize.to_string(), Role::Warn);
    }
    match claim.phase {
        crate::fleet::ClaimPhase::Bound => (String::new(), Role::Dim),
        other => (format!("{other:?}"), Role::Warn),
    }
}

/// How many there are, and where figures are missing, why.
fn summary(paint: &mut Paint<'_>, state: &State, page: &Volumes, y: u16, right: u16) {
    let unknown = page.rows.iter().filter(|r| r.find(&state.fleet).is_none_or(|(_, c)| c.usage.is_none())).count();
    let dot = paint.glyphs.dot;
    let known = page.rows.len() - unknown;
    let text = format!("volumes: {} {dot} the fullest first {dot} figures of {known}", page.rows.len());
    let x = paint.text(1, y, right, &text, Role::Title);
    if unknown > 0
        && let Some(why) = silence(state)
    {
        paint.text(x + 1, y, right, &format!("{dot} {why}"), Role::Warn);
    }
}

/// Why there are no figures: what each source that was to bring them says.
fn silence(state: &State) -> Option<String> {
    let sources = state.fleet.sources();
    let of = |meter: Meter| match &sources.meter(meter).link {
        Link::Forbidden { why } | Link::Absent { why } | Link::Broken { why, .. } => {
            Some(format!("{}: {why}", meter.name()))
        }
        Link::Loading => Some(format!("{}: nothing came yet", meter.name())),
        Link::Live | Link::Polling { .. } => None,
    };
    of(Meter::Volumes).and_then(|kubelets| of(Meter::Prometheus).map(|_| kubelets))
}

#[cfg(test)]
mod tests {
    use crate::tui::{fixture::*, glyph::GlyphSet, theme::Depth};

    #[test]
    fn volumes_by_fullness() {
        let mut state = with(mixed());
        press(&mut state, "v");
        for (width, height) in [(80, 24), (120, 40), (44, 12)] {
            insta::assert_snapshot!(format!("volumes_{width}x{height}"), screen(&mut state, width, height));
        }
        state.looks = looks("mono", Depth::None, GlyphSet::Ascii);
        insta::assert_snapshot!("volumes_120x40_ascii_mono", styled(&mut state, 120, 40));
    }

    #[test]
    fn enter_opens_the_tenant_of_the_selected_volume() {
        let mut state = with(mixed());
        press(&mut state, "v enter");
        assert!(screen(&mut state, 120, 40).contains("tomas-v"), "the fullest");
        press(&mut state, "esc");
        assert!(screen(&mut state, 120, 40).contains("the fullest first"), "back to the list of volumes");
        press(&mut state, "esc");
        assert!(screen(&mut state, 120, 40).contains("WHY"));
    }
}
