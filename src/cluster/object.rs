//! Whole objects, one request each: what plans are carried out with. Secrets have no address here: they are never read.

use std::fmt;

use serde_json::{Value, json};

use super::{
    Cluster, ClusterError, Fault,
    http::{JSON, encode},
    write::{MANAGER, Mode},
};
use crate::{fleet::Uid, index::digest::DigestError};

/// Kind -> (group and version, plural, namespaced), for the kinds that are read or written as a whole.
const KINDS: [(&str, &str, &str, bool); 18] = [
    ("Node", "v1", "nodes", false),
    ("Namespace", "v1", "namespaces", false),
    ("ResourceQuota", "v1", "resourcequotas", true),
    ("LimitRange", "v1", "limitranges", true),
    ("ServiceAccount", "v1", "serviceaccounts", true),
    ("NetworkPolicy", "networking.k8s.io/v1", "networkpolicies", true),
    ("ConfigMap", "v1", "configmaps", true),
    ("PersistentVolumeClaim", "v1", "persistentvolumeclaims", true),
    ("Service", "v1", "services", true),
    ("Ingress", "networking.k8s.io/v1", "ingresses", true),
    ("IngressClass", "networking.k8s.io/v1", "ingressclasses", false),
    ("VolumeSnapshot", "snapshot.storage.k8s.io/v1", "volumesnapshots", true),
    ("StatefulSet", "apps/v1", "statefulsets", true),
    ("Pod", "v1", "pods", true),
    ("Lease", "coordination.k8s.io/v1", "leases", true),
    ("Event", "v1", "events", true),
    ("ValidatingAdmissionPolicy", "admissionregistration.k8s.io/v1", "validatingadmissionpolicies", false),
    ("ValidatingAdmissionPolicyBinding", "admissionregistration.k8s.io/v1", "validatingadmissionpolicybindings", false),
];

/// One object by kind, namespace and name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    kind: usize,
    namespace: String,
    name: String,
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kind, ..) = KINDS[self.kind];
        if self.namespace.is_empty() {
            write!(f, "{kind} {}", self.name)
        } else {
            write!(f, "{kind} {}/{}", self.namespace, self.name)
        }
    }
}

impl Address {
    /// # Errors
    /// A kind that is not written here, or a namespace or name that is missing.
    pub fn new(api_version: &str, kind: &str, namespace: &str, name: &str) -> Result<Self, &'static str> {
        let known = KINDS.iter().position(|(known, version, ..)| *known == kind && *version == api_version);
        let known = known.ok_or("a tenant has no such kind")?;
        if name.is_empty() || KINDS[known].3 == namespace.is_empty() {
            return Err("its name or namespace is missing");
        }
        Ok(Self { kind: known, namespace: namespace.to_owned(), name: name.to_owned() })
    }

    /// Of a kind of the table, in the version that the table has.
    ///
    /// # Errors
    /// As [`Address::new`].
    pub fn kind(kind: &str, namespace: &str, name: &str) -> Result<Self, &'static str> {
        let version = KINDS.iter().find(|(known, ..)| *known == kind).map_or("", |(_, version, ..)| *version);
        Self::new(version, kind, namespace, name)
    }

    /// # Errors
    /// As [`Address::new`].
    pub fn of(object: &Value) -> Result<Self, &'static str> {
        let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        Self::new(text("/apiVersion"), text("/kind"), text("/metadata/namespace"), text("/metadata/name"))
    }

    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    pub(super) fn path(&self) -> String {
        format!("{}/{}", self.folder(), encode(&self.name))
    }

    fn folder(&self) -> String {
        let (_, version, plural, _) = KINDS[self.kind];
        let root = if version.contains('/') { "/apis" } else { "/api" };
        let within =
            if self.namespace.is_empty() { String::new() } else { format!("/namespaces/{}", encode(&self.namespace)) };
        format!("{root}/{version}{within}/{plural}")
    }
}

/// What has to hold for a delete: this very object, and in the state in which it was read.
#[derive(Clone, Copy, Debug)]
pub struct Only<'a> {
    pub uid: Uid,
    /// `metadata.resourceVersion` of that read.
    pub version: Option<&'a str>,
}

