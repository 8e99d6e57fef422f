//! Drawing: the state as a frame. Pure; only visible rows are built.

mod asking;
pub(crate) mod capacity;
pub(crate) mod confirm;
pub(crate) mod contexts;
pub(crate) mod facets;
pub(crate) mod findings;
pub(crate) mod fleet;
pub(crate) mod footer;
mod form;
pub(crate) mod header;
pub(crate) mod help;
mod leave;
pub(crate) mod logs;
pub(crate) mod page;
pub(crate) mod palette;
pub(crate) mod run;
pub(crate) mod run_line;
pub(crate) mod runs;
pub(crate) mod sources;
pub(crate) mod tenant;
pub(crate) mod volumes;
pub(crate) mod ways;

use ratatui::{buffer::Buffer, layout::Rect};

use crate::fleet::At;

use super::{
    state::{State, View, overlay::Overlay},
    theme::Role,
    widget::paint::Paint,
};

/// Everything is said in this much; less leaves things out, in a stated order.
pub(crate) const COMFORTABLE: (u16, u16) = (80, 24);
/// Below this nothing can be read.
const LEAST: (u16, u16) = (40, 10);

/// Draws one frame; returns when the first age in it will read differently.
pub(crate) fn draw(state: &State, buf: &mut Buffer) -> Option<At> {
    let area = buf.area;
    let mut paint = Paint::new(buf, &state.looks.skin, state.looks.glyphs.glyphs(), state.now);
    paint.blank(area);
    if area.width < LEAST.0 || area.height < LEAST.1 {
        too_small(&mut paint, area);
        return None;
    }
    let chrome = header::HEIGHT + footer::HEIGHT + run_line::height(state);
    let body = Rect { y: area.y + header::HEIGHT, height: area.height - chrome, ..area };
    let full = matches!(state.views.last(), Some(View::Logs)) && state.logs.as_ref().is_some_and(|l| l.full);
    let body = if full { area } else { body };
    if !full {
        header::draw(&mut paint, state, area);
    }
    match state.views.last() {
        Some(View::Logs) => logs::draw(&mut paint, state, body),
        None => fleet::draw(&mut paint, state, body),
        Some(View::Page { page, scroll }) => page::draw(&mut paint, state, page, *scroll, body),
        Some(View::Tenant { who, scroll }) => tenant::draw(&mut paint, state, who, *scroll, body),
        Some(View::Findings { pick }) => findings::draw(&mut paint, state, pick, body),
        Some(View::Cause { cause, pick }) => findings::draw_cause(&mut paint, state, cause, pick, body),
        Some(View::Capacity { scroll }) => capacity::draw(&mut paint, state, *scroll, body),
        Some(View::Facets { pick }) => facets::draw(&mut paint, state, pick, body),
        Some(View::Volumes(page)) => volumes::draw(&mut paint, state, page, body),
        Some(View::Runs { pick }) => runs::draw(&mut paint, state, pick, body),
        Some(View::Run { id, scroll }) => run::draw(&mut paint, state, id, *scroll, body),
    }
    if !full {
        run_line::draw(&mut paint, state, area);
        footer::draw(&mut paint, state, area);
    }
    for overlay in &state.overlays {
        match overlay {
            // Their fields are part of the header, or of the page.
            Overlay::Filter { .. } | Overlay::Pattern { .. } => {}
            Overlay::Palette(picker) => palette::draw(&mut paint, state, picker, area),
            Overlay::Contexts(picker) => contexts::draw(&mut paint, state, picker, area),
            Overlay::Rooms(of) => ways::draw_rooms(&mut paint, of, area),
            Overlay::Doors(of) => ways::draw_doors(&mut paint, state, of, area),
            Overlay::Sources => sources::draw(&mut paint, state, area),
            Overlay::Help { scroll } => help::draw(&mut paint, state, *scroll, area),
            Overlay::Form(form) => form::draw(&mut paint, form, area),
            Overlay::Confirm(confirm) => confirm::draw(&mut paint, confirm, area),
            Overlay::Leave => leave::draw(&mut paint, state, area),
            Overlay::Asking(asking) => asking::draw(&mut paint, state, asking, area),
        }
    }
    paint.wake
}

fn too_small(paint: &mut Paint<'_>, area: Rect) {
    let (width, height) = LEAST;
    let lines = [format!("{}x{} is too small:", area.width, area.height), format!("{width}x{height} at least")];
    for (y, line) in (area.top()..area.bottom()).zip(&lines) {
        paint.text(area.x, y, area.right(), line, Role::Warn);
    }
}
