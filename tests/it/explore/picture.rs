//! A fleet as text, without what differs from one time to another: to compare how two runs have ended.

use fleetdeck::plan::Plan;
use serde_json::{Value, json};

use crate::conformance::world::World;

const KINDS: [&str; 11] = [
    "ResourceQuota",
    "LimitRange",
    "ServiceAccount",
    "NetworkPolicy",
    "ConfigMap",
    "PersistentVolumeClaim",
    "Service",
    "Ingress",
    "StatefulSet",
    "Pod",
    "VolumeSnapshot",
];

/// What is there of the plan's tenants.
pub async fn picture(world: &World, plan: &Plan) -> String {
    let mut text = String::new();
    let mut turns: Vec<&str> = plan.turns().map(|turn| turn.namespace.as_str()).collect();
    turns.sort_unstable();
    for namespace in turns {
        let at = fleetdeck::cluster::Address::kind("Namespace", "", namespace).unwrap();
        let mut all: Vec<Value> = world.cluster.object(&at).await.unwrap().into_iter().collect();
        for kind in KINDS {
            all.extend(world.cluster.objects(kind, namespace, "").await.unwrap().into_iter().map(|mut object| {
                object["kind"] = kind.into();
                object
            }));
        }
        for object in &mut all {
            plain(object);
            text += &object.to_string();
            text += "\n";
        }
    }
    // Names that are made of the run's are the same but for the run.
    let suffix = plan.id.strip_prefix(plan.intent.verb()).unwrap_or(&plan.id);
    text.replace(suffix, "-RUN")
}

fn plain(object: &mut Value) {
    let pod = object["kind"] == "Pod";
    let ready = object["status"]["conditions"]
        .as_array()
        .is_some_and(|all| all.iter().any(|c| c["type"] == "Ready" && c["status"] == "True"));
    let image = object.pointer("/spec/containers/0/image").cloned();
    let grown = object.pointer("/status/capacity").cloned();
    let owned: Vec<Value> = object["metadata"]["managedFields"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|entry| entry["manager"] == "fleetdeck" && entry["operation"] == "Apply")
        .map(|entry| entry["fieldsV1"].clone())
        .collect();
    let top = object.as_object_mut().unwrap();
    top.remove("status");
    let meta = top["metadata"].as_object_mut().unwrap();
    for field in ["uid", "resourceVersion", "creationTimestamp", "generation", "managedFields", "ownerReferences"] {
        meta.remove(field);
    }
    let revision = meta.get("labels").and_then(|l| l.get("controller-revision-hash")).cloned();
    if let Some(notes) = meta.get_mut("annotations").and_then(Value::as_object_mut) {
        notes.retain(|key, _| {
            !key.starts_with("fleetdeck.openclaw.ai/")
                && !key.starts_with("example.com/")
                && !key.starts_with("volume.kubernetes.io/")
                && !key.starts_with("pv.kubernetes.io/")
        });
        if notes.is_empty() {
            meta.remove("annotations");
        }
    }
    if let Some(spec) = top.get_mut("spec").and_then(Value::as_object_mut) {
        for field in ["clusterIP", "clusterIPs", "volumeName"] {
            spec.remove(field);
        }
    }
    if pod {
        *object = json!({ "pod": ready, "image": image, "revision": revision });
        return;
    }
    object["owned"] = owned.into();
    object["grown"] = grown.into();
}
