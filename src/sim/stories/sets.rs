//! The good way: a StatefulSet comes up, is updated, scaled, and its pods come back.

use serde_json::json;

use super::*;
use crate::sim::delete::{DeleteOptions, Propagation};
use crate::sim::kinds::CONTROLLER_REVISION;
use crate::sim::object::uid_of;

#[tokio::test(start_paused = true)]
async fn seven_stages_to_ready() {
    let began = std::time::Instant::now();
    let world = World::new(Scenario::builtin());
    world.create(STATEFUL_SET, set_of_seven("web"));
    let pod = world.until_pod("web-0", "a pod", |p| !items(p, &["status", "initContainerStatuses"]).is_empty()).await;
    assert_eq!(pod["status"]["phase"], "Pending");
    assert_eq!(waiting(&pod, "init-1"), "PodInitializing");
    assert_eq!(waiting(&pod, "gateway"), "PodInitializing");
    assert_eq!(condition(&pod, "PodScheduled"), Some("True"));
    assert_eq!(condition(&pod, "Initialized"), Some("False"));

    let pod = world.until_pod("web-0", "init 3 runs", |p| container(p, "init-3")["state"]["running"].is_object()).await;
    let done = &container(&pod, "init-2")["state"]["terminated"];
    assert_eq!((done["reason"].as_str(), done["exitCode"].as_i64()), (Some("Completed"), Some(0)));
    assert!(text_at(done, &["startedAt"]) < text_at(done, &["finishedAt"]));
    assert_eq!(waiting(&pod, "init-4"), "PodInitializing");
    let incomplete = items(&pod, &["status", "conditions"]).iter().find(|c| c["type"] == "Initialized").expect("it");
    assert_eq!(incomplete["message"], "containers with incomplete status: [init-3 init-4 init-5 init-6 init-7]");

    let pod =
        world.until_pod("web-0", "gateway runs", |p| container(p, "gateway")["state"]["running"].is_object()).await;
    assert_eq!(condition(&pod, "Initialized"), Some("True"));
    let pod = world.until_ready("web-0").await;
    assert_eq!(pod["status"]["phase"], "Running");
    for c in items(&pod, &["status", "containerStatuses"]) {
        assert_eq!((&c["ready"], &c["started"], &c["restartCount"]), (&json!(true), &json!(true), &json!(0)), "{c}");
        assert!(text_at(c, &["containerID"]).starts_with("containerd://"), "{c}");
        assert!(text_at(c, &["imageID"]).contains("@sha256:"), "{c}");
    }
    assert_eq!(pod["metadata"]["generation"], 1, "scheduling is no edit");
    assert!(text_at(&pod, &["status", "podIP"]).starts_with("10."), "{pod}");
    assert_eq!(pod["metadata"]["labels"]["statefulset.kubernetes.io/pod-name"], "web-0");
    world.seconds(1).await;
    let status = world.set("web")["status"].clone();
    assert_eq!(status["observedGeneration"], 1);
    for field in ["replicas", "readyReplicas", "availableReplicas", "currentReplicas", "updatedReplicas"] {
        assert_eq!(status[field], 1, "{field} of {status}");
    }
    assert_eq!(status["currentRevision"], status["updateRevision"]);
    assert_eq!(pod["metadata"]["labels"]["controller-revision-hash"], status["updateRevision"]);
    assert!(world.has_event("SuccessfulCreate create Pod web-0 in StatefulSet web successful"));
    assert!(world.has_event("Scheduled Successfully assigned t/web-0 to node-1"));
    assert!(world.has_event("Started Started container init-7"));
    // Simulated minutes cost next to nothing; the bound is wide for busy machines and slow builds.
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn on_delete_keeps_the_pod_until_it_is_deleted() {
    let world = World::new(Scenario::builtin());
    world.create(STATEFUL_SET, set_of_seven("web"));
    let old = world.until_ready("web-0").await;
    let image = |set: &mut Value| set["spec"]["template"]["spec"]["containers"][0]["image"] = "ghcr.io/o/o:2".into();
    world.ctx.store.modify(STATEFUL_SET, "t", "web", image).expect("edited");
    world.seconds(60).await;
    let still = world.pod("web-0").expect("there");
    assert_eq!(uid_of(&still), uid_of(&old));
    let status = world.set("web")["status"].clone();
    assert_eq!(status["observedGeneration"], 2);
    assert_ne!(status["currentRevision"], status["updateRevision"]);
    assert!(status["updatedReplicas"].is_null(), "{status}");
    assert_eq!(world.ctx.store.list(CONTROLLER_REVISION, Some("t")).len(), 2);

    world.ctx.store.delete(POD, "t", "web-0", &DeleteOptions::default()).expect("deleted");
    let marked = world.pod("web-0").expect("graceful");
    assert_eq!(marked["metadata"]["deletionGracePeriodSeconds"], 30);
    world.until("a new pod", |w| w.pod("web-0").is_some_and(|p| uid_of(&p) != uid_of(&old))).await;
    let new = world.until_ready("web-0").await;
    assert_eq!(new["spec"]["containers"][0]["image"], "ghcr.io/o/o:2");
    world.seconds(1).await;
    let status = world.set("web")["status"].clone();
    assert_eq!(new["metadata"]["labels"]["controller-revision-hash"], status["updateRevision"]);
    assert_eq!(status["updatedReplicas"], 1);
    assert_ne!(status["currentRevision"], status["updateRevision"], "OnDelete leaves it behind");
}

#[tokio::test(start_paused = true)]
async fn rolling_update_replaces_the_pod_and_a_partition_holds_it() {
    let world = World::new(Scenario::builtin());
    let mut set = set_of_seven("web");
    set["spec"]["updateStrategy"] = json!({"type": "RollingUpdate", "rollingUpdate": {"partition": 1}});
    world.create(STATEFUL_SET, set);
    let old = world.until_ready("web-0").await;
    let image = |set: &mut Value| set["spec"]["template"]["spec"]["containers"][0]["image"] = "ghcr.io/o/o:2".into();
    world.ctx.store.modify(STATEFUL_SET, "t", "web", image).expect("edited");
    world.seconds(60).await;
    assert_eq!(uid_of(&world.pod("web-0").expect("held")), uid_of(&old));
    let release = |set: &mut Value| set["spec"]["updateStrategy"]["rollingUpdate"]["partition"] = 0.into();
    world.ctx.store.modify(STATEFUL_SET, "t", "web", release).expect("edited");
    world.until("a new pod", |w| w.pod("web-0").is_some_and(|p| uid_of(&p) != uid_of(&old))).await;
    world.until_ready("web-0").await;
    world.seconds(1).await;
    let status = world.set("web")["status"].clone();
    assert_eq!(status["currentRevision"], status["updateRevision"]);
}

#[tokio::test(start_paused = true)]
async fn scales_to_zero_and_back_and_in_order() {
    let world = World::new(Scenario::builtin());
    world.create(STATEFUL_SET, set_of_seven("web"));
    world.until_ready("web-0").await;
    let scale = |n: i64| {
        world.ctx.store.modify(STATEFUL_SET, "t", "web", |s| s["spec"]["replicas"] = n.into()).expect("scaled");
    };
    scale(0);
    world.until("no pod", |w| w.pod("web-0").is_none()).await;
    world.seconds(1).await;
    assert_eq!(world.set("web")["status"]["replicas"], 0);
    scale(2);
    world.seconds(3).await;
    assert!(world.pod("web-1").is_none(), "the second waits for the first");
    world.until_ready("web-1").await;
    assert!(world.has_event("SuccessfulDelete delete Pod web-0 in StatefulSet web successful"));
}

#[tokio::test(start_paused = true)]
async fn an_orphan_is_adopted() {
    let world = World::new(Scenario::builtin());
    world.create(STATEFUL_SET, set_of_seven("web"));
    let pod = world.until_ready("web-0").await;
    let orphan = DeleteOptions { propagation: Some(Propagation::Orphan), ..DeleteOptions::default() };
    world.ctx.store.delete(STATEFUL_SET, "t", "web", &orphan).expect("deleted");
    world.seconds(5).await;
    let left = world.pod("web-0").expect("it stays");
    assert!(items(&left, &["metadata", "ownerReferences"]).is_empty(), "{left}");
    world.create(STATEFUL_SET, set_of_seven("web"));
    world.seconds(5).await;
    let adopted = world.pod("web-0").expect("it stays");
    assert_eq!(uid_of(&adopted), uid_of(&pod));
    assert_eq!(adopted["metadata"]["ownerReferences"][0]["uid"], uid_of(&world.set("web")));
    assert_eq!(world.set("web")["status"]["readyReplicas"], 1);
}

#[tokio::test(start_paused = true)]
async fn the_same_seed_tells_the_same_story() {
    async fn story(seed: u64) -> Vec<String> {
        let world = World::seeded(Scenario::builtin(), seed);
        world.create(STATEFUL_SET, set_of_seven("web"));
        let pod = world.until_ready("web-0").await;
        items(&pod, &["status", "initContainerStatuses"])
            .iter()
            .map(|c| text_at(c, &["state", "terminated", "finishedAt"]).to_owned())
            .collect()
    }
    assert_eq!(story(1).await, story(1).await);
    assert_ne!(story(1).await, story(2).await);
}

#[tokio::test(start_paused = true)]
async fn sidecars_run_on_and_jobs_pods_end() {
    let world = World::new(Scenario::builtin());
    world.create(
        POD,
        json!({"metadata": {"name": "p", "namespace": "t"}, "spec": {
            "restartPolicy": "Never",
            "initContainers": [{"name": "side", "image": "a:1", "restartPolicy": "Always"}, {"name": "one", "image": "a:1"}],
            "containers": [{"name": "main", "image": "a:1"}],
        }}),
    );
    let pod = world.until_pod("p", "main runs", |p| p["status"]["phase"] == "Running").await;
    assert!(container(&pod, "side")["state"]["running"].is_object());
    assert_eq!(container(&pod, "one")["state"]["terminated"]["reason"], "Completed");
    let pod = world.until_pod("p", "it ends", |p| p["status"]["phase"] == "Succeeded").await;
    assert_eq!(container(&pod, "main")["state"]["terminated"]["exitCode"], 0);
}

#[tokio::test(start_paused = true)]
async fn instant_pods_are_ready_at_once() {
    let world = World::new(Scenario::instant());
    for i in 0..50 {
        world.create(STATEFUL_SET, set_of_seven(&format!("s{i}")));
    }
    world.seconds(1).await;
    let ready = world.ctx.store.list(POD, Some("t")).iter().filter(|p| condition(p, "Ready") == Some("True")).count();
    assert_eq!(ready, 50);
}
