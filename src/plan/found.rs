//! What was looked up of one tenant besides the index, as far as an intent needs it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    fleet::{At, Quantity},
    manifest::TenantSpec,
};

/// Facts of one tenant. What is absent was not asked for, or may not be known: never "there is none".
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Found {
    /// Finalizers on its StatefulSet: whoever set them decides when it is gone.
    pub finalizers: Vec<String>,
    /// What becomes of the volumes behind its claims.
    pub volumes: Option<BTreeMap<String, Behind>>,
    /// Its snapshots, where the cluster knows such a thing.
    pub snapshots: Option<Vec<Snap>>,
    /// What it would be adopted as, or why it cannot be.
    pub adoption: Option<Result<Adoption, String>>,
    /// The stored spec.
    pub spec: Option<Box<TenantSpec>>,
    /// What is not as the stored spec renders it.
    pub drift: Option<Vec<Drift>>,
    /// What of that belongs to others.
    pub takes: Vec<Take>,
}

/// A snapshot of one of its claims.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Snap {
    pub name: String,
    /// The claim that it was cut from.
    pub claim: String,
    pub ready: bool,
    /// When it was cut.
    pub made: Option<At>,
    /// What a claim from it has to ask for at least.
    pub size: Option<Quantity>,
}

/// What a tenant of another hand would be adopted as.
#[derive(Clone, Debug, PartialEq)]
pub struct Adoption {
    pub spec: TenantSpec,
    /// Fields of the spec that its objects do not show, with what was taken instead.
    pub unknown: Vec<String>,
    /// What the named managers own of it.
    pub owned: Vec<Owned>,
    /// Managers that were not named and have set fields too.
    pub others: Vec<String>,
}

/// How much of an object a field manager owns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owned {
    /// Kind and name.
    pub object: String,
    pub manager: String,
    pub fields: usize,
}

/// A field that is not as the stored spec renders it.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Drift {
    /// Kind and name: `StatefulSet openclaw`.
    pub object: String,
    /// Such as `spec.template.spec.containers[gateway].image`; empty where the whole object is not there.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub path: String,
    /// Absent where there is no such field.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub live: Option<Value>,
    /// Absent where the spec has no such field any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spec: Option<Value>,
    /// Field managers that own it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub owners: Vec<String>,
}

/// A field that is taken from another field manager.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Take {
    /// Kind and name.
    pub object: String,
    /// As the server names it: `.spec.replicas`.
    pub field: String,
    pub from: String,
}

/// What stands behind a claim.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Behind {
    /// The PersistentVolume.
    pub volume: String,
    /// Its reclaim policy: `Delete` lets the disk go with the claim.
    pub reclaim: String,
    /// Whether its class lets it grow.
    pub expands: bool,
}
