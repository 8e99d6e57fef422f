//! A plan in words, before anybody has agreed to it.

use serde::Serialize;

use super::{Intent, Plan, Turn};
use crate::{
    fleet::{Age, Phase},
    index::Entry,
};

/// How much a person has to do to say yes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "confirm", rename_all = "kebab-case")]
pub enum Danger {
    /// One tenant, and it can be taken back.
    Enter,
    /// Many tenants.
    Yes,
    /// Each tenant that is destroyed is to be named.
    Names { names: Vec<String> },
}

/// The words of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Preview {
    pub headline: String,
    /// What comes before the first wave.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub opening: Vec<String>,
    pub waves: Vec<Lines>,
    /// What is done to each tenant, step by step.
    pub steps: Vec<Vec<String>>,
    /// Whom each of these is for.
    #[serde(skip)]
    pub whom: Vec<&'static str>,
    /// The longest that any one tenant is expected to be without its gateway, in words.
    pub downtime: String,
    #[serde(flatten)]
    pub danger: Danger,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Lines {
    pub wave: String,
    pub tenants: Vec<Line>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Line {
    pub tenant: String,
    pub said: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unwell: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

/// Seconds from a pod's making to its readiness, where the one that runs tells: it never restarted, so that its readiness is
/// that of its boot.
pub(super) fn downtime(entry: &Entry) -> Option<u32> {
    let pod = entry.tenant.pod().filter(|pod| pod.is_ready() && pod.restarts() == 0)?;
    let ready = pod.ready.as_ref()?.since?;
    (entry.verdict.phase == Phase::Ready).then(|| ready.since(pod.created.unwrap_or(ready))).filter(|s| *s > 0)
}

impl Preview {
    pub fn of(plan: &Plan) -> Self {
        let turns: Vec<&Turn> = plan.turns().collect();
        let used: Vec<usize> = (0..plan.recipes.len()).filter(|n| turns.iter().any(|t| t.recipe == *n)).collect();
        Self {
            headline: headline(plan, &turns),
            opening: plan.opening.iter().map(super::Step::words).collect(),
            waves: plan
                .waves
                .iter()
                .map(|wave| Lines { wave: wave.name.clone(), tenants: wave.turns.iter().map(line).collect() })
                .collect(),
            steps: used.iter().map(|n| plan.recipes[*n].iter().map(super::Step::words).collect()).collect(),
            whom: used.iter().map(|n| plan.intent.whom(*n)).collect(),
            downtime: downtime_words(plan, &turns),
            danger: danger(&plan.intent, &turns),
        }
    }

    /// For a terminal: everything that has to be known before a yes.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = vec![self.headline.clone()];
        lines.extend(self.opening.iter().map(|said| format!("before anybody: {said}")));
        let many = self.waves.len() > 1;
        for wave in &self.waves {
            if many {
                lines.push(format!("wave {}:", wave.wave));
            }
            for line in &wave.tenants {
                lines.push(format!("  {}  {}", line.tenant, line.said));
                if let Some(unwell) = &line.unwell {
                    lines.push(format!("    unwell now ({unwell}): judged as no worse than before"));
                }
                lines.extend(line.warnings.iter().map(|w| format!("    note: {w}")));
            }
        }
        for (steps, whom) in self.steps.iter().zip(&self.whom) {
            lines.push(if self.steps.len() == 1 { "steps:".to_owned() } else { format!("steps for {whom}:") });
            lines.extend(steps.iter().map(|step| format!("  - {step}")));
        }
        lines.push(format!("without the gateway: {}", self.downtime));
        lines
    }
}

fn line(turn: &Turn) -> Line {
    Line {
        tenant: turn.tenant.clone(),
        said: turn.said.clone(),
        unwell: turn.unwell.clone(),
        warnings: turn.warnings.clone(),
    }
}

fn headline(plan: &Plan, turns: &[&Turn]) -> String {
    let whom = match turns {
        [one] => one.tenant.clone(),
        many => format!("{} tenants", many.len()),
    };
    let what = match &plan.intent {
        Intent::Delete { purge: true } => "delete, with all its data,".to_owned(),
        other => other.verb().to_owned(),
    };
    let mut text = format!("{what} {whom} in context {}", plan.context);
    if turns.len() > 1 {
        let pace = plan.pace;
        text += &format!(", at most {} at once, stopping after {} failed", pace.max_unavailable, pace.stop_after);
        if pace.soak > 0 {
            text += &format!(", waiting {} between waves", Age(pace.soak));
        }
    }
    text
}

fn downtime_words(plan: &Plan, turns: &[&Turn]) -> String {
    let interrupts = |turn: &&&Turn| plan.steps(turn).iter().any(super::Step::interrupts);
    match &plan.intent {
        Intent::Create { .. } => return "it has none yet; a first boot takes minutes".to_owned(),
        Intent::Suspend => return "from now until `resume`".to_owned(),
        Intent::Resume => return "it has none now; its boot takes minutes".to_owned(),
        Intent::Delete { purge: false } => return "from now until `create` revives it".to_owned(),
        Intent::Delete { purge: true } => return "for good".to_owned(),
        Intent::Restart
        | Intent::Adopt { .. }
        | Intent::Snapshot { .. }
        | Intent::Restore { .. }
        | Intent::Upgrade { .. }
        | Intent::SetTier { .. }
        | Intent::Resize { .. }
        | Intent::RotateToken
        | Intent::Apply { .. }
        | Intent::Reprovision { .. } => {}
    }
    let hit: Vec<_> = turns.iter().filter(interrupts).collect();
    if hit.is_empty() {
        return "nobody".to_owned();
    }
    let known: Vec<u32> = hit.iter().filter_map(|turn| turn.down).collect();
    let unknown = hit.len() - known.len();
    let each = if hit.len() > 1 { "each " } else { "" };
    let mut text = match (known.iter().min(), known.iter().max()) {
        (Some(min), Some(max)) if min == max => format!("{each}about {}", Age(*max)),
        (Some(min), Some(max)) => format!("{each}about {} to {}", Age(*min), Age(*max)),
        _ => return format!("{each}usually two to four minutes; no boot of this pod tells more"),
    };
    text += ", as long as the last boot took, and up to a minute for the old pod to stop";
    if matches!(plan.intent, Intent::Upgrade { .. }) {
        text += "; a first start on a new version migrates its state and takes longer";
    }
    if plan.intent.remakes() {
        text +=
            "; its volumes are detached and attached again, which takes minutes more where it comes to another node";
    }
    if unknown > 0 {
        text += &format!("; not known for {unknown} of them");
    }
    text
}

fn danger(intent: &Intent, turns: &[&Turn]) -> Danger {
    match (intent, turns) {
        (Intent::Delete { .. }, all) => Danger::Names { names: all.iter().map(|t| t.tenant.clone()).collect() },
        // Somebody else's fields, and the data that a tenant runs on, are no small matter even of one.
        (Intent::Apply { force: true, .. } | Intent::Restore { .. }, _) => Danger::Yes,
        (_, [_]) => Danger::Enter,
        _ => Danger::Yes,
    }
}
