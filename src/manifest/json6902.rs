//! JSON patch (RFC 6902), the operations add, replace, remove and test.

use super::error::{ManifestError, Place};
use serde::Deserialize;
use serde_json::Value;

/// One operation. `test` makes a patch that leans on a position fail loudly where the base has something else there.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(tag = "op", rename_all = "lowercase", deny_unknown_fields)]
pub(crate) enum Operation {
    Add { path: String, value: Value },
    Replace { path: String, value: Value },
    Remove { path: String },
    Test { path: String, value: Value },
}

/// Reads a patch given as a list of operations.
pub(crate) fn operations(patch: &Value, place: &Place) -> Result<Vec<Operation>, ManifestError> {
    serde_json::from_value(patch.clone()).map_err(|error| {
        ManifestError::at(place, format!("not a JSON patch of add, replace, remove and test: {error}"))
    })
}

/// Applies all operations, in order.
pub(crate) fn apply(object: &mut Value, operations: &[Operation], place: &Place) -> Result<(), ManifestError> {
    for operation in operations {
        step(object, operation)
            .map_err(|(path, message)| ManifestError::at(place, format!("JSON patch, {path}: {message}")))?;
    }
    Ok(())
}

type Failure = (String, String);

fn step(object: &mut Value, operation: &Operation) -> Result<(), Failure> {
    match operation {
        Operation::Test { path, value } => match object.pointer(path) {
            Some(found) if found == value => Ok(()),
            Some(found) => Err((path.clone(), format!("expected {value} there, found {found}"))),
            None => Err((path.clone(), format!("expected {value} there, found nothing"))),
        },
        Operation::Replace { path, value } => match object.pointer_mut(path) {
            Some(slot) => {
                *slot = value.clone();
                Ok(())
            }
            None => Err((path.clone(), "there is nothing to replace".to_owned())),
        },
        Operation::Add { path, value } => {
            let (parent, token) = parent(object, path)?;
            match parent {
                Value::Object(map) => {
                    map.insert(token, value.clone());
                    Ok(())
                }
                Value::Array(list) => {
                    let at = if token == "-" { Some(list.len()) } else { index(&token).filter(|at| *at <= list.len()) };
                    let at = at.ok_or_else(|| (path.clone(), format!("the list has {} items", list.len())))?;
                    list.insert(at, value.clone());
                    Ok(())
                }
                _ => Err((path.clone(), "its parent is neither a mapping nor a list".to_owned())),
            }
        }
        Operation::Remove { path } => {
            let (parent, token) = parent(object, path)?;
            let removed = match parent {
                Value::Object(map) => map.remove(&token).is_some(),
                Value::Array(list) => index(&token).filter(|at| *at < list.len()).map(|at| list.remove(at)).is_some(),
                _ => false,
            };
            if removed { Ok(()) } else { Err((path.clone(), "there is nothing to remove".to_owned())) }
        }
    }
}

fn parent<'v>(object: &'v mut Value, path: &str) -> Result<(&'v mut Value, String), Failure> {
    let fail = |message: &str| (path.to_owned(), message.to_owned());
    let (above, token) = path.rsplit_once('/').ok_or_else(|| fail("a path begins with / and names a field"))?;
    let token = token.replace("~1", "/").replace("~0", "~");
    let parent = object.pointer_mut(above).ok_or_else(|| fail("its parent is not there"))?;
    Ok((parent, token))
}

fn index(token: &str) -> Option<usize> {
    let canonical = token == "0" || (!token.starts_with('0') && !token.starts_with('+'));
    if canonical { token.parse().ok() } else { None }
}

/// A field name or list position as one part of a JSON pointer.
pub(crate) fn token(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn run(patch: &Value) -> Result<Value, String> {
        let place = Place { file: "p.yaml".to_owned(), line: 3 };
        let mut object = json!({"a": {"x/y": 1}, "l": [1, 2]});
        let operations = operations(patch, &place).map_err(|error| error.to_string())?;
        apply(&mut object, &operations, &place).map_err(|error| error.to_string())?;
        Ok(object)
    }

    #[test]
    fn operations_do_what_they_say() {
        let patch = json!([
            {"op": "test", "path": "/a/x~1y", "value": 1},
            {"op": "replace", "path": "/a/x~1y", "value": 2},
            {"op": "add", "path": "/l/-", "value": 9},
            {"op": "add", "path": "/l/0", "value": 0},
            {"op": "remove", "path": "/l/1"},
            {"op": "add", "path": "/n", "value": {}},
        ]);
        assert_eq!(run(&patch).unwrap(), json!({"a": {"x/y": 2}, "l": [0, 2, 9], "n": {}}));
    }

    #[test]
    fn what_does_not_fit_is_refused_with_its_path() {
        for (operation, message) in [
            (
                json!({"op": "test", "path": "/l/0", "value": 5}),
                "p.yaml:3: JSON patch, /l/0: expected 5 there, found 1",
            ),
            (json!({"op": "replace", "path": "/no", "value": 5}), "nothing to replace"),
            (json!({"op": "remove", "path": "/l/7"}), "nothing to remove"),
            (json!({"op": "add", "path": "/l/07", "value": 1}), "the list has 2 items"),
            (json!({"op": "add", "path": "/no/x", "value": 1}), "its parent is not there"),
            (json!({"op": "move", "from": "/a", "path": "/b"}), "unknown variant `move`"),
        ] {
            let error = run(&json!([operation])).unwrap_err();
            assert!(error.contains(message), "{error}");
        }
    }
}
