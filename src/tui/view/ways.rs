//! Choices of a way into a tenant's pod.

use ratatui::layout::Rect;

use crate::tui::{
    state::{
        State,
        ways::{Doors, Rooms},
    },
    update::ways,
    widget::paint::Paint,
};

use super::palette;

pub(crate) fn draw_rooms(paint: &mut Paint<'_>, of: &Rooms, screen: Rect) {
    let picks = ways::rooms(of, of.picker.field.text());
    let title = format!("shell: {}", of.who);
    let area = palette::for_rows(of.rooms.len(), screen);
    palette::list_in(paint, &of.picker, &picks, &title, "container ", area);
}

pub(crate) fn draw_doors(paint: &mut Paint<'_>, state: &State, of: &Doors, screen: Rect) {
    let picks = ways::doors(state, of, of.picker.field.text());
    let title = match &of.target {
        Some(target) => format!("forward: {}", target.id),
        None => "forwards".to_owned(),
    };
    // Its height is that of all rows, whatever is typed.
    let area = palette::for_rows(ways::doors(state, of, "").len(), screen);
    palette::list_in(paint, &of.picker, &picks, &title, "port ", area);
}
