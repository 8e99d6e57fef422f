//! The facet of a PersistentVolumeClaim, and what its volume holds.

use super::{At, Growth, Quantity, Text, Uid, name::Holds};

#[derive(Clone, Debug, PartialEq)]
pub struct Claim {
    pub uid: Uid,
    pub name: Text,
    pub created: Option<At>,
    pub phase: ClaimPhase,
    pub holds: Holds,
    /// The scheduler has chosen the node that its volume is to be made for.
    pub placed: bool,
    /// `spec.resources.requests.storage`.
    pub requested: Option<Quantity>,
    /// `status.capacity.storage`.
    pub capacity: Option<Quantity>,
    pub class: Option<Text>,
    pub volume: Volume,
    /// Few have any.
    pub unrest: Option<Box<Unrest>>,
    /// Last measure of the volume; `None` is "unknown", never 0.
    pub usage: Option<VolumeUsage>,
    /// How fast it fills, once that is known.
    pub growth: Option<Growth>,
}

/// What is under way with a claim.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Unrest {
    /// `metadata.deletionTimestamp`.
    pub deleting: Option<At>,
    /// A resize that waits or failed: the condition's type, such as `FileSystemResizePending`.
    pub resize: Option<Text>,
    /// When that condition began.
    pub resize_since: Option<At>,
}

/// The PersistentVolume of a claim, in one pointer. A provisioner names it `pvc-<UID of the claim>`, so that such a name
/// need not be held: an empty one stands for it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Volume(Option<Text>);

impl Volume {
    pub const NONE: Self = Self(None);

    pub fn of(claim: Uid, name: Option<Text>) -> Self {
        let of_claim = |name: &Text| name.strip_prefix("pvc-").is_some_and(|uid| uid.parse() == Ok(claim));
        Self(name.map(|name| if of_claim(&name) { Text::default() } else { name }))
    }

    fn name(&self, claim: Uid) -> Option<String> {
        let name = self.0.as_ref()?;
        Some(if name.is_empty() { format!("pvc-{claim}") } else { name.to_string() })
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ClaimPhase {
    Pending,
    Bound,
    Lost,
    #[default]
    Unknown,
}

/// What a volume holds: bytes and inodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VolumeUsage {
    pub used: u64,
    pub capacity: u64,
    /// Of a file system with more than 2^32 both are told in the same coarser unit: only their share is shown.
    pub inodes_used: u32,
    pub inodes: u32,
    pub at: At,
    pub source: VolumeSource,
}

/// Who says what a volume holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum VolumeSource {
    /// The statistics of the node's kubelet.
    #[default]
    Kubelet,
    Prometheus,
    /// `df` inside the pod.
    Df,
}

impl VolumeSource {
    pub fn word(self) -> &'static str {
        match self {
            Self::Kubelet => "kubelet",
            Self::Prometheus => "prometheus",
            Self::Df => "df",
        }
    }
}

impl VolumeUsage {
    /// Inodes in use and all there are, as they are held.
    pub fn inodes(used: u64, all: u64) -> (u32, u32) {
        let beyond = u64::BITS - used.max(all).leading_zeros();
        let coarser = beyond.saturating_sub(u32::BITS);
        let held = |n: u64| u32::try_from(n >> coarser).unwrap_or(u32::MAX);
        (held(used), held(all))
    }

    /// Percent of the bytes used, rounded down; `None` where no capacity is reported.
    pub fn percent(&self) -> Option<u32> {
        let percent = (u128::from(self.used) * 100).checked_div(u128::from(self.capacity))?;
        u32::try_from(percent).ok()
    }
}

impl Claim {
    /// Since when it is to go; `None` where it may stay.
    pub fn deleting(&self) -> Option<At> {
        self.unrest.as_ref()?.deleting
    }

    /// A resize that waits or failed: the condition's type.
    pub fn resize(&self) -> Option<&Text> {
        self.unrest.as_ref()?.resize.as_ref()
    }

    /// When that condition began.
    pub fn resize_since(&self) -> Option<At> {
        self.unrest.as_ref()?.resize_since
    }

    /// Name of the PersistentVolume, once there is one.
    pub fn volume_name(&self) -> Option<String> {
        self.volume.name(self.uid)
    }

    /// True where the reported capacity is the node's disk and not the claim's (hostPath, local-path): a percentage
    /// would be an invention there. A filesystem takes up to some percent of its volume for itself, and provisioners round
    /// up a little; what is further off the claim is the size of something else.
    pub fn on_node_disk(&self) -> bool {
        let claimed = self.capacity.or(self.requested).map_or(0, Quantity::value);
        match (self.usage, u64::try_from(claimed)) {
            (Some(usage), Ok(claimed)) => {
                let (least, most) = (claimed / 4 * 3, claimed.saturating_add(claimed / 10));
                claimed > 0 && !(least..=most).contains(&usage.capacity)
            }
            _ => false,
        }
    }

    /// Percent used of this claim, where that is known.
    pub fn percent(&self) -> Option<u32> {
        if self.on_node_disk() { None } else { self.usage.and_then(|u| u.percent()) }
    }

    /// Percent of its inodes in use, where it has any to count.
    pub fn inode_percent(&self) -> Option<u32> {
        let usage = self.usage.filter(|_| !self.on_node_disk())?;
        let percent = (u64::from(usage.inodes_used) * 100).checked_div(u64::from(usage.inodes))?;
        u32::try_from(percent).ok()
    }

    /// How full it is by what it is fullest of: a volume without a free inode takes no byte more.
    pub fn fullness(&self) -> Option<u32> {
        self.percent().max(self.inode_percent())
    }

    /// When it will be full at its pace, in seconds; `None` where that is never, or not known because the pace was seen for
    /// less than [`Growth::TELLS_DAYS`].
    pub fn seconds_to_full(&self) -> Option<u64> {
        let usage = self.usage.filter(|_| !self.on_node_disk())?;
        let growth = self.growth.filter(|g| g.over >= Growth::TELLS_DAYS)?;
        growth.seconds_to(usage.capacity.saturating_sub(usage.used))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_disk_of_a_node_is_not_the_claim_s() {
        use crate::fleet::fixture::*;
        let gib = |tenths: u64| tenths * (1 << 30) / 10;
        let share = |capacity| {
            let usage =
                VolumeUsage { used: gib(50), capacity, inodes_used: 0, inodes: 0, source: VolumeSource::Df, at: at(1) };
            Claim { usage: Some(usage), ..claim(0, "app-data") }.percent()
        };
        // 20Gi: as it is, less what a filesystem takes, rounded up by a provisioner.
        assert_eq!([gib(200), gib(195), gib(160), gib(210)].map(share), [Some(25), Some(25), Some(31), Some(23)]);
        // A node's disk, larger or smaller, and a share without an end.
        assert_eq!([gib(230), gib(320), gib(400), gib(100), u64::MAX].map(share), [None; 5]);
    }

    #[test]
    fn inodes_beyond_what_is_held_keep_their_share() {
        assert_eq!(VolumeUsage::inodes(7, 20), (7, 20));
        assert_eq!(VolumeUsage::inodes(0, u64::from(u32::MAX)), (0, u32::MAX));
        let (used, all) = VolumeUsage::inodes(3 << 40, 4 << 40);
        assert_eq!(u64::from(used) * 100 / u64::from(all), 75);
        assert_eq!(VolumeUsage::inodes(u64::MAX, u64::MAX), (u32::MAX, u32::MAX));
    }
}
