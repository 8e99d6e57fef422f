//! The fleet: one row per tenant, only the visible ones are built.

mod cell;
pub(crate) mod column;
mod empty;

use ratatui::layout::Rect;

use crate::{
    diagnose::{headline, kept_down},
    fleet::Phase,
    index::Entry,
    tui::{glyph::Glyphs, state::State, theme::Role, widget::paint::Paint},
};

use self::column::{Column, Placed};
use super::{footer, header};

/// Line of the first row on screen.
pub(crate) const FIRST_ROW: u16 = header::HEIGHT + 1;

/// Rows that fit on a screen of this size.
pub(crate) fn rows(size: (u16, u16)) -> usize {
    usize::from(size.1.saturating_sub(FIRST_ROW + footer::HEIGHT))
}

/// The style of a phase, by [`crate::fleet::Phase::rank`].
pub(crate) fn phase_role(rank: usize) -> Role {
    const ROLES: [Role; 11] = [
        Role::PhaseFailing,
        Role::PhaseDegraded,
        Role::PhaseUnknown,
        Role::PhaseCreating,
        Role::PhaseBooting,
        Role::PhaseStarting,
        Role::PhaseUpdating,
        Role::PhaseTerminating,
        Role::PhaseReady,
        Role::PhaseSuspended,
        Role::PhaseParked,
    ];
    ROLES.get(rank).copied().unwrap_or(Role::PhaseUnknown)
}

/// Style and glyph of a phase; of somebody who is kept down those of who fails.
pub(crate) fn phase_look(glyphs: &Glyphs, phase: &Phase, kept_down: bool) -> (Role, &'static str) {
    let rank = if kept_down { Phase::Failing.rank() } else { phase.rank() };
    (phase_role(rank), glyphs.phase_rank(rank))
}

pub(crate) fn draw(paint: &mut Paint<'_>, state: &State, area: Rect) {
    let list = &state.list;
    if list.order.is_empty() {
        empty::draw(paint, state, area);
        return;
    }
    let columns = column::plan(area.width);
    titles(paint, state, area, &columns);
    let lines = area.top() + 1..area.bottom();
    for (y, (row, namespace)) in lines.zip(list.order.iter().enumerate().skip(list.offset)) {
        if let Some(entry) = state.fleet.get(namespace) {
            self::row(paint, state, entry, &columns, Rect { y, height: 1, ..area });
        }
        if row == list.at {
            let selected = paint.style(Role::Selected);
            paint.buf.set_style(Rect { y, height: 1, ..area }, selected);
            let marked = state.fleet.get(namespace).is_some_and(|entry| state.marks.has(&entry.tenant));
            let glyph = if marked { paint.glyphs.mark } else { paint.glyphs.pointer };
            paint.text(area.x, y, area.right(), glyph, Role::Key);
            paint.buf.set_style(Rect { y, height: 1, width: 1, ..area }, selected);
        }
    }
}

fn titles(paint: &mut Paint<'_>, state: &State, area: Rect, columns: &[Placed]) {
    let columns_style = paint.style(Role::Columns);
    paint.buf.set_style(Rect { height: 1, ..area }, columns_style);
    for placed in columns {
        let (title, align) = placed.column.title(paint.glyphs);
        paint.cell(area.x + placed.x, area.y, placed.width, title, align, Role::Columns);
    }
    // Where in the list we are, once it is longer than the screen.
    let (page, total) = (usize::from(area.height.saturating_sub(1)), state.list.order.len());
    if total > page {
        let (first, last) = (state.list.offset + 1, (state.list.offset + page).min(total));
        let text = format!(" {first}-{last} of {total}");
        paint.parts_right(area.x, area.y, area.right(), &[(&text, Role::Columns)]);
    }
}

fn row(paint: &mut Paint<'_>, state: &State, entry: &Entry, columns: &[Placed], line: Rect) {
    let stale = state.stale().is_some();
    let findings = state.board.of(&entry.tenant.namespace_name);
    let kept_down = kept_down(&entry.verdict.phase, findings);
    let (phase, glyph) = phase_look(paint.glyphs, &entry.verdict.phase, kept_down.is_some());
    paint.text(line.x + 1, line.y, line.right(), glyph, if stale { Role::Stale } else { phase });
    if stale {
        paint.text(line.x + 2, line.y, line.right(), paint.glyphs.stale, Role::Stale);
    }
    if state.marks.has(&entry.tenant) {
        paint.text(line.x, line.y, line.right(), paint.glyphs.mark, Role::Key);
    }
    let narrow = columns.iter().any(|c| c.column == Column::Phase);
    let finding = headline(findings);
    for placed in columns {
        let of = cell::Subject { entry, history: state.fleet.history(), finding, kept_down, narrow };
        cell::draw(paint, &of, placed, line.x, line.y);
    }
    if stale {
        // What is shown is of the past: dimmed, and marked beside its glyph.
        let style = paint.style(Role::Stale);
        paint.buf.set_style(line, style);
    }
}

/// A short text in its column.
fn put(paint: &mut Paint<'_>, placed: &Placed, x: u16, y: u16, text: &str, role: Role) {
    let (_, align) = placed.column.title(paint.glyphs);
    paint.cell(x + placed.x, y, placed.width, text, align, role);
}

/// What stands for "not known": never 0, never empty.
const UNKNOWN: &str = "-";

#[cfg(test)]
mod tests;
