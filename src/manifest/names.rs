//! Names that carry a hash of their content, and the references that follow a name when it changes.

use super::resource::Resource;
use super::schema::pod_spec;
use super::transform::at_each;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

/// The hash that Kustomize appends to the name of a generated ConfigMap: over its data only. (The `name` in what is hashed is always
/// empty: Kustomize looks it up in a way that never finds it, and cannot mend that without changing every name there is.)
pub(crate) fn config_map_hash(object: &Value) -> String {
    let mut subject = Map::new();
    subject.insert("kind".to_owned(), Value::String("ConfigMap".to_owned()));
    subject.insert("name".to_owned(), Value::String(String::new()));
    subject.insert("data".to_owned(), object.get("data").cloned().unwrap_or_else(|| Value::String(String::new())));
    if let Some(binary) = object.get("binaryData").filter(|value| value.is_object()) {
        subject.insert("binaryData".to_owned(), binary.clone());
    }
    let digest = Sha256::digest(go_json(&Value::Object(subject)).as_bytes());
    digest
        .iter()
        .take(5)
        .flat_map(|byte| [byte >> 4, byte & 15])
        .map(|nibble| match nibble {
            // Vowels and look-alikes give way to letters, so that no word comes out.
            0 => 'g',
            1 => 'h',
            3 => 'k',
            10 => 'm',
            14 => 't',
            other => char::from_digit(u32::from(other), 16).unwrap_or('g'),
        })
        .collect()
}

/// JSON as Go's encoder writes it: sorted keys, no spaces, and the signs of HTML escaped.
fn go_json(value: &Value) -> String {
    match value {
        Value::Object(map) => {
            let mut keys: Vec<&String> = map.keys().collect();
            keys.sort();
            let fields: Vec<String> =
                keys.into_iter().map(|key| format!("{}:{}", go_string(key), go_json(&map[key]))).collect();
            format!("{{{}}}", fields.join(","))
        }
        Value::Array(list) => format!("[{}]", list.iter().map(go_json).collect::<Vec<_>>().join(",")),
        Value::String(text) => go_string(text),
        other => other.to_string(),
    }
}

fn go_string(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '<' | '>' | '&' | '\0'..='\u{1f}' | '\u{2028}' | '\u{2029}' => {
                out.push_str(&format!("\\u{:04x}", c as u32));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// Where a pod spec names objects of a kind, as paths below the pod spec.
fn reference_paths(kind: &str) -> &'static [&'static [&'static str]] {
    match kind {
        "ConfigMap" => &[
            &["volumes", "configMap", "name"],
            &["volumes", "projected", "sources", "configMap", "name"],
            &["containers", "env", "valueFrom", "configMapKeyRef", "name"],
            &["initContainers", "env", "valueFrom", "configMapKeyRef", "name"],
            &["containers", "envFrom", "configMapRef", "name"],
            &["initContainers", "envFrom", "configMapRef", "name"],
        ],
        "PersistentVolumeClaim" => &[&["volumes", "persistentVolumeClaim", "claimName"]],
        _ => &[],
    }
}

/// True where the renderer can follow a changed name of this kind through all references that Kustomize would.
pub(crate) fn can_be_renamed(kind: &str) -> bool {
    !reference_paths(kind).is_empty()
}

/// Makes every pod spec name its ConfigMaps and claims by the names they have now.
pub(crate) fn fix_references(resources: &mut [Resource]) {
    let renamed: Vec<(String, Vec<String>, String)> = resources
        .iter()
        .filter(|resource| can_be_renamed(resource.kind()) && !resource.earlier_names.is_empty())
        .map(|resource| (resource.kind().to_owned(), resource.earlier_names.clone(), resource.name().to_owned()))
        .collect();
    for resource in resources.iter_mut() {
        let Some(prefix) = pod_spec(resource.kind()) else { continue };
        for (kind, old, new) in &renamed {
            for path in reference_paths(kind) {
                at_each(&mut resource.value, &[prefix, path].concat(), false, &mut |slot| {
                    if slot.as_str().is_some_and(|name| old.iter().any(|old| old == name)) {
                        *slot = Value::String(new.clone());
                    }
                });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// The expected hashes were made by `kubectl kustomize`.
    #[test]
    fn hashes_are_those_of_kustomize() {
        for (data, hash) in [
            (json!({"a": "1"}), "h29d89cmmt"),
            (json!({"s.sh": "#!/bin/sh\necho '<&>' \t\u{2028}ü\u{1}\n"}), "c224t22d4g"),
            (Value::Null, "6ct58987ht"),
        ] {
            let mut object = json!({"kind": "ConfigMap", "metadata": {"name": "m", "labels": {"x": "y"}}});
            if !data.is_null() {
                object["data"] = data;
            }
            assert_eq!(config_map_hash(&object), hash, "{object}");
        }
    }
}
