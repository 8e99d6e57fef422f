//! Admission: what the API server's built-in plugins add to a request or refuse.

use std::sync::Arc;

use serde_json::Value;

use super::kinds::{self, Kind};
use super::object::is_terminating;
use super::status::{Cause, Status};
use super::store::Inner;

/// What a write takes from quotas, to be booked when it is certain: (namespace, quota, new `status.used`).
pub(super) type Charges = Vec<(String, String, Value)>;

/// The namespace must exist, and nothing new may come into one that is going.
pub(super) fn namespace_is_open(
    inner: &mut Inner,
    kind: &'static Kind,
    namespace: &str,
    name: &str,
) -> Result<(), Status> {
    if !kind.namespaced {
        return Ok(());
    }
    let Some(stored) = inner.find(kinds::NAMESPACE, "", namespace) else {
        return Err(Status::not_found(kinds::NAMESPACE, namespace));
    };
    if is_terminating(&stored.value()) {
        let why = format!("unable to create new content in namespace {namespace} because it is being terminated");
        let cause = Cause::new(
            "NamespaceTerminating",
            format!("namespace {namespace} is being terminated"),
            "metadata.namespace",
        );
        return Err(Status::forbidden(kind, name, why).with_causes(vec![cause]));
    }
    Ok(())
}

pub(super) fn mutate(_inner: &mut Inner, _kind: &'static Kind, _object: &mut Value) -> Result<(), Status> {
    Ok(())
}

pub(super) fn mutate_update(
    _inner: &mut Inner,
    _kind: &'static Kind,
    _old: &Value,
    _new: &mut Value,
) -> Result<(), Status> {
    Ok(())
}

pub(super) fn validate(
    _inner: &mut Inner,
    _kind: &'static Kind,
    _old: Option<&Arc<Value>>,
    _new: &Value,
) -> Result<Charges, Status> {
    Ok(Vec::new())
}

pub(super) fn charge(_inner: &mut Inner, _charges: Charges) {}
