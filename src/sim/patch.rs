//! Patches that are not an apply: JSON patch (RFC 6902), merge patch (RFC 7386), strategic merge patch.

use serde_json::{Map, Value};

use super::kinds::Kind;
use super::schema::{self, Strategy};
use super::status::Status;

/// RFC 7386.
pub(crate) fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    if let Some(map) = target.as_object_mut() {
        for (key, value) in patch {
            if value.is_null() {
                map.remove(key);
            } else {
                merge(map.entry(key.clone()).or_insert(Value::Null), value);
            }
        }
    }
}

/// RFC 6902. A patch that does not fit is 422, as the API server has it; one that is no patch is 400.
pub(crate) fn json(target: &mut Value, patch: &Value) -> Result<(), Status> {
    let steps = patch.as_array().ok_or_else(|| {
        Status::bad_request("error decoding patch: json: cannot unmarshal object into Go value of type jsonpatch.Patch")
    })?;
    for step in steps {
        let text = |key: &str| step[key].as_str().unwrap_or_default();
        let failed = |what: &str| unprocessable(format!("{what}: {}", text("path")));
        let path = parse_pointer(text("path"));
        match text("op") {
            "add" => add(target, &path, step["value"].clone())
                .ok_or_else(|| failed("add operation does not apply: doc is missing path"))?,
            "remove" => drop(
                take(target, &path).ok_or_else(|| failed("remove operation does not apply: doc is missing path"))?,
            ),
            "replace" => {
                *find(target, &path).ok_or_else(|| failed("replace operation does not apply: doc is missing key"))? =
                    step["value"].clone();
            }
            "test" => {
                let holds = find(target, &path).map_or(step["value"].is_null(), |v| *v == step["value"]);
                if !holds {
                    return Err(unprocessable(format!("testing path {} failed", text("path"))));
                }
            }
            "move" | "copy" => {
                let from = parse_pointer(text("from"));
                let value = if text("op") == "move" { take(target, &from) } else { find(target, &from).cloned() };
                let value = value.ok_or_else(|| failed("operation does not apply: doc is missing from path"))?;
                add(target, &path, value).ok_or_else(|| failed("operation does not apply: doc is missing path"))?;
            }
            other => return Err(Status::bad_request(format!("unexpected kind: {other}"))),
        }
    }
    Ok(())
}

fn unprocessable(why: String) -> Status {
    let mut status =
        Status::new(422, "Invalid", format!("the server rejected our request due to an error in our request: {why}"));
    "the server rejected our request due to an error in our request".clone_into(&mut status.message);
    status.details = Some(Box::default());
    status.with_causes(vec![super::status::Cause::new("", why, "")])
}

fn parse_pointer(text: &str) -> Vec<String> {
    text.split('/').skip(1).map(|part| part.replace("~1", "/").replace("~0", "~")).collect()
}

fn find<'a>(value: &'a mut Value, path: &[String]) -> Option<&'a mut Value> {
    path.iter().try_fold(value, |at, key| match at {
        Value::Object(map) => map.get_mut(key),
        Value::Array(list) => list.get_mut(key.parse::<usize>().ok()?),
        _ => None,
    })
}

fn add(target: &mut Value, path: &[String], value: Value) -> Option<()> {
    let Some((last, parents)) = path.split_last() else {
        *target = value;
        return Some(());
    };
    match find(target, parents)? {
        Value::Object(map) => drop(map.insert(last.clone(), value)),
        Value::Array(list) => {
            let at = if last == "-" { list.len() } else { last.parse().ok().filter(|at| *at <= list.len())? };
            list.insert(at, value);
        }
        _ => return None,
    }
    Some(())
}

fn take(target: &mut Value, path: &[String]) -> Option<Value> {
    let (last, parents) = path.split_last()?;
    match find(target, parents)? {
        Value::Object(map) => map.remove(last),
        Value::Array(list) => {
            let at = last.parse::<usize>().ok().filter(|at| *at < list.len())?;
            Some(list.remove(at))
        }
        _ => None,
    }
}

