//! Boots that can be compared with each other.

use crate::fleet::{ImageRef, Pod, Tenant, Text, boot::Lap};

/// A claim that was made at most this long before a pod is new to it: the first boot seeds it.
pub(super) const NEW: u32 = 60;

/// What makes a boot's times comparable:
/// the gateway's image without its tag (a stand-in is another program; a new release of the same one is close, and the
/// window forgets the old one), the tier (its limit of processor time holds for the stages too), whether the volumes were
/// new (a first boot seeds them, a later one finds them filled; provisioning is not attaching), and the stages by name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct BootKind {
    pub image: Text,
    /// `None`: any. A tenant without a tier has the empty one.
    pub tier: Option<Text>,
    /// `None` where no claim of the tenant is known.
    pub new_volumes: Option<bool>,
    pub stages: Box<[Text]>,
}

impl BootKind {
    pub fn of(tenant: &Tenant, pod: &Pod) -> Option<Self> {
        let created = pod.created?;
        let new = |at| created.since(at) <= NEW;
        let claims = tenant.claims.iter().filter_map(|c| c.created);
        Some(Self {
            image: Text::from(ImageRef::parse(&pod.gateway()?.image).repository),
            tier: Some(Text::from(tenant.tier.as_ref().map_or("", |t| t.as_str()))),
            // A restored tenant has new volumes beside old ones.
            new_volumes: claims.max().map(new),
            stages: pod.stages.iter().map(|s| s.name.clone()).collect(),
        })
    }

    /// The same whatever the tier.
    pub fn of_any_tier(&self) -> Self {
        Self { tier: None, ..self.clone() }
    }

    /// A boot of that kind counts for this one.
    pub fn takes(&self, other: &Self) -> bool {
        (self.tier.is_none() || self.tier == other.tier)
            && self.image == other.image
            && self.new_volumes == other.new_volumes
            && self.stages == other.stages
    }

    pub fn laps(&self) -> usize {
        Lap::count(self.stages.len())
    }
}
