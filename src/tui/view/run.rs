//! One run: its waves as a picture, who is acted on and how far, what failed and what to do, and how long tenants were down.

use ratatui::layout::Rect;

use crate::{
    engine::desk::runs::Summary,
    fleet::Age,
    plan::{End, State as Turn, ledger::Counts},
    tui::{
        glyph::Glyphs,
        state::{
            State,
            runs::{Seen, downtime},
        },
        theme::Role,
        widget::{paint::Paint, wrap::hang},
    },
};

use super::{run_line::trouble, runs::role_of};

/// Lines of cells that one wave takes at most; what is beyond is counted.
const CELLS: usize = 4;

type Line = Vec<(String, Role)>;

/// Lines that the open run has.
pub(crate) fn lines(state: &State) -> usize {
    let Some(id) = state.run() else { return 0 };
    state.runs.seen(&id).map_or(0, |run| content(state, run, state.looks.glyphs.glyphs()).len())
}

pub(crate) fn draw(paint: &mut Paint<'_>, state: &State, id: &str, scroll: usize, area: Rect) {
    let Some(run) = state.runs.seen(id) else {
        unread(paint, state, id, area);
        return;
    };
    let lines = content(state, run, paint.glyphs);
    for (y, line) in (area.y..area.bottom()).zip(lines.iter().skip(scroll)) {
        let mut x = area.x + 1;
        for (text, role) in line {
            x = paint.text(x, y, area.right(), text, *role);
        }
    }
    paint.wake_at(state.now.plus(1));
}

fn unread(paint: &mut Paint<'_>, state: &State, id: &str, area: Rect) {
    let read = state.runs.shown.as_ref().filter(|(shown, _)| shown == id).map(|(_, read)| &read.answer);
    let (text, role) = match read {
        Some(Err(refusal)) => (format!("{id} cannot be shown: {}", refusal.why), Role::Error),
        _ => (format!("{} reading {id}", paint.glyphs.loading), Role::Progress),
    };
    let lines = hang(&text, usize::from(area.width.saturating_sub(4)));
    for (y, line) in (area.y + area.height / 3..area.bottom()).zip(&lines) {
        paint.text(area.x + 2, y, area.right(), line, role);
    }
}

fn content(state: &State, run: Seen<'_>, glyphs: &Glyphs) -> Vec<Line> {
    let width = usize::from(state.size.0.saturating_sub(2));
    let mut lines: Vec<Line> = Vec::new();
    head(&mut lines, state, run, glyphs);
    lines.push(vec![]);
    let standing = Standing::of(run);
    for wave in &run.plan.waves {
        let turns: Vec<&Turn> =
            wave.turns.iter().map(|turn| run.ledger.turns.get(&turn.namespace).unwrap_or(&Turn::Waiting)).collect();
        let current = run.ledger.wave.as_deref() == Some(wave.name.as_str()) && run.ledger.end.is_none();
        let name = format!("{:<14}", wave.name);
        let role = if current { Role::Title } else { Role::Dim };
        let room = width.saturating_sub(name.len()).max(1);
        for (n, row) in turns.chunks(room).take(CELLS).enumerate() {
            let mut line = vec![(if n == 0 { name.clone() } else { " ".repeat(name.len()) }, role)];
            line.extend(row.iter().map(|turn| cell(turn, standing, glyphs)));
            lines.push(line);
        }
        let beyond = turns.len().saturating_sub(room * CELLS);
        if beyond > 0 {
            lines.push(vec![(format!("{}and {beyond} more", " ".repeat(name.len())), Role::Dim)]);
        }
    }
    lines.push(legend(glyphs));
    acting(&mut lines, state, run, standing, width);
    if let Some(down) = downtime(run.ledger) {
        lines.push(vec![]);
        let text = format!(
            "without the gateway: median {}, p95 {}, at most {}",
            Age(down.median),
            Age(down.p95),
            Age(down.max)
        );
        lines.push(vec![("DOWNTIME  ".to_owned(), Role::Dim), (text, Role::Text)]);
    }
    failures(&mut lines, run, glyphs, width);
    lines
}

