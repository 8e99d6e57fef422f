//! Validation: names, required fields and immutable fields, as far as clients of ours can meet it, with the API server's words.

use serde_json::{Value, json};

use super::kinds::{self, Kind, Naming};
use super::object::{name_of, text_at};
use super::quantity::Quantity;
use super::selector::Labels;
use super::status::{Cause, Status};

const SUBDOMAIN: &str = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const LABEL: &str = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const LABEL_1035: &str = "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')";
const KEY_NAME: &str = "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
const LABEL_VALUE: &str = "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";
const STATEFUL_SET_SPEC: &str = "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden";
const POD_SPEC: &str = "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)";
const CLAIM_SPEC: &str =
    "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims";

pub(super) fn required(field: &str, detail: &str) -> Cause {
    let message = if detail.is_empty() { "Required value".to_owned() } else { format!("Required value: {detail}") };
    Cause::new("FieldValueRequired", message, field)
}

pub(super) fn invalid_value(field: &str, value: &Value, detail: &str) -> Cause {
    Cause::new("FieldValueInvalid", format!("Invalid value: {value}: {detail}"), field)
}

fn forbidden(field: &str, detail: &str) -> Cause {
    Cause::new("FieldValueForbidden", format!("Forbidden: {detail}"), field)
}

fn verdict(kind: &Kind, object: &Value, causes: Vec<Cause>) -> Result<(), Status> {
    if causes.is_empty() { Ok(()) } else { Err(Status::invalid(kind, name_of(object), causes)) }
}

pub(super) fn create(kind: &'static Kind, object: &Value) -> Result<(), Status> {
    let mut causes = Vec::new();
    name(kind, name_of(object), &mut causes);
    labels("metadata.labels", &object["metadata"]["labels"], &mut causes);
    spec(kind, object, &mut causes);
    verdict(kind, object, causes)
}

pub(super) fn update(kind: &'static Kind, old: &Value, new: &Value, subresource: &str) -> Result<(), Status> {
    let mut causes = Vec::new();
    labels("metadata.labels", &new["metadata"]["labels"], &mut causes);
    if subresource != "status" {
        spec(kind, new, &mut causes);
        immutable(kind, old, new, &mut causes);
    }
    if subresource == "scale" && !causes.is_empty() {
        let mut status = Status::invalid(kind, name_of(new), causes);
        status.message = status.message.replacen(&kind.qualified(), "Scale.autoscaling", 1);
        if let Some(details) = &mut status.details {
            (details.group, details.kind) = ("autoscaling".into(), "Scale".into());
        }
        return Err(status);
    }
    verdict(kind, new, causes)
}

fn is_label(text: &str, first: impl Fn(char) -> bool) -> bool {
    let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    text.starts_with(first) && text.ends_with(inner) && text.chars().all(|c| inner(c) || c == '-')
}

fn is_dns_label(text: &str) -> bool {
    is_label(text, |c| c.is_ascii_lowercase() || c.is_ascii_digit())
}

fn name(kind: &Kind, name: &str, causes: &mut Vec<Cause>) {
    let mut complain = |detail: &str| causes.push(invalid_value("metadata.name", &json!(name), detail));
    let longest = if matches!(kind.naming, Naming::Label | Naming::Label1035) { 63 } else { 253 };
    if name.len() > longest && kind.naming != Naming::Segment {
        complain(&format!("must be no more than {longest} bytes"));
    }
    match kind.naming {
        Naming::Label if name.contains('.') => complain("must not contain dots"),
        Naming::Label if !is_dns_label(name) => complain(LABEL),
        Naming::Label1035 if !is_label(name, |c| c.is_ascii_lowercase()) => complain(LABEL_1035),
        Naming::Subdomain if !name.split('.').all(is_dns_label) => complain(SUBDOMAIN),
        Naming::Segment if name.contains(['/', '%']) || matches!(name, "." | "..") => {
            complain("may not contain '/' or '%'");
        }
        _ => {}
    }
}

fn is_plain(text: &str) -> bool {
    let ends = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    ends(text.chars().next())
        && ends(text.chars().next_back())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
}

fn labels(field: &str, labels: &Value, causes: &mut Vec<Cause>) {
    for (key, value) in labels.as_object().into_iter().flatten() {
        let (prefix, part) = key.split_once('/').unwrap_or(("", key));
        if !prefix.is_empty() && !prefix.split('.').all(is_dns_label) {
            causes.push(invalid_value(field, &json!(key), &format!("prefix part {SUBDOMAIN}")));
        }
        if !is_plain(part) {
            causes.push(invalid_value(field, &json!(key), KEY_NAME));
        } else if part.len() > 63 {
            causes.push(invalid_value(field, &json!(key), "name part must be no more than 63 bytes"));
        }
        let text = value.as_str().unwrap_or_default();
        if text.len() > 63 {
            causes.push(invalid_value(field, value, "must be no more than 63 bytes"));
        } else if !text.is_empty() && !is_plain(text) {
            causes.push(invalid_value(field, value, LABEL_VALUE));
        }
    }
}

