//! Growing a claim: the resizer grows the volume, then the kubelet the file system, at once or when a pod mounts it anew.

use std::time::Duration;

use serde_json::{Value, json};

use super::Volumes;
use super::pv::{amount, is_mounted};
use crate::sim::clock::stamp;
use crate::sim::controllers::Ctx;
use crate::sim::controllers::events::{Source, Type};
use crate::sim::controllers::objects::{Key, condition, conditions_mut, items, set_condition};
use crate::sim::controllers::queue::after;
use crate::sim::kinds::{PV, PVC};
use crate::sim::object::{name_of, namespace_of, text_at};
use crate::sim::scenario::Fault;

const RESIZING: &str = "Resizing";
const PENDING: &str = "FileSystemResizePending";
const STEP: Duration = Duration::from_secs(2);

/// The size that a claim asks for beyond what it has.
pub(super) fn wanted(claim: &Value) -> Option<&Value> {
    let asked = &claim["spec"]["resources"]["requests"]["storage"];
    (amount(asked) > amount(&claim["status"]["capacity"]["storage"])).then_some(asked)
}

impl Volumes {
    pub(super) fn grow(&mut self, key: &Key, claim: &Value) {
        let Some(size) = wanted(claim) else { return };
        let volume = text_at(claim, &["spec", "volumeName"]);
        if condition(claim, PENDING) == Some("True") {
            let class = text_at(claim, &["spec", "storageClassName"]);
            let online = self.class(class).is_none_or(|c| c.online_resize);
            if online && self.user_of(key).is_some_and(|p| is_mounted(&p)) && self.done(key, || STEP) {
                finish(&self.ctx, claim);
            }
        } else if condition(claim, RESIZING) == Some("True") {
            if !self.done(key, || STEP) {
                return;
            }
            let behaviour = self.behaviour(key);
            if behaviour.fault == Fault::ResizeFail {
                let why =
                    behaviour.message.unwrap_or_else(|| "rpc error: code = Internal desc = resize refused".into());
                let message = format!("resize volume \"{volume}\" by resizer \"sim\" failed: {why}");
                self.say(claim, Type::Warning, "VolumeResizeFailed", message.clone());
                set(&self.ctx, claim, "ControllerResizeError", &message);
                let retry = after(self.ctx.store.now(), Duration::from_secs(60));
                self.busy.insert(key.clone(), retry);
                self.queue.set(key.clone(), retry);
                return;
            }
            let _ = self.ctx.store.modify(PV, "", volume, |v| v["spec"]["capacity"]["storage"] = size.clone());
            let message = "Require file system resize of volume on node".to_owned();
            self.say(claim, Type::Normal, "FileSystemResizeRequired", message);
            drop_conditions(&self.ctx, claim);
            let text = "Waiting for user to (re-)start a pod to finish file system resize of volume on node.";
            set(&self.ctx, claim, PENDING, text);
        } else {
            let message = format!("External resizer is resizing volume {volume}");
            self.say(claim, Type::Normal, "Resizing", message);
            set(&self.ctx, claim, RESIZING, "");
        }
    }
}

/// A pod on `node` mounts the claim: a file system that waited to grow grows now.
pub(crate) fn mounted(ctx: &Ctx, namespace: &str, claim: &str, node: &str) {
    let Some(claim) = ctx.store.get(PVC, namespace, claim) else { return };
    if condition(&claim, PENDING) == Some("True") && wanted(&claim).is_some() {
        finish(ctx, &claim);
        let volume = text_at(&claim, &["spec", "volumeName"]);
        let message = format!("MountVolume.NodeExpandVolume succeeded for volume \"{volume}\" {node}");
        let source = Source::Old { component: "kubelet", host: node.to_owned() };
        ctx.events.note(source, PVC, &claim, Type::Normal, "FileSystemResizeSuccessful", message);
    }
}

fn finish(ctx: &Ctx, claim: &Value) {
    let volume = text_at(claim, &["spec", "volumeName"]);
    let size = ctx.store.get(PV, "", volume).map(|v| v["spec"]["capacity"].clone());
    let _ = ctx.store.modify(PVC, namespace_of(claim), name_of(claim), |c| {
        if let Some(size) = size {
            c["status"]["capacity"] = size;
        }
    });
    drop_conditions(ctx, claim);
}

fn set(ctx: &Ctx, claim: &Value, kind: &str, message: &str) {
    let now = stamp(ctx.store.now());
    let mut new = json!({"type": kind, "status": "True", "lastProbeTime": null});
    if !message.is_empty() {
        new["message"] = message.into();
    }
    // A claim that is gone needs no condition.
    let _ = ctx.store.modify(PVC, namespace_of(claim), name_of(claim), |c| {
        if let Some(conditions) = conditions_mut(c) {
            set_condition(conditions, new, &now);
        }
    });
}

fn drop_conditions(ctx: &Ctx, claim: &Value) {
    let _ = ctx.store.modify(PVC, namespace_of(claim), name_of(claim), |c| {
        let mut kept = items(c, &["status", "conditions"]).to_vec();
        kept.retain(|x| x["type"] != RESIZING && x["type"] != PENDING && x["type"] != "ControllerResizeError");
        if let Some(status) = c["status"].as_object_mut() {
            if kept.is_empty() {
                status.remove("conditions");
            } else {
                status.insert("conditions".into(), kept.into());
            }
        }
    });
}
