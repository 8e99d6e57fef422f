//! Defaults that the API server writes into objects, and the state with which they begin.

use serde_json::{Map, Value, json};

use super::kinds::{self, Kind};
use super::object::text_at;

mod pod;

pub(crate) use pod::quality;

/// What a create starts with: clients do not set the status of most kinds.
pub(super) fn on_create(kind: &'static Kind, object: &mut Value) {
    let status = match kind {
        k if k == kinds::NAMESPACE => {
            object["spec"] = json!({"finalizers": ["kubernetes"]});
            json!({"phase": "Active"})
        }
        k if k == kinds::POD => json!({"phase": "Pending", "qosClass": quality(&object["spec"])}),
        k if k == kinds::PVC || k == kinds::PV => json!({"phase": "Pending"}),
        k if k == kinds::STATEFUL_SET => json!({"replicas": 0, "availableReplicas": 0}),
        k if k == kinds::REPLICA_SET => json!({"replicas": 0}),
        k if k == kinds::DAEMON_SET => {
            json!({"currentNumberScheduled": 0, "desiredNumberScheduled": 0, "numberMisscheduled": 0, "numberReady": 0})
        }
        k if k == kinds::SERVICE || k == kinds::INGRESS => json!({"loadBalancer": {}}),
        // The kubelet brings its node's status along.
        k if k == kinds::NODE => return,
        k if k.has_status() => json!({}),
        _ => return,
    };
    object["status"] = status;
}

/// Defaults of absent fields, on create and update alike.
pub(super) fn apply(kind: &'static Kind, object: &mut Value) {
    match kind {
        k if k == kinds::NAMESPACE => {
            let name = text_at(object, &["metadata", "name"]).to_owned();
            object["metadata"]["labels"]["kubernetes.io/metadata.name"] = name.into();
        }
        k if k == kinds::POD => {
            pod::spec(&mut object["spec"]);
            set(&mut object["spec"], &json!({"enableServiceLinks": true}));
        }
        k if k == kinds::STATEFUL_SET => stateful_set(object),
        k if k == kinds::DEPLOYMENT || k == kinds::REPLICA_SET => {
            set(&mut object["spec"], &json!({"replicas": 1}));
            pod::template(&mut object["spec"]["template"]);
            if kind == kinds::DEPLOYMENT {
                let spec = json!({"strategy": {"type": "RollingUpdate"}, "revisionHistoryLimit": 10, "progressDeadlineSeconds": 600});
                set(&mut object["spec"], &spec);
                if object["spec"]["strategy"]["type"] == "RollingUpdate" {
                    set(
                        &mut object["spec"]["strategy"],
                        &json!({"rollingUpdate": {"maxUnavailable": "25%", "maxSurge": "25%"}}),
                    );
                }
            }
        }
        k if k == kinds::DAEMON_SET => {
            let strategy = json!({"updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 1, "maxSurge": 0}}});
            set(&mut object["spec"], &strategy);
            set(&mut object["spec"], &json!({"revisionHistoryLimit": 10}));
            pod::template(&mut object["spec"]["template"]);
        }
        k if k == kinds::JOB => {
            let spec = json!({"completions": 1, "parallelism": 1, "backoffLimit": 6, "completionMode": "NonIndexed", "suspend": false});
            set(&mut object["spec"], &spec);
            pod::template(&mut object["spec"]["template"]);
        }
        k if k == kinds::EVENT => set(
            object,
            &json!({
                "source": {}, "reportingComponent": "", "reportingInstance": "", "eventTime": null, "firstTimestamp": null, "lastTimestamp": null,
            }),
        ),
        k if k == kinds::PVC => claim(&mut object["spec"]),
        k if k == kinds::PV => {
            set(&mut object["spec"], &json!({"persistentVolumeReclaimPolicy": "Retain", "volumeMode": "Filesystem"}));
        }
        k if k == kinds::STORAGE_CLASS => {
            set(object, &json!({"reclaimPolicy": "Delete", "volumeBindingMode": "Immediate"}));
        }
        k if k == kinds::SERVICE => service(&mut object["spec"]),
        k if k == kinds::SECRET => secret(object),
        k if k == kinds::LIMIT_RANGE => limit_range(object),
        k if k == kinds::NETWORK_POLICY => network_policy(&mut object["spec"]),
        k if k == kinds::ROLE_BINDING || k == kinds::CLUSTER_ROLE_BINDING => {
            set(&mut object["roleRef"], &json!({"apiGroup": "rbac.authorization.k8s.io"}));
            for subject in object.get_mut("subjects").and_then(Value::as_array_mut).into_iter().flatten() {
                if matches!(text_at(subject, &["kind"]), "User" | "Group") {
                    set(subject, &json!({"apiGroup": "rbac.authorization.k8s.io"}));
                }
            }
        }
        _ => {}
    }
    // Kubernetes' types leave empty maps and lists out.
    if let Some(meta) = object["metadata"].as_object_mut() {
        meta.retain(|_, v| !v.is_null());
    }
}

/// Fills absent fields in; a field that is there stays, whatever it is.
fn set(target: &mut Value, defaults: &Value) {
    if target.is_null() {
        *target = Value::Object(Map::new());
    }
    let (Some(target), Some(defaults)) = (target.as_object_mut(), defaults.as_object()) else { return };
    for (key, value) in defaults {
        let slot = target.entry(key.clone()).or_insert(Value::Null);
        if slot.is_null() {
            *slot = value.clone();
        }
    }
}

fn stateful_set(object: &mut Value) {
    let spec = &mut object["spec"];
    set(
        spec,
        &json!({
            "replicas": 1, "podManagementPolicy": "OrderedReady", "revisionHistoryLimit": 10, "updateStrategy": {}, "serviceName": "",
            "persistentVolumeClaimRetentionPolicy": {},
        }),
    );
    set(&mut spec["persistentVolumeClaimRetentionPolicy"], &json!({"whenDeleted": "Retain", "whenScaled": "Retain"}));
    set(&mut spec["updateStrategy"], &json!({"type": "RollingUpdate"}));
    if spec["updateStrategy"]["type"] == "RollingUpdate" {
        set(&mut spec["updateStrategy"], &json!({"rollingUpdate": {}}));
        set(&mut spec["updateStrategy"]["rollingUpdate"], &json!({"partition": 0}));
    }
    for template in spec.get_mut("volumeClaimTemplates").and_then(Value::as_array_mut).into_iter().flatten() {
        set(template, &json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "status": {"phase": "Pending"}}));
        claim(&mut template["spec"]);
    }
    pod::template(&mut spec["template"]);
}

