//! One screen of plain text about a tenant, for a ticket or the next shift: whatever is written there, and however much.

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

use super::{Finding, kept_down};
use crate::{
    fleet::{Age, At, Boot, ImageRef, Pod, StepState, clean::clean},
    index::{Entry, Fleet, outlook, words},
};

/// Cells of a line and lines of a text: a screen.
const COLUMNS: usize = 80;
const LINES: usize = 24;
/// Of each kind of fact; those that are left out are counted.
const FINDINGS: usize = 4;
const QUOTAS: usize = 2;
const VOLUMES: usize = 3;
const WARNINGS: usize = 3;

/// Whom it is about, and what is known.
#[derive(Clone, Copy, Debug)]
pub struct HandOver<'a> {
    pub entry: &'a Entry,
    pub findings: &'a [Finding],
    pub fleet: &'a Fleet,
    pub context: &'a str,
    pub now: At,
}

impl HandOver<'_> {
    pub fn text(&self) -> String {
        self.lines().join("\n")
    }

    /// At most 24 lines of at most 80 cells.
    pub fn lines(&self) -> Vec<String> {
        let Self { entry, now, .. } = *self;
        let tenant = &entry.tenant;
        let mut lines = vec![words::headline(entry, now), self.who()];
        if let Some((_, since, why)) = self.fleet.sources().broken() {
            lines.push(format!("STALE since {since}: {why}"));
        }
        let kept_down = kept_down(&entry.verdict.phase, self.findings).is_some();
        let forecast = self.fleet.history().forecast(entry, now);
        lines.push(format!("user: {}", outlook::for_user(entry, forecast, kept_down)));
        self.findings(&mut lines);
        let image = |i: Option<ImageRef<'_>>| i.map_or_else(|| "-".to_owned(), |i| i.short().to_owned());
        let (wanted, running) = (image(tenant.wanted_image()), image(tenant.running_image()));
        let restarts = tenant.pod().map_or_else(|| "-".to_owned(), |p| p.restarts().to_string());
        lines.push(format!("image wanted {wanted}, running {running} · restarts {restarts}"));
        match tenant.pod() {
            Some(pod) => {
                lines.push(format!("boot: {}", boot(pod, now)));
                let all = pod.containers.iter().map(|c| format!("{} {}", c.name, words::container_state(c)));
                lines.push(format!("containers: {}", all.collect::<Vec<_>>().join(" · ")));
            }
            None => lines.push("no pod".to_owned()),
        }
        self.quota(&mut lines);
        let volumes = tenant.claims.iter().map(|c| {
            let full = c.seconds_to_full().map_or_else(String::new, |s| format!(", full in {}", words::span(s)));
            format!("volume {}: {}{full}", c.name, words::claim(c))
        });
        some(&mut lines, volumes, VOLUMES, "volumes");
        let warnings = words::latest(entry).map(|w| {
            let age = w.last.map_or_else(|| "?".to_owned(), |at| Age(now.since(at)).to_string());
            format!("warning {age} ago, {} times: {} {}: {}", w.count, w.reason, w.object, w.message)
        });
        some(&mut lines, warnings, WARNINGS, "warnings");
        // Nothing above can be more; when it was seen is never what is missing.
        lines.truncate(LINES - 1);
        lines.push(format!("as of {now}"));
        lines.iter().map(|line| clip(&clean(line))).collect()
    }

    fn who(&self) -> String {
        let tenant = &self.entry.tenant;
        let tier = tenant.tier.as_ref().map_or("unknown", |t| t.as_str());
        let namespace = tenant.namespace.as_ref();
        let mut who = format!("context {} · namespace {} · tier {tier}", self.context, tenant.namespace_name);
        let more = [namespace.and_then(|n| n.host.as_deref()), namespace.and_then(|n| n.owner.as_deref())];
        for more in more.into_iter().flatten() {
            who.push_str(&format!(" · {more}"));
        }
        who
    }

    /// The first with what to do about it.
    fn findings(&self, lines: &mut Vec<String>) {
        let said = |f: &Finding| {
            let since = f.since.map_or_else(String::new, |at| format!(" since {}", Age(self.now.since(at))));
            format!("{} {}{since}: {}", f.severity.word(), f.code, f.sentence)
        };
        let all = self.findings.iter().map(said);
        let at = lines.len() + 1;
        some(lines, all, FINDINGS, "findings");
        if let Some(first) = self.findings.first() {
            lines.insert(at, format!("  do: {}", first.advice));
        }
    }

    /// What the pod's quota allows, as many to a line as have room.
    fn quota(&self, lines: &mut Vec<String>) {
        let Some(quota) = self.entry.tenant.quota() else {
            return lines.push("quota: none seen".to_owned());
        };
        let mut packed: Vec<String> = Vec::new();
        for entry in quota.entries() {
            let used = entry.used.map_or_else(|| "?".to_owned(), |u| u.to_string());
            let said = format!("{} {used} of {}", entry.resource, entry.hard);
            match packed.last_mut() {
                Some(line) if line.width() + said.width() + "quota:  · ".width() <= COLUMNS => {
                    line.push_str(" · ");
                    line.push_str(&said);
                }
                _ => packed.push(said),
            }
        }
        some(lines, packed.into_iter().map(|line| format!("quota: {line}")), QUOTAS, "lines of quota");
    }
}

