//! What the user may do, asked once and remembered: what is not allowed is shown so instead of tried.

use std::collections::HashMap;

use serde::Deserialize;

use super::{Cluster, ClusterError};
use crate::index::digest::DigestError;

/// One question.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Ask {
    pub verb: &'static str,
    pub group: &'static str,
    /// With its subresource: `pods/log`.
    pub resource: &'static str,
    /// `None` asks for all namespaces.
    pub namespace: Option<String>,
}

/// The answers so far. One owner; the engine's and the console's each have their own.
#[derive(Debug, Default)]
pub struct Access(HashMap<Ask, bool>);

impl Access {
    /// The answer, where it is known without asking.
    pub fn known(&self, ask: &Ask) -> Option<bool> {
        self.0.get(ask).copied()
    }

    /// Asks the server, once per question.
    ///
    /// # Errors
    /// The server could not be asked; nothing is remembered then.
    pub async fn may(&mut self, cluster: &Cluster, ask: &Ask) -> Result<bool, ClusterError> {
        if let Some(known) = self.known(ask) {
            return Ok(known);
        }
        let (resource, subresource) = ask.resource.split_once('/').unwrap_or((ask.resource, ""));
        let review = serde_json::json!({
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": { "resourceAttributes": {
                "verb": ask.verb,
                "group": ask.group,
                "resource": resource,
                "subresource": subresource,
                "namespace": ask.namespace.as_deref().unwrap_or(""),
            } },
        });
        let what = format!("ask whether {} {} is allowed", ask.verb, ask.resource);
        let path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
        let body = cluster.post(path, &what, review.to_string().into_bytes()).await?;
        let answer: Answer = serde_json::from_slice(&body).map_err(|_| {
            let found = DigestError::Shape { expected: "an access review", found: "something else".to_owned() };
            ClusterError::digest(&cluster.place, &what, &body, &found)
        })?;
        self.0.insert(ask.clone(), answer.status.allowed);
        Ok(answer.status.allowed)
    }

    /// Forgets all: rights may have changed.
    pub fn clear(&mut self) {
        self.0.clear();
    }
}

#[derive(Deserialize)]
struct Answer {
    status: Verdict,
}

#[derive(Deserialize)]
struct Verdict {
    allowed: bool,
}
