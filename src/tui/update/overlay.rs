//! Keys of what lies over a view: fields, choices, scrolling.

use crossterm::event::{Event, KeyEvent};
use tui_textarea::Input;

use crate::tui::{
    command::Id,
    effect::Effect,
    state::{
        State,
        overlay::{Overlay, Picker},
    },
    view,
    widget::field::Field,
};

use super::{
    pick::{self, Pick},
    seek, ways,
};

pub(super) fn open_filter(state: &mut State) {
    let before = state.list.filter.text.clone();
    state.overlays.push(Overlay::Filter { field: Field::with(&before), before });
}

/// A key that means no command: it is typed, where there is a field.
pub(super) fn typed(state: &mut State, event: KeyEvent) {
    let changed = match state.overlays.last_mut().and_then(Overlay::field) {
        Some(field) => field.input(Input::from(Event::Key(event))),
        None => return,
    };
    if changed {
        rewritten(state);
    }
}

pub(super) fn paste(state: &mut State, text: &str) {
    match state.overlays.last_mut().and_then(Overlay::field) {
        Some(field) => field.paste(text),
        // Outside of a field pasted text would be a volley of commands.
        None => {
            state.inform("pasted text is ignored here: open a field first, such as the filter with /");
            return;
        }
    }
    rewritten(state);
}

/// The top field's text is a new one.
fn rewritten(state: &mut State) {
    match state.overlays.last_mut() {
        Some(Overlay::Filter { field, .. }) => {
            let text = field.text().to_owned();
            state.list.filter_by(&text);
        }
        Some(Overlay::Pattern { asked, field, .. }) => {
            let (asked, text) = (*asked, field.text().to_owned());
            if seek::is_here(state) {
                seek::typed(state, &text);
            } else {
                super::logs::typed(state, asked, &text);
            }
        }
        Some(choice) => {
            if let Some(picker) = choice.picker() {
                picker.at = 0;
            }
        }
        None => {}
    }
}

/// Moves the choice; under the filter's field, the selection in the fleet.
pub(super) fn pick(state: &mut State, id: Id) {
    let by = super::lines(id, 1);
    let count = picks(state).map_or(0, |picks| picks.len());
    match state.overlays.last_mut() {
        Some(Overlay::Filter { .. }) => {
            let page = view::fleet::rows(state.inner());
            state.list.step(&state.fleet, by, page);
        }
        Some(choice) => {
            if let Some(picker) = choice.picker() {
                picker.at = picker.at.saturating_add_signed(by).min(count.saturating_sub(1));
            }
        }
        None => {}
    }
}

fn picks(state: &State) -> Option<Vec<Pick>> {
    match state.overlays.last()? {
        Overlay::Palette(picker) => Some(pick::commands(state, picker.field.text())),
        Overlay::Contexts(picker) => Some(pick::contexts(state, picker.field.text())),
        Overlay::Rooms(of) => Some(ways::rooms(of, of.picker.field.text())),
        Overlay::Doors(of) => Some(ways::doors(state, of, of.picker.field.text())),
        _ => None,
    }
}

pub(super) fn accept(state: &mut State) -> Vec<Effect> {
    let picks = picks(state);
    match state.overlays.pop() {
        Some(Overlay::Filter { field, before }) => {
            let text = field.text().trim().to_owned();
            state.list.filter_by(&text);
            // Of a wrong filter only a part is in force: what is marked then would be more than is meant.
            if state.list.filter.error.is_some() {
                state.overlays.push(Overlay::Filter { field, before });
                state.inform("that is no filter yet: esc brings back the one before");
            }
            vec![]
        }
        Some(Overlay::Pattern { field, .. }) if seek::is_here(state) => {
            seek::typed(state, field.text());
            seek::accepted(state);
            vec![]
        }
        Some(Overlay::Pattern { asked, field, .. }) => {
            super::logs::typed(state, asked, field.text());
            match state.logs.as_ref().and_then(|l| l.error.clone()) {
                Some(why) => state.fail(format!("{:?} is no {}: {why}", field.text(), asked.noun())),
                None => super::logs::asked(state, asked, field.text()),
            }
            vec![]
        }
        Some(Overlay::Rooms(of)) => match picks.unwrap_or_default().get(of.picker.at) {
            Some(chosen) => ways::enter(state, of.rooms, chosen.argument.as_deref()),
            None => nothing(state, &of.picker),
        },
        Some(Overlay::Doors(of)) => match picks.unwrap_or_default().get(of.picker.at) {
            Some(Pick { why_not: Some(why), .. }) => {
                state.inform(why.clone());
                vec![]
            }
            Some(chosen) => ways::choose(state, of, chosen),
            None => nothing(state, &of.picker),
        },
        Some(Overlay::Palette(picker) | Overlay::Contexts(picker)) => {
            let chosen = picks.unwrap_or_default().into_iter().nth(picker.at);
            match chosen {
                Some(pick) => super::run(state, pick.id, pick.argument.as_deref()),
                None => nothing(state, &picker),
            }
        }
        Some(other) => {
            let is_form = matches!(other, Overlay::Form(_));
            state.overlays.push(other);
            if is_form { super::act::submit(state) } else { vec![] }
        }
        None => vec![],
    }
}

fn nothing(state: &mut State, picker: &Picker) -> Vec<Effect> {
    state.inform(format!("nothing here is called {:?}", picker.field.text()));
    vec![]
}

pub(super) fn scroll(state: &mut State, id: Id) {
    if let Some(Overlay::Confirm(_)) = state.overlays.last() {
        super::act::scroll(state, id);
        return;
    }
    let (lines, page) = view::help::extent(state);
    let last = lines.saturating_sub(page);
    if let Some(Overlay::Help { scroll }) = state.overlays.last_mut() {
        *scroll = scroll.saturating_add_signed(super::lines(id, page)).min(last);
    }
}
