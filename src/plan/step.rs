//! The closed list of what a run can do to a tenant. Each step can be done again without harm, and can say what it does.

use serde::{Deserialize, Serialize};

use super::{
    prepull::{self, Pull},
    until::Until,
};

/// One step of a recipe.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case", rename_all_fields = "camelCase", deny_unknown_fields)]
pub enum Step {
    /// Server-side apply of every rendered object of a kind, as field manager `fleetdeck` and never by force.
    Apply { kind: Piece },
    /// Pull images onto nodes, in pods of the control namespace that do nothing and go again. `hosts`: the nodes that are meant,
    /// those included that have every image.
    Prepull { pulls: Vec<Pull>, hosts: u32, seconds: u32 },
    /// Ask the gateway to finish what it does and begin nothing new, where it can be asked.
    Drain,
    /// Make a VolumeSnapshot of each claim of the basis; one that this run has made already is left alone.
    Snapshot,
    /// Move to fleetdeck what the intent's field managers own of every rendered object of a kind.
    TakeOwnership { kind: Piece },
    /// Create a Secret; one that is there already is left alone, and that is success.
    EnsureSecret { secret: Secret },
    /// Put another value in the place of a Secret's: by one patch, without reading, and nobody looks at the answer.
    ReplaceSecret { secret: Secret },
    /// Delete the object of the basis, by its UID.
    Delete { what: What },
    /// Delete a pod by its UID.
    DeletePod { which: Which },
    /// Wait for what only the cluster can do.
    Await { until: Until, seconds: u32 },
    /// Say something in the run's story.
    Note { text: String },
}

/// The kinds that a tenant is rendered as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Piece {
    Namespace,
    ResourceQuota,
    LimitRange,
    ServiceAccount,
    NetworkPolicy,
    ConfigMap,
    PersistentVolumeClaim,
    Service,
    Ingress,
    StatefulSet,
}

/// The Secrets of a tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Secret {
    /// Made up by whoever runs the plan, known to nobody.
    GatewayToken,
    /// Given by whoever asked; never part of a plan.
    Litellm,
}

/// What can be deleted besides a pod. A volume alone is not among it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum What {
    StatefulSet,
    Service,
    Ingress,
    /// The Namespace and all that is in it, volumes included: only in a purge.
    Tenant,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Which {
    /// The pod that was there when the plan was made; any other is left alone.
    Seen,
    /// The tenant's pod, whichever it is by then.
    Current,
    /// The tenant's pod, if it does not run the StatefulSet's update revision.
    Outdated,
}

impl Piece {
    /// In the order in which a tenant is made.
    pub const ALL: [Self; 10] = [
        Self::Namespace,
        Self::ResourceQuota,
        Self::LimitRange,
        Self::ServiceAccount,
        Self::NetworkPolicy,
        Self::ConfigMap,
        Self::PersistentVolumeClaim,
        Self::Service,
        Self::Ingress,
        Self::StatefulSet,
    ];

    /// Kubernetes' kind.
    pub fn kind(self) -> &'static str {
        match self {
            Self::Namespace => "Namespace",
            Self::ResourceQuota => "ResourceQuota",
            Self::LimitRange => "LimitRange",
            Self::ServiceAccount => "ServiceAccount",
            Self::NetworkPolicy => "NetworkPolicy",
            Self::ConfigMap => "ConfigMap",
            Self::PersistentVolumeClaim => "PersistentVolumeClaim",
            Self::Service => "Service",
            Self::Ingress => "Ingress",
            Self::StatefulSet => "StatefulSet",
        }
    }

    /// Group and plural, as an RBAC rule names them.
    pub fn resource(self) -> (&'static str, &'static str) {
        match self {
            Self::Namespace => ("", "namespaces"),
            Self::ResourceQuota => ("", "resourcequotas"),
            Self::LimitRange => ("", "limitranges"),
            Self::ServiceAccount => ("", "serviceaccounts"),
            Self::NetworkPolicy => ("networking.k8s.io", "networkpolicies"),
            Self::ConfigMap => ("", "configmaps"),
            Self::PersistentVolumeClaim => ("", "persistentvolumeclaims"),
            Self::Service => ("", "services"),
            Self::Ingress => ("networking.k8s.io", "ingresses"),
            Self::StatefulSet => ("apps", "statefulsets"),
        }
    }
}

impl What {
    pub fn kind(self) -> &'static str {
        match self {
            Self::StatefulSet => "StatefulSet",
            Self::Service => "Service",
            Self::Ingress => "Ingress",
            Self::Tenant => "Namespace",
        }
    }
}

impl Secret {
    pub fn name(self) -> &'static str {
        match self {
            Self::GatewayToken => "gateway-token",
            Self::Litellm => "litellm",
        }
    }
}

