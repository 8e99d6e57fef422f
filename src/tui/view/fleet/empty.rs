//! An empty list says why it is empty.

use ratatui::layout::Rect;
use unicode_width::UnicodeWidthStr as _;

use crate::{
    index::{Kind, Link},
    tui::{
        clean::clean,
        state::State,
        theme::Role,
        widget::{paint::Paint, wrap::wrap},
    },
};

type Line = (String, Role);

pub(super) fn draw(paint: &mut Paint<'_>, state: &State, area: Rect) {
    let lines = reason(paint, state);
    let height = u16::try_from(lines.len()).unwrap_or(0);
    let mut y = area.y + area.height.saturating_sub(height) / 3;
    let widest = lines.iter().map(|(text, _)| clean(text).width()).max().unwrap_or(0);
    let indent = area.width.saturating_sub(u16::try_from(widest).unwrap_or(u16::MAX)) / 2;
    for (text, role) in &lines {
        y = wrap(paint, area.x + indent.max(1), y, area.right().saturating_sub(1), text, *role, 3);
    }
}

fn reason(paint: &mut Paint<'_>, state: &State) -> Vec<Line> {
    let line = |text: String| (text, Role::Text);
    let sources = state.fleet.sources();
    let title = |text: String, role: Role| (text, role);
    // Somebody is there, only the filter hides them: the likeliest reason, and the one that a key mends.
    if state.list.hidden > 0 {
        return vec![
            title(format!("{} tenants, all hidden by the filter", state.list.hidden), Role::Title),
            line(format!("/{}", state.list.filter.text)),
            line(String::new()),
            (
                if state.overlays.is_empty() { "esc clears it".to_owned() } else { "esc goes back".to_owned() },
                Role::Hint,
            ),
        ];
    }
    if let Some((kind, since, why)) = sources.broken() {
        let age = paint.age(since);
        return vec![
            title(format!("{} disconnected from {} for {age}", paint.glyphs.broken, state.context.name), Role::Error),
            line(format!("{}: {why}", kind.plural())),
            line(String::new()),
            (
                "it is tried again by itself, and at once with ctrl-r; C switches to another context".to_owned(),
                Role::Hint,
            ),
        ];
    }
    let forbidden: Vec<_> = sources
        .iter()
        .filter_map(|(kind, f)| match &f.link {
            // A fleet is there or not, whoever may see its nodes.
            Link::Forbidden { why } if kind != Kind::Node => Some((kind, why)),
            _ => None,
        })
        .collect();
    let loading: Vec<_> =
        sources.iter().filter(|(_, f)| f.link == Link::Loading && !f.synced).map(|(k, _)| k).collect();
    if !loading.is_empty() {
        return loading_lines(paint, state, &loading);
    }
    if let Some((_, why)) = forbidden.first() {
        let kinds: Vec<_> = forbidden.iter().map(|(kind, _)| kind.plural()).collect();
        return vec![
            title(format!("{} {} may not see this fleet", paint.glyphs.forbidden, state.context.user), Role::Warn),
            line(format!("missing: the right to list and watch {}", kinds.join(", "))),
            (why.to_string(), Role::Dim),
            line(String::new()),
            ("asked once, not again: ctrl-r asks anew, C switches to another context".to_owned(), Role::Hint),
        ];
    }
    vec![
        title(format!("no tenants on {}", state.context.name), Role::Title),
        line(format!("nothing there {}", state.context.tenants)),
        line(String::new()),
        ("they appear here as soon as they are made; what tells the tenants of".to_owned(), Role::Hint),
        ("another hand's fleet is set under [labels]: `fleetdeck config example`".to_owned(), Role::Hint),
    ]
}

fn loading_lines(paint: &mut Paint<'_>, state: &State, loading: &[Kind]) -> Vec<Line> {
    let waited = paint.age(state.began);
    let mut lines = vec![(format!("reading the fleet of {}, {waited} so far", state.context.name), Role::Title)];
    for (kind, freshness) in state.fleet.sources().iter() {
        let (glyph, word, role) = if loading.contains(&kind) {
            (paint.glyphs.waiting, "first list is under way", Role::Progress)
        } else if matches!(freshness.link, Link::Forbidden { .. }) {
            (paint.glyphs.forbidden, "may not be read", Role::Warn)
        } else {
            (paint.glyphs.done, "read", Role::Ok)
        };
        lines.push((format!("{glyph} {:<24}{word}", kind.plural()), role));
    }
    lines
}
