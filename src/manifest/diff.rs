//! What applying would change: a rendered object against the live one. Only what we render is compared, since the rest belongs to the
//! server or to others; what we own and no longer render is a removal.

use crate::fleet::Quantity;
use serde::Serialize;
use serde_json::{Map, Value};

/// One field that would change.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Change {
    /// Such as `spec.template.spec.containers[gateway].image`.
    pub path: String,
    /// The live value; absent where the field is new.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub old: Option<Value>,
    /// The rendered value; absent where the field goes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub new: Option<Value>,
}

impl Change {
    /// For people, in a line. The stored spec is one long text that says nothing which its fields do not.
    pub fn words(&self) -> String {
        let short = |value: &Value| {
            let text = value.to_string();
            let cut: String = text.chars().take(100).collect();
            if cut.len() < text.len() { format!("{cut}...") } else { text }
        };
        if self.path.ends_with("[openclaw.ai/spec]") {
            return format!("{} changes with the fields above and below", self.path);
        }
        match (&self.old, &self.new) {
            (Some(old), Some(new)) => format!("{}: {} -> {}", self.path, short(old), short(new)),
            (None, Some(new)) => format!("{}: new, {}", self.path, short(new)),
            (Some(old), None) => format!("{}: goes, was {}", self.path, short(old)),
            (None, None) => self.path.clone(),
        }
    }
}

/// Fields that only the server writes.
const SERVER_METADATA: [&str; 9] = [
    "creationTimestamp",
    "deletionGracePeriodSeconds",
    "deletionTimestamp",
    "generateName",
    "generation",
    "managedFields",
    "resourceVersion",
    "selfLink",
    "uid",
];

/// The changes, in the order of the fields' names. `manager` is the field manager whose abandoned fields count as removals.
pub fn diff(rendered: &Value, live: &Value, manager: &str) -> Vec<Change> {
    let mut changes = Vec::new();
    compare(rendered, live, "", &mut changes);
    for owned in owned_fields(live, manager) {
        removed(owned, rendered, live, "", &mut changes);
    }
    changes.sort_by(|a, b| a.path.cmp(&b.path));
    changes.dedup();
    changes
}

fn is_server_field(path: &str, key: &str) -> bool {
    (path.is_empty() && key == "status") || (path == "metadata" && SERVER_METADATA.contains(&key))
}

fn compare(rendered: &Value, live: &Value, path: &str, changes: &mut Vec<Change>) {
    match (rendered, live) {
        (Value::Object(new), Value::Object(old)) => {
            for (key, value) in new.iter().filter(|(key, _)| !is_server_field(path, key)) {
                let path = join(path, key);
                match old.get(key) {
                    Some(old) => compare(value, old, &path, changes),
                    None if is_empty(value) => {}
                    None => changes.push(Change { path, old: None, new: Some(value.clone()) }),
                }
            }
        }
        (Value::Array(new), Value::Array(old)) => match item_key(new).filter(|key| item_key(old) == Some(*key)) {
            Some(key) => compare_items(new, old, key, path, changes),
            None if new.len() == old.len() => {
                for (i, (new, old)) in new.iter().zip(old).enumerate() {
                    compare(new, old, &format!("{path}[{i}]"), changes);
                }
            }
            None => {
                changes.push(Change { path: path.to_owned(), old: Some(live.clone()), new: Some(rendered.clone()) });
            }
        },
        (new, old) if same(new, old) => {}
        (new, old) => changes.push(Change { path: path.to_owned(), old: Some(old.clone()), new: Some(new.clone()) }),
    }
}

fn compare_items(new: &[Value], old: &[Value], key: &str, path: &str, changes: &mut Vec<Change>) {
    for item in new {
        let path = format!("{path}[{}]", plain(&item[key]));
        match old.iter().find(|old| old[key] == item[key]) {
            Some(old) => compare(item, old, &path, changes),
            None => changes.push(Change { path, old: None, new: Some(item.clone()) }),
        }
    }
    // Stages run in the order in which they stand.
    let order = |items: &[Value], others: &[Value]| -> Vec<Value> {
        items
            .iter()
            .map(|item| item[key].clone())
            .filter(|name| others.iter().any(|other| other[key] == *name))
            .collect()
    };
    let (new_order, old_order) = (order(new, old), order(old, new));
    if path.ends_with("initContainers") && new_order != old_order {
        changes.push(Change {
            path: format!("{path} (order)"),
            old: Some(Value::Array(old_order)),
            new: Some(Value::Array(new_order)),
        });
    }
}

