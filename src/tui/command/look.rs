//! Commands that open pages and look at tenants.

use super::{
    Command, Id, LOOK,
    enabled::{measured, probed, selected, selected_row},
    place::{ABOVE, ACCEPTED, IN_LOGS, IN_YAML, LEFT, PAGES, Place, Places, UNSEARCHED, WITH_PALETTE},
};
use crate::tui::state::ways;

/// What stands first in every footer.
pub(super) const FIRST: &[Command] = &[
    Command {
        id: Id::Open,
        name: "open",
        hint: Some("open"),
        help: "open the selected tenant; among objects, the YAML of one; among causes, the tenants of one",
        keys: &["enter", "right"],
        places: Places::of(&[Place::Fleet, Place::Volumes, Place::Objects, Place::Findings]),
        enabled: selected_row,
        ..LOOK
    },
    Command {
        id: Id::FilterBy,
        name: "filter-by",
        hint: Some("filter"),
        help: "shows the tenants that have what is chosen, in the fleet",
        keys: &["enter", "right"],
        places: Places::of(&[Place::Facets]),
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
];

pub(super) const COMMANDS: &[Command] = &[
    Command {
        id: Id::LogsShown,
        name: "logs-shown",
        hint: None,
        help: "the logs of all tenants that are marked, or else shown, of at most 50, in one order",
        keys: &["L"],
        places: Places::of(&[Place::Fleet, Place::Findings]),
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
        places: Places::of(&[Place::Tenant]),
        ..LOOK
    },
    Command {
        id: Id::Accept,
        name: "accept",
        hint: Some("accept"),
        help: "keep the filter, run the command, take the choice; in a form the next field, at the last one the plan",
        keys: &["enter"],
        places: ACCEPTED,
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
        help: "close the field; a filter is again what it was. To a question: no",
        keys: &["esc"],
        places: LEFT,
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
        places: Places::of(&[Place::Fleet]),
        ..LOOK
    },
    Command {
        id: Id::Sort,
        name: "sort",
        hint: Some("sort"),
        help: "sort by the next column",
        keys: &["o"],
        places: Places::of(&[Place::Fleet]),
        ..LOOK
    },
    Command {
        id: Id::Reverse,
        name: "reverse",
        hint: None,
        help: "turn the order round; what is unknown stays last",
        keys: &["O"],
        places: Places::of(&[Place::Fleet]),
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
        places: Places::of(&[Place::Tenant]),
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
        id: Id::Facets,
        name: "facets",
        hint: Some("facets"),
        help: "how many of the shown tenants have which phase, tier, image, node; enter filters by one",
        keys: &["#"],
        ..LOOK
    },
    Command {
        id: Id::Alert,
        name: "alert",
        hint: None,
        help: "when a tenant turns Failing: nothing, the terminal's bell, or a notification (OSC 9)",
        keys: &[],
        ..LOOK
    },
    Command {
        id: Id::Measure,
        name: "measure",
        hint: Some("measure"),
        help: "run df inside the tenant's pod: how full its volumes are, where no other source tells",
        keys: &["m"],
        places: Places::of(&[Place::Tenant, Place::Volumes]),
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
];
