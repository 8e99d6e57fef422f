//! Admission: what the API server's built-in plugins add to a request or refuse.

use std::sync::Arc;

use serde_json::{Value, json};

use super::kinds::{self, Kind};
use super::object::{finalizers, is_terminating, name_of, text_at};
use super::quantity::Quantity;
use super::status::{Cause, Status};
use super::store::Inner;

pub(crate) mod limits;
mod pod;
pub(crate) mod quota;

pub(super) use quota::{Charges, charge};

/// The namespace must exist, and nothing new may come into one that is going.
pub(super) fn namespace_is_open(
    inner: &mut Inner,
    kind: &'static Kind,
    namespace: &str,
    name: &str,
) -> Result<(), Status> {
    if !kind.namespaced {
        return Ok(());
    }
    let Some(stored) = inner.find(kinds::NAMESPACE, "", namespace) else {
        return Err(Status::not_found(kinds::NAMESPACE, namespace));
    };
    if is_terminating(&stored.value()) {
        let why = format!("unable to create new content in namespace {namespace} because it is being terminated");
        let message = format!("namespace {namespace} is being terminated");
        let cause = Cause::new("NamespaceTerminating", message, "metadata.namespace");
        return Err(Status::forbidden(kind, name, why).with_causes(vec![cause]));
    }
    Ok(())
}

/// What plugins add to a new object.
pub(super) fn mutate(inner: &mut Inner, kind: &'static Kind, object: &mut Value) -> Result<(), Status> {
    match kind {
        k if k == kinds::POD => {
            limits::defaults(inner, object);
            pod::mutate(inner, object)
        }
        k if k == kinds::PVC => {
            default_storage_class(inner, object);
            protect(object, "kubernetes.io/pvc-protection");
            Ok(())
        }
        k if k == kinds::PV => {
            protect(object, "kubernetes.io/pv-protection");
            Ok(())
        }
        k if k == kinds::INGRESS => {
            default_ingress_class(inner, object);
            Ok(())
        }
        k if k == kinds::SERVICE => {
            cluster_ip(inner, object);
            Ok(())
        }
        _ => Ok(()),
    }
}

/// What a new or changed object takes from quotas, or why it may not.
pub(super) fn validate(
    inner: &mut Inner,
    kind: &'static Kind,
    old: Option<&Arc<Value>>,
    new: &Value,
) -> Result<Charges, Status> {
    if !kind.namespaced {
        return Ok(Charges::new());
    }
    limits::check(inner, kind, old.map(|o| &**o), new)?;
    quota::check(inner, kind, old.map(|o| &**o), new)
}

/// A claim may only grow where its class says so.
pub(super) fn check_resize(inner: &mut Inner, kind: &'static Kind, old: &Value, new: &Value) -> Result<(), Status> {
    let size = |claim: &Value| Quantity::from_json(&claim["spec"]["resources"]["requests"]["storage"]);
    if kind != kinds::PVC || size(new) <= size(old) {
        return Ok(());
    }
    let class = inner.find(kinds::STORAGE_CLASS, "", text_at(old, &["spec", "storageClassName"]));
    if class.is_some_and(|class| class.value()["allowVolumeExpansion"] == true) {
        return Ok(());
    }
    let why = "only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize";
    Err(Status::forbidden(kind, name_of(new), why))
}

fn protect(object: &mut Value, finalizer: &str) {
    if finalizers(object).all(|f| f != finalizer) {
        let mut list: Vec<Value> = finalizers(object).map(Value::from).collect();
        list.push(finalizer.into());
        object["metadata"]["finalizers"] = json!(list);
    }
}

fn default_storage_class(inner: &mut Inner, claim: &mut Value) {
    if claim["spec"].get("storageClassName").is_some() {
        return;
    }
    let classes: Vec<_> = inner.in_namespace(kinds::STORAGE_CLASS, None).cloned().collect();
    let default = classes
        .iter()
        .map(|s| s.value())
        .find(|c| text_at(&c["metadata"]["annotations"], &["storageclass.kubernetes.io/is-default-class"]) == "true");
    if let Some(class) = default {
        claim["spec"]["storageClassName"] = name_of(&class).into();
    }
}

/// Of several default classes the newest one counts; one that is named in the old way is left as it is.
fn default_ingress_class(inner: &mut Inner, ingress: &mut Value) {
    let legacy = ingress["metadata"]["annotations"].get("kubernetes.io/ingress.class").is_some();
    if legacy || ingress["spec"].get("ingressClassName").is_some() {
        return;
    }
    let classes: Vec<_> = inner.in_namespace(kinds::INGRESS_CLASS, None).cloned().collect();
    let default = classes
        .iter()
        .map(|s| s.value())
        .filter(|c| text_at(&c["metadata"]["annotations"], &["ingressclass.kubernetes.io/is-default-class"]) == "true")
        .max_by_key(|c| text_at(c, &["metadata", "creationTimestamp"]).to_owned());
    if let Some(class) = default {
        ingress["spec"]["ingressClassName"] = name_of(&class).into();
    }
}

/// A virtual address for a service that asks for none, derived from its name so that a seed repeats itself.
fn cluster_ip(inner: &mut Inner, service: &mut Value) {
    let spec = &mut service["spec"];
    if spec["type"] == "ExternalName" {
        return;
    }
    if text_at(spec, &["clusterIP"]).is_empty() {
        let (a, b) = (inner.rng.u8(..), inner.rng.u8(1..255));
        spec["clusterIP"] = format!("10.{}.{a}.{b}", 97 + inner.rng.u8(..14)).into();
    }
    for (key, value) in [
        ("clusterIPs", json!([spec["clusterIP"]])),
        ("ipFamilies", json!(["IPv4"])),
        ("ipFamilyPolicy", json!("SingleStack")),
    ] {
        if spec.get(key).is_none() {
            spec[key] = value;
        }
    }
}
