//! The metadata that every kind shares.

use serde::Deserialize;

use super::{
    super::delta::{Facet, Key, Part},
    Digested,
    lenient::{Entries, Flag, Int, List, Obj, Raw},
};
use crate::fleet::{At, Text, Uid, name};

/// Keys of the labels that tell tenants, and what their containers are called; configurable for fleets made by other hands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Labels {
    pub tenant: String,
    pub tier: String,
    pub roles: name::Roles,
}

impl Default for Labels {
    fn default() -> Self {
        Self { tenant: name::TENANT_LABEL.to_owned(), tier: name::TIER_LABEL.to_owned(), roles: name::Roles::default() }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Meta<'a> {
    #[serde(borrow)]
    pub name: Raw<'a>,
    #[serde(borrow)]
    pub namespace: Raw<'a>,
    #[serde(borrow)]
    uid: Raw<'a>,
    #[serde(borrow)]
    pub resource_version: Raw<'a>,
    #[serde(borrow)]
    creation_timestamp: Raw<'a>,
    #[serde(borrow)]
    deletion_timestamp: Raw<'a>,
    pub deletion_grace_period_seconds: Int,
    pub generation: Int,
    #[serde(borrow)]
    pub labels: Entries<'a>,
    #[serde(borrow)]
    pub annotations: Obj<Annotations<'a>>,
    #[serde(borrow)]
    owner_references: List<Owner<'a>>,
}

/// The annotations that are read; others, often the longest part of an object, are skipped.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Annotations<'a> {
    #[serde(borrow, rename = "openclaw.ai/spec")]
    pub spec: Raw<'a>,
    #[serde(borrow, rename = "fleetdeck.openclaw.ai/run")]
    pub run: Raw<'a>,
    #[serde(borrow, rename = "fleetdeck.openclaw.ai/claim")]
    pub claim: Raw<'a>,
    #[serde(borrow, rename = "fleetdeck.openclaw.ai/done")]
    pub done: Raw<'a>,
    #[serde(borrow, rename = "volume.kubernetes.io/selected-node")]
    pub selected_node: Raw<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Owner<'a> {
    #[serde(borrow)]
    kind: Raw<'a>,
    #[serde(borrow)]
    name: Raw<'a>,
    controller: Flag,
}

impl Meta<'_> {
    pub(super) fn uid(&self) -> Option<Uid> {
        self.uid.parse()
    }

    pub(super) fn created(&self) -> Option<At> {
        self.creation_timestamp.at()
    }

    pub(super) fn deleting(&self) -> Option<At> {
        self.deletion_timestamp.at()
    }

    pub(super) fn label(&self, key: &str) -> Option<Text> {
        self.labels.get(key).and_then(Raw::text)
    }

    /// Name of the StatefulSet that controls this object.
    pub(super) fn stateful_set(&self) -> Option<Text> {
        self.owner_references.0.iter().find(|o| o.controller.0 && &*o.kind == "StatefulSet").and_then(|o| o.name.text())
    }

    /// Makes the facet of a namespaced object, from its UID and name.
    pub(super) fn facet(&self, labels: &Labels, part: impl FnOnce(Uid, Text) -> Part) -> Digested {
        self.facet_in(&self.namespace, labels, part)
    }

    pub(super) fn facet_in(
        &self,
        namespace: &Raw<'_>,
        labels: &Labels,
        part: impl FnOnce(Uid, Text) -> Part,
    ) -> Digested {
        let (Some(uid), Some(name), Some(namespace)) = (self.uid(), self.name.text(), namespace.text()) else {
            return Digested::Unreadable;
        };
        Digested::Facet(Facet {
            key: Key { namespace, uid },
            tenant: self.label(&labels.tenant),
            tier: self.label(&labels.tier),
            part: part(uid, name),
        })
    }
}

/// A condition in any kind's status.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Condition<'a> {
    #[serde(borrow, rename = "type")]
    pub kind: Raw<'a>,
    #[serde(borrow)]
    pub status: Raw<'a>,
    #[serde(borrow)]
    pub reason: Raw<'a>,
    #[serde(borrow)]
    pub message: Raw<'a>,
    #[serde(borrow)]
    pub last_transition_time: Raw<'a>,
}

impl Condition<'_> {
    pub(super) fn is_met(&self) -> bool {
        &*self.status == "True"
    }
}
