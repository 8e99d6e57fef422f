//! What is wrong is found in what Kubernetes itself writes: the words of admission, scheduler and volume controllers.

use fleetdeck::{
    cluster::{Address, Mode, Only, Opening},
    diagnose::{Board, Code, Finding, Severity, Tiers},
    fleet::{Phase, Text},
    manifest::{Base, TenantSpec},
};
use serde_json::json;

use super::ready;
use crate::conformance::world::{Watching, World};

/// Everything that can be found of a tenant, `later` seconds from now: what lasts need not be waited for.
async fn examine(world: &World, watching: &Watching, spec: &TenantSpec, later: u32) -> Vec<Finding> {
    let namespace = Text::from(spec.namespace());
    let now = world.cluster.clock().now().plus(later);
    let base = Base::embedded().unwrap();
    let mut board = Board::new(Tiers::of(&base));
    let storage = world.cluster.storage(&fleetdeck::index::digest::Labels::default()).await.unwrap();
    board.stored(&watching.fleet, storage, now);
    let of = Opening { label: "openclaw.ai/tenant", base: &base, volumes: &[] };
    let opened = world.cluster.opened(&namespace, of).await;
    assert_eq!(opened.unread, [""; 0]);
    board.opened(&watching.fleet, &namespace, opened, now);
    board.of(&namespace).to_vec()
}

#[track_caller]
fn first(findings: &[Finding], code: Code, about: &str) {
    let first = findings.first().expect("something is found");
    assert_eq!((first.code, first.about.as_str()), (code, about), "{findings:#?}");
    assert!(first.down && first.severity == Severity::Critical && !first.evidence.is_empty(), "{first:?}");
}

/// The pod's own word on why no node takes it, or none.
fn unscheduled(entry: &fleetdeck::index::Entry) -> bool {
    let pod = entry.tenant.pod();
    pod.and_then(|p| p.scheduled.as_ref()).is_some_and(|c| c.message().is_some())
}

pub(crate) async fn a_tenant_as_rendered_has_nothing_to_find(world: &World) {
    let spec = world.spec("a");
    let mut watching = world.watch();
    watching.settle().await;
    world.create(&spec).await;
    watching.until(&spec.namespace(), "Ready", ready).await;
    let found = examine(world, &watching, &spec, 0).await;
    // Whether its disks outlive it is the cluster's class's to say.
    let strange: Vec<_> = found.iter().filter(|f| f.code != Code::ReclaimDeletes).collect();
    assert!(strange.is_empty(), "{strange:#?}");
}

pub(crate) async fn a_refusal_by_the_quota_is_found_with_its_figures(world: &World) {
    let spec = world.spec("a");
    let namespace = spec.namespace();
    let mut watching = world.watch();
    world.create(&spec).await;
    watching.until(&namespace, "a pod", |e| e.tenant.pod().is_some()).await;
    let uid = watching.fleet.get(&namespace).unwrap().tenant.pod().unwrap().uid;
    let limits = json!({ "limits": { "memory": "2200Mi" }, "requests": { "memory": "2200Mi" } });
    let patch =
        json!({ "spec": { "template": { "spec": { "containers": [{ "name": "gateway", "resources": limits }] } } } });
    world.cluster.patch("apps/v1", "StatefulSet", &namespace, "openclaw", "kubectl-edit", &patch).await.unwrap();
    world.cluster.delete_pod(&namespace, "openclaw-0", uid).await.unwrap();
    let refused = |e: &fleetdeck::index::Entry| {
        e.tenant.pod().is_none() && e.tenant.warnings.iter().any(|w| w.reason == "FailedCreate")
    };
    watching.until(&namespace, "a refusal", refused).await;
    let found = examine(world, &watching, &spec, 30).await;
    first(&found, Code::QuotaRefused, "limits.memory, requests.memory");
    assert!(found[0].sentence.contains("2Gi allowed"), "{}", found[0].sentence);
}

pub(crate) async fn labels_that_no_node_has_are_found(world: &World) {
    let mut spec = world.spec("a");
    spec.node_selector = [("example.com/nowhere".to_owned(), "x".to_owned())].into();
    let mut watching = world.watch();
    watching.settle().await;
    world.create(&spec).await;
    watching.until(&spec.namespace(), "unscheduled", unscheduled).await;
    let found = examine(world, &watching, &spec, 90).await;
    first(&found, Code::NoNodeMatches, "node selector");
}

pub(crate) async fn a_request_that_no_node_can_meet_is_found(world: &World) {
    let spec = world.spec("a");
    let namespace = spec.namespace();
    let mut watching = world.watch();
    watching.settle().await;
    let mut set = world.object(&spec, "StatefulSet", "openclaw");
    let much =
        json!({ "requests": { "cpu": "150m", "memory": "900Ti" }, "limits": { "cpu": "600m", "memory": "900Ti" } });
    let containers = set["spec"]["template"]["spec"]["containers"].as_array_mut().unwrap();
    containers.iter_mut().find(|c| c["name"] == "gateway").unwrap()["resources"] = much;
    for object in fleetdeck::manifest::render(&Base::embedded().unwrap(), &spec).unwrap() {
        // Without its quota, which would refuse the pod before any scheduler saw it.
        match (object.kind(), object.name()) {
            ("ResourceQuota", "tenant") => {}
            ("StatefulSet", _) => {
                world.token(&spec).await.unwrap();
                world.cluster.apply(&set, Mode::Live).await.unwrap();
            }
            _ => drop(world.cluster.apply(object.value(), Mode::Live).await.unwrap()),
        }
    }
    watching
        .until(&namespace, "unscheduled", |e| {
            let pod = e.tenant.pod();
            pod.and_then(|p| p.scheduled.as_ref()?.message()).is_some_and(|m| m.contains("Insufficient"))
        })
        .await;
    let found = examine(world, &watching, &spec, 90).await;
    first(&found, Code::NoRoom, "memory");
}

