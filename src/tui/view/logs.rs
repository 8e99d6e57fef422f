//! A tail: one line about it, then lines. Only what is on screen is looked at.

mod line;

use ratatui::layout::Rect;

use crate::{
    cluster::logs::{Level, Stream},
    tui::{
        state::{State, logs::Logs, overlay::Overlay},
        theme::Role,
        widget::paint::Paint,
    },
};

use super::{footer, header};

/// Lines of logs on screen.
pub(crate) fn rows(state: &State) -> usize {
    let full = state.logs.as_ref().is_some_and(|l| l.full);
    let chrome = if full { 1 } else { header::HEIGHT + footer::HEIGHT + 1 };
    let height = if full { state.size.1 } else { state.inner().1 };
    usize::from(height.saturating_sub(chrome)).max(1)
}

/// Brings the top line in line with where the reader stands. Before each frame.
pub(crate) fn settle(state: &mut State) {
    let rows = rows(state);
    let width = usize::from(state.size.0);
    let Some(logs) = &mut state.logs else { return };
    let room = line::room(logs, width);
    let (Some(at), last) = (logs.at, logs.last().map(|k| k.number)) else {
        logs.top = fitting(logs, u64::MAX, rows, room);
        return;
    };
    // The line may be hidden by now, or given up.
    let at = match logs.shown.from(&logs.ring, at).next() {
        Some(line) => line.number,
        None => last.unwrap_or(at),
    };
    let lowest = fitting(logs, at.saturating_add(1), rows, room);
    // Where a page has become longer, no part of it stays empty while there are lines for it.
    let last_page = fitting(logs, u64::MAX, rows, room);
    logs.top = logs.top.max(lowest).min(last_page).min(at);
}

/// The first line from which on all lines before `end` fit on the screen.
fn fitting(logs: &Logs, end: u64, rows: usize, room: usize) -> u64 {
    let mut left = rows;
    let mut top = None;
    for line in logs.shown.before(&logs.ring, end) {
        let height = line::height(logs, &line, room);
        if height > left && top.is_some() {
            break;
        }
        top = Some(line.number);
        left = left.saturating_sub(height);
        if left == 0 {
            break;
        }
    }
    top.unwrap_or(0)
}

pub(crate) fn draw(paint: &mut Paint<'_>, state: &State, area: Rect) {
    let Some(logs) = &state.logs else { return };
    if area.height == 0 {
        return;
    }
    head(paint, state, logs, Rect { height: 1, ..area });
    let body = Rect { y: area.y + 1, height: area.height - 1, ..area };
    if logs.shown.is_empty(&logs.ring) {
        nothing(paint, logs, body);
        return;
    }
    let mut y = body.y;
    let mut before = logs.shown.before(&logs.ring, logs.top).next().and_then(|k| k.time);
    for kept in logs.shown.from(&logs.ring, logs.top) {
        if y >= body.bottom() {
            break;
        }
        let place = Rect { y, height: body.bottom() - y, ..body };
        y += line::draw(paint, state, logs, &kept, before, place);
        before = kept.time.or(before);
    }
}

/// Who, from where, how much, and how it stands.
fn head(paint: &mut Paint<'_>, state: &State, logs: &Logs, area: Rect) {
    let (y, mut right) = (area.y, area.right().saturating_sub(1));
    let mut x = area.x + 1;
    let typing = state.overlays.iter().find_map(|o| match o {
        Overlay::Pattern { asked, field, .. } => Some((asked.sign(), field)),
        _ => None,
    });
    if let Some((sign, field)) = typing {
        x = paint.text(x, y, right, sign, Role::Key);
        let width = 40.min(area.width / 2);
        field.draw(paint, Rect { x, y, width, height: 1 });
        x += width + 1;
        if let Some(error) = &logs.error {
            paint.text(x, y, right, error, Role::Error);
            return;
        }
    }
    let (status, role) = status(logs);
    let glyph = match role {
        Role::Ok => paint.glyphs.live,
        Role::Error => paint.glyphs.broken,
        Role::Warn => paint.glyphs.forbidden,
        _ => paint.glyphs.loading,
    };
    let unread = logs.unread();
    let place = match (logs.at, unread) {
        (None, _) if logs.done => "the end".to_owned(),
        (None, _) => "following".to_owned(),
        (Some(_), 0) => "standing".to_owned(),
        (Some(_), n) => format!("standing, {n} new below"),
    };
    let place_role = if unread > 0 { Role::Warn } else { Role::Text };
    let parts = [(place.as_str(), place_role), ("  ", Role::Text), (glyph, role), (" ", Role::Text), (&status, role)];
    right = paint.parts_right(x + 12, y, right, &parts).map_or(right, |start| start.saturating_sub(2));
    let who = match logs.targets.as_slice() {
        [one] => one.id.to_string(),
        [one, rest @ ..] if logs.asked > logs.targets.len() => {
            format!("{} and {} more of {}", one.id, rest.len(), logs.asked)
        }
        [one, rest @ ..] => format!("{} and {} more", one.id, rest.len()),
        [] => String::new(),
    };
    x = paint.parts(x, y, right, &[("logs ", Role::Dim), (&who, Role::Title), ("  ", Role::Text)]);
    for (text, role) in facts(logs) {
        x = paint.parts(x, y, right, &[(&text, role), ("  ", Role::Text)]);
    }
}

