//! The palette: every command of the view, found by its words.

use ratatui::layout::Rect;

use crate::tui::{
    state::{State, overlay::Picker},
    theme::Role,
    update::pick::{self, Pick},
    widget::{
        boxed,
        paint::{Align, Paint},
    },
};

const WIDTH: u16 = 90;
const HEIGHT: u16 = 18;

pub(crate) fn draw(paint: &mut Paint<'_>, state: &State, picker: &Picker, screen: Rect) {
    let picks = pick::commands(state, picker.field.text());
    list(paint, picker, &picks, "commands", ":", screen);
}

/// A field over the rows that match it, one of them chosen.
pub(super) fn list(paint: &mut Paint<'_>, picker: &Picker, picks: &[Pick], title: &str, lead: &str, screen: Rect) {
    list_in(paint, picker, picks, title, lead, boxed::centred(screen, WIDTH, HEIGHT));
}

/// A box with room for so many rows.
pub(super) fn for_rows(rows: usize, screen: Rect) -> Rect {
    let height = u16::try_from(rows).unwrap_or(u16::MAX).saturating_add(3).min(HEIGHT);
    boxed::centred(screen, WIDTH, height)
}

pub(super) fn list_in(paint: &mut Paint<'_>, picker: &Picker, picks: &[Pick], title: &str, lead: &str, area: Rect) {
    let foot = [(" enter ", Role::Key), ("takes it ", Role::Hint), (" esc ", Role::Key), ("closes ", Role::Hint)];
    let inner = boxed::draw(paint, area, title, &foot);
    if inner.height < 2 {
        return;
    }
    let x = paint.text(inner.x, inner.y, inner.right(), lead, Role::Key);
    picker.field.draw(paint, Rect { x, height: 1, width: inner.right().saturating_sub(x), ..inner });
    let rows = usize::from(inner.height - 1);
    let offset = (picker.at + 1).saturating_sub(rows);
    if picks.is_empty() {
        paint.text(inner.x, inner.y + 1, inner.right(), "nothing matches", Role::Dim);
    }
    for (y, (i, pick)) in (inner.y + 1..inner.bottom()).zip(picks.iter().enumerate().skip(offset)) {
        let usable = pick.why_not.is_none();
        let name = paint.skin.style(Role::Selected);
        paint.cell(inner.x + 1, y, 20, &pick.name, Align::Left, if usable { Role::Text } else { Role::Dim });
        let about = pick.why_not.as_ref().map_or_else(|| pick.about.clone(), |why| format!("not now: {why}"));
        let end = inner.right().saturating_sub(u16::try_from(pick.keys.len()).unwrap_or(0) + 1);
        paint.text(inner.x + 22, y, end, &about, Role::Dim);
        paint.parts_right(inner.x, y, inner.right(), &[(&pick.keys, Role::Key)]);
        if i == picker.at {
            paint.buf.set_style(Rect { y, height: 1, ..inner }, name);
            paint.text(inner.x, y, inner.right(), paint.glyphs.pointer, Role::Key);
            paint.buf.set_style(Rect { y, height: 1, width: 1, ..inner }, name);
        }
    }
}
