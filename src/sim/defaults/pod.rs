//! Defaults of pods and pod templates.

use serde_json::{Value, json};

use super::super::object::text_at;
use super::super::quantity::Quantity;
use super::set;

pub(super) fn template(template: &mut Value) {
    set(template, &json!({"metadata": {}, "spec": {}}));
    if template["metadata"].as_object().is_some_and(serde_json::Map::is_empty) {
        template["metadata"] = json!({"creationTimestamp": null});
    }
    if let Some(meta) = template["metadata"].as_object_mut() {
        meta.retain(|_, v| !v.is_null());
    }
    spec(&mut template["spec"]);
}

pub(super) fn spec(spec: &mut Value) {
    set(
        spec,
        &json!({
            "restartPolicy": "Always", "dnsPolicy": "ClusterFirst", "terminationGracePeriodSeconds": 30, "schedulerName": "default-scheduler",
            "securityContext": {},
        }),
    );
    // `serviceAccount` is the deprecated twin of `serviceAccountName`.
    let account = text_at(spec, &["serviceAccountName"]).to_owned();
    if !account.is_empty() {
        spec["serviceAccount"] = account.into();
    }
    for list in ["initContainers", "containers"] {
        for one in spec.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten() {
            container(one);
        }
    }
    for one in spec.get_mut("volumes").and_then(Value::as_array_mut).into_iter().flatten() {
        volume(one);
    }
}

fn container(one: &mut Value) {
    let image = text_at(one, &["image"]);
    let tag = image.rsplit('/').next().and_then(|last| last.split_once(':')).map(|(_, tag)| tag);
    let latest = !image.contains('@') && tag.is_none_or(|tag| tag == "latest");
    let policy = if latest { "Always" } else { "IfNotPresent" };
    set(
        one,
        &json!({
            "imagePullPolicy": policy, "resources": {}, "terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File",
        }),
    );
    for port in one.get_mut("ports").and_then(Value::as_array_mut).into_iter().flatten() {
        set(port, &json!({"protocol": "TCP"}));
    }
    let limits = one["resources"].get("limits").cloned();
    if let Some(limits) = limits.filter(Value::is_object) {
        set(&mut one["resources"]["requests"], &limits);
    }
    for kind in ["startupProbe", "livenessProbe", "readinessProbe"] {
        if let Some(probe) = one.get_mut(kind).filter(|p| p.is_object()) {
            set(
                probe,
                &json!({"timeoutSeconds": 1, "periodSeconds": 10, "successThreshold": 1, "failureThreshold": 3}),
            );
            if let Some(get) = probe.get_mut("httpGet") {
                set(get, &json!({"path": "/", "scheme": "HTTP"}));
            }
        }
    }
    for env in one.get_mut("env").and_then(Value::as_array_mut).into_iter().flatten() {
        if let Some(field) = env.get_mut("valueFrom").and_then(|v| v.get_mut("fieldRef")) {
            set(field, &json!({"apiVersion": "v1"}));
        }
    }
}

fn volume(one: &mut Value) {
    for (kind, defaults) in [
        ("configMap", json!({"defaultMode": 420})),
        ("secret", json!({"defaultMode": 420})),
        ("projected", json!({"defaultMode": 420})),
        ("downwardAPI", json!({"defaultMode": 420})),
        ("hostPath", json!({"type": ""})),
    ] {
        if let Some(source) = one.get_mut(kind).filter(|s| s.is_object()) {
            set(source, &defaults);
        }
    }
    let bare = one.as_object().is_some_and(|o| o.keys().all(|k| k == "name"));
    if bare {
        one["emptyDir"] = json!({});
    }
}

/// The quality of service class of a pod.
pub(crate) fn quality(spec: &Value) -> &'static str {
    let (mut any, mut guaranteed) = (false, true);
    for list in ["initContainers", "containers"] {
        for one in spec[list].as_array().into_iter().flatten() {
            for resource in ["cpu", "memory"] {
                let amount =
                    |key: &str| Quantity::from_json(&one["resources"][key][resource]).filter(|q| q.is_positive());
                let (limit, request) = (amount("limits"), amount("requests"));
                any |= limit.is_some() || request.is_some();
                guaranteed &= limit.is_some() && request.is_none_or(|r| Some(r) == limit);
            }
        }
    }
    match (any, guaranteed) {
        (false, _) => "BestEffort",
        (true, true) => "Guaranteed",
        (true, false) => "Burstable",
    }
}