/// Whether somebody acts for it, as far as this page knows.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Standing {
    Going,
    /// At its end, or its holder has gone.
    Over,
    /// Somebody else goes on with what we began: where they stand is on their page.
    Taken,
}

impl Standing {
    fn of(run: Seen<'_>) -> Self {
        let rests = |summary: &Summary| !matches!(summary.state, "running" | "paused");
        match &run.ledger.end {
            Some((End::Superseded, _)) => Self::Taken,
            Some(_) => Self::Over,
            None if run.ours.is_none() && run.summary.is_some_and(rests) => Self::Over,
            None => Self::Going,
        }
    }

    /// Of those who were begun and are not done.
    fn midway(self) -> &'static str {
        match self {
            Self::Going => "acted on",
            Self::Over => "left midway",
            Self::Taken => "acted on when it was taken over",
        }
    }
}

fn head(lines: &mut Vec<Line>, state: &State, run: Seen<'_>, glyphs: &Glyphs) {
    let (plan, counts) = (run.plan, run.counts);
    let word = match (&run.ledger.end, run.ours, run.summary) {
        (Some((End::Done, _)), ..) => "done",
        (Some((End::Failed, _)), ..) => "failed",
        (Some((End::Stopped, _)), ..) => "stopped",
        (Some((End::Superseded, _)), ..) => "taken over",
        (None, _, Some(summary)) => summary.state,
        (None, Some(ours), None) if ours.order == crate::engine::Order::Stop => "stopping",
        (None, Some(_), None) if run.ledger.paused.is_some() => "paused",
        (None, ..) => "running",
    };
    lines.push(vec![
        (plan.id.clone(), Role::Title),
        ("  ".to_owned(), Role::Text),
        (word.to_owned(), role_of(word)),
        (format!("  on {} {} begun by {}", plan.context, glyphs.dot, plan.author), Role::Dim),
    ]);
    let mut line = vec![(format!("{} of {} tenants done", counts.done, counts.total()), Role::Text)];
    line.extend(trouble(&counts).map(|text| (format!("  {text}"), Role::Error)));
    line.extend(rest(&counts, Standing::of(run).midway()).map(|text| (format!("  {text}"), Role::Dim)));
    if let Some(eta) = run.ours.filter(|ours| ours.is_alive()).and_then(|ours| ours.eta(state.now)) {
        line.push((format!("  about {} left", Age(eta)), Role::Text));
    }
    lines.push(line);
    if counts.total() > 1 {
        let pace = plan.pace;
        let soak = if pace.soak > 0 { format!(", {} between waves", Age(pace.soak)) } else { String::new() };
        let text =
            format!("at most {} down at once, stops after {} failed{soak}", pace.max_unavailable, pace.stop_after);
        lines.push(vec![(text, Role::Dim)]);
    }
    // What came before the first wave, as long as that has not begun.
    if let (Some(said), None, None) = (&run.ledger.opening, &run.ledger.wave, &run.ledger.end) {
        lines.push(vec![(said.clone(), Role::Progress)]);
    }
    let said = match (&run.ledger.end, &run.ledger.paused, run.summary, run.ours) {
        (Some((_, said)), ..) => Some((said.clone(), Role::Title)),
        (None, Some(by), ..) => Some((format!("paused by {by}"), Role::Warn)),
        (None, None, Some(summary), _) => {
            let holder = summary.holder.as_ref().map(|holder| {
                format!("{holder} acts on it, since {}. ", summary.since.as_deref().unwrap_or("an unknown time"))
            });
            let text = format!("{}{}", holder.unwrap_or_default(), summary.said);
            (!text.trim().is_empty()).then_some((text, Role::Warn))
        }
        (None, None, None, Some(ours)) => ours.trouble.clone().map(|(namespace, said)| {
            let who = plan.turn(&namespace).map_or(namespace.as_str(), |turn| turn.tenant.as_str());
            (format!("{who}: {said}"), Role::Warn)
        }),
        (None, None, None, None) => None,
    };
    lines.extend(said.map(|part| vec![part]));
}

