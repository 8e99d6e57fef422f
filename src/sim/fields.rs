//! Sets of fields, as `managedFields` writes them (FieldsV1): a tree of `f:name`, `k:{keys}` and `v:value`.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::kinds::Kind;
use super::schema::{self, Topology};

/// A set of paths. `member` says that the path to this very node is in the set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Set {
    pub member: bool,
    pub children: BTreeMap<String, Set>,
}

impl Set {
    pub(crate) fn leaf() -> Set {
        Set { member: true, children: BTreeMap::new() }
    }

    pub(crate) fn is_empty(&self) -> bool {
        !self.member && self.children.values().all(Set::is_empty)
    }

    /// Reads FieldsV1; what is not an object is a leaf.
    pub(crate) fn from_json(value: &Value) -> Set {
        let mut set = Set::default();
        let map = value.as_object();
        for (key, child) in map.into_iter().flatten() {
            if key == "." {
                set.member = true;
            } else {
                let mut child_set = Set::from_json(child);
                if child.as_object().is_none_or(Map::is_empty) {
                    child_set.member = true;
                }
                set.children.insert(key.clone(), child_set);
            }
        }
        set
    }

    pub(crate) fn to_json(&self) -> Value {
        let mut map = Map::new();
        if self.member && !self.children.is_empty() {
            map.insert(".".into(), Value::Object(Map::new()));
        }
        for (key, child) in &self.children {
            map.insert(key.clone(), child.to_json());
        }
        Value::Object(map)
    }

    pub(crate) fn union(&mut self, other: &Set) {
        self.member |= other.member;
        for (key, child) in &other.children {
            self.children.entry(key.clone()).or_default().union(child);
        }
    }

    /// Takes the paths of `other` out.
    pub(crate) fn subtract(&mut self, other: &Set) {
        self.member &= !other.member;
        for (key, child) in &other.children {
            if let Some(mine) = self.children.get_mut(key) {
                mine.subtract(child);
                if mine.is_empty() {
                    self.children.remove(key);
                }
            }
        }
    }

    pub(crate) fn intersection(&self, other: &Set) -> Set {
        let mut out = Set { member: self.member && other.member, children: BTreeMap::new() };
        for (key, child) in &self.children {
            if let Some(theirs) = other.children.get(key) {
                let common = child.intersection(theirs);
                if !common.is_empty() {
                    out.children.insert(key.clone(), common);
                }
            }
        }
        out
    }

    pub(crate) fn insert(&mut self, path: &[&str]) {
        match path.split_first() {
            None => self.member = true,
            Some((first, rest)) => self.children.entry((*first).to_owned()).or_default().insert(rest),
        }
    }

    /// Drops a path with everything below it.
    pub(crate) fn remove(&mut self, path: &[&str]) {
        match path {
            [] => *self = Set::default(),
            [last] => drop(self.children.remove(*last)),
            [first, rest @ ..] => {
                if let Some(child) = self.children.get_mut(*first) {
                    child.remove(rest);
                    if child.is_empty() {
                        self.children.remove(*first);
                    }
                }
            }
        }
    }

    /// The member paths as messages print them: `.spec.template.spec.containers[name="x"].image`.
    pub(crate) fn paths(&self) -> Vec<String> {
        let mut out = Vec::new();
        self.collect("", &mut out);
        out
    }

    fn collect(&self, prefix: &str, out: &mut Vec<String>) {
        if self.member {
            out.push(prefix.to_owned());
        }
        for (key, child) in &self.children {
            child.collect(&format!("{prefix}{}", printed(key)), out);
        }
    }
}

fn printed(element: &str) -> String {
    if let Some(name) = element.strip_prefix("f:") {
        return format!(".{name}");
    }
    if let Some(keys) = element.strip_prefix("k:") {
        let keys: BTreeMap<String, Value> = serde_json::from_str(keys).unwrap_or_default();
        let pairs: Vec<String> = keys.iter().map(|(k, v)| format!("{k}={v}")).collect();
        return format!("[{}]", pairs.join(","));
    }
    match element.strip_prefix("v:") {
        Some(value) => format!("[={value}]"),
        None => format!("[{element}]"),
    }
}

/// The path element of an item of a keyed list.
pub(crate) fn item_element(item: &Value, keys: &[&str]) -> String {
    let map: BTreeMap<&str, Value> =
        keys.iter().map(|key| (*key, schema::key_value(item, key))).filter(|(_, v)| !v.is_null()).collect();
    format!("k:{}", serde_json::to_string(&map).unwrap_or_default())
}

pub(crate) fn value_element(value: &Value) -> String {
    format!("v:{value}")
}

