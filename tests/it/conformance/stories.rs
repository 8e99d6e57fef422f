//! The stories. Each speaks to the cluster as the program does, through `cluster` alone.

mod findings;

pub(crate) use self::findings::*;

use std::time::Duration;

use fleetdeck::{
    cluster::Mode,
    fleet::{Boot, Phase, TenantId},
    manifest::PinnedImage,
};
use serde_json::json;

use super::world::World;

pub(crate) use super::boots::{
    a_tenant_can_be_looked_into_and_its_secrets_cannot, boots_are_learned_to_the_second_and_foretold,
};

const STAGES: [&str; 7] = [
    "seed-app",
    "create-workspace",
    "write-config",
    "rehydrate-runtime-apt",
    "setup-sudo",
    "download-cli-tools",
    "copy-chrome-cdp",
];

fn ready(entry: &fleetdeck::index::fleet::Entry) -> bool {
    entry.verdict.phase == Phase::Ready
}

pub(crate) async fn a_tenant_walks_through_its_stages_to_ready(world: &World) {
    let spec = world.spec("a");
    let namespace = spec.namespace();
    let mut watching = world.watch();
    world.create(&spec).await;
    let seen = watching.until(&namespace, "Ready", ready).await;

    // A watch may skip a short stage, but never goes back.
    let stages: Vec<usize> =
        seen.iter().filter_map(|p| p.strip_prefix("Booting(")?.split('/').next()?.parse().ok()).collect();
    assert!(stages.len() >= 4 && stages.is_sorted() && *stages.last().unwrap() == 7, "{seen:?}");
    assert!(!seen.iter().any(|p| p == "Failing" || p == "Degraded"), "a boot is progress: {seen:?}");

    let tenant = &watching.fleet.get(&namespace).unwrap().tenant;
    assert_eq!(tenant.id.parse::<TenantId>().unwrap().namespace(), namespace);
    assert_eq!(tenant.namespace.as_ref().unwrap().owner.as_deref(), Some("@somebody"));
    assert_eq!((tenant.sets.len(), tenant.claims.len(), tenant.quotas.len()), (1, 2, 3));
    let boot = Boot::of(tenant.pod().unwrap());
    let names: Vec<_> = boot.steps.iter().map(|s| s.kind.name()).collect();
    assert_eq!(names[2..9], STAGES);
    assert!(boot.steps.iter().all(|s| s.state.is_done()), "{boot:?}");
    let quota = tenant.quota().unwrap();
    let memory = quota.entry("limits.memory").unwrap();
    assert_eq!((memory.hard.to_string(), memory.used), ("2Gi".to_owned(), Some(memory.hard)), "the pod fits exactly");
}

pub(crate) async fn applying_again_changes_nothing_and_restarts_nobody(world: &World) {
    let spec = world.spec("a");
    let mut watching = world.watch();
    watching.settle().await;
    world.create(&spec).await;
    watching.until(&spec.namespace(), "Ready", ready).await;
    let before = watching.fleet.get(&spec.namespace()).unwrap().tenant.clone();
    world.create(&spec).await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    let mut after = world.watch();
    after.settle().await;
    after.until(&spec.namespace(), "Ready", ready).await;
    let after = &after.fleet.get(&spec.namespace()).unwrap().tenant;
    assert_eq!(after.pod().unwrap().uid, before.pod().unwrap().uid);
    assert_eq!(after.set().unwrap().generation, before.set().unwrap().generation);
}

pub(crate) async fn a_new_image_waits_for_the_pod_to_be_deleted(world: &World) {
    let mut spec = world.spec("a");
    let namespace = spec.namespace();
    let mut watching = world.watch();
    world.create(&spec).await;
    watching.until(&namespace, "Ready", ready).await;
    let old = watching.fleet.get(&namespace).unwrap().tenant.pod().unwrap().clone();

    spec.image = PinnedImage::given("ghcr.io/openclaw/openclaw:2026.8.2", None).unwrap();
    world.cluster.apply(&world.object(&spec, "StatefulSet", "openclaw"), Mode::Live).await.unwrap();
    watching
        .until(&namespace, "a new revision", |e| {
            let set = e.tenant.set().unwrap();
            set.observed_generation == set.generation && set.update_revision != old.revision
        })
        .await;
    let entry = watching.fleet.get(&namespace).unwrap();
    assert_eq!(entry.tenant.pod().unwrap().uid, old.uid, "OnDelete: nobody was restarted");
    assert_eq!(entry.verdict.phase, Phase::Ready);
    assert_eq!(entry.tenant.wanted_image().unwrap().tag, Some("2026.8.2"));
    assert_eq!(entry.tenant.running_image().unwrap().tag, Some("2026.8.1"));

    world.cluster.delete_pod(&namespace, "openclaw-0", old.uid).await.unwrap();
    let seen = watching
        .until(&namespace, "Ready again", |e| ready(e) && e.tenant.pod().is_some_and(|p| p.uid != old.uid))
        .await;
    assert!(seen.iter().any(|p| p.starts_with("Booting(")), "{seen:?}");
    let tenant = &watching.fleet.get(&namespace).unwrap().tenant;
    let pod = tenant.pod().unwrap();
    assert_eq!(tenant.running_image().unwrap().tag, Some("2026.8.2"));
    assert_eq!(pod.revision, tenant.set().unwrap().update_revision);
}

