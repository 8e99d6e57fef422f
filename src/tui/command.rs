//! THE table of commands. Keymap, footer, help, palette and the README's key table are made from it and from nothing else.

use super::state::{State, View, ways};
use crate::fleet::Right;

/// Where keys go: the view or overlay on top.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Place {
    Fleet,
    Tenant,
    Findings,
    Volumes,
    Capacity,
    Logs,
    Filter,
    Palette,
    Contexts,
    Sources,
    Help,
    Boots,
    Events,
    Changes,
    Objects,
    Yaml,
}

impl Place {
    pub(crate) const ALL: [Self; 16] = [
        Self::Fleet,
        Self::Tenant,
        Self::Findings,
        Self::Volumes,
        Self::Capacity,
        Self::Logs,
        Self::Filter,
        Self::Palette,
        Self::Contexts,
        Self::Sources,
        Self::Help,
        Self::Boots,
        Self::Events,
        Self::Changes,
        Self::Objects,
        Self::Yaml,
    ];

    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Fleet => "fleet",
            Self::Tenant => "tenant",
            Self::Findings => "findings",
            Self::Volumes => "volumes",
            Self::Capacity => "capacity",
            Self::Logs => "logs",
            Self::Filter => "filter",
            Self::Palette => "palette",
            Self::Contexts => "contexts",
            Self::Sources => "sources",
            Self::Help => "help",
            Self::Boots => "boots",
            Self::Events => "events",
            Self::Changes => "changes",
            Self::Objects => "objects",
            Self::Yaml => "yaml",
        }
    }

    /// Letters are typed here, not looked up.
    pub(crate) fn is_field(self) -> bool {
        matches!(self, Self::Filter | Self::Palette | Self::Contexts)
    }
}

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
}

/// What a command does to a cluster; confirmation grows with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Danger {
    Look,
}

impl Danger {
    /// What the key table adds to a command's help.
    fn note(self) -> &'static str {
        match self {
            Self::Look => "",
        }
    }
}

/// Why a command cannot be used now, in words.
pub(crate) type Why = &'static str;

pub(crate) struct Command {
    pub(crate) id: Id,
    /// Typed after `:`.
    pub(crate) name: &'static str,
    /// What the footer says beside the key; `None` keeps it out of the footer.
    pub(crate) hint: Option<&'static str>,
    pub(crate) help: &'static str,
    pub(crate) keys: &'static [&'static str],
    pub(crate) places: &'static [Place],
    pub(crate) danger: Danger,
    /// Offered in the palette.
    pub(crate) listed: bool,
    pub(crate) enabled: fn(&State) -> Result<(), Why>,
}

const VIEWS: &[Place] = &[
    Place::Fleet,
    Place::Tenant,
    Place::Findings,
    Place::Volumes,
    Place::Capacity,
    Place::Boots,
    Place::Events,
    Place::Changes,
    Place::Objects,
    Place::Yaml,
];
const PAGES: &[Place] = &[
    Place::Fleet,
    Place::Tenant,
    Place::Findings,
    Place::Volumes,
    Place::Capacity,
    Place::Logs,
    Place::Boots,
    Place::Events,
    Place::Changes,
    Place::Objects,
    Place::Yaml,
    Place::Sources,
    Place::Help,
];
/// Pages that lie over another one.
const ABOVE: &[Place] = &[
    Place::Tenant,
    Place::Findings,
    Place::Volumes,
    Place::Capacity,
    Place::Boots,
    Place::Events,
    Place::Changes,
    Place::Objects,
    Place::Yaml,
    Place::Sources,
    Place::Help,
];
/// Where the palette opens.
const WITH_PALETTE: &[Place] = &[
    Place::Fleet,
    Place::Tenant,
    Place::Logs,
    Place::Findings,
    Place::Volumes,
    Place::Capacity,
    Place::Boots,
    Place::Events,
    Place::Changes,
    Place::Objects,
    Place::Yaml,
];
/// [`VIEWS`] without the one that is searched in: `n` and `N` go from match to match there.
const UNSEARCHED: &[Place] = &[
    Place::Fleet,
    Place::Tenant,
    Place::Findings,
    Place::Volumes,
    Place::Capacity,
    Place::Boots,
    Place::Events,
    Place::Changes,
    Place::Objects,
];
const IN_LOGS: &[Place] = &[Place::Logs];
const IN_YAML: &[Place] = &[Place::Yaml];
const FIELDS: &[Place] = &[Place::Filter, Place::Palette, Place::Contexts];

