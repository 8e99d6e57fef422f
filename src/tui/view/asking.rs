//! The question before a run is given up for good, or taken up.

use ratatui::layout::Rect;

use crate::tui::{
    command::Id,
    state::{State, asking::Asking},
    theme::Role,
    widget::{boxed, paint::Paint, wrap::hang},
};

const WIDTH: u16 = 78;

pub(crate) fn draw(paint: &mut Paint<'_>, state: &State, asking: &Asking, screen: Rect) {
    let width = usize::from(WIDTH.min(screen.width).saturating_sub(4));
    let lines: Vec<(String, Role)> = content(state, asking)
        .into_iter()
        .flat_map(|(text, role)| hang(&text, width).into_iter().map(move |line| (line, role)))
        .collect();
    let area = boxed::centred(screen, WIDTH, u16::try_from(lines.len()).unwrap_or(u16::MAX).saturating_add(4));
    let (verb, does) = match asking.id {
        Id::RunAbort => ("abort", "abort it "),
        _ => ("take up", "take it up "),
    };
    let yes = [(" y ", Role::Key), (does, Role::Hint)];
    let no = [(" esc ", Role::Key), ("no ", Role::Hint)];
    let foot: Vec<_> = yes.into_iter().filter(|_| asking.wanted().is_none()).chain(no).collect();
    let inner = boxed::draw(paint, area, &format!("{verb} {} on {}?", asking.run, asking.context), &foot);
    for (y, (text, role)) in (inner.y..inner.bottom().saturating_sub(2)).zip(&lines) {
        paint.text(inner.x, y, inner.right(), text, *role);
    }
    if let Some(name) = asking.wanted() {
        let (all, which) = asking.progress();
        let which = if all > 1 { format!("{which} of {all}: ") } else { String::new() };
        let y = inner.bottom().saturating_sub(1);
        let x = paint.text(inner.x, y, inner.right(), &format!("{which}type {name} and Enter to go on: "), Role::Warn);
        asking.field.draw(paint, Rect { x, y, width: inner.right().saturating_sub(x), height: 1 });
    }
}

fn content(state: &State, asking: &Asking) -> Vec<(String, Role)> {
    let mut lines = Vec::new();
    if let Some(summary) = state.runs.others().find(|other| other.run == asking.run) {
        let holder = summary.holder.as_ref().map_or(String::new(), |holder| format!("; {holder} acts on it"));
        lines.push((
            format!("{} of {} tenants, begun by {}{holder}.", summary.verb, summary.tenants, summary.author),
            Role::Text,
        ));
    }
    if let Some(seen) = state.runs.seen(&asking.run) {
        let counts = seen.counts;
        lines.push((format!("{} of {} are done.", counts.done, counts.total()), Role::Text));
    }
    if asking.id == Id::RunAbort {
        let after = if state.is_ended_for_good(&asking.run) {
            "for good: nobody can go on with it"
        } else if state.runs.ours(&asking.run).is_some_and(|ours| ours.recorded) {
            "and others can go on with it: from here it cannot be ended for good, since another context is looked at"
        } else {
            "and nobody can go on with it, since it is written down nowhere"
        };
        let words = "What is done stays done, and whoever is acted on now is left as it is.";
        lines.push((format!("It stops before its next step, {after}. {words}"), Role::Warn));
        return lines;
    }
    let whom = state.unfinished(&asking.run);
    let named = whom.iter().take(8).cloned().collect::<Vec<_>>().join(", ");
    let more = whom.len().saturating_sub(8);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let verb = state.runs.seen(&asking.run).map_or("it", |seen| seen.plan.intent.verb());
    lines.push((format!("From here goes on, by the plan that was agreed to: {verb} of {named}{more}."), Role::Warn));
    lines
}
