//! Single reads for one tenant's page, on demand.

use serde::Deserialize;

use super::{Cluster, ClusterError, http::encode};
use crate::{fleet::clean::clean, index::digest::DigestError};

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

impl Cluster {
    /// Hosts of tenants' Ingresses: of one namespace, or of all that carry `label`.
    ///
    /// # Errors
    /// As any read; forbidden where Ingresses may not be listed.
    pub async fn ingress_hosts(&self, namespace: Option<&str>, label: &str) -> Result<Vec<IngressHost>, ClusterError> {
        let within = namespace.map_or_else(String::new, |n| format!("namespaces/{}/", encode(n)));
        let path = format!("/apis/networking.k8s.io/v1/{within}ingresses?labelSelector={}", encode(label));
        let what = "list ingresses";
        let mut body = Vec::new();
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
