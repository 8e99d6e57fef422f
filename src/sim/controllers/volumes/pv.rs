//! PersistentVolumes: made for a claim, bound to it, and given up after it.

use serde_json::{Value, json};

use crate::sim::clock::stamp;
use crate::sim::controllers::Ctx;
use crate::sim::controllers::objects::{items, node_of};
use crate::sim::controllers::scheduler::fit::ZONE;
use crate::sim::delete::DeleteOptions;
use crate::sim::kinds::{NODE, PV, PVC};
use crate::sim::object::{is_terminating, name_of, namespace_of, text_at, uid_of};
use crate::sim::scenario::Amount;

const PROTECTION: &str = "kubernetes.io/pv-protection";
const MANAGER: &str = "kube-controller-manager";

/// Makes the volume of a claim, in the zone of a node where one is given, and binds the two; answers the volume's name.
pub(super) fn provision(ctx: &Ctx, claim: &Value, class: &Value, near: Option<&str>) -> Option<String> {
    let name = format!("pvc-{}", uid_of(claim));
    let provisioner = text_at(class, &["provisioner"]);
    let reclaim = match text_at(class, &["reclaimPolicy"]) {
        "" => "Delete",
        policy => policy,
    };
    let mut volume = json!({
        "metadata": {
            "name": name,
            "annotations": {"pv.kubernetes.io/provisioned-by": provisioner},
            "finalizers": [PROTECTION],
        },
        "spec": {
            "capacity": {"storage": claim["spec"]["resources"]["requests"]["storage"]},
            "accessModes": claim["spec"]["accessModes"],
            "claimRef": claim_ref(claim),
            "csi": {"driver": provisioner, "volumeHandle": name, "fsType": "ext4"},
            "persistentVolumeReclaimPolicy": reclaim,
            "storageClassName": name_of(class),
            "volumeMode": "Filesystem",
        },
    });
    let node = near.and_then(|node| ctx.store.get(NODE, "", node));
    if let Some(zone) = node.as_deref().and_then(|n| n["metadata"]["labels"][ZONE].as_str()) {
        volume["spec"]["nodeAffinity"] = json!({"required": {"nodeSelectorTerms": [
            {"matchExpressions": [{"key": ZONE, "operator": "In", "values": [zone]}]},
        ]}});
    }
    ctx.store.create(PV, volume, MANAGER).ok()?;
    bind(ctx, claim, &name);
    Some(name)
}

/// The zone that a bound claim's volume lies in.
pub(crate) fn zone(ctx: &Ctx, claim: &Value) -> Option<String> {
    let volume = ctx.store.get(PV, "", text_at(claim, &["spec", "volumeName"]))?;
    let terms = items(&volume, &["spec", "nodeAffinity", "required", "nodeSelectorTerms"]);
    let expressions = terms.iter().flat_map(|t| items(t, &["matchExpressions"]));
    let zone = expressions.into_iter().find(|e| e["key"] == ZONE)?;
    Some(zone["values"][0].as_str()?.to_owned())
}

/// A volume is gone: the claim that was bound to it has lost it for ever.
pub(super) fn lost(ctx: &Ctx, volume: &Value) {
    let reserved = &volume["spec"]["claimRef"];
    let (namespace, name) = (text_at(reserved, &["namespace"]), text_at(reserved, &["name"]));
    let is_its = |c: &Value| reserved["uid"] == uid_of(c) && text_at(c, &["spec", "volumeName"]) == name_of(volume);
    if ctx.store.get(PVC, namespace, name).is_some_and(|c| is_its(&c) && !is_terminating(&c)) {
        let _ = ctx.store.modify(PVC, namespace, name, |c| {
            if is_its(c) {
                c["status"] = json!({"phase": "Lost"});
            }
        });
    }
}

