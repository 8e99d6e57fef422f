//! Volumes for kwok's nodes: objects only, as nothing there mounts them.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::{StreamExt, stream};
use k8s_openapi::api::core::v1::{PersistentVolume, PersistentVolumeClaim};
use k8s_openapi::api::storage::v1::StorageClass;
use kube::api::{DeleteParams, Patch, PatchParams, PostParams};
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Api, Client, ResourceExt};
use serde_json::json;

const PROVISIONER: &str = "test.fleetdeck/objects";
const WANTED_FROM: &str = "volume.kubernetes.io/storage-provisioner";
const PROVISIONED_BY: &str = "pv.kubernetes.io/provisioned-by";

/// `standard`, the default, which waits for the first pod, and `immediate`.
pub(super) async fn create_classes(client: &Client) -> Result<(), String> {
    let api: Api<StorageClass> = Api::all(client.clone());
    for (name, mode, default) in [("standard", "WaitForFirstConsumer", "true"), ("immediate", "Immediate", "false")] {
        let class = json!({
            "metadata": {"name": name, "annotations": {"storageclass.kubernetes.io/is-default-class": default}},
            "provisioner": PROVISIONER,
            "volumeBindingMode": mode,
            "allowVolumeExpansion": true,
        });
        let class = serde_json::from_value(class).map_err(|e| e.to_string())?;
        api.create(&PostParams::default(), &class).await.map_err(|e| format!("StorageClass {name}: {e}"))?;
    }
    Ok(())
}

enum Change {
    Claim(Box<PersistentVolumeClaim>),
    Volume(Box<PersistentVolume>),
}

/// Makes, grows and removes volumes, until dropped.
pub(super) async fn provision(client: Client) {
    let client = &client;
    let claims: Api<PersistentVolumeClaim> = Api::all(client.clone());
    let volumes: Api<PersistentVolume> = Api::all(client.clone());
    let claims = watcher(claims, watcher::Config::default()).default_backoff().applied_objects().boxed();
    let volumes = watcher(volumes, watcher::Config::default()).default_backoff().applied_objects().boxed();
    stream::select(
        claims.map(|claim| claim.map(|claim| Change::Claim(Box::new(claim)))),
        volumes.map(|volume| volume.map(|volume| Change::Volume(Box::new(volume)))),
    )
    .filter_map(|change| async { change.ok() })
    .for_each_concurrent(8, |change| async move {
        for _ in 0..5 {
            let outcome = match &change {
                Change::Claim(claim) => serve(client, claim).await,
                Change::Volume(volume) => reclaim(client, volume).await,
            };
            match outcome {
                // Made before, or gone meanwhile: the watch has the news.
                Ok(()) | Err(kube::Error::Api(_)) => return,
                Err(_) => tokio::time::sleep(Duration::from_millis(200)).await,
            }
        }
    })
    .await;
}

async fn serve(client: &Client, claim: &PersistentVolumeClaim) -> kube::Result<()> {
    // The binder notes whose turn it is only once a volume is due: for WaitForFirstConsumer after a node was chosen.
    if claim.annotations().get(WANTED_FROM).map(String::as_str) != Some(PROVISIONER) {
        return Ok(());
    }
    let Some(spec) = &claim.spec else { return Ok(()) };
    let Some(size) = spec.resources.as_ref().and_then(|r| r.requests.as_ref()).and_then(|r| r.get("storage")) else {
        return Ok(());
    };
    let volumes: Api<PersistentVolume> = Api::all(client.clone());
    match &spec.volume_name {
        None => create(&volumes, claim, &size.0).await,
        Some(volume) => {
            let has = claim.status.as_ref().and_then(|s| s.capacity.as_ref()).and_then(|c| c.get("storage"));
            if has.is_none_or(|has| has == size) { Ok(()) } else { grow(client, claim, volume, &size.0).await }
        }
    }
}

async fn create(volumes: &Api<PersistentVolume>, claim: &PersistentVolumeClaim, size: &str) -> kube::Result<()> {
    let Some((uid, namespace, spec)) =
        claim.uid().zip(claim.namespace()).zip(claim.spec.as_ref()).map(|((u, n), s)| (u, n, s))
    else {
        return Ok(());
    };
    let name = format!("pvc-{uid}");
    let volume = json!({
        "metadata": {"name": name, "annotations": {PROVISIONED_BY: PROVISIONER}},
        "spec": {
            "capacity": {"storage": size},
            "accessModes": spec.access_modes,
            "persistentVolumeReclaimPolicy": "Delete",
            "storageClassName": spec.storage_class_name,
            "hostPath": {"path": format!("/nonexistent/{name}")},
            "claimRef": {
                "apiVersion": "v1", "kind": "PersistentVolumeClaim",
                "namespace": namespace, "name": claim.name_any(), "uid": uid,
            },
        },
    });
    let volume = serde_json::from_value(volume).map_err(kube::Error::SerdeError)?;
    volumes.create(&PostParams::default(), &volume).await.map(drop)
}

async fn grow(client: &Client, claim: &PersistentVolumeClaim, volume: &str, size: &str) -> kube::Result<()> {
    let params = PatchParams::default();
    let capacity = BTreeMap::from([("storage", size)]);
    let volumes: Api<PersistentVolume> = Api::all(client.clone());
    volumes.patch(volume, &params, &Patch::Merge(json!({"spec": {"capacity": capacity}}))).await?;
    let claims: Api<PersistentVolumeClaim> = Api::namespaced(client.clone(), &claim.namespace().unwrap_or_default());
    let status = json!({"status": {"capacity": capacity, "conditions": []}});
    claims.patch_status(&claim.name_any(), &params, &Patch::Merge(status)).await.map(drop)
}

async fn reclaim(client: &Client, volume: &PersistentVolume) -> kube::Result<()> {
    let released = volume.status.as_ref().and_then(|status| status.phase.as_deref()) == Some("Released");
    let ours = volume.annotations().get(PROVISIONED_BY).map(String::as_str) == Some(PROVISIONER);
    let delete = volume.spec.as_ref().and_then(|s| s.persistent_volume_reclaim_policy.as_deref()) == Some("Delete");
    if !(released && ours && delete) || volume.metadata.deletion_timestamp.is_some() {
        return Ok(());
    }
    let volumes: Api<PersistentVolume> = Api::all(client.clone());
    volumes.delete(&volume.name_any(), &DeleteParams::default()).await.map(drop)
}
