//! Request bodies: JSON (or YAML for apply), of the kind that the path names, with strict field validation.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use super::dispatch::Call;
use super::kinds::Kind;
use super::object::{name_of, namespace_of, text_at};
use super::status::Status;
use super::strict;

/// Any JSON value, or 400.
pub(crate) fn json(body: &[u8]) -> Result<Value, Status> {
    serde_json::from_slice(body)
        .map_err(|e| Status::bad_request(format!("error decoding the request's body as JSON: {e}")))
}

/// An object of `kind`; the warnings are what `fieldValidation=Warn` says.
pub(crate) fn read(call: &Call, kind: &'static Kind) -> Result<(Value, Vec<String>), Status> {
    let is_apply = call.content_type() == "application/apply-patch+yaml";
    let mut duplicates = Vec::new();
    let mut object = match parse(&call.body, &mut duplicates) {
        Ok(object) => object,
        Err(_) if is_apply || call.content_type().ends_with("yaml") => yaml(&call.body)?,
        Err(error) => return Err(unrecognized(kind, &call.body, &error.to_string())),
    };
    let (api_version, kind_name) = (text_at(&object, &["apiVersion"]), text_at(&object, &["kind"]));
    if is_apply && (api_version.is_empty() || kind_name.is_empty()) {
        return Err(Status::bad_request(format!(
            "invalid object type: {}, Kind={kind_name}",
            group_version(api_version)
        )));
    }
    let expected = kind.api_version();
    if (!api_version.is_empty() && api_version != expected) || (!kind_name.is_empty() && kind_name != kind.kind) {
        return Err(Status::bad_request(format!(
            "{kind_name} in version \"{api_version}\" cannot be handled as a {}: it was sent to the path of {}",
            kind.kind,
            kind.resource()
        )));
    }
    if !object.is_object() {
        return Err(unrecognized(kind, &call.body, "the body is no JSON object"));
    }
    if let Some(map) = object.as_object_mut() {
        map.insert("apiVersion".into(), expected.into());
        map.insert("kind".into(), kind.kind.into());
    }
    let unknown = strict::unknown_fields(kind, &object)?;
    if is_apply {
        if unknown.is_empty() {
            return Ok((object, Vec::new()));
        }
        return Err(untyped(kind, &object, &unknown));
    }
    let mut complaints: Vec<String> = unknown.iter().map(|path| format!("unknown field \"{path}\"")).collect();
    complaints.extend(duplicates.iter().map(|path| format!("duplicate field \"{path}\"")));
    match call.query.get("fieldValidation") {
        "Ignore" => Ok((object, Vec::new())),
        "Strict" if !complaints.is_empty() => Err(Status::bad_request(format!(
            "{0} in version \"{1}\" cannot be handled as a {0}: strict decoding error: {2}",
            kind.kind,
            kind.version,
            complaints.join(", ")
        ))),
        _ => Ok((object, complaints)),
    }
}

fn group_version(api_version: &str) -> String {
    if api_version.contains('/') { api_version.into() } else { format!("/{api_version}") }
}

fn unrecognized(kind: &Kind, body: &[u8], why: &str) -> Status {
    let start: String = String::from_utf8_lossy(body).chars().take(30).collect();
    Status::bad_request(format!(
        "the object provided is unrecognized (must be of type {}): couldn't get version/kind; json parse error: {why} ({start} ...)",
        kind.kind
    ))
}

fn untyped(kind: &Kind, object: &Value, unknown: &[String]) -> Status {
    // The API server gives up at the first one; the shallowest is what a reader wants to see.
    let first = unknown.iter().min_by_key(|path| path.matches('.').count());
    let error = first.map(|path| format!(".{path}: field not declared in schema")).unwrap_or_default();
    let message = format!(
        "failed to create typed patch object ({}/{}; {}, Kind={}): {error}",
        namespace_of(object),
        name_of(object),
        group_version(&kind.api_version()),
        kind.kind
    );
    Status::new(500, "", message)
}

fn yaml(body: &[u8]) -> Result<Value, Status> {
    let text = std::str::from_utf8(body).map_err(|e| Status::bad_request(format!("error decoding YAML: {e}")))?;
    serde_saphyr::from_str(text).map_err(|e| Status::bad_request(format!("error decoding YAML: {e}")))
}

/// Parses JSON and notes the keys that occur twice in one object.
fn parse(body: &[u8], duplicates: &mut Vec<String>) -> serde_json::Result<Value> {
    let mut reader = serde_json::Deserializer::from_slice(body);
    let value = Noting { path: String::new(), duplicates }.deserialize(&mut reader)?;
    reader.end()?;
    Ok(value)
}

struct Noting<'a> {
    path: String,
    duplicates: &'a mut Vec<String>,
}

impl<'de> DeserializeSeed<'de> for Noting<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Noting<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, v: bool) -> Result<Value, E> {
        Ok(v.into())
    }

    fn visit_i64<E>(self, v: i64) -> Result<Value, E> {
        Ok(v.into())
    }

    fn visit_u64<E>(self, v: u64) -> Result<Value, E> {
        Ok(v.into())
    }

    fn visit_f64<E>(self, v: f64) -> Result<Value, E> {
        Ok(v.into())
    }

    fn visit_str<E>(self, v: &str) -> Result<Value, E> {
        Ok(v.into())
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut out = Vec::new();
        loop {
            let path = format!("{}[{}]", self.path, out.len());
            match seq.next_element_seed(Noting { path, duplicates: self.duplicates })? {
                Some(item) => out.push(item),
                None => return Ok(Value::Array(out)),
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut out = Map::new();
        while let Some(key) = map.next_key::<String>()? {
            let path = if self.path.is_empty() { key.clone() } else { format!("{}.{key}", self.path) };
            if out.contains_key(&key) {
                self.duplicates.push(path.clone());
            }
            let value = map.next_value_seed(Noting { path, duplicates: self.duplicates })?;
            out.insert(key, value);
        }
        Ok(Value::Object(out))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn duplicates_are_noted_with_their_path() {
        let mut duplicates = Vec::new();
        let value = parse(br#"{"a":[{"b":1,"b":2}],"c":{"d":null},"a":[]}"#, &mut duplicates).unwrap();
        assert_eq!(duplicates, ["a[0].b", "a"]);
        assert_eq!(value, serde_json::json!({"a": [], "c": {"d": null}}));
        assert!(parse(b"{} x", &mut duplicates).is_err());
    }
}
