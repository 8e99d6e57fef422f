//! The facet of a Pod.

use std::{net::IpAddr, num::NonZeroU16, ops::Deref, sync::Arc};

use super::{At, Quantity, Text, Uid, Words, name::Role, phase::START_BUDGET};

/// One pod of a tenant's namespace.
#[derive(Clone, Debug, PartialEq)]
pub struct Pod {
    pub uid: Uid,
    pub name: Text,
    /// Name of the StatefulSet that controls this pod; `None` for helpers and strangers.
    pub owner: Option<Text>,
    /// Label `controller-revision-hash`.
    pub revision: Option<Text>,
    pub node: Option<Text>,
    pub ip: Option<IpAddr>,
    pub created: Option<At>,
    /// `metadata.deletionTimestamp`: when the pod will be (or should have been) gone.
    pub deleting: Option<At>,
    /// `metadata.deletionGracePeriodSeconds`; deletion was asked for at `deleting - grace`.
    pub grace: u32,
    pub phase: PodPhase,
    /// `status.reason`, such as `Evicted`, and `status.message`.
    pub words: Words,
    pub scheduled: Option<Condition>,
    /// Condition PodReadyToStartContainers: volumes mounted, sandbox there.
    pub sandbox: Option<Moment>,
    pub initialized: Option<Moment>,
    pub ready: Option<Condition>,
    /// The stages of the boot: ordinary init containers, in order. Native sidecars are in `containers`.
    pub stages: Box<[Container]>,
    pub containers: Box<[Container]>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PodPhase {
    Pending,
    Running,
    Succeeded,
    Failed,
    #[default]
    Unknown,
}

/// A condition of the pod: when it took its present value, and why where it is false.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    pub met: bool,
    /// `lastTransitionTime`.
    pub since: Option<At>,
    pub words: Words,
}

/// A condition of which nothing but its time is of interest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    pub met: bool,
    /// `lastTransitionTime`.
    pub since: Option<At>,
}

/// A container as spec and status tell it. A container without a status yet is `Waiting` without a reason.
#[derive(Clone, Debug, PartialEq)]
pub struct Container {
    pub spec: Arc<ContainerSpec>,
    pub state: State,
    /// How the run before this one ended.
    pub last: Option<Box<Terminated>>,
    pub restarts: u32,
    pub ready: bool,
    /// The startup probe has passed (or there is none and it runs).
    pub started: bool,
}

/// What is alike in most tenants' pods, so that the fleet holds it once.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct ContainerSpec {
    pub name: Text,
    /// As written in the spec.
    pub image: Text,
    /// Digest that runs (`imageID` of the status), where one does.
    pub image_id: Option<Text>,
    pub requests: Resources,
    pub limits: Resources,
    /// A native sidecar: an init container with restartPolicy Always.
    pub sidecar: bool,
    pub role: Role,
    /// Seconds that its startup probe gives it.
    pub startup: Option<NonZeroU16>,
}

/// Amounts of one container; `None` where the spec does not say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Resources {
    /// Cores.
    pub cpu: Option<Quantity>,
    /// Bytes.
    pub memory: Option<Quantity>,
}

impl Deref for Container {
    type Target = ContainerSpec;

    fn deref(&self) -> &ContainerSpec {
        &self.spec
    }
}

#[derive(Clone, Debug, PartialEq)]
pub enum State {
    Waiting(Words),
    Running { since: Option<At> },
    Terminated(Terminated),
}

#[derive(Clone, Debug, PartialEq)]
pub struct Terminated {
    pub exit_code: i32,
    /// Told from the words once; it also makes [`State`] no larger than this.
    oom: bool,
    pub words: Words,
    pub started: Option<At>,
    pub finished: Option<At>,
}

impl Terminated {
    pub fn new(exit_code: i32, words: Words, started: Option<At>, finished: Option<At>) -> Self {
        let oom = words.reason().is_some_and(|reason| *reason == *"OOMKilled");
        Self { exit_code, oom, words, started, finished }
    }

    /// Such as `Error`, `Completed`.
    pub fn reason(&self) -> Option<&str> {
        self.words.reason().map(|t| &**t)
    }

    pub fn message(&self) -> Option<&str> {
        self.words.message().map(|t| &**t)
    }

    pub fn out_of_memory(&self) -> bool {
        self.oom
    }
}

impl Condition {
    pub fn reason(&self) -> Option<&str> {
        self.words.reason().map(|t| &**t)
    }

    pub fn message(&self) -> Option<&str> {
        self.words.message().map(|t| &**t)
    }
}

impl Container {
    /// Seconds in which a gateway may become ready: the usual ones, or as many as its own startup probe gives it.
    pub fn start_budget(&self) -> u32 {
        START_BUDGET.max(self.startup.map_or(0, |s| s.get().into()))
    }

    pub fn running_since(&self) -> Option<At> {
        match self.state {
            State::Running { since } => since,
            _ => None,
        }
    }

    /// The reason of a wait that will not end by itself soon, such as `ImagePullBackOff`.
    pub fn trouble(&self) -> Option<&str> {
        let State::Waiting(words) = &self.state else {
            return None;
        };
        let reason = words.reason()?;
        let ordinary = matches!(reason.as_str(), "PodInitializing" | "ContainerCreating");
        (!ordinary).then_some(reason.as_str())
    }
}

impl Pod {
    pub fn container(&self, name: &str) -> Option<&Container> {
        self.containers.iter().find(|c| c.name == *name)
    }

    /// All containers in the order in which they start.
    pub fn all(&self) -> impl Iterator<Item = &Container> {
        self.stages.iter().chain(&*self.containers)
    }

    pub fn restarts(&self) -> u32 {
        self.all().map(|c| c.restarts).sum()
    }

    /// Of the pod as a whole, such as `Evicted`.
    pub fn reason(&self) -> Option<&str> {
        self.words.reason().map(|t| &**t)
    }

    pub fn message(&self) -> Option<&str> {
        self.words.message().map(|t| &**t)
    }

    pub fn is_ready(&self) -> bool {
        self.ready.as_ref().is_some_and(|c| c.met)
    }

    /// When the deletion was asked for.
    pub fn delete_asked(&self) -> Option<At> {
        self.deleting.and_then(|at| At::from_unix(at.unix() - i64::from(self.grace)))
    }
}
