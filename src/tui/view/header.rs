//! Two lines: where we are, as whom, how fresh; then the filter, what is shown, and the banner.

use ratatui::layout::Rect;

use crate::{
    fleet::Phase,
    index::{Kind, Link},
    tui::{
        state::{State, overlay::Overlay},
        theme::Role,
        widget::paint::Paint,
    },
};

use super::fleet::phase_role;

pub(crate) const HEIGHT: u16 = 2;
/// From here on there is room for what is only nice to see.
const WIDE: u16 = 100;

pub(crate) fn draw(paint: &mut Paint<'_>, state: &State, area: Rect) {
    let counted = first(paint, state, area);
    second(paint, state, area, counted);
}

/// Tells whether the counts had room.
fn first(paint: &mut Paint<'_>, state: &State, area: Rect) -> bool {
    let (y, right) = (area.y, area.right().saturating_sub(1));
    let context = &state.context;
    let context_role = if context.protected { Role::Protected } else { Role::Context };
    let mut x = area.x + 1;
    if area.width >= WIDE {
        x = paint.parts(x, y, right, &[("fleetdeck", Role::Dim), ("  ", Role::Text)]);
    }
    // The context is never cut away by what follows it.
    x = paint.text(x, y, right, &context.name, context_role);
    let role = state.fleet.role().filter(|_| area.width >= WIDE).map(|(role, namespaces)| match namespaces {
        None => format!(" ({role})"),
        Some(1) => format!(" ({role} in 1 namespace)"),
        Some(n) => format!(" ({role} in {n} namespaces)"),
    });
    let user = format!("  {}{}", context.user, role.unwrap_or_default());
    if area.width >= 60 && user.len() > 2 {
        x = paint.text(x, y, x.saturating_add(30).min(right), &user, Role::Dim);
    }
    if context.read_only {
        x = paint.parts(x, y, right, &[("  ", Role::Text), ("[read-only]", Role::Warn)]);
    }
    if let Some(to) = &state.switching {
        let dots = paint.glyphs.ellipsis;
        x = paint.text(x, y, right, &format!("  connecting to {to}{dots}"), Role::Progress);
    }
    x = paint.text(x, y, right, "  ", Role::Text);
    x = freshness(paint, state, x, y, right);
    counts(paint, state, x + 2, y, right).is_some()
}

/// The worst that can be said of any source; all of them are in the overlay of sources.
fn freshness(paint: &mut Paint<'_>, state: &State, x: u16, y: u16, right: u16) -> u16 {
    let glyphs = paint.glyphs;
    let sources = state.fleet.sources();
    if let Some((kind, since, why)) = sources.broken() {
        let age = paint.age(since);
        let broken = sources.iter().filter(|(_, f)| matches!(f.link, Link::Broken { .. })).count();
        let what = if broken == 1 { kind.plural().to_owned() } else { format!("{broken} sources") };
        let text = format!("{} {what} stale since {age}: {why}", glyphs.broken);
        return paint.text(x, y, right, &text, Role::Error);
    }
    let loading = sources.iter().filter(|(_, f)| f.link == Link::Loading).count();
    if loading > 0 {
        let text = format!("{} loading {loading} of {} sources", glyphs.loading, Kind::ALL.len());
        return paint.text(x, y, right, &text, Role::Progress);
    }
    let forbidden: Vec<_> =
        sources.iter().filter(|(_, f)| matches!(f.link, Link::Forbidden { .. })).map(|(k, _)| k.plural()).collect();
    if !forbidden.is_empty() {
        let text = format!("{} may not read {}", glyphs.forbidden, forbidden.join(", "));
        return paint.text(x, y, right, &text, Role::Warn);
    }
    let withheld: Vec<_> = sources.withheld().into_iter().map(|namespace| &**namespace).collect();
    if !withheld.is_empty() {
        let text = format!("{} may not read all of {}", glyphs.forbidden, withheld.join(", "));
        return paint.text(x, y, right, &text, Role::Warn);
    }
    let polled = sources.iter().find_map(|(kind, f)| match f.link {
        Link::Polling { every } => Some((kind, every, f.heard)),
        _ => None,
    });
    if let Some((kind, every, heard)) = polled {
        let ago = heard.map_or_else(|| "never".to_owned(), |at| format!("{} ago", paint.age(at)));
        let text = format!("{} {} polled each {every}s, last {ago}", glyphs.polling, kind.plural());
        return paint.text(x, y, right, &text, Role::Progress);
    }
    let heard = sources.iter().filter_map(|(_, f)| f.heard).max();
    let ago = heard.map(|at| calm_age(paint, at)).unwrap_or_default();
    paint.text(x, y, right, &format!("{} live{ago}", glyphs.live), Role::Ok)
}

/// A watch that is alive may be silent for hours: its age counts in minutes, so that a quiet screen stays undrawn.
fn calm_age(paint: &mut Paint<'_>, heard: crate::fleet::At) -> String {
    if paint.now.since(heard) < 60 {
        paint.wake_at(heard.plus(60));
        return String::new();
    }
    let text = match paint.now.since(heard) {
        60..=119 => {
            paint.wake_at(heard.plus(120));
            "1m".to_owned()
        }
        _ => paint.age(heard),
    };
    format!(", quiet {text}")
}

