//! The objects that every cluster is born with.

use serde_json::{Value, json};

use super::kinds::{self, Kind};
use super::scenario::Scenario;
use super::store::Store;

pub(super) fn plant(store: &Store) {
    for name in ["default", "kube-node-lease", "kube-public", "kube-system"] {
        put(store, kinds::NAMESPACE, json!({"metadata": {"name": name}}));
    }
    put(
        store,
        kinds::SERVICE,
        json!({
            "metadata": {"name": "kubernetes", "namespace": "default", "labels": {"component": "apiserver", "provider": "kubernetes"}},
            "spec": {"ports": [{"name": "https", "port": 443, "targetPort": 6443, "protocol": "TCP"}], "clusterIP": "10.96.0.1"},
        }),
    );
    for (name, value) in [("system-cluster-critical", 2_000_000_000), ("system-node-critical", 2_000_001_000)] {
        put(
            store,
            kinds::PRIORITY_CLASS,
            json!({"metadata": {"name": name}, "value": value, "preemptionPolicy": "PreemptLowerPriority"}),
        );
    }
    role(store, "cluster-admin", json!([rule(&["*"], &["*"], &["*"]), {"verbs": ["*"], "nonResourceURLs": ["*"]}]));
    put(
        store,
        kinds::CLUSTER_ROLE_BINDING,
        json!({
            "metadata": {"name": "cluster-admin"},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
            "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": "system:masters"}],
        }),
    );
    let read = ["get", "list", "watch"];
    let write = ["create", "delete", "deletecollection", "patch", "update"];
    let seen = [
        rule(&["", "events.k8s.io"], &["events"], &read),
        rule(
            &[""],
            &[
                "configmaps",
                "endpoints",
                "limitranges",
                "namespaces",
                "namespaces/status",
                "persistentvolumeclaims",
                "persistentvolumeclaims/status",
                "pods",
                "pods/log",
                "pods/status",
                "resourcequotas",
                "resourcequotas/status",
                "serviceaccounts",
                "services",
                "services/status",
            ],
            &read,
        ),
        rule(
            &["apps"],
            &[
                "controllerrevisions",
                "daemonsets",
                "daemonsets/status",
                "deployments",
                "deployments/scale",
                "deployments/status",
                "replicasets",
                "replicasets/scale",
                "replicasets/status",
                "statefulsets",
                "statefulsets/scale",
                "statefulsets/status",
            ],
            &read,
        ),
        rule(&["batch"], &["jobs", "jobs/status"], &read),
        rule(&["networking.k8s.io"], &["ingresses", "ingresses/status", "networkpolicies"], &read),
        rule(&["policy"], &["poddisruptionbudgets", "poddisruptionbudgets/status"], &read),
        rule(&["metrics.k8s.io"], &["nodes", "pods"], &read),
    ];
    let edited = [
        rule(
            &[""],
            &["pods/attach", "pods/exec", "pods/portforward", "pods/proxy", "secrets", "services/proxy"],
            &read,
        ),
        rule(
            &[""],
            &[
                "configmaps",
                "endpoints",
                "events",
                "persistentvolumeclaims",
                "pods",
                "pods/attach",
                "pods/exec",
                "pods/portforward",
                "secrets",
                "serviceaccounts",
                "services",
            ],
            &write,
        ),
        rule(&[""], &["pods/eviction"], &["create"]),
        rule(
            &["apps"],
            &[
                "daemonsets",
                "deployments",
                "deployments/scale",
                "replicasets",
                "replicasets/scale",
                "statefulsets",
                "statefulsets/scale",
            ],
            &write,
        ),
        rule(&["batch"], &["jobs"], &write),
        rule(&["coordination.k8s.io"], &["leases"], &[&read[..], &write[..]].concat()),
        rule(&["networking.k8s.io"], &["ingresses", "networkpolicies"], &write),
        rule(&["policy"], &["poddisruptionbudgets"], &write),
    ];
    let roles = [rule(&["rbac.authorization.k8s.io"], &["rolebindings", "roles"], &[&read[..], &write[..]].concat())];
    role(store, "view", json!(seen));
    role(store, "edit", json!([&seen[..], &edited[..]].concat()));
    role(store, "admin", json!([&seen[..], &edited[..], &roles[..]].concat()));
}

/// The scenario's users, each with a role of the same name.
pub(super) fn users(store: &Store, scenario: &Scenario) {
    for user in &scenario.user {
        let name = format!("sim:{}", user.name);
        let rules =
            user.allow.iter().map(|a| json!({"apiGroups": a.groups, "resources": a.resources, "verbs": a.verbs}));
        role(store, &name, rules.collect());
        put(
            store,
            kinds::CLUSTER_ROLE_BINDING,
            json!({
                "metadata": {"name": name},
                "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name},
                "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user.name}],
            }),
        );
    }
}

fn rule(groups: &[&str], resources: &[&str], verbs: &[&str]) -> Value {
    json!({"apiGroups": groups, "resources": resources, "verbs": verbs})
}

#[allow(clippy::needless_pass_by_value, reason = "json! makes a fresh tree at every call")]
fn role(store: &Store, name: &str, rules: Value) {
    let labels = json!({"kubernetes.io/bootstrapping": "rbac-defaults"});
    put(store, kinds::CLUSTER_ROLE, json!({"metadata": {"name": name, "labels": labels}, "rules": rules}));
}

fn put(store: &Store, kind: &'static Kind, object: Value) {
    store.create(kind, object, "kube-apiserver").expect("the objects of an empty cluster are valid and new");
}
