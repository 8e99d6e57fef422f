//! Keys of a search in the lines of a page: the YAML of an object.

use crate::tui::{
    ask::Answer,
    command::Id,
    state::{
        Page, State, View,
        overlay::{Asked, Overlay},
        seek::Seek,
    },
    view,
    widget::field::Field,
};

/// The page on top is one that is searched in.
pub(super) fn is_here(state: &State) -> bool {
    matches!(state.views.last(), Some(View::Page { page: Page::Yaml(..), .. }))
}

pub(super) fn ask(state: &mut State) {
    let before = state.seek.pattern.as_ref().map(|p| p.text().to_owned()).unwrap_or_default();
    state.overlays.push(Overlay::Pattern { asked: Asked::Search, field: Field::with(&before), before });
}

/// The text of the field is a new one: goes to the first match from what is on screen.
pub(super) fn typed(state: &mut State, text: &str) {
    state.seek.typed(text);
    if state.seek.pattern.is_some() && state.seek.error.is_none() {
        let from = state.seek.line.unwrap_or_else(|| scroll(state));
        go(state, from, false);
    }
}

/// The field is closed by Enter.
pub(super) fn accepted(state: &mut State) {
    match (&state.seek.error, &state.seek.pattern) {
        (Some(why), _) => {
            let why = format!("no pattern: {why}");
            state.seek.error = None;
            state.fail(why);
        }
        (None, Some(pattern)) if state.seek.line.is_none() => {
            let said = format!("nothing here matches {:?}", pattern.text());
            state.inform(said);
        }
        _ => {}
    }
}

/// To the next match, or the one before; round at the end.
pub(super) fn step(state: &mut State, id: Id) {
    if state.seek.pattern.is_none() {
        state.inform("nothing is searched for: / asks what");
        return;
    }
    let back = id == Id::FindPrevious;
    let from = match state.seek.line {
        Some(line) => line + usize::from(!back),
        None => scroll(state),
    };
    go(state, from, back);
    match state.seek.line {
        Some(line) if (back && line >= from) || (!back && line < from) => {
            state.inform(if back { "from the end again" } else { "from the beginning again" });
        }
        Some(_) => {}
        None => state.inform("nothing here matches"),
    }
}

fn scroll(state: &State) -> usize {
    match state.views.last() {
        Some(View::Page { scroll, .. }) => *scroll,
        _ => 0,
    }
}

fn go(state: &mut State, from: usize, back: bool) {
    let Some(View::Page { page, .. }) = state.views.last() else { return };
    let told = page.ask().and_then(|ask| state.answers.told(&ask)).map(|told| &told.answer);
    let Some(Ok(Answer::Lines(lines))) = told else { return };
    let (found, count) = (state.seek.found(lines), lines.len());
    state.seek.line = Seek::next(&found, from, back);
    let rows = view::page::rows(state.size);
    if let (Some(line), Some(View::Page { scroll, .. })) = (state.seek.line, state.views.last_mut())
        && !(*scroll..*scroll + rows).contains(&line)
    {
        // A third of the screen above it, for what it belongs to.
        *scroll = line.saturating_sub(rows / 3).min(count.saturating_sub(rows));
    }
}