/// Tenants, and how many per phase, the worst first; with words where they fit. Nothing where nothing fits.
fn counts(paint: &mut Paint<'_>, state: &State, left: u16, y: u16, right: u16) -> Option<u16> {
    let total = state.fleet.len();
    let settled = state.fleet.sources().settled();
    let shown: Vec<_> = state.list.counts.iter().enumerate().filter(|(_, n)| **n > 0).collect();
    let glyphs = paint.glyphs;
    for (with_total, with_words) in [(true, true), (true, false), (false, false)] {
        let mut parts: Vec<(String, Role)> = Vec::new();
        if with_total && settled {
            parts.push((format!("{total} tenants"), Role::Text));
        } else if with_total && total > 0 {
            parts.push((format!("{total} tenants so far"), Role::Text));
        }
        // They are down as those who fail are, and stand in the counts of the phases they are in.
        let failing = shown.iter().any(|(rank, _)| *rank == Phase::Failing.rank());
        if state.list.kept_down > 0 && !failing {
            let gap = if parts.is_empty() { "" } else { "  " };
            parts.push((format!("{gap}{} down", state.list.kept_down), phase_role(Phase::Failing.rank())));
        }
        for (rank, n) in &shown {
            let word = if with_words { format!(" {}", Phase::WORDS[*rank].to_lowercase()) } else { String::new() };
            let gap = if parts.is_empty() { "" } else { "  " };
            parts.push((format!("{gap}{}{n}{word}", glyphs.phase_rank(*rank)), phase_role(*rank)));
            if *rank == Phase::Failing.rank() && state.list.kept_down > 0 {
                parts.push((format!(" +{} down", state.list.kept_down), phase_role(*rank)));
            }
        }
        let parts: Vec<_> = parts.iter().map(|(text, role)| (text.as_str(), *role)).collect();
        if let Some(start) = paint.parts_right(left, y, right, &parts) {
            return Some(start);
        }
    }
    None
}

fn second(paint: &mut Paint<'_>, state: &State, area: Rect, counted: bool) {
    let (y, mut right) = (area.y + 1, area.right().saturating_sub(1));
    let mut x = area.x + 1;
    // Never hidden: what is done next is done to them.
    if !state.marks.is_empty() {
        let text = format!("{} {} marked", paint.glyphs.mark, state.marks.len());
        x = paint.text(x, y, right, &text, Role::Key) + 2;
    }
    if state.views.is_empty() {
        x = filter(paint, state, area, x, y, right);
        if state.list.filter.error.is_some() {
            return;
        }
    }
    if !counted {
        right = counts(paint, state, x + 2, y, right).map_or(right, |start| start.saturating_sub(2));
    }
    if let Some(start) = forwards(paint, state, x, y, right) {
        right = start.saturating_sub(2);
    }
    if let Some(banner) = &state.banner {
        let whole = paint.parts_right(x + 2, y, right, &[(banner, Role::Banner)]);
        // Too long for what is left of the line: its head at least.
        let Some(start) = whole else {
            paint.text(x + 2, y, right, banner, Role::Banner);
            return;
        };
        right = start.saturating_sub(2);
    }
    if state.views.is_empty() {
        causes(paint, state, x, y, right);
    }
}

/// A port that is open and forgotten is a way in for others on this machine.
fn forwards(paint: &mut Paint<'_>, state: &State, x: u16, y: u16, right: u16) -> Option<u16> {
    let text = match state.ways.open.len() {
        0 => return None,
        1 => "1 forward".to_owned(),
        n => format!("{n} forwards"),
    };
    paint.parts_right(x + 2, y, right, &[(&text, Role::Warn), (" F", Role::Key)])
}

/// `3 causes, 41 tenants`: what is critical, grouped; where there is room for all of it.
fn causes(paint: &mut Paint<'_>, state: &State, x: u16, y: u16, right: u16) {
    let plural = |n: usize, word: &str| if n == 1 { format!("1 {word}") } else { format!("{n} {word}s") };
    let (causes, tenants) = state.causes;
    if causes == 0 {
        return;
    }
    let text = format!("{}, {}", plural(causes, "cause"), plural(tenants, "tenant"));
    let dot = format!(" {} ", paint.glyphs.dot);
    let width = u16::try_from(dot.chars().count() + text.len()).unwrap_or(u16::MAX);
    if x.saturating_add(width) <= right {
        paint.parts(x, y, right, &[(&dot, Role::Dim), (&text, Role::Error)]);
    }
}

/// The filter's field or text, its error, and how much of the fleet is shown in which order.
fn filter(paint: &mut Paint<'_>, state: &State, area: Rect, mut x: u16, y: u16, right: u16) -> u16 {
    let typing = state.overlays.iter().find_map(|o| match o {
        Overlay::Filter { field, .. } => Some(field),
        _ => None,
    });
    let list = &state.list;
    if let Some(field) = typing {
        let width = 32.min(area.width / 2);
        x = paint.text(x, y, right, "/", Role::Key);
        field.draw(paint, Rect { x, y, width, height: 1 });
        x += width + 1;
    } else if !list.filter.text.is_empty() {
        let end = area.x + area.width / 2;
        x = paint.parts(x, y, end, &[("/", Role::Key), (&list.filter.text, Role::Field)]) + 2;
    }
    if let Some(error) = &list.filter.error {
        return paint.text(x, y, right, error, Role::Error);
    }
    let order = format!("sorted by {}{}", list.sort.word(), if list.reverse { " (reversed)" } else { "" });
    if list.filter.text.is_empty() && typing.is_none() {
        return paint.text(x, y, right, &order, Role::Dim);
    }
    let (rows, total) = (list.order.len(), state.fleet.len());
    let dot = paint.glyphs.dot;
    paint.text(x, y, right, &format!("{rows} of {total} shown {dot} {order}"), Role::Dim)
}
