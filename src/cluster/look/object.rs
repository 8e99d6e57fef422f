//! The objects of a tenant's namespace, and one of them as YAML.

use futures::future::join_all;
use serde_json::Value;

use super::{MOST, mask::Lines};
use crate::{
    cluster::{Cluster, ClusterError, Fault, http::encode},
    fleet::clean::clean,
    manifest::{redact, to_yaml},
};

/// A kind whose objects may be looked at.
#[derive(Debug, PartialEq, Eq)]
pub struct LookKind {
    pub kind: &'static str,
    pub plural: &'static str,
    group: &'static str,
}

const fn of(group: &'static str, kind: &'static str, plural: &'static str) -> LookKind {
    LookKind { kind, plural, group }
}

/// All that a tenant is made of, but for its Secrets.
pub static KINDS: [LookKind; 10] = [
    of("/apis/apps/v1", "StatefulSet", "statefulsets"),
    of("/api/v1", "Pod", "pods"),
    of("/api/v1", "PersistentVolumeClaim", "persistentvolumeclaims"),
    of("/api/v1", "ResourceQuota", "resourcequotas"),
    of("/api/v1", "LimitRange", "limitranges"),
    of("/api/v1", "ConfigMap", "configmaps"),
    of("/api/v1", "Service", "services"),
    of("/apis/networking.k8s.io/v1", "Ingress", "ingresses"),
    of("/apis/networking.k8s.io/v1", "NetworkPolicy", "networkpolicies"),
    of("/api/v1", "ServiceAccount", "serviceaccounts"),
];
static NAMESPACE: LookKind = of("/api/v1", "Namespace", "namespaces");

/// Which object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectName {
    pub kind: &'static LookKind,
    pub name: String,
}

impl ObjectName {
    pub(super) fn path(&self, namespace: &str) -> String {
        let LookKind { group, plural, .. } = self.kind;
        if *self.kind == NAMESPACE {
            return format!("{group}/{plural}/{}", encode(namespace));
        }
        format!("{group}/namespaces/{}/{plural}/{}", encode(namespace), encode(&self.name))
    }
}

/// What a namespace holds, as far as it may be listed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Objects {
    pub names: Vec<ObjectName>,
    /// Why a kind could not be listed.
    pub missing: Vec<String>,
}

/// The objects of a namespace, kind by kind.
///
/// # Errors
/// No kind could be listed at all.
pub async fn objects(cluster: &Cluster, namespace: &str) -> Result<Objects, ClusterError> {
    let mut all = Objects::default();
    all.names.push(ObjectName { kind: &NAMESPACE, name: namespace.to_owned() });
    let lists = join_all(KINDS.iter().map(|kind| list(cluster, namespace, kind))).await;
    let mut failure = None;
    for (kind, list) in KINDS.iter().zip(lists) {
        match list {
            Ok(names) => all.names.extend(names.into_iter().map(|name| ObjectName { kind, name })),
            Err(error) if error.fault == Fault::NotFound => {}
            Err(error) => {
                all.missing.push(error.said.clone());
                failure = Some(error);
            }
        }
    }
    match failure {
        Some(error) if all.missing.len() == KINDS.len() => Err(error),
        _ => Ok(all),
    }
}

async fn list(cluster: &Cluster, namespace: &str, kind: &LookKind) -> Result<Vec<String>, ClusterError> {
    let what = format!("list {}", kind.plural);
    let path = format!("{}/namespaces/{}/{}?limit=100", kind.group, encode(namespace), kind.plural);
    let body = cluster.read_at_most(&path, &what, MOST).await?;
    let list: Value = serde_json::from_slice(&body).map_err(|_| cluster.not_understood(&what, &body))?;
    let items = list["items"].as_array().map_or(&[][..], Vec::as_slice);
    Ok(items.iter().filter_map(|i| i["metadata"]["name"].as_str()).map(str::to_owned).collect())
}