impl Cluster {
    /// An object as it is now; `None` where there is none.
    ///
    /// # Errors
    /// As any read.
    pub async fn object(&self, at: &Address) -> Result<Option<Value>, ClusterError> {
        let what = format!("get {at}");
        match self.answer(http::Method::GET, &at.path(), &what, ("", Vec::new())).await {
            Ok(object) => Ok(Some(object)),
            Err(error) if error.fault == Fault::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Objects of a kind with a label, in one namespace.
    ///
    /// # Errors
    /// As any read.
    pub async fn objects(&self, kind: &str, namespace: &str, selector: &str) -> Result<Vec<Value>, ClusterError> {
        let what = format!("list {kind}s in namespace {namespace}");
        let at = Address::kind(kind, namespace, "*").map_err(|why| self.cannot(&what, why))?;
        let path = format!("{}?labelSelector={}", at.folder(), encode(selector));
        self.items(&path, &what).await
    }

    /// Objects of a kind with a label, in all namespaces.
    ///
    /// # Errors
    /// As any read.
    pub async fn objects_of_all(&self, kind: &str, selector: &str) -> Result<Vec<Value>, ClusterError> {
        let what = format!("list {kind}s in all namespaces");
        let at = Address::kind(kind, "*", "*").map_err(|why| self.cannot(&what, why))?;
        let path =
            format!("{}?labelSelector={}", Address { namespace: String::new(), ..at }.folder(), encode(selector));
        self.items(&path, &what).await
    }

    async fn items(&self, path: &str, what: &str) -> Result<Vec<Value>, ClusterError> {
        let mut list = self.answer(http::Method::GET, path, what, ("", Vec::new())).await?;
        Ok(list["items"].as_array_mut().map(std::mem::take).unwrap_or_default())
    }

    /// Creates an object; one of its name that is there already is [`Fault::Exists`].
    ///
    /// # Errors
    /// What the server refuses, with the object's name.
    pub async fn create(&self, object: &Value) -> Result<Value, ClusterError> {
        self.create_as(object, MANAGER).await
    }

    /// The same as another field manager.
    ///
    /// # Errors
    /// What the server refuses, with the object's name.
    pub async fn create_as(&self, object: &Value, manager: &str) -> Result<Value, ClusterError> {
        let at = Address::of(object).map_err(|why| self.cannot("address what is to be created", why))?;
        let path = format!("{}?fieldManager={}", at.folder(), encode(manager));
        self.answer(http::Method::POST, &path, &format!("create {at}"), (JSON, object.to_string().into_bytes())).await
    }

    /// Replaces an object as it was read: its `resourceVersion` is the precondition.
    ///
    /// # Errors
    /// What the server refuses, with the object's name.
    pub async fn replace(&self, object: &Value) -> Result<Value, ClusterError> {
        let at = Address::of(object).map_err(|why| self.cannot("address what is to be replaced", why))?;
        let path = format!("{}?fieldManager={MANAGER}", at.path());
        self.answer(http::Method::PUT, &path, &format!("update {at}"), (JSON, object.to_string().into_bytes())).await
    }

    /// Sets annotations (null takes one away) as `manager`, on the object as it was read: UID and version are preconditions.
    ///
    /// # Errors
    /// What the server refuses, with the object's name.
    pub async fn annotate(
        &self,
        at: &Address,
        only: Only<'_>,
        manager: &str,
        annotations: &Value,
    ) -> Result<Value, ClusterError> {
        let mut metadata = json!({ "uid": only.uid.to_string(), "annotations": annotations });
        if let Some(version) = only.version {
            metadata["resourceVersion"] = version.into();
        }
        let path = format!("{}?fieldManager={}", at.path(), encode(manager));
        let content = ("application/merge-patch+json", json!({ "metadata": metadata }).to_string().into_bytes());
        self.answer(http::Method::PATCH, &path, &format!("annotate {at}"), content).await
    }

    /// Writes who owns which field of an object, as it was read: UID and version are preconditions. Nothing else changes.
    ///
    /// # Errors
    /// What the server refuses, with the object's name.
    pub async fn set_managed(
        &self,
        at: &Address,
        only: Only<'_>,
        managed: &Value,
        mode: Mode,
    ) -> Result<(), ClusterError> {
        let mut patch = vec![
            json!({ "op": "test", "path": "/metadata/uid", "value": only.uid.to_string() }),
            json!({ "op": "replace", "path": "/metadata/managedFields", "value": managed }),
        ];
        if let Some(version) = only.version {
            patch.push(json!({ "op": "replace", "path": "/metadata/resourceVersion", "value": version }));
        }
        let dry = if mode == Mode::DryRun { "&dryRun=All" } else { "" };
        let path = format!("{}?fieldManager={MANAGER}{dry}", at.path());
        let content = ("application/json-patch+json", Value::Array(patch).to_string().into_bytes());
        let what = format!("take over the fields of {at}");
        self.answer(http::Method::PATCH, &path, &what, content).await.map(drop)
    }

    /// A JSON merge patch as `manager`.
    ///
    /// # Errors
    /// What the server refuses, with the object's name.
    pub async fn merge(&self, at: &Address, manager: &str, patch: &Value) -> Result<Value, ClusterError> {
        let path = format!("{}?fieldManager={}", at.path(), encode(manager));
        let content = ("application/merge-patch+json", patch.to_string().into_bytes());
        self.answer(http::Method::PATCH, &path, &format!("change {at}"), content).await
    }

    /// Deletes this very object; its dependents follow in the background. One that is gone already is [`Fault::NotFound`].
    ///
    /// # Errors
    /// What the server refuses, with the object's name; another UID or version is [`Fault::Conflict`].
    pub async fn remove(&self, at: &Address, only: Only<'_>, mode: Mode) -> Result<(), ClusterError> {
        let mut options = json!({
            "apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Background",
            "preconditions": { "uid": only.uid.to_string() },
        });
        if let Some(version) = only.version {
            options["preconditions"]["resourceVersion"] = version.into();
        }
        if mode == Mode::DryRun {
            options["dryRun"] = json!(["All"]);
        }
        let content = (JSON, options.to_string().into_bytes());
        // An answer that is no object is a proxy's, and nothing was deleted.
        self.answer(http::Method::DELETE, &at.path(), &format!("delete {at}"), content).await.map(drop)
    }

    /// Sends, and reads the answer as JSON.
    pub(super) async fn answer(
        &self,
        method: http::Method,
        path: &str,
        what: &str,
        content: (&'static str, Vec<u8>),
    ) -> Result<Value, ClusterError> {
        let body = self.send(method, path, what, content).await?;
        let read: Option<Value> = serde_json::from_slice(&body).ok().filter(Value::is_object);
        read.ok_or_else(|| {
            let found = DigestError::Shape { expected: "an object", found: "something else".to_owned() };
            ClusterError::digest(&self.place, what, &body, &found)
        })
    }

    /// A request that we could not even form.
    pub(super) fn cannot(&self, what: &str, why: &str) -> ClusterError {
        ClusterError::new(Fault::Refused, &self.place, format!("can't {what}: {why}"), "")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        let check = |kind: &str, namespace: &str, name: &str, expect: &str| {
            assert_eq!(Address::kind(kind, namespace, name).map(|a| a.path()).as_deref(), Ok(expect));
        };
        check("StatefulSet", "tenant-a", "openclaw", "/apis/apps/v1/namespaces/tenant-a/statefulsets/openclaw");
        check("Namespace", "", "tenant-a", "/api/v1/namespaces/tenant-a");
        check("Pod", "tenant-a", "openclaw 0", "/api/v1/namespaces/tenant-a/pods/openclaw%200");
        assert!(Address::kind("Secret", "tenant-a", "gateway-token").is_err(), "Secrets are never read");
        assert!(Address::kind("Pod", "", "x").is_err() && Address::kind("Namespace", "a", "x").is_err());
        assert!(Address::new("apps/v2", "StatefulSet", "a", "x").is_err());
    }
}
