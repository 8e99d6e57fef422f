//! The kinds that are served: one static table that routes, discovery, storage and authorisation all read.

/// How a kind's object names are checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Naming {
    /// RFC 1123 subdomain, the usual one.
    Subdomain,
    /// RFC 1123 label (namespaces).
    Label,
    /// RFC 1035 label (services).
    Label1035,
    /// Anything that is one path segment (roles and bindings).
    Segment,
}

/// One served kind. `&'static Kind` is its handle.
#[derive(Debug)]
pub(crate) struct Kind {
    pub id: usize,
    pub group: &'static str,
    pub version: &'static str,
    pub kind: &'static str,
    pub plural: &'static str,
    pub singular: &'static str,
    pub short: &'static [&'static str],
    pub namespaced: bool,
    pub subresources: &'static [&'static str],
    pub categories: &'static [&'static str],
    pub naming: Naming,
    /// Whether the API server counts `metadata.generation` for it.
    pub generation: bool,
    /// Whether a finished delete answers with the object and not with a Status.
    pub returns_deleted: bool,
}

impl PartialEq for Kind {
    fn eq(&self, other: &Kind) -> bool {
        self.id == other.id
    }
}
impl Eq for Kind {}

impl Kind {
    /// `v1` or `apps/v1`.
    pub(crate) fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.into() } else { format!("{}/{}", self.group, self.version) }
    }

    /// `pods` or `statefulsets.apps`, as error messages name it.
    pub(crate) fn resource(&self) -> String {
        if self.group.is_empty() { self.plural.into() } else { format!("{}.{}", self.plural, self.group) }
    }

    /// `Pod` or `StatefulSet.apps`, as messages about validity name it.
    pub(crate) fn qualified(&self) -> String {
        if self.group.is_empty() { self.kind.into() } else { format!("{}.{}", self.kind, self.group) }
    }

    pub(crate) fn has_status(&self) -> bool {
        self.subresources.contains(&"status")
    }
}

macro_rules! kinds {
    ($($id:ident $group:literal/$version:literal $kind:literal $plural:literal $singular:literal
       short $short:expr, $scope:ident, sub $sub:expr $(, $key:ident = $value:expr)*;)*) => {
        #[allow(non_camel_case_types, clippy::upper_case_acronyms)]
        enum Id { $($id),* }
        $(pub(crate) const $id: &Kind = &Kind {
            $($key: $value,)*
            ..Kind {
                id: Id::$id as usize, group: $group, version: $version, kind: $kind, plural: $plural, singular: $singular,
                short: &$short, namespaced: kinds!(@$scope), subresources: &$sub, categories: &[],
                naming: Naming::Subdomain, generation: false, returns_deleted: false,
            }
        };)*
        /// Every served kind; the index is `Kind::id`.
        pub(crate) static ALL: &[&Kind] = &[$($id),*];
    };
    (@namespaced) => { true };
    (@cluster) => { false };
}

const NONE: [&str; 0] = [];

