//! One tenant on one screen: why, boot, quota, volumes, pod, image, warnings.

pub(crate) mod boot;
mod section;
mod short;
mod web;

use ratatui::{buffer::Buffer, layout::Rect};

use crate::{
    diagnose::kept_down,
    index::{Entry, outlook},
    tui::{
        state::{
            State, View,
            who::{Found, Who},
        },
        theme::Role,
        widget::{paint::Paint, wrap::wrap},
    },
};

use super::{
    fleet::phase_look,
    {footer, header},
};

/// Lines of the screen that are not the page's.
pub(crate) const CHROME: usize = (header::HEIGHT + footer::HEIGHT) as usize;
/// Rows of a screen from which on everything is told at length.
const ROOMY: u16 = 30;
/// No page is longer; the facts of one tenant are bounded.
const MOST: u16 = 200;

/// Draws the page from its line `scroll` on.
pub(crate) fn draw(paint: &mut Paint<'_>, state: &State, who: &Who, scroll: usize, area: Rect) {
    let entry = match who.find(&state.fleet) {
        Found::Here(entry) => entry,
        Found::Gone => return farewell(paint, who, "is gone: all its objects have been deleted", area),
        Found::Replaced => {
            return farewell(paint, who, "was deleted and made anew: the tenant of this name is another one now", area);
        }
    };
    let (page, lines, wake) = page(paint, state, entry, area.width);
    if let Some(wake) = wake {
        paint.wake_at(wake);
    }
    let scroll = u16::try_from(scroll).unwrap_or(u16::MAX).min(lines.saturating_sub(area.height));
    for y in 0..area.height.min(lines.saturating_sub(scroll)) {
        for x in 0..area.width {
            if let (Some(to), Some(from)) = (paint.buf.cell_mut((area.x + x, area.y + y)), page.cell((x, y + scroll))) {
                *to = from.clone();
            }
        }
    }
    let below = lines.saturating_sub(scroll + area.height);
    if below > 0 {
        let text = format!(" {} {below} more {} ", paint.glyphs.down, if below == 1 { "line" } else { "lines" });
        paint.parts_right(area.x, area.bottom() - 1, area.right(), &[(&text, Role::Columns)]);
    }
}

/// Lines of the page that is open, for scrolling.
pub(crate) fn lines(state: &State) -> usize {
    let Some(View::Tenant { who, .. }) = state.views.last() else { return 0 };
    let Some(entry) = who.find(&state.fleet).here() else { return 0 };
    let mut nothing = Buffer::empty(Rect::ZERO);
    let paint = Paint::new(&mut nothing, &state.looks.skin, state.looks.glyphs.glyphs(), state.now);
    usize::from(page(&paint, state, entry, state.size.0).1)
}

/// The whole page, its number of lines, and when its first age reads differently.
fn page(like: &Paint<'_>, state: &State, entry: &Entry, width: u16) -> (Buffer, u16, Option<crate::fleet::At>) {
    let area = Rect { x: 0, y: 0, width, height: MOST };
    let mut buffer = Buffer::empty(area);
    let mut paint = Paint::new(&mut buffer, like.skin, like.glyphs, like.now);
    paint.blank(area);
    let right = width.saturating_sub(1);
    title(&mut paint, state, entry, right);
    let findings = state.board.of(&entry.tenant.namespace_name);
    let subject = section::Subject {
        entry,
        fleet: &state.fleet,
        sources: state.fleet.sources(),
        rights: state.fleet.rights(Some(&entry.tenant.namespace_name)),
        history: state.fleet.history(),
        answers: &state.answers,
        findings,
        proofs: state.proofs,
        tiers: &state.tiers,
    };
    let mut y = 2;
    if let Some((since, why)) = state.stale() {
        let age = paint.age(since);
        let text = format!("{} STALE for {age}, what follows is of the past: {why}", paint.glyphs.stale);
        y = wrap(&mut paint, 1, y, right, &text, Role::Error, 2);
    }
    if state.inner().1 < ROOMY && !state.proofs {
        y = short::draw(&mut paint, &subject, y, right);
        let wake = paint.wake;
        return (buffer, y.min(MOST), wake);
    }
    for draw in [
        section::why,
        boot::draw,
        section::quota,
        section::volumes,
        web::draw,
        section::pod,
        section::image,
        section::warnings,
    ] {
        y = draw(&mut paint, &subject, y, right);
    }
    let wake = paint.wake;
    (buffer, y.min(MOST), wake)
}

fn title(paint: &mut Paint<'_>, state: &State, entry: &Entry, right: u16) {
    let (tenant, verdict) = (&entry.tenant, &entry.verdict);
    let x = paint.text(1, 0, right, &tenant.id, Role::Title);
    let kept_down = kept_down(&verdict.phase, state.board.of(&tenant.namespace_name));
    let (role, glyph) = phase_look(paint.glyphs, &verdict.phase, kept_down.is_some());
    let age = verdict.since.map(|since| format!(" for {}", paint.age(since))).unwrap_or_default();
    let x = paint.text(x + 3, 0, right, &format!("{glyph} {}{age}", crate::tui::text::phase(&verdict.phase)), role);
    let clause = match kept_down {
        Some(_) => Some("kept down".to_owned()),
        None => outlook::clause(entry, state.fleet.history(), paint.now).map(|(_, clause)| clause),
    };
    let x = clause.map_or(x, |clause| paint.text(x, 0, right, &format!(", {clause}"), role));
    let dot = paint.glyphs.dot;
    let tier = tenant.tier.as_ref().map_or("unknown", |t| t.as_str());
    let namespace = tenant.namespace.as_ref();
    let mut about = vec![format!("tier {tier}"), format!("ns {}", tenant.namespace_name)];
    about.extend(namespace.and_then(|n| n.owner.as_ref()).map(ToString::to_string));
    about.extend(namespace.and_then(|n| n.host.as_ref()).map(ToString::to_string));
    // What does not fit is left out from the end: the namespace is the last to go.
    while !about.is_empty() {
        let text = about.join(&format!(" {dot} "));
        if paint.parts_right(x + 2, 0, right, &[(&text, Role::Dim)]).is_some() {
            break;
        }
        about.pop();
    }
    // The rule bears what the tenant's own user may be told.
    let kept_down = kept_down.is_some();
    let forecast = state.fleet.history().forecast(entry, paint.now);
    let said = format!(" {} ", outlook::for_user(entry, forecast, kept_down));
    let line = paint.glyphs.line;
    let x = paint.parts(1, 1, right, &[(&line.repeat(2), Role::Frame), (&said, Role::Dim)]);
    paint.text(x, 1, right, &line.repeat(usize::from(right.saturating_sub(x))), Role::Frame);
}

fn farewell(paint: &mut Paint<'_>, who: &Who, what: &str, area: Rect) {
    let y = area.y + area.height / 3;
    paint.parts(area.x + 2, y, area.right(), &[(&who.id, Role::Title), (" ", Role::Text), (what, Role::Text)]);
    paint.text(area.x + 2, y + 2, area.right(), "esc goes back to the fleet", Role::Hint);
}

#[cfg(test)]
mod tests;
