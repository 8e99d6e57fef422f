//! Facts about a tenant in words: for the clipboard, and shared by the views.

use crate::{
    diagnose::Finding,
    fleet::{Age, At, Boot, Claim, ClaimPhase, Container, Phase, Pod, State as Run, StepState, Text},
    index::Entry,
};

use super::{clean::clean, session::ContextInfo};

pub(crate) fn id(entry: &Entry) -> String {
    clean(&entry.tenant.id).into_owned()
}

/// A stage by the short name that the contract's own have in a narrow column.
pub(crate) fn short_stage(name: &str) -> &str {
    match name {
        "create-workspace" => "workspace",
        "write-config" => "config",
        "rehydrate-runtime-apt" => "rehydrate-apt",
        "setup-sudo" => "sudo",
        "download-cli-tools" => "cli-tools",
        "copy-chrome-cdp" => "copy-chrome",
        other => other,
    }
}

/// `3 of 7`: stages done and in all, of the pod that is there.
pub(crate) fn stages(pod: &Pod) -> (usize, usize) {
    let done = |c: &&Container| matches!(&c.state, Run::Terminated(t) if t.exit_code == 0);
    (pod.stages.iter().filter(done).count(), pod.stages.len())
}

/// What the state of a container is called.
pub(crate) fn container_state(container: &Container) -> String {
    match &container.state {
        Run::Running { .. } if container.ready => "ready".to_owned(),
        Run::Running { .. } => "running, not ready".to_owned(),
        Run::Waiting(words) => words.reason().map_or_else(|| "waiting".to_owned(), ToString::to_string),
        Run::Terminated(t) => ending(t),
    }
}

pub(crate) fn ending(t: &crate::fleet::Terminated) -> String {
    let reason = t.reason().filter(|r| !matches!(*r, "Error" | "Completed"));
    match reason {
        _ if t.exit_code == 0 => "done".to_owned(),
        Some(reason) => format!("{reason}, exit {}", t.exit_code),
        None => format!("exit {}", t.exit_code),
    }
}

/// What a claim holds: `8.3Gi of 20Gi`, or why nobody knows.
pub(crate) fn claim(claim: &Claim) -> String {
    let size = claim.capacity.or(claim.requested).map_or_else(|| "unknown size".to_owned(), |q| q.bytes().to_string());
    let state = match claim.phase {
        ClaimPhase::Pending => return format!("{size}, pending: no volume yet"),
        ClaimPhase::Lost => return format!("{size}, lost: its volume is gone"),
        ClaimPhase::Bound => "",
        ClaimPhase::Unknown => ", state unknown",
    };
    match claim.usage {
        Some(_) if claim.on_node_disk() => format!("{size}, on the node's disk: no share of its own{state}"),
        Some(usage) => {
            let used = crate::fleet::quantity::Bytes(i64::try_from(usage.used).unwrap_or(i64::MAX));
            format!("{used} of {size}{state}")
        }
        None => format!("{size}, use unknown{state}"),
    }
}

/// One screen of plain text about a tenant, for a ticket or the next shift.
pub(crate) fn hand_over(
    entry: &Entry,
    findings: &[Finding],
    context: &ContextInfo,
    stale: Option<(At, &Text)>,
    now: At,
) -> String {
    let tenant = &entry.tenant;
    let mut lines = vec![headline(entry, now)];
    let tier = tenant.tier.as_ref().map_or("unknown", |t| t.as_str());
    let namespace = tenant.namespace.as_ref();
    let mut who = format!("context {} · namespace {} · tier {tier}", context.name, tenant.namespace_name);
    for more in
        [namespace.and_then(|n| n.host.as_deref()), namespace.and_then(|n| n.owner.as_deref())].into_iter().flatten()
    {
        who.push_str(&format!(" · {more}"));
    }
    lines.push(who);
    if let Some((since, why)) = stale {
        lines.push(format!("STALE since {since}: {why}"));
    }
    for f in findings.iter().take(4) {
        let since = f.since.map_or_else(String::new, |at| format!(" since {}", Age(now.since(at))));
        lines.push(format!("{} {}{since}: {}", f.severity.word(), f.code, f.sentence));
    }
    let image = |i: Option<crate::fleet::ImageRef<'_>>| i.map_or_else(|| "-".to_owned(), |i| i.short().to_owned());
    let (wanted, running) = (image(tenant.wanted_image()), image(tenant.running_image()));
    let restarts = tenant.pod().map_or_else(|| "-".to_owned(), |p| p.restarts().to_string());
    lines.push(format!("image wanted {wanted}, running {running} · restarts {restarts}"));
    if let Some(pod) = tenant.pod() {
        lines.push(format!("boot: {}", boot_line(pod, now)));
        let all = pod.containers.iter().map(|c| format!("{} {}", c.name, container_state(c)));
        lines.push(format!("containers: {}", all.collect::<Vec<_>>().join(" · ")));
    }
    for c in &tenant.claims {
        lines.push(format!("volume {}: {}", c.name, claim(c)));
    }
    for w in latest(entry).take(5) {
        let age = w.last.map_or_else(|| "?".to_owned(), |at| Age(now.since(at)).to_string());
        lines.push(format!("warning {age} ago, {} times: {} {}: {}", w.count, w.reason, w.object, w.message));
    }
    lines.push(format!("as of {now}"));
    lines.iter().map(|line| clean(line)).collect::<Vec<_>>().join("\n")
}

/// `maria-k: Failing for 12m: quota refuses its pod`.
pub(crate) fn headline(entry: &Entry, now: At) -> String {
    let verdict = &entry.verdict;
    let mut line = format!("{}: {}", entry.tenant.id, phase(&verdict.phase));
    if let Some(since) = verdict.since {
        line.push_str(&format!(" for {}", Age(now.since(since))));
    }
    if !verdict.why.is_empty() {
        line.push_str(&format!(": {}", verdict.why));
    }
    line
}

pub(crate) fn phase(phase: &Phase) -> String {
    match phase {
        Phase::Booting { index, total, stage } => format!("Booting, stage {index} of {total} ({stage})"),
        other => other.word().to_owned(),
    }
}

/// `seed-app 10s · create-workspace 2s · write-config running 4s`.
fn boot_line(pod: &Pod, now: At) -> String {
    let boot = Boot::of(pod);
    let step = |s: &crate::fleet::Step| {
        let seconds = s.state.seconds(now).map(|s| format!(" {}", Age(s))).unwrap_or_default();
        let name = s.kind.name();
        match &s.state {
            StepState::Waiting => format!("{name} waiting"),
            StepState::Running { .. } => format!("{name} running{seconds}"),
            StepState::Done { .. } => format!("{name}{seconds}"),
            StepState::Failed { reason, .. } => format!("{name} FAILED ({reason}){seconds}"),
        }
    };
    boot.steps.iter().map(step).collect::<Vec<_>>().join(" · ")
}

/// Warnings, the latest first.
pub(crate) fn latest(entry: &Entry) -> impl Iterator<Item = &crate::fleet::Warning> {
    let mut all: Vec<_> = entry.tenant.warnings.iter().collect();
    all.sort_by_key(|w| std::cmp::Reverse((w.last, w.uid)));
    all.into_iter()
}
