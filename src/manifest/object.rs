//! One Kubernetes object as a value.

use super::error::{ManifestError, Place};
use serde_json::Value;

/// A rendered object. The value is a JSON object with `apiVersion`, `kind` and `metadata.name`.
#[derive(Clone, Debug, PartialEq)]
pub struct Object(Value);

impl Object {
    pub(crate) fn new(value: Value) -> Self {
        Self(value)
    }

    /// The whole object.
    pub fn value(&self) -> &Value {
        &self.0
    }

    /// The whole object, taken.
    pub fn into_value(self) -> Value {
        self.0
    }

    /// Such as `apps/v1`.
    pub fn api_version(&self) -> &str {
        text(&self.0, "/apiVersion")
    }

    /// Such as `StatefulSet`.
    pub fn kind(&self) -> &str {
        text(&self.0, "/kind")
    }

    /// `metadata.name`.
    pub fn name(&self) -> &str {
        text(&self.0, "/metadata/name")
    }

    /// `metadata.namespace`; empty for the Namespace itself.
    pub fn namespace(&self) -> &str {
        text(&self.0, "/metadata/namespace")
    }
}

/// The text at a JSON pointer, empty where there is none.
pub(crate) fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// Splits `apps/v1` into group and version; the core group is empty.
pub(crate) fn group_version(api_version: &str) -> (&str, &str) {
    api_version.split_once('/').unwrap_or(("", api_version))
}

/// Refuses what a tenant's tree may not hold, or what the renderer would not treat as Kustomize does.
pub(crate) fn check(value: &Value, place: &Place) -> Result<(), ManifestError> {
    let refuse = |message: String| Err(ManifestError::at(place, message));
    if !value.is_object() {
        return refuse("expected a Kubernetes object (a mapping with apiVersion, kind and metadata)".to_owned());
    }
    for pointer in ["/apiVersion", "/kind", "/metadata/name"] {
        if text(value, pointer).is_empty() {
            return refuse(format!("this object has no {}", pointer[1..].replace('/', ".")));
        }
    }
    let kind = text(value, "/kind");
    if kind == "Secret" {
        return refuse(
            "a Secret is never kept in a file: fleetdeck creates gateway-token, something else provides litellm"
                .to_owned(),
        );
    }
    if kind.ends_with("List") && value.get("items").is_some() {
        return refuse(format!("a {kind} is not known to the renderer: write one document per object"));
    }
    let (group, _) = group_version(text(value, "/apiVersion"));
    if !super::schema::known(group, kind) {
        return refuse(format!(
            "kind {kind} is not known to the renderer, so it could not be transformed as Kustomize would; known are {}",
            super::schema::KINDS.join(", ")
        ));
    }
    for annotation in ["config.kubernetes.io/local-config", "internal.config.kubernetes.io/needs-hash"] {
        if value.pointer("/metadata/annotations").and_then(|a| a.get(annotation)).is_some() {
            return refuse(format!(
                "the annotation {annotation} has a meaning in Kustomize that the renderer does not know"
            ));
        }
    }
    Ok(())
}