/// The fields that an applied configuration names.
pub(crate) fn of_value(kind: &Kind, name: &str, value: &Value) -> Set {
    let mut set = Set::default();
    match (value, schema::topology(kind, name, value)) {
        (Value::Object(map), Topology::Plain) => {
            for (key, child) in map {
                let mut one = of_value(kind, key, child);
                let bare = child.is_null() || child.as_object().is_some_and(Map::is_empty) || is_free_map(name);
                one.member |= bare;
                if !one.is_empty() {
                    set.children.insert(format!("f:{key}"), one);
                }
            }
        }
        (Value::Array(items), Topology::Keyed(keys)) => {
            for item in items {
                let mut one = of_value(kind, "", item);
                one.member = true;
                set.children.insert(item_element(item, keys), one);
            }
        }
        (Value::Array(items), Topology::Set) => {
            for item in items {
                set.children.insert(value_element(item), Set::leaf());
            }
        }
        _ => set.member = true,
    }
    set
}

/// Maps whose keys are data: each key is a field of its own.
fn is_free_map(name: &str) -> bool {
    matches!(
        name,
        "labels"
            | "annotations"
            | "data"
            | "binaryData"
            | "stringData"
            | "limits"
            | "requests"
            | "hard"
            | "capacity"
            | "parameters"
    )
}

/// What differs between two objects.
#[derive(Clone, Debug, Default)]
pub(crate) struct Difference {
    pub added: Set,
    pub modified: Set,
    pub removed: Set,
}

impl Difference {
    /// Added and modified together.
    pub(crate) fn touched(&self) -> Set {
        let mut out = self.added.clone();
        out.union(&self.modified);
        out
    }
}

pub(crate) fn compare(kind: &Kind, old: &Value, new: &Value) -> Difference {
    let mut out = Difference::default();
    walk(kind, "", Some(old), Some(new), &mut Vec::new(), &mut out);
    out
}

fn walk(
    kind: &Kind,
    name: &str,
    old: Option<&Value>,
    new: Option<&Value>,
    path: &mut Vec<String>,
    out: &mut Difference,
) {
    if old == new {
        return;
    }
    let sample = new.filter(|v| !v.is_null()).or(old).unwrap_or(&Value::Null);
    let here = |set: &mut Set| set.insert(&path.iter().map(String::as_str).collect::<Vec<_>>());
    match (sample, schema::topology(kind, name, sample)) {
        (Value::Object(_), Topology::Plain) => {
            let (a, b) = (old.and_then(Value::as_object), new.and_then(Value::as_object));
            note_presence(old, new, path, out);
            let mut keys: Vec<&String> = a.into_iter().chain(b).flat_map(|m| m.keys()).collect();
            keys.sort_unstable();
            keys.dedup();
            for key in keys {
                path.push(format!("f:{key}"));
                walk(kind, key, a.and_then(|m| m.get(key)), b.and_then(|m| m.get(key)), path, out);
                path.pop();
            }
        }
        (Value::Array(_), Topology::Keyed(keys)) => {
            let (a, b) = (items(old), items(new));
            note_presence(old, new, path, out);
            for item in b {
                path.push(item_element(item, keys));
                walk(kind, "", a.iter().find(|o| schema::same_item(o, item, keys)), Some(item), path, out);
                path.pop();
            }
            for item in a.iter().filter(|o| !b.iter().any(|n| schema::same_item(o, n, keys))) {
                path.push(item_element(item, keys));
                walk(kind, "", Some(item), None, path, out);
                path.pop();
            }
        }
        (Value::Array(_), Topology::Set) => {
            let (a, b) = (items(old), items(new));
            note_presence(old, new, path, out);
            for (value, set) in b
                .iter()
                .filter(|v| !a.contains(v))
                .map(|v| (v, true))
                .chain(a.iter().filter(|v| !b.contains(v)).map(|v| (v, false)))
            {
                path.push(value_element(value));
                note_presence((!set).then_some(value), set.then_some(value), path, out);
                path.pop();
            }
        }
        _ => match (old, new) {
            (None, Some(_)) => here(&mut out.added),
            (Some(_), None) => here(&mut out.removed),
            (Some(a), Some(b)) if a != b => here(&mut out.modified),
            _ => {}
        },
    }
}

fn items(list: Option<&Value>) -> &[Value] {
    list.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

fn note_presence(old: Option<&Value>, new: Option<&Value>, path: &[String], out: &mut Difference) {
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    if path.is_empty() {
        return;
    }
    match (old, new) {
        (None, Some(_)) => out.added.insert(&path),
        (Some(_), None) => out.removed.insert(&path),
        _ => {}
    }
}
