//! What is read of a tenant on demand, when somebody opens it or asks for all findings: objects that are not watched.
//! Plain data. `None` is "not read", for lack of rights or because nobody asked; an empty list is "there is none".

use std::collections::{BTreeMap, BTreeSet};

use super::{At, Quantity};

/// The unwatched objects of one namespace.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Opened {
    /// When it was read.
    pub at: Option<At>,
    pub set: Option<SetDetail>,
    pub policies: Option<Vec<NetworkPolicy>>,
    pub limits: Option<Vec<LimitRange>>,
    pub services: Option<Vec<Service>>,
    pub ingresses: Option<Vec<Ingress>>,
    /// Of cert-manager; `None` where that is not installed, too.
    pub certificates: Option<Vec<Certificate>>,
    /// Of the volumes that its pod waits for; read only where it waits for any.
    pub attachments: Option<Vec<Attachment>>,
    /// Its doors beside what its own stored spec renders; `None` where it has no spec, or one that cannot be rendered.
    pub rendered: Option<Rendered>,
    /// Why something was not read, in words.
    pub unread: Vec<String>,
}

/// What of a StatefulSet's template the facet leaves out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SetDetail {
    pub name: String,
    /// Claims that the pod mounts.
    pub claims: Vec<String>,
    /// Of the gateway's container.
    pub pull_policy: Option<String>,
    pub pull_secrets: Vec<String>,
    /// `--max-old-space-size` of the gateway's NODE_OPTIONS, in MiB.
    pub heap_mib: Option<u32>,
    pub node_selector: BTreeMap<String, String>,
    pub service_account: Option<String>,
    /// Labels of the pods it makes.
    pub labels: BTreeMap<String, String>,
}

/// A NetworkPolicy, in the terms of whom and what it lets through.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NetworkPolicy {
    pub name: String,
    /// Labels that the pods must carry; empty selects all. `None` where it selects by expressions.
    pub selects: Option<BTreeMap<String, String>>,
    /// `None` where it does not limit that direction.
    pub ingress: Option<Vec<Rule>>,
    pub egress: Option<Vec<Rule>>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rule {
    /// Empty is everybody.
    pub peers: Vec<Peer>,
    /// Empty is every port.
    pub ports: Vec<Port>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Peer {
    Block {
        cidr: String,
        except: Vec<String>,
    },
    Pods {
        /// `None`: of the policy's own namespace; an empty selector: of every namespace.
        namespaces: Option<Selector>,
        pods: Option<Selector>,
    },
}

/// A selector, as far as it matters here: whether it selects everything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selector {
    pub all: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Port {
    /// `None` is every port; a name stands for itself.
    pub port: Option<String>,
    /// The last of a range that begins with it.
    pub end: Option<u16>,
    pub protocol: String,
}

impl Port {
    /// It is this port, and no range.
    pub fn is_only(&self, port: &str) -> bool {
        self.port.as_deref() == Some(port) && self.end.is_none_or(|end| end.to_string() == port)
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LimitRange {
    pub name: String,
    /// Resource and quantity of `max` for containers.
    pub max: Vec<(String, Quantity)>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Service {
    pub name: String,
    pub kind: String,
    pub ports: Vec<u16>,
    pub selector: BTreeMap<String, String>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ingress {
    pub name: String,
    /// Host, and the name of the Service behind its first path.
    pub rules: Vec<(String, Option<String>)>,
    pub tls_hosts: Vec<String>,
    pub class: Option<String>,
}

/// A Certificate of cert-manager: what its controller says of the one that it keeps in a Secret.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Certificate {
    pub name: String,
    pub hosts: Vec<String>,
    /// `status.notAfter` of the certificate that is in use; `None` before the first was issued.
    pub expires: Option<At>,
    /// `status.renewalTime`.
    pub renews: Option<At>,
    /// Condition Ready; `None` where there is none.
    pub ready: Option<bool>,
    /// When that condition took its value.
    pub since: Option<At>,
    /// Of that condition, else of an issuance that failed.
    pub message: Option<String>,
}

/// A VolumeAttachment: the order to attach a volume to a node, and how far that has come.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attachment {
    pub name: String,
    pub volume: String,
    pub node: String,
    pub attached: bool,
    pub created: Option<At>,
    /// The volume is to be let go since then.
    pub deleting: Option<At>,
    /// The driver's own words: of the last failed attach or detach.
    pub error: Option<String>,
    pub error_at: Option<At>,
}

/// Network policies, quotas, limits, Service and Ingress of a tenant beside its own render.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rendered {
    /// Kind and name of what is rendered.
    pub objects: Vec<(String, String)>,
    pub departures: Vec<Departure>,
}

/// Where a live object is not as it is rendered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Departure {
    pub kind: String,
    pub name: String,
    /// `None`: the object is not there at all.
    pub field: Option<FieldDeparture>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldDeparture {
    /// Such as `spec.hard.limits.memory`.
    pub path: String,
    /// As JSON; absent where the render has nothing there.
    pub rendered: Option<String>,
    pub live: Option<String>,
}

impl Rendered {
    /// The render has an object of this kind.
    pub fn has(&self, kind: &str) -> bool {
        self.objects.iter().any(|(k, _)| k == kind)
    }

    /// This very object is rendered.
    pub fn knows(&self, kind: &str, name: &str) -> bool {
        self.objects.iter().any(|(k, n)| k == kind && n == name)
    }
}

/// Whether the cluster itself refuses to delete the tenants' data (`manifests/guard`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Guard {
    /// Policy and binding are those of this program.
    Whole,
    /// The same, but it goes by a label that this fleet's objects need not carry: these Namespaces do.
    Labelled {
        namespaces: BTreeSet<String>,
        /// When that was read: whoever came later is not judged by it.
        at: At,
    },
    Absent,
    /// The policy is there, and nothing puts it in force.
    Unbound,
    /// These fields differ from ours.
    Altered {
        fields: Vec<String>,
    },
}

/// The cluster's volumes and classes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Storage {
    pub volumes: Vec<PersistentVolume>,
    pub classes: Vec<StorageClass>,
}

impl Storage {
    pub fn volume(&self, name: &str) -> Option<&PersistentVolume> {
        self.volumes.iter().find(|v| v.name == name)
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PersistentVolume {
    pub name: String,
    /// `Available`, `Bound`, `Released` or `Failed`.
    pub phase: String,
    pub reclaim: String,
    pub class: String,
    pub capacity: Option<Quantity>,
    /// Of its claim.
    pub namespace: String,
    pub claim: String,
    /// It carries the tenants' label.
    pub tenant: bool,
    /// `status.lastPhaseTransitionTime`.
    pub changed: Option<At>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StorageClass {
    pub name: String,
    pub provisioner: String,
    pub is_default: bool,
    pub reclaim: String,
    pub expands: bool,
}
