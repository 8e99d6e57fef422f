//! A boot as a column of steps: waiting, running with its time so far, done with its duration, failed with its reason.

use ratatui::layout::Rect;

use crate::{
    fleet::{Age, At, Boot, Step, StepState},
    tui::theme::Role,
};

use super::paint::{Align, Paint};

const NAME: u16 = 24;
const TIME: u16 = 6;
const BAR: u16 = 30;

/// Draws one line per step; returns how many lines it took.
pub(crate) fn draw(paint: &mut Paint<'_>, boot: &Boot, area: Rect) -> u16 {
    let longest = boot.steps.iter().filter_map(|s| s.state.seconds(paint.now)).max().unwrap_or(0).max(1);
    for (y, step) in (area.top()..area.bottom()).zip(&boot.steps) {
        line(paint, step, longest, Rect { y, height: 1, ..area });
    }
    u16::try_from(boot.steps.len()).unwrap_or(u16::MAX).min(area.height)
}

fn line(paint: &mut Paint<'_>, step: &Step, longest: u32, area: Rect) {
    let (y, right) = (area.y, area.right());
    let glyphs = paint.glyphs;
    let (glyph, role, words) = match &step.state {
        StepState::Waiting => (glyphs.waiting, Role::Dim, "waiting".to_owned()),
        StepState::Running { .. } => (glyphs.running, Role::Progress, "running".to_owned()),
        StepState::Done { .. } => (glyphs.done, Role::Ok, "done".to_owned()),
        StepState::Failed { reason, .. } => (glyphs.failed, Role::Error, format!("failed: {reason}")),
    };
    paint.text(area.x, y, right, glyph, role);
    let name_role = if matches!(step.state, StepState::Waiting) { Role::Dim } else { Role::Text };
    paint.cell(area.x + 2, y, NAME.min(area.width / 2), step.kind.name(), Align::Left, name_role);
    let mut x = area.x + 2 + NAME.min(area.width / 2) + 1;
    let time = time(paint, &step.state);
    paint.cell(x, y, TIME.min(right.saturating_sub(x)), &time, Align::Right, role);
    x += TIME + 2;
    if right > x + BAR + 20 {
        if let Some(seconds) = step.state.seconds(paint.now) {
            let cells = u16::try_from(u64::from(seconds) * u64::from(BAR) / u64::from(longest)).unwrap_or(BAR).min(BAR);
            let bar = glyphs.stage_done.repeat(usize::from(if seconds > 0 { cells.max(1) } else { 0 }));
            paint.text(x, y, right, &bar, role);
        }
        x += BAR + 1;
    }
    paint.text(x, y, right, &words, role);
}

/// The step's time; one that still runs is drawn again as it grows.
fn time(paint: &mut Paint<'_>, state: &StepState) -> String {
    let growing: Option<At> = match state {
        StepState::Running { since } | StepState::Failed { since, .. } => *since,
        _ => None,
    };
    match (growing, state.seconds(paint.now)) {
        (Some(since), _) => paint.age(since),
        (None, Some(seconds)) => Age(seconds).to_string(),
        (None, None) if matches!(state, StepState::Waiting) => String::new(),
        (None, None) => "?".to_owned(),
    }
}
