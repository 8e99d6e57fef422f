//! How the fields of the served kinds merge. Kubernetes gives a field of one name the same topology in nearly every
//! type, so the table goes by the field's name, with the few exceptions by kind.

use serde_json::Value;

use super::kinds::{self, Kind};

/// How a list or map merges under server-side apply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Topology {
    /// A map or struct whose fields are owned one by one; a list or scalar that is owned as a whole.
    Plain,
    /// A map that is owned as a whole.
    Atomic,
    /// A list of objects told apart by these keys.
    Keyed(&'static [&'static str]),
    /// A list of values told apart by themselves.
    Set,
}

/// The topology of the field `name` inside `kind`; `in_status` where the way to it leads through `.status`.
pub(crate) fn topology(kind: &Kind, name: &str, value: &Value) -> Topology {
    if value.is_array() { list(kind, name) } else { map(name) }
}

fn list(kind: &Kind, name: &str) -> Topology {
    match name {
        "imagePullSecrets" if kind == kinds::SERVICE_ACCOUNT => Topology::Plain,
        "containers"
        | "initContainers"
        | "ephemeralContainers"
        | "env"
        | "volumes"
        | "imagePullSecrets"
        | "secrets"
        | "resourceClaims"
        | "resourceClaimStatuses"
        | "schedulingGates"
        | "claims"
        | "drivers"
        | "allocatedResourcesStatus" => Topology::Keyed(&["name"]),
        "ports" if kind == kinds::SERVICE => Topology::Keyed(&["port", "protocol"]),
        "ports" if has_pod(kind) => Topology::Keyed(&["containerPort", "protocol"]),
        "volumeMounts" => Topology::Keyed(&["mountPath"]),
        "volumeDevices" => Topology::Keyed(&["devicePath"]),
        "hostAliases" | "podIPs" => Topology::Keyed(&["ip"]),
        "topologySpreadConstraints" => Topology::Keyed(&["topologyKey", "whenUnsatisfiable"]),
        "conditions" if kind != kinds::JOB => Topology::Keyed(&["type"]),
        "addresses" if kind == kinds::NODE => Topology::Keyed(&["type"]),
        "ownerReferences" => Topology::Keyed(&["uid"]),
        "finalizers" if kind != kinds::NAMESPACE => Topology::Set,
        "podCIDRs" => Topology::Set,
        _ => Topology::Plain,
    }
}

fn map(name: &str) -> Topology {
    match name {
        "selector"
        | "nodeSelector"
        | "labelSelector"
        | "namespaceSelector"
        | "podSelector"
        | "matchLabelSelector"
        | "scopeSelector"
        | "configMapKeyRef"
        | "secretKeyRef"
        | "fieldRef"
        | "resourceFieldRef"
        | "fileKeyRef"
        | "secretRef"
        | "dataSource"
        | "claimRef"
        | "involvedObject"
        | "related"
        | "roleRef"
        | "targetRef"
        | "resource"
        | "required"
        | "preference"
        | "requiredDuringSchedulingIgnoredDuringExecution"
        | "nodePublishSecretRef" => Topology::Atomic,
        _ => Topology::Plain,
    }
}

fn has_pod(kind: &Kind) -> bool {
    [
        kinds::POD,
        kinds::STATEFUL_SET,
        kinds::DEPLOYMENT,
        kinds::REPLICA_SET,
        kinds::DAEMON_SET,
        kinds::JOB,
        kinds::CONTROLLER_REVISION,
    ]
    .contains(&kind)
}

/// How a list merges under a strategic merge patch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Strategy {
    Replace,
    /// Objects by this key.
    Merge(&'static str),
    /// Values, added if absent.
    Union,
}

pub(crate) fn strategy(kind: &Kind, name: &str) -> Strategy {
    match (list(kind, name), name) {
        (_, "taints") if kind == kinds::NODE => Strategy::Merge("key"),
        (_, "conditions") => Strategy::Merge("type"),
        (Topology::Keyed(keys), _) => Strategy::Merge(keys[0]),
        (Topology::Set, _) => Strategy::Union,
        _ => Strategy::Replace,
    }
}

/// The value of a list key; `protocol` has a default.
pub(crate) fn key_value(item: &Value, key: &str) -> Value {
    match item.get(key) {
        Some(value) => value.clone(),
        None if key == "protocol" => "TCP".into(),
        None => Value::Null,
    }
}

/// Whether two items of a keyed list are the same one.
pub(crate) fn same_item(a: &Value, b: &Value, keys: &[&str]) -> bool {
    keys.iter().all(|key| key_value(a, key) == key_value(b, key))
}
