//! A tenant: the namespace and what was found in it, by kind and label.

use std::num::NonZeroU32;

use super::{
    At, Claim, ImageRef, Pod, Probe, Quantity, Quota, SpecDigest, StatefulSet, Text, Tier, Uid, Warning, name,
};

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
}

/// Live use of the tenant's pod, by metrics.k8s.io.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage {
    pub cpu: Quantity,
    pub memory: Quantity,
    pub at: At,
}

/// The same of one container, in eight bytes.
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
    pub sets: Vec<StatefulSet>,
    pub pods: Vec<Pod>,
    pub claims: Vec<Claim>,
    pub quotas: Vec<Quota>,
    pub warnings: Vec<Warning>,
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
            sets: Vec::new(),
            pods: Vec::new(),
            claims: Vec::new(),
            quotas: Vec::new(),
            warnings: Vec::new(),
            usage: None,
            parts: Box::default(),
            probe: None,
        }
    }

    /// The StatefulSet of the tenant; the oldest, should there be several.
    pub fn set(&self) -> Option<&StatefulSet> {
        self.sets.iter().min_by_key(|s| (s.created, s.uid))
    }

    /// The tenant's pod: controlled by a StatefulSet, the newest if an old one still terminates.
    pub fn pod(&self) -> Option<&Pod> {
        self.pods.iter().filter(|p| p.owner.is_some()).max_by_key(|p| (p.deleting.is_none(), p.created, p.uid))
    }

    /// What a container of the pod uses, where that was measured.
    pub fn part_usage(&self, name: &str) -> Option<PartUsage> {
        let at = self.pod()?.containers.iter().position(|c| c.name == *name)?;
        self.parts.get(at).copied().flatten()
    }

    /// The quota that holds the tier: the one named `tenant`, else the first.
    pub fn quota(&self) -> Option<&Quota> {
        self.quotas.iter().find(|q| *q.name() == *"tenant").or_else(|| self.quotas.first())
    }

    pub fn claim(&self, name: &str) -> Option<&Claim> {
        self.claims.iter().find(|c| c.name == *name)
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
    /// The gateway's container: by name, else the first that is no sidecar (tenants made by other hands).
    pub fn gateway(&self) -> Option<&super::Container> {
        self.container(name::GATEWAY).or_else(|| self.containers.iter().find(|c| !c.sidecar))
    }

    /// The browser's container, by name (ours, and the names other hands use).
    pub fn browser(&self) -> Option<&super::Container> {
        [name::BROWSER, "chromium", "chrome"].iter().find_map(|n| self.container(n))
    }
}
