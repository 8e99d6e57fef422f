//! Commands of the console itself: finding commands, moving about, looks, leaving.

use super::{
    Command, Id, LOOK,
    enabled::other_contexts,
    place::{FIELDS, PAGES, Place, Places, TURNED, WITH_PALETTE},
};

pub(super) const COMMANDS: &[Command] = &[
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
        places: TURNED,
        listed: false,
        ..LOOK
    },
    Command {
        id: Id::PageDown,
        name: "page-down",
        hint: None,
        help: "one page down",
        keys: &["pgdn", "ctrl-f"],
        places: TURNED,
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
        places: Places::of(&Place::ALL),
        listed: false,
        ..LOOK
    },
    Command {
        id: Id::Suspend,
        name: "suspend",
        hint: None,
        help: "back to the shell; `fg` returns",
        keys: &["ctrl-z"],
        places: Places::of(&Place::ALL),
        listed: false,
        ..LOOK
    },
    Command {
        id: Id::Quit,
        name: "quit",
        hint: Some("quit"),
        help: "leave (q only in the fleet, ctrl-c anywhere)",
        keys: &["q"],
        places: Places::of(&[Place::Fleet]),
        ..LOOK
    },
    Command {
        id: Id::Quit,
        name: "quit!",
        hint: None,
        help: "leave from anywhere",
        keys: &["ctrl-c"],
        places: Places::of(&Place::ALL),
        listed: false,
        ..LOOK
    },
];
