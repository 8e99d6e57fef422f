//! Looks that a person asks for: the end of a container's log, a namespace's events, one object as YAML. Each is one
//! bounded read of one tenant; nothing here is watched or repeated by itself.
//!
//! Secrets are not among the kinds: neither listed nor read. What else may carry one (a variable's value, a token in a
//! line) is masked, and everything is cleaned of what a terminal would obey.

mod event;
mod mask;
mod object;

pub use self::{
    event::EventLine,
    mask::masked,
    object::{KINDS, ObjectName, Objects, objects},
};

use super::{Cluster, ClusterError, http::encode, logs::stamp};
use crate::fleet::At;

/// A line of a log, safe to show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// When it was written; `None` for a remark of the kubelet.
    pub at: Option<At>,
    pub text: String,
}

/// Bytes of one look's answer at most: more than any object's JSON.
const MOST: usize = 4 << 20;
/// Events of a namespace that are read at most.
const EVENTS: usize = 500;

impl Cluster {
    /// The last lines of a container's log, the latest last; of its latest run. Cleaned and masked; blank ones left out.
    ///
    /// # Errors
    /// As any read; a container that has not started has no log, which the server says.
    pub async fn log_end(
        &self,
        namespace: &str,
        pod: &str,
        container: &str,
        lines: usize,
    ) -> Result<Vec<Said>, ClusterError> {
        // A line of binary waste must not cost more than this.
        let bytes = lines * 4_096;
        let path = format!(
            "/api/v1/namespaces/{}/pods/{}/log?container={}&tailLines={lines}&limitBytes={bytes}&timestamps=true",
            encode(namespace),
            encode(pod),
            encode(container)
        );
        let body = self.read_at_most(&path, "read the pod's log", bytes).await?;
        let text = String::from_utf8_lossy(&body);
        let mut shown = mask::Lines::default();
        let said = |line: &str| {
            let (at, text) = match stamp::parse(line.as_bytes()) {
                Some((nanos, from)) => (At::from_unix(nanos.div_euclid(1_000_000_000)), line.get(from..).unwrap_or("")),
                None => (None, line),
            };
            Said { at, text: shown.shown(text) }
        };
        Ok(text.lines().map(said).filter(|said| !said.text.trim().is_empty()).collect())
    }

    /// Events of a namespace, ordinary ones too, the latest first.
    ///
    /// # Errors
    /// As any read.
    pub async fn events(&self, namespace: &str) -> Result<Vec<EventLine>, ClusterError> {
        let what = "list events";
        let path = format!("/api/v1/namespaces/{}/events?limit={EVENTS}", encode(namespace));
        let body = self.read_at_most(&path, what, MOST).await?;
        event::lines(&body).ok_or_else(|| self.not_understood(what, &body))
    }

    /// One object as YAML: managed fields folded, secrets redacted, a line for each of its lines.
    ///
    /// # Errors
    /// As any read.
    pub async fn yaml(&self, namespace: &str, object: &ObjectName) -> Result<Vec<String>, ClusterError> {
        let what = format!("get {}", object.kind.plural);
        let path = object.path(namespace);
        let body = self.read_at_most(&path, &what, MOST).await?;
        let value = serde_json::from_slice(&body).map_err(|_| self.not_understood(&what, &body))?;
        Ok(object::yaml(value))
    }

    fn not_understood(&self, what: &str, body: &[u8]) -> ClusterError {
        let found = crate::index::digest::DigestError::Shape { expected: "JSON", found: "something else".to_owned() };
        ClusterError::digest(&self.place, what, body, &found)
    }
}
