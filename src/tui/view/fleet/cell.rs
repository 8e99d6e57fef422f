//! What stands in each column of a tenant's row.

use crate::{
    diagnose::Finding,
    fleet::{Claim, ClaimPhase, Container, Phase, State as Run, boot::Pace, name::Holds},
    index::{Entry, History, outlook},
    tui::{
        state::list::sort::{cpu_percent, memory_percent},
        text,
        theme::Role,
        widget::{
            bar,
            paint::{Align, Paint},
        },
    },
};

use super::{
    UNKNOWN,
    column::{Column, Placed},
    phase_role, put,
};

/// Cells of the longest usual word of a phase.
const WORD: u16 = 8;
/// Cells that a long phase column has left beside a word.
const CULPRIT: usize = 20;

/// What a row tells of.
pub(super) struct Subject<'a> {
    pub(super) entry: &'a Entry,
    pub(super) history: &'a History,
    /// What is worst about the tenant.
    pub(super) finding: Option<&'a Finding>,
    /// The same, where it keeps the tenant down though its phase says that it is on its way.
    pub(super) kept_down: Option<&'a Finding>,
    /// The phase's column has no room for the stage, so that WHY says it.
    pub(super) narrow: bool,
}

pub(super) fn draw(paint: &mut Paint<'_>, of: &Subject<'_>, placed: &Placed, x: u16, y: u16) {
    let entry = of.entry;
    let tenant = &entry.tenant;
    let pod = tenant.pod();
    let say = |paint: &mut Paint<'_>, text: &str, role: Role| put(paint, placed, x, y, text, role);
    match placed.column {
        Column::Tenant => say(paint, &tenant.id, Role::Text),
        Column::PhaseLong | Column::Phase => phase(paint, of, placed, x, y),
        Column::Since => match entry.verdict.since {
            Some(since) => {
                let age = paint.age(since);
                say(paint, &age, Role::Text);
            }
            None => say(paint, UNKNOWN, Role::Dim),
        },
        Column::Tier => match &tenant.tier {
            Some(tier) => say(paint, tier.as_str(), Role::Text),
            None => say(paint, "?", Role::Stale),
        },
        Column::Image => image(paint, entry, placed, x, y),
        Column::Restarts => match pod.map(crate::fleet::pod::Pod::restarts) {
            Some(0) => say(paint, "0", Role::Dim),
            Some(n) => say(paint, &n.to_string(), Role::Warn),
            None => say(paint, UNKNOWN, Role::Dim),
        },
        Column::Quota => match quota_percent(entry) {
            // A pod fills its tier's quota exactly: full is what it should be.
            Some(percent) => say(paint, &format!("{percent}%"), Role::Text),
            None => say(paint, UNKNOWN, Role::Dim),
        },
        Column::Memory => share(paint, memory_percent(entry), placed, x, y),
        Column::MemoryBar => meter(paint, memory_percent(entry), placed, x, y),
        Column::CpuBar => meter(paint, cpu_percent(entry), placed, x, y),
        Column::App => claim(paint, tenant.claim_for(Holds::App), placed, x, y),
        Column::Config => claim(paint, tenant.claim_for(Holds::Config), placed, x, y),
        Column::Disk => claim(paint, worst_claim(entry), placed, x, y),
        Column::Browser => {
            let young = entry.verdict.phase.in_progress();
            let (text, role) = browser(paint, pod.and_then(|p| p.browser()), young);
            say(paint, &text, role);
        }
        Column::Changed => match entry.changed {
            Some(at) => {
                let age = paint.age(at);
                say(paint, &age, Role::Dim);
            }
            None => say(paint, UNKNOWN, Role::Dim),
        },
        Column::Why => {
            // What keeps somebody down is worth more than how long they have been on their way.
            let kept_down = of.kept_down.is_some();
            let clause = outlook::clause(entry, of.history, paint.now).filter(|_| !kept_down);
            // Of whoever is on their way it is told how far they are, unless something keeps them; of the others what is worst.
            let moves = entry.verdict.phase.in_progress();
            let finding = of.finding.filter(|f| clause.is_none() && (!moves || f.down));
            let role = match (&clause, finding) {
                _ if kept_down => Role::Error,
                (Some((Pace::Stuck, _)), _) => Role::Error,
                (Some((Pace::Slow, _)), _) => Role::Warn,
                (None, Some(finding)) if !finding.down => Role::Warn,
                (_, None) if moves => Role::Dim,
                (Some(_), _) => Role::Dim,
                _ => Role::Text,
            };
            let text = match finding {
                Some(finding) => found(finding, usize::from(placed.width)),
                None => why(entry, clause.map(|(_, text)| text), of.narrow),
            };
            say(paint, &text, role);
        }
    }
}

fn phase(paint: &mut Paint<'_>, of: &Subject<'_>, placed: &Placed, x: u16, y: u16) {
    let entry = of.entry;
    let phase = &entry.verdict.phase;
    let (x, right) = (x + placed.x, x + placed.x + placed.width);
    let role = phase_role(if of.kept_down.is_some() { Phase::Failing.rank() } else { phase.rank() });
    let end = paint.text(x, y, right, phase.word(), role).max(x + WORD) + 1;
    let long = placed.column == Column::PhaseLong;
    match phase {
        Phase::Booting { stage, .. } => {
            let (done, total) = entry.tenant.pod().map_or((0, 0), text::stages);
            let after = bar::stages(paint, end, y, right, done, total);
            if long {
                paint.text(after + 1, y, right, text::short_stage(stage), Role::Text);
            }
        }
        _ if long => {
            paint.text(end, y, right, culprit(&entry.verdict.why).0, Role::Text);
        }
        _ => {}
    }
}

