//! VolumeAttachments, and the node's own list: what the attach-detach controller and a driver's attacher write of a volume and
//! the node that has it.

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::sim::clock::stamp;
use crate::sim::controllers::Ctx;
use crate::sim::delete::DeleteOptions;
use crate::sim::kinds::{NODE, PV, PVC, VOLUME_ATTACHMENT};
use crate::sim::object::text_at;

const MANAGER: &str = "kube-controller-manager";
const PREFIX: &str = "kubernetes.io/csi/";

/// The volume of this claim is attached to the node; the attachment's name, where a driver attaches it.
pub(crate) fn attached(ctx: &Ctx, namespace: &str, claim: &str, node: &str) -> Option<String> {
    let name = write(ctx, namespace, claim, node, &json!({"attached": true}))?;
    if let Some(volume) = unique_name(ctx, namespace, claim) {
        let listed = |node: &Value| list(node).is_some_and(|all| all.iter().any(|v| v["name"] == volume.as_str()));
        let here = ctx.store.get(NODE, "", node);
        // The node may have gone; a pod that only came back finds its volume listed.
        if here.is_some_and(|node| !listed(&node)) {
            let _ = ctx.store.modify(NODE, "", node, |node| {
                let mut all = list(node).cloned().unwrap_or_default();
                all.push(json!({"name": volume, "devicePath": ""}));
                node["status"]["volumesAttached"] = all.into();
            });
        }
    }
    Some(name)
}

fn list(node: &Value) -> Option<&Vec<Value>> {
    node.pointer("/status/volumesAttached").and_then(Value::as_array)
}

/// As the attach-detach controller calls a volume of a driver.
fn unique_name(ctx: &Ctx, namespace: &str, claim: &str) -> Option<String> {
    let claim = ctx.store.get(PVC, namespace, claim)?;
    let volume = ctx.store.get(PV, "", text_at(&claim, &["spec", "volumeName"]))?;
    let (driver, handle) =
        (text_at(&volume, &["spec", "csi", "driver"]), text_at(&volume, &["spec", "csi", "volumeHandle"]));
    (!driver.is_empty()).then(|| format!("{PREFIX}{driver}^{handle}"))
}

/// The driver has failed to attach it.
pub(crate) fn failed(ctx: &Ctx, namespace: &str, claim: &str, node: &str, why: &str) -> Option<String> {
    let error = json!({"message": why, "time": stamp(ctx.store.now())});
    write(ctx, namespace, claim, node, &json!({"attached": false, "attachError": error}))
}

/// No pod of its node needs it any more.
pub(crate) fn detached(ctx: &Ctx, name: &str) {
    if let Some(order) = ctx.store.get(VOLUME_ATTACHMENT, "", name) {
        let node = text_at(&order, &["spec", "nodeName"]);
        // The volume itself may be gone by now: its attachment's name is made of what the node calls it.
        let same = |entry: &Value| {
            let volume = entry["name"].as_str().and_then(|name| name.strip_prefix(PREFIX));
            volume.and_then(|v| v.split_once('^')).is_some_and(|(driver, handle)| named(driver, handle, node) == name)
        };
        if ctx.store.get(NODE, "", node).is_some() {
            let _ = ctx.store.modify(NODE, "", node, |live| {
                if let Some(all) = live.pointer_mut("/status/volumesAttached").and_then(Value::as_array_mut) {
                    all.retain(|entry| !same(entry));
                }
            });
        }
    }
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
    let name = named(driver, handle, node);
    let source = json!({"persistentVolumeName": text_at(&volume, &["metadata", "name"])});
    Some((name, json!({"attacher": driver, "nodeName": node, "source": source})))
}

fn named(driver: &str, handle: &str, node: &str) -> String {
    let hash = Sha256::digest(format!("{handle}{driver}{node}"));
    format!("csi-{}", hash.iter().map(|byte| format!("{byte:02x}")).collect::<String>())
}