pub(crate) async fn a_quota_that_is_too_small_refuses_the_pod_and_says_so(world: &World) {
    let spec = world.spec("a");
    let namespace = spec.namespace();
    let mut watching = world.watch();
    world.create(&spec).await;
    watching.until(&namespace, "Ready", ready).await;
    let uid = watching.fleet.get(&namespace).unwrap().tenant.pod().unwrap().uid;

    let limits = json!({ "limits": { "memory": "2200Mi" }, "requests": { "memory": "2200Mi" } });
    let patch =
        json!({ "spec": { "template": { "spec": { "containers": [{ "name": "gateway", "resources": limits }] } } } });
    world.cluster.patch("apps/v1", "StatefulSet", &namespace, "openclaw", "kubectl-edit", &patch).await.unwrap();
    world.cluster.delete_pod(&namespace, "openclaw-0", uid).await.unwrap();
    watching.until(&namespace, "Failing", |e| e.verdict.phase == Phase::Failing).await;
    let entry = watching.fleet.get(&namespace).unwrap();
    assert_eq!(&*entry.verdict.why, "quota `tenant` refuses its pod");
    let warning = entry.tenant.warnings.iter().find(|w| w.reason == "FailedCreate").unwrap();
    let begin = "create Pod openclaw-0 in StatefulSet openclaw failed error: pods \"openclaw-0\" is forbidden: exceeded quota: tenant, requested: ";
    assert!(warning.message.starts_with(begin), "{}", warning.message);
    assert!(
        warning.message.contains("limited: ") && warning.message.contains("limits.memory=2Gi"),
        "{}",
        warning.message
    );
    assert!(entry.tenant.pod().is_none());
}

pub(crate) async fn an_edit_by_hand_makes_the_next_apply_conflict(world: &World) {
    let spec = world.spec("a");
    world.create(&spec).await;
    let patch = json!({ "spec": { "hard": { "limits.memory": "3Gi" } } });
    world.cluster.patch("v1", "ResourceQuota", &spec.namespace(), "tenant", "kubectl-edit", &patch).await.unwrap();
    let quota = world.object(&spec, "ResourceQuota", "tenant");
    let error = world.cluster.apply(&quota, Mode::Live).await.unwrap_err();
    assert!(error.said.contains("kubectl-edit"), "{error}");
    assert!(error.said.contains(".spec.hard.limits.memory"), "{error}");
}

pub(crate) async fn a_dry_run_stores_nothing(world: &World) {
    let spec = world.spec("a");
    let namespace = world.object(&spec, "Namespace", &spec.namespace());
    world.cluster.apply(&namespace, Mode::DryRun).await.unwrap();
    assert_eq!(world.cluster.namespace_uid(&spec.namespace()).await.unwrap(), None);
    world.cluster.apply(&namespace, Mode::Live).await.unwrap();
    assert!(world.cluster.namespace_uid(&spec.namespace()).await.unwrap().is_some());
}

pub(crate) async fn another_uid_protects_the_pod(world: &World) {
    let spec = world.spec("a");
    let namespace = spec.namespace();
    let mut watching = world.watch();
    world.create(&spec).await;
    watching.until(&namespace, "a pod", |e| e.tenant.pod().is_some()).await;
    let wrong = "00000000-0000-4000-8000-000000000001".parse().unwrap();
    let error = world.cluster.delete_pod(&namespace, "openclaw-0", wrong).await.unwrap_err();
    assert!(error.said.contains("the UID in the precondition"), "{error}");
    let pod = world.cluster.pod(&namespace, "openclaw-0").await.unwrap().unwrap();
    assert_eq!(pod.deleting, None);
}

pub(crate) async fn unknown_fields_are_refused(world: &World) {
    let spec = world.spec("a");
    let mut namespace = world.object(&spec, "Namespace", &spec.namespace());
    namespace["spec"] = json!({ "colour": "red" });
    let error = world.cluster.apply(&namespace, Mode::Live).await.unwrap_err();
    assert!(error.said.contains(".spec.colour"), "{error}");
    assert_eq!(world.cluster.namespace_uid(&spec.namespace()).await.unwrap(), None);
}

pub(crate) async fn a_finalizer_keeps_the_namespace_terminating(world: &World) {
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
    watching
        .until(&namespace, "Terminating, with the finalizer named", |e| {
            e.verdict.phase == Phase::Terminating && e.verdict.why.contains("backup.example.com/upload")
        })
        .await;
    held["metadata"]["finalizers"] = json!([]);
    world.cluster.apply(&held, Mode::Live).await.unwrap();
}

pub(crate) async fn a_suspended_tenant_sleeps_and_wakes(world: &World) {
    let mut spec = world.spec("a");
    let namespace = spec.namespace();
    let mut watching = world.watch();
    world.create(&spec).await;
    watching.until(&namespace, "Ready", ready).await;
    spec.suspended = true;
    world.create(&spec).await;
    watching.until(&namespace, "Suspended", |e| e.verdict.phase == Phase::Suspended && e.tenant.pod().is_none()).await;
    assert_eq!(watching.fleet.get(&namespace).unwrap().tenant.claims.len(), 2, "its volumes stay");
    spec.suspended = false;
    world.create(&spec).await;
    watching.until(&namespace, "Ready again", ready).await;
}

pub(crate) async fn an_existing_secret_is_left_alone(world: &World) {
    let spec = world.spec("a");
    world.cluster.apply(&world.object(&spec, "Namespace", &spec.namespace()), Mode::Live).await.unwrap();
    world.token(&spec).await.unwrap();
    world.token(&spec).await.unwrap();
}
