//! A form: a line per field, and below what is wrong with it as it is.

use ratatui::layout::Rect;

use crate::tui::{
    state::form::{Form, Verb},
    theme::Role,
    widget::{
        boxed,
        paint::{Align, Paint},
    },
};

const WIDTH: u16 = 96;
const LABEL: u16 = 13;

pub(crate) fn draw(paint: &mut Paint<'_>, form: &Form, screen: Rect) {
    let height = u16::try_from(form.lines.len()).unwrap_or(0) + 5;
    let area = boxed::centred(screen, WIDTH, height);
    let last = match (form.is_last(), form.verb) {
        (true, Verb::Skip) => "leaves it out ",
        (true, _) => "shows the plan ",
        (false, _) => "next ",
    };
    let foot = [
        (" enter ", Role::Key),
        (last, Role::Hint),
        (" tab ", Role::Key),
        ("next ", Role::Hint),
        (" shift-tab ", Role::Key),
        ("before ", Role::Hint),
        (" esc ", Role::Key),
        ("closes ", Role::Hint),
    ];
    let inner = boxed::draw(paint, area, &form.title(), &foot);
    let width = inner.width.saturating_sub(LABEL + 1);
    for (y, (number, line)) in (inner.y..inner.bottom().saturating_sub(3)).zip(form.lines.iter().enumerate()) {
        let here = number == form.at;
        let role = if here { Role::Key } else { Role::Text };
        paint.cell(inner.x, y, LABEL, line.slot.label(), Align::Left, role);
        let place = Rect { x: inner.x + LABEL, y, width, height: 1 };
        let shown = if line.slot.is_secret() {
            paint.glyphs.dot.repeat(line.field.text().chars().count())
        } else {
            String::new()
        };
        match (here, line.slot.is_secret()) {
            (true, true) => line.field.draw_hidden(paint, place),
            (true, false) => line.field.draw(paint, place),
            (false, true) => drop(paint.text(place.x, y, place.right(), &shown, Role::Field)),
            (false, false) => drop(paint.text(place.x, y, place.right(), line.field.text(), Role::Field)),
        }
    }
    let y = inner.bottom().saturating_sub(1);
    if let Some(line) = form.lines.get(form.at) {
        let about = format!("{}: {}", line.slot.label(), form.about(line.slot));
        paint.text(inner.x, y.saturating_sub(1), inner.right(), &about, Role::Dim);
    }
    match form.complete() {
        Ok(_) => paint.text(inner.x, y, inner.right(), "everything that is needed is there", Role::Ok),
        // What was not reached yet is not wrong, only empty.
        Err((slot, _)) if form.text(slot).is_empty() => {
            paint.text(inner.x, y, inner.right(), &format!("still needed: {}", slot.label()), Role::Dim)
        }
        Err((slot, why)) => paint.text(inner.x, y, inner.right(), &format!("{}: {why}", slot.label()), Role::Warn),
    };
}
