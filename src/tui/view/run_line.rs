//! One line above the footer while a run of ours is under way, on any page.

use ratatui::layout::Rect;

use crate::{
    fleet::Age,
    plan::ledger::Counts,
    tui::{
        state::{State, runs::Ours},
        theme::Role,
        widget::{bar, paint::Paint},
    },
};

use super::footer;

/// Cells of the bar.
const BAR: usize = 10;

/// Lines that it takes.
pub(crate) fn height(state: &State) -> u16 {
    u16::from(state.runs.alive().next().is_some())
}

pub(crate) fn draw(paint: &mut Paint<'_>, state: &State, area: Rect) {
    let Some(run) = state.runs.alive().next() else { return };
    let (y, right) = (area.bottom() - footer::HEIGHT - 1, area.right().saturating_sub(1));
    let others = state.runs.alive().count() - 1;
    let more = if others > 0 { format!("  and {others} more") } else { String::new() };
    let tail = format!("{more}  (R)");
    let end = paint.parts_right(area.x + 30, y, right, &[(&tail, Role::Key)]).unwrap_or(right);
    let counts = run.ledger.counts();
    let x = paint.parts(
        area.x + 1,
        y,
        end,
        &[(paint.glyphs.pointer, Role::Progress), (" ", Role::Text), (run.plan.intent.verb(), Role::Title)],
    );
    let x = paint.text(x, y, end, &whom(run, state), Role::Text);
    let x = paint.text(x, y, end, "  ", Role::Text);
    let (done, total) = (counts.ended(), counts.total());
    let filled = (done * BAR).checked_div(total).unwrap_or_default();
    let x = bar::stages(paint, x, y, end, filled, BAR);
    let mut parts = vec![(format!("  {done}/{total}"), Role::Text)];
    parts.extend(trouble(&counts).map(|text| (format!("  {text}"), Role::Error)));
    parts.push((format!("  {}", how(run, state)), Role::Dim));
    let parts: Vec<_> = parts.iter().map(|(text, role)| (text.as_str(), *role)).collect();
    paint.parts(x, y, end, &parts);
}

fn whom(run: &Ours, state: &State) -> String {
    let mut turns = run.plan.turns();
    let whom = match (turns.next(), turns.count()) {
        (Some(one), 0) => format!(" {}", one.tenant),
        (_, rest) => format!(" {} tenants", rest + 1),
    };
    let elsewhere = run.plan.context != state.context.name;
    if elsewhere { format!("{whom} on {}", run.plan.context) } else { whom }
}

/// `2 failed, 1 held`; `None` where all is well.
pub(crate) fn trouble(counts: &Counts) -> Option<String> {
    let of = |n: usize, word: &str| (n > 0).then(|| format!("{n} {word}"));
    let parts: Vec<_> = [of(counts.failed, "failed"), of(counts.held, "held")].into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

fn how(run: &Ours, state: &State) -> String {
    if let Some(by) = &run.ledger.paused {
        return format!("paused by {by}");
    }
    if run.order == crate::engine::Order::Stop {
        return "stopping before the next step".to_owned();
    }
    let eta = run.eta(state.now).map(|seconds| format!(", {} left", Age(seconds))).unwrap_or_default();
    match (&run.trouble, &run.ledger.wave) {
        (Some((_, said)), _) => said.clone(),
        (None, Some(wave)) if run.plan.waves.len() > 1 => format!("wave {wave}{eta}"),
        (None, _) => match run.acting() {
            Some((_, said)) => format!("{said}{eta}"),
            None => format!("begins{eta}"),
        },
    }
}
