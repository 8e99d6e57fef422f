//! `metadata.managedFields`: who owns which field, after updates and after server-side apply.

use serde_json::{Value, json};

use super::fields::{self, Set};
use super::kinds::{self, Kind};
use super::object::text_at;
use super::write::Write;

/// One manager's entry.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Manager {
    pub name: String,
    pub applies: bool,
    pub api_version: String,
    pub subresource: String,
    /// Empty for an entry that this very write makes or changes.
    pub time: String,
    pub fields: Set,
}

impl Manager {
    pub(crate) fn is(&self, name: &str, applies: bool, subresource: &str) -> bool {
        self.name == name && self.applies == applies && self.subresource == subresource
    }
}

pub(crate) fn read(object: &Value) -> Vec<Manager> {
    let entries = object["metadata"]["managedFields"].as_array();
    entries
        .into_iter()
        .flatten()
        .map(|one| Manager {
            name: text_at(one, &["manager"]).into(),
            applies: one["operation"] == "Apply",
            api_version: text_at(one, &["apiVersion"]).into(),
            subresource: text_at(one, &["subresource"]).into(),
            time: text_at(one, &["time"]).into(),
            fields: Set::from_json(&one["fieldsV1"]),
        })
        .collect()
}

/// Writes the entries; those without a time get `now`.
pub(crate) fn write(object: &mut Value, mut managers: Vec<Manager>, now: &str) {
    managers.retain(|m| !m.fields.is_empty());
    for manager in managers.iter_mut().filter(|m| m.time.is_empty()) {
        manager.time = now.into();
    }
    managers.sort_by(|a, b| (!a.applies, &a.time, &a.name).cmp(&(!b.applies, &b.time, &b.name)));
    let entries: Vec<Value> = managers
        .iter()
        .map(|m| {
            let mut entry = json!({
                "manager": m.name, "operation": if m.applies { "Apply" } else { "Update" }, "apiVersion": m.api_version,
                "time": m.time, "fieldsType": "FieldsV1", "fieldsV1": m.fields.to_json(),
            });
            if !m.subresource.is_empty() {
                entry["subresource"] = m.subresource.clone().into();
            }
            entry
        })
        .collect();
    if entries.is_empty() {
        if let Some(meta) = object["metadata"].as_object_mut() {
            meta.remove("managedFields");
        }
    } else {
        object["metadata"]["managedFields"] = entries.into();
    }
}

/// Fields that nobody owns: identity, and the half of the object that the other endpoint writes.
pub(crate) fn strip(kind: &Kind, set: &mut Set, subresource: &str) {
    for field in ["f:apiVersion", "f:kind"] {
        set.remove(&[field]);
    }
    for field in [
        "f:name",
        "f:namespace",
        "f:uid",
        "f:creationTimestamp",
        "f:selfLink",
        "f:generation",
        "f:managedFields",
        "f:resourceVersion",
        "f:deletionTimestamp",
        "f:deletionGracePeriodSeconds",
    ] {
        set.remove(&["f:metadata", field]);
    }
    if let Some(meta) = set.children.get_mut("f:metadata") {
        meta.member = false;
        if meta.is_empty() {
            set.children.remove("f:metadata");
        }
    }
    if kind.has_status() {
        match subresource {
            "status" => set.children.retain(|key, _| key == "f:status" || key == "f:metadata"),
            _ => set.remove(&["f:status"]),
        }
    }
    set.member = false;
}

