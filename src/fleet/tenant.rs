//! A tenant: the namespace and what was found in it, by kind and label.

use std::num::NonZeroU32;

use super::{
    At, Claim, ImageRef, Pod, Probe, Quantity, Quota, SpecDigest, StatefulSet, Terminated, Text, Tier, Uid, Warning,
    name::{Holds, Role},
};

/// Seconds after which the kubelet takes a container that runs for one that is well, and restarts it at once again.
const BACK_OFF_FORGETS: u32 = 600;

/// The facet of a Namespace.
#[derive(Clone, Debug, PartialEq)]
pub struct Namespace {
    pub uid: Uid,
    pub created: Option<At>,
    pub deleting: Option<At>,
    /// What the namespace controller says it waits for while it terminates.
    pub remaining: Option<Text>,
    /// From the stored spec: the host, the owner's handle.
    pub host: Option<Text>,
    pub owner: Option<Text>,
    /// Of the stored spec; `None` where the tenant carries none and is to be adopted first.
    pub spec: Option<SpecDigest>,
    /// The run that acts on it, with its epoch: `<run>/<epoch>`.
    pub claim: Option<Text>,
    /// The run that was done with it last.
    pub done: Option<Text>,
}

/// Live use of the tenant's pod, by metrics.k8s.io.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage {
    total: PartUsage,
    pub at: At,
}

impl Usage {
    /// `None` where it holds no memory at all: then it has not been measured.
    pub fn new(cpu: Quantity, memory: Quantity, at: At) -> Option<Self> {
        Some(Self { total: PartUsage::new(cpu, memory)?, at })
    }

    pub fn cpu(self) -> Quantity {
        self.total.cpu()
    }

    pub fn memory(self) -> Quantity {
        self.total.memory()
    }
}

/// The use of one container, in eight bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartUsage {
    cpu_milli: u32,
    memory_kib: NonZeroU32,
}

impl PartUsage {
    /// `None` where it holds no memory at all: then it has not been measured.
    pub fn new(cpu: Quantity, memory: Quantity) -> Option<Self> {
        let cpu_milli = u32::try_from(cpu.milli()).ok()?;
        let memory_kib = u32::try_from(memory.value() / 1_024).ok().and_then(NonZeroU32::new)?;
        Some(Self { cpu_milli, memory_kib })
    }

    pub fn cpu(self) -> Quantity {
        Quantity::from_milli(i64::from(self.cpu_milli))
    }

    pub fn memory(self) -> Quantity {
        Quantity::whole(i64::from(self.memory_kib.get()) * 1_024)
    }
}

/// One tenant. Everything that is not known yet is empty or `None`; nothing here is guessed.
#[derive(Clone, Debug, PartialEq)]
pub struct Tenant {
    /// Value of the tenant label. Two namespaces may claim the same id; the namespace is what tells them apart.
    pub id: Text,
    pub namespace_name: Text,
    pub tier: Option<Tier>,
    pub namespace: Option<Namespace>,
    // Boxed: there is one of most, two or three of some, and ten thousand tenants.
    pub sets: Box<[StatefulSet]>,
    pub pods: Box<[Pod]>,
    pub claims: Box<[Claim]>,
    pub quotas: Box<[Quota]>,
    pub warnings: Box<[Warning]>,
    /// Since when it was seen to want a pod and have none; `None` where it has one, or nobody has seen it go.
    pub bare: Option<At>,
    pub usage: Option<Usage>,
    /// By container, in the order of the pod's, and as old as `usage`.
    pub parts: Box<[Option<PartUsage>]>,
    /// What its pod answered when it was last asked.
    pub probe: Option<Box<Probe>>,
}

impl Tenant {
    pub fn new(namespace: Text, id: Text) -> Self {
        Self {
            id,
            namespace_name: namespace,
            tier: None,
            namespace: None,
            sets: Box::default(),
            pods: Box::default(),
            claims: Box::default(),
            quotas: Box::default(),
            warnings: Box::default(),
            bare: None,
            usage: None,
            parts: Box::default(),
            probe: None,
        }
    }

    /// It has a tier or a stored spec: made as our contract says, which promises it a quota. A fleet of another hand has
    /// its own ways, and what it lacks of ours is no fault.
    pub fn is_by_contract(&self) -> bool {
        self.tier.is_some() || self.namespace.as_ref().is_some_and(|n| n.spec.is_some())
    }

    /// The StatefulSet of the tenant; the oldest, should there be several.
    pub fn set(&self) -> Option<&StatefulSet> {
        self.sets.iter().min_by_key(|s| (s.created, s.uid))
    }

    /// The tenant's pod: controlled by a StatefulSet, the newest if an old one still terminates.
    pub fn pod(&self) -> Option<&Pod> {
        self.pods.iter().filter(|p| p.owner.is_some()).max_by_key(|p| (p.deleting.is_none(), p.created, p.uid))
    }

    /// Since when this event tells that its pod is refused. One event counts what an earlier pod met as well: nobody is
    /// refused for longer than there is no pod.
    pub fn refused_since(&self, event: &Warning) -> Option<At> {
        event.first.or(event.last).max(self.bare)
    }

