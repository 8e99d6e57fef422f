//! What is read when somebody opens a tenant or asks for all findings: lists on demand, each allowed to fail alone.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Address, Cluster, ClusterError, Fault, buffer::Buffer, http::encode};
use crate::{
    fleet::{
        detail::{Attachment, Guard, Opened, Rendered, Storage},
        name::TENANT_LABEL,
    },
    index::digest::{
        DigestError, Labels,
        detail::{self, Placed},
    },
    manifest::{Base, DOORS, GUARD, doors, guarded, stored_spec},
};

/// What beside the lists is to be looked at.
#[derive(Clone, Copy, Debug)]
pub struct Opening<'a> {
    /// The key that tells tenants' objects.
    pub label: &'a str,
    /// What tenants are rendered from, to compare their doors with.
    pub base: &'a Base,
    /// PersistentVolumes that pods wait for: how their attachments stand.
    pub volumes: &'a [String],
}

/// VolumeAttachments to a page: a cluster has two for each tenant, and only those of a few volumes are kept.
const PAGE: u32 = 500;
/// Tenants whose renders are compared when all are read; one takes some milliseconds.
pub const RENDERED_MOST: usize = 500;

impl Cluster {
    /// The unwatched objects of one namespace. What may not be read, or could not be, is named in `unread` and costs
    /// nothing else.
    pub async fn opened(&self, namespace: &str, of: Opening<'_>) -> Opened {
        let mut all = self.open(Some(namespace), of).await;
        let whole = all.remove("").unwrap_or_default();
        all.remove(namespace).unwrap_or(whole)
    }

    /// The same of every namespace, by one list a kind over the whole cluster. The entry of the empty name is that of
    /// namespaces in which nothing was found.
    pub async fn opened_everywhere(&self, of: Opening<'_>) -> BTreeMap<String, Opened> {
        self.open(None, of).await
    }

