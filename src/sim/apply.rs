//! Server-side apply: merge by ownership. A manager's configuration says all that it wants; what it named before and names
//! no more goes, unless somebody else owns it too; what somebody else owns with another value is a conflict.

use serde_json::{Map, Value};

use super::fields::{self, Set};
use super::kinds::Kind;
use super::managed::{self, Manager};
use super::schema::{self, Topology};
use super::status::{Cause, Status};

/// Who applies, and whether it takes what it conflicts with.
pub(crate) struct Apply<'a> {
    pub manager: &'a str,
    pub force: bool,
    pub subresource: &'static str,
}

/// The object that results from applying `config` to `live` (`None`: it does not exist yet), ownership included.
pub(crate) fn apply(
    kind: &'static Kind,
    live: Option<&Value>,
    config: &Value,
    how: &Apply<'_>,
) -> Result<Value, Status> {
    if config["metadata"].get("managedFields").is_some_and(|m| !m.is_null()) {
        return Err(Status::bad_request("metadata.managedFields must be nil"));
    }
    let empty = managed::blank(kind);
    let base = live.unwrap_or(&empty);
    let mut managers = managed::read(base);
    let mut config = config.clone();
    if let Some(meta) = config["metadata"].as_object_mut() {
        // Taken as a precondition elsewhere, owned by nobody.
        for key in ["resourceVersion", "uid", "creationTimestamp"] {
            meta.remove(key);
        }
    }
    if kind.has_status() {
        strip_other_half(&mut config, how.subresource);
    }
    let mut set = fields::of_value(kind, "", &config);
    managed::strip(kind, &mut set, how.subresource);

    let mut merged = base.clone();
    merge(kind, "", &mut merged, &config);
    let mine = managers.iter().position(|m| m.is(how.manager, true, how.subresource));
    let last = mine.map(|at| managers[at].fields.clone()).unwrap_or_default();
    let entry = Manager {
        name: how.manager.into(),
        applies: true,
        api_version: kind.api_version(),
        subresource: how.subresource.into(),
        time: String::new(),
        fields: set,
    };
    match mine {
        Some(at) => managers[at] = entry,
        None => managers.push(entry),
    }
    let mut owned = Set::default();
    for manager in &managers {
        owned.union(&manager.fields);
    }
    let mut doomed = last;
    spare(&mut doomed, &owned);
    remove(kind, "", &mut merged, &doomed);

    let difference = fields::compare(kind, base, &merged);
    let (mut touched, mut removed) = (difference.touched(), difference.removed);
    managed::strip(kind, &mut touched, how.subresource);
    managed::strip(kind, &mut removed, how.subresource);
    let mut conflicts = Vec::new();
    for manager in managers.iter_mut().filter(|m| !m.is(how.manager, true, how.subresource)) {
        let common = manager.fields.intersection(&touched);
        if !common.is_empty() && live.is_some() {
            conflicts.push((manager.clone(), common.clone()));
            manager.fields.subtract(&common);
        }
        manager.fields.subtract(&removed);
    }
    if !conflicts.is_empty() && !how.force {
        return Err(conflict(&conflicts));
    }
    // The time stays empty here: the write stamps it, or keeps the old one if nothing changed.
    managed::write(&mut merged, managers, "");
    Ok(merged)
}

fn strip_other_half(config: &mut Value, subresource: &str) {
    if let Some(map) = config.as_object_mut() {
        match subresource {
            "status" => map.retain(|key, _| matches!(key.as_str(), "apiVersion" | "kind" | "metadata" | "status")),
            _ => drop(map.remove("status")),
        }
    }
}

/// Keeps in `doomed` only what no set in `owned` holds, nor anything below it.
fn spare(doomed: &mut Set, owned: &Set) {
    doomed.member = false;
    let keys: Vec<String> = doomed.children.keys().cloned().collect();
    for key in keys {
        if let (Some(mine), Some(theirs)) = (doomed.children.get_mut(&key), owned.children.get(&key)) {
            if theirs.is_empty() {
                continue;
            }
            spare(mine, theirs);
            if mine.is_empty() {
                doomed.children.remove(&key);
            }
        }
    }
}

