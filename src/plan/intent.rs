//! What a person wants.

use serde::{Deserialize, Serialize};

use super::{
    adopt, apply, create, delete, refusal::Refusal, reprovision, resize, restart, restore, rotate_token, set_tier,
    situation::Situation, snapshot, step::Step, suspend, upgrade, way_back,
};
use crate::{
    index::Kind,
    manifest::{PinnedImage, TenantSpec},
};

/// What a person wants done. Everything else of a plan follows from it and from what is there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "verb", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Intent {
    /// Make a tenant, finish one that was begun, or revive a parked one.
    Create {
        spec: Box<TenantSpec>,
    },
    /// Replace the pod.
    Restart,
    /// Run no pod; everything else stays.
    Suspend,
    Resume,
    /// Run another image of the gateway.
    Upgrade {
        image: PinnedImage,
    },
    /// Give a spec to a tenant that carries none, and take over what these field managers own of it.
    Adopt {
        from: Vec<String>,
    },
    /// A VolumeSnapshot of each of its claims.
    Snapshot {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        class: Option<String>,
    },
    /// New claims from these snapshots, and the tenant on them.
    Restore {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        app: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        config: Option<String>,
    },
    /// Give it another tier.
    SetTier {
        tier: String,
    },
    /// Larger volumes, in gibibytes.
    Resize {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        app: Option<u32>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        config: Option<u32>,
    },
    /// A new gateway token.
    RotateToken,
    /// Take back what is not as the stored spec renders it; with `force` also from other field managers; with another image, if
    /// one is named.
    Apply {
        force: bool,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        image: Option<PinnedImage>,
    },
    /// Delete the StatefulSet and make it anew, on the same volumes; with another image, if one is named.
    Reprovision {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        image: Option<PinnedImage>,
    },
    /// Remove StatefulSet, Service and Ingress; with `purge` the whole Namespace and the data in it.
    Delete {
        purge: bool,
    },
}

impl Intent {
    /// The command line's word for it.
    pub fn verb(&self) -> &'static str {
        match self {
            Self::Create { .. } => "create",
            Self::Restart => "restart",
            Self::Suspend => "suspend",
            Self::Resume => "resume",
            Self::Upgrade { .. } => "upgrade",
            Self::Snapshot { .. } => "snapshot",
            Self::Restore { .. } => "restore",
            Self::Adopt { .. } => "adopt",
            Self::SetTier { .. } => "set-tier",
            Self::Resize { .. } => "resize",
            Self::RotateToken => "rotate-token",
            Self::Apply { .. } => "apply",
            Self::Reprovision { .. } => "reprovision",
            Self::Delete { .. } => "delete",
        }
    }

    pub fn is_create(&self) -> bool {
        matches!(self, Self::Create { .. })
    }

    /// Whether the StatefulSet of afterwards is another than the one before.
    pub fn remakes(&self) -> bool {
        matches!(self, Self::Reprovision { .. })
    }

    /// Whom each of its recipes is for, where there are several.
    pub(super) fn whom(&self, recipe: usize) -> &'static str {
        match (self, recipe) {
            (Self::Apply { .. }, 0) => "those whose pod is replaced",
            (Self::Apply { .. }, 1) => "those whose pod runs on",
            (Self::SetTier { .. }, 0) => "those that grow",
            (Self::SetTier { .. }, 1) => "those that shrink",
            (_, 0) => "those awake",
            _ => "those asleep",
        }
    }

    pub fn is_purge(&self) -> bool {
        matches!(self, Self::Delete { purge: true })
    }

    /// The kinds that have to be fresh to plan this, and to tell whether it is done.
    pub fn kinds(&self) -> &'static [Kind] {
        match self {
            Self::Restart => &[Kind::Pod, Kind::StatefulSet],
            _ => &[Kind::Namespace, Kind::Pod, Kind::StatefulSet, Kind::Claim],
        }
    }

    /// The tenant's spec as it is to be: the stored one with this intent's change.
    pub fn change(&self, stored: &TenantSpec) -> TenantSpec {
        let mut spec = stored.clone();
        match self {
            Self::Create { spec: wanted } => spec.clone_from(wanted),
            Self::Suspend => spec.suspended = true,
            Self::Resume => spec.suspended = false,
            Self::Upgrade { image }
            | Self::Apply { image: Some(image), .. }
            | Self::Reprovision { image: Some(image) } => spec.image = image.clone(),
            Self::SetTier { tier } => spec.tier.clone_from(tier),
            Self::Resize { app, config } => {
                // What the spec has more of by now, it keeps.
                for (claim, size) in [(&mut spec.volumes.app, app), (&mut spec.volumes.config, config)] {
                    claim.size_gi = claim.size_gi.max(size.unwrap_or_default());
                }
            }
            // Their spec stands in the turn.
            Self::Adopt { .. }
            | Self::Restore { .. }
            | Self::Snapshot { .. }
            | Self::RotateToken
            | Self::Restart
            | Self::Apply { .. }
            | Self::Reprovision { .. }
            | Self::Delete { .. } => {}
        }
        spec
    }

    pub(super) fn recipes(&self, seen: &Situation<'_>, refusal: &mut Refusal) -> Vec<Vec<Step>> {
        let mut recipes = match self {
            Self::Create { spec } => create::recipes(spec, seen, refusal),
            Self::Restart => restart::recipes(),
            Self::Suspend => suspend::suspend_recipes(),
            Self::Resume => suspend::resume_recipes(),
            Self::Upgrade { .. } => upgrade::recipes(),
            Self::Snapshot { .. } => snapshot::recipes(),
            Self::Restore { .. } => restore::recipes(),
            Self::Adopt { .. } => adopt::recipes(),
            Self::SetTier { .. } => set_tier::recipes(),
            Self::Resize { .. } => resize::recipes(),
            Self::RotateToken => rotate_token::recipes(),
            Self::Apply { .. } => apply::recipes(),
            Self::Reprovision { .. } => reprovision::recipes(),
            Self::Delete { purge } => delete::recipes(*purge),
        };
        if seen.care.snapshot && self.snapshots_first() {
            way_back::first(&mut recipes);
        }
        recipes
    }
}