const fn always(_: &State) -> Result<(), Why> {
    Ok(())
}

fn selected(state: &State) -> Result<(), Why> {
    if state.subject().is_some() { Ok(()) } else { Err("no tenant is selected") }
}

fn probed(state: &State) -> Result<(), Why> {
    selected(state)?;
    if state.may_not(Right::Forward) {
        return Err("you may not forward ports (get pods/portforward)");
    }
    if state.asked().is_some() { Ok(()) } else { Err("no container of it runs: there is nobody to ask") }
}

/// A row of the list on top: a tenant, or a cause.
fn selected_row(state: &State) -> Result<(), Why> {
    match state.views.last() {
        Some(View::Findings { pick }) if pick.key().is_none() => Err("nothing is wrong"),
        Some(View::Findings { .. } | View::Cause { .. }) => Ok(()),
        Some(View::Tenant { .. } | View::Page { .. } | View::Volumes(_) | View::Capacity { .. } | View::Logs)
        | None => selected(state),
    }
}

fn measured(state: &State) -> Result<(), Why> {
    selected(state)?;
    if state.may_not(Right::Shell) {
        return Err("you may run nothing inside pods (get pods/exec)");
    }
    if state.asked().is_some() { Ok(()) } else { Err("no container of it runs: df can run nowhere") }
}

fn other_contexts(state: &State) -> Result<(), Why> {
    if state.contexts.is_empty() { Err("there is no other context to switch to") } else { Ok(()) }
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

/// A command of the logs alone.
const fn in_logs(
    id: Id,
    name: &'static str,
    hint: Option<&'static str>,
    keys: &'static [&'static str],
    help: &'static str,
) -> Command {
    Command { id, name, hint, help, keys, places: IN_LOGS, listed: false, ..LOOK }
}