/// Binds a claim to a volume that somebody made by hand; false if there is none for it.
pub(super) fn bind_existing(ctx: &Ctx, claim: &Value) -> bool {
    let wanted = text_at(claim, &["spec", "volumeName"]);
    let class = text_at(claim, &["spec", "storageClassName"]);
    let asked = amount(&claim["spec"]["resources"]["requests"]["storage"]);
    // Volumes of a provisioner are made on demand: looking through all of them for each claim would be in vain.
    let made = ctx.scenario.storage_class.iter().any(|c| c.name == class);
    if made && wanted.is_empty() {
        return false;
    }
    let fits = |volume: &Value| {
        let reserved = &volume["spec"]["claimRef"];
        let for_this = reserved["namespace"] == namespace_of(claim)
            && reserved["name"] == name_of(claim)
            && (reserved["uid"].is_null() || reserved["uid"] == uid_of(claim));
        if !wanted.is_empty() {
            return name_of(volume) == wanted && (reserved.is_null() || for_this);
        }
        for_this
            || reserved.is_null()
                && text_at(volume, &["spec", "storageClassName"]) == class
                && amount(&volume["spec"]["capacity"]["storage"]) >= asked
                && items(claim, &["spec", "accessModes"])
                    .iter()
                    .all(|m| items(volume, &["spec", "accessModes"]).contains(m))
    };
    let volumes = ctx.store.list(PV, None);
    let Some(volume) = volumes.iter().filter(|v| fits(v)).min_by_key(|v| amount(&v["spec"]["capacity"]["storage"]))
    else {
        return false;
    };
    bind(ctx, claim, name_of(volume));
    true
}

fn bind(ctx: &Ctx, claim: &Value, volume: &str) {
    let now = stamp(ctx.store.now());
    let bound = ctx.store.modify(PV, "", volume, |v| {
        v["spec"]["claimRef"] = claim_ref(claim);
        v["status"] = json!({"phase": "Bound", "lastPhaseTransitionTime": now});
    });
    let Ok(bound) = bound else { return };
    let uid = uid_of(claim);
    // A claim deleted in this moment leaves a volume that its deletion releases.
    let _ = ctx.store.modify(PVC, namespace_of(claim), name_of(claim), |c| {
        if uid_of(c) != uid {
            return;
        }
        c["spec"]["volumeName"] = volume.into();
        c["metadata"]["annotations"]["pv.kubernetes.io/bind-completed"] = "yes".into();
        c["metadata"]["annotations"]["pv.kubernetes.io/bound-by-controller"] = "yes".into();
        c["status"] = json!({
            "phase": "Bound",
            "accessModes": bound["spec"]["accessModes"],
            "capacity": bound["spec"]["capacity"],
        });
    });
}

fn claim_ref(claim: &Value) -> Value {
    json!({
        "kind": "PersistentVolumeClaim", "apiVersion": "v1",
        "namespace": namespace_of(claim), "name": name_of(claim), "uid": uid_of(claim),
        "resourceVersion": text_at(claim, &["metadata", "resourceVersion"]),
    })
}

/// The claim is gone: its volume goes too, or is kept for a human, as its reclaim policy says.
pub(super) fn release(ctx: &Ctx, claim: &Value) {
    let name = text_at(claim, &["spec", "volumeName"]);
    let Some(volume) = ctx.store.get(PV, "", name) else { return };
    if volume["spec"]["claimRef"]["uid"] != uid_of(claim) {
        return;
    }
    let now = stamp(ctx.store.now());
    let _ = ctx.store.modify(PV, "", name, |v| {
        v["status"] = json!({"phase": "Released", "lastPhaseTransitionTime": now});
    });
    if volume["spec"]["persistentVolumeReclaimPolicy"] == "Delete" {
        // Somebody else deleted it first: the goal is reached.
        let _ = ctx.store.delete(PV, "", name, &DeleteOptions::default());
    }
}

/// A volume that is to go is held as long as it is bound.
pub(super) fn unprotect(ctx: &Ctx, volume: &Value) {
    if !is_terminating(volume) || text_at(volume, &["status", "phase"]) == "Bound" {
        return;
    }
    let _ = ctx.store.modify(PV, "", name_of(volume), |v| {
        let mut list = items(v, &["metadata", "finalizers"]).to_vec();
        list.retain(|f| *f != PROTECTION);
        v["metadata"]["finalizers"] = list.into();
    });
}

pub(super) fn amount(value: &Value) -> Amount {
    value.as_str().and_then(Amount::parse).unwrap_or_default()
}

/// Whether the pod has its volumes mounted.
pub(super) fn is_mounted(pod: &Value) -> bool {
    !node_of(pod).is_empty() && text_at(pod, &["status", "phase"]) == "Running"
}
