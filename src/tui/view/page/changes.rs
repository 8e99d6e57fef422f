//! What changed in the last fifteen minutes.

use super::{Content, field, plain, stale};
use crate::{
    fleet::{Age, At, Phase},
    index::changes::{What, recent},
    tui::{state::State, theme::Role, view::fleet::phase_role, widget::paint::Paint},
};

/// How far back the page looks, in seconds.
const WINDOW: u32 = 15 * 60;

pub(super) fn content(paint: &mut Paint<'_>, state: &State) -> Content {
    let since = At::from_unix(state.now.unix() - i64::from(WINDOW)).unwrap_or(state.now);
    let mut lines = stale(paint, state);
    if state.began > since {
        let ago = paint.age(state.began);
        let text = format!("watched for {ago}: of the time before, only what objects still tell of themselves");
        lines.push(plain(text, Role::Dim));
    }
    let changes = recent(&state.fleet, since);
    let causes = changes.len();
    for change in changes {
        let (text, role) = words(&change.what);
        let age = paint.age(change.at);
        lines.push(vec![(format!("{age:>5} "), Role::Dim), (field(paint, &change.id, 24), Role::Text), (text, role)]);
    }
    if causes == 0 {
        lines.push(plain("nothing has changed", Role::Dim));
    }
    let title = format!("CHANGED in the last {}: {causes}, the latest first", Age(WINDOW));
    Content { title, lines, chosen: None }
}

fn words(what: &What) -> (String, Role) {
    match what {
        What::Came => ("came".to_owned(), Role::Text),
        What::Went => ("is gone: all its objects have been deleted".to_owned(), Role::Warn),
        What::Phase { from, to, why } => {
            let why = if why.is_empty() { String::new() } else { format!(": {why}") };
            let from = from.map(|f| format!("{f} -> ")).unwrap_or_default();
            let rank = Phase::WORDS.iter().position(|w| w == to).unwrap_or(0);
            (format!("{from}{to}{why}"), phase_role(rank))
        }
        What::Image { from, to } => (format!("another image is wanted: {from} -> {to}"), Role::Text),
        What::Pod { name } => (format!("pod {name} was made"), Role::Text),
        What::Ended { container, exit_code, reason } => {
            let reason = reason.as_deref().filter(|r| *r != "Error").map(|r| format!("{r}, ")).unwrap_or_default();
            (format!("{container} ended: {reason}exit {exit_code}"), Role::Warn)
        }
        What::Warned { reason, object, count } => (format!("warning {reason} x{count} about {object}"), Role::Warn),
    }
}
