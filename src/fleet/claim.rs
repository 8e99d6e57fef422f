//! The facet of a PersistentVolumeClaim, and what its volume holds.

use super::{At, Quantity, Text, Uid};

#[derive(Clone, Debug, PartialEq)]
pub struct Claim {
    pub uid: Uid,
    pub name: Text,
    pub created: Option<At>,
    pub deleting: Option<At>,
    pub phase: ClaimPhase,
    /// `spec.resources.requests.storage`.
    pub requested: Option<Quantity>,
    /// `status.capacity.storage`.
    pub capacity: Option<Quantity>,
    pub class: Option<Text>,
    pub volume: Option<Text>,
    /// A resize that waits or failed: the condition's type, such as `FileSystemResizePending`.
    pub resize: Option<Text>,
    /// Last measure of the volume; `None` is "unknown", never 0.
    pub usage: Option<VolumeUsage>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ClaimPhase {
    Pending,
    Bound,
    Lost,
    #[default]
    Unknown,
}

/// What a volume holds, by the kubelet's statistics. Bytes and inodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VolumeUsage {
    pub used: u64,
    pub capacity: u64,
    pub inodes_used: u64,
    pub inodes: u64,
    pub at: At,
}

impl VolumeUsage {
    /// Percent of the bytes used, rounded down; `None` where no capacity is reported.
    pub fn percent(&self) -> Option<u32> {
        let percent = (u128::from(self.used) * 100).checked_div(u128::from(self.capacity))?;
        u32::try_from(percent).ok()
    }
}

impl Claim {
    /// True where the reported capacity is the node's disk and not the claim's (hostPath, local-path): a percentage
    /// would be an invention there. Twice the claim is beyond what any filesystem or rounding adds.
    pub fn on_node_disk(&self) -> bool {
        let claimed = self.capacity.or(self.requested).map_or(0, Quantity::value);
        match (self.usage, u64::try_from(claimed)) {
            (Some(usage), Ok(claimed)) => claimed > 0 && usage.capacity > claimed.saturating_mul(2),
            _ => false,
        }
    }

    /// Percent used of this claim, where that is known.
    pub fn percent(&self) -> Option<u32> {
        if self.on_node_disk() { None } else { self.usage.and_then(|u| u.percent()) }
    }
}
