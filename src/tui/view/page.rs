//! Pages of lines that scroll: the boots of the fleet, events, changes, objects and their YAML.

mod boots;
mod changes;
mod events;
mod objects;

use ratatui::{buffer::Buffer, layout::Rect};
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

use crate::tui::{
    ask::Answer,
    clean::clean,
    state::{
        Page, State, View,
        overlay::Overlay,
        who::{Found, Who},
    },
    theme::Role,
    widget::paint::Paint,
};

use super::{footer, header};

/// One line in parts, each told apart by its role.
pub(super) type Line = Vec<(String, Role)>;

/// A page's title, and its lines from top to bottom.
pub(super) struct Content {
    title: String,
    lines: Vec<Line>,
    /// The line that a key acts on.
    chosen: Option<usize>,
}

/// Lines that fit, below the title and its rule.
pub(crate) fn rows(size: (u16, u16)) -> usize {
    usize::from(size.1.saturating_sub(header::HEIGHT + footer::HEIGHT + TITLE))
}

const TITLE: u16 = 2;

pub(crate) fn draw(paint: &mut Paint<'_>, state: &State, page: &Page, scroll: usize, area: Rect) {
    let right = area.right().saturating_sub(1);
    if let Some(who) = page.who()
        && let Some(said) = missing(state, who)
    {
        let y = area.y + area.height / 3;
        paint.parts(area.x + 2, y, right, &[(&who.id, Role::Title), (said, Role::Text)]);
        paint.text(area.x + 2, y + 2, right, "esc goes back", Role::Hint);
        return;
    }
    let Content { title, lines, chosen } = content(paint, state, page);
    let rule = paint.glyphs.line.repeat(usize::from(area.width.saturating_sub(2)));
    let after = paint.text(area.x + 1, area.y, right, &title, Role::Title);
    if matches!(page, Page::Yaml(..)) {
        search(paint, state, Rect { x: after + 2, y: area.y, width: right.saturating_sub(after + 2), height: 1 });
    }
    paint.text(area.x + 1, area.y + 1, right, &rule, Role::Frame);
    let inside = usize::from(area.height.saturating_sub(TITLE));
    let scroll = scroll.min(lines.len().saturating_sub(inside));
    let below = lines.len().saturating_sub(scroll + inside);
    let more = (below > 0)
        .then(|| format!(" {} {below} more {} ", paint.glyphs.down, if below == 1 { "line" } else { "lines" }));
    let taken = more.as_ref().map_or(0, |text| u16::try_from(text.chars().count()).unwrap_or(0));
    for (y, (i, line)) in (area.y + TITLE..area.bottom()).zip(lines.iter().enumerate().skip(scroll)) {
        let mut x = area.x + 1;
        let right = if y + 1 == area.bottom() { right.saturating_sub(taken) } else { right };
        for (text, role) in line {
            x = paint.text(x, y, right, text, *role);
        }
        if chosen == Some(i) {
            let style = paint.style(Role::Selected);
            paint.buf.set_style(Rect { y, height: 1, ..area }, style);
            paint.text(area.x, y, right, paint.glyphs.pointer, Role::Key);
            paint.buf.set_style(Rect { y, height: 1, width: 1, ..area }, style);
        }
    }
    if let Some(text) = more {
        paint.parts_right(area.x, area.bottom() - 1, area.right(), &[(&text, Role::Columns)]);
    }
}

/// What is searched for: the field while it is typed, and how many lines match.
fn search(paint: &mut Paint<'_>, state: &State, area: Rect) {
    let (mut x, right) = (area.x, area.right());
    if let Some(Overlay::Pattern { asked, field, .. }) = state.overlays.last() {
        x = paint.text(x, area.y, right, asked.sign(), Role::Key);
        let width = 30.min(area.width / 2);
        field.draw(paint, Rect { x, y: area.y, width, height: 1 });
        x += width + 1;
    } else if let Some(pattern) = &state.seek.pattern {
        x = paint.text(x, area.y, right, &format!("/{} ", pattern.text()), Role::Key);
    }
    if let Some(why) = &state.seek.error {
        paint.text(x, area.y, right, why, Role::Error);
        return;
    }
    let Some(View::Page { page, .. }) = state.views.last() else { return };
    let told = page.ask().and_then(|ask| state.answers.told(&ask)).map(|told| &told.answer);
    if let (Some(Ok(Answer::Lines(lines))), Some(_)) = (told, &state.seek.pattern) {
        let found = state.seek.found(lines);
        let at = found.iter().position(|line| Some(*line) == state.seek.line).map_or(0, |at| at + 1);
        paint.text(x, area.y, right, &format!("{at} of {} lines", found.len()), Role::Dim);
    }
}

/// Lines of the page that is open, for scrolling.
pub(crate) fn lines(state: &State) -> usize {
    let Some(View::Page { page, .. }) = state.views.last() else { return 0 };
    let mut nothing = Buffer::empty(Rect::ZERO);
    let mut paint = Paint::new(&mut nothing, &state.looks.skin, state.looks.glyphs.glyphs(), state.now);
    content(&mut paint, state, page).lines.len()
}

fn content(paint: &mut Paint<'_>, state: &State, page: &Page) -> Content {
    match page {
        Page::Boots => boots::content(paint, state),
        Page::Events(who) => events::content(paint, state, who.as_ref()),
        Page::Changes => changes::content(paint, state),
        Page::Objects(who, at) => objects::list(paint, state, who, *at),
        Page::Yaml(who, object) => objects::yaml(paint, state, who, object),
    }
}

/// Why a tenant's page can show nothing.
fn missing(state: &State, who: &Who) -> Option<&'static str> {
    match who.find(&state.fleet) {
        Found::Here(_) => None,
        Found::Gone => Some(" is gone: all its objects have been deleted"),
        Found::Replaced => Some(" was deleted and made anew: this page was of the one before"),
    }
}

/// A line of one part.
fn plain(text: impl Into<String>, role: Role) -> Line {
    vec![(text.into(), role)]
}

/// Says that what follows is of the past, where it is.
fn stale(paint: &mut Paint<'_>, state: &State) -> Vec<Line> {
    let Some((since, why)) = state.stale() else { return vec![] };
    let age = paint.age(since);
    vec![plain(format!("{} STALE for {age}, what follows is of the past: {why}", paint.glyphs.stale), Role::Error)]
}

/// A text in a field of `width` cells and a blank; what is too long is cut.
fn field(paint: &Paint<'_>, text: &str, width: usize) -> String {
    let text = clean(text);
    let mut out = if text.width() <= width { text.into_owned() } else { cut(&text, width, paint.glyphs.ellipsis) };
    let used = out.width();
    out.extend(std::iter::repeat_n(' ', (width + 1).saturating_sub(used)));
    out
}

/// As much of a text as fits before an ellipsis.
fn cut(text: &str, width: usize, ellipsis: &str) -> String {
    let mut room = width.saturating_sub(ellipsis.width());
    let fits = |c: &char| {
        let wide = c.width().unwrap_or(0);
        let fits = wide <= room;
        room = room.saturating_sub(wide);
        fits
    };
    let head: String = text.chars().take_while(fits).collect();
    head + ellipsis
}

#[cfg(test)]
mod tests;
