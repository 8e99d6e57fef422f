//! What lies over a view: a stack, the top one has the keys.

use crate::tui::{command::Place, widget::field::Field};

#[derive(Clone, Debug)]
pub(crate) enum Overlay {
    /// The filter's field; `before` is what Esc brings back.
    Filter {
        field: Field,
        before: String,
    },
    Palette(Picker),
    Contexts(Picker),
    Sources,
    Help {
        scroll: usize,
    },
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
            Self::Filter { .. } => Place::Filter,
            Self::Palette(_) => Place::Palette,
            Self::Contexts(_) => Place::Contexts,
            Self::Sources => Place::Sources,
            Self::Help { .. } => Place::Help,
        }
    }

    pub(crate) fn field(&mut self) -> Option<&mut Field> {
        match self {
            Self::Filter { field, .. } => Some(field),
            Self::Palette(picker) | Self::Contexts(picker) => Some(&mut picker.field),
            Self::Sources | Self::Help { .. } => None,
        }
    }
}
