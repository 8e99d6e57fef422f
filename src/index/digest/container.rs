//! Containers: what the spec wants and the status tells, joined by name.

use std::{num::NonZeroU16, sync::Arc};

use serde::Deserialize;

use super::lenient::{Flag, Int, List, Obj, Raw};
use crate::fleet::{self, Container, Resources, State, Terminated, Words, name::Roles};

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct ContainerSpec<'a> {
    #[serde(borrow)]
    pub name: Raw<'a>,
    #[serde(borrow)]
    pub image: Raw<'a>,
    #[serde(borrow)]
    restart_policy: Raw<'a>,
    #[serde(borrow)]
    resources: Obj<RawResources<'a>>,
    startup_probe: Obj<Probe>,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Probe {
    initial_delay_seconds: Int,
    period_seconds: Int,
    failure_threshold: Int,
}

impl Probe {
    /// Seconds until the kubelet gives up: the server's own defaults where nothing is said.
    fn patience(&self) -> Option<NonZeroU16> {
        let or = |said: Int, default: i64| said.0.filter(|n| *n > 0).unwrap_or(default);
        let tries = or(self.period_seconds, 10).saturating_mul(or(self.failure_threshold, 3));
        let all = tries.saturating_add(or(self.initial_delay_seconds, 0));
        NonZeroU16::new(u16::try_from(all).unwrap_or(u16::MAX))
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RawResources<'a> {
    #[serde(borrow)]
    requests: Obj<Amounts<'a>>,
    #[serde(borrow)]
    limits: Obj<Amounts<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Amounts<'a> {
    #[serde(borrow)]
    cpu: Raw<'a>,
    #[serde(borrow)]
    memory: Raw<'a>,
}

fn amounts(raw: &Obj<Amounts<'_>>) -> Resources {
    raw.0.as_ref().map_or_else(Resources::default, |a| Resources { cpu: a.cpu.quantity(), memory: a.memory.quantity() })
}

impl ContainerSpec<'_> {
    /// A native sidecar, where this is an init container.
    pub(super) fn restarts_always(&self) -> bool {
        &*self.restart_policy == "Always"
    }
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct ContainerStatus<'a> {
    #[serde(borrow)]
    name: Raw<'a>,
    #[serde(borrow, rename = "imageID")]
    image_id: Raw<'a>,
    #[serde(borrow)]
    state: Obj<RawState<'a>>,
    #[serde(borrow)]
    last_state: Obj<RawState<'a>>,
    restart_count: Int,
    ready: Flag,
    started: Flag,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RawState<'a> {
    #[serde(borrow)]
    waiting: Obj<Waiting<'a>>,
    #[serde(borrow)]
    running: Obj<Running<'a>>,
    #[serde(borrow)]
    terminated: Obj<Ending<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Waiting<'a> {
    #[serde(borrow)]
    reason: Raw<'a>,
    #[serde(borrow)]
    message: Raw<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Running<'a> {
    #[serde(borrow)]
    started_at: Raw<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Ending<'a> {
    exit_code: Int,
    #[serde(borrow)]
    reason: Raw<'a>,
    #[serde(borrow)]
    message: Raw<'a>,
    #[serde(borrow)]
    started_at: Raw<'a>,
    #[serde(borrow)]
    finished_at: Raw<'a>,
}

impl Ending<'_> {
    fn digest(&self) -> Terminated {
        // An ending whose code is not told is no success.
        let code = self.exit_code.0.and_then(|c| i32::try_from(c).ok()).unwrap_or(-1);
        let words = Words::new(self.reason.text(), self.message.said());
        Terminated::new(code, words, self.started_at.at(), self.finished_at.at())
    }
}

impl RawState<'_> {
    fn digest(&self) -> State {
        match (&self.terminated.0, &self.running.0, &self.waiting.0) {
            (Some(ending), _, _) => State::Terminated(ending.digest()),
            (None, Some(running), _) => State::Running { since: running.started_at.at() },
            (None, None, Some(waiting)) => State::Waiting(Words::new(waiting.reason.text(), waiting.message.said())),
            (None, None, None) => State::Waiting(Words::NONE),
        }
    }
}

/// The containers of the spec, each with its status. A status whose name the spec does not have is left out; a container
/// without a status waits, for no reason known.
pub(super) fn join<'a>(
    specs: impl Iterator<Item = (&'a ContainerSpec<'a>, bool)>,
    statuses: &List<ContainerStatus<'_>>,
    roles: &Roles,
) -> Box<[Container]> {
    let joined = specs.filter_map(|(spec, sidecar)| {
        let status = statuses.0.iter().find(|s| *s.name == *spec.name);
        Some(Container {
            spec: Arc::new(fleet::ContainerSpec {
                name: spec.name.text()?,
                image: spec.image.text().unwrap_or_default(),
                image_id: status.and_then(|s| s.image_id.text()),
                requests: spec.resources.0.as_ref().map_or_else(Resources::default, |r| amounts(&r.requests)),
                limits: spec.resources.0.as_ref().map_or_else(Resources::default, |r| amounts(&r.limits)),
                sidecar,
                role: roles.of(&spec.name),
                startup: spec.startup_probe.0.as_ref().and_then(Probe::patience),
            }),
            state: match status.and_then(|s| s.state.0.as_ref()) {
                Some(state) => state.digest(),
                None => State::Waiting(Words::NONE),
            },
            last: status
                .and_then(|s| s.last_state.0.as_ref())
                .and_then(|s| s.terminated.0.as_ref())
                .map(|t| Box::new(t.digest())),
            restarts: status.map_or(0, |s| s.restart_count.count()),
            ready: status.is_some_and(|s| s.ready.0),
            started: status.is_some_and(|s| s.started.0),
        })
    });
    joined.collect()
}
