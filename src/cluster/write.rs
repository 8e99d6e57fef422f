//! Writes: each is one request, and its error says what was being done to which object.

use k8s_openapi::api::core::v1::{Namespace, Pod, Secret};
use kube::{
    Api,
    api::{DeleteParams, PostParams, Preconditions},
};
use serde_json::Value;

use crate::fleet::Uid;

use super::{Cluster, ClusterError, Fault, http::encode, object::Address};

/// The field manager of everything that fleetdeck applies.
pub const MANAGER: &str = "fleetdeck";

/// Whether the server is to do it, or only to say what it would do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    Live,
    /// `dryRun=All`: admission and validation run, nothing is stored.
    DryRun,
}

impl Cluster {
    /// Server-side apply as `fleetdeck`, with strict field validation, and not by force. A `resourceVersion` or UID in the
    /// object's metadata is a precondition.
    ///
    /// # Errors
    /// What the server refuses, with the object's name; a conflict names the other manager.
    pub async fn apply(&self, object: &Value, mode: Mode) -> Result<Value, ClusterError> {
        self.applied(object, mode, "").await
    }

    /// The same, and takes from other managers what they own of it: only what somebody was told of and has agreed to.
    ///
    /// # Errors
    /// What the server refuses, with the object's name.
    pub async fn apply_over(&self, object: &Value, mode: Mode) -> Result<Value, ClusterError> {
        self.applied(object, mode, "&force=true").await
    }

    async fn applied(&self, object: &Value, mode: Mode, force: &str) -> Result<Value, ClusterError> {
        let at = Address::of(object).map_err(|why| self.odd("address what is to be applied", why))?;
        let dry = if mode == Mode::DryRun { "&dryRun=All" } else { "" };
        let path = format!("{}?fieldManager={MANAGER}&fieldValidation=Strict{dry}{force}", at.path());
        let content = ("application/apply-patch+yaml", object.to_string().into_bytes());
        self.answer(http::Method::PATCH, &path, &format!("apply {at}"), content).await
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
        let at = Address::new(api_version, kind, namespace, name)
            .map_err(|why| self.odd(&format!("address {kind} {namespace}/{name}"), why))?;
        let path = format!("{}?fieldManager={}", at.path(), encode(manager));
        let content = ("application/strategic-merge-patch+json", patch.to_string().into_bytes());
        self.answer(http::Method::PATCH, &path, &format!("patch {at}"), content).await.map(drop)
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

    /// Puts another value in the place of a key of a Secret that is there: one patch, and nobody looks at the answer, for it
    /// holds the Secret.
    ///
    /// # Errors
    /// What the server refuses; no value is in any message.
    pub async fn replace_secret(
        &self,
        namespace: &str,
        name: &str,
        key: &str,
        value: &str,
        mode: Mode,
    ) -> Result<(), ClusterError> {
        let what = format!("replace Secret {namespace}/{name}");
        let dry = if mode == Mode::DryRun { "&dryRun=All" } else { "" };
        let (namespace, name) = (encode(namespace), encode(name));
        let path = format!("/api/v1/namespaces/{namespace}/secrets/{name}?fieldManager={MANAGER}{dry}");
        let patch = serde_json::json!({ "stringData": { key: value } });
        let content = ("application/merge-patch+json", patch.to_string().into_bytes());
        self.send_unread(http::Method::PATCH, &path, &what, content).await.map_err(|mut error| {
            if error.said.contains(value) {
                error.said = format!("{what}: the server refused");
            }
            error
        })
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

    /// A request that we could not even form.
    fn odd(&self, what: &str, why: &str) -> ClusterError {
        ClusterError::new(Fault::Refused, &self.place, format!("can't {what}: {why}"), "")
    }
}

fn with_uid(uid: Uid) -> DeleteParams {
    DeleteParams::background().preconditions(Preconditions { uid: Some(uid.to_string()), resource_version: None })
}
