//! Strategic merge, as Kustomize does it: maps field by field, null removes, lists by the API's merge keys, `$patch` directives.
//! Patched items of a list with one key come first, in the patch's order. What Kustomize would treat in a way that depends on more
//! than the two values (items without their key, ports with and without a protocol in one list) is refused.

use super::error::{ManifestError, Place};
use super::object::{group_version, text};
use super::schema::{ListRule, list_rule};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

const DIRECTIVE: &str = "$patch";

/// `object` with `patch` merged into it; `None` where the patch deletes the whole object.
pub(crate) fn merge(object: &Value, patch: &Value, place: &Place) -> Result<Option<Value>, ManifestError> {
    let (group, _) = group_version(text(object, "/apiVersion"));
    let mut merger = Merger { group, kind: text(object, "/kind"), place, path: Vec::new() };
    merger.value(Some(object), patch)
}

struct Merger<'a> {
    group: &'a str,
    kind: &'a str,
    /// Where the patch stands.
    place: &'a Place,
    path: Vec<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Directive {
    Merge,
    Replace,
    Delete,
}

impl Merger<'_> {
    fn value(&mut self, dest: Option<&Value>, patch: &Value) -> Result<Option<Value>, ManifestError> {
        let dest = dest.filter(|value| !value.is_null());
        match (dest, patch) {
            (_, Value::Null) => Ok(None),
            (None | Some(Value::Object(_)), Value::Object(map)) => self.map(dest.and_then(Value::as_object), map),
            (None | Some(Value::Array(_)), Value::Array(list)) => self.list(dest.and_then(Value::as_array), list),
            (Some(Value::Object(_) | Value::Array(_)), _) | (Some(_), Value::Object(_) | Value::Array(_)) => {
                Err(self.refuse(format!("the object has {} there, the patch {}", name_of(dest), name_of(Some(patch)))))
            }
            (_, scalar) => Ok(Some(scalar.clone())),
        }
    }

    fn map(
        &mut self,
        dest: Option<&Map<String, Value>>,
        patch: &Map<String, Value>,
    ) -> Result<Option<Value>, ManifestError> {
        let dest = match self.directive(patch)? {
            Directive::Delete => return Ok(None),
            Directive::Replace => None,
            Directive::Merge => dest,
        };
        let mut merged = Map::new();
        for (key, value) in dest.into_iter().flatten().filter(|(key, _)| !patch.contains_key(*key)) {
            self.path.push(key.clone());
            self.check_kept(value)?;
            self.path.pop();
            merged.insert(key.clone(), value.clone());
        }
        for (key, value) in patch.iter().filter(|(key, _)| *key != DIRECTIVE) {
            self.path.push(key.clone());
            if let Some(value) = self.value(dest.and_then(|dest| dest.get(key)), value)? {
                merged.insert(key.clone(), value);
            }
            self.path.pop();
        }
        Ok(Some(Value::Object(merged)))
    }

    fn list(&mut self, dest: Option<&Vec<Value>>, patch: &[Value]) -> Result<Option<Value>, ManifestError> {
        let merged = match list_rule(self.group, self.kind, &self.path) {
            ListRule::Replace => {
                patch.iter().try_for_each(|item| self.no_directive(item))?;
                patch.to_vec()
            }
            ListRule::Set => {
                let mut all: Vec<Value> = Vec::new();
                for item in patch.iter().chain(dest.into_iter().flatten()) {
                    if !all.contains(item) {
                        all.push(item.clone());
                    }
                }
                all
            }
            ListRule::Merge(keys) => match self.list_directive(dest, patch)? {
                (Directive::Delete, _) => return Ok(None),
                (Directive::Replace, rest) => self.merge_items(keys, None, &rest)?,
                (Directive::Merge, rest) => self.merge_items(keys, dest, &rest)?,
            },
        };
        Ok(Some(Value::Array(merged)))
    }

    fn merge_items(
        &mut self,
        keys: &[&str],
        dest: Option<&Vec<Value>>,
        patch: &[&Value],
    ) -> Result<Vec<Value>, ManifestError> {
        let old: Vec<&Value> = dest.into_iter().flatten().collect();
        let keys = self.keys_in_use(keys, old.iter().chain(patch).copied())?;
        self.check_distinct(&keys, &old)?;
        self.check_distinct(&keys, patch)?;
        // With one key the patched items come first, in the patch's order; with two they keep their places, and only new ones come first.
        let in_place = keys.len() > 1;
        let (mut first, mut patched) = (Vec::new(), BTreeMap::new());
        for item in patch {
            if item.get(DIRECTIVE).is_some_and(|directive| directive == "replace") {
                return Err(
                    self.refuse(format!("{DIRECTIVE}: replace has no effect in Kustomize on an item of a list"))
                );
            }
            let same = old.iter().find(|candidate| identity(candidate, &keys) == identity(item, &keys));
            let value = self.value(same.copied(), item)?;
            let value = value.filter(|value| value.as_object().is_none_or(|map| !map.is_empty()));
            if same.is_some() && in_place {
                patched.insert(identity(item, &keys), value);
            } else {
                first.extend(value);
                patched.insert(identity(item, &keys), None);
            }
        }
        let mut merged = first;
        for item in old {
            match patched.remove(&identity(item, &keys)) {
                Some(value) => merged.extend(value),
                None => {
                    self.check_kept(item)?;
                    merged.push(item.clone());
                }
            }
        }
        Ok(merged)
    }

    /// The keys that tell items apart: a second key that no item has is left out; one that only some have is refused.
    fn keys_in_use<'k, 'v>(
        &self,
        keys: &[&'k str],
        items: impl Iterator<Item = &'v Value>,
    ) -> Result<Vec<&'k str>, ManifestError> {
        let items: Vec<&Value> = items.collect();
        let mut used = Vec::new();
        for (at, key) in keys.iter().enumerate() {
            let have = items.iter().filter(|item| item.get(key).is_some_and(|value| !value.is_null())).count();
            if have == items.len() {
                used.push(*key);
            } else if at == 0 {
                return Err(self.refuse(format!("an item of this list has no `{key}`, by which items are matched")));
            } else if have > 0 {
                return Err(self.refuse(format!(
                    "some items of this list have `{key}` and some have not, so which ones are meant is not certain"
                )));
            }
        }
        Ok(used)
    }

    fn check_distinct(&self, keys: &[&str], items: &[&Value]) -> Result<(), ManifestError> {
        let mut seen = BTreeSet::new();
        match items.iter().find(|item| !seen.insert(identity(item, keys))) {
            Some(item) => Err(self.refuse(format!(
                "two items of this list have the same {} ({})",
                keys.join(" and "),
                identity(item, keys).join(", ")
            ))),
            None => Ok(()),
        }
    }

    /// What the patch leaves alone is kept as it is, once it is certain that Kustomize would keep it too.
    fn check_kept(&mut self, value: &Value) -> Result<(), ManifestError> {
        match value {
            Value::Object(map) => {
                for (key, value) in map {
                    self.path.push(key.clone());
                    self.check_kept(value)?;
                    self.path.pop();
                }
            }
            Value::Array(list) => {
                if let ListRule::Merge(keys) = list_rule(self.group, self.kind, &self.path) {
                    let items: Vec<&Value> = list.iter().collect();
                    let keys = self.keys_in_use(keys, list.iter())?;
                    self.check_distinct(&keys, &items)?;
                    for item in list {
                        self.check_kept(item)?;
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn directive(&self, patch: &Map<String, Value>) -> Result<Directive, ManifestError> {
        if let Some(key) = patch.keys().find(|key| key.starts_with('$') && *key != DIRECTIVE) {
            return Err(self.refuse(format!("the directive {key} is not one that Kustomize honours")));
        }
        match patch.get(DIRECTIVE) {
            None => Ok(Directive::Merge),
            Some(value) => self.parse_directive(value),
        }
    }

    fn parse_directive(&self, value: &Value) -> Result<Directive, ManifestError> {
        match value.as_str() {
            Some("merge") => Ok(Directive::Merge),
            Some("replace") => Ok(Directive::Replace),
            Some("delete") => Ok(Directive::Delete),
            _ => Err(self.refuse(format!("{DIRECTIVE} is merge, replace or delete, not {value}"))),
        }
    }

    /// The directive for the whole list, an item that holds nothing else, and the other items.
    fn list_directive<'v>(
        &self,
        dest: Option<&Vec<Value>>,
        patch: &'v [Value],
    ) -> Result<(Directive, Vec<&'v Value>), ManifestError> {
        let is_directive =
            |item: &Value| item.as_object().is_some_and(|map| map.len() == 1 && map.contains_key(DIRECTIVE));
        let rest = patch.iter().filter(|item| !is_directive(item)).collect();
        let mut directives = patch.iter().filter(|item| is_directive(item));
        match (directives.next(), directives.next(), dest) {
            (None, _, _) => Ok((Directive::Merge, rest)),
            (Some(_), Some(_), _) => Err(self.refuse(format!("a list takes one {DIRECTIVE} item"))),
            (Some(_), None, None) => {
                Err(self.refuse(format!("there is no list here for a {DIRECTIVE} item to act on")))
            }
            (Some(item), None, Some(_)) => Ok((self.parse_directive(&item[DIRECTIVE])?, rest)),
        }
    }

    /// Inside a list that is taken whole, Kustomize would leave directives standing in the object.
    fn no_directive(&self, value: &Value) -> Result<(), ManifestError> {
        match value {
            Value::Object(map) => match map.keys().find(|key| key.starts_with('$')) {
                Some(key) => Err(self.refuse(format!("{key} has no effect in a list that is replaced as a whole"))),
                None => map.values().try_for_each(|value| self.no_directive(value)),
            },
            Value::Array(list) => list.iter().try_for_each(|value| self.no_directive(value)),
            _ => Ok(()),
        }
    }

    fn refuse(&self, message: impl std::fmt::Display) -> ManifestError {
        let path = if self.path.is_empty() { "the object".to_owned() } else { self.path.join(".") };
        ManifestError::at(self.place, format!("{} patch, {path}: {message}", self.kind))
    }
}

fn identity(item: &Value, keys: &[&str]) -> Vec<String> {
    keys.iter()
        .map(|key| match item.get(key) {
            Some(Value::String(text)) => text.clone(),
            Some(value) => value.to_string(),
            None => String::new(),
        })
        .collect()
}

fn name_of(value: Option<&Value>) -> &'static str {
    match value {
        None | Some(Value::Null) => "nothing",
        Some(Value::Object(_)) => "a mapping",
        Some(Value::Array(_)) => "a list",
        Some(_) => "a plain value",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::load::parse;

    fn place() -> Place {
        Place { file: "p.yaml".to_owned(), line: 1 }
    }

    fn pod(yaml: &str) -> Value {
        let spec: Value = parse("t.yaml", 0, yaml).unwrap();
        serde_json::json!({"apiVersion": "apps/v1", "kind": "StatefulSet", "spec": {"template": {"spec": spec}}})
    }

    fn check(object: &str, patch: &str, expect: &str) {
        let merged = merge(&pod(object), &pod(patch), &place()).unwrap().unwrap();
        assert_eq!(merged, pod(expect), "{object} + {patch}");
    }

    fn check_refused(object: &str, patch: &str, message: &str) {
        let error = merge(&pod(object), &pod(patch), &place()).unwrap_err().to_string();
        assert!(error.starts_with("p.yaml:1: ") && error.contains(message), "{error}");
    }

    #[test]
    fn maps_merge_and_null_removes() {
        check("{nodeSelector: {a: b, c: d}}", "{nodeSelector: {a: null, e: f}}", "{nodeSelector: {c: d, e: f}}");
        check("{}", "{securityContext: {fsGroup: null, runAsUser: 1}}", "{securityContext: {runAsUser: 1}}");
        check("{securityContext: {fsGroup: 1}}", "{securityContext: null}", "{}");
    }

    #[test]
    fn lists_merge_by_key_and_patched_items_come_first() {
        check(
            "{containers: [{name: a, x: 1}, {name: b}]}",
            "{containers: [{name: b, y: 2}]}",
            "{containers: [{name: b, y: 2}, {name: a, x: 1}]}",
        );
        check(
            "{containers: [{name: a}]}",
            "{containers: [{name: z, x: null}]}",
            "{containers: [{name: z}, {name: a}]}",
        );
        check("{tolerations: [{key: a}]}", "{tolerations: [{key: b}]}", "{tolerations: [{key: b}]}");
        check("{tolerations: [{key: a}]}", "{tolerations: []}", "{tolerations: []}");
        check(
            "{containers: [{name: a, ports: [{containerPort: 1}, {containerPort: 2}]}]}",
            "{containers: [{name: a, ports: [{containerPort: 2, name: x}]}]}",
            "{containers: [{name: a, ports: [{containerPort: 2, name: x}, {containerPort: 1}]}]}",
        );
    }

    #[test]
    fn items_with_two_keys_keep_their_places() {
        let ports = |list: &str| format!("{{containers: [{{name: a, ports: [{list}]}}]}}");
        let (one, two) = ("{containerPort: 1, protocol: TCP}", "{containerPort: 2, protocol: TCP}");
        let (new, named) = ("{containerPort: 3, protocol: UDP}", "{containerPort: 2, protocol: TCP, name: x}");
        check(
            &ports(&format!("{one}, {two}")),
            &ports(&format!("{named}, {new}")),
            &ports(&format!("{new}, {one}, {named}")),
        );
    }

    #[test]
    fn directives() {
        check(
            "{containers: [{name: a}, {name: b}]}",
            "{containers: [{name: a, $patch: delete}]}",
            "{containers: [{name: b}]}",
        );
        check(
            "{containers: [{name: a, x: 1}]}",
            "{containers: [{$patch: replace}, {name: b}]}",
            "{containers: [{name: b}]}",
        );
        check("{volumes: [{name: a}]}", "{volumes: [{$patch: delete}]}", "{}");
        check("{nodeSelector: {a: b}}", "{nodeSelector: {$patch: replace, c: d}}", "{nodeSelector: {c: d}}");
        check("{nodeSelector: {a: b}}", "{nodeSelector: {$patch: delete}}", "{}");
        let gone = merge(&pod("{}"), &serde_json::json!({"$patch": "delete"}), &place()).unwrap();
        assert_eq!(gone, None);
    }

    #[test]
    fn what_is_not_certain_is_refused() {
        check_refused("{}", "{nodeSelector: {$retainKeys: [a]}}", "$retainKeys");
        check_refused(
            "{containers: [{name: a}]}",
            "{containers: [{name: a, $patch: replace}]}",
            "no effect in Kustomize",
        );
        check_refused("{}", "{nodeSelector: {$patch: join}}", "merge, replace or delete");
        check_refused("{containers: [{name: a}]}", "{containers: [{image: x}]}", "no `name`");
        check_refused(
            "{containers: [{name: a, env: [{name: X}, {name: X}]}]}",
            "{containers: [{name: a, x: 1}]}",
            "the same name (X)",
        );
        check_refused(
            "{containers: [{name: a, ports: [{containerPort: 1, protocol: TCP}, {containerPort: 2}]}]}",
            "{containers: [{name: a}]}",
            "`protocol`",
        );
        check_refused("{nodeSelector: {a: b}}", "{nodeSelector: x}", "a mapping there, the patch a plain value");
        check_refused("{tolerations: []}", "{tolerations: [{$patch: replace}]}", "no effect");
        check_refused("{}", "{volumes: [{$patch: replace}, {name: a}]}", "no list here");
    }
}
