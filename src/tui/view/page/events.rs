//! Events by time: of one tenant, ordinary ones too; of the fleet, its warnings.

use unicode_width::UnicodeWidthStr as _;

use super::{Content, Line, field, plain, stale};
use crate::{
    cluster::EventLine,
    fleet::{At, Text, Warning},
    tui::{
        ask::{Answer, Ask, Told},
        state::{State, who::Who},
        theme::Role,
        widget::{paint::Paint, wrap},
    },
};

/// Warnings of the fleet that are shown: the latest.
const MOST: usize = 500;
/// Lines of one long message, and where they begin.
const MOST_LINES: usize = 4;
const INDENT: usize = 6;

pub(super) fn content(paint: &mut Paint<'_>, state: &State, who: Option<&Who>) -> Content {
    match who {
        Some(who) => of_tenant(paint, state, who),
        None => of_fleet(paint, state),
    }
}

fn of_fleet(paint: &mut Paint<'_>, state: &State) -> Content {
    let all = state.fleet.iter().flat_map(|e| e.tenant.warnings.iter().map(|w| (&e.tenant.id, w)));
    let mut all: Vec<(&Text, &Warning)> = all.collect();
    let newest = |w: &(&Text, &Warning)| std::cmp::Reverse((w.1.last, w.1.uid));
    let total = all.len();
    // A fleet in trouble has more warnings than anybody reads: the others are not even put in order.
    if total > MOST {
        all.select_nth_unstable_by_key(MOST, newest);
        all.truncate(MOST);
    }
    all.sort_unstable_by_key(newest);
    let mut lines = stale(paint, state);
    for (id, w) in all {
        let mut line = vec![(age(paint, w.last), Role::Dim), (field(paint, id, 16), Role::Text)];
        line.extend(words(&w.reason, w.count, &format!("{}/{}", w.kind, w.object), true, paint));
        message(&mut lines, line, &w.message, state);
    }
    if total == 0 {
        lines.push(plain(why_none(state), Role::Dim));
    }
    let shown = if total > MOST { format!("the latest {MOST} of {total}") } else { format!("{total}") };
    Content { title: format!("WARNINGS of all tenants by time: {shown}"), lines, chosen: None }
}

/// No warning, or no way to know.
fn why_none(state: &State) -> String {
    use crate::index::{Kind, Link};
    match &state.fleet.sources().get(Kind::Warning).link {
        Link::Forbidden { why } => format!("events may not be read: {why}"),
        Link::Loading => "events have not come yet".to_owned(),
        _ => "no warning is known".to_owned(),
    }
}

fn of_tenant(paint: &mut Paint<'_>, state: &State, who: &Who) -> Content {
    let ask = Ask::Events { namespace: who.namespace.to_string() };
    let told = state.answers.told(&ask);
    let mut lines = stale(paint, state);
    if state.answers.waits_for(&ask) && told.is_none() {
        lines.push(plain(format!("{} reading the events of {}", paint.glyphs.loading, who.namespace), Role::Progress));
    }
    let mut all: Vec<EventLine> = Vec::new();
    let mut since = None;
    match told {
        Some(Told { at, answer: Ok(Answer::Events(events)) }) => {
            let read = paint.age(*at);
            lines
                .push(plain(format!("read {read} ago, ctrl-r reads again; warnings come in by themselves"), Role::Dim));
            all.extend(events.iter().cloned());
            since = Some(*at);
        }
        Some(Told { answer: Err(refusal), .. }) => {
            lines.push(plain(format!("only watched warnings are known: {}", refusal.why), Role::Warn));
        }
        _ => {}
    }
    let warnings = who.find(&state.fleet).here().map(|e| &e.tenant.warnings);
    let newer = warnings.into_iter().flatten().filter(|w| since.is_none_or(|read| w.last.is_some_and(|l| l > read)));
    for w in newer {
        let line = of_warning(w);
        // One that goes on is told once, with its newest count.
        all.retain(|e| !(e.warning && e.reason == line.reason && e.object == line.object && e.message == line.message));
        all.push(line);
    }
    all.sort_by_key(|e| std::cmp::Reverse(e.last));
    let count = all.len();
    for e in all {
        let mut line = vec![(age(paint, e.last), Role::Dim)];
        line.extend(words(&e.reason, e.count, &e.object, e.warning, paint));
        message(&mut lines, line, &e.message, state);
    }
    if count == 0 && !state.answers.waits_for(&ask) {
        lines.push(plain("no event is known: a cluster keeps them for an hour", Role::Dim));
    }
    Content { title: format!("EVENTS of {} by time: {count}", who.id), lines, chosen: None }
}

fn of_warning(w: &Warning) -> EventLine {
    EventLine {
        last: w.last,
        first: w.first,
        warning: true,
        reason: w.reason.to_string(),
        object: format!("{}/{}", w.kind, w.object),
        message: w.message.to_string(),
        count: w.count,
    }
}

fn age(paint: &mut Paint<'_>, at: Option<At>) -> String {
    let age = at.map_or_else(|| "?".to_owned(), |at| paint.age(at));
    format!("{age:>5} ")
}

fn words(reason: &str, count: u32, object: &str, warning: bool, paint: &Paint<'_>) -> Line {
    let times = if count > 1 { format!(" {}{count}", paint.glyphs.times) } else { String::new() };
    let role = if warning { Role::Warn } else { Role::Text };
    vec![(field(paint, &format!("{reason}{times}"), 22), role), (field(paint, object, 22), Role::Dim)]
}

/// The message beside its head where it fits, else on lines of its own.
fn message(lines: &mut Vec<Line>, mut head: Line, text: &str, state: &State) {
    let width = usize::from(state.size.0).saturating_sub(3);
    let used: usize = head.iter().map(|(text, _)| text.width()).sum();
    if used + text.width() <= width {
        head.push((text.to_owned(), Role::Text));
        lines.push(head);
        return;
    }
    lines.push(head);
    let indent = " ".repeat(INDENT);
    let room = width.saturating_sub(INDENT);
    lines.extend(
        wrap::split(text, room, MOST_LINES).into_iter().map(|line| plain(format!("{indent}{line}"), Role::Text)),
    );
}
