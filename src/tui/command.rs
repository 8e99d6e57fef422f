//! THE table of commands. Keymap, footer, help, palette and the README's key table are made from it and from nothing else.

mod acts;
mod enabled;
mod logs;
mod look;
mod moves;
mod place;

use std::borrow::Cow;

use self::{enabled::always, place::VIEWS};
use super::state::State;

pub(crate) use self::place::{Place, Places};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Id {
    Up,
    Down,
    PageUp,
    PageDown,
    Top,
    Bottom,
    PickUp,
    PickDown,
    Open,
    FilterBy,
    Findings,
    Proofs,
    Accept,
    Back,
    Close,
    Filter,
    Sort,
    Reverse,
    Palette,
    Help,
    Contexts,
    Sources,
    Retry,
    CopyTenant,
    CopyHandOver,
    Probe,
    Volumes,
    Capacity,
    Facets,
    Alert,
    Measure,
    Theme,
    Glyphs,
    Logs,
    LogsShown,
    Shell,
    Forward,
    LogFollow,
    LogSearch,
    LogNext,
    LogPrevious,
    LogFilter,
    LogNot,
    LogTime,
    LogLevel,
    LogContainer,
    LogTenant,
    LogHide,
    LogShowAll,
    LogError,
    LogWrap,
    LogTimes,
    LogJson,
    LogOpen,
    LogColours,
    LogFull,
    LogRight,
    LogLeft,
    LogMark,
    LogNextMark,
    LogCopy,
    LogSave,
    LogInstance,
    LogReach(u8),
    Redraw,
    Suspend,
    Quit,
    Boots,
    Events,
    Changes,
    Objects,
    Find,
    FindNext,
    FindPrevious,
    Mark,
    MarkAll,
    Unmark,
    Create,
    Restart,
    Reprovision,
    Apply,
    ApplyForce,
    SetTier,
    Resize,
    RotateToken,
    Adopt,
    Upgrade,
    SuspendTenant,
    ResumeTenant,
    Delete,
    Purge,
    Runs,
    RunPause,
    RunAbort,
    RunRetry,
    RunSkip,
    Snapshot,
    Restore,
    RunOpen,
    Agree,
    AgreeYes,
    Details,
    NextField,
    PreviousField,
}

/// What a command does to a cluster; confirmation grows with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Danger {
    Look,
    /// Makes a plan, which is shown and waits for a yes.
    Plan,
    /// Says something to a run that was agreed to.
    Order,
}

impl Danger {
    /// What the key table adds to a command's help.
    fn note(self) -> &'static str {
        match self {
            Self::Look | Self::Order => "",
            Self::Plan => " (shows a plan first)",
        }
    }
}

/// Why a command cannot be used now, in words.
pub(crate) type Why = Cow<'static, str>;

pub(crate) struct Command {
    pub(crate) id: Id,
    /// Typed after `:`.
    pub(crate) name: &'static str,
    /// What the footer says beside the key; `None` keeps it out of the footer.
    pub(crate) hint: Option<&'static str>,
    pub(crate) help: &'static str,
    pub(crate) keys: &'static [&'static str],
    pub(crate) places: Places,
    pub(crate) danger: Danger,
    /// Offered in the palette.
    pub(crate) listed: bool,
    pub(crate) enabled: fn(&State) -> Result<(), Why>,
}

const LOOK: Command = Command {
    id: Id::Redraw,
    name: "",
    hint: None,
    help: "",
    keys: &[],
    places: VIEWS,
    danger: Danger::Look,
    listed: true,
    enabled: always,
};

/// Every command; of two that a place would have under one key there is none.
pub(crate) fn commands() -> impl Iterator<Item = &'static Command> {
    [look::FIRST, acts::COMMANDS, look::COMMANDS, logs::COMMANDS, moves::COMMANDS].into_iter().flatten()
}

impl Command {
    pub(crate) fn of(id: Id) -> Option<&'static Self> {
        commands().find(|c| c.id == id)
    }

    /// It opens the page that one is on already.
    pub(crate) fn leads_to(&self, place: Place) -> bool {
        let page = match self.id {
            Id::Findings => Place::Findings,
            Id::Volumes => Place::Volumes,
            Id::Capacity => Place::Capacity,
            Id::Facets => Place::Facets,
            Id::Boots => Place::Boots,
            Id::Events => Place::Events,
            Id::Changes => Place::Changes,
            Id::Runs => Place::Runs,
            _ => return false,
        };
        page == place
    }

    /// The commands of a place, in the table's order.
    pub(crate) fn at(place: Place) -> impl Iterator<Item = &'static Self> {
        commands().filter(move |c| c.places.has(place))
    }
}

/// Places in words; what holds on all pages is not told one by one.
fn whereabouts(places: Places) -> String {
    let missing: Vec<_> = VIEWS.iter().filter(|place| !places.has(*place)).map(Place::title).collect();
    let beside = |all: Places| places.iter().filter(move |place| !all.has(*place)).map(Place::title);
    if missing.len() > 2 {
        return places.iter().map(Place::title).collect::<Vec<_>>().join(", ");
    }
    let mut words = vec!["every page".to_owned()];
    if !missing.is_empty() {
        words[0].push_str(&format!(" but {}", missing.join(" and ")));
    }
    words.extend(beside(VIEWS).map(str::to_owned));
    words.join(", ")
}

/// The README's key table.
pub fn key_table_markdown() -> String {
    let mut out = String::from("| key | command | where | what it does |\n|---|---|---|---|\n");
    for command in commands() {
        let keys: Vec<_> = command.keys.iter().map(|k| format!("`{k}`")).collect();
        let places = whereabouts(command.places);
        let everywhere = command.places == Places::of(&Place::ALL);
        let row = [
            keys.join(" "),
            if command.listed { format!("`:{}`", command.name) } else { command.name.to_owned() },
            if everywhere { "everywhere".to_owned() } else { places },
            format!("{}{}", command.help.replace('|', "\\|"), command.danger.note()),
        ];
        out.push_str(&format!("| {} |\n", row.join(" | ")));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_can_be_reached_and_says_what_it_does() {
        for command in commands() {
            assert!(!command.keys.is_empty() || command.listed, "{} has no way in", command.name);
            assert!(!command.help.is_empty() && !command.name.is_empty() && command.places.iter().next().is_some());
        }
        for place in Place::ALL {
            assert!(Command::at(place).any(|c| c.id == Id::Back), "{place:?} cannot be left");
            assert!(Command::at(place).any(|c| c.keys.contains(&"ctrl-c")), "{place:?} cannot be quit");
        }
    }

    #[test]
    fn names_are_unique() {
        for (i, command) in commands().enumerate() {
            assert!(commands().skip(i + 1).all(|c| c.name != command.name), "{}", command.name);
        }
    }

    #[test]
    fn the_readme_table_has_a_row_for_each() {
        let table = key_table_markdown();
        assert_eq!(table.lines().count(), commands().count() + 2);
        assert!(table.contains("| `/` | `:filter` | fleet | filter while typing"), "{table}");
    }
}
