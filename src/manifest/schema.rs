//! What the renderer knows of kinds: which exist, where a pod spec sits in them, and which of their lists Kustomize merges by key.

/// Kinds of Kubernetes' own groups that a tenant's tree may hold. Custom resources of other groups may be there too.
pub(crate) const KINDS: [&str; 14] = [
    "Namespace",
    "ResourceQuota",
    "LimitRange",
    "ServiceAccount",
    "NetworkPolicy",
    "ConfigMap",
    "PersistentVolumeClaim",
    "Service",
    "Ingress",
    "StatefulSet",
    "Deployment",
    "Job",
    "CronJob",
    "PodDisruptionBudget",
];

/// True where objects of this group and kind are transformed as Kustomize would.
pub(crate) fn known(group: &str, kind: &str) -> bool {
    if is_custom(group) {
        return true;
    }
    let expected = match kind {
        "NetworkPolicy" | "Ingress" => "networking.k8s.io",
        "StatefulSet" | "Deployment" => "apps",
        "Job" | "CronJob" => "batch",
        "PodDisruptionBudget" => "policy",
        _ => "",
    };
    KINDS.contains(&kind) && group == expected
}

/// A group that is not Kubernetes' own: its lists have no merge keys in Kustomize, and it takes only the common transformations.
pub(crate) fn is_custom(group: &str) -> bool {
    group.contains('.') && group != "k8s.io" && !group.ends_with(".k8s.io")
}

/// Where the pod spec of a kind begins.
pub(crate) fn pod_spec(kind: &str) -> Option<&'static [&'static str]> {
    match kind {
        "StatefulSet" | "Deployment" | "Job" => Some(&["spec", "template", "spec"]),
        "CronJob" => Some(&["spec", "jobTemplate", "spec", "template", "spec"]),
        _ => None,
    }
}

/// How a patch's list meets the object's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ListRule {
    /// The patch's list takes the place of the object's.
    Replace,
    /// Items are matched by these fields.
    Merge(&'static [&'static str]),
    /// A set of plain values.
    Set,
}

/// The rule for the list at `path` (field names; items of lists are not counted) of a kind.
pub(crate) fn list_rule(group: &str, kind: &str, path: &[String]) -> ListRule {
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    match path.as_slice() {
        ["metadata", "finalizers"] if !is_custom(group) => return ListRule::Set,
        ["metadata", "ownerReferences"] if !is_custom(group) => return ListRule::Merge(&["uid"]),
        _ if is_custom(group) => return ListRule::Replace,
        _ => {}
    }
    if let Some(rest) = pod_spec(kind).and_then(|prefix| path.strip_prefix(prefix)) {
        return pod_list_rule(rest);
    }
    match (kind, path.as_slice()) {
        ("Service", ["spec", "ports"]) => ListRule::Merge(&["port", "protocol"]),
        ("ServiceAccount", ["secrets"]) => ListRule::Merge(&["name"]),
        _ => ListRule::Replace,
    }
}

fn pod_list_rule(path: &[&str]) -> ListRule {
    match path {
        ["containers" | "initContainers" | "ephemeralContainers" | "volumes" | "imagePullSecrets"] => {
            ListRule::Merge(&["name"])
        }
        ["hostAliases"] => ListRule::Merge(&["ip"]),
        ["topologySpreadConstraints"] => ListRule::Merge(&["topologyKey", "whenUnsatisfiable"]),
        ["containers" | "initContainers" | "ephemeralContainers", field] => match *field {
            "env" => ListRule::Merge(&["name"]),
            "volumeMounts" => ListRule::Merge(&["mountPath"]),
            "volumeDevices" => ListRule::Merge(&["devicePath"]),
            "ports" if path[0] != "ephemeralContainers" => ListRule::Merge(&["containerPort", "protocol"]),
            _ => ListRule::Replace,
        },
        _ => ListRule::Replace,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(group: &str, kind: &str, path: &str, expect: ListRule) {
        let path: Vec<String> = path.split('/').map(str::to_owned).collect();
        assert_eq!(list_rule(group, kind, &path), expect, "{kind} {path:?}");
    }

    #[test]
    fn lists_merge_by_the_keys_of_the_api() {
        check("apps", "StatefulSet", "spec/template/spec/containers", ListRule::Merge(&["name"]));
        check("apps", "StatefulSet", "spec/template/spec/initContainers/env", ListRule::Merge(&["name"]));
        check("apps", "StatefulSet", "spec/template/spec/containers/command", ListRule::Replace);
        check("apps", "StatefulSet", "spec/template/spec/tolerations", ListRule::Replace);
        check("batch", "CronJob", "spec/jobTemplate/spec/template/spec/volumes", ListRule::Merge(&["name"]));
        check("", "Service", "spec/ports", ListRule::Merge(&["port", "protocol"]));
        check("networking.k8s.io", "NetworkPolicy", "spec/egress", ListRule::Replace);
        check("", "ConfigMap", "metadata/finalizers", ListRule::Set);
        check("cert-manager.io", "Certificate", "spec/dnsNames", ListRule::Replace);
    }

    #[test]
    fn kinds_belong_to_their_groups() {
        assert!(known("apps", "StatefulSet") && known("", "Namespace") && known("cert-manager.io", "Certificate"));
        assert!(
            !known("", "StatefulSet")
                && !known("rbac.authorization.k8s.io", "RoleBinding")
                && !known("apps", "DaemonSet")
        );
    }
}
