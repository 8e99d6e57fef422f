//! Asks the server for rights before anything is begun: a run must not find out half way that it may not.

use std::collections::BTreeSet;

use crate::{
    cluster::{Access, Ask, Cluster, ClusterError},
    plan::{Need, Plan, Refusal, Why},
};

/// Asks for every right that the plan takes: in the tenant's namespace where it is one, else in all.
pub(super) async fn of_plan(cluster: &Cluster, plan: &Plan, refusal: &mut Refusal) -> Result<(), ClusterError> {
    let one = plan.turns().next().filter(|_| plan.turns().count() == 1).map(|turn| turn.namespace.clone());
    of(cluster, plan.needs(), one, refusal).await
}

/// The same of any needs; `one`: the only namespace that is meant.
pub(super) async fn of(
    cluster: &Cluster,
    needs: BTreeSet<Need>,
    one: Option<String>,
    refusal: &mut Refusal,
) -> Result<(), ClusterError> {
    let mut access = Access::default();
    for (verb, group, resource) in needs {
        let namespace = one.clone().filter(|_| resource != "namespaces");
        let place = namespace.as_ref().map_or_else(String::new, |n| format!(" in namespace {n}"));
        if !access.may(cluster, &Ask { verb, group, resource, namespace }).await? {
            let who = cluster.user().unwrap_or("this user");
            refusal.add(None, Why::NoRights, format!("{who} may not {verb} {}{place}", resource.replace(':', " ")));
        }
    }
    Ok(())
}

/// Whether a run can be kept in the cluster, where others see it and can go on with it; else why not. One tenant may be
/// acted on without, for its steps are bound to UIDs; many may not.
pub(super) async fn of_records(cluster: &Cluster, control: &str) -> Result<Option<String>, ClusterError> {
    let mut access = Access::default();
    let within = Some(control.to_owned());
    let mut missing = Vec::new();
    for (verb, group, resource) in [
        ("get", "", "configmaps"),
        ("create", "", "configmaps"),
        ("patch", "", "configmaps"),
        ("get", "coordination.k8s.io", "leases"),
        ("create", "coordination.k8s.io", "leases"),
        ("update", "coordination.k8s.io", "leases"),
    ] {
        let ask = Ask { verb, group, resource, namespace: within.clone() };
        if !access.may(cluster, &ask).await? {
            missing.push(format!("{verb} {resource} in namespace {control}"));
        }
    }
    for verb in ["get", "patch"] {
        if !access.may(cluster, &Ask { verb, group: "", resource: "namespaces", namespace: None }).await? {
            missing.push(format!("{verb} namespaces"));
        }
    }
    let said = || format!("the run cannot be recorded in the cluster: you may not {}", missing.join(", nor "));
    Ok((!missing.is_empty()).then(said))
}

/// Whether pods may be made and removed in the control namespace; else why not.
pub(super) async fn of_pulls(cluster: &Cluster, control: &str) -> Result<Option<String>, ClusterError> {
    let mut access = Access::default();
    let mut missing = Vec::new();
    for verb in ["create", "list", "delete"] {
        let ask = Ask { verb, group: "", resource: "pods", namespace: Some(control.to_owned()) };
        if !access.may(cluster, &ask).await? {
            missing.push(verb);
        }
    }
    let said = || format!("you may not {} pods in namespace {control}", missing.join(" or "));
    Ok((!missing.is_empty()).then(said))
}
