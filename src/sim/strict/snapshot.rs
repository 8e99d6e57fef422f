//! What the definition of VolumeSnapshots knows of them.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::{Deserialize, Serialize};
use serde_json::Value;

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct VolumeSnapshot {
    api_version: String,
    kind: String,
    #[serde(default)]
    metadata: ObjectMeta,
    spec: Option<Spec>,
    status: Option<Status>,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct Spec {
    source: Source,
    volume_snapshot_class_name: Option<String>,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct Source {
    persistent_volume_claim_name: Option<String>,
    volume_snapshot_content_name: Option<String>,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct Status {
    bound_volume_snapshot_content_name: Option<String>,
    creation_time: Option<String>,
    ready_to_use: Option<bool>,
    /// A quantity: a text or a whole number.
    restore_size: Option<Value>,
    error: Option<Failure>,
    volume_group_snapshot_name: Option<String>,
}

#[derive(Deserialize, Serialize)]
struct Failure {
    time: Option<String>,
    message: Option<String>,
}
