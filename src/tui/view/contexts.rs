//! The context picker.

use ratatui::layout::Rect;

use crate::tui::{
    state::{State, overlay::Picker},
    update::pick,
    widget::paint::Paint,
};

pub(crate) fn draw(paint: &mut Paint<'_>, state: &State, picker: &Picker, screen: Rect) {
    let picks = pick::contexts(state, picker.field.text());
    super::palette::list(paint, picker, &picks, "switch to another context", ":ctx ", screen);
}
