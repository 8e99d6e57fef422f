//! What lies over a view: a stack, the top one has the keys.

use super::{
    asking::Asking,
    confirm::Confirm,
    form::Form,
    ways::{Doors, Rooms},
};
use crate::tui::{command::Place, widget::field::Field};

#[derive(Clone, Debug)]
pub(crate) enum Overlay {
    /// The filter's field; `before` is what Esc brings back.
    Filter {
        field: Field,
        before: String,
    },
    /// A pattern over the lines of logs; `before` is what Esc brings back.
    Pattern {
        asked: Asked,
        field: Field,
        before: String,
    },
    Palette(Picker),
    Contexts(Picker),
    Rooms(Rooms),
    Doors(Doors),
    Sources,
    Help {
        scroll: usize,
    },
    Form(Box<Form>),
    Confirm(Box<Confirm>),
    /// Whether to leave although runs of ours are under way.
    Leave,
    /// Whether an order to a run is meant.
    Asking(Box<Asking>),
}

/// What a pattern is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    /// To be found.
    Search,
    /// To show only what matches.
    Only,
    /// To show only what does not match.
    Not,
    /// A moment to go to.
    Time,
}

impl Asked {
    pub(crate) fn sign(self) -> &'static str {
        match self {
            Self::Search => "/",
            Self::Only => "&",
            Self::Not => "!",
            Self::Time => "@",
        }
    }

    pub(crate) fn noun(self) -> &'static str {
        if self == Self::Time { "time" } else { "pattern" }
    }
}

/// A field and a choice among the rows that match it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Picker {
    pub(crate) field: Field,
    pub(crate) at: usize,
}

impl Overlay {
    pub(crate) fn place(&self) -> Place {
        match self {
            Self::Filter { .. } | Self::Pattern { .. } => Place::Filter,
            Self::Palette(_) => Place::Palette,
            // Choices all: the same keys.
            Self::Contexts(_) | Self::Rooms(_) | Self::Doors(_) => Place::Contexts,
            Self::Sources => Place::Sources,
            Self::Help { .. } => Place::Help,
            Self::Form(_) => Place::Form,
            Self::Confirm(confirm) if confirm.wanted().is_some() => Place::ConfirmNames,
            Self::Confirm(_) => Place::Confirm,
            Self::Asking(asking) if asking.wanted().is_some() => Place::ConfirmNames,
            Self::Leave | Self::Asking(_) => Place::Leave,
        }
    }

    pub(crate) fn field(&mut self) -> Option<&mut Field> {
        match self {
            Self::Filter { field, .. } | Self::Pattern { field, .. } => Some(field),
            Self::Form(form) => form.field(),
            Self::Asking(asking) => asking.wanted().is_some().then_some(&mut asking.field),
            Self::Confirm(confirm) => confirm.wanted().is_some().then_some(&mut confirm.field),
            Self::Sources | Self::Help { .. } | Self::Leave => None,
            choice => choice.picker().map(|picker| &mut picker.field),
        }
    }

    pub(crate) fn picker(&mut self) -> Option<&mut Picker> {
        match self {
            Self::Palette(picker) | Self::Contexts(picker) => Some(picker),
            Self::Rooms(rooms) => Some(&mut rooms.picker),
            Self::Doors(doors) => Some(&mut doors.picker),
            _ => None,
        }
    }
}
