//! What admission adds to pods: service account, priority, tolerations of failing nodes.

use serde_json::{Value, json};

use super::super::kinds;
use super::super::object::{name_of, namespace_of, text_at};
use super::super::status::Status;
use super::super::store::Inner;

pub(super) fn mutate(inner: &mut Inner, pod: &mut Value) -> Result<(), Status> {
    service_account(inner, pod)?;
    priority(inner, pod)?;
    tolerations(pod);
    Ok(())
}

fn service_account(inner: &mut Inner, pod: &mut Value) -> Result<(), Status> {
    if text_at(pod, &["spec", "serviceAccountName"]).is_empty() {
        pod["spec"]["serviceAccountName"] = "default".into();
    }
    let (namespace, name) = (namespace_of(pod).to_owned(), text_at(pod, &["spec", "serviceAccountName"]).to_owned());
    let Some(account) = inner.find(kinds::SERVICE_ACCOUNT, &namespace, &name) else {
        let why = format!("error looking up service account {namespace}/{name}: serviceaccount \"{name}\" not found");
        return Err(Status::forbidden(kinds::POD, name_of(pod), why));
    };
    let account = account.value();
    if pod["spec"]["imagePullSecrets"].as_array().is_none_or(Vec::is_empty) && account["imagePullSecrets"].is_array() {
        pod["spec"]["imagePullSecrets"] = account["imagePullSecrets"].clone();
    }
    let wanted =
        pod["spec"]["automountServiceAccountToken"].as_bool().or(account["automountServiceAccountToken"].as_bool());
    if wanted != Some(false) {
        mount_token(inner, pod);
    }
    Ok(())
}

fn mount_token(inner: &mut Inner, pod: &mut Value) {
    const PATH: &str = "/var/run/secrets/kubernetes.io/serviceaccount";
    let suffix: String = (0..5).map(|_| char::from(b"bcdfghjklmnpqrstvwxz2456789"[inner.rng.usize(..27)])).collect();
    let volume = format!("kube-api-access-{suffix}");
    let mut mounted = false;
    for list in ["initContainers", "containers"] {
        for one in pod["spec"].get_mut(list).and_then(Value::as_array_mut).into_iter().flatten() {
            let mounts = one["volumeMounts"].as_array().cloned().unwrap_or_default();
            if mounts.iter().all(|m| m["mountPath"] != PATH) {
                let mut mounts = mounts;
                mounts.push(json!({"name": volume, "readOnly": true, "mountPath": PATH}));
                one["volumeMounts"] = mounts.into();
                mounted = true;
            }
        }
    }
    if mounted {
        let mut volumes = pod["spec"]["volumes"].as_array().cloned().unwrap_or_default();
        volumes.push(json!({"name": volume, "projected": {"defaultMode": 420, "sources": [
            {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}},
            {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
            {"downwardAPI": {"items": [{"path": "namespace", "fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"}}]}},
        ]}}));
        pod["spec"]["volumes"] = volumes.into();
    }
}

fn priority(inner: &mut Inner, pod: &mut Value) -> Result<(), Status> {
    let name = text_at(pod, &["spec", "priorityClassName"]).to_owned();
    if name.is_empty() {
        pod["spec"]["priority"] = 0.into();
        pod["spec"]["preemptionPolicy"] = "PreemptLowerPriority".into();
    } else {
        let Some(class) = inner.find(kinds::PRIORITY_CLASS, "", &name) else {
            let why = format!("no PriorityClass with name {name} was found");
            return Err(Status::forbidden(kinds::POD, name_of(pod), why));
        };
        let class = class.value();
        pod["spec"]["priority"] = class["value"].clone();
        let policy = text_at(&class, &["preemptionPolicy"]);
        pod["spec"]["preemptionPolicy"] = if policy.is_empty() { "PreemptLowerPriority" } else { policy }.into();
    }
    Ok(())
}

fn tolerations(pod: &mut Value) {
    let mut list = pod["spec"]["tolerations"].as_array().cloned().unwrap_or_default();
    for key in ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"] {
        let tolerated = list.iter().any(|t| {
            let effect = text_at(t, &["effect"]);
            (t["key"] == key || text_at(t, &["key"]).is_empty()) && matches!(effect, "NoExecute" | "")
        });
        if !tolerated {
            list.push(json!({"key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}));
        }
    }
    pod["spec"]["tolerations"] = list.into();
}
