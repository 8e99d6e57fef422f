//! Writes: each is one request, and its error says what was being done to which object.

use serde_json::Value;

use crate::fleet::Uid;

use super::{
    Cluster, ClusterError, Fault,
    http::{JSON, encode},
    object::{Address, Only},
};

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
        let at = Address::of(object).map_err(|why| self.cannot("address what is to be applied", why))?;
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
            .map_err(|why| self.cannot(&format!("address {kind} {namespace}/{name}"), why))?;
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
        let what = format!("create Secret {namespace}/{name}");
        let secret = serde_json::json!({
            "apiVersion": "v1", "kind": "Secret", "type": "Opaque",
            "metadata": { "name": name, "namespace": namespace, "labels": labels },
            "stringData": { key: value },
        });
        let path = format!("/api/v1/namespaces/{}/secrets?fieldManager={MANAGER}", encode(namespace));
        let content = (JSON, secret.to_string().into_bytes());
        match self.send_unread(http::Method::POST, &path, &what, content).await {
            Err(error) if error.fault != Fault::Exists => Err(unsaid(error, &what, value)),
            _ => Ok(()),
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
        let path = format!("{}?fieldManager={MANAGER}{dry}", secret(namespace, name));
        let patch = serde_json::json!({ "stringData": { key: value } });
        let content = ("application/merge-patch+json", patch.to_string().into_bytes());
        self.send_unread(http::Method::PATCH, &path, &what, content).await.map_err(|error| unsaid(error, &what, value))
    }

    /// Sets an annotation of a Secret that is there, unread.
    ///
    /// # Errors
    /// What the server refuses.
    pub async fn mark_secret(&self, namespace: &str, name: &str, mark: (&str, &str)) -> Result<(), ClusterError> {
        let what = format!("mark Secret {namespace}/{name}");
        let path = format!("{}?fieldManager={MANAGER}", secret(namespace, name));
        let patch = serde_json::json!({ "metadata": { "annotations": { mark.0: mark.1 } } });
        let content = ("application/merge-patch+json", patch.to_string().into_bytes());
        self.send_unread(http::Method::PATCH, &path, &what, content).await
    }

    /// The same as [`Cluster::replace_secret`], if the Secret carries this annotation, which it loses by it: the server
    /// compares, and whoever writes need not read. One that does not carry it is [`Fault::Refused`].
    ///
    /// # Errors
    /// What the server refuses; no value is in any message.
    pub async fn replace_marked_secret(
        &self,
        namespace: &str,
        name: &str,
        (key, value): (&str, &str),
        mark: (&str, &str),
    ) -> Result<(), ClusterError> {
        let what = format!("replace Secret {namespace}/{name}");
        let path = format!("{}?fieldManager={MANAGER}", secret(namespace, name));
        let mark_at = format!("/metadata/annotations/{}", mark.0.replace('~', "~0").replace('/', "~1"));
        let patch = serde_json::json!([
            { "op": "test", "path": mark_at, "value": mark.1 },
            { "op": "remove", "path": mark_at },
            { "op": "add", "path": "/stringData", "value": { key: value } },
        ]);
        let content = ("application/json-patch+json", patch.to_string().into_bytes());
        self.send_unread(http::Method::PATCH, &path, &what, content).await.map_err(|error| unsaid(error, &what, value))
    }

    /// Deletes this very pod: one of the same name but another UID is left alone, and that is an error.
    ///
    /// # Errors
    /// What the server refuses, with the pod's name.
    pub async fn delete_pod(&self, namespace: &str, name: &str, uid: Uid) -> Result<(), ClusterError> {
        self.delete_only("Pod", namespace, name, uid).await
    }

    /// Deletes this very namespace and everything in it.
    ///
    /// # Errors
    /// What the server refuses, with the namespace's name.
    pub async fn delete_namespace(&self, name: &str, uid: Uid) -> Result<(), ClusterError> {
        self.delete_only("Namespace", "", name, uid).await
    }

    async fn delete_only(&self, kind: &str, namespace: &str, name: &str, uid: Uid) -> Result<(), ClusterError> {
        let at = Address::kind(kind, namespace, name)
            .map_err(|why| self.cannot(&format!("address {kind} {namespace}/{name}"), why))?;
        self.remove(&at, Only { uid, version: None }, Mode::Live).await
    }
}

fn secret(namespace: &str, name: &str) -> String {
    format!("/api/v1/namespaces/{}/secrets/{}", encode(namespace), encode(name))
}

/// No value of a Secret stands in any message, whatever the server repeats.
fn unsaid(mut error: ClusterError, what: &str, value: &str) -> ClusterError {
    if error.said.contains(value) {
        error.said = format!("{what}: the server refused");
    }
    error
}