pub(crate) const COMMANDS: &[Command] = &[
    Command {
        id: Id::Open,
        name: "open",
        hint: Some("open"),
        help: "open the selected tenant; among objects, the YAML of one; among causes, the tenants of one",
        keys: &["enter", "right"],
        places: &[Place::Fleet, Place::Volumes, Place::Objects, Place::Findings],
        enabled: selected_row,
        ..LOOK
    },
    Command {
        id: Id::Findings,
        name: "findings",
        hint: Some("findings"),
        help: "what is wrong in the fleet, grouped by cause",
        keys: &["f"],
        ..LOOK
    },
    Command {
        id: Id::Logs,
        name: "logs",
        hint: Some("logs"),
        help: "the tenant's logs, followed through stages, restarts and new pods; secrets are masked",
        keys: &["l"],
        enabled: selected,
        ..LOOK
    },
    Command {
        id: Id::LogsShown,
        name: "logs-shown",
        hint: None,
        help: "the logs of all tenants that are shown, of at most 50, in one order",
        keys: &["L"],
        places: &[Place::Fleet, Place::Findings],
        ..LOOK
    },
    Command {
        id: Id::Shell,
        name: "shell",
        hint: None,
        help: "a shell in one of the tenant's containers; the console comes back when it ends",
        keys: &["x"],
        places: WITH_PALETTE,
        enabled: ways::may_enter,
        ..LOOK
    },
    Command {
        id: Id::Forward,
        name: "forward",
        hint: None,
        help: "the tenant's gateway, browser or browser-ui on a free port of 127.0.0.1; lists and ends those that are open",
        keys: &["F"],
        places: WITH_PALETTE,
        enabled: ways::may_forward,
        ..LOOK
    },
    Command {
        id: Id::Proofs,
        name: "proofs",
        hint: Some("proofs"),
        help: "show or fold the proof of every finding: the very field, event or log line",
        keys: &["enter"],
        places: &[Place::Tenant],
        ..LOOK
    },
    Command {
        id: Id::Accept,
        name: "accept",
        hint: Some("accept"),
        help: "keep the filter, run the command, take the choice",
        keys: &["enter"],
        places: FIELDS,
        listed: false,
        ..LOOK
    },
    Command {
        id: Id::Back,
        name: "back",
        hint: None,
        help: "close what is on top; in the fleet: put away a message, then the filter. Never quits",
        keys: &["esc"],
        places: PAGES,
        listed: false,
        ..LOOK
    },
    Command {
        id: Id::Back,
        name: "cancel",
        hint: Some("back"),
        help: "close the field; a filter is again what it was",
        keys: &["esc"],
        places: FIELDS,
        listed: false,
        ..LOOK
    },
    Command {
        id: Id::Close,
        name: "close",
        hint: Some("back"),
        help: "close what is on top",
        keys: &["q", "left"],
        places: ABOVE,
        listed: false,
        ..LOOK
    },
    Command {
        id: Id::Close,
        name: "close-logs",
        hint: Some("back"),
        help: "close the logs",
        keys: &["q"],
        places: IN_LOGS,
        listed: false,
        ..LOOK
    },
    Command {
        id: Id::Filter,
        name: "filter",
        hint: Some("filter"),
        help: "filter while typing: words, and terms such as phase:booting tier:max image:!2026.8.2 age:<10m",
        keys: &["/"],
        places: &[Place::Fleet],
        ..LOOK
    },
    Command {
        id: Id::Sort,
        name: "sort",
        hint: Some("sort"),
        help: "sort by the next column",
        keys: &["o"],
        places: &[Place::Fleet],
        ..LOOK
    },
    Command {
        id: Id::Reverse,
        name: "reverse",
        hint: None,
        help: "turn the order round; what is unknown stays last",
        keys: &["O"],
        places: &[Place::Fleet],
        ..LOOK
    },
    Command {
        id: Id::Boots,
        name: "boots",
        hint: Some("boots"),
        help: "where the time of boots goes: median, p95 and share of each part, and who is under way",
        keys: &["b"],
        ..LOOK
    },
    Command {
        id: Id::Events,
        name: "events",
        hint: Some("events"),
        help: "events by time: of the tenant that is open, else the warnings of all",
        keys: &["e"],
        ..LOOK
    },
    Command {
        id: Id::Changes,
        name: "changes",
        hint: None,
        help: "what changed in the last 15 minutes, whoever it was",
        keys: &["n"],
        places: UNSEARCHED,
        ..LOOK
    },
    Command {
        id: Id::Objects,
        name: "yaml",
        hint: None,
        help: "the tenant's objects and their YAML, read now; never its Secrets",
        keys: &["y"],
        enabled: selected,
        ..LOOK
    },
    Command {
        id: Id::CopyHandOver,
        name: "hand-over",
        hint: Some("hand-over"),
        help: "copy a hand-over text about the tenant (OSC 52, works over SSH)",
        keys: &["h"],
        enabled: selected,
        ..LOOK
    },
    Command {
        id: Id::CopyTenant,
        name: "copy-id",
        hint: None,
        help: "copy the tenant's id (OSC 52, works over SSH)",
        keys: &["i"],
        enabled: selected,
        ..LOOK
    },
    Command {
        id: Id::Probe,
        name: "probe",
        hint: Some("probe"),
        help: "ask its gateway and browser now how they are; opens no page, and may make browserless start a Chrome for a moment",
        keys: &["p"],
        places: &[Place::Tenant],
        enabled: probed,
        ..LOOK
    },
    Command {
        id: Id::Volumes,
        name: "volumes",
        hint: Some("volumes"),
        help: "all volumes of the fleet, the fullest first",
        keys: &["v"],
        ..LOOK
    },
    Command {
        id: Id::Capacity,
        name: "capacity",
        hint: Some("capacity"),
        help: "how much room the tenants' nodes have, and how many more tenants fit",
        keys: &["N"],
        places: UNSEARCHED,
        ..LOOK
    },
    Command {
        id: Id::Measure,
        name: "measure",
        hint: Some("measure"),
        help: "run df inside the tenant's pod: how full its volumes are, where no other source tells",
        keys: &["m"],
        places: &[Place::Tenant, Place::Volumes],
        enabled: measured,
        ..LOOK
    },
    Command {
        id: Id::Find,
        name: "find",
        hint: Some("search"),
        help: "search while typing: an expression; small letters find large ones too",
        keys: &["/"],
        places: IN_YAML,
        listed: false,
        ..LOOK
    },
    Command {
        id: Id::FindNext,
        name: "find-next",
        hint: Some("next"),
        help: "to the next match",
        keys: &["n"],
        places: IN_YAML,
        listed: false,
        ..LOOK
    },
    Command {
        id: Id::FindPrevious,
        name: "find-previous",
        hint: None,
        help: "to the match before",
        keys: &["N"],
        places: IN_YAML,
        listed: false,
        ..LOOK
    },
    in_logs(Id::LogFollow, "follow", Some("follow"), &["s"], "follow, or stand still: new lines are then only counted"),
    in_logs(
        Id::LogSearch,
        "search",
        Some("search"),
        &["/"],
        "search while typing: an expression; small letters find large ones too",
    ),
    in_logs(Id::LogNext, "next", None, &["n"], "to the next match"),
    in_logs(Id::LogPrevious, "previous", None, &["N"], "to the match before"),
    in_logs(Id::LogFilter, "only", Some("filter"), &["&"], "show only lines that match, while typing: an expression"),
    in_logs(Id::LogNot, "not", None, &["!"], "hide lines that match, while typing; holds beside the filter"),
    in_logs(Id::LogTime, "time", None, &["@"], "to a time: 14:05, 14:05:30 (UTC), 10m (ago), or with its date"),
    in_logs(Id::LogContainer, "container", Some("container"), &["c"], "each container alone, then all"),
    in_logs(Id::LogTenant, "tenant", None, &["T"], "of several tenants: each alone, then all"),
    in_logs(Id::LogHide, "hide", None, &["-"], "hide the container of this line"),
    in_logs(Id::LogShowAll, "show-all", None, &["="], "show all containers"),
    in_logs(Id::LogError, "error", Some("error"), &["e"], "to the next error; while following, to the first one"),
    in_logs(Id::LogLevel, "level", None, &["L"], "only warnings and errors, only errors, all"),
    in_logs(Id::LogWrap, "wrap", Some("wrap"), &["w"], "wrap long lines, or cut them"),
    in_logs(Id::LogTimes, "times", Some("times"), &["t"], "times: none, of the day (UTC), ages, gaps between lines"),
    in_logs(Id::LogOpen, "open-line", None, &["enter"], "open a line of JSON to its fields, and close it"),
    in_logs(Id::LogJson, "json", None, &["J"], "JSON as message and fields, or as it is"),
    in_logs(Id::LogColours, "colours", None, &["a"], "the containers' own colours, as colours only"),
    in_logs(Id::LogFull, "full", None, &["f"], "the whole screen, or with header and footer"),
    in_logs(Id::LogRight, "right", None, &["right"], "further right in long lines"),
    in_logs(Id::LogLeft, "left", None, &["left"], "back to the left"),
    in_logs(Id::LogMark, "mark", None, &["space"], "mark the line, or take the mark off"),
    in_logs(Id::LogNextMark, "next-mark", None, &["m"], "to the next marked line"),
    in_logs(Id::LogCopy, "copy-lines", None, &["y"], "copy the marked lines, or this one (OSC 52)"),
    in_logs(Id::LogSave, "save", None, &["ctrl-s"], "save what is shown to a file in the folder we were started in"),
    in_logs(Id::LogInstance, "instance", None, &["p"], "the instances before the present ones, and back"),
    in_logs(Id::LogReach(0), "last-lines", None, &["0"], "read anew: the last 500 lines of each container"),
    in_logs(Id::LogReach(1), "last-1m", None, &["1"], "read anew: the last minute"),
    in_logs(Id::LogReach(2), "last-5m", None, &["2"], "read anew: the last 5 minutes"),
    in_logs(Id::LogReach(3), "last-15m", None, &["3"], "read anew: the last 15 minutes"),
    in_logs(Id::LogReach(4), "last-1h", None, &["4"], "read anew: the last hour"),
    in_logs(Id::LogReach(5), "all-lines", None, &["5"], "read anew: all that is there"),
    Command {
        id: Id::Palette,
        name: "palette",
        hint: Some("all commands"),
        help: "find a command by its words",
        keys: &[":"],
        places: WITH_PALETTE,
        listed: false,
        ..LOOK
    },
    Command {
        id: Id::Help,
        name: "help",
        hint: Some("help"),
        help: "the keys that work here, and what the columns mean",
        keys: &["?"],
        places: PAGES,
        ..LOOK
    },
    Command {
        id: Id::Contexts,
        name: "ctx",
        hint: None,
        help: "switch to another context of the kubeconfig",
        keys: &["C"],
        enabled: other_contexts,
        ..LOOK
    },
    Command {
        id: Id::Sources,
        name: "sources",
        hint: None,
        help: "how fresh each watched kind is, and what may not be read",
        keys: &["S"],
        ..LOOK
    },
    Command {
        id: Id::Retry,
        name: "retry",
        hint: None,
        help: "try now what waits: broken connections, and what was forbidden",
        keys: &["ctrl-r"],
        places: PAGES,
        ..LOOK
    },
    Command { id: Id::Theme, name: "theme", hint: None, help: "the next theme", keys: &["t"], ..LOOK },
    Command {
        id: Id::Glyphs,
        name: "glyphs",
        hint: None,
        help: "Unicode or ASCII glyphs",
        keys: &[],
        places: WITH_PALETTE,
        ..LOOK
    },
    Command {
        id: Id::Up,
        name: "up",
        hint: None,
        help: "one line up",
        keys: &["up", "k"],
        places: PAGES,
        listed: false,
        ..LOOK
    },
    Command {
        id: Id::Down,
        name: "down",
        hint: None,
        help: "one line down",
        keys: &["down", "j"],
        places: PAGES,
        listed: false,
        ..LOOK
    },
    Command {
        id: Id::PageUp,
        name: "page-up",
        hint: None,
        help: "one page up",
        keys: &["pgup", "ctrl-b"],
        places: PAGES,
        listed: false,
        ..LOOK
    },
    Command {
        id: Id::PageDown,
        name: "page-down",
        hint: None,
        help: "one page down",
        keys: &["pgdn", "ctrl-f"],
        places: PAGES,
        listed: false,
        ..LOOK
    },
    Command {
        id: Id::Top,
        name: "top",
        hint: None,
        help: "to the first line",
        keys: &["home", "g"],
        places: PAGES,
        listed: false,
        ..LOOK
    },
    Command {
        id: Id::Bottom,
        name: "bottom",
        hint: None,
        help: "to the last line",
        keys: &["end", "G"],
        places: PAGES,
        listed: false,
        ..LOOK
    },
    Command {
        id: Id::PickUp,
        name: "pick-up",
        hint: None,
        help: "the choice above",
        keys: &["up", "ctrl-p"],
        places: FIELDS,
        listed: false,
        ..LOOK
    },
    Command {
        id: Id::PickDown,
        name: "pick-down",
        hint: None,
        help: "the choice below",
        keys: &["down", "ctrl-n"],
        places: FIELDS,
        listed: false,
        ..LOOK
    },
    Command {
        id: Id::Redraw,
        name: "redraw",
        hint: None,
        help: "draw the whole screen anew",
        keys: &["ctrl-l"],
        places: &Place::ALL,
        listed: false,
        ..LOOK
    },
    Command {
        id: Id::Suspend,
        name: "suspend",
        hint: None,
        help: "back to the shell; `fg` returns",
        keys: &["ctrl-z"],
        places: &Place::ALL,
        listed: false,
        ..LOOK
    },
    Command {
        id: Id::Quit,
        name: "quit",
        hint: Some("quit"),
        help: "leave (q only in the fleet, ctrl-c anywhere)",
        keys: &["q"],
        places: &[Place::Fleet],
        ..LOOK
    },
    Command {
        id: Id::Quit,
        name: "quit!",
        hint: None,
        help: "leave from anywhere",
        keys: &["ctrl-c"],
        places: &Place::ALL,
        listed: false,
        ..LOOK
    },
];

