//! Writes: each is one request, and its error says what was being done to which object.

use k8s_openapi::api::core::v1::{Namespace, Pod, Secret};
use kube::{
    Api,
    api::{ApiResource, DeleteParams, DynamicObject, GroupVersionKind, Patch, PatchParams, PostParams, Preconditions},
};
use serde_json::Value;

use crate::fleet::Uid;

use super::{Cluster, ClusterError, Fault};

/// The field manager of everything that fleetdeck applies.
pub const MANAGER: &str = "fleetdeck";

/// Kind -> (plural, namespaced), for the kinds that a tenant is made of.
const KINDS: [(&str, &str, bool); 10] = [
    ("Namespace", "namespaces", false),
    ("ResourceQuota", "resourcequotas", true),
    ("LimitRange", "limitranges", true),
    ("ServiceAccount", "serviceaccounts", true),
    ("NetworkPolicy", "networkpolicies", true),
    ("ConfigMap", "configmaps", true),
    ("PersistentVolumeClaim", "persistentvolumeclaims", true),
    ("Service", "services", true),
    ("Ingress", "ingresses", true),
    ("StatefulSet", "statefulsets", true),
];

/// Whether the server is to do it, or only to say what it would do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    Live,
    /// `dryRun=All`: admission and validation run, nothing is stored.
    DryRun,
}

impl Cluster {
    /// Server-side apply as `fleetdeck`, with strict field validation and never by force.
    ///
    /// # Errors
    /// What the server refuses, with the object's name; a conflict names the other manager.
    pub async fn apply(&self, object: &Value, mode: Mode) -> Result<Value, ClusterError> {
        let target = Target::of(object).map_err(|e| self.odd(&e.0, e.1))?;
        let mut params = PatchParams::apply(MANAGER).validation_strict();
        params.dry_run = mode == Mode::DryRun;
        let api = self.objects(&target);
        let answer = api.patch(&target.name, &params, &Patch::Apply(object)).await;
        let answer = answer.map_err(|e| ClusterError::kube(&self.place, &format!("apply {target}"), &e))?;
        serde_json::to_value(answer).map_err(|e| self.odd(&format!("apply {target}"), &e.to_string()))
    }

    /// A strategic merge patch as `manager`: an edit by hand.
    ///
    /// # Errors
    /// What the server refuses, with the object's name.
    pub async fn patch(
        &self,
        api_version: &str,
        kind: &str,
        namespace: &str,
        name: &str,
        manager: &str,
        patch: &Value,
    ) -> Result<(), ClusterError> {
        let target = Target::new(api_version, kind, namespace, name).map_err(|e| self.odd(&e.0, e.1))?;
        let params = PatchParams { field_manager: Some(manager.to_owned()), ..PatchParams::default() };
        let answer = self.objects(&target).patch(name, &params, &Patch::Strategic(patch)).await;
        answer.map(drop).map_err(|e| ClusterError::kube(&self.place, &format!("patch {target}"), &e))
    }

    /// Creates a Secret with one key. One that is there already is left alone, and that is success: a token is created
    /// once and never read.
    ///
    /// # Errors
    /// What the server refuses; the value is in no message.
    pub async fn ensure_secret(
        &self,
        namespace: &str,
        name: &str,
        labels: &Value,
        key: &str,
        value: &str,
    ) -> Result<(), ClusterError> {
        let doing = format!("create Secret {namespace}/{name}");
        let secret: Secret = serde_json::from_value(serde_json::json!({
            "metadata": { "name": name, "namespace": namespace, "labels": labels },
            "type": "Opaque",
            "stringData": { key: value },
        }))
        .map_err(|_| self.odd(&doing, "its labels are no map of texts"))?;
        let params = PostParams { field_manager: Some(MANAGER.to_owned()), ..PostParams::default() };
        match Api::<Secret>::namespaced(self.client.clone(), namespace).create(&params, &secret).await {
            Ok(_) => Ok(()),
            Err(kube::Error::Api(status)) if status.is_already_exists() => Ok(()),
            Err(e) => Err(ClusterError::kube(&self.place, &doing, &e)),
        }
    }

    /// Deletes this very pod: one of the same name but another UID is left alone, and that is an error.
    ///
    /// # Errors
    /// What the server refuses, with the pod's name.
    pub async fn delete_pod(&self, namespace: &str, name: &str, uid: Uid) -> Result<(), ClusterError> {
        let params = with_uid(uid);
        let answer = Api::<Pod>::namespaced(self.client.clone(), namespace).delete(name, &params).await;
        answer.map(drop).map_err(|e| ClusterError::kube(&self.place, &format!("delete Pod {namespace}/{name}"), &e))
    }

    /// Deletes this very namespace and everything in it.
    ///
    /// # Errors
    /// What the server refuses, with the namespace's name.
    pub async fn delete_namespace(&self, name: &str, uid: Uid) -> Result<(), ClusterError> {
        let answer = Api::<Namespace>::all(self.client.clone()).delete(name, &with_uid(uid)).await;
        answer.map(drop).map_err(|e| ClusterError::kube(&self.place, &format!("delete Namespace {name}"), &e))
    }

    /// A request that we could not even form, or an answer that is no object.
    fn odd(&self, what: &str, why: &str) -> ClusterError {
        ClusterError::new(Fault::Refused, &self.place, format!("can't {what}: {why}"), "")
    }

    fn objects(&self, target: &Target) -> Api<DynamicObject> {
        match &target.namespace {
            Some(namespace) => Api::namespaced_with(self.client.clone(), namespace, &target.resource),
            None => Api::all_with(self.client.clone(), &target.resource),
        }
    }
}

fn with_uid(uid: Uid) -> DeleteParams {
    DeleteParams::background().preconditions(Preconditions { uid: Some(uid.to_string()), resource_version: None })
}

/// One object by its address.
struct Target {
    resource: ApiResource,
    namespace: Option<String>,
    name: String,
}

impl std::fmt::Display for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.namespace {
            Some(namespace) => write!(f, "{} {namespace}/{}", self.resource.kind, self.name),
            None => write!(f, "{} {}", self.resource.kind, self.name),
        }
    }
}

impl Target {
    fn of(object: &Value) -> Result<Self, (String, &'static str)> {
        let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        Self::new(text("/apiVersion"), text("/kind"), text("/metadata/namespace"), text("/metadata/name"))
    }

    fn new(api_version: &str, kind: &str, namespace: &str, name: &str) -> Result<Self, (String, &'static str)> {
        let refuse = |why| (format!("address {kind} {namespace}/{name}"), why);
        let known = KINDS.iter().find(|(known, ..)| *known == kind);
        let (_, plural, namespaced) = known.ok_or_else(|| refuse("a tenant has no such kind"))?;
        if name.is_empty() || *namespaced == namespace.is_empty() {
            return Err(refuse("its name or namespace is missing"));
        }
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        let gvk = GroupVersionKind::gvk(group, version, kind);
        let resource = ApiResource::from_gvk_with_plural(&gvk, plural);
        Ok(Self { resource, namespace: namespaced.then(|| namespace.to_owned()), name: name.to_owned() })
    }
}
