//! A boot as a column of steps: waiting, running with its time so far, done with its duration, failed with its reason;
//! each beside what it usually takes here.

use ratatui::layout::Rect;

use crate::{
    fleet::{
        Age, At, Boot, Step, StepState, Tenant,
        boot::{Comparison, Lap, Pace},
    },
    index::{History, outlook},
    tui::theme::Role,
};

use super::paint::{Align, Paint};

const NAME: u16 = 24;
const TIME: u16 = 6;
const BAR: u16 = 30;

/// What the steps of a boot are compared with.
#[derive(Debug, Default)]
pub(crate) struct Beside {
    /// By step.
    steps: Vec<Option<Comparison>>,
    /// Where no step is at work: the one that is waited for, the time so far, and what that usually takes.
    waits: Option<(usize, u32, Option<Comparison>)>,
}

impl Beside {
    pub(crate) fn of(history: &History, tenant: &Tenant, boot: &Boot, now: At) -> Self {
        let compare = |(step, it): (usize, &Step)| match it.state {
            StepState::Failed { .. } => None,
            _ => history.compare(tenant, step, it.state.seconds(now)?),
        };
        let steps = boot.steps.iter().enumerate().map(compare).collect();
        let waits = history.current(tenant, now).filter(|(lap, ..)| lap.waits);
        Self { steps, waits: waits.map(|(Lap { step, .. }, elapsed, beside)| (step, elapsed, beside)) }
    }
}

/// Draws one line per step; returns how many lines it took.
pub(crate) fn draw(paint: &mut Paint<'_>, boot: &Boot, beside: &Beside, area: Rect) -> u16 {
    let longest = boot.steps.iter().filter_map(|s| s.state.seconds(paint.now)).max().unwrap_or(0).max(1);
    for (y, (index, step)) in (area.top()..area.bottom()).zip(boot.steps.iter().enumerate()) {
        at(paint, step, beside, index, longest, Rect { y, height: 1, ..area });
    }
    u16::try_from(boot.steps.len()).unwrap_or(u16::MAX).min(area.height)
}

/// Draws the line of one step alone; returns how many lines it took.
pub(crate) fn one(paint: &mut Paint<'_>, boot: &Boot, beside: &Beside, index: usize, area: Rect) -> u16 {
    let Some(step) = boot.steps.get(index) else { return 0 };
    let longest = step.state.seconds(paint.now).unwrap_or(0).max(1);
    at(paint, step, beside, index, longest, area);
    1
}

fn at(paint: &mut Paint<'_>, step: &Step, beside: &Beside, index: usize, longest: u32, area: Rect) {
    match beside.waits.filter(|(at, ..)| *at == index && step.state == StepState::Waiting) {
        Some((_, elapsed, usual)) => waits(paint, step, elapsed, usual, area),
        None => line(paint, step, beside.steps.get(index).copied().flatten(), longest, area),
    }
}

/// The stage's turn has come, and its container has not started.
fn waits(paint: &mut Paint<'_>, step: &Step, elapsed: u32, usual: Option<Comparison>, area: Rect) {
    let (y, right) = (area.y, area.right());
    paint.text(area.x, y, right, paint.glyphs.running, Role::Progress);
    let name = NAME.min(area.width / 2);
    paint.cell(area.x + 2, y, name, step.kind.name(), Align::Left, Role::Text);
    let x = area.x + 3 + name;
    paint.cell(x, y, TIME.min(right.saturating_sub(x)), &Age(elapsed).to_string(), Align::Right, Role::Progress);
    // It grows by the second.
    paint.wake_at(paint.now.plus(1));
    let mut x = x + TIME + 2;
    if right > x + BAR + 20 {
        x += BAR + 1;
    }
    let end = paint.text(x, y, right, "image and start", Role::Progress);
    let pace = usual.map_or(Pace::Usual, |with| outlook::pace(Lap { step: 0, waits: true }, &with));
    compared(paint, end, y, right, usual, pace);
}

/// `, slow: usually 12s, p95 15s`, as far as there is room.
fn compared(paint: &mut Paint<'_>, x: u16, y: u16, right: u16, with: Option<Comparison>, pace: Pace) {
    let Some(with) = with else { return };
    let usually = outlook::usually(&with);
    match pace {
        Pace::Usual => paint.parts(x, y, right, &[(", ", Role::Dim), (&usually, Role::Dim)]),
        Pace::Slow => paint.parts(x, y, right, &[(", slow: ", Role::Warn), (&usually, Role::Warn)]),
        Pace::Stuck => paint.parts(x, y, right, &[(", stuck: ", Role::Error), (&usually, Role::Error)]),
    };
}

fn line(paint: &mut Paint<'_>, step: &Step, beside: Option<Comparison>, longest: u32, area: Rect) {
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
    let end = paint.text(x, y, right, &words, role);
    // A finished step is history itself: only a slow one is worth a word more.
    let pace = beside.map_or(Pace::Usual, |with| with.pace());
    let beside = beside.filter(|_| !step.state.is_done() || pace > Pace::Usual);
    compared(paint, end, y, right, beside, pace);
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
