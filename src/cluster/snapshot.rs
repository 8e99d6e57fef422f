//! VolumeSnapshots: an add-on's kind, served or not, which is asked at run time.

use std::collections::BTreeMap;

use k8s_openapi_derive::CustomResourceDefinition;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Cluster, ClusterError, Fault, buffer::Buffer};
use crate::fleet::name::TENANT_LABEL;

/// What is asked of the snapshot controller; what it answers stands in the object's status.
#[derive(Clone, Debug, Default, PartialEq, CustomResourceDefinition, Deserialize, Serialize)]
#[custom_resource_definition(group = "snapshot.storage.k8s.io", version = "v1", plural = "volumesnapshots", namespaced)]
#[serde(rename_all = "camelCase")]
pub struct VolumeSnapshotSpec {
    pub source: VolumeSnapshotSource,
    /// The cluster's default class where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub volume_snapshot_class_name: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct VolumeSnapshotSource {
    pub persistent_volume_claim_name: Option<String>,
}

impl Cluster {
    /// Whether the cluster knows snapshots at all.
    ///
    /// # Errors
    /// The server does not answer.
    pub async fn serves_snapshots(&self) -> Result<bool, ClusterError> {
        let mut body = Buffer::default();
        match self.read("/apis/snapshot.storage.k8s.io/v1", "ask for snapshot.storage.k8s.io", &mut body).await {
            Ok(()) => {}
            Err(error) if error.fault == Fault::NotFound => return Ok(false),
            Err(error) => return Err(error),
        }
        let list: Value = serde_json::from_slice(&body).unwrap_or_default();
        let names = list["resources"].as_array().into_iter().flatten();
        Ok(names.into_iter().any(|resource| resource["name"] == "volumesnapshots"))
    }

    /// A snapshot of a claim, as it is to be created.
    pub fn snapshot_of(namespace: &str, claim: &str, name: &str, tenant: &str, class: Option<&str>) -> Value {
        let mut snapshot = VolumeSnapshot {
            spec: Some(VolumeSnapshotSpec {
                source: VolumeSnapshotSource { persistent_volume_claim_name: Some(claim.to_owned()) },
                volume_snapshot_class_name: class.map(str::to_owned),
            }),
            ..VolumeSnapshot::default()
        };
        snapshot.metadata.name = Some(name.to_owned());
        snapshot.metadata.namespace = Some(namespace.to_owned());
        snapshot.metadata.labels = Some(BTreeMap::from([(TENANT_LABEL.to_owned(), tenant.to_owned())]));
        serde_json::to_value(snapshot).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_sent_is_a_snapshot_of_the_claim() {
        let made = Cluster::snapshot_of("tenant-a", "app-data", "app-data-1", "a", Some("csi"));
        let expect = json!({
            "apiVersion": "snapshot.storage.k8s.io/v1", "kind": "VolumeSnapshot",
            "metadata": { "name": "app-data-1", "namespace": "tenant-a", "labels": { "openclaw.ai/tenant": "a" } },
            "spec": { "source": { "persistentVolumeClaimName": "app-data" }, "volumeSnapshotClassName": "csi" },
        });
        assert_eq!(made, expect);
        let bare = Cluster::snapshot_of("tenant-a", "app-data", "app-data-1", "a", None);
        assert!(bare["spec"].get("volumeSnapshotClassName").is_none());
    }
}
