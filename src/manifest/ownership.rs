//! Moves the ownership of fields from managers that update (as `kubectl apply` does) to one that applies, as client-go's csaupgrade
//! does: without it the first server-side apply conflicts on every field. Only what is rendered is moved. Whoever creates an object
//! owns the server's defaults too, and what is owned and not rendered would go with the next apply.

use std::collections::BTreeMap;

use super::diff::plain;
use serde_json::{Map, Value, json};

/// `metadata.managedFields` with what `from` own and `rendered` has moved to `to`; and how many fields that are, by manager. `None`
/// where there is nothing to move.
pub fn moved(live: &Value, rendered: &Value, from: &[String], to: &str) -> Option<(Value, BTreeMap<String, usize>)> {
    let entries = live.pointer("/metadata/managedFields")?.as_array()?;
    let is_whole = |entry: &Value| entry.get("subresource").is_none_or(|sub| sub == "");
    let is_from = |entry: &&Value| {
        let named = from.iter().any(|manager| entry["manager"] == manager.as_str());
        named && entry["operation"] == "Update" && is_whole(entry)
    };
    let version = &entries.iter().find(is_from)?["apiVersion"];
    // Paths of another version may mean another field: those stay whose they are.
    let taken = |entry: &&Value| is_from(entry) && entry["apiVersion"] == *version;
    let ours = |entry: &&Value| entry["manager"] == to && entry["operation"] == "Apply" && is_whole(entry);
    let (mut fields, mut counts, mut time) = (Map::new(), BTreeMap::new(), "");
    let mut all = Vec::new();
    for entry in entries {
        let Some(owned) = entry["fieldsV1"].as_object() else { continue };
        if taken(&entry) {
            let (kept, rest) = split(owned, rendered);
            let count = count(&kept);
            if count > 0 {
                *counts.entry(plain(&entry["manager"])).or_default() += count;
            }
            union(&mut fields, &kept);
            if !rest.is_empty() {
                let mut entry = entry.clone();
                entry["fieldsV1"] = Value::Object(rest);
                all.push(entry);
            }
        } else if ours(&entry) {
            union(&mut fields, owned);
        } else {
            all.push(entry.clone());
            continue;
        }
        time = time.max(entry["time"].as_str().unwrap_or_default());
    }
    if counts.is_empty() {
        return None;
    }
    let mut entry = json!({
        "manager": to, "operation": "Apply", "apiVersion": version, "fieldsType": "FieldsV1", "fieldsV1": fields,
    });
    if !time.is_empty() {
        entry["time"] = time.into();
    }
    all.insert(0, entry);
    Some((Value::Array(all), counts))
}

/// The same object as if that had been done.
pub fn as_moved(live: &Value, rendered: &Value, from: &[String], to: &str) -> Value {
    let mut object = live.clone();
    if let Some((managed, _)) = moved(live, rendered, from, to) {
        object["metadata"]["managedFields"] = managed;
    }
    object
}

/// What of the owned fields is rendered, and the rest.
fn split(owned: &Map<String, Value>, rendered: &Value) -> (Map<String, Value>, Map<String, Value>) {
    let (mut kept, mut rest) = (Map::new(), Map::new());
    for (key, inner) in owned {
        let found = match key.split_at_checked(2) {
            _ if key == "." => Some(rendered),
            Some(("f:", field)) => rendered.get(field),
            Some(("k:", keys)) => serde_json::from_str::<Value>(keys).ok().and_then(|keys| item(rendered, &keys)),
            Some(("v:", value)) => {
                let value = serde_json::from_str::<Value>(value).ok();
                rendered.as_array().and_then(|list| list.iter().find(|item| Some(*item) == value.as_ref()))
            }
            _ => None,
        };
        match (found, inner.as_object().filter(|inner| !inner.is_empty())) {
            (None, _) => _ = rest.insert(key.clone(), inner.clone()),
            (Some(_), None) => _ = kept.insert(key.clone(), inner.clone()),
            (Some(found), Some(inner)) => {
                let (ours, theirs) = split(inner, found);
                if !ours.is_empty() {
                    kept.insert(key.clone(), Value::Object(ours));
                }
                if !theirs.is_empty() {
                    rest.insert(key.clone(), Value::Object(theirs));
                }
            }
        }
    }
    (kept, rest)
}

