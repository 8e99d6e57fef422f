//! The boot of the tenant's pod: each step beside what it usually takes, what is left, and the boots before this one.

use ratatui::layout::Rect;

use crate::{
    diagnose::kept_down,
    fleet::{
        Age, At, Boot, Pod, Right, Tenant,
        boot::{Lap, Pace, first_ready},
    },
    index::{
        Forecast,
        history::{PastBoot, Usual},
        outlook,
    },
    tui::{
        ask::Answer,
        state,
        theme::Role,
        widget::{bar, paint::Paint, timeline, wrap::wrap},
    },
};

use super::section::{BODY, Subject, head};

/// Boots of the past that are listed.
const PAST: usize = 3;

pub(super) fn draw(paint: &mut Paint<'_>, of: &Subject<'_>, y: u16, right: u16) -> u16 {
    head(paint, y, right, "BOOT");
    let tenant = &of.entry.tenant;
    let Some(pod) = tenant.pod() else {
        let mut end = paint.text(BODY, y, right, "no pod", Role::Dim);
        if let Some(forecast) = forecast(of, paint.now) {
            end = paint.text(end, y, right, ": ", Role::Dim);
            paint.text(end, y, right, &outlook::long(forecast), Role::Dim);
        }
        return past(paint, of, y + 1, right) + 1;
    };
    let boot = Boot::of(pod);
    let mut y = summary(paint, of, pod, &boot, y, right);
    y = stuck(paint, of, y, right);
    let height = u16::try_from(boot.steps.len()).unwrap_or(0);
    let area = Rect { x: BODY, y, width: right.saturating_sub(BODY), height };
    let beside = timeline::Beside::of(of.history, tenant, &boot, paint.now);
    y += timeline::draw(paint, &boot, &beside, area);
    y = log_end(paint, of, LOG_LINES, y, right);
    past(paint, of, y, right) + 1
}

/// How far it is, and how long it will still take.
pub(super) fn summary(paint: &mut Paint<'_>, of: &Subject<'_>, pod: &Pod, boot: &Boot, y: u16, right: u16) -> u16 {
    let tenant = &of.entry.tenant;
    let (done, total) = boot.stages();
    let x = bar::stages(paint, BODY, y, right, done, total);
    let dot = paint.glyphs.dot;
    let summary = match (boot.current(), pod.created) {
        (Some(_), Some(created)) => {
            let age = paint.age(created);
            format!("{done} of {total} stages {dot} {age} since its pod was made")
        }
        (Some(_), None) => format!("{done} of {total} stages"),
        (None, _) => match whole(pod) {
            Some(seconds) => {
                let usual = of.history.usual_whole(tenant);
                format!("all {total} stages {dot} ready after {}{}", Age(seconds), usually(usual))
            }
            None => format!("all {total} stages"),
        },
    };
    paint.text(x + 1, y, right, &summary, Role::Text);
    let mut y = y + 1;
    if let Some(forecast) = forecast(of, paint.now) {
        let role = if forecast.seconds().is_some() { Role::Progress } else { Role::Dim };
        paint.text(BODY, y, right, &outlook::long(forecast), role);
        y += 1;
    }
    y
}

/// Nothing is foretold of a boot that something keeps from going on.
fn forecast(of: &Subject<'_>, now: At) -> Option<Forecast> {
    of.history.forecast(of.entry, now).filter(|_| kept_down(&of.entry.verdict.phase, of.findings).is_none())
}

/// Seconds from the pod's making to its readiness.
fn whole(pod: &Pod) -> Option<u32> {
    Some(first_ready(pod)?.since(pod.created?))
}

fn usually(usual: Option<Usual>) -> String {
    usual.map_or_else(String::new, |u| format!(" (usually {}, p95 {})", Age(u.median), Age(u.p95)))
}

/// Why the boot does not move, where it does not.
pub(super) fn stuck(paint: &mut Paint<'_>, of: &Subject<'_>, y: u16, right: u16) -> u16 {
    let tenant = &of.entry.tenant;
    let Some((lap, elapsed, Some(comparison))) = of.history.current(tenant, paint.now) else { return y };
    if outlook::pace(lap, &comparison) < Pace::Stuck || !of.entry.verdict.phase.in_progress() {
        return y;
    }
    let since = paint.now.unix() - i64::from(elapsed);
    let because = At::from_unix(since).and_then(|since| outlook::stuck_because(tenant, lap, since));
    let because = because.unwrap_or_else(|| "no event says why".to_owned());
    wrap(paint, BODY, y, right, &format!("stuck: {because}"), Role::Error, 2)
}

/// Lines of its log that are shown.
const LOG_LINES: usize = 2;

/// The last lines of what the step that is at work writes.
pub(super) fn log_end(paint: &mut Paint<'_>, of: &Subject<'_>, most: usize, mut y: u16, right: u16) -> u16 {
    let Some(ask) = state::log_end(of.entry) else { return y };
    if of.rights.get(Right::Logs) == Some(false) {
        paint.text(BODY, y, right, &format!("its log may not be read ({})", Right::Logs.can_i()), Role::Dim);
        return y + 1;
    }
    match of.answers.told(&ask).map(|told| &told.answer) {
        Some(Ok(Answer::Log(lines))) => {
            for line in &lines[lines.len().saturating_sub(most)..] {
                let x = paint.text(BODY, y, right, "log ", Role::Dim);
                paint.text(x, y, right, &line.text, Role::Text);
                y += 1;
            }
        }
        Some(Err(refusal)) => {
            paint.text(BODY, y, right, &format!("its log is not known: {}", refusal.why), Role::Dim);
            y += 1;
        }
        _ => {}
    }
    y
}

/// The latest boots of this tenant, the one that is on screen aside.
fn past(paint: &mut Paint<'_>, of: &Subject<'_>, y: u16, right: u16) -> u16 {
    let tenant: &Tenant = &of.entry.tenant;
    let here = tenant.pod().map(|p| p.uid);
    let boots = tenant.uid().into_iter().flat_map(|uid| of.history.of_tenant(uid));
    let lines: Vec<_> = boots.filter(|b| Some(b.pod) != here).take(PAST).map(|b| past_boot(paint, b)).collect();
    if lines.is_empty() {
        return y;
    }
    let text = format!("before: {}", lines.join(&format!(" {} ", paint.glyphs.dot)));
    wrap(paint, BODY, y, right, &text, Role::Dim, 2)
}

/// `94s 2h ago (slowest: seed-app 12s)`.
fn past_boot(paint: &mut Paint<'_>, boot: &PastBoot) -> String {
    let whole = boot.whole().map_or_else(|| "?".to_owned(), |s| Age(s).to_string());
    let ago = paint.age(boot.at);
    let slowest = (0..boot.laps.len()).filter_map(|lap| Some((boot.lap(lap)?, lap))).max_by_key(|(s, _)| *s);
    let slowest = slowest.map_or_else(String::new, |(seconds, lap)| {
        format!(" (slowest: {} {})", lap_name(&boot.kind.stages, Lap::of(lap)), Age(seconds))
    });
    format!("{whole} {ago} ago{slowest}")
}

/// What a lap is called on screen.
pub(crate) fn lap_name(stages: &[crate::fleet::Text], lap: Lap) -> String {
    let step = match lap.step {
        0 => "scheduling",
        1 => "volumes",
        n => stages.get(n - 2).map_or("gateway", |s| s.as_str()),
    };
    if lap.waits { format!("image and start of {step}") } else { step.to_owned() }
}