fn spec(kind: &Kind, object: &Value, causes: &mut Vec<Cause>) {
    match kind {
        k if k == kinds::POD => pod("spec", &object["spec"], &Value::Null, causes),
        k if [kinds::STATEFUL_SET, kinds::DEPLOYMENT, kinds::REPLICA_SET, kinds::DAEMON_SET].contains(&k) => {
            workload(object, causes);
        }
        k if k == kinds::JOB => pod("spec.template.spec", &object["spec"]["template"]["spec"], &Value::Null, causes),
        k if k == kinds::PVC => {
            if object["spec"]["accessModes"].as_array().is_none_or(Vec::is_empty) {
                causes.push(required("spec.accessModes", "at least 1 access mode is required"));
            }
            match &object["spec"]["resources"]["requests"]["storage"] {
                Value::Null => causes.push(required("spec.resources[storage]", "")),
                size => quantity("spec.resources.requests[storage]", size, causes),
            }
        }
        k if k == kinds::RESOURCE_QUOTA => {
            for (resource, amount) in object["spec"]["hard"].as_object().into_iter().flatten() {
                quantity(&format!("spec.hard[{resource}]"), amount, causes);
            }
        }
        k if k == kinds::SERVICE => {
            let headless = object["spec"]["clusterIP"] == "None" || object["spec"]["type"] == "ExternalName";
            if !headless && object["spec"]["ports"].as_array().is_none_or(Vec::is_empty) {
                causes.push(required("spec.ports", ""));
            }
        }
        _ => {}
    }
}

fn quantity(field: &str, value: &Value, causes: &mut Vec<Cause>) {
    match Quantity::from_json(value) {
        None => causes.push(invalid_value(
            field,
            value,
            "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
        )),
        Some(amount) if amount < Quantity::ZERO => {
            causes.push(invalid_value(field, value, "must be greater than or equal to 0"));
        }
        Some(_) => {}
    }
}

fn workload(object: &Value, causes: &mut Vec<Cause>) {
    let spec = &object["spec"];
    if spec["replicas"].as_i64().is_some_and(|n| n < 0) {
        causes.push(invalid_value("spec.replicas", &spec["replicas"], "must be greater than or equal to 0"));
    }
    let selector = &spec["selector"];
    let template = &spec["template"];
    let selects = |key: &str| {
        selector[key].as_object().map_or(0, serde_json::Map::len) + selector[key].as_array().map_or(0, Vec::len) > 0
    };
    let matches = (selects("matchLabels") || selects("matchExpressions"))
        && Labels::from_object(selector).matches_object(template);
    if !selector.is_object() {
        causes.push(required("spec.selector", ""));
    }
    if !matches {
        let labels = &template["metadata"]["labels"];
        causes.push(invalid_value(
            "spec.template.metadata.labels",
            labels,
            "`selector` does not match template `labels`",
        ));
    }
    // A StatefulSet's claims are volumes of its pods.
    pod("spec.template.spec", &template["spec"], &spec["volumeClaimTemplates"], causes);
}

fn pod(field: &str, spec: &Value, claims: &Value, causes: &mut Vec<Cause>) {
    if spec["containers"].as_array().is_none_or(Vec::is_empty) {
        causes.push(required(&format!("{field}.containers"), ""));
    }
    let named = |list: &Value| -> Vec<String> {
        list.as_array().into_iter().flatten().map(|v| text_at(v, &["name"]).to_owned()).collect()
    };
    let mut volumes = named(&spec["volumes"]);
    volumes.sort_unstable();
    for twin in volumes.windows(2).filter(|w| w[0] == w[1]) {
        causes.push(Cause::new(
            "FieldValueDuplicate",
            format!("Duplicate value: {}", json!(twin[0])),
            format!("{field}.volumes.name"),
        ));
    }
    let claims = claims.as_array().into_iter().flatten().map(|c| text_at(c, &["metadata", "name"]).to_owned());
    volumes.extend(claims);
    let mut seen = Vec::new();
    for list in ["initContainers", "containers"] {
        for (at, one) in spec[list].as_array().into_iter().flatten().enumerate() {
            let field = format!("{field}.{list}[{at}]");
            let name = text_at(one, &["name"]);
            if name.is_empty() {
                causes.push(required(&format!("{field}.name"), ""));
            } else if !is_dns_label(name) || name.len() > 63 {
                causes.push(invalid_value(&format!("{field}.name"), &json!(name), LABEL));
            } else if seen.contains(&name) {
                causes.push(Cause::new(
                    "FieldValueDuplicate",
                    format!("Duplicate value: {}", json!(name)),
                    format!("{field}.name"),
                ));
            }
            seen.push(name);
            if text_at(one, &["image"]).is_empty() {
                causes.push(required(&format!("{field}.image"), ""));
            }
            for (at, mount) in one["volumeMounts"].as_array().into_iter().flatten().enumerate() {
                let volume = text_at(mount, &["name"]).to_owned();
                if !volumes.contains(&volume) {
                    let message = format!("Not found: {}", json!(volume));
                    causes.push(Cause::new("FieldValueNotFound", message, format!("{field}.volumeMounts[{at}].name")));
                }
            }
            resources(&field, &one["resources"], causes);
        }
    }
}