/// The field by which the items of a list are told apart, if every item has its own value of it.
pub(super) fn item_key(list: &[Value]) -> Option<&'static str> {
    ["name", "mountPath", "containerPort", "ip", "type"].into_iter().find(|key| {
        let values: Vec<String> = list.iter().filter_map(|item| item.get(*key).map(plain)).collect();
        let mut distinct = values.clone();
        distinct.sort();
        distinct.dedup();
        !list.is_empty() && values.len() == list.len() && distinct.len() == list.len()
    })
}

/// Equal, or the same quantity otherwise written: the server turns `1000m` into `1` and `1024Mi` into `1Gi`.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        _ if a == b => true,
        (Value::String(_) | Value::Number(_), Value::String(_) | Value::Number(_)) => {
            let read = |value: &Value| plain(value).parse::<Quantity>().ok();
            read(a).is_some() && read(a) == read(b)
        }
        _ => is_empty(a) && is_empty(b),
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Object(map) => map.is_empty(),
        Value::Array(list) => list.is_empty(),
        _ => false,
    }
}

pub(super) fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

pub(super) fn join(path: &str, key: &str) -> String {
    let key = if key.contains(['.', '/']) { format!("[{key}]") } else { key.to_owned() };
    match (path, key.starts_with('[')) {
        ("", _) => key,
        (_, true) => format!("{path}{key}"),
        _ => format!("{path}.{key}"),
    }
}

fn owned_fields<'a>(live: &'a Value, manager: &str) -> Vec<&'a Map<String, Value>> {
    let entries = live.pointer("/metadata/managedFields").and_then(Value::as_array);
    entries
        .into_iter()
        .flatten()
        .filter(|entry| {
            entry["manager"] == manager
                && entry["operation"] == "Apply"
                && entry.get("subresource").is_none_or(|sub| sub == "")
        })
        .filter_map(|entry| entry.get("fieldsV1")?.as_object())
        .collect()
}

/// Walks what a manager owns (`f:` fields, `k:` items by key, `v:` items of sets) for what is live and no longer rendered.
fn removed(owned: &Map<String, Value>, rendered: &Value, live: &Value, path: &str, changes: &mut Vec<Change>) {
    for (key, inner) in owned {
        let (path, new, old) = if let Some(field) = key.strip_prefix("f:") {
            if is_server_field(path, field) {
                continue;
            }
            (join(path, field), rendered.get(field), live.get(field))
        } else if let Some(item) = key.strip_prefix("k:").and_then(|keys| serde_json::from_str::<Value>(keys).ok()) {
            let Some(keys) = item.as_object() else { continue };
            let label = keys.values().map(plain).collect::<Vec<_>>().join(",");
            // A key with a default, such as a port's protocol, may be left out of what is rendered.
            let find = |list: &'_ Value| -> Option<Value> {
                let matches = |item: &&Value| {
                    keys.iter().all(|(key, value)| item.get(key).is_none_or(|own| own == value))
                        && keys.keys().any(|key| item.get(key).is_some())
                };
                list.as_array()?.iter().find(matches).cloned()
            };
            match (find(live), find(rendered)) {
                (Some(old), None) => {
                    changes.push(Change { path: format!("{path}[{label}]"), old: Some(old), new: None });
                }
                (Some(old), Some(new)) => {
                    if let Some(inner) = inner.as_object() {
                        let label = item_key_label(&old, &label);
                        removed(inner, &new, &old, &format!("{path}[{label}]"), changes);
                    }
                }
                (None, _) => {}
            }
            continue;
        } else {
            continue;
        };
        match (new, old, inner.as_object()) {
            (_, None, _) => {}
            (None, Some(old), _) if is_empty(old) => {}
            (None, Some(old), _) => changes.push(Change { path, old: Some(old.clone()), new: None }),
            (Some(new), Some(old), Some(inner)) => removed(inner, new, old, &path, changes),
            (Some(_), Some(_), None) => {}
        }
    }
}

