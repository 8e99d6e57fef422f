//! What the watches tell of a container, as far as its log depends on it. Pure.

use crate::fleet::{At, Container, Pod, State, Terminated, Uid};

/// A container's life.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Pulse {
    /// Instances before the present one.
    pub restarts: u32,
    pub life: Life,
    /// How the instance before this one, or this one, ended.
    pub ended: Option<Terminated>,
    /// The pod is no longer there.
    pub gone: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Life {
    /// There is no log yet.
    NotBegun,
    Running {
        since: Option<At>,
    },
    /// Ended, whether another instance is to come or not.
    Ended,
}

impl Pulse {
    pub(super) fn of(container: &Container) -> Self {
        let (life, ended) = match &container.state {
            State::Running { since } => (Life::Running { since: *since }, container.last.as_deref().cloned()),
            State::Terminated(end) => (Life::Ended, Some(end.clone())),
            State::Waiting(_) => match &container.last {
                Some(end) => (Life::Ended, Some((**end).clone())),
                None => (Life::NotBegun, None),
            },
        };
        Self { restarts: container.restarts, life, ended, gone: false }
    }

    pub(super) fn has_begun(&self) -> bool {
        self.life != Life::NotBegun
    }

    pub(super) fn is_over(&self) -> bool {
        self.life == Life::Ended || self.gone
    }
}

/// `exit 137, OOMKilled`.
pub(super) fn ending(end: &Terminated) -> String {
    match end.reason() {
        Some(reason) if reason != "Error" && reason != "Completed" => format!("exit {}, {reason}", end.exit_code),
        _ => format!("exit {}", end.exit_code),
    }
}

/// What is remembered of a pod that may be replaced.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Before {
    pub uid: Uid,
    created: Option<At>,
    revision: Option<String>,
    node: Option<String>,
    /// When its last container ended, or when it was last seen.
    last: At,
}

impl Before {
    pub(super) fn of(pod: &Pod, now: At) -> Self {
        let mut last = None;
        for container in &pod.containers {
            last = match &container.state {
                State::Terminated(end) => last.max(end.finished),
                State::Running { .. } => Some(now),
                State::Waiting(_) => last,
            };
        }
        Self {
            uid: pod.uid,
            created: pod.created,
            revision: pod.revision.as_deref().map(str::to_owned),
            node: pod.node.as_deref().map(str::to_owned),
            last: last.unwrap_or(now),
        }
    }

    /// Keeps when it was last alive.
    pub(super) fn again(&mut self, pod: &Pod, now: At) {
        let alive = Self::of(pod, now);
        if pod.containers.iter().any(|c| !matches!(c.state, State::Waiting(_))) {
            self.last = alive.last;
        }
        self.node = alive.node.or(self.node.take());
    }

    /// The words between the logs of two pods, and when the new one began.
    pub(super) fn joint(&self, next: &Pod) -> String {
        let mut said = vec!["pod replaced".to_owned()];
        match (&self.revision, &next.revision) {
            (Some(a), Some(b)) if a == b.as_str() => said.push("same revision".to_owned()),
            (Some(a), Some(b)) => said.push(format!("revision {} -> {}", short(a), short(b))),
            _ => {}
        }
        match (&self.node, &next.node) {
            (Some(a), Some(b)) if a != b.as_str() => said.push(format!("node {a} -> {b}")),
            _ => {}
        }
        if let Some(begin) = begun(next) {
            said.push(format!("{} gap", crate::fleet::Age(begin.since(self.last))));
        }
        said.join(", ")
    }
}

/// When the first container of a pod started.
pub(super) fn begun(pod: &Pod) -> Option<At> {
    let starts = pod.all().filter_map(|c| match &c.state {
        State::Running { since } => *since,
        State::Terminated(end) => end.started,
        State::Waiting(_) => None,
    });
    starts.min()
}

/// The hash at the end of `openclaw-5d9f8`.
fn short(revision: &str) -> &str {
    revision.rsplit('-').next().unwrap_or(revision)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::{Text, Words, fixture::*};

    #[test]
    fn a_container_that_waits_after_a_crash_has_a_log() {
        let mut pod = ready();
        let pulse = |pod: &Pod| Pulse::of(&pod.containers[0]);
        assert!(pulse(&pod).has_begun() && !pulse(&pod).is_over());
        pod.containers[0].state = waiting("CrashLoopBackOff");
        pod.containers[0].last = None;
        assert!(!pulse(&pod).has_begun());
        let end = Terminated::new(137, Words::reason_only("OOMKilled"), None, None);
        pod.containers[0].last = Some(Box::new(end.clone()));
        assert!(pulse(&pod).is_over());
        assert_eq!(ending(&end), "exit 137, OOMKilled");
    }

    #[test]
    fn a_replacement_says_what_changed_and_how_long_nothing_ran() {
        let mut old = ready();
        old.revision = Some(Text::from("openclaw-7d9f"));
        old.node = Some(Text::from("node-1"));
        let before = Before::of(&old, at(1_000));
        let mut new = booting(1);
        new.revision = Some(Text::from("openclaw-8aaa"));
        new.node = Some(Text::from("node-2"));
        for stage in &mut new.stages {
            stage.state = waiting("PodInitializing");
        }
        new.stages[0].state = State::Running { since: Some(at(1_041)) };
        assert_eq!(before.joint(&new), "pod replaced, revision 7d9f -> 8aaa, node node-1 -> node-2, 41s gap");
        new.revision = Some(Text::from("openclaw-7d9f"));
        new.node = None;
        new.stages[0].state = waiting("PodInitializing");
        assert_eq!(before.joint(&new), "pod replaced, same revision");
    }
}