    /// Since when this container of this pod ends again and again: since the kubelet first put off its restart. Where its
    /// events are not there to say so, since the pod is not ready for this container alone. One that has run for long
    /// before it ended has begun anew.
    pub fn crashing_since(&self, pod: &Pod, container: &super::Container, ending: &Terminated) -> Option<At> {
        let finished = ending.finished.or(ending.started);
        let begun_anew =
            ending.started.zip(ending.finished).is_some_and(|(from, to)| to.since(from) >= BACK_OFF_FORGETS);
        let backs_off = self.warnings.iter().filter(|w| {
            w.reason == *"BackOff" && w.object_uid == Some(pod.uid) && w.container.as_ref() == Some(&container.name)
        });
        let first = backs_off.filter_map(|w| w.first).min().or_else(|| pod.kept_unready_by(container));
        let first = first.filter(|_| !begun_anew);
        first.map_or(finished, |first| Some(finished.map_or(first, |at| at.min(first))))
    }

    /// What a container of the pod uses, where that was measured.
    pub fn part_usage(&self, name: &str) -> Option<PartUsage> {
        let at = self.pod()?.containers.iter().position(|c| c.name == *name)?;
        self.parts.get(at).copied().flatten()
    }

    /// The quota that holds the tier: the one named `tenant`, else the first that counts a pod (others are for helpers, or
    /// for volumes), else the first.
    pub fn quota(&self) -> Option<&Quota> {
        let named = self.quotas.iter().find(|q| *q.name() == *"tenant");
        named.or_else(|| self.quotas.iter().find(|q| q.counts_a_pod())).or_else(|| self.quotas.first())
    }

    pub fn claim(&self, name: &str) -> Option<&Claim> {
        self.claims.iter().find(|c| c.name == *name)
    }

    /// The claim for this, the newest where there are several: a restore leaves the one of before.
    pub fn claim_for(&self, holds: Holds) -> Option<&Claim> {
        self.claims.iter().filter(|c| c.holds == holds).max_by_key(|c| (c.deleting().is_none(), c.created, c.uid))
    }

    /// The claim that is fullest by percent, where anything is known.
    pub fn fullest(&self) -> Option<(&Claim, u32)> {
        self.claims.iter().filter_map(|c| Some((c, c.percent()?))).max_by_key(|(_, percent)| *percent)
    }

    /// Image of the gateway that is wanted: the StatefulSet's, else the pod's.
    pub fn wanted_image(&self) -> Option<ImageRef<'_>> {
        let of_set = self.set().and_then(|s| s.image.as_deref());
        of_set.or_else(|| self.running_image_text()).map(ImageRef::parse)
    }

    /// Image of the gateway in the pod that is there.
    pub fn running_image(&self) -> Option<ImageRef<'_>> {
        self.running_image_text().map(ImageRef::parse)
    }

    fn running_image_text(&self) -> Option<&str> {
        self.pod().and_then(|p| p.gateway()).map(|c| c.image.as_str())
    }

    /// The UID that selection and marks are bound to: the namespace's, else that of the oldest object known.
    pub fn uid(&self) -> Option<Uid> {
        let namespace = self.namespace.as_ref().map(|n| n.uid);
        namespace.or_else(|| self.set().map(|s| s.uid)).or_else(|| self.pod().map(|p| p.uid))
    }

    /// True of whoever was bound to this UID. The namespace's decides; before that is read, any object that was known
    /// then and still is.
    pub fn known_by(&self, uid: Uid) -> bool {
        self.uid() == Some(uid) || self.sets.iter().any(|s| s.uid == uid) || self.pods.iter().any(|p| p.uid == uid)
    }

    /// True when nothing of the tenant is left.
    pub fn is_gone(&self) -> bool {
        self.namespace.is_none()
            && self.sets.is_empty()
            && self.pods.is_empty()
            && self.claims.is_empty()
            && self.quotas.is_empty()
    }
}

impl Pod {
    fn playing(&self, role: Role) -> Option<&super::Container> {
        self.containers.iter().find(|c| c.role == role)
    }

    /// The gateway's container: by its role, else the first that is no sidecar (tenants made by other hands).
    pub fn gateway(&self) -> Option<&super::Container> {
        self.playing(Role::Gateway).or_else(|| self.containers.iter().find(|c| !c.sidecar))
    }

    /// Something of it runs, or has run.
    pub fn has_begun(&self) -> bool {
        let begun = |c: &super::Container| !matches!(c.state, super::State::Waiting(_)) || c.last.is_some();
        self.stages.iter().chain(&*self.containers).any(begun)
    }

    /// Since when the pod is not ready, where that is this container's doing: it was restarted, its turn had come, and all
    /// others are well.
    fn kept_unready_by(&self, container: &super::Container) -> Option<At> {
        let since = self.ready.as_ref().filter(|c| !c.met && container.restarts > 1)?.since?;
        let turn = self.turn(container)?;
        let alone = self.stages.iter().any(|s| s.name == container.name)
            || self.containers.iter().all(|c| c.ready || c.name == container.name);
        alone.then(|| since.max(turn))
    }

    /// When a container could first have begun: a stage with the end of the one before, the others with that of all stages.
    pub fn turn(&self, container: &super::Container) -> Option<At> {
        let Some(stage) = self.stages.iter().position(|s| s.name == container.name) else {
            return self.initialized.filter(|c| c.met)?.since;
        };
        match stage.checked_sub(1).and_then(|before| self.stages.get(before)).map(|before| &before.state) {
            Some(super::State::Terminated(t)) => t.finished,
            _ => self.scheduled.as_ref().filter(|c| c.met).and_then(|c| c.since).or(self.created),
        }
    }

    pub fn browser(&self) -> Option<&super::Container> {
        self.playing(Role::Browser)
    }

    pub fn browser_ui(&self) -> Option<&super::Container> {
        self.playing(Role::BrowserUi)
    }
}