fn merge(kind: &Kind, name: &str, into: &mut Value, from: &Value) {
    match (from, schema::topology(kind, name, from)) {
        (Value::Object(map), Topology::Plain) => {
            if !into.is_object() {
                *into = Value::Object(Map::new());
            }
            if let Some(target) = into.as_object_mut() {
                for (key, value) in map {
                    if value.is_null() {
                        target.remove(key);
                    } else {
                        merge(kind, key, target.entry(key.clone()).or_insert(Value::Null), value);
                    }
                }
            }
        }
        (Value::Array(items), Topology::Keyed(keys)) => {
            let old = into.as_array().cloned().unwrap_or_default();
            let find = |list: &[Value], item: &Value| list.iter().position(|o| schema::same_item(o, item, keys));
            *into = Value::Array(in_order(&old, items, find, |old, new| {
                let mut merged = old.cloned().unwrap_or(Value::Null);
                merge(kind, "", &mut merged, new);
                merged
            }));
        }
        (Value::Array(items), Topology::Set) => {
            let old = into.as_array().cloned().unwrap_or_default();
            *into = Value::Array(in_order(
                &old,
                items,
                |list, item| list.iter().position(|o| o == item),
                |_, new| new.clone(),
            ));
        }
        _ => *into = from.clone(),
    }
}

/// Merges two lists so that the applied order holds among applied items, and others keep their place before what follows them.
fn in_order(
    old: &[Value],
    new: &[Value],
    find: impl Fn(&[Value], &Value) -> Option<usize>,
    merge: impl Fn(Option<&Value>, &Value) -> Value,
) -> Vec<Value> {
    let mut out = Vec::with_capacity(old.len() + new.len());
    let mut next_old = 0;
    for item in new {
        let at = find(old, item);
        if let Some(at) = at {
            while next_old < at {
                if find(new, &old[next_old]).is_none() {
                    out.push(old[next_old].clone());
                }
                next_old += 1;
            }
            next_old = next_old.max(at + 1);
        }
        out.push(merge(at.map(|at| &old[at]), item));
    }
    out.extend(old[next_old.min(old.len())..].iter().filter(|o| find(new, o).is_none()).cloned());
    out
}

/// Removes the members of a set; what becomes empty by it goes too.
fn remove(kind: &Kind, name: &str, value: &mut Value, doomed: &Set) {
    let topology = schema::topology(kind, name, value);
    match (value, topology) {
        (Value::Object(map), Topology::Plain) => {
            for (element, child) in &doomed.children {
                let Some(key) = element.strip_prefix("f:") else { continue };
                if child.member {
                    map.remove(key);
                } else if let Some(inner) = map.get_mut(key) {
                    remove(kind, key, inner, child);
                    if inner.as_object().is_some_and(Map::is_empty) || inner.as_array().is_some_and(Vec::is_empty) {
                        map.remove(key);
                    }
                }
            }
        }
        (Value::Array(items), Topology::Keyed(keys)) => {
            items.retain_mut(|item| match doomed.children.get(&fields::item_element(item, keys)) {
                Some(child) if child.member => false,
                Some(child) => {
                    remove(kind, "", item, child);
                    true
                }
                None => true,
            });
        }
        (Value::Array(items), Topology::Set) => {
            items.retain(|item| !doomed.children.contains_key(&fields::value_element(item)));
        }
        _ => {}
    }
}

fn conflict(conflicts: &[(Manager, Set)]) -> Status {
    let number: usize = conflicts.iter().map(|(_, set)| set.paths().len()).sum();
    let mut causes = Vec::new();
    let mut lines = String::new();
    for (at, (manager, set)) in conflicts.iter().enumerate() {
        let mut who = format!("\"{}\"", manager.name);
        if !manager.subresource.is_empty() {
            who.push_str(&format!(" with subresource \"{}\"", manager.subresource));
        }
        if !manager.applies {
            who.push_str(&format!(" using {}", manager.api_version));
        }
        let paths = set.paths();
        for path in &paths {
            causes.push(Cause::new("FieldManagerConflict", format!("conflict with {who}"), path.clone()));
        }
        if at > 0 {
            lines.push('\n');
        }
        match paths.as_slice() {
            [one] if number == 1 => lines.push_str(&format!("conflict with {who}: {one}")),
            many => lines.push_str(&format!("conflicts with {who}:\n- {}", many.join("\n- "))),
        }
    }
    let plural = if number == 1 { "conflict" } else { "conflicts" };
    Status::new(409, "Conflict", format!("Apply failed with {number} {plural}: {lines}")).with_causes(causes)
}
