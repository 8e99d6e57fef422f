//! A form: a line per field, and below what is wrong with it as it is.

use ratatui::layout::Rect;

use crate::tui::{
    state::form::{Form, Verb},
    theme::Role,
    widget::{
        boxed,
        paint::{Align, Paint},
        wrap::hang,
    },
};

const WIDTH: u16 = 96;
const LABEL: u16 = 13;

pub(crate) fn draw(paint: &mut Paint<'_>, form: &Form, screen: Rect) {
    let lines = u16::try_from(form.lines.len()).unwrap_or(0);
    // What is said of a field takes two lines where the box is narrow and there is room.
    let words = if screen.width < WIDTH && lines + 7 <= screen.height { 2 } else { 1 };
    let area = boxed::centred(screen, WIDTH, lines + 3 + 2 * words);
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
    for (y, (number, line)) in
        (inner.y..inner.bottom().saturating_sub(1 + 2 * words)).zip(form.lines.iter().enumerate())
    {
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
    let mut say = |from: u16, text: &str, role: Role| {
        let room = Rect { y: inner.bottom().saturating_sub(from), height: words, ..inner };
        let lines = hang(text, usize::from(room.width));
        let (last, before) = (usize::from(words) - 1, lines.iter().take(usize::from(words) - 1));
        for (y, line) in (room.y..).zip(before) {
            paint.text(room.x, y, room.right(), line, role);
        }
        // What does not fit is cut there, and seen to be.
        let rest: Vec<&str> = lines.iter().skip(last).map(|line| line.trim_start()).collect();
        let y = room.y + u16::try_from(last.min(lines.len().saturating_sub(1))).unwrap_or(0);
        if !rest.is_empty() {
            paint.text(room.x, y, room.right(), &rest.join(" "), role);
        }
    };
    if let Some(line) = form.lines.get(form.at) {
        say(2 * words, &format!("{}: {}", line.slot.label(), form.about(line.slot)), Role::Dim);
    }
    match form.complete() {
        Ok(_) => say(words, "everything that is needed is there", Role::Ok),
        // What was not reached yet is not wrong, only empty.
        Err((slot, _)) if form.text(slot).is_empty() => {
            say(words, &format!("still needed: {}", slot.label()), Role::Dim);
        }
        Err((slot, why)) => say(words, &format!("{}: {why}", slot.label()), Role::Warn),
    }
}
