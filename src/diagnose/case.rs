//! One tenant under examination: the facts, and what was found so far.

use std::fmt;

use super::{Diagnosis, Facts, Finding};
use crate::fleet::{Age, At, Container, Phase, Pod, StatefulSet, Tenant, Warning, name::NAMESPACE_PREFIX};

pub(super) struct Case<'a> {
    pub(super) facts: &'a Facts<'a>,
    pub(super) now: At,
    found: Vec<Finding>,
    recheck: Option<At>,
}

impl<'a> Case<'a> {
    pub(super) fn new(facts: &'a Facts<'a>, now: At) -> Self {
        Self { facts, now, found: Vec::new(), recheck: None }
    }

    pub(super) fn tenant(&self) -> &'a Tenant {
        &self.facts.entry.tenant
    }

    /// How `what`, which the render of a tenant brings, comes back: who has no stored spec has none that could be rendered.
    pub(super) fn bring(&self, what: &str) -> String {
        let tenant = self.tenant();
        let namespace = tenant.namespace.as_ref();
        if namespace.is_none_or(|n| n.spec.is_some()) && tenant.is_by_contract() {
            format!("apply the tenant's render: it brings {what}")
        } else if tenant.is_by_contract() && tenant.namespace_name == *format!("{NAMESPACE_PREFIX}{}", tenant.id) {
            format!("`adopt` it, then `apply` it: its render brings {what}")
        } else {
            format!("whoever made this tenant has to bring {what}: it is not rendered here")
        }
    }

    pub(super) fn phase(&self) -> &'a Phase {
        &self.facts.entry.verdict.phase
    }

    /// When the tenant's present phase began.
    pub(super) fn phase_since(&self) -> Option<At> {
        self.facts.entry.verdict.since
    }

    /// It is there to serve, and does not.
    pub(super) fn is_failing(&self) -> bool {
        *self.phase() == Phase::Failing
    }

    /// The tenant's own pod, where it is not on its way out.
    pub(super) fn pod(&self) -> Option<&'a Pod> {
        let pod = self.tenant().pod()?;
        let wanted = self.tenant().set().is_none_or(|set| set.wanted > 0);
        (pod.deleting.is_none() && wanted && !self.is_terminating()).then_some(pod)
    }

    /// The StatefulSet, where it is to run a pod.
    pub(super) fn set(&self) -> Option<&'a StatefulSet> {
        self.tenant().set().filter(|set| set.wanted > 0 && !self.is_terminating())
    }

    pub(super) fn is_terminating(&self) -> bool {
        self.tenant().namespace.as_ref().is_some_and(|n| n.deleting.is_some())
    }

    /// Warnings about one object, the latest first. Events of an earlier object of the same name do not count.
    pub(super) fn warnings(&self, uid: crate::fleet::Uid, reasons: &[&str]) -> Vec<&'a Warning> {
        let about = |w: &&Warning| w.object_uid == Some(uid) && reasons.contains(&w.reason.as_str());
        let mut all: Vec<_> = self.tenant().warnings.iter().filter(about).collect();
        all.sort_by_key(|w| std::cmp::Reverse((w.last, w.uid)));
        all
    }

    /// How long that has been so.
    pub(super) fn age(&self, since: Option<At>) -> Span {
        Span(since.map(|at| Age(self.now.since(at))))
    }

    /// True until `seconds` have passed since then; it notes that it must be asked again at that moment. Where it is not
    /// known when it was, it is taken to be recent.
    pub(super) fn recent(&mut self, at: Option<At>, seconds: u32) -> bool {
        let Some(at) = at else { return true };
        let recent = self.now.since(at) < seconds;
        if recent {
            self.look_again(at.plus(seconds));
        }
        recent
    }

    /// True once `seconds` have passed since then; until that moment it notes that it must be asked again. Where it is
    /// not known when it began, it is taken to have lasted.
    pub(super) fn lasted(&mut self, since: Option<At>, seconds: u32) -> bool {
        let Some(at) = since else { return true };
        if self.now.since(at) >= seconds {
            return true;
        }
        self.look_again(at.plus(seconds));
        false
    }

    pub(super) fn look_again(&mut self, at: At) {
        self.recheck = Some(self.recheck.map_or(at, |old| old.min(at)));
    }

    pub(super) fn found(&self, is: impl Fn(&Finding) -> bool) -> bool {
        self.found.iter().any(is)
    }

    pub(super) fn find(&mut self, finding: Finding) {
        self.found.push(finding);
    }

    /// The same fault of a second container proves the first finding once more.
    pub(super) fn find_once(&mut self, finding: Finding) {
        match self.found.iter_mut().find(|f| f.code == finding.code && f.about == finding.about) {
            Some(same) => {
                same.down |= finding.down;
                same.severity = same.severity.min(finding.severity);
                same.since = match (same.since, finding.since) {
                    (Some(a), Some(b)) => Some(a.min(b)),
                    (a, b) => a.or(b),
                };
                same.evidence.extend(finding.evidence);
            }
            None => self.found.push(finding),
        }
    }

    /// A fault of this container keeps the tenant down: of a stage, or of the gateway. Its companions only limp.
    pub(super) fn holds_up(&self, pod: &Pod, container: &Container) -> bool {
        let is_stage = pod.stages.iter().any(|s| s.name == container.name);
        let is_gateway = pod.gateway().is_some_and(|g| g.name == container.name);
        self.is_failing() && (is_stage || is_gateway)
    }

    pub(super) fn close(mut self) -> Diagnosis {
        // Codes are declared in the order in which one thing leads to the next.
        self.found.sort_by(|a, b| {
            (!a.down, a.severity, a.code, a.since, &a.sentence).cmp(&(
                !b.down,
                b.severity,
                b.code,
                b.since,
                &b.sentence,
            ))
        });
        Diagnosis { findings: self.found, recheck: self.recheck }
    }
}

/// A length of time in a sentence: `3m`, or that it is not known.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span(Option<Age>);

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(age) => age.fmt(f),
            None => f.write_str("an unknown time"),
        }
    }
}

/// Where the state of a container stands, for evidence.
pub(super) fn state_of(pod: &Pod, container: &Container) -> String {
    format!("{}.state", status_of(pod, container))
}

/// Where its status stands.
pub(super) fn status_of(pod: &Pod, container: &Container) -> String {
    let list =
        if pod.stages.iter().any(|s| s.name == container.name) { "initContainerStatuses" } else { "containerStatuses" };
    format!("Pod {} status.{list}[{}]", pod.name, container.name)
}