fn resources(field: &str, resources: &Value, causes: &mut Vec<Cause>) {
    for key in ["limits", "requests"] {
        for (resource, amount) in resources[key].as_object().into_iter().flatten() {
            quantity(&format!("{field}.resources.{key}[{resource}]"), amount, causes);
        }
    }
    for (resource, request) in resources["requests"].as_object().into_iter().flatten() {
        let (Some(asked), Some(limit)) =
            (Quantity::from_json(request), Quantity::from_json(&resources["limits"][resource.as_str()]))
        else {
            continue;
        };
        if asked > limit {
            let detail = format!("must be less than or equal to {resource} limit of {limit}");
            causes.push(invalid_value(&format!("{field}.resources.requests"), &json!(asked.to_string()), &detail));
        }
    }
}

fn without(spec: &Value, keys: &[&str]) -> Value {
    let mut out = spec.clone();
    if let Some(map) = out.as_object_mut() {
        map.retain(|key, _| !keys.contains(&key.as_str()));
    }
    out
}

fn immutable(kind: &Kind, old: &Value, new: &Value, causes: &mut Vec<Cause>) {
    let (was, is) = (&old["spec"], &new["spec"]);
    match kind {
        k if k == kinds::STATEFUL_SET => {
            let free = [
                "replicas",
                "ordinals",
                "template",
                "updateStrategy",
                "revisionHistoryLimit",
                "persistentVolumeClaimRetentionPolicy",
                "minReadySeconds",
            ];
            if without(was, &free) != without(is, &free) {
                causes.push(forbidden("spec", STATEFUL_SET_SPEC));
            }
        }
        k if [kinds::DEPLOYMENT, kinds::REPLICA_SET, kinds::DAEMON_SET].contains(&k)
            && was["selector"] != is["selector"] =>
        {
            causes.push(invalid_value("spec.selector", &is["selector"], "field is immutable"));
        }
        k if k == kinds::POD && frozen_pod(was) != frozen_pod(is) => {
            causes.push(forbidden("spec", POD_SPEC));
        }
        k if k == kinds::PVC => claim(old, new, causes),
        k if k == kinds::SECRET || k == kinds::CONFIG_MAP => {
            if old["immutable"] == true {
                for field in ["data", "binaryData", "immutable"] {
                    if old[field] != new[field] {
                        causes.push(forbidden(field, "field is immutable when `immutable` is set"));
                    }
                }
            }
            if k == kinds::SECRET && old["type"] != new["type"] {
                causes.push(invalid_value("type", &new["type"], "field is immutable"));
            }
        }
        k if (k == kinds::ROLE_BINDING || k == kinds::CLUSTER_ROLE_BINDING) && old["roleRef"] != new["roleRef"] => {
            causes.push(invalid_value("roleRef", &new["roleRef"], "cannot change roleRef"));
        }
        k if k == kinds::STORAGE_CLASS => {
            for field in ["provisioner", "parameters", "reclaimPolicy", "volumeBindingMode"] {
                if old[field] != new[field] {
                    causes.push(forbidden(field, "updates to this field are forbidden."));
                }
            }
        }
        _ => {}
    }
}

/// A pod's spec without what may change; added tolerations are allowed.
fn frozen_pod(spec: &Value) -> Value {
    let mut out = without(spec, &["activeDeadlineSeconds", "tolerations", "terminationGracePeriodSeconds", "nodeName"]);
    for list in ["initContainers", "containers"] {
        for one in out.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten() {
            if let Some(map) = one.as_object_mut() {
                map.remove("image");
            }
        }
    }
    out
}

fn claim(old: &Value, new: &Value, causes: &mut Vec<Cause>) {
    let bound = text_at(old, &["status", "phase"]) == "Bound";
    // The binder's own field is set once, with the claim still pending.
    let binding = text_at(old, &["spec", "volumeName"]).is_empty();
    let mut free = if binding { vec!["volumeName"] } else { Vec::new() };
    if bound {
        free.extend(["resources", "volumeAttributesClassName"]);
    }
    if without(&old["spec"], &free) != without(&new["spec"], &free) {
        causes.push(forbidden("spec", CLAIM_SPEC));
    } else if bound {
        let size = |v: &Value| Quantity::from_json(v);
        let wanted = size(&new["spec"]["resources"]["requests"]["storage"]);
        let had = size(&old["spec"]["resources"]["requests"]["storage"]);
        let capacity = size(&old["status"]["capacity"]["storage"]);
        if wanted < had && wanted < capacity {
            causes.push(forbidden("spec.resources.requests.storage", "field can not be less than status.capacity"));
        }
    }
}
