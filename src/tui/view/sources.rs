//! How fresh each watched kind is.

use ratatui::layout::Rect;

use crate::{
    fleet::Right,
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
    let height = u16::try_from(Kind::ALL.len() + Meter::ALL.len() + Right::ALL.len()).unwrap_or(0) + 3;
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
        let (text, role) = match &*freshness.withheld {
            [] => link(paint, &freshness.link),
            namespaces => {
                let names: Vec<_> = namespaces.iter().map(|(name, _)| name.as_str()).collect();
                (format!("{} all but {}", paint.glyphs.forbidden, names.join(", ")), Role::Warn)
            }
        };
        paint.text(inner.x + 36, y, inner.right(), &text, role);
    }
    let first = inner.y + 2 + u16::try_from(Kind::ALL.len() + Meter::ALL.len()).unwrap_or(0);
    rights(paint, state, Rect { y: first, height: inner.bottom().saturating_sub(first), ..inner });
}

/// What may be done beyond reading: of the open or selected tenant's namespace.
fn rights(paint: &mut Paint<'_>, state: &State, area: Rect) {
    let namespace = state.subject().map(|entry| entry.tenant.namespace_name.clone());
    let rights = state.fleet.rights(namespace.as_deref());
    let place = namespace.map_or_else(|| "in the whole cluster".to_owned(), |name| format!("in {name}"));
    for (y, (right, allowed)) in (area.y..area.bottom()).zip(rights.all().filter(|(r, _)| *r != Right::Everything)) {
        if y == area.y {
            paint.text(area.x + 36, y, area.right(), &place, Role::Dim);
        }
        paint.cell(area.x, y, 26, right.words(), Align::Left, Role::Text);
        let (word, role) = match allowed {
            Some(true) => ("yes", Role::Ok),
            Some(false) => ("no", Role::Warn),
            None => ("unknown", Role::Dim),
        };
        paint.cell(area.x + 26, y, 8, word, Align::Right, role);
        if y > area.y && allowed == Some(false) {
            paint.text(area.x + 36, y, area.right(), &format!("needs {}", right.needs()), Role::Dim);
        }
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
