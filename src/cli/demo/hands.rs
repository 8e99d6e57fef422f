//! What somebody does to a cluster by hand, as with kubectl: any kind, no questions asked. The demo's troubles are made so.

use serde_json::{Value, json};

use crate::cluster::{Address, Cluster, ClusterError};

/// Kind -> (path of its group and version, plural, namespaced).
const KINDS: [(&str, &str, &str, bool); 13] = [
    ("Namespace", "api/v1", "namespaces", false),
    ("PersistentVolume", "api/v1", "persistentvolumes", false),
    ("Node", "api/v1", "nodes", false),
    ("Pod", "api/v1", "pods", true),
    ("ConfigMap", "api/v1", "configmaps", true),
    ("Service", "api/v1", "services", true),
    ("ResourceQuota", "api/v1", "resourcequotas", true),
    ("LimitRange", "api/v1", "limitranges", true),
    ("PersistentVolumeClaim", "api/v1", "persistentvolumeclaims", true),
    ("StatefulSet", "apis/apps/v1", "statefulsets", true),
    ("Ingress", "apis/networking.k8s.io/v1", "ingresses", true),
    ("NetworkPolicy", "apis/networking.k8s.io/v1", "networkpolicies", true),
    ("Certificate", "apis/cert-manager.io/v1", "certificates", true),
];

/// The hands of one person, in one namespace and among the cluster's own objects.
pub(super) struct Hands<'a> {
    pub cluster: &'a Cluster,
    pub namespace: &'a str,
}

/// The field manager that what they apply is written down to.
const MANAGER: &str = "kubectl";

impl Hands<'_> {
    fn path(&self, kind: &str, name: &str) -> Option<String> {
        let (_, version, plural, namespaced) = KINDS.iter().find(|(known, ..)| *known == kind && !name.is_empty())?;
        let within = if *namespaced { format!("/namespaces/{}", self.namespace) } else { String::new() };
        Some(format!("/{version}{within}/{plural}/{name}"))
    }

    async fn send(
        &self,
        method: http::Method,
        path: &str,
        content: (&'static str, &Value),
    ) -> Result<(), ClusterError> {
        let force = if content.0 == APPLY { "&force=true" } else { "" };
        let path = format!("{path}?fieldManager={MANAGER}{force}");
        let what = format!("{method} {path}");
        self.cluster.send_unread(method, &path, &what, (content.0, content.1.to_string().into_bytes())).await
    }

    /// A strategic merge patch, by a manager of that name.
    pub(super) async fn patch(&self, kind: &str, name: &str, manager: &str, patch: &Value) -> Result<(), ByHand> {
        let (_, version, _, namespaced) = KINDS.iter().find(|(known, ..)| *known == kind).ok_or(ByHand::Kind)?;
        let version = version.split_once('/').map_or(*version, |(_, version)| version);
        let namespace = if *namespaced { self.namespace } else { "" };
        Ok(self.cluster.patch(version, kind, namespace, name, manager, patch).await?)
    }

    /// Applies, by force; a `status` too, as whoever is in charge of it would write it.
    pub(super) async fn apply(&self, object: &Value) -> Result<(), ByHand> {
        let text = |at: &str| object.pointer(at).and_then(Value::as_str).unwrap_or_default();
        let path = self.path(text("/kind"), text("/metadata/name")).ok_or(ByHand::Kind)?;
        self.send(http::Method::PATCH, &path, (APPLY, object)).await?;
        if object["status"].is_object() {
            let status = json!({ "status": object["status"] });
            self.send(http::Method::PATCH, &format!("{path}/status"), (MERGE, &status)).await?;
        }
        Ok(())
    }

    /// Deletes; with `force` at once, and finalizers are cut off. A volume is named by its claim: its own name is drawn when
    /// it is made.
    pub(super) async fn delete(&self, kind: &str, name: &str, force: bool) -> Result<(), ByHand> {
        let name = match kind {
            "PersistentVolume" => self.volume_of(name).await?,
            _ => name.to_owned(),
        };
        let path = self.path(kind, &name).ok_or(ByHand::Kind)?;
        let options = if force { json!({ "gracePeriodSeconds": 0 }) } else { json!({}) };
        self.send(http::Method::DELETE, &path, ("application/json", &options)).await?;
        if force && kind != "Pod" {
            let none = json!({ "metadata": { "finalizers": null } });
            self.send(http::Method::PATCH, &path, (MERGE, &none)).await?;
        }
        Ok(())
    }
}

impl Hands<'_> {
    async fn volume_of(&self, claim: &str) -> Result<String, ByHand> {
        let at = Address::kind("PersistentVolumeClaim", self.namespace, claim).map_err(|_| ByHand::Volume)?;
        let claim = self.cluster.object(&at).await?;
        let volume = claim.as_ref().and_then(|c| c.pointer("/spec/volumeName")).and_then(Value::as_str);
        // Without a name the request would mean all of them.
        volume.filter(|name| !name.is_empty()).map(str::to_owned).ok_or(ByHand::Volume)
    }
}

const APPLY: &str = "application/apply-patch+yaml";
const MERGE: &str = "application/merge-patch+json";

/// Why something could not be done.
#[derive(Debug)]
pub(super) enum ByHand {
    /// A scenario names a kind that is not in the table, or no name.
    Kind,
    /// A claim that is missing or has no volume yet.
    Volume,
    Cluster(ClusterError),
}

impl From<ClusterError> for ByHand {
    fn from(error: ClusterError) -> Self {
        Self::Cluster(error)
    }
}