fn claim(spec: &mut Value) {
    // The old field and the new one say the same.
    for (from, to) in [("dataSource", "dataSourceRef"), ("dataSourceRef", "dataSource")] {
        if spec[from].is_object() && !spec[to].is_object() {
            spec[to] = spec[from].clone();
        }
    }
    set(spec, &json!({"volumeMode": "Filesystem"}));
}

fn service(spec: &mut Value) {
    set(spec, &json!({"type": "ClusterIP", "sessionAffinity": "None"}));
    for port in spec.get_mut("ports").and_then(Value::as_array_mut).into_iter().flatten() {
        let number = port["port"].clone();
        set(port, &json!({"protocol": "TCP", "targetPort": number}));
    }
    if spec["type"] != "ExternalName" {
        set(spec, &json!({"internalTrafficPolicy": "Cluster"}));
    }
}

fn secret(object: &mut Value) {
    set(object, &json!({"type": "Opaque"}));
    let plain = object.as_object_mut().and_then(|o| o.remove("stringData"));
    for (key, value) in plain.as_ref().and_then(Value::as_object).into_iter().flatten() {
        object["data"][key.as_str()] = base64(value.as_str().unwrap_or_default().as_bytes()).into();
    }
}

pub(crate) fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let bits = chunk.iter().fold(0_u32, |bits, byte| (bits << 8) | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for at in 0..4 {
            let digit = DIGITS[(bits >> (18 - 6 * at)) as usize & 63];
            out.push(if at <= chunk.len() { char::from(digit) } else { '=' });
        }
    }
    out
}

fn limit_range(object: &mut Value) {
    for item in object["spec"]["limits"].as_array_mut().into_iter().flatten() {
        if item["type"] == "Container" {
            for (to, from) in [("default", "max"), ("defaultRequest", "default"), ("defaultRequest", "min")] {
                let source = item[from].clone();
                if source.is_object() {
                    set(&mut item[to], &source);
                }
            }
        }
    }
}

fn network_policy(spec: &mut Value) {
    let has_egress = spec["egress"].as_array().is_some_and(|e| !e.is_empty());
    let types = if has_egress { json!(["Ingress", "Egress"]) } else { json!(["Ingress"]) };
    set(spec, &json!({"podSelector": {}, "policyTypes": types}));
    for direction in ["ingress", "egress"] {
        for rule in spec.get_mut(direction).and_then(Value::as_array_mut).into_iter().flatten() {
            for port in rule.get_mut("ports").and_then(Value::as_array_mut).into_iter().flatten() {
                set(port, &json!({"protocol": "TCP"}));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_of_any_length() {
        for (text, expect) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg==")] {
            assert_eq!(base64(text.as_bytes()), expect);
        }
    }
}