/// Kubernetes' strategic merge patch: lists of objects merge by their key; `$patch`, `$deleteFromPrimitiveList/` and
/// `$setElementOrder/` direct it.
pub(crate) fn strategic(kind: &Kind, target: &mut Value, patch: &Value) -> Result<(), Status> {
    let Some(patch) = patch.as_object() else {
        *target = patch.clone();
        return Ok(());
    };
    if patch.get("$patch").is_some_and(|d| d == "replace") {
        *target =
            Value::Object(patch.iter().filter(|(k, _)| *k != "$patch").map(|(k, v)| (k.clone(), v.clone())).collect());
        return Ok(());
    }
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Some(map) = target.as_object_mut() else { return Ok(()) };
    if let Some(keep) = patch.get("$retainKeys").and_then(Value::as_array) {
        map.retain(|key, _| keep.iter().any(|k| k == key));
    }
    for (key, value) in patch {
        if key == "$patch" || key == "$retainKeys" || key.starts_with("$setElementOrder/") {
            continue;
        }
        if let Some(name) = key.strip_prefix("$deleteFromPrimitiveList/") {
            if let (Some(list), Some(gone)) = (map.get_mut(name).and_then(Value::as_array_mut), value.as_array()) {
                list.retain(|v| !gone.contains(v));
            }
            continue;
        }
        match value {
            Value::Null => drop(map.remove(key)),
            Value::Object(_) => strategic(kind, map.entry(key.clone()).or_insert(Value::Null), value)?,
            Value::Array(items) => {
                let list = map.entry(key.clone()).or_insert_with(|| Value::Array(Vec::new()));
                strategic_list(kind, key, list, items)?;
            }
            scalar => drop(map.insert(key.clone(), scalar.clone())),
        }
    }
    for (key, order) in patch {
        if let (Some(name), Some(order)) = (key.strip_prefix("$setElementOrder/"), order.as_array())
            && let Some(list) = map.get_mut(name).and_then(Value::as_array_mut)
        {
            let by = schema::strategy(kind, name);
            let rank = |item: &Value| {
                order.iter().position(|o| match by {
                    Strategy::Merge(key) => o.get(key) == item.get(key),
                    _ => o == item,
                })
            };
            list.sort_by_key(|item| rank(item).unwrap_or(usize::MAX));
        }
    }
    Ok(())
}

fn strategic_list(kind: &Kind, name: &str, target: &mut Value, patch: &[Value]) -> Result<(), Status> {
    if !target.is_array() {
        *target = Value::Array(Vec::new());
    }
    let Some(list) = target.as_array_mut() else { return Ok(()) };
    if patch.iter().any(|p| p.get("$patch").is_some_and(|d| d == "replace")) {
        *list = patch.iter().filter(|p| p.get("$patch").is_none()).cloned().collect();
        return Ok(());
    }
    match schema::strategy(kind, name) {
        Strategy::Replace => *list = patch.to_vec(),
        Strategy::Union => {
            for value in patch {
                if !list.contains(value) {
                    list.push(value.clone());
                }
            }
        }
        Strategy::Merge(key) => {
            for item in patch {
                let Some(wanted) = item.get(key) else {
                    return Err(Status::new(
                        500,
                        "InternalError",
                        format!("map: {item} does not contain declared merge key: {key}"),
                    ));
                };
                let at = list.iter().position(|o| o.get(key) == Some(wanted));
                if item.get("$patch").is_some_and(|d| d == "delete") {
                    if let Some(at) = at {
                        list.remove(at);
                    }
                } else if let Some(at) = at {
                    strategic(kind, &mut list[at], item)?;
                } else {
                    let mut fresh = Value::Null;
                    strategic(kind, &mut fresh, item)?;
                    list.push(fresh);
                }
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::kinds;
    use super::*;
    use serde_json::json;

    #[test]
    fn patches() {
        #[track_caller]
        fn check(kind: &str, mut target: Value, patch: &Value, expect: &Value) {
            match kind {
                "json" => json(&mut target, patch).unwrap(),
                "merge" => merge(&mut target, patch),
                _ => strategic(kinds::POD, &mut target, patch).unwrap(),
            }
            assert_eq!(&target, expect);
        }
        check(
            "merge",
            json!({"a": {"b": 1, "c": 2}}),
            &json!({"a": {"b": null, "d": [1]}}),
            &json!({"a": {"c": 2, "d": [1]}}),
        );
        check(
            "json",
            json!({"a": [1, 3]}),
            &json!([{"op": "add", "path": "/a/1", "value": 2}, {"op": "test", "path": "/a/2", "value": 3},
            {"op": "copy", "from": "/a/0", "path": "/x~1y"}]),
            &json!({"a": [1, 2, 3], "x/y": 1}),
        );
        let pod = json!({"spec": {"containers": [{"name": "a", "image": "1"}, {"name": "b", "image": "1"}], "tolerations": [{"key": "x"}]}});
        check(
            "strategic",
            pod.clone(),
            &json!({"spec": {"containers": [{"name": "b", "image": "2"}, {"name": "c"}], "tolerations": []}}),
            &json!({"spec": {"containers": [{"name": "a", "image": "1"}, {"name": "b", "image": "2"}, {"name": "c"}], "tolerations": []}}),
        );
        check(
            "strategic",
            pod,
            &json!({"spec": {"$setElementOrder/containers": [{"name": "b"}, {"name": "a"}],
            "containers": [{"name": "a", "image": null, "$patch": "merge"}]}}),
            &json!({"spec": {"containers": [{"name": "b", "image": "1"}, {"name": "a"}], "tolerations": [{"key": "x"}]}}),
        );
        let refused = json(&mut json!({}), &json!([{"op": "test", "path": "/a", "value": 3}])).unwrap_err();
        assert_eq!((refused.code, refused.reason.as_str()), (422, "Invalid"));
    }
}