/// What is shown of what is kept, the most telling first.
fn facts(logs: &Logs) -> Vec<(String, Role)> {
    let (kept, shown) = (logs.ring.len(), logs.shown.len(&logs.ring));
    let filter = logs.shown.filter();
    let mut facts = Vec::new();
    let containers: Vec<_> = logs.containers().collect();
    let visible: Vec<_> = containers.iter().filter(|c| filter.shows(c.lane)).collect();
    match visible.as_slice() {
        [one] if containers.len() > 1 => facts.push((format!("only {}", logs.who(one.lane)), Role::Progress)),
        some if some.len() < containers.len() => {
            facts.push((format!("{} of {} containers", some.len(), containers.len()), Role::Progress));
        }
        _ => {}
    }
    if let Some(only) = &filter.only {
        facts.push((format!("&{}", only.text()), Role::Field));
    }
    if let Some(not) = &filter.not {
        facts.push((format!("!{}", not.text()), Role::Field));
    }
    if filter.least != Level::Unknown {
        facts.push((format!("{} or worse", filter.least.word()), Role::Progress));
    }
    if let Some(search) = &logs.search {
        facts.push((format!("/{}", search.text()), Role::Field));
    }
    if logs.wanted.previous {
        facts.push(("previous instances".to_owned(), Role::Warn));
    }
    facts.push((if shown == kept { format!("{kept} lines") } else { format!("{shown} of {kept} lines") }, Role::Text));
    let dropped = logs.ring.dropped_in_all();
    if dropped > 0 {
        facts.push((format!("{dropped} dropped"), Role::Warn));
    }
    if !logs.marks.is_empty() {
        facts.push((format!("{} marked", logs.marks.len()), Role::Progress));
    }
    facts
}

/// The worst that can be said of any stream.
fn status(logs: &Logs) -> (String, Role) {
    let count = |wanted: fn(&Stream) -> bool| logs.streams.values().filter(|s| wanted(s)).count();
    let broken = count(|s| matches!(s, Stream::Broken { .. }));
    let forbidden = count(|s| matches!(s, Stream::Forbidden { .. }));
    let reading = count(|s| matches!(s, Stream::Reading));
    let live = count(|s| matches!(s, Stream::Live));
    match () {
        () if broken > 0 => (format!("{broken} broken, trying again"), Role::Error),
        () if forbidden > 0 => ("forbidden".to_owned(), Role::Warn),
        () if logs.streams.is_empty() && !logs.done => ("no container has begun".to_owned(), Role::Dim),
        () if reading > 0 => (format!("reading {reading}"), Role::Progress),
        () if live > 0 => (format!("{live} live"), Role::Ok),
        () => ("ended".to_owned(), Role::Dim),
    }
}

/// Why there is no line.
fn nothing(paint: &mut Paint<'_>, logs: &Logs, area: Rect) {
    let filter = logs.shown.filter();
    let said = if !logs.ring.is_empty() && !filter.is_open() {
        "no line passes: & and ! change the filter, = shows all containers, L all levels"
    } else if logs.streams.is_empty() && !logs.done {
        "no container has begun yet: its lines will come by themselves"
    } else if logs.done {
        "there are no lines"
    } else {
        "no line has come yet"
    };
    paint.text(area.x + 1, area.y + 1, area.right(), said, Role::Dim);
}

#[cfg(test)]
mod tests;