/// An item of a rendered list; a key with a default, such as a port's protocol, may be left out there.
fn item<'v>(list: &'v Value, keys: &Value) -> Option<&'v Value> {
    let keys = keys.as_object()?;
    let same = |item: &&Value| {
        keys.iter().all(|(key, value)| item.get(key).is_none_or(|own| own == value))
            && keys.keys().any(|key| item.get(key).is_some())
    };
    list.as_array()?.iter().find(same)
}

/// Managers that have updated fields of the object, beside `known`: by hand, or by a controller.
pub fn others(live: &Value, known: &[String]) -> Vec<String> {
    let entries = live.pointer("/metadata/managedFields").and_then(Value::as_array);
    let updates =
        |entry: &&Value| entry["operation"] == "Update" && entry.get("subresource").is_none_or(|sub| sub == "");
    let names = entries.into_iter().flatten().filter(updates).map(|entry| plain(&entry["manager"]));
    names.filter(|name| !known.contains(name)).collect()
}

/// A field that is owned as a whole and one that is owned in parts: both.
fn union(into: &mut Map<String, Value>, from: &Map<String, Value>) {
    for (key, value) in from {
        let theirs = value.as_object().cloned().unwrap_or_default();
        match into.get_mut(key).and_then(Value::as_object_mut) {
            None => _ = into.insert(key.clone(), Value::Object(theirs)),
            Some(mine) => {
                if mine.is_empty() != theirs.is_empty() {
                    mine.insert(".".to_owned(), json!({}));
                }
                union(mine, &theirs);
            }
        }
    }
}

fn count(fields: &Map<String, Value>) -> usize {
    let of = |(key, inner): (&String, &Value)| match inner.as_object() {
        _ if key == "." => 0,
        Some(inner) if inner.is_empty() => 1,
        Some(inner) => count(inner),
        None => 1,
    };
    fields.iter().map(of).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_named_own_is_ours_and_the_rest_stays_theirs() {
        let entry = |manager: &str, operation: &str, fields: Value| {
            json!({"manager": manager, "operation": operation, "apiVersion": "apps/v1", "time": "2026-01-01T00:00:00Z",
                "fieldsType": "FieldsV1", "fieldsV1": fields})
        };
        let mut status = entry("kubectl-client-side-apply", "Update", json!({"f:status": {"f:replicas": {}}}));
        status["subresource"] = "status".into();
        let mut old = entry("kubectl-client-side-apply", "Update", json!({"f:spec": {"f:old": {}}}));
        old["apiVersion"] = "extensions/v1beta1".into();
        let live = json!({"metadata": {"managedFields": [
            entry("fleetdeck", "Apply", json!({"f:spec": {"f:labels": {}, "f:replicas": {}}})),
            entry("kubectl-client-side-apply", "Update", json!({"f:spec": {"f:replicas": {}, "f:labels": {"f:a": {}}, "f:x": {".": {}, "f:y": {}}}})),
            entry("kubectl-edit", "Update", json!({"f:spec": {"f:z": {}}})),
            status.clone(), old.clone(),
        ]}});
        let from = ["kubectl-client-side-apply".to_owned()];
        // `y` is a default of the server's: rendered is only `x`.
        let rendered = json!({"spec": {"replicas": 1, "labels": {"a": "b"}, "x": {"w": 1}}});
        let (managed, counts) = moved(&live, &rendered, &from, "fleetdeck").unwrap();
        let expect = json!({"f:spec": {"f:labels": {".": {}, "f:a": {}}, "f:replicas": {}, "f:x": {".": {}}}});
        assert_eq!(managed[0], entry("fleetdeck", "Apply", expect));
        assert_eq!(counts, BTreeMap::from([(from[0].clone(), 2)]));
        let left = entry(&from[0], "Update", json!({"f:spec": {"f:x": {"f:y": {}}}}));
        let edited = entry("kubectl-edit", "Update", json!({"f:spec": {"f:z": {}}}));
        assert_eq!(managed.as_array().unwrap()[1..], [left, edited, status, old]);
        let again = as_moved(&live, &rendered, &from, "fleetdeck");
        assert_eq!(moved(&again, &rendered, &from, "fleetdeck"), None, "nothing is left to move");
        assert_eq!(others(&again, &from), ["kubectl-edit"]);
        assert_eq!(moved(&json!({"metadata": {}}), &rendered, &from, "fleetdeck"), None);
        assert_eq!(moved(&live, &rendered, &["nobody".to_owned()], "fleetdeck"), None);
    }
}
