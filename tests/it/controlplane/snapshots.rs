//! Snapshots on the control plane: the definitions of their Go module, and a stand-in for snapshot controller and CSI driver, for
//! nothing there has a disk.

use std::process::Command;
use std::time::Duration;

use futures::StreamExt;
use k8s_openapi::api::core::v1::PersistentVolumeClaim;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{ApiResource, DynamicObject, GroupVersionKind, Patch, PatchParams};
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Api, Client, ResourceExt};
use serde_json::{Value, json};

const MODULE: &str = "github.com/kubernetes-csi/external-snapshotter/client/v8@v8.2.0";
/// Of the module's files: another text under this version is refused.
const SUM: &str = "h1:Q3jQ1NkFqv5o+F8dMmHd8SfEmlcwNeo1immFApntEwE=";
const FILE: &str = "config/crd/snapshot.storage.k8s.io_volumesnapshots.yaml";

/// Teaches the API server what a VolumeSnapshot is.
pub(super) async fn install(client: &Client) {
    let found = Command::new("go").args(["mod", "download", "-json", MODULE]).output().expect("Go is there");
    let found: Value = serde_json::from_slice(&found.stdout).unwrap();
    assert_eq!(found["Sum"], SUM, "{found}");
    let file = std::path::Path::new(found["Dir"].as_str().unwrap()).join(FILE);
    let definition: Value = serde_saphyr::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    let name = definition["metadata"]["name"].as_str().unwrap();
    let api: Api<CustomResourceDefinition> = Api::all(client.clone());
    api.patch(name, &PatchParams::apply("tests").force(), &Patch::Apply(&definition)).await.unwrap();
    super::eventually("VolumeSnapshots are served", Duration::from_secs(30), || async {
        snapshots(client, None).list(&kube::api::ListParams::default().limit(1)).await.ok().map(drop)
    })
    .await;
}

fn snapshots(client: &Client, namespace: Option<&str>) -> Api<DynamicObject> {
    let kind = ApiResource::from_gvk(&GroupVersionKind::gvk("snapshot.storage.k8s.io", "v1", "VolumeSnapshot"));
    match namespace {
        Some(namespace) => Api::namespaced_with(client.clone(), namespace, &kind),
        None => Api::all_with(client.clone(), &kind),
    }
}

/// Cuts what is asked for, until dropped.
pub(super) async fn serve(client: Client) {
    let client = &client;
    let changes = watcher(snapshots(client, None), watcher::Config::default()).default_backoff().applied_objects();
    changes
        .filter_map(|change| async { change.ok() })
        .for_each_concurrent(4, |snapshot| async move {
            // Deleted meanwhile: the watch has the news.
            _ = cut(client, &snapshot).await;
        })
        .await;
}

async fn cut(client: &Client, snapshot: &DynamicObject) -> kube::Result<()> {
    if snapshot.data["status"]["readyToUse"] == true {
        return Ok(());
    }
    let namespace = snapshot.namespace().unwrap_or_default();
    let claims: Api<PersistentVolumeClaim> = Api::namespaced(client.clone(), &namespace);
    let claim =
        claims.get(snapshot.data["spec"]["source"]["persistentVolumeClaimName"].as_str().unwrap_or_default()).await?;
    let size = claim.status.and_then(|s| s.capacity).and_then(|c| c.get("storage").map(|q| q.0.clone()));
    let status = json!({ "status": {
        "boundVolumeSnapshotContentName": format!("snapcontent-{}", snapshot.uid().unwrap_or_default()),
        "creationTime": jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        "readyToUse": true, "restoreSize": size,
    } });
    let api = snapshots(client, Some(&namespace));
    api.patch_status(&snapshot.name_any(), &PatchParams::default(), &Patch::Merge(status)).await.map(drop)
}
