//! LimitRange: defaults for containers, and the bounds of what pods and claims may ask for.

use std::collections::BTreeMap;

use serde_json::Value;

use super::super::kinds::{self, Kind};
use super::super::object::{name_of, namespace_of, text_at};
use super::super::quantity::Quantity;
use super::super::status::Status;
use super::super::store::Inner;
use super::quota::pod_amounts;

fn items(inner: &Inner, namespace: &str) -> Vec<Value> {
    let ranges = inner.in_namespace(kinds::LIMIT_RANGE, Some(namespace)).map(|s| s.value());
    ranges.flat_map(|range| range["spec"]["limits"].as_array().cloned().unwrap_or_default()).collect()
}

/// Writes the defaults of `Container` items into a new pod, and says so in an annotation.
pub(super) fn defaults(inner: &mut Inner, pod: &mut Value) {
    let mut done = Vec::new();
    let items = items(inner, namespace_of(pod));
    for list in ["containers", "initContainers"] {
        for one in pod["spec"].get_mut(list).and_then(Value::as_array_mut).into_iter().flatten() {
            let name = text_at(one, &["name"]).to_owned();
            for item in items.iter().filter(|i| i["type"] == "Container") {
                for (field, from, what) in [("requests", "defaultRequest", "request"), ("limits", "default", "limit")] {
                    let mut set = Vec::new();
                    for (resource, amount) in item[from].as_object().into_iter().flatten() {
                        if one["resources"][field].get(resource).is_none() {
                            one["resources"][field][resource.as_str()] = amount.clone();
                            set.push(resource.as_str());
                        }
                    }
                    if !set.is_empty() {
                        let role = if list == "containers" { "container" } else { "init container" };
                        done.push(format!("{} {what} for {role} {name}", set.join(", ")));
                    }
                }
            }
        }
    }
    if !done.is_empty() {
        pod["metadata"]["annotations"]["kubernetes.io/limit-ranger"] =
            format!("LimitRanger plugin set: {}", done.join("; ")).into();
    }
}

pub(super) fn check(inner: &mut Inner, kind: &'static Kind, old: Option<&Value>, new: &Value) -> Result<(), Status> {
    let is_pod = kind == kinds::POD && old.is_none();
    let is_claim = kind == kinds::PVC;
    if !is_pod && !is_claim {
        return Ok(());
    }
    let mut errors = Vec::new();
    for item in items(inner, namespace_of(new)) {
        match text_at(&item, &["type"]) {
            "Container" if is_pod => {
                for list in ["initContainers", "containers"] {
                    for one in new["spec"][list].as_array().into_iter().flatten() {
                        let amounts = |key: &str| quantities(&one["resources"][key]);
                        bounds(&item, "Container", &amounts("requests"), &amounts("limits"), &mut errors);
                    }
                }
            }
            "Pod" if is_pod => {
                let (requests, limits) = pod_amounts(&new["spec"]);
                bounds(&item, "Pod", &requests, &limits, &mut errors);
            }
            "PersistentVolumeClaim" if is_claim => {
                let requests = quantities(&new["spec"]["resources"]["requests"]);
                bounds(&item, "PersistentVolumeClaim", &requests, &requests, &mut errors);
            }
            _ => {}
        }
    }
    match errors.as_slice() {
        [] => Ok(()),
        [one] => Err(Status::forbidden(kind, name_of(new), one)),
        many => Err(Status::forbidden(kind, name_of(new), format!("[{}]", many.join(", ")))),
    }
}

pub(super) fn quantities(map: &Value) -> BTreeMap<String, Quantity> {
    let map = map.as_object().into_iter().flatten();
    map.filter_map(|(k, v)| Some((k.clone(), Quantity::from_json(v)?))).collect()
}

fn bounds(
    item: &Value,
    what: &str,
    requests: &BTreeMap<String, Quantity>,
    limits: &BTreeMap<String, Quantity>,
    errors: &mut Vec<String>,
) {
    let is_claim = what == "PersistentVolumeClaim";
    for (resource, min) in quantities(&item["min"]) {
        match (requests.get(&resource), limits.get(&resource)) {
            (None, _) => errors.push(format!("minimum {resource} usage per {what} is {min}.  No request is specified")),
            (Some(request), _) if *request < min => {
                errors.push(format!("minimum {resource} usage per {what} is {min}, but request is {request}"));
            }
            (_, Some(limit)) if *limit < min && !is_claim => {
                errors.push(format!("minimum {resource} usage per {what} is {min}, but limit is {limit}"));
            }
            _ => {}
        }
    }
    for (resource, max) in quantities(&item["max"]) {
        match (requests.get(&resource), limits.get(&resource)) {
            (_, None) => errors.push(format!("maximum {resource} usage per {what} is {max}.  No limit is specified")),
            (_, Some(limit)) if *limit > max => {
                let word = if is_claim { "request" } else { "limit" };
                errors.push(format!("maximum {resource} usage per {what} is {max}, but {word} is {limit}"));
            }
            (Some(request), _) if *request > max => {
                errors.push(format!("maximum {resource} usage per {what} is {max}, but request is {request}"));
            }
            _ => {}
        }
    }
}