pub(crate) async fn a_storage_class_that_is_not_there_is_found(world: &World) {
    let mut spec = world.spec("a");
    spec.volumes.app.storage_class = Some("nowhere".to_owned());
    let mut watching = world.watch();
    watching.settle().await;
    world.create(&spec).await;
    let told = |e: &fleetdeck::index::Entry| {
        unscheduled(e) && e.tenant.warnings.iter().any(|w| w.reason == "ProvisioningFailed")
    };
    watching.until(&spec.namespace(), "a failed provisioning", told).await;
    let found = examine(world, &watching, &spec, 90).await;
    first(&found, Code::ClassMissing, "nowhere");
    assert_eq!(found.iter().filter(|f| f.down).count(), 1, "the claim's word and the scheduler's are one: {found:#?}");
}

pub(crate) async fn a_wide_policy_and_an_ingress_without_tls_are_found(world: &World) {
    let spec = world.spec("a");
    let namespace = spec.namespace();
    let mut watching = world.watch();
    watching.settle().await;
    world.create(&spec).await;
    watching.until(&namespace, "Ready", ready).await;
    let wide = json!({
        "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
        "metadata": { "name": "wide", "namespace": namespace },
        "spec": { "podSelector": {}, "policyTypes": ["Egress"], "egress": [{}] },
    });
    world.cluster.apply(&wide, Mode::Live).await.unwrap();
    let mut bare = world.object(&spec, "Ingress", "openclaw");
    bare["metadata"]["name"] = json!("bare");
    bare["spec"].as_object_mut().unwrap().remove("tls");
    world.cluster.apply(&bare, Mode::Live).await.unwrap();
    let found = examine(world, &watching, &spec, 0).await;
    let codes: Vec<_> = found.iter().filter(|f| f.code != Code::ReclaimDeletes).map(|f| f.code).collect();
    assert_eq!(codes, [Code::NetworkWide, Code::IngressNoTls], "{found:#?}");
    assert!(found.iter().all(|f| !f.down));
}

pub(crate) async fn doors_changed_by_hand_are_found_beside_the_tenants_own_render(world: &World) {
    let spec = world.spec("a");
    let namespace = spec.namespace();
    let mut watching = world.watch();
    watching.settle().await;
    world.create(&spec).await;
    watching.until(&namespace, "Ready", ready).await;
    let edit = async |kind: &str, name: &str, patch: serde_json::Value| {
        let version = if kind == "NetworkPolicy" { "networking.k8s.io/v1" } else { "v1" };
        world.cluster.patch(version, kind, &namespace, name, "kubectl-edit", &patch).await.unwrap();
    };
    edit("NetworkPolicy", "tenant", json!({ "spec": { "egress": [{}] } })).await;
    edit("ResourceQuota", "tenant", json!({ "spec": { "hard": { "limits.memory": "64Gi" } } })).await;
    let limits = world.cluster.object(&Address::kind("LimitRange", &namespace, "tenant").unwrap()).await.unwrap();
    let uid = limits.unwrap()["metadata"]["uid"].as_str().unwrap().parse().unwrap();
    let at = Address::kind("LimitRange", &namespace, "tenant").unwrap();
    world.cluster.remove(&at, Only { uid, version: None }, Mode::Live).await.unwrap();
    let found = examine(world, &watching, &spec, 0).await;
    let of = |code: Code| found.iter().find(|f| f.code == code).unwrap_or_else(|| panic!("{code}: {found:#?}"));
    assert_eq!(of(Code::NetworkWide).evidence[0].place, "NetworkPolicy tenant spec.egress");
    let quota = &of(Code::QuotaWide).evidence[0];
    assert_eq!(quota.said, "\"64Gi\"; its render has \"2Gi\"");
    assert_eq!(of(Code::LimitRangeMissing).about, "LimitRange tenant");
    let others = [Code::NetworkWide, Code::QuotaWide, Code::LimitRangeMissing, Code::ReclaimDeletes];
    assert!(found.iter().all(|f| others.contains(&f.code)), "{found:#?}");
}

pub(crate) async fn what_holds_a_namespace_is_found(world: &World) {
    let spec = world.spec("a");
    let namespace = spec.namespace();
    let mut watching = world.watch();
    world.cluster.apply(&world.object(&spec, "Namespace", &namespace), Mode::Live).await.unwrap();
    let mut held = json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": { "name": "held", "namespace": namespace, "finalizers": ["backup.example.com/upload"] },
    });
    world.cluster.apply(&held, Mode::Live).await.unwrap();
    let uid = world.cluster.namespace_uid(&namespace).await.unwrap().unwrap();
    world.cluster.delete_namespace(&namespace, uid).await.unwrap();
    let named = |e: &fleetdeck::index::Entry| e.verdict.phase == Phase::Terminating && !e.verdict.why.is_empty();
    watching.until(&namespace, "Terminating, and why", named).await;
    let found = examine(world, &watching, &spec, 400).await;
    let stuck = found.first().unwrap();
    assert_eq!((stuck.code, stuck.about.as_str()), (Code::NamespaceStuck, "finalizer backup.example.com/upload"));
    held["metadata"]["finalizers"] = json!([]);
    world.cluster.apply(&held, Mode::Live).await.unwrap();
}
