//! ConfigMaps made from files and literals.

use super::error::{ManifestError, Place};
use super::kustomization::{Behavior, ConfigMapGenerator, place};
use super::load;
use super::resource::{Resource, add};
use super::tree::Tree;
use serde_json::{Map, Value, json};
use serde_saphyr::Spanned;

/// Makes the ConfigMap that a generator of folder `dir` describes, or changes the one that is there.
pub(crate) fn generate(
    tree: &Tree,
    dir: &str,
    file: &str,
    generator: &Spanned<ConfigMapGenerator>,
    into: &mut Vec<Resource>,
) -> Result<(), ManifestError> {
    let at = place(file, generator);
    let generator = &generator.value;
    let mut data = Map::new();
    let mut put =
        |key: &str, value: &str, at: &Place| match data.insert(key.to_owned(), Value::String(value.to_owned())) {
            None if key.is_empty() || !key.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c)) => {
                Err(ManifestError::at(at, format!("{key:?} cannot be a key of a ConfigMap")))
            }
            None => Ok(()),
            Some(_) => Err(ManifestError::at(at, format!("the key {key} is given twice"))),
        };
    for source in &generator.files {
        let at = place(file, source);
        let (key, path) = source
            .value
            .split_once('=')
            .unwrap_or_else(|| (source.value.rsplit('/').next().unwrap_or_default(), &source.value));
        let content = load::resolve(dir, path).and_then(|path| tree.text(&path));
        put(key, content.ok_or_else(|| ManifestError::at(&at, format!("{path} is not in the manifest tree")))?, &at)?;
    }
    for literal in &generator.literals {
        let at = place(file, literal);
        let (key, value) =
            literal.value.split_once('=').ok_or_else(|| ManifestError::at(&at, "a literal is key=value"))?;
        if value.starts_with(['"', '\'']) {
            return Err(ManifestError::at(&at, "Kustomize strips quotes around a literal; write it without"));
        }
        put(key, value, &at)?;
    }
    let mut value = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": generator.name}});
    if !data.is_empty() {
        value["data"] = Value::Object(data);
    }
    for (field, pairs) in [("labels", &generator.options.labels), ("annotations", &generator.options.annotations)] {
        if !pairs.is_empty() {
            value["metadata"][field] = json!(pairs);
        }
    }
    let made = Resource {
        value,
        earlier_names: Vec::new(),
        hashed: !generator.options.disable_name_suffix_hash,
        place: at.clone(),
    };
    let mut same = into.iter_mut().filter(|old| old.is("v1", "ConfigMap", &generator.name));
    match (generator.behavior, same.next()) {
        (Behavior::Create, _) => add(into, made),
        (Behavior::Merge | Behavior::Replace, None) => {
            Err(ManifestError::at(&at, format!("there is no ConfigMap {} to change", generator.name)))
        }
        (behavior, Some(old)) => {
            if old.hashed != made.hashed {
                return Err(ManifestError::at(
                    &at,
                    "options.disableNameSuffixHash differs from that of the ConfigMap it changes",
                ));
            }
            let mut new = made.value;
            let fields: &[&str] = if behavior == Behavior::Merge { &["data", "binaryData"] } else { &[] };
            let inherited = fields.iter().map(|field| (format!("/{field}"), *field)).collect::<Vec<_>>();
            for (pointer, field) in inherited {
                let merged = union(old.value.pointer(&pointer), new.pointer(&pointer));
                if !merged.is_empty() {
                    new[field] = Value::Object(merged);
                }
            }
            for field in ["labels", "annotations"] {
                let pointer = format!("/metadata/{field}");
                let merged = union(old.value.pointer(&pointer), new.pointer(&pointer));
                if !merged.is_empty() {
                    new["metadata"][field] = Value::Object(merged);
                }
            }
            new["metadata"]["name"] = old.value["metadata"]["name"].clone();
            if let Some(namespace) = old.value.pointer("/metadata/namespace") {
                new["metadata"]["namespace"] = namespace.clone();
            }
            old.value = new;
            Ok(())
        }
    }
}

fn union(old: Option<&Value>, new: Option<&Value>) -> Map<String, Value> {
    let mut all = old.and_then(Value::as_object).cloned().unwrap_or_default();
    all.extend(new.and_then(Value::as_object).cloned().unwrap_or_default());
    all
}
