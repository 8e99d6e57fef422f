//! Who owns a field of a live object, by its `metadata.managedFields`, under the paths that [`super::diff()`] gives.

use super::diff::{item_key, join, plain};
use serde_json::{Map, Value};

/// The fields of an object with their managers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Owners(Vec<(String, String)>);

impl Owners {
    /// Status and other halves of the object are left out: nobody applies those.
    pub fn of(live: &Value) -> Self {
        let mut all = Vec::new();
        let entries = live.pointer("/metadata/managedFields").and_then(Value::as_array);
        for entry in entries.into_iter().flatten() {
            let Some(manager) = entry["manager"].as_str() else { continue };
            if entry.get("subresource").is_some_and(|sub| sub != "") {
                continue;
            }
            if let Some(fields) = entry["fieldsV1"].as_object() {
                walk(fields, Some(live), "", &mut |path| all.push((path.to_owned(), manager.to_owned())));
            }
        }
        Self(all)
    }

    /// The managers of a field, of what it lies in, or of what lies in it.
    pub fn of_field(&self, path: &str) -> Vec<String> {
        let mut found: Vec<String> = self
            .0
            .iter()
            .filter(|(owned, _)| holds(owned, path) || holds(path, owned))
            .map(|(_, m)| m.clone())
            .collect();
        found.sort();
        found.dedup();
        found
    }
}

/// Whether `path` is `outer`, or lies in it.
fn holds(outer: &str, path: &str) -> bool {
    path.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

fn walk(fields: &Map<String, Value>, live: Option<&Value>, path: &str, tell: &mut impl FnMut(&str)) {
    let mut leaf = true;
    for (key, inner) in fields.iter().filter(|(key, _)| *key != ".") {
        leaf = false;
        let (path, live) = if let Some(field) = key.strip_prefix("f:") {
            (join(path, field), live.and_then(|live| live.get(field)))
        } else if let Some(keys) = key.strip_prefix("k:").and_then(|text| serde_json::from_str::<Value>(text).ok()) {
            item(&keys, live, path)
        } else {
            // One of a set of plain values.
            (path.to_owned(), None)
        };
        match inner.as_object() {
            Some(inner) => walk(inner, live, &path, tell),
            None => tell(&path),
        }
    }
    if leaf {
        tell(path);
    }
}

/// An item of a list under the label that a diff gives it.
fn item<'a>(keys: &Value, live: Option<&'a Value>, path: &str) -> (String, Option<&'a Value>) {
    let list = live.and_then(Value::as_array);
    let same = |item: &&Value| keys.as_object().is_some_and(|keys| keys.iter().all(|(key, value)| item[key] == *value));
    let found = list.and_then(|list| list.iter().find(same));
    let label = match (list.and_then(|list| item_key(list)), found) {
        (Some(key), Some(item)) => plain(&item[key]),
        _ => keys.as_object().into_iter().flat_map(Map::values).map(plain).collect::<Vec<_>>().join(","),
    };
    (format!("{path}[{label}]"), found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_change_is_somebodys() {
        let live = json!({
            "metadata": {"labels": {"a/b": "x"}, "managedFields": [
                {"manager": "fleetdeck", "operation": "Apply", "fieldsV1": {
                    "f:metadata": {"f:labels": {"f:a/b": {}}},
                    "f:spec": {"f:containers": {"k:{\"name\":\"g\"}": {".": {}, "f:image": {}, "f:ports":
                        {"k:{\"containerPort\":80,\"protocol\":\"TCP\"}": {".": {}, "f:name": {}}}}}}}},
                {"manager": "kubectl-edit", "operation": "Update", "fieldsV1": {
                    "f:spec": {"f:replicas": {}, "f:containers": {"k:{\"name\":\"g\"}": {"f:image": {}}}}}},
                {"manager": "controller", "operation": "Update", "subresource": "status", "fieldsV1": {"f:spec": {"f:replicas": {}}}},
            ]},
            "spec": {"replicas": 2, "containers": [{"name": "g", "image": "y", "ports": [{"name": "web", "containerPort": 80, "protocol": "TCP"}]}]},
        });
        let owners = Owners::of(&live);
        let check = |path: &str, expect: &[&str]| assert_eq!(owners.of_field(path), expect, "{path}");
        check("spec.replicas", &["kubectl-edit"]);
        check("spec.containers[g].image", &["fleetdeck", "kubectl-edit"]);
        check("spec.containers[g].ports[web].name", &["fleetdeck"]);
        check("spec.containers", &["fleetdeck", "kubectl-edit"]);
        check("metadata.labels[a/b]", &["fleetdeck"]);
        check("spec.rep", &[]);
        check("spec.template", &[]);
    }
}
