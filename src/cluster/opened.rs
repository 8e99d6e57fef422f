//! What is read when somebody opens a tenant or asks for all findings: lists on demand, each allowed to fail alone.

use std::collections::BTreeMap;

use super::{Address, Cluster, ClusterError, Fault, http::encode};
use crate::{
    fleet::detail::{Guard, Opened, Storage},
    index::digest::{
        DigestError,
        detail::{self, Placed},
    },
    manifest::{GUARD, guarded},
};

impl Cluster {
    /// The unwatched objects of one namespace. What may not be read, or could not be, is named in `unread` and costs
    /// nothing else. `label` is the key that tells tenants' objects.
    pub async fn opened(&self, namespace: &str, label: &str) -> Opened {
        let mut all = self.open(Some(namespace), label).await;
        let whole = all.remove("").unwrap_or_default();
        all.remove(namespace).unwrap_or(whole)
    }

    /// The same of every namespace, by one list a kind over the whole cluster. The entry of the empty name is that of
    /// namespaces in which nothing was found.
    pub async fn opened_everywhere(&self, label: &str) -> BTreeMap<String, Opened> {
        self.open(None, label).await
    }

    async fn open(&self, namespace: Option<&str>, label: &str) -> BTreeMap<String, Opened> {
        let within = namespace.map_or_else(String::new, |n| format!("namespaces/{}/", encode(n)));
        let net = |kind: &str| format!("/apis/networking.k8s.io/v1/{within}{kind}");
        let core = |kind: &str| format!("/api/v1/{within}{kind}");
        let sets = format!("/apis/apps/v1/{within}statefulsets?labelSelector={}", encode(label));
        let (policies, limits, services, ingresses, sets) = futures::join!(
            self.listed(net("networkpolicies"), "list networkpolicies", detail::network_policies),
            self.listed(core("limitranges"), "list limitranges", detail::limit_ranges),
            self.listed(core("services"), "list services", detail::services),
            self.listed(net("ingresses"), "list ingresses", detail::ingresses),
            self.listed(sets, "list statefulsets", detail::set_details),
        );
        let mut unread = Vec::new();
        let policies = keep(policies, &mut unread);
        let limits = keep(limits, &mut unread);
        let services = keep(services, &mut unread);
        let ingresses = keep(ingresses, &mut unread);
        let sets = keep(sets, &mut unread);
        // A kind that was read is known to be empty wherever nothing of it is.
        let blank = Opened {
            at: Some(self.clock().now()),
            set: None,
            policies: policies.is_some().then(Vec::new),
            limits: limits.is_some().then(Vec::new),
            services: services.is_some().then(Vec::new),
            ingresses: ingresses.is_some().then(Vec::new),
            unread,
        };
        let mut all = BTreeMap::from([(String::new(), blank.clone())]);
        for (namespace, item) in policies.into_iter().flatten() {
            entry(&mut all, namespace, &blank).policies.get_or_insert_default().push(item);
        }
        for (namespace, item) in limits.into_iter().flatten() {
            entry(&mut all, namespace, &blank).limits.get_or_insert_default().push(item);
        }
        for (namespace, item) in services.into_iter().flatten() {
            entry(&mut all, namespace, &blank).services.get_or_insert_default().push(item);
        }
        for (namespace, item) in ingresses.into_iter().flatten() {
            entry(&mut all, namespace, &blank).ingresses.get_or_insert_default().push(item);
        }
        // Of several, the first made; the others are a finding of their own.
        for (namespace, item) in sets.into_iter().flatten() {
            entry(&mut all, namespace, &blank).set.get_or_insert(item);
        }
        all
    }

    /// The cluster's PersistentVolumes and StorageClasses. `label` is the key that tells tenants' objects.
    ///
    /// # Errors
    /// As any read; forbidden where they may not be listed.
    pub async fn storage(&self, label: &str) -> Result<Storage, ClusterError> {
        let volumes = |body: &[u8]| detail::persistent_volumes(body, label);
        let volumes = self.listed("/api/v1/persistentvolumes".to_owned(), "list persistentvolumes", volumes);
        let path = "/apis/storage.k8s.io/v1/storageclasses".to_owned();
        let classes = self.listed(path, "list storageclasses", detail::storage_classes);
        let (volumes, classes) = futures::join!(volumes, classes);
        Ok(Storage {
            volumes: volumes?.into_iter().map(|(_, volume)| volume).collect(),
            classes: classes?.into_iter().map(|(_, class)| class).collect(),
        })
    }

    /// Whether the cluster guards the tenants' data by itself.
    ///
    /// # Errors
    /// As any read; forbidden where admission policies may not be read.
    pub async fn guard(&self) -> Result<Guard, ClusterError> {
        let policy = Address::kind("ValidatingAdmissionPolicy", "", GUARD);
        let binding = Address::kind("ValidatingAdmissionPolicyBinding", "", GUARD);
        let read = async |at: Result<Address, &'static str>| match at {
            Ok(at) => self.object(&at).await,
            Err(_) => Ok(None),
        };
        let (policy, binding) = (read(policy).await?, read(binding).await?);
        let wrong = |e: crate::manifest::ManifestError| {
            ClusterError::new(Fault::Refused, &self.place, format!("this program's own guard: {e}"), "")
        };
        guarded(policy.as_ref(), binding.as_ref()).map_err(wrong)
    }

    async fn listed<T>(
        &self,
        path: String,
        what: &str,
        read: impl FnOnce(&[u8]) -> Result<Placed<T>, DigestError>,
    ) -> Result<Placed<T>, ClusterError> {
        let mut body = Vec::new();
        self.read(&path, what, &mut body).await?;
        read(&body).map_err(|e| ClusterError::digest(&self.place, what, &body, &e))
    }
}

fn entry<'a>(all: &'a mut BTreeMap<String, Opened>, namespace: String, blank: &Opened) -> &'a mut Opened {
    all.entry(namespace).or_insert_with(|| blank.clone())
}

fn keep<T>(answer: Result<Placed<T>, ClusterError>, unread: &mut Vec<String>) -> Option<Placed<T>> {
    match answer {
        Ok(value) => Some(value),
        Err(error) => {
            unread.push(error.said);
            None
        }
    }
}
