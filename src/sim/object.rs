//! One stored version of one object: its bytes, written once and shared by every list and watch, and the little of it
//! that selectors and garbage collection ask for. The parsed tree is ten times the bytes, so it is kept only while in use.

use std::fmt::Write as _;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use bytes::Bytes;
use serde_json::{Map, Value};

use super::kinds::Kind;
use super::selector::fields_of;
use super::status::Status;

/// One version of one object.
#[derive(Debug)]
pub(crate) struct Stored {
    pub kind: &'static Kind,
    pub version: u64,
    pub namespace: Box<str>,
    pub name: Box<str>,
    pub uid: Box<str>,
    labels: Vec<(Box<str>, Box<str>)>,
    fields: Vec<Box<str>>,
    pub owners: Vec<Owner>,
    bytes: Bytes,
    /// Where the object goes on after `{"kind":..,"apiVersion":..,`: items of a list carry no kind of their own.
    rest: usize,
    parsed: Mutex<Weak<Value>>,
}

/// An owner reference, as far as the garbage collector needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Owner {
    pub uid: Box<str>,
    pub blocks: bool,
}

impl Stored {
    pub(crate) fn new(kind: &'static Kind, version: u64, value: &Arc<Value>) -> Stored {
        let (bytes, rest) = serialise(kind, value);
        let meta = &value["metadata"];
        let labels = meta["labels"].as_object();
        Stored {
            kind,
            version,
            namespace: text_at(meta, &["namespace"]).into(),
            name: text_at(meta, &["name"]).into(),
            uid: text_at(meta, &["uid"]).into(),
            labels: labels
                .into_iter()
                .flatten()
                .map(|(key, value)| (key.as_str().into(), value.as_str().unwrap_or_default().into()))
                .collect(),
            fields: fields_of(kind).iter().map(|field| selectable(value, field.path, field.absent)).collect(),
            owners: owners(meta),
            bytes,
            rest,
            parsed: Mutex::new(Arc::downgrade(value)),
        }
    }

    /// The whole object as JSON.
    pub(crate) fn bytes(&self) -> Bytes {
        self.bytes.clone()
    }

    /// The object without its opening brace, kind and apiVersion.
    pub(crate) fn rest(&self) -> Bytes {
        self.bytes.slice(self.rest..)
    }

    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// The object as a tree. Parsed again if nobody has used it for a while.
    pub(crate) fn value(&self) -> Arc<Value> {
        let mut parsed = self.parsed.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(value) = parsed.upgrade() {
            return value;
        }
        let text = std::str::from_utf8(&self.bytes).expect("JSON is UTF-8");
        let value = Arc::new(text.parse().expect("the store wrote these bytes itself"));
        *parsed = Arc::downgrade(&value);
        value
    }

    pub(crate) fn label(&self, key: &str) -> Option<&str> {
        self.labels.iter().find(|(k, _)| &**k == key).map(|(_, v)| &**v)
    }

    /// A selectable field by its label.
    pub(crate) fn field(&self, label: &str) -> &str {
        match label {
            "metadata.name" => &self.name,
            "metadata.namespace" => &self.namespace,
            _ => fields_of(self.kind).iter().position(|f| f.label == label).map_or("", |at| &self.fields[at]),
        }
    }
}

fn selectable(value: &Value, path: &[&str], absent: &str) -> Box<str> {
    match path.iter().try_fold(value, |at, key| at.get(key)) {
        Some(Value::String(text)) => text.as_str().into(),
        Some(Value::Null) | None => absent.into(),
        Some(other) => other.to_string().into(),
    }
}

fn owners(meta: &Value) -> Vec<Owner> {
    let references = meta["ownerReferences"].as_array();
    references
        .into_iter()
        .flatten()
        .map(|one| Owner {
            uid: text_at(one, &["uid"]).into(),
            blocks: one["blockOwnerDeletion"].as_bool().unwrap_or(false),
        })
        .collect()
}

/// Through the tree's own `Display`, which is compiled once and optimised, wherever this is not.
fn serialise(kind: &Kind, value: &Value) -> (Bytes, usize) {
    let mut out = format!("{{\"kind\":\"{}\",\"apiVersion\":\"{}\",", kind.kind, kind.api_version());
    let rest = out.len();
    let mut comma = "";
    for (key, value) in value.as_object().into_iter().flatten() {
        if key != "kind" && key != "apiVersion" {
            let key = Value::from(key.as_str());
            write!(out, "{comma}{key}:{value}").expect("a JSON tree written to memory cannot fail");
            comma = ",";
        }
    }
    out.push('}');
    out.shrink_to_fit();
    (out.into(), rest)
}

/// The text at a path; empty where there is none.
pub(crate) fn text_at<'a>(value: &'a Value, path: &[&str]) -> &'a str {
    path.iter().try_fold(value, |at, key| at.get(key)).and_then(Value::as_str).unwrap_or_default()
}

pub(crate) fn name_of(value: &Value) -> &str {
    text_at(value, &["metadata", "name"])
}

pub(crate) fn namespace_of(value: &Value) -> &str {
    text_at(value, &["metadata", "namespace"])
}

pub(crate) fn uid_of(value: &Value) -> &str {
    text_at(value, &["metadata", "uid"])
}

pub(crate) fn is_terminating(value: &Value) -> bool {
    !text_at(value, &["metadata", "deletionTimestamp"]).is_empty()
}

/// The `metadata` map of an object, made if it is absent; refused if it is something else.
pub(crate) fn metadata_mut(value: &mut Value) -> Result<&mut Map<String, Value>, Status> {
    let object = value.as_object_mut().ok_or_else(|| Status::bad_request("the object is not a JSON object"))?;
    let meta = object.entry("metadata").or_insert_with(|| Value::Object(Map::new()));
    if meta.is_null() {
        *meta = Value::Object(Map::new());
    }
    meta.as_object_mut().ok_or_else(|| {
        Status::bad_request("json: cannot unmarshal metadata into Go struct field of type v1.ObjectMeta")
    })
}

pub(crate) fn finalizers(value: &Value) -> impl Iterator<Item = &str> {
    value["metadata"]["finalizers"].as_array().into_iter().flatten().filter_map(Value::as_str)
}
