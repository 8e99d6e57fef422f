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
    let page = view::fleet::rows(state.inner());
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

/// Marks the selected tenant, or takes its mark off, and goes on to the next.
pub(super) fn mark(state: &mut State) {
    let Some(who) = state.list.current().cloned() else {
        state.inform("no tenant is selected");
        return;
    };
    state.marks.toggle(who);
    let page = view::fleet::rows(state.inner());
    state.list.step(&state.fleet, 1, page);
}

/// Marks all that are shown; where they are marked already, takes their marks off.
pub(super) fn mark_all(state: &mut State) {
    let namespaces = match state.views.last() {
        Some(View::Cause { cause, .. }) => view::findings::tenants(&state.board.causes(), cause),
        _ => state.list.order.clone(),
    };
    let shown: Vec<Who> =
        namespaces.iter().filter_map(|n| state.fleet.get(n)).map(|entry| Who::of(&entry.tenant)).collect();
    let all = shown.iter().all(|who| state.marks.iter().any(|marked| marked == who));
    for who in shown {
        if all {
            state.marks.take_off(&who.namespace);
        } else {
            state.marks.put(who);
        }
    }
    let marked = state.marks.len();
    state.inform(if marked == 1 { "1 tenant is marked".to_owned() } else { format!("{marked} tenants are marked") });
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
    let page = view::fleet::rows(state.inner());
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