const REDACTED: &str = "(redacted)";
/// Names of variables whose values are nobody's business.
const SECRET_WORDS: [&str; 6] = ["TOKEN", "SECRET", "PASSWORD", "CREDENTIAL", "API_KEY", "APIKEY"];

/// The lines of an object's YAML.
pub(super) fn yaml(mut object: Value) -> Vec<String> {
    redact(&mut object);
    fold(&mut object);
    hide(&mut object);
    let mut shown = Lines::default();
    to_yaml([&object]).lines().map(|line| indented(line, &mut shown)).collect()
}

/// `clean` puts runs of blanks together only at line ends: a line's indentation stays.
fn indented(line: &str, shown: &mut Lines) -> String {
    let text = line.trim_start_matches(' ');
    format!("{}{}", &line[..line.len() - text.len()], shown.shown(text))
}

/// Bookkeeping that nobody reads is told in one line.
fn fold(object: &mut Value) {
    if let Some(managed) = object.pointer_mut("/metadata/managedFields") {
        let entries = managed.as_array().map_or(&[][..], Vec::as_slice);
        let mut by: Vec<_> =
            entries.iter().filter_map(|e| e["manager"].as_str()).map(|m| clean(m).into_owned()).collect();
        by.dedup();
        *managed = Value::String(format!("(folded: {} entries, of {})", entries.len(), by.join(", ")));
    }
    if let Some(copy) = object.pointer_mut("/metadata/annotations/kubectl.kubernetes.io~1last-applied-configuration") {
        *copy = Value::String("(folded)".to_owned());
    }
}

/// Values of variables that are called like a secret, wherever they stand.
fn hide(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(hide),
        Value::Object(fields) => {
            let secret = fields.get("name").and_then(Value::as_str).is_some_and(|name| {
                let name = name.to_ascii_uppercase().replace('-', "_");
                SECRET_WORDS.iter().any(|word| name.contains(word))
            });
            if let Some(value) = fields.get_mut("value").filter(|_| secret) {
                *value = Value::String(REDACTED.to_owned());
            }
            fields.values_mut().for_each(hide);
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn paths_are_of_the_namespace_and_no_secret_has_one() {
        let path = |kind, name: &str| ObjectName { kind, name: name.to_owned() }.path("tenant-a");
        assert_eq!(path(&KINDS[0], "openclaw"), "/apis/apps/v1/namespaces/tenant-a/statefulsets/openclaw");
        assert_eq!(path(&NAMESPACE, "x"), "/api/v1/namespaces/tenant-a");
        assert!(KINDS.iter().all(|k| k.kind != "Secret" && k.plural != "secrets"));
    }

    #[test]
    fn yaml_is_folded_redacted_and_harmless() {
        let lines = yaml(json!({
            "kind": "StatefulSet",
            "metadata": {
                "name": "openclaw",
                "annotations": {"kubectl.kubernetes.io/last-applied-configuration": "{\"long\":1}"},
                "managedFields": [{"manager": "fleetdeck", "fieldsV1": {"f:x": {}}}, {"manager": "kubectl\u{1b}[2J"}],
            },
            "spec": {"template": {"spec": {"containers": [{
                "name": "gateway",
                "env": [{"name": "GATEWAY_TOKEN", "value": "hunter2"}, {"name": "HOME", "value": "/home/node"}],
                "args": ["--auth=Bearer abcdef", "\u{1b}]52;c;aGk=\u{7}"],
            }]}}},
        }));
        let text = lines.join("\n");
        assert!(
            text.contains("managedFields: '(folded: 2 entries, of fleetdeck, kubectl)'")
                || text.contains("(folded: 2 entries, of fleetdeck, kubectl)"),
            "{text}"
        );
        for gone in ["hunter2", "abcdef", "f:x", "\u{1b}", "long"] {
            assert!(!text.contains(gone), "{gone:?} is in\n{text}");
        }
        assert!(text.contains("/home/node") && text.contains("(redacted)"), "{text}");
        assert!(lines.iter().any(|l| l.starts_with("  name: openclaw")), "{text}");
    }
}
