//! A tenant's boot as steps on one time line: scheduling, volumes and sandbox, the stages, the gateway's own start.

mod lap;
mod pace;

pub use self::{
    lap::{Lap, Laps, is_cold},
    pace::{Comparison, Pace},
};

use super::{At, Container, Pod, State, Text};

/// The boot of one pod.
#[derive(Clone, Debug, PartialEq)]
pub struct Boot {
    pub steps: Vec<Step>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    pub kind: StepKind,
    pub state: StepState,
}

#[derive(Clone, Debug, PartialEq)]
pub enum StepKind {
    Scheduling,
    /// Volumes attached and mounted, sandbox made.
    Volumes,
    /// An init container, by name.
    Stage(Text),
    /// From the gateway container's start to its readiness.
    Gateway,
}

impl StepKind {
    pub fn name(&self) -> &str {
        match self {
            Self::Scheduling => "scheduling",
            Self::Volumes => "volumes",
            Self::Stage(name) => name,
            Self::Gateway => "gateway",
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub enum StepState {
    Waiting,
    /// `since` is unknown where the container's status does not say.
    Running {
        since: Option<At>,
    },
    Done {
        from: Option<At>,
        to: Option<At>,
    },
    /// Ended or held up by a fault that its own words name.
    Failed {
        since: Option<At>,
        reason: Text,
    },
}

impl StepState {
    pub fn is_done(&self) -> bool {
        matches!(self, Self::Done { .. })
    }

    /// Seconds spent in the step so far, where both ends are known.
    pub fn seconds(&self, now: At) -> Option<u32> {
        match self {
            Self::Waiting => None,
            Self::Running { since } | Self::Failed { since, .. } => since.map(|s| now.since(s)),
            Self::Done { from: Some(from), to: Some(to) } => Some(to.since(*from)),
            Self::Done { .. } => None,
        }
    }
}

impl Boot {
    pub fn of(pod: &Pod) -> Self {
        let mut steps = Vec::with_capacity(pod.stages.len() + 3);
        let scheduled_at = pod.scheduled.as_ref().filter(|c| c.met).and_then(|c| c.since);
        steps.push(Step { kind: StepKind::Scheduling, state: scheduling(pod) });
        steps.push(Step { kind: StepKind::Volumes, state: volumes(pod, scheduled_at) });
        for stage in &pod.stages {
            steps.push(Step { kind: StepKind::Stage(stage.name.clone()), state: stage_state(stage) });
        }
        steps.push(Step { kind: StepKind::Gateway, state: gateway(pod) });
        Self { steps }
    }

    /// The step the boot is at; `None` once all are done.
    pub fn current(&self) -> Option<&Step> {
        self.steps.iter().find(|s| !s.state.is_done())
    }

    /// Stages done and stages in all.
    pub fn stages(&self) -> (usize, usize) {
        let stages = self.steps.iter().filter(|s| matches!(s.kind, StepKind::Stage(_)));
        let done = stages.clone().filter(|s| s.state.is_done()).count();
        (done, stages.count())
    }
}

fn scheduling(pod: &Pod) -> StepState {
    match &pod.scheduled {
        Some(c) if c.met => StepState::Done { from: pod.created, to: c.since },
        Some(c) => match c.words.reason() {
            Some(reason) => StepState::Failed { since: c.since.or(pod.created), reason: reason.clone() },
            None => StepState::Running { since: pod.created },
        },
        // A pod that runs was scheduled, whatever conditions its server reports.
        None if pod.node.is_some() => StepState::Done { from: pod.created, to: None },
        None => StepState::Running { since: pod.created },
    }
}

fn volumes(pod: &Pod, scheduled_at: Option<At>) -> StepState {
    let begun = pod.all().any(|c| !matches!(c.state, State::Waiting(_)));
    match &pod.sandbox {
        Some(c) if c.met => StepState::Done { from: scheduled_at, to: c.since },
        _ if begun => StepState::Done { from: scheduled_at, to: first_start(pod) },
        _ if scheduled_at.is_some() || pod.node.is_some() => StepState::Running { since: scheduled_at },
        _ => StepState::Waiting,
    }
}

fn first_start(pod: &Pod) -> Option<At> {
    match &pod.all().next()?.state {
        State::Running { since } => *since,
        State::Terminated(t) => t.started,
        State::Waiting(_) => None,
    }
}

fn stage_state(stage: &Container) -> StepState {
    match &stage.state {
        State::Running { since } => StepState::Running { since: *since },
        State::Terminated(t) if t.exit_code == 0 => StepState::Done { from: t.started, to: t.finished },
        State::Terminated(t) => {
            let reason = t.words.reason().cloned().unwrap_or_else(|| Text::from("Error"));
            StepState::Failed { since: t.finished, reason }
        }
        State::Waiting(_) => match stage.trouble() {
            Some(reason) => {
                let since = stage.last.as_ref().and_then(|t| t.finished);
                StepState::Failed { since, reason: Text::from(reason) }
            }
            None => StepState::Waiting,
        },
    }
}

/// When the pod became ready for the first time. Its readiness moves with its slowest container, never before the
/// gateway's own; once a container has restarted, the condition tells of a later time.
pub fn first_ready(pod: &Pod) -> Option<At> {
    let steady = pod.containers.iter().all(|c| c.restarts == 0);
    pod.ready.as_ref().filter(|c| c.met && steady).and_then(|c| c.since)
}

fn gateway(pod: &Pod) -> StepState {
    let Some(gateway) = pod.gateway() else {
        return StepState::Waiting;
    };
    match &gateway.state {
        State::Running { since } if gateway.ready => StepState::Done { from: *since, to: first_ready(pod) },
        State::Running { since } => StepState::Running { since: *since },
        State::Terminated(t) => StepState::Failed {
            since: t.finished,
            reason: t.words.reason().cloned().unwrap_or_else(|| Text::from("Terminated")),
        },
        State::Waiting(_) => match gateway.trouble() {
            Some(reason) => {
                StepState::Failed { since: gateway.last.as_ref().and_then(|t| t.finished), reason: Text::from(reason) }
            }
            None => StepState::Waiting,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::fixture::*;

    #[test]
    fn the_gateways_start_ends_with_readiness_unless_a_restart_has_moved_it() {
        let end = |pod: &Pod| Boot::of(pod).steps.pop().unwrap().state;
        let mut pod = ready();
        assert_eq!(end(&pod), StepState::Done { from: Some(at(80)), to: Some(at(110)) });
        pod.containers[1].restarts = 2;
        pod.ready = condition(true, 900);
        assert_eq!(end(&pod), StepState::Done { from: Some(at(80)), to: None });
    }
}
