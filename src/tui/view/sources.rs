//! How fresh each watched kind is.

use ratatui::layout::Rect;

use crate::{
    index::{Kind, Link, Meter},
    tui::{
        state::State,
        theme::Role,
        widget::{
            boxed,
            paint::{Align, Paint},
        },
    },
};

pub(crate) fn draw(paint: &mut Paint<'_>, state: &State, screen: Rect) {
    let sources = state.fleet.sources();
    let kinds = sources.iter().map(|(kind, f)| (kind.plural(), f));
    let meters = Meter::ALL.into_iter().map(|meter| (meter.name(), sources.meter(meter)));
    let height = u16::try_from(Kind::ALL.len() + Meter::ALL.len()).unwrap_or(0) + 3;
    let area = boxed::centred(screen, 100, height);
    let title = format!("sources of {}", state.context.name);
    let inner = boxed::draw(paint, area, &title, &[(" esc closes ", Role::Hint)]);
    paint.cell(inner.x, inner.y, 26, "KIND", Align::Left, Role::Columns);
    paint.cell(inner.x + 26, inner.y, 8, "HEARD", Align::Right, Role::Columns);
    paint.text(inner.x + 36, inner.y, inner.right(), "STATE", Role::Columns);
    for (y, (name, freshness)) in (inner.y + 1..inner.bottom()).zip(kinds.chain(meters)) {
        paint.cell(inner.x, y, 26, name, Align::Left, Role::Text);
        let heard = freshness.heard.map_or_else(|| "never".to_owned(), |at| paint.age(at));
        paint.cell(inner.x + 26, y, 8, &heard, Align::Right, Role::Dim);
        let (text, role) = link(paint, &freshness.link);
        paint.text(inner.x + 36, y, inner.right(), &text, role);
    }
}

fn link(paint: &mut Paint<'_>, link: &Link) -> (String, Role) {
    let glyphs = paint.glyphs;
    match link {
        Link::Loading => (format!("{} nothing came yet", glyphs.loading), Role::Progress),
        Link::Live => (format!("{} live", glyphs.live), Role::Ok),
        Link::Polling { every } => (format!("{} listed each {every}s", glyphs.polling), Role::Progress),
        Link::Broken { since, why } => {
            let age = paint.age(*since);
            (format!("{} stale since {age}: {why}", glyphs.broken), Role::Error)
        }
        Link::Forbidden { why } => (format!("{} forbidden: {why}", glyphs.forbidden), Role::Warn),
        Link::Absent { why } => (format!("{} not there: {why}", glyphs.forbidden), Role::Dim),
    }
}
