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

pub(crate) fn draw_rooms(paint: &mut Paint<'_>, of: &Rooms, screen: Rect) {
    let picks = ways::rooms(of, of.picker.field.text());
    let title = format!("shell: {}", of.who);
    super::palette::list(paint, &of.picker, &picks, &title, "container ", screen);
}

pub(crate) fn draw_doors(paint: &mut Paint<'_>, state: &State, of: &Doors, screen: Rect) {
    let picks = ways::doors(state, of, of.picker.field.text());
    let title = match &of.target {
        Some(target) => format!("forward: {}", target.id),
        None => "forwards".to_owned(),
    };
    super::palette::list(paint, &of.picker, &picks, &title, ":", screen);
}
