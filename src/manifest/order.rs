//! The order of objects: a tenant's own (quotas and policy before what they limit), or Kustomize's default where a tree states none.

use super::error::{ManifestError, Place};
use super::kustomization::{SortLists, SortOptions};
use super::object::{Object, group_version};

/// The order that a tenant's overlay asks of Kustomize: nothing comes before what it needs, and the pod's owner is last, so that a first
/// apply never starts a pod without its quota, policy, configuration and volumes.
pub(crate) const APPLY: [&str; 11] = [
    "Namespace",
    "ResourceQuota",
    "LimitRange",
    "ServiceAccount",
    "NetworkPolicy",
    "ConfigMap",
    "Secret",
    "PersistentVolumeClaim",
    "Service",
    "Ingress",
    "StatefulSet",
];

/// Kustomize's order where a tree says nothing.
const DEFAULT_FIRST: [&str; 22] = [
    "Namespace",
    "ResourceQuota",
    "StorageClass",
    "CustomResourceDefinition",
    "ServiceAccount",
    "PodSecurityPolicy",
    "Role",
    "ClusterRole",
    "RoleBinding",
    "ClusterRoleBinding",
    "ConfigMap",
    "Secret",
    "Endpoints",
    "Service",
    "LimitRange",
    "PriorityClass",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "Deployment",
    "StatefulSet",
    "CronJob",
    "PodDisruptionBudget",
];
const DEFAULT_LAST: [&str; 2] = ["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"];

/// Sorts as Kustomize sorts under these options.
pub(crate) fn sort(objects: &mut [Object], options: Option<&SortOptions>, place: &Place) -> Result<(), ManifestError> {
    let order = options.map_or("legacy", |options| options.order.as_str());
    let lists = options.and_then(|options| options.legacy_sort_options.as_ref());
    let (first, last) = match (order, lists) {
        ("fifo", None) => return Ok(()),
        ("legacy", None) => (DEFAULT_FIRST.to_vec(), DEFAULT_LAST.to_vec()),
        ("legacy", Some(SortLists { order_first, order_last })) => {
            (order_first.iter().map(String::as_str).collect(), order_last.iter().map(String::as_str).collect())
        }
        _ => {
            return Err(ManifestError::at(place, "sortOptions.order is `legacy`, or `fifo` without legacySortOptions"));
        }
    };
    objects.sort_by_cached_key(|object| key(object, &first, &last));
    Ok(())
}

fn key(object: &Object, first: &[&str], last: &[&str]) -> (i64, String, String) {
    let kind = object.kind();
    let position = |list: &[&str]| list.iter().position(|name| *name == kind).and_then(|at| i64::try_from(at).ok());
    let rank = match (position(last), position(first)) {
        (Some(at), _) => at + 1,
        (None, Some(at)) => at - i64::try_from(first.len()).unwrap_or(i64::MAX),
        (None, None) => 0,
    };
    let (group, version) = group_version(object.api_version());
    let group = if group.is_empty() { "~G" } else { group };
    let namespace = if object.namespace().is_empty() { "~X" } else { object.namespace() };
    (rank, format!("{group}_{version}_{kind}"), format!("{namespace}|{}", object.name()))
}