/// A reason such as `gateway crash loop: out of memory` in two: what is at fault, and the rest.
fn culprit(why: &str) -> (&str, &str) {
    why.split_once(": ").filter(|(head, _)| head.len() <= CULPRIT).unwrap_or(("", why))
}

/// A finding in so many cells: its sentence, or what such a finding is called, which says the cause first.
fn found(finding: &Finding, width: usize) -> String {
    if finding.sentence.chars().count() <= width {
        return finding.sentence.clone();
    }
    let title = finding.code.title();
    let whole = format!("{title}: {}", finding.about);
    if finding.about.is_empty() || title.chars().count() >= width { title.to_owned() } else { whole }
}

/// `clause`: how its way to ready looks, where it is on it and that is known. It is worth more than what a boot waits for.
fn why(entry: &Entry, clause: Option<String>, narrow: bool) -> String {
    let told = clause.is_some();
    let why = match clause {
        Some(clause) if clause.starts_with(&*entry.verdict.why) => clause,
        Some(clause) if matches!(entry.verdict.phase, Phase::Booting { .. }) => clause,
        Some(clause) => format!("{clause}, {}", entry.verdict.why),
        None => entry.verdict.why.to_string(),
    };
    match &entry.verdict.phase {
        Phase::Booting { stage, .. } if narrow && why.is_empty() => text::short_stage(stage).to_owned(),
        Phase::Booting { stage, .. } if narrow => format!("{}: {why}", text::short_stage(stage)),
        Phase::Booting { .. } => why,
        _ if narrow || told => why,
        _ => culprit(&why).1.to_owned(),
    }
}

fn image(paint: &mut Paint<'_>, entry: &Entry, placed: &Placed, x: u16, y: u16) {
    let (wanted, running) = (entry.tenant.wanted_image(), entry.tenant.running_image());
    match (wanted, running) {
        (Some(wanted), running) if running.is_none_or(|r| r == wanted) => {
            put(paint, placed, x, y, wanted.short(), Role::Text);
        }
        (Some(wanted), _) => put(paint, placed, x, y, &format!("{}*", wanted.short()), Role::Warn),
        (None, _) => put(paint, placed, x, y, UNKNOWN, Role::Dim),
    }
}

fn quota_percent(entry: &Entry) -> Option<u32> {
    entry.tenant.quota()?.entries().filter_map(|e| e.used?.percent_of(e.hard)).max()
}

fn share(paint: &mut Paint<'_>, percent: Option<u32>, placed: &Placed, x: u16, y: u16) {
    match percent {
        Some(percent) => put(paint, placed, x, y, &format!("{percent}%"), bar::share_role(percent)),
        None => put(paint, placed, x, y, UNKNOWN, Role::Dim),
    }
}

fn meter(paint: &mut Paint<'_>, percent: Option<u32>, placed: &Placed, x: u16, y: u16) {
    match percent {
        Some(_) => bar::meter(paint, x + placed.x, y, placed.width, percent),
        None => paint.cell(x + placed.x, y, placed.width, UNKNOWN, Align::Left, Role::Dim),
    }
}

/// The claim that has most to say: a fault, else the fullest, else any.
fn worst_claim(entry: &Entry) -> Option<&Claim> {
    let claims = &entry.tenant.claims;
    let faulty = claims.iter().find(|c| matches!(c.phase, ClaimPhase::Lost | ClaimPhase::Pending));
    faulty.or_else(|| entry.tenant.fullest().map(|(claim, _)| claim)).or_else(|| claims.first())
}

fn claim(paint: &mut Paint<'_>, claim: Option<&Claim>, placed: &Placed, x: u16, y: u16) {
    let (text, role) = match claim {
        Some(c) if c.phase == ClaimPhase::Lost => ("lost!".to_owned(), Role::Error),
        Some(c) if c.phase == ClaimPhase::Pending => ("pend".to_owned(), Role::Progress),
        Some(c) if c.on_node_disk() => ("node".to_owned(), Role::Dim),
        Some(c) => match c.percent() {
            Some(percent) => (bar::share_text(percent), bar::share_role(percent)),
            None => (UNKNOWN.to_owned(), Role::Dim),
        },
        None => (UNKNOWN.to_owned(), Role::Dim),
    };
    put(paint, placed, x, y, &text, role);
}

/// `young`: the pod is on its way, and a browser that is not ready yet is no fault.
fn browser(paint: &Paint<'_>, browser: Option<&Container>, young: bool) -> (String, Role) {
    let Some(container) = browser else { return (UNKNOWN.to_owned(), Role::Dim) };
    let failed = paint.glyphs.failed;
    match &container.state {
        Run::Running { .. } if container.ready => ("ok".to_owned(), Role::Ok),
        Run::Running { .. } if young || !container.started => (paint.glyphs.ellipsis.to_owned(), Role::Progress),
        Run::Running { .. } => (format!("{failed} unready"), Role::Warn),
        Run::Waiting(_) => match container.trouble() {
            Some(_) if container.last.as_ref().is_some_and(|t| t.out_of_memory()) => {
                (format!("{failed} OOM"), Role::Error)
            }
            Some(reason) => (format!("{failed} {}", short_reason(reason)), Role::Error),
            None => (paint.glyphs.ellipsis.to_owned(), Role::Progress),
        },
        Run::Terminated(t) if t.out_of_memory() => (format!("{failed} OOM"), Role::Error),
        Run::Terminated(t) => (format!("{failed} exit {}", t.exit_code), Role::Error),
    }
}

fn short_reason(reason: &str) -> &str {
    match reason {
        "CrashLoopBackOff" => "crashes",
        "ImagePullBackOff" | "ErrImagePull" => "image",
        other => other,
    }
}