/// What the user has to be allowed: verb, API group, resource; after a colon the one name that it is needed of.
pub type Need = (&'static str, &'static str, &'static str);

impl Step {
    /// One clause, in the present tense.
    pub fn words(&self) -> String {
        match self {
            Self::Apply { kind } => format!("apply {}", kind.kind()),
            Self::Prepull { pulls, hosts, seconds } => prepull::words(pulls, *hosts, *seconds),
            Self::Drain => "drain the gateway, where it can be asked to".to_owned(),
            Self::Snapshot => "make a snapshot of each volume".to_owned(),
            Self::TakeOwnership { kind } => format!("take over the fields of {}", kind.kind()),
            Self::EnsureSecret { secret } => format!("create Secret {} unless it is there", secret.name()),
            Self::ReplaceSecret { secret } => format!("replace Secret {}, unread", secret.name()),
            Self::Delete { what: What::Tenant } => {
                "delete the Namespace with its volumes and all else in it".to_owned()
            }
            Self::Delete { what } => format!("delete {}", what.kind()),
            Self::DeletePod { which: Which::Seen | Which::Current } => "delete the pod".to_owned(),
            Self::DeletePod { which: Which::Outdated } => "delete the pod of the old revision".to_owned(),
            Self::Await { until, seconds } => format!("wait until {} (at most {seconds} s)", until.words()),
            Self::Note { text } => text.clone(),
        }
    }

    /// The rights without which the step would fail.
    pub fn needs(&self) -> Vec<Need> {
        match self {
            Self::Apply { kind } | Self::TakeOwnership { kind } => {
                let (group, resource) = kind.resource();
                vec![("get", group, resource), ("patch", group, resource)]
            }
            Self::EnsureSecret { .. } => vec![("create", "", "secrets")],
            Self::Snapshot => {
                vec![("create", "snapshot.storage.k8s.io", "volumesnapshots"), ("get", "", "persistentvolumeclaims")]
            }
            // Of this name only: no role of ours may patch others.
            Self::ReplaceSecret { .. } => vec![("patch", "", "secrets:gateway-token")],
            // What is deleted is read before: that is how it is known to be the one that is meant.
            Self::Delete { what: What::StatefulSet } => {
                vec![
                    ("get", "apps", "statefulsets"),
                    ("delete", "apps", "statefulsets"),
                    ("get", "", "persistentvolumeclaims"),
                ]
            }
            Self::Delete { what: What::Service } => {
                vec![("list", "", "services"), ("get", "", "services"), ("delete", "", "services")]
            }
            Self::Delete { what: What::Ingress } => {
                ["list", "get", "delete"].map(|verb| (verb, "networking.k8s.io", "ingresses")).to_vec()
            }
            Self::Delete { what: What::Tenant } => vec![
                ("get", "", "namespaces"),
                ("delete", "", "namespaces"),
                ("patch", "", "namespaces"),
                ("list", "", "persistentvolumeclaims"),
                ("get", "", "persistentvolumeclaims"),
                ("patch", "", "persistentvolumeclaims"),
            ],
            Self::DeletePod { which } => {
                let mut all = vec![("get", "", "pods"), ("delete", "", "pods")];
                if *which == Which::Outdated {
                    all.push(("get", "apps", "statefulsets"));
                }
                all
            }
            Self::Await { until: Until::Snapped, .. } => vec![("get", "snapshot.storage.k8s.io", "volumesnapshots")],
            Self::Await { until: Until::Granted, .. } => vec![("get", "", "resourcequotas")],
            Self::Await { until: Until::Kept | Until::Grown, .. } => vec![("get", "", "persistentvolumeclaims")],
            // Its rights are in another namespace, and without them there is no such step.
            Self::Prepull { .. }
            | Self::Drain
            // What of it may not be read is said, and not waited for.
            | Self::Await { until: Until::Removed | Until::Erased | Until::Addressed, .. }
            | Self::Note { .. } => Vec::new(),
            Self::Await { .. } => vec![("get", "apps", "statefulsets")],
        }
    }

    /// Whether the tenant serves again after it.
    pub fn serves(&self) -> bool {
        matches!(self, Self::Await { until: Until::Served | Until::Replaced, .. })
    }

    /// What it says is a remark beside the verdict, and not the verdict.
    pub fn remarks(&self) -> bool {
        matches!(self, Self::Await { until: Until::Addressed, .. })
    }

    /// Whether the tenant's user may lose the gateway by it.
    pub fn interrupts(&self) -> bool {
        matches!(self, Self::DeletePod { .. } | Self::Delete { .. })
    }
}