    async fn open(&self, namespace: Option<&str>, of: Opening<'_>) -> BTreeMap<String, Opened> {
        let within = namespace.map_or_else(String::new, |n| format!("namespaces/{}/", encode(n)));
        let net = |kind: &str| format!("/apis/networking.k8s.io/v1/{within}{kind}");
        let core = |kind: &str| format!("/api/v1/{within}{kind}");
        let label = encode(of.label);
        let sets = format!("/apis/apps/v1/{within}statefulsets?labelSelector={label}");
        let certificates = format!("/apis/cert-manager.io/v1/{within}certificates");
        let specs = match namespace {
            // One namespace by its name: a RoleBinding in it grants that, and no list of namespaces.
            Some(name) => format!("/api/v1/namespaces/{}", encode(name)),
            None => format!("/api/v1/namespaces?labelSelector={label}"),
        };
        let (policies, limits, services, ingresses, sets, quotas, specs, certificates, attachments) = futures::join!(
            self.listed(net("networkpolicies"), "list networkpolicies", detail::network_policies),
            self.listed(core("limitranges"), "list limitranges", detail::limit_ranges),
            self.listed(core("services"), "list services", detail::services),
            self.listed(net("ingresses"), "list ingresses", detail::ingresses),
            self.listed(sets, "list statefulsets", detail::set_details),
            self.listed(core("resourcequotas"), "list resourcequotas", detail::nothing_more),
            self.whole(specs, "get namespaces"),
            self.listed(certificates, "list certificates", detail::certificates),
            self.attachments(of.volumes),
        );
        let mut unread = Vec::new();
        // Without cert-manager there are none to speak of.
        let certificates = match certificates {
            Err(e) if e.fault == Fault::NotFound => None,
            other => keep(other, &mut unread).map(|(items, _)| items),
        };
        let attachments = keep(attachments, &mut unread).flatten();
        let mut doors = Doors::default();
        let policies = keep(policies, &mut unread).map(|list| doors.take("NetworkPolicy", list));
        let limits = keep(limits, &mut unread).map(|list| doors.take("LimitRange", list));
        let services = keep(services, &mut unread).map(|list| doors.take("Service", list));
        let ingresses = keep(ingresses, &mut unread).map(|list| doors.take("Ingress", list));
        keep(quotas, &mut unread).map(|list| doors.take("ResourceQuota", list));
        let sets = keep(sets, &mut unread).map(|(items, _)| items);
        let rendered = keep(specs, &mut unread).map(|specs| doors.compare(of.base, &specs, &mut unread));
        // A kind that was read is known to be empty wherever nothing of it is.
        let blank = Opened {
            at: Some(self.clock().now()),
            set: None,
            policies: policies.is_some().then(Vec::new),
            limits: limits.is_some().then(Vec::new),
            services: services.is_some().then(Vec::new),
            ingresses: ingresses.is_some().then(Vec::new),
            certificates: certificates.is_some().then(Vec::new),
            attachments,
            rendered: None,
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
        for (namespace, item) in certificates.into_iter().flatten() {
            entry(&mut all, namespace, &blank).certificates.get_or_insert_default().push(item);
        }
        // Of several, the first made; the others are a finding of their own.
        for (namespace, item) in sets.into_iter().flatten() {
            entry(&mut all, namespace, &blank).set.get_or_insert(item);
        }
        for (namespace, item) in rendered.into_iter().flatten() {
            entry(&mut all, namespace, &blank).rendered = Some(item);
        }
        all
    }

    /// How these volumes' attachments stand; `None` where nobody waits for a volume.
    async fn attachments(&self, volumes: &[String]) -> Result<Option<Vec<Attachment>>, ClusterError> {
        if volumes.is_empty() {
            return Ok(None);
        }
        let what = "list volumeattachments";
        let (mut all, mut next, mut body) = (Vec::new(), None::<String>, Buffer::default());
        loop {
            let more = next.as_deref().map_or_else(String::new, |token| format!("&continue={}", encode(token)));
            let path = format!("/apis/storage.k8s.io/v1/volumeattachments?limit={PAGE}{more}");
            self.read(&path, what, &mut body).await?;
            let read = detail::attachments(&body, volumes);
            let (items, token) = read.map_err(|e| ClusterError::digest(&self.place, what, &body, &e))?;
            all.extend(items);
            if token.is_none() {
                return Ok(Some(all));
            }
            next = token;
        }
    }

    /// The cluster's PersistentVolumes and StorageClasses; `labels` tell whose volumes are tenants'.
    ///
    /// # Errors
    /// As any read; forbidden where they may not be listed.
    pub async fn storage(&self, labels: &Labels) -> Result<Storage, ClusterError> {
        let volumes = |body: &[u8]| detail::persistent_volumes(body, labels);
        let volumes = self.listed("/api/v1/persistentvolumes".to_owned(), "list persistentvolumes", volumes);
        let path = "/apis/storage.k8s.io/v1/storageclasses".to_owned();
        let classes = self.listed(path, "list storageclasses", detail::storage_classes);
        // Of two errors the first one named is told, not whichever came first.
        let (volumes, classes) = futures::join!(volumes, classes);
        let ((volumes, _), (classes, _)) = (volumes?, classes?);
        Ok(Storage {
            volumes: volumes.into_iter().map(|(_, volume)| volume).collect(),
            classes: classes.into_iter().map(|(_, class)| class).collect(),
        })
    }

    /// Whether the cluster guards the tenants' data by itself; `labels` tell the tenants.
    ///
    /// # Errors
    /// As any read; forbidden where admission policies may not be read.
    pub async fn guard(&self, labels: &Labels) -> Result<Guard, ClusterError> {
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
        let guard = guarded(policy.as_ref(), binding.as_ref()).map_err(wrong)?;
        if guard != Guard::Whole || labels.tenant == TENANT_LABEL {
            return Ok(guard);
        }
        let found = self.objects("Namespace", "", TENANT_LABEL).await?;
        let name = |object: &Value| object.pointer("/metadata/name").and_then(Value::as_str).map(str::to_owned);
        Ok(Guard::Labelled { namespaces: found.iter().filter_map(name).collect(), at: self.clock.now() })
    }

    /// What was read of a list, and its body.
    async fn listed<T>(
        &self,
        path: String,
        what: &str,
        read: impl FnOnce(&[u8]) -> Result<Placed<T>, DigestError>,
    ) -> Result<(Placed<T>, Buffer), ClusterError> {
        let body = self.whole(path, what).await?;
        let items = read(&body).map_err(|e| ClusterError::digest(&self.place, what, &body, &e))?;
        Ok((items, body))
    }

    async fn whole(&self, path: String, what: &str) -> Result<Buffer, ClusterError> {
        let mut body = Buffer::default();
        self.read(&path, what, &mut body).await?;
        Ok(body)
    }
}

/// The lists that are compared with renders, as they came.
#[derive(Default)]
struct Doors(Vec<(&'static str, Buffer)>);

impl Doors {
    fn take<T>(&mut self, kind: &'static str, (items, body): (Placed<T>, Buffer)) -> Placed<T> {
        self.0.push((kind, body));
        items
    }

    /// Each tenant's doors beside the render of the spec that its Namespace carries. `specs` is that Namespace, or a list of
    /// them. Where one of the lists could not be read nothing is compared: what is not read is not missing.
    fn compare(self, base: &Base, specs: &[u8], unread: &mut Vec<String>) -> Vec<(String, Rendered)> {
        if DOORS.iter().any(|kind| !self.0.iter().any(|(read, _)| read == kind)) {
            return Vec::new();
        }
        let mut namespaces = objects(specs);
        if namespaces.len() > RENDERED_MOST {
            unread.push(format!(
                "what {} tenants' own specs render: more than {RENDERED_MOST} at a time are not compared; name one",
                namespaces.len()
            ));
            return Vec::new();
        }
        let mut live: BTreeMap<String, Vec<Value>> = BTreeMap::new();
        for (kind, body) in &self.0 {
            for mut object in objects(body) {
                // The items of a list do not say what they are.
                object["kind"] = (*kind).into();
                let namespace = object["metadata"]["namespace"].as_str().unwrap_or_default().to_owned();
                live.entry(namespace).or_default().push(object);
            }
        }
        let mut all = Vec::new();
        for namespace in &mut namespaces {
            let name = namespace["metadata"]["name"].as_str().unwrap_or_default().to_owned();
            let compared = match stored_spec(namespace) {
                None => continue,
                Some(spec) => spec.and_then(|spec| doors(base, &spec, live.get(&name).map_or(&[], Vec::as_slice))),
            };
            match compared {
                Ok(rendered) => all.push((name, rendered)),
                Err(error) => unread.push(format!("what the spec of {name} renders: {error}")),
            }
        }
        all
    }
}

/// The items of a list, or the one object.
fn objects(body: &[u8]) -> Vec<Value> {
    match serde_json::from_slice::<Value>(body) {
        Ok(mut value) => match value.get_mut("items").map(Value::take) {
            Some(Value::Array(items)) => items,
            Some(_) => Vec::new(),
            None => vec![value],
        },
        Err(_) => Vec::new(),
    }
}

fn entry<'a>(all: &'a mut BTreeMap<String, Opened>, namespace: String, blank: &Opened) -> &'a mut Opened {
    all.entry(namespace).or_insert_with(|| blank.clone())
}

fn keep<T>(answer: Result<T, ClusterError>, unread: &mut Vec<String>) -> Option<T> {
    match answer {
        Ok(value) => Some(value),
        Err(error) => {
            unread.push(error.said);
            None
        }
    }
}
