//! Defaults that the API server writes into objects.

use serde_json::{Value, json};

use super::kinds::{self, Kind};

/// What a create starts with: clients do not set the status of most kinds.
pub(super) fn on_create(kind: &'static Kind, object: &mut Value) {
    if kind == kinds::NAMESPACE {
        object["spec"] = json!({"finalizers": ["kubernetes"]});
        object["status"] = json!({"phase": "Active"});
    }
}

/// Defaults of absent fields, on create and update alike.
pub(super) fn apply(_kind: &'static Kind, _object: &mut Value) {}
