//! Keys of the pages of lines.

use crate::tui::{
    ask::{Answer, Ask},
    command::Id,
    effect::Effect,
    state::{Page, State, View, seek::Seek, who::Who},
    view,
};

/// Opens a page, or goes back to it where it lies below; what it shows is read anew.
pub(super) fn go(state: &mut State, page: Page) -> Vec<Effect> {
    if matches!(page, Page::Yaml(..)) {
        state.seek = Seek::default();
    }
    let is = |view: &View| matches!(view, View::Page { page: other, .. } if *other == page);
    let ask = page.ask();
    match state.views.iter().position(is) {
        Some(below) => state.views.truncate(below + 1),
        None => state.views.push(View::Page { page, scroll: 0 }),
    }
    look(state, ask)
}

/// Goes back to the view that is there already, else opens it above the others.
pub(super) fn above(state: &mut State, is: fn(&View) -> bool, view: View) {
    match state.views.iter().position(is) {
        Some(below) => state.views.truncate(below + 1),
        None => state.views.push(view),
    }
}

/// Events: of the tenant that is open, else of the fleet.
pub(super) fn events(state: &mut State) -> Vec<Effect> {
    let who = match state.views.last() {
        Some(View::Tenant { who, .. }) => Some(who.clone()),
        Some(View::Page { page, .. }) => page.who().cloned(),
        Some(_) | None => None,
    };
    go(state, Page::Events(who))
}

/// The objects of the tenant that commands are about.
pub(super) fn objects(state: &mut State) -> Vec<Effect> {
    match state.subject().map(|e| Who::of(&e.tenant)) {
        Some(who) => go(state, Page::Objects(who, 0)),
        None => vec![],
    }
}

/// The YAML of the chosen object.
pub(super) fn open(state: &mut State) -> Vec<Effect> {
    let Some(View::Page { page: page @ Page::Objects(who, at), .. }) = state.views.last() else { return vec![] };
    let told = page.ask().and_then(|ask| state.answers.told(&ask));
    let Some(Ok(Answer::Objects(objects))) = told.map(|t| &t.answer) else { return vec![] };
    match objects.names.get(*at).cloned() {
        Some(object) => {
            let page = Page::Yaml(who.clone(), object);
            go(state, page)
        }
        None => vec![],
    }
}

/// Reads again what the page on top shows; `None` where it reads nothing.
pub(super) fn again(state: &mut State) -> Option<Vec<Effect>> {
    let Some(View::Page { page, .. }) = state.views.last().filter(|_| state.overlays.is_empty()) else { return None };
    let ask = page.ask()?;
    Some(look(state, Some(ask)))
}

fn look(state: &mut State, ask: Option<Ask>) -> Vec<Effect> {
    ask.filter(|ask| state.answers.begin(ask)).map(Effect::Look).into_iter().collect()
}

pub(super) fn scroll(state: &mut State, id: Id) {
    let page = view::page::rows(state.inner());
    let by = super::lines(id, page);
    let count = view::page::lines(state);
    let objects = count_of_objects(state);
    let Some(View::Page { page: kind, scroll }) = state.views.last_mut() else { return };
    match kind {
        Page::Objects(_, at) => {
            *at = at.saturating_add_signed(by).min(objects.saturating_sub(1));
            *scroll = (*scroll).clamp(at.saturating_sub(page.saturating_sub(1)), *at);
        }
        _ => *scroll = scroll.saturating_add_signed(by).min(count.saturating_sub(page)),
    }
}

fn count_of_objects(state: &State) -> usize {
    let Some(View::Page { page, .. }) = state.views.last() else { return 0 };
    match page.ask().and_then(|ask| state.answers.told(&ask)).map(|t| &t.answer) {
        Some(Ok(Answer::Objects(objects))) => objects.names.len(),
        _ => 0,
    }
}