/// What a new object is compared with: the fields that Kubernetes always serialises, so nobody "adds" them.
pub(crate) fn blank(kind: &Kind) -> Value {
    let pod = json!({"containers": null});
    let template = json!({"metadata": {}, "spec": pod});
    let spec = match kind.id {
        id if id == kinds::POD.id => pod,
        id if id == kinds::STATEFUL_SET.id => {
            json!({"selector": null, "template": template, "serviceName": "", "updateStrategy": {}})
        }
        id if id == kinds::DEPLOYMENT.id => json!({"selector": null, "template": template, "strategy": {}}),
        id if id == kinds::DAEMON_SET.id => json!({"selector": null, "template": template, "updateStrategy": {}}),
        id if id == kinds::JOB.id => json!({"template": template}),
        id if id == kinds::PVC.id => json!({"resources": {}}),
        id if id == kinds::NETWORK_POLICY.id => json!({"podSelector": {}}),
        id if id == kinds::LIMIT_RANGE.id => json!({"limits": null}),
        _ => json!({}),
    };
    let status = match kind.id {
        id if id == kinds::SERVICE.id || id == kinds::INGRESS.id => json!({"loadBalancer": {}}),
        _ => json!({}),
    };
    if kind == kinds::EVENT {
        return json!({
            "metadata": {}, "involvedObject": {}, "source": {}, "reportingComponent": "", "reportingInstance": "",
            "eventTime": null, "firstTimestamp": null, "lastTimestamp": null,
        });
    }
    let mut out = json!({"metadata": {}});
    if kind.has_status() || matches!(kind.plural, "limitranges" | "leases" | "networkpolicies" | "ingressclasses") {
        out["spec"] = spec;
    }
    if kind.has_status() {
        out["status"] = status;
    }
    out
}

fn without_entries(object: &Value) -> Value {
    let mut out = object.clone();
    if let Some(meta) = out["metadata"].as_object_mut() {
        meta.remove("managedFields");
    }
    out
}

/// Books what an update changed as owned by its manager. An update may also clear or edit the entries themselves.
pub(super) fn record(kind: &'static Kind, old: Option<&Value>, new: &mut Value, write_by: &Write, now: &str) {
    let wanted = new["metadata"].get("managedFields").cloned();
    let mut managers = match (&wanted, old) {
        // Absent means: not touched. `[{}]` means: start anew.
        (None, Some(old)) => read(old),
        (Some(Value::Array(list)), _) if list.iter().any(|e| e.as_object().is_some_and(serde_json::Map::is_empty)) => {
            Vec::new()
        }
        _ => read(new),
    };
    let before = old.map_or_else(|| blank(kind), without_entries);
    let difference = fields::compare(kind, &before, &without_entries(new));
    let (mut touched, mut removed) = (difference.touched(), difference.removed.clone());
    let of_scale = if write_by.subresource == "scale" { "" } else { write_by.subresource };
    strip(kind, &mut touched, of_scale);
    strip(kind, &mut removed, of_scale);
    if touched.is_empty() && removed.is_empty() && old.is_some() {
        match old.map(|o| o["metadata"].get("managedFields").cloned()) {
            Some(Some(entries)) if wanted.is_none() => new["metadata"]["managedFields"] = entries,
            _ => {}
        }
        return;
    }
    let me = |m: &Manager| m.is(&write_by.manager, false, write_by.subresource);
    for manager in managers.iter_mut().filter(|m| !me(m)) {
        let mut fields = manager.fields.clone();
        // What is gone is nobody's; a changed value is its changer's.
        fields.subtract(&removed);
        fields.subtract(&touched);
        manager.fields = fields;
    }
    match managers.iter_mut().find(|m| me(m)) {
        Some(mine) => {
            mine.fields.union(&touched);
            mine.fields.subtract(&removed);
            mine.time = String::new();
            mine.api_version = kind.api_version();
        }
        None if !touched.is_empty() => managers.push(Manager {
            name: write_by.manager.clone(),
            applies: false,
            api_version: kind.api_version(),
            subresource: write_by.subresource.into(),
            time: String::new(),
            fields: touched,
        }),
        None => {}
    }
    write(new, managers, now);
}

/// Puts the time on entries that an apply has just made; an apply that changed nothing keeps the old times.
pub(super) fn stamp_times(old: Option<&Value>, new: &mut Value, now: &str) {
    let mut managers = read(new);
    if let Some(old) = old {
        let before = read(old);
        if without_entries(old) == without_entries(new) {
            for manager in managers.iter_mut().filter(|m| m.time.is_empty()) {
                let same = before
                    .iter()
                    .find(|b| b.is(&manager.name, manager.applies, &manager.subresource) && b.fields == manager.fields);
                if let Some(same) = same {
                    manager.time = same.time.clone();
                }
            }
        }
    }
    write(new, managers, now);
}
