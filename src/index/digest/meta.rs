//! The metadata that every kind shares.

use serde::Deserialize;

use super::{
    super::delta::{Facet, Key, Part},
    Digested,
    lenient::{Entries, Flag, Int, List, Obj, Raw},
};
use crate::fleet::{At, Text, Uid, clean::clean, name, pattern::Pattern};

/// What tells tenants, and what their containers are called; configurable for fleets made by other hands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Labels {
    /// Key of the label whose value is the tenant's id; empty where only the Namespace's name tells it.
    pub tenant: String,
    /// What tenants' Namespaces are called, where not all that carry the label are meant, or there is no label.
    pub namespace: Option<Pattern>,
    pub tier: String,
    pub roles: name::Roles,
}

impl Default for Labels {
    fn default() -> Self {
        Self {
            tenant: name::TENANT_LABEL.to_owned(),
            namespace: None,
            tier: name::TIER_LABEL.to_owned(),
            roles: name::Roles::default(),
        }
    }
}

impl Labels {
    /// The id of the tenant that lives in this namespace, by the value of the label where there is one; `Err` where the
    /// namespace is no tenant's.
    fn id(&self, namespace: &str, label: Option<Text>) -> Result<Option<Text>, Strange> {
        let Some(pattern) = &self.namespace else { return Ok(label) };
        let part = pattern.part(namespace).ok_or(Strange)?;
        Ok(if self.tenant.is_empty() { Some(Text::from(&*clean(part))) } else { label })
    }

    /// Whether a namespace that may be gone was a tenant's, by its name alone.
    pub(super) fn names(&self, namespace: &str) -> bool {
        match &self.namespace {
            Some(pattern) => pattern.part(namespace).is_some(),
            None => namespace.starts_with(name::NAMESPACE_PREFIX),
        }
    }
}

/// No tenant's.
struct Strange;

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
        let Ok(tenant) = labels.id(&namespace, self.label(&labels.tenant)) else { return Digested::Ignored };
        Digested::Facet(Facet {
            key: Key { namespace, uid },
            tenant,
            tier: self.label(&labels.tier),
            part: part(uid, name),
        })
    }

    /// Of an object that is no tenant's and lies in no namespace: its own name stands for one.
    pub(super) fn facet_of_none(&self, part: impl FnOnce(Uid, Text) -> Part) -> Digested {
        let (Some(uid), Some(name)) = (self.uid(), self.name.text()) else { return Digested::Unreadable };
        let key = Key { namespace: name.clone(), uid };
        Digested::Facet(Facet { key, tenant: None, tier: None, part: part(uid, name) })
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
