//! A client's writes: create and update, with everything the API server does between the request and etcd.

use std::sync::Arc;

use serde_json::{Value, json};

use super::admission;
use super::clock::stamp;
use super::defaults;
use super::delete;
use super::kinds::{self, Kind};
use super::managed;
use super::object::{self, metadata_mut, name_of, namespace_of, text_at};
use super::status::Status;
use super::store::Inner;
use super::validate;

/// The letters of generated names, as Kubernetes draws them: no vowels, no look-alikes.
const LETTERS: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";

/// How a write came to be, for field ownership.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    Update,
    /// Server-side apply: ownership is in the object already.
    Apply,
}

/// Who writes, and how.
#[derive(Clone, Debug)]
pub(crate) struct Write {
    pub manager: String,
    pub operation: Operation,
    /// Empty for the object itself; `status` or `scale`.
    pub subresource: &'static str,
    pub dry_run: bool,
}

impl Write {
    pub(crate) fn by(manager: &str) -> Write {
        Write { manager: manager.to_owned(), operation: Operation::Update, subresource: "", dry_run: false }
    }
}

impl Inner {
    pub(super) fn create(
        &mut self,
        kind: &'static Kind,
        mut object: Value,
        write: &Write,
    ) -> Result<Arc<Value>, Status> {
        self.name_and_place(kind, &mut object)?;
        let (namespace, name) = (namespace_of(&object).to_owned(), name_of(&object).to_owned());
        admission::namespace_is_open(self, kind, &namespace, &name)?;
        object["apiVersion"] = kind.api_version().into();
        object["kind"] = kind.kind.into();
        let now = stamp(self.clock.now());
        let uid = self.next_uid();
        let meta = metadata_mut(&mut object)?;
        for system in ["resourceVersion", "selfLink", "deletionTimestamp", "deletionGracePeriodSeconds", "generation"] {
            meta.remove(system);
        }
        meta.insert("uid".into(), uid.into());
        meta.insert("creationTimestamp".into(), now.clone().into());
        if kind.generation {
            meta.insert("generation".into(), 1.into());
        }
        drop_empty(meta);
        defaults::apply(kind, &mut object);
        // Ownership is booked before admission: what plugins add is nobody's.
        match write.operation {
            Operation::Update => managed::record(kind, None, &mut object, write, &now),
            Operation::Apply => managed::stamp_times(None, &mut object, &now),
        }
        admission::mutate(self, kind, &mut object)?;
        defaults::apply(kind, &mut object);
        defaults::on_create(kind, &mut object);
        validate::create(kind, &object)?;
        let charges = admission::validate(self, kind, None, &object)?;
        if self.find(kind, &namespace, &name).is_some() {
            return Err(Status::already_exists(kind, &name));
        }
        if write.dry_run {
            return Ok(Arc::new(object));
        }
        admission::charge(self, charges);
        let created = self.commit(kind, object);
        if kind == kinds::NAMESPACE {
            self.furnish(&name);
        }
        Ok(created)
    }

    /// What every new namespace gets from the controller manager.
    fn furnish(&mut self, namespace: &str) {
        let write = Write::by("kube-controller-manager");
        let account = json!({"metadata": {"name": "default", "namespace": namespace}});
        let ca = json!({
            "metadata": {
                "name": "kube-root-ca.crt", "namespace": namespace,
                "annotations": {"kubernetes.io/description":
                    "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes clusters."},
            },
            "data": {"ca.crt": "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n"},
        });
        // A quota on ConfigMaps can only refuse what the real controller would be refused too.
        let _ = self.create(kinds::SERVICE_ACCOUNT, account, &write);
        let _ = self.create(kinds::CONFIG_MAP, ca, &write);
    }

    fn name_and_place(&mut self, kind: &'static Kind, object: &mut Value) -> Result<(), Status> {
        let suffix: String = (0..5).map(|_| char::from(LETTERS[self.rng.usize(..LETTERS.len())])).collect();
        let meta = metadata_mut(object)?;
        let text = |meta: &serde_json::Map<String, Value>, key: &str| {
            meta.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
        };
        if text(meta, "name").is_empty() {
            let prefix = text(meta, "generateName");
            if prefix.is_empty() {
                let cause = validate::required("metadata.name", "name or generateName is required");
                return Err(Status::invalid(kind, "", vec![cause]));
            }
            let keep: String = prefix.chars().take(58).collect();
            meta.insert("name".into(), format!("{keep}{suffix}").into());
        }
        if !kind.namespaced {
            meta.remove("namespace");
        } else if text(meta, "namespace").is_empty() {
            return Err(Status::bad_request("an empty namespace may not be set during creation"));
        }
        Ok(())
    }

