//! Secret values never leave the cluster: whatever shows an object shows it redacted.

use super::object::text;
use serde_json::Value;

const REDACTED: &str = "(redacted)";
/// Where kubectl keeps a whole copy of what it applied.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// Replaces the values of a Secret, and of Secrets in a list; key names stay. Other objects are left as they are.
pub fn redact(object: &mut Value) {
    if let Some(items) = object.get_mut("items").and_then(Value::as_array_mut) {
        items.iter_mut().for_each(redact);
    }
    let kind = text(object, "/kind");
    let is_secret = kind == "Secret" || (kind.is_empty() && object.get("stringData").is_some());
    if !is_secret {
        return;
    }
    for field in ["data", "stringData"] {
        if let Some(map) = object.get_mut(field).and_then(Value::as_object_mut) {
            map.values_mut().for_each(|value| *value = Value::String(REDACTED.to_owned()));
        }
    }
    if let Some(copy) =
        object.pointer_mut("/metadata/annotations").and_then(|annotations| annotations.get_mut(LAST_APPLIED))
    {
        *copy = Value::String(REDACTED.to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn no_value_of_a_secret_survives() {
        let secret = json!({"kind": "Secret", "metadata": {"name": "gateway-token", "annotations": {LAST_APPLIED: "c2VjcmV0"}},
            "data": {"token": "c2VjcmV0"}, "stringData": {"other": "c2VjcmV0"}});
        let mut list = json!({"kind": "List", "items": [secret.clone(), {"kind": "ConfigMap", "data": {"a": "kept"}}]});
        let mut alone = secret;
        redact(&mut alone);
        redact(&mut list);
        for value in [&alone, &list] {
            assert!(!value.to_string().contains("c2VjcmV0"));
        }
        assert_eq!(alone["data"]["token"], REDACTED);
        assert_eq!(list["items"][1]["data"]["a"], "kept");
    }
}
