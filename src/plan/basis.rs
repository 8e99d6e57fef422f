//! What a plan was computed from: identities, and nothing that status alone moves.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    fleet::{SpecDigest, Tenant, Uid},
    index::Entry,
};

/// The objects that a turn is about. A tenant whose basis has moved is planned anew before its first step.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Basis {
    /// The Namespace; absent where the plan is to make it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<Uid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spec: Option<SpecDigest>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub set: Option<Named>,
    /// Of the StatefulSet: it moves with its spec alone. Its other fields are guarded by server-side apply itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub generation: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pod: Option<Named>,
    /// Claims by name: after everything else they are to be there still, the very same.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub claims: BTreeMap<String, Uid>,
    /// Objects to delete that are not watched.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub others: Vec<Other>,
}

/// An object whose kind is known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Named {
    pub name: String,
    pub uid: Uid,
}

/// An object by kind, name and UID.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Other {
    pub kind: String,
    pub name: String,
    pub uid: Uid,
}

impl Basis {
    pub fn of(entry: &Entry) -> Self {
        let tenant = &entry.tenant;
        Self {
            namespace: tenant.namespace.as_ref().map(|n| n.uid),
            spec: tenant.namespace.as_ref().and_then(|n| n.spec),
            set: tenant.set().map(|s| Named { name: s.name.to_string(), uid: s.uid }),
            generation: tenant.set().map(|s| s.generation.into()),
            pod: tenant.pod().map(|p| Named { name: p.name.to_string(), uid: p.uid }),
            claims: BTreeMap::new(),
            others: Vec::new(),
        }
    }

    pub fn set_uid(&self) -> Option<Uid> {
        self.set.as_ref().map(|s| s.uid)
    }

    pub fn pod_uid(&self) -> Option<Uid> {
        self.pod.as_ref().map(|p| p.uid)
    }

    /// With the claims that have to outlive the operation.
    pub fn with_claims(mut self, tenant: &Tenant) -> Self {
        self.claims = tenant.claims.iter().map(|c| (c.name.to_string(), c.uid)).collect();
        self
    }
}
