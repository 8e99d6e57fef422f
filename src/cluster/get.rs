//! Single reads for one tenant's page, on demand.

use serde::Deserialize;

use super::{Cluster, ClusterError, Fault, buffer::Buffer, http::encode};
use crate::{
    fleet::{Pod, Uid, clean::clean},
    index::{
        Kind, Part,
        digest::{self, DigestError, Labels},
    },
};

/// A host that an Ingress serves, and the namespace it does so in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IngressHost {
    pub namespace: String,
    pub host: String,
}

#[derive(Deserialize)]
struct Ingresses {
    #[serde(default)]
    items: Vec<serde_json::Value>,
}

/// Only an object's identity.
#[derive(Deserialize)]
struct Identity {
    metadata: Metadata,
}

#[derive(Deserialize)]
struct Metadata {
    uid: String,
}

#[derive(Deserialize)]
struct Version {
    major: String,
    minor: String,
}

impl Version {
    /// Some clouds write `34+`.
    fn minor(&self) -> Option<u32> {
        let digits: String = self.minor.chars().take_while(char::is_ascii_digit).collect();
        digits.parse().ok().filter(|_| self.major == "1")
    }
}

impl Cluster {
    /// What tells this cluster from every other: the UID of its namespace `kube-system`; the server's address where that
    /// may not be read.
    ///
    /// # Errors
    /// The server does not answer.
    pub async fn identity(&self) -> Result<String, ClusterError> {
        match self.namespace_uid("kube-system").await {
            Ok(Some(uid)) => Ok(uid.to_string()),
            Ok(None) => Ok(self.place.server.clone()),
            Err(e) if matches!(e.fault, Fault::Forbidden | Fault::Unauthorized) => Ok(self.place.server.clone()),
            Err(e) => Err(e),
        }
    }

    /// The server's minor version of Kubernetes 1; `None` where it does not tell.
    pub async fn minor(&self) -> Option<u32> {
        let body = self.get("/version", "get the server's version").await.ok()??;
        let version: Version = serde_json::from_slice(&body).ok()?;
        version.minor()
    }

    /// UID of a Namespace; `None` where there is none of this name.
    ///
    /// # Errors
    /// As any read.
    pub async fn namespace_uid(&self, name: &str) -> Result<Option<Uid>, ClusterError> {
        let what = "get namespaces";
        let Some(body) = self.get(&format!("/api/v1/namespaces/{}", encode(name)), what).await? else {
            return Ok(None);
        };
        let identity: Option<Identity> = serde_json::from_slice(&body).ok();
        let found = DigestError::Shape { expected: "a Namespace with a UID", found: "something else".to_owned() };
        let uid = identity.and_then(|i| i.metadata.uid.parse().ok());
        uid.map(Some).ok_or_else(|| ClusterError::digest(&self.place, what, &body, &found))
    }

    /// One pod as it is now; `None` where there is none of this name.
    ///
    /// # Errors
    /// As any read.
    pub async fn pod(&self, namespace: &str, name: &str) -> Result<Option<Pod>, ClusterError> {
        let what = "get pods";
        let path = format!("/api/v1/namespaces/{}/pods/{}", encode(namespace), encode(name));
        let Some(body) = self.get(&path, what).await? else { return Ok(None) };
        let read = digest::single(Kind::Pod, &Labels::default(), &body);
        match read.map_err(|e| ClusterError::digest(&self.place, what, &body, &e))?.map(|facet| facet.part) {
            Some(Part::Pod(pod)) => Ok(Some(pod)),
            _ => Ok(None),
        }
    }

    async fn get(&self, path: &str, what: &str) -> Result<Option<Buffer>, ClusterError> {
        let mut body = Buffer::default();
        match self.read(path, what, &mut body).await {
            Ok(()) => Ok(Some(body)),
            Err(e) if e.fault == Fault::NotFound => Ok(None),
            Err(e) => Err(e),
        }
    }

    /// How many IngressClasses there are: none means that no controller serves Ingresses.
    ///
    /// # Errors
    /// As any read; forbidden where they may not be listed.
    pub async fn ingress_classes(&self) -> Result<usize, ClusterError> {
        let what = "list ingressclasses";
        let mut body = Buffer::default();
        self.read("/apis/networking.k8s.io/v1/ingressclasses", what, &mut body).await?;
        let list: Ingresses = serde_json::from_slice(&body).map_err(|_| {
            let found = DigestError::Shape { expected: "a list of ingressclasses", found: "something else".to_owned() };
            ClusterError::digest(&self.place, what, &body, &found)
        })?;
        Ok(list.items.len())
    }

    /// Hosts of tenants' Ingresses: of one namespace, or of all that carry `label`.
    ///
    /// # Errors
    /// As any read; forbidden where Ingresses may not be listed.
    pub async fn ingress_hosts(&self, namespace: Option<&str>, label: &str) -> Result<Vec<IngressHost>, ClusterError> {
        let within = namespace.map_or_else(String::new, |n| format!("namespaces/{}/", encode(n)));
        let path = format!("/apis/networking.k8s.io/v1/{within}ingresses?labelSelector={}", encode(label));
        let what = "list ingresses";
        let mut body = Buffer::default();
        self.read(&path, what, &mut body).await?;
        let list: Ingresses = serde_json::from_slice(&body).map_err(|_| {
            let found = DigestError::Shape { expected: "a list of ingresses", found: "something else".to_owned() };
            ClusterError::digest(&self.place, what, &body, &found)
        })?;
        let text = |value: &serde_json::Value| value.as_str().map(|s| clean(s).into_owned());
        let mut hosts = Vec::new();
        for item in &list.items {
            let Some(namespace) = text(&item["metadata"]["namespace"]) else { continue };
            let rules = item["spec"]["rules"].as_array().map_or(&[][..], Vec::as_slice);
            hosts.extend(
                rules.iter().filter_map(|rule| {
                    text(&rule["host"]).map(|host| IngressHost { namespace: namespace.clone(), host })
                }),
            );
        }
        Ok(hosts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minor_version_is_its_digits() {
        let check = |json: &str, expect| {
            assert_eq!(serde_json::from_str::<Version>(json).unwrap().minor(), expect, "{json}");
        };
        check(r#"{"major":"1","minor":"34","gitVersion":"v1.34.2"}"#, Some(34));
        check(r#"{"major":"1","minor":"35+"}"#, Some(35));
        check(r#"{"major":"2","minor":"0"}"#, None);
        check(r#"{"major":"","minor":""}"#, None);
    }
}
