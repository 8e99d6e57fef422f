//! Keys of the fleet's list.

use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};

use crate::tui::{
    command::Id,
    effect::Effect,
    state::{State, View, list::sort::Sort, who::Who},
    view,
};

/// Rows that one notch of the wheel moves.
const NOTCH: isize = 3;

pub(super) fn travel(state: &mut State, id: Id) {
    let page = view::fleet::rows(state.size);
    let by = super::lines(id, page);
    state.list.step(&state.fleet, by, page);
}

/// Opens the selected tenant; the target is who is selected now, whatever moves later.
pub(super) fn open(state: &mut State) {
    let who = match state.views.last() {
        None => state.list.current().cloned(),
        Some(_) => state.subject().map(|entry| Who::of(&entry.tenant)),
    };
    if let Some(who) = who {
        state.list.select(who.clone());
        state.views.push(View::Tenant { who, scroll: 0 });
    }
}

pub(super) fn sort(state: &mut State, sort: Sort) {
    state.list.sort = sort;
    state.list.reverse = false;
    state.list.disturb();
    state.inform(format!("sorted by {}", sort.word()));
}

pub(super) fn reverse(state: &mut State) {
    state.list.reverse = !state.list.reverse;
    state.list.disturb();
}

pub(super) fn mouse(state: &mut State, event: MouseEvent) -> Vec<Effect> {
    if !state.overlays.is_empty() || !state.views.is_empty() {
        return vec![];
    }
    let page = view::fleet::rows(state.size);
    match event.kind {
        MouseEventKind::ScrollUp => state.list.step(&state.fleet, -NOTCH, page),
        MouseEventKind::ScrollDown => state.list.step(&state.fleet, NOTCH, page),
        MouseEventKind::Down(MouseButton::Left) => {
            let line = usize::from(event.row).checked_sub(usize::from(view::fleet::FIRST_ROW));
            if let Some(row) = line.filter(|line| *line < page).map(|line| state.list.offset + line)
                && row < state.list.order.len()
            {
                state.list.go(&state.fleet, row, page);
            }
        }
        _ => {}
    }
    vec![]
}