impl Command {
    pub(crate) fn of(id: Id) -> Option<&'static Self> {
        COMMANDS.iter().find(|c| c.id == id)
    }

    /// It opens the page that one is on already.
    pub(crate) fn leads_to(&self, place: Place) -> bool {
        let page = match self.id {
            Id::Findings => Place::Findings,
            Id::Volumes => Place::Volumes,
            Id::Capacity => Place::Capacity,
            Id::Boots => Place::Boots,
            Id::Events => Place::Events,
            Id::Changes => Place::Changes,
            _ => return false,
        };
        page == place
    }

    /// The commands of a place, in the table's order.
    pub(crate) fn at(place: Place) -> impl Iterator<Item = &'static Self> {
        COMMANDS.iter().filter(move |c| c.places.contains(&place))
    }
}

/// The README's key table.
pub fn key_table_markdown() -> String {
    let mut out = String::from("| key | command | where | what it does |\n|---|---|---|---|\n");
    for command in COMMANDS {
        let keys: Vec<_> = command.keys.iter().map(|k| format!("`{k}`")).collect();
        let places: Vec<_> = command.places.iter().map(|p| p.title()).collect();
        let everywhere = command.places.len() == Place::ALL.len();
        let row = [
            keys.join(" "),
            if command.listed { format!("`:{}`", command.name) } else { command.name.to_owned() },
            if everywhere { "everywhere".to_owned() } else { places.join(", ") },
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
        for command in COMMANDS {
            assert!(!command.keys.is_empty() || command.listed, "{} has no way in", command.name);
            assert!(!command.help.is_empty() && !command.name.is_empty() && !command.places.is_empty());
        }
        for place in Place::ALL {
            assert!(Command::at(place).any(|c| c.id == Id::Back), "{place:?} cannot be left");
            assert!(Command::at(place).any(|c| c.keys.contains(&"ctrl-c")), "{place:?} cannot be quit");
        }
    }

    #[test]
    fn names_are_unique() {
        for (i, command) in COMMANDS.iter().enumerate() {
            assert!(COMMANDS[i + 1..].iter().all(|c| c.name != command.name), "{}", command.name);
        }
    }

    #[test]
    fn the_readme_table_has_a_row_for_each() {
        let table = key_table_markdown();
        assert_eq!(table.lines().count(), COMMANDS.len() + 2);
        assert!(table.contains("| `/` | `:filter` | fleet | filter while typing"), "{table}");
    }
}