fn rest(counts: &Counts, midway: &str) -> Option<String> {
    let of = |n: usize, word: &str| (n > 0).then(|| format!("{n} {word}"));
    let parts = [of(counts.acting, midway), of(counts.waiting, "waiting"), of(counts.skipped, "skipped")];
    let parts: Vec<_> = parts.into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

fn cell(turn: &Turn, standing: Standing, glyphs: &Glyphs) -> (String, Role) {
    let (glyph, role) = match turn {
        Turn::Acting { .. } if standing != Standing::Going => (glyphs.waiting, Role::Warn),
        Turn::Waiting => (glyphs.waiting, Role::Dim),
        Turn::Acting { .. } => (glyphs.running, Role::Progress),
        Turn::Done { .. } => (glyphs.done, Role::Ok),
        Turn::Failed { .. } => (glyphs.failed, Role::Error),
        Turn::Held { .. } => (glyphs.forbidden, Role::Warn),
        Turn::Skipped { .. } => (glyphs.line, Role::Dim),
    };
    (glyph.to_owned(), role)
}

fn legend(glyphs: &Glyphs) -> Line {
    let parts = [
        (glyphs.done, "done"),
        (glyphs.running, "acting"),
        (glyphs.waiting, "waiting"),
        (glyphs.failed, "failed"),
        (glyphs.forbidden, "held"),
        (glyphs.line, "skipped"),
    ];
    let text: Vec<String> = parts.iter().map(|(glyph, word)| format!("{glyph} {word}")).collect();
    vec![(format!("{}{}", " ".repeat(14), text.join("  ")), Role::Dim)]
}

/// Who is acted on now, at which step, for how long; and what the fleet sees of them. Of a run that is over: who was left there.
fn acting(lines: &mut Vec<Line>, state: &State, run: Seen<'_>, standing: Standing, width: usize) {
    let over = standing != Standing::Going;
    let mut any = false;
    for turn in run.plan.turns() {
        let Some(Turn::Acting { step, since, said }) = run.ledger.turns.get(&turn.namespace) else { continue };
        if !any {
            lines.push(vec![]);
            let title = if over { standing.midway().to_uppercase() } else { "ACTED ON NOW".to_owned() };
            lines.push(vec![(title, Role::Dim)]);
        }
        any = true;
        let steps = run.plan.steps(turn).len();
        let here = run.plan.context == state.context.name;
        let phase = state.fleet.get(&turn.namespace).filter(|_| here).map(|entry| entry.verdict.phase.word());
        let step = if run.ours.is_some() && over {
            format!("step {}/{steps}", step + 1)
        } else if run.ours.is_some() {
            format!("step {}/{steps}, {}", step + 1, Age(state.now.since(*since)))
        } else {
            String::new()
        };
        let phase = phase.map_or_else(String::new, |word| format!("  {word}"));
        lines.push(vec![(format!("  {}", turn.tenant), Role::Title), (format!("{phase}  {step}"), Role::Dim)]);
        let said = if over && run.ours.is_none() { "its Namespace is still claimed for this run" } else { said };
        lines.extend(hang(&format!("    {said}"), width).into_iter().map(|line| vec![(line, Role::Text)]));
    }
}

fn failures(lines: &mut Vec<Line>, run: Seen<'_>, glyphs: &Glyphs, width: usize) {
    let mut any = false;
    for turn in run.plan.turns() {
        let (said, advice) = match run.ledger.turns.get(&turn.namespace) {
            Some(Turn::Failed { said, advice }) => (said, advice.as_str()),
            Some(Turn::Held { said }) => (said, ""),
            _ => continue,
        };
        if !any {
            lines.push(vec![]);
            lines.push(vec![("WHAT FAILED".to_owned(), Role::Dim)]);
        }
        any = true;
        let text = format!("  {} {}: {said}", glyphs.failed, turn.tenant);
        lines.extend(hang(&text, width).into_iter().map(|line| vec![(line, Role::Error)]));
        if !advice.is_empty() {
            lines.extend(hang(&format!("    {advice}"), width).into_iter().map(|line| vec![(line, Role::Text)]));
        }
    }
}