kinds! {
    NAMESPACE ""/"v1" "Namespace" "namespaces" "namespace" short ["ns"], cluster, sub ["status", "finalize"], naming = Naming::Label;
    POD ""/"v1" "Pod" "pods" "pod" short ["po"], namespaced,
        sub ["status", "log", "exec", "attach", "portforward", "eviction", "ephemeralcontainers", "binding"],
        categories = &["all"], generation = true, returns_deleted = true;
    PVC ""/"v1" "PersistentVolumeClaim" "persistentvolumeclaims" "persistentvolumeclaim" short ["pvc"], namespaced, sub ["status"], returns_deleted = true;
    PV ""/"v1" "PersistentVolume" "persistentvolumes" "persistentvolume" short ["pv"], cluster, sub ["status"], returns_deleted = true;
    RESOURCE_QUOTA ""/"v1" "ResourceQuota" "resourcequotas" "resourcequota" short ["quota"], namespaced, sub ["status"], returns_deleted = true;
    LIMIT_RANGE ""/"v1" "LimitRange" "limitranges" "limitrange" short ["limits"], namespaced, sub NONE;
    CONFIG_MAP ""/"v1" "ConfigMap" "configmaps" "configmap" short ["cm"], namespaced, sub NONE;
    SECRET ""/"v1" "Secret" "secrets" "secret" short NONE, namespaced, sub NONE;
    SERVICE ""/"v1" "Service" "services" "service" short ["svc"], namespaced, sub ["status", "proxy"],
        categories = &["all"], naming = Naming::Label1035, returns_deleted = true;
    SERVICE_ACCOUNT ""/"v1" "ServiceAccount" "serviceaccounts" "serviceaccount" short ["sa"], namespaced, sub NONE, returns_deleted = true;
    ENDPOINTS ""/"v1" "Endpoints" "endpoints" "endpoints" short ["ep"], namespaced, sub NONE;
    EVENT ""/"v1" "Event" "events" "event" short ["ev"], namespaced, sub NONE;
    NODE ""/"v1" "Node" "nodes" "node" short ["no"], cluster, sub ["status", "proxy"];
    STATEFUL_SET "apps"/"v1" "StatefulSet" "statefulsets" "statefulset" short ["sts"], namespaced, sub ["status", "scale"],
        categories = &["all"], generation = true;
    CONTROLLER_REVISION "apps"/"v1" "ControllerRevision" "controllerrevisions" "controllerrevision" short NONE, namespaced, sub NONE;
    DEPLOYMENT "apps"/"v1" "Deployment" "deployments" "deployment" short ["deploy"], namespaced, sub ["status", "scale"],
        categories = &["all"], generation = true;
    REPLICA_SET "apps"/"v1" "ReplicaSet" "replicasets" "replicaset" short ["rs"], namespaced, sub ["status", "scale"],
        categories = &["all"], generation = true;
    DAEMON_SET "apps"/"v1" "DaemonSet" "daemonsets" "daemonset" short ["ds"], namespaced, sub ["status"],
        categories = &["all"], generation = true;
    JOB "batch"/"v1" "Job" "jobs" "job" short NONE, namespaced, sub ["status"], categories = &["all"], generation = true;
    INGRESS "networking.k8s.io"/"v1" "Ingress" "ingresses" "ingress" short ["ing"], namespaced, sub ["status"], generation = true;
    INGRESS_CLASS "networking.k8s.io"/"v1" "IngressClass" "ingressclasses" "ingressclass" short NONE, cluster, sub NONE, generation = true;
    NETWORK_POLICY "networking.k8s.io"/"v1" "NetworkPolicy" "networkpolicies" "networkpolicy" short ["netpol"], namespaced, sub NONE, generation = true;
    POD_DISRUPTION_BUDGET "policy"/"v1" "PodDisruptionBudget" "poddisruptionbudgets" "poddisruptionbudget" short ["pdb"], namespaced, sub ["status"], generation = true;
    STORAGE_CLASS "storage.k8s.io"/"v1" "StorageClass" "storageclasses" "storageclass" short ["sc"], cluster, sub NONE;
    VOLUME_ATTACHMENT "storage.k8s.io"/"v1" "VolumeAttachment" "volumeattachments" "volumeattachment" short NONE, cluster, sub ["status"];
    CSI_NODE "storage.k8s.io"/"v1" "CSINode" "csinodes" "csinode" short NONE, cluster, sub NONE;
    // Add-ons' kinds, served as if their definitions were there.
    CERTIFICATE "cert-manager.io"/"v1" "Certificate" "certificates" "certificate" short ["cert"], namespaced, sub ["status"], generation = true;
    VOLUME_SNAPSHOT "snapshot.storage.k8s.io"/"v1" "VolumeSnapshot" "volumesnapshots" "volumesnapshot" short ["vs"], namespaced, sub ["status"], generation = true;
    LEASE "coordination.k8s.io"/"v1" "Lease" "leases" "lease" short NONE, namespaced, sub NONE;
    PRIORITY_CLASS "scheduling.k8s.io"/"v1" "PriorityClass" "priorityclasses" "priorityclass" short ["pc"], cluster, sub NONE, generation = true;
    // Stored and served; nothing here judges by them.
    ADMISSION_POLICY "admissionregistration.k8s.io"/"v1" "ValidatingAdmissionPolicy" "validatingadmissionpolicies" "validatingadmissionpolicy"
        short NONE, cluster, sub ["status"], generation = true;
    ADMISSION_POLICY_BINDING "admissionregistration.k8s.io"/"v1" "ValidatingAdmissionPolicyBinding" "validatingadmissionpolicybindings"
        "validatingadmissionpolicybinding" short NONE, cluster, sub NONE, generation = true;
    CLUSTER_ROLE "rbac.authorization.k8s.io"/"v1" "ClusterRole" "clusterroles" "clusterrole" short NONE, cluster, sub NONE, naming = Naming::Segment;
    CLUSTER_ROLE_BINDING "rbac.authorization.k8s.io"/"v1" "ClusterRoleBinding" "clusterrolebindings" "clusterrolebinding" short NONE, cluster, sub NONE, naming = Naming::Segment;
    ROLE "rbac.authorization.k8s.io"/"v1" "Role" "roles" "role" short NONE, namespaced, sub NONE, naming = Naming::Segment;
    ROLE_BINDING "rbac.authorization.k8s.io"/"v1" "RoleBinding" "rolebindings" "rolebinding" short NONE, namespaced, sub NONE, naming = Naming::Segment;
}

/// The kind served at this group, version and plural.
pub(crate) fn by_plural(group: &str, version: &str, plural: &str) -> Option<&'static Kind> {
    ALL.iter().copied().find(|k| k.plural == plural && k.group == group && k.version == version)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_indices() {
        for (i, kind) in ALL.iter().enumerate() {
            assert_eq!(kind.id, i, "{}", kind.kind);
        }
        assert_eq!(by_plural("", "v1", "pods"), Some(POD));
        assert_eq!(by_plural("apps", "v1", "pods"), None);
    }
}
