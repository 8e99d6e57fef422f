//! The transformers a kustomization names: namespace, labels, images. Each works on one object at a time.

use super::image::matches_name;
use super::kustomization::{Image, Labels};
use super::object::{group_version, text};
use super::schema;
use serde_json::{Map, Value};

/// Sets the namespace, and the name of the Namespace itself.
pub(crate) fn namespace(object: &mut Value, namespace: &str) {
    if text(object, "/kind") == "Namespace" && text(object, "/apiVersion") == "v1" {
        set(object, &["metadata", "name"], namespace);
    } else {
        set(object, &["metadata", "namespace"], namespace);
    }
}

/// Adds labels to the object and, where asked, to its pod templates and selectors.
pub(crate) fn labels(object: &mut Value, labels: &Labels) {
    let (group, version) = group_version(text(object, "/apiVersion"));
    let (group, version, kind) = (group.to_owned(), version.to_owned(), text(object, "/kind").to_owned());
    let kind = if schema::is_custom(&group) { "" } else { kind.as_str() };
    let mut add = |path: &[&str], create: bool| at_each(object, path, create, &mut |map| fill(map, labels));
    add(&["metadata", "labels"], true);
    if labels.include_selectors || labels.include_templates {
        match kind {
            "StatefulSet" | "Deployment" | "Job" => add(&["spec", "template", "metadata", "labels"], true),
            "CronJob" => {
                add(&["spec", "jobTemplate", "metadata", "labels"], true);
                add(&["spec", "jobTemplate", "spec", "template", "metadata", "labels"], true);
            }
            _ => {}
        }
        if kind == "StatefulSet" {
            add(&["spec", "volumeClaimTemplates[]", "metadata", "labels"], true);
        }
    }
    if labels.include_selectors {
        match kind {
            "Service" if version == "v1" => add(&["spec", "selector"], true),
            "StatefulSet" | "Deployment" => {
                add(&["spec", "selector", "matchLabels"], true);
                for affinity in ["podAffinity", "podAntiAffinity"] {
                    let pod = ["spec", "template", "spec", "affinity", affinity];
                    let preferred = [
                        "preferredDuringSchedulingIgnoredDuringExecution",
                        "podAffinityTerm",
                        "labelSelector",
                        "matchLabels",
                    ];
                    let required = ["requiredDuringSchedulingIgnoredDuringExecution", "labelSelector", "matchLabels"];
                    add(&[&pod[..], &preferred[..]].concat(), false);
                    add(&[&pod[..], &required[..]].concat(), false);
                }
                add(&["spec", "template", "spec", "topologySpreadConstraints", "labelSelector", "matchLabels"], false);
            }
            "Job" | "PodDisruptionBudget" => add(&["spec", "selector", "matchLabels"], false),
            "CronJob" => add(&["spec", "jobTemplate", "spec", "selector", "matchLabels"], false),
            "NetworkPolicy" => {
                add(&["spec", "podSelector", "matchLabels"], false);
                add(&["spec", "ingress", "from", "podSelector", "matchLabels"], false);
                add(&["spec", "egress", "to", "podSelector", "matchLabels"], false);
            }
            _ => {}
        }
    }
}

fn fill(slot: &mut Value, labels: &Labels) {
    if slot.is_null() {
        *slot = Value::Object(Map::new());
    }
    if let Some(map) = slot.as_object_mut() {
        for (key, value) in &labels.pairs {
            map.insert(key.clone(), Value::String(value.clone()));
        }
    }
}

/// Rewrites every container image whose name is the placeholder's.
pub(crate) fn images(object: &mut Value, image: &Image) {
    for spec in [&["spec"][..], &["spec", "template", "spec"][..]] {
        for containers in ["containers[]", "initContainers[]"] {
            let path = [spec, &[containers, "image"][..]].concat();
            at_each(object, &path, false, &mut |slot| {
                if let Some(new) = slot.as_str().and_then(|old| renamed(old, image)) {
                    *slot = Value::String(new);
                }
            });
        }
    }
}

fn renamed(old: &str, image: &Image) -> Option<String> {
    let (tag, digest) = matches_name(old, &image.name.value)?;
    let name = image.new_name.as_deref().filter(|name| !name.is_empty()).unwrap_or(&image.name.value);
    let given = |field: &Option<String>| field.clone().filter(|text| !text.is_empty());
    let (tag, digest) = match (given(&image.new_tag), given(&image.digest)) {
        (None, None) => (tag.map(str::to_owned), digest.map(str::to_owned)),
        (tag, digest) => (tag, digest),
    };
    let mut new = name.to_owned();
    if let Some(tag) = tag {
        new.push(':');
        new.push_str(&tag);
    }
    if let Some(digest) = digest {
        new.push('@');
        new.push_str(&digest);
    }
    Some(new)
}

fn set(object: &mut Value, path: &[&str], value: &str) {
    at_each(object, path, true, &mut |slot| *slot = Value::String(value.to_owned()));
}

/// Calls `change` on every value at `path`. Lists on the way are entered item by item; a part that ends in `[]` must be a list and is
/// never created; other missing parts are created where `create` says so.
pub(crate) fn at_each(value: &mut Value, path: &[&str], create: bool, change: &mut dyn FnMut(&mut Value)) {
    if let Value::Array(list) = value {
        for item in list {
            at_each(item, path, create, change);
        }
        return;
    }
    let Some((part, rest)) = path.split_first() else {
        change(value);
        return;
    };
    let (name, list) = part.strip_suffix("[]").map_or((*part, false), |name| (name, true));
    if value.is_null() && create {
        *value = Value::Object(Map::new());
    }
    let Some(map) = value.as_object_mut() else { return };
    if create && !list && !map.contains_key(name) {
        map.insert(name.to_owned(), Value::Null);
    }
    if let Some(next) = map.get_mut(name) {
        at_each(next, rest, create, change);
    }
}