    pub(super) fn update(
        &mut self,
        kind: &'static Kind,
        old: &Arc<Value>,
        mut new: Value,
        write: &Write,
    ) -> Result<Arc<Value>, Status> {
        let (namespace, name) = (namespace_of(old).to_owned(), name_of(old).to_owned());
        same_identity(kind, old, &mut new)?;
        new["apiVersion"] = kind.api_version().into();
        new["kind"] = kind.kind.into();
        keep_the_other_half(kind, old, &mut new, write.subresource);
        defaults::apply(kind, &mut new);
        count_generation(kind, old, &mut new);
        validate::update(kind, old, &new, write.subresource)?;
        admission::check_resize(self, kind, old, &new)?;
        let charges = admission::validate(self, kind, Some(old), &new)?;
        let now = stamp(self.clock.now());
        match write.operation {
            Operation::Update => managed::record(kind, Some(old), &mut new, write, &now),
            Operation::Apply => managed::stamp_times(Some(old), &mut new, &now),
        }
        if new == **old {
            return Ok(old.clone());
        }
        if write.dry_run {
            return Ok(Arc::new(new));
        }
        admission::charge(self, charges);
        if delete::is_finished(kind, &new) {
            self.erase(kind, &namespace, &name);
            return Ok(Arc::new(new));
        }
        Ok(self.commit(kind, new))
    }
}

fn drop_empty(meta: &mut serde_json::Map<String, Value>) {
    meta.retain(|_, v| match v {
        Value::Null => false,
        Value::Object(map) => !map.is_empty(),
        Value::Array(list) => !list.is_empty(),
        _ => true,
    });
}

/// The new object must be the old one: same name, same UID, and the version it was made from.
fn same_identity(kind: &'static Kind, old: &Value, new: &mut Value) -> Result<(), Status> {
    let name = name_of(old);
    let meta = metadata_mut(new)?;
    let wanted = |key: &str| meta.get(key).and_then(Value::as_str).unwrap_or_default();
    let version = wanted("resourceVersion");
    if !version.is_empty() && version != text_at(old, &["metadata", "resourceVersion"]) {
        if version.parse::<u64>().is_err() {
            let message = "must be specified for an update";
            let cause = validate::invalid_value("metadata.resourceVersion", &json!(version), message);
            return Err(Status::invalid(kind, name, vec![cause]));
        }
        return Err(Status::stale(kind, name));
    }
    let uid = wanted("uid");
    if !uid.is_empty() && uid != object::uid_of(old) {
        let why =
            format!("Precondition failed: UID in precondition: {uid}, UID in object meta: {}", object::uid_of(old));
        return Err(Status::conflict(kind, name, &why));
    }
    for system in [
        "uid",
        "name",
        "namespace",
        "creationTimestamp",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
        "generation",
        "resourceVersion",
        "generateName",
    ] {
        match old["metadata"].get(system) {
            Some(value) => meta.insert(system.into(), value.clone()),
            None => meta.remove(system),
        };
    }
    meta.remove("selfLink");
    drop_empty(meta);
    Ok(())
}

/// A write to the object leaves its status alone, a write to the status leaves the rest alone.
fn keep_the_other_half(kind: &Kind, old: &Value, new: &mut Value, subresource: &str) {
    if !kind.has_status() {
        return;
    }
    let Some(fields) = new.as_object_mut() else { return };
    let of_status = |key: &str| key == "status" || key == "metadata" || key == "kind" || key == "apiVersion";
    if subresource == "status" {
        fields.retain(|key, _| of_status(key));
        for (key, value) in old.as_object().into_iter().flatten().filter(|(key, _)| !of_status(key)) {
            fields.insert(key.clone(), value.clone());
        }
        if let (Some(meta), Some(before)) =
            (fields.get_mut("metadata").and_then(Value::as_object_mut), old["metadata"].as_object())
        {
            for key in ["ownerReferences", "finalizers"] {
                match before.get(key) {
                    Some(value) if key == "ownerReferences" => drop(meta.insert(key.into(), value.clone())),
                    _ => {}
                }
            }
        }
    } else {
        match old.get("status") {
            Some(status) => fields.insert("status".into(), status.clone()),
            None => fields.remove("status"),
        };
    }
}

/// All fields of an object but metadata and status.
fn wanted(object: &Value) -> impl Iterator<Item = (&String, &Value)> {
    let fields = object.as_object().into_iter().flatten();
    fields.filter(|(key, _)| !matches!(key.as_str(), "metadata" | "status" | "kind" | "apiVersion"))
}

/// Counts a change of anything but metadata and status.
pub(super) fn count_generation(kind: &Kind, old: &Value, new: &mut Value) {
    if !kind.generation {
        return;
    }
    // Being given a node is no edit of a pod.
    let bound = kind == kinds::POD && old["spec"]["nodeName"] != new["spec"]["nodeName"];
    if !bound && !wanted(old).eq(wanted(new)) {
        let generation = old["metadata"]["generation"].as_i64().unwrap_or(0) + 1;
        new["metadata"]["generation"] = generation.into();
    }
}
