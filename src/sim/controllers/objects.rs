//! Reading and writing the parts of objects that several controllers need.

use serde_json::{Map, Value, json};

use crate::sim::kinds::Kind;
use crate::sim::object::{name_of, text_at, uid_of};

/// Namespace and name of an object, the key of most work.
pub(crate) type Key = (String, String);

pub(crate) fn key_of(object: &Value) -> Key {
    (text_at(object, &["metadata", "namespace"]).to_owned(), name_of(object).to_owned())
}

/// The owner reference with `controller: true`.
pub(crate) fn controller_of(object: &Value) -> Option<&Value> {
    object["metadata"]["ownerReferences"].as_array()?.iter().find(|r| r["controller"] == true)
}

pub(crate) fn owner_reference(kind: &Kind, owner: &Value) -> Value {
    json!({
        "apiVersion": kind.api_version(),
        "kind": kind.kind,
        "name": name_of(owner),
        "uid": uid_of(owner),
        "controller": true,
        "blockOwnerDeletion": true,
    })
}

pub(crate) fn items<'a>(object: &'a Value, path: &[&str]) -> &'a [Value] {
    path.iter().try_fold(object, |at, key| at.get(key)).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// The status (`True`, `False`, `Unknown`) of a condition.
pub(crate) fn condition<'a>(object: &'a Value, kind: &str) -> Option<&'a str> {
    items(object, &["status", "conditions"]).iter().find(|c| c["type"] == kind).and_then(|c| c["status"].as_str())
}

pub(crate) fn is_ready(pod: &Value) -> bool {
    condition(pod, "Ready") == Some("True")
}

/// Puts a condition into a list, which keeps its `lastTransitionTime` unless the status moves.
pub(crate) fn set_condition(conditions: &mut Vec<Value>, mut new: Value, now: &str) {
    let at = conditions.iter().position(|c| c["type"] == new["type"]);
    let kept = at.and_then(|i| {
        let old = &conditions[i];
        (old["status"] == new["status"]).then(|| old["lastTransitionTime"].clone())
    });
    new["lastTransitionTime"] = kept.unwrap_or_else(|| now.into());
    match at {
        Some(i) => conditions[i] = new,
        None => conditions.push(new),
    }
}

/// The conditions of a status, made if there are none.
pub(crate) fn conditions_mut(object: &mut Value) -> Option<&mut Vec<Value>> {
    let status = member(object, "status")?;
    let list = status.entry("conditions").or_insert_with(|| Value::Array(vec![]));
    if !list.is_array() {
        *list = Value::Array(vec![]);
    }
    list.as_array_mut()
}

/// A map inside an object, made if it is absent.
pub(crate) fn member<'a>(object: &'a mut Value, key: &str) -> Option<&'a mut Map<String, Value>> {
    let slot = object.as_object_mut()?.entry(key).or_insert_with(|| Value::Object(Map::new()));
    if !slot.is_object() {
        *slot = Value::Object(Map::new());
    }
    slot.as_object_mut()
}

/// `spec.nodeName`; empty while the pod is not scheduled.
pub(crate) fn node_of(pod: &Value) -> &str {
    text_at(pod, &["spec", "nodeName"])
}

/// Whether the pod has run to its end.
pub(crate) fn is_finished(pod: &Value) -> bool {
    matches!(text_at(pod, &["status", "phase"]), "Succeeded" | "Failed")
}

/// Names of the claims that a pod mounts.
pub(crate) fn claims_of(pod: &Value) -> impl Iterator<Item = &str> {
    items(pod, &["spec", "volumes"]).iter().filter_map(|v| v["persistentVolumeClaim"]["claimName"].as_str())
}

/// A number that is the same for the same parts: the source of all chance here, so that one seed tells one story
/// whatever the order of events.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    /// Between 0 and 1.
    pub(crate) fn unit(self, parts: &[&str]) -> f64 {
        fastrand::Rng::with_seed(self.number(parts)).f64()
    }

    pub(crate) fn number(self, parts: &[&str]) -> u64 {
        let mut hash = 0xcbf2_9ce4_8422_2325_u64 ^ self.0;
        for byte in parts.iter().flat_map(|p| p.bytes().chain([0])) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        hash
    }

    /// As many hex digits as asked for.
    pub(crate) fn hex(self, parts: &[&str], digits: usize) -> String {
        let mut rng = fastrand::Rng::with_seed(self.number(parts));
        std::iter::repeat_with(|| char::from_digit(rng.u32(0..16), 16).unwrap_or('0')).take(digits).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_condition_keeps_its_time_until_its_status_moves() {
        let mut list = vec![];
        set_condition(&mut list, json!({"type": "Ready", "status": "False"}), "1");
        set_condition(&mut list, json!({"type": "Ready", "status": "False", "reason": "x"}), "2");
        assert_eq!(list[0]["lastTransitionTime"], "1");
        assert_eq!(list[0]["reason"], "x");
        set_condition(&mut list, json!({"type": "Ready", "status": "True"}), "3");
        assert_eq!(list[0]["lastTransitionTime"], "3");
        assert_eq!(list.len(), 1);
    }

    #[test]
    fn one_seed_one_story() {
        assert_eq!(Dice(7).unit(&["a", "b"]), Dice(7).unit(&["a", "b"]));
        assert_ne!(Dice(7).unit(&["a", "b"]), Dice(7).unit(&["ab", ""]));
        assert_ne!(Dice(7).number(&["a"]), Dice(8).number(&["a"]));
        assert_eq!(Dice(7).hex(&["a"], 64).len(), 64);
    }
}