/// The label that `compare_items` gives the same item.
fn item_key_label(item: &Value, otherwise: &str) -> String {
    item.get("name").map_or_else(|| otherwise.to_owned(), plain)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(rendered: &Value, live: &Value, expect: &[(&str, Value, Value)]) {
        let expect: Vec<Change> = expect
            .iter()
            .map(|(path, old, new)| Change {
                path: (*path).to_owned(),
                old: Some(old.clone()).filter(|v| !v.is_null()),
                new: Some(new.clone()).filter(|v| !v.is_null()),
            })
            .collect();
        assert_eq!(diff(rendered, live, "fleetdeck"), expect);
    }

    #[test]
    fn what_the_server_adds_is_no_change() {
        check(
            &json!({"metadata": {"name": "a"}, "spec": {"replicas": 1, "podSelector": {}, "containers": [{"name": "g", "resources": {"limits": {"cpu": "1000m", "memory": "1024Mi"}}}]}}),
            &json!({"metadata": {"name": "a", "uid": "u", "resourceVersion": "7"}, "status": {"x": 1},
                "spec": {"replicas": 1, "paused": false, "containers": [{"name": "g", "imagePullPolicy": "Always", "resources": {"limits": {"cpu": "1", "memory": "1Gi"}}}]}}),
            &[],
        );
    }

    #[test]
    fn items_are_told_apart_by_name_and_paths_say_which() {
        check(
            &json!({"spec": {"containers": [{"name": "b", "image": "x:2"}, {"name": "c"}], "args": ["1", "2"]}}),
            &json!({"spec": {"containers": [{"name": "a"}, {"name": "b", "image": "x:1"}], "args": ["1"]}}),
            &[
                ("spec.args", json!(["1"]), json!(["1", "2"])),
                ("spec.containers[b].image", json!("x:1"), json!("x:2")),
                ("spec.containers[c]", Value::Null, json!({"name": "c"})),
            ],
        );
    }

    #[test]
    fn the_order_of_stages_is_part_of_them() {
        check(
            &json!({"spec": {"initContainers": [{"name": "a"}, {"name": "b"}]}}),
            &json!({"spec": {"initContainers": [{"name": "b"}, {"name": "a"}]}}),
            &[("spec.initContainers (order)", json!(["b", "a"]), json!(["a", "b"]))],
        );
    }

    #[test]
    fn what_we_own_and_no_longer_render_goes() {
        let live = json!({
            "metadata": {"annotations": {"ours/x": "1", "theirs/y": "2"}, "managedFields": [
                {"manager": "fleetdeck", "operation": "Apply", "fieldsV1": {"f:metadata": {"f:annotations": {"f:ours/x": {}}},
                    "f:spec": {"f:containers": {"k:{\"name\":\"old\"}": {".": {}, "f:name": {}}, "k:{\"name\":\"g\"}": {".": {}, "f:env": {"k:{\"name\":\"E\"}": {"f:name": {}, "f:value": {}}}}}}}},
                {"manager": "other", "operation": "Apply", "fieldsV1": {"f:metadata": {"f:annotations": {"f:theirs/y": {}}}}},
            ]},
            "spec": {"containers": [{"name": "old"}, {"name": "g", "env": [{"name": "E", "value": "1"}]}]},
        });
        check(
            &json!({"metadata": {}, "spec": {"containers": [{"name": "g"}]}}),
            &live,
            &[
                ("metadata.annotations", json!({"ours/x": "1", "theirs/y": "2"}), Value::Null),
                ("spec.containers[g].env", json!([{"name": "E", "value": "1"}]), Value::Null),
                ("spec.containers[old]", json!({"name": "old"}), Value::Null),
            ],
        );
    }
}
