//! VolumeAttachments: what the attach-detach controller and a driver's attacher write of a volume and the node that has it.

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::sim::clock::stamp;
use crate::sim::controllers::Ctx;
use crate::sim::delete::DeleteOptions;
use crate::sim::kinds::{PV, PVC, VOLUME_ATTACHMENT};
use crate::sim::object::text_at;

const MANAGER: &str = "kube-controller-manager";

/// The volume of this claim is attached to the node; the attachment's name, where a driver attaches it.
pub(crate) fn attached(ctx: &Ctx, namespace: &str, claim: &str, node: &str) -> Option<String> {
    write(ctx, namespace, claim, node, &json!({"attached": true}))
}

/// The driver has failed to attach it.
pub(crate) fn failed(ctx: &Ctx, namespace: &str, claim: &str, node: &str, why: &str) -> Option<String> {
    let error = json!({"message": why, "time": stamp(ctx.store.now())});
    write(ctx, namespace, claim, node, &json!({"attached": false, "attachError": error}))
}

/// No pod of its node needs it any more.
pub(crate) fn detached(ctx: &Ctx, name: &str) {
    // Somebody else deleted it first: the goal is reached.
    let _ = ctx.store.delete(VOLUME_ATTACHMENT, "", name, &DeleteOptions::default());
}

fn write(ctx: &Ctx, namespace: &str, claim: &str, node: &str, status: &Value) -> Option<String> {
    let (name, spec) = address(ctx, namespace, claim, node)?;
    if ctx.store.get(VOLUME_ATTACHMENT, "", &name).is_none() {
        let _ = ctx.store.create(VOLUME_ATTACHMENT, json!({"metadata": {"name": name}, "spec": spec}), MANAGER);
    }
    // One that somebody has deleted in this moment tells nothing.
    let _ = ctx.store.modify(VOLUME_ATTACHMENT, "", &name, |live| live["status"] = status.clone());
    Some(name)
}

/// The attachment's name, which is made of what it is about, and its spec; `None` where no driver attaches the volume.
fn address(ctx: &Ctx, namespace: &str, claim: &str, node: &str) -> Option<(String, Value)> {
    let claim = ctx.store.get(PVC, namespace, claim)?;
    let volume = ctx.store.get(PV, "", text_at(&claim, &["spec", "volumeName"]))?;
    let (driver, handle) =
        (text_at(&volume, &["spec", "csi", "driver"]), text_at(&volume, &["spec", "csi", "volumeHandle"]));
    if driver.is_empty() {
        return None;
    }
    let hash = Sha256::digest(format!("{handle}{driver}{node}"));
    let name = format!("csi-{}", hash.iter().map(|byte| format!("{byte:02x}")).collect::<String>());
    let source = json!({"persistentVolumeName": text_at(&volume, &["metadata", "name"])});
    Some((name, json!({"attacher": driver, "nodeName": node, "source": source})))
}