/// The first of them, and how many more there are.
fn some(lines: &mut Vec<String>, all: impl Iterator<Item = String>, most: usize, what: &str) {
    let mut left = 0;
    for (i, line) in all.enumerate() {
        if i < most { lines.push(line) } else { left += 1 }
    }
    if left > 0 {
        lines.push(format!("  and {left} more {what}"));
    }
}

/// `5 of 7 stages in 41s, setup-sudo running 4s`: what is over is told in one.
fn boot(pod: &Pod, now: At) -> String {
    let boot = Boot::of(pod);
    let (done, total) = boot.stages();
    let Some(step) = boot.current() else { return format!("all {total} stages and the gateway") };
    let seconds = step.state.seconds(now).map(|s| format!(" {}", Age(s))).unwrap_or_default();
    let name = step.kind.name();
    let state = match &step.state {
        StepState::Waiting => format!("{name} waits"),
        StepState::Running { .. } => format!("{name} running{seconds}"),
        StepState::Done { .. } => format!("{name} done{seconds}"),
        StepState::Failed { reason, .. } => format!("{name} FAILED ({reason}){seconds}"),
    };
    format!("{done} of {total} stages, {state}")
}

/// As much of it as a line has room for.
fn clip(text: &str) -> String {
    if text.width() <= COLUMNS {
        return text.to_owned();
    }
    let mut out = String::new();
    let mut used = 0;
    for c in text.chars() {
        used += c.width().unwrap_or(0);
        if used + 1 > COLUMNS {
            break;
        }
        out.push(c);
    }
    out.push('…');
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        diagnose::{Severity, fixture::*},
        fleet::{Tenant, Warning, fixture::*},
    };

    fn lines(tenant: &Tenant, findings: &[Finding]) -> Vec<String> {
        let fleet = fleet_of(tenant, None, at(900));
        let entry = fleet.get(&tenant.namespace_name).unwrap();
        HandOver { entry, findings, fleet: &fleet, context: "prod", now: at(900) }.lines()
    }

    #[test]
    fn it_is_a_screen_however_much_there_is_to_tell() {
        let mut t = tenant("a-tenant-of-the-longest-name-that-a-namespace-may-have", Some(booting(3)));
        let claim = t.claims[0].clone();
        t.claims = (0..9)
            .map(|i| crate::fleet::Claim { uid: uid(100 + i), name: text(&format!("claim-{i}")), ..claim.clone() })
            .collect();
        let long = "長い".repeat(400);
        t.warnings = (0..9).map(|i| Warning { uid: uid(200 + i), message: text(&long), ..refusal(700) }).collect();
        let found = Finding::new(crate::diagnose::Code::QuotaRefused, Severity::Critical, long.clone()).advice(long);
        let all = lines(&t, &vec![found; 9]);
        assert!(all.len() <= LINES, "{all:#?}");
        assert!(all.iter().all(|l| l.width() <= COLUMNS), "{all:#?}");
        let has = |what: &str| assert!(all.iter().any(|l| l.contains(what)), "{what}: {all:#?}");
        has("and 5 more findings");
        has("and 6 more volumes");
        has("and 6 more warnings");
        has("as of ");
    }

    #[test]
    fn it_says_what_its_user_may_be_told_and_what_the_quota_allows() {
        let t = tenant("a", Some(booting(3)));
        let all = lines(&t, &[]);
        assert!(all.contains(&"user: Your assistant is starting.".to_owned()), "{all:#?}");
        assert!(all.iter().any(|l| l.starts_with("quota: ")), "{all:#?}");
    }
}
