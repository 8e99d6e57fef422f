//! What goes wrong, by rules and by missing things, and how it heals.

use serde_json::json;

use super::*;
use crate::sim::delete::DeleteOptions;
use crate::sim::kinds::{CONFIG_MAP, NODE, SECRET};
use crate::sim::object::{name_of, uid_of};

#[tokio::test(start_paused = true)]
async fn an_init_container_hangs_until_its_rule_is_taken_back() {
    let world = World::new(Scenario::builtin());
    world.rule("x", "container = 'init-4'\nfault = 'hang'");
    world.create(STATEFUL_SET, set_of_seven("web"));
    world.seconds(3600).await;
    let pod = world.pod("web-0").expect("there");
    assert!(container(&pod, "init-4")["state"]["running"].is_object());
    assert_eq!(pod["status"]["phase"], "Pending");
    assert!(world.ctx.rules.clear("x"));
    world.until_ready("web-0").await;
}

#[tokio::test(start_paused = true)]
async fn a_failing_init_container_backs_off() {
    let world = World::new(Scenario::builtin());
    world.rule("x", "container = 'init-2'\nfault = 'fail'\nexit-code = 3\nafter-seconds = 1\ntimes = 4");
    world.create(STATEFUL_SET, set_of_seven("web"));
    let pod = world.until_pod("web-0", "back-off", |p| waiting(p, "init-2") == "CrashLoopBackOff").await;
    let c = container(&pod, "init-2");
    assert_eq!(c["lastState"]["terminated"]["exitCode"], 3);
    assert_eq!(c["restartCount"], 1);
    let uid = uid_of(&pod);
    assert_eq!(
        c["state"]["waiting"]["message"],
        format!("back-off 10s restarting failed container=init-2 pod=web-0_t({uid})")
    );
    let pod = world.until_ready("web-0").await;
    assert_eq!(container(&pod, "init-2")["restartCount"], 4);
    assert!(world.has_event(&format!("BackOff Back-off restarting failed container init-2 in pod web-0_t({uid})")));
}

#[tokio::test(start_paused = true)]
async fn a_crash_loop_reaches_five_minutes() {
    let world = World::new(Scenario::builtin());
    world.rule("x", "container = 'gateway'\nfault = 'oom'\nafter-seconds = 4");
    world.create(STATEFUL_SET, set_of_seven("web"));
    let five =
        |p: &Value| text_at(container(p, "gateway"), &["state", "waiting", "message"]).starts_with("back-off 5m0s ");
    let pod = world.until_pod("web-0", "the longest back-off", five).await;
    let last = &container(&pod, "gateway")["lastState"]["terminated"];
    assert_eq!((last["exitCode"].as_i64(), last["reason"].as_str()), (Some(137), Some("OOMKilled")));
    assert_eq!(pod["status"]["phase"], "Running");
    assert_eq!(condition(&pod, "Initialized"), Some("True"));
    let ready = items(&pod, &["status", "conditions"]).iter().find(|c| c["type"] == "Ready").expect("it");
    assert_eq!(ready["message"], "containers with unready status: [gateway]");
}

#[tokio::test(start_paused = true)]
async fn an_unknown_image_is_not_pulled() {
    let world = World::of("[[sim.image]]\nmatch = 'ghcr.io/o/o:1'\n[[sim.image]]\nmatch = '*:9'\nknown = false");
    let mut set = set_of_seven("web");
    set["spec"]["template"]["spec"]["containers"][0]["image"] = "ghcr.io/o/o:9".into();
    set["spec"]["template"]["spec"]["containers"][1]["image"] = "ghcr.io/o/o:1".into();
    world.create(STATEFUL_SET, set);
    let pod = world.until_pod("web-0", "refused", |p| waiting(p, "gateway") == "ErrImagePull").await;
    let why = "rpc error: code = NotFound desc = failed to pull and unpack image \"ghcr.io/o/o:9\": \
               failed to resolve reference \"ghcr.io/o/o:9\": ghcr.io/o/o:9: not found";
    assert_eq!(container(&pod, "gateway")["state"]["waiting"]["message"], why);
    let pod = world.until_pod("web-0", "back-off", |p| waiting(p, "gateway") == "ImagePullBackOff").await;
    assert_eq!(pod["status"]["phase"], "Pending");
    assert!(container(&pod, "browser")["state"]["running"].is_object());
    assert!(world.has_event("Failed Error: ImagePullBackOff"));
    // The template is put right, the pod deleted.
    let image = |s: &mut Value| s["spec"]["template"]["spec"]["containers"][0]["image"] = "ghcr.io/o/o:1".into();
    world.ctx.store.modify(STATEFUL_SET, "t", "web", image).expect("edited");
    world.ctx.store.delete(POD, "t", "web-0", &DeleteOptions::default()).expect("deleted");
    world.until("another pod", |w| w.pod("web-0").is_some_and(|p| uid_of(&p) != uid_of(&pod))).await;
    world.until_ready("web-0").await;
}

#[tokio::test(start_paused = true)]
async fn a_missing_secret_and_a_missing_key_hold_the_container() {
    let world = World::new(Scenario::builtin());
    let env = json!([{"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "token", "key": "value"}}}]);
    let spec = json!({"containers": [{"name": "gateway", "image": "a:1", "env": env}]});
    world.create(STATEFUL_SET, set_with("web", spec));
    let config_error = |p: &Value| waiting(p, "gateway") == "CreateContainerConfigError";
    let pod = world.until_pod("web-0", "config error", config_error).await;
    assert_eq!(container(&pod, "gateway")["state"]["waiting"]["message"], "secret \"token\" not found");
    assert!(world.has_event("Failed Error: secret \"token\" not found"));
    world.create(SECRET, json!({"metadata": {"name": "token", "namespace": "t"}, "data": {"other": "eA=="}}));
    let no_key = |p: &Value| {
        container(p, "gateway")["state"]["waiting"]["message"] == "couldn't find key value in Secret t/token"
    };
    world.until_pod("web-0", "no key", no_key).await;
    world.ctx.store.modify(SECRET, "t", "token", |s| s["data"]["value"] = "eA==".into()).expect("edited");
    world.until_ready("web-0").await;
}

#[tokio::test(start_paused = true)]
async fn a_missing_config_map_volume_holds_the_sandbox() {
    let world = World::new(Scenario::builtin());
    let spec = json!({
        "volumes": [{"name": "scripts", "configMap": {"name": "stages"}}],
        "containers": [{"name": "gateway", "image": "a:1"}],
    });
    world.create(STATEFUL_SET, set_with("web", spec));
    world
        .until("FailedMount", |w| {
            w.has_event("FailedMount MountVolume.SetUp failed for volume \"scripts\" : configmap \"stages\" not found")
        })
        .await;
    let pod = world.pod("web-0").expect("there");
    assert_eq!(waiting(&pod, "gateway"), "ContainerCreating");
    assert_eq!(condition(&pod, "PodReadyToStartContainers"), Some("False"));
    world.create(CONFIG_MAP, json!({"metadata": {"name": "stages", "namespace": "t"}}));
    world.until_ready("web-0").await;
}

#[tokio::test(start_paused = true)]
async fn never_ready_says_why_and_heals() {
    let world = World::new(Scenario::builtin());
    world.create(STATEFUL_SET, set_of_seven("web"));
    world.until_ready("web-0").await;
    world.rule("x", "container = 'gateway'\nfault = 'never-ready'");
    let pod = world.until_pod("web-0", "unready", |p| condition(p, "Ready") == Some("False")).await;
    assert_eq!(container(&pod, "gateway")["started"], true);
    world.seconds(60).await;
    assert!(world.has_event("Unhealthy Readiness probe failed: HTTP probe failed with statuscode: 503"));
    assert!(world.set("web")["status"]["readyReplicas"].is_null());
    world.ctx.rules.clear("x");
    world.until_ready("web-0").await;
}

#[tokio::test(start_paused = true)]
async fn no_node_fits() {
    let world = World::of(
        "[[sim.node]]\nname = 'big'\ntaints = [{ key = 'only', value = 'x', effect = 'NoSchedule' }]\n[[sim.node]]\nname = 'small'\nallocatable = { cpu = '100m', memory = '1Gi', pods = 10 }",
    );
    let spec = json!({"containers": [{"name": "c", "image": "a:1", "resources": {"requests": {"cpu": "2"}}}]});
    world.create(STATEFUL_SET, set_with("web", spec));
    let pod = world.until_pod("web-0", "unschedulable", |p| condition(p, "PodScheduled") == Some("False")).await;
    let why = "0/2 nodes are available: 1 Insufficient cpu, 1 node(s) had untolerated taint(s). \
               no new claims to deallocate, preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling.";
    assert_eq!(pod["status"]["conditions"][0]["message"], why);
    assert_eq!(pod["status"]["conditions"][0]["reason"], "Unschedulable");
    assert!(world.has_event(&format!("FailedScheduling {why}")));
    world.ctx.store.modify(NODE, "", "big-1", |n| n["spec"]["taints"] = json!([])).expect("edited");
    let pod = world.until_ready("web-0").await;
    assert_eq!(pod["spec"]["nodeName"], "big-1");
}

#[tokio::test(start_paused = true)]
async fn a_node_that_stops_reporting_takes_its_pods_down() {
    let world = World::of("[[sim.node]]\nname = 'n'\ncount = 1\nlabels = { 'openclaw.ai/workload' = 'tenant' }");
    world.create(STATEFUL_SET, set_of_seven("web"));
    let old = world.until_ready("web-0").await;
    world.rule("x", "node = 'n-1'\nfault = 'node-not-ready'");
    world
        .until("node unknown", |w| {
            condition(&w.ctx.store.get(NODE, "", "n-1").expect("the node"), "Ready") == Some("Unknown")
        })
        .await;
    let pod = world.pod("web-0").expect("there");
    assert_eq!(condition(&pod, "Ready"), Some("False"));
    world.seconds(600).await;
    let pod = world.pod("web-0").expect("nobody confirms its end");
    assert_eq!(uid_of(&pod), uid_of(&old));
    assert!(!text_at(&pod, &["metadata", "deletionTimestamp"]).is_empty());
    world.ctx.rules.clear("x");
    world.until("a new pod", |w| w.pod("web-0").is_some_and(|p| uid_of(&p) != uid_of(&old))).await;
    world.until_ready("web-0").await;
}

#[tokio::test(start_paused = true)]
async fn an_evicted_pod_is_recreated_and_a_stuck_one_is_not() {
    let world = World::new(Scenario::builtin());
    world.create(STATEFUL_SET, set_of_seven("web"));
    let old = world.until_ready("web-0").await;
    world.rule("x", "namespace = 't'\npod = 'web-0'\nfault = 'evict'\nafter-seconds = 1");
    world.until("evicted", |w| w.has_event("Evicted The node was low on resource")).await;
    world.ctx.rules.clear("x");
    world.until("another", |w| w.pod("web-0").is_some_and(|p| uid_of(&p) != uid_of(&old))).await;
    assert!(world.has_event("SuccessfulDelete delete Pod web-0 in StatefulSet web successful"));
    let next = world.until_ready("web-0").await;
    world.rule("y", "namespace = 't'\nfault = 'stuck-terminating'");
    world.ctx.store.delete(POD, "t", "web-0", &DeleteOptions::default()).expect("deleted");
    world.seconds(3600).await;
    assert_eq!(uid_of(&world.pod("web-0").expect("stuck")), uid_of(&next));
    world.ctx.rules.clear("y");
    world.until("another", |w| w.pod("web-0").is_some_and(|p| uid_of(&p) != uid_of(&next))).await;
}

#[tokio::test(start_paused = true)]
async fn normal_events_are_limited_and_warnings_have_their_own_budget() {
    let world = World::new(Scenario::builtin());
    world.rule("x", "container = 'gateway'\nfault = 'crash'\nafter-seconds = 2");
    world.create(STATEFUL_SET, set_of_seven("web"));
    world.seconds(1200).await;
    let pod = world.pod("web-0").expect("there");
    let of = |kind: &str| -> u64 {
        let list = world.ctx.store.list(EVENT, Some("t"));
        let mine = list.iter().filter(|e| e["involvedObject"]["uid"] == uid_of(&pod) && e["type"] == kind);
        mine.map(|e| e["count"].as_u64().unwrap_or(1)).sum()
    };
    assert!((20..=30).contains(&of("Normal")), "{}", of("Normal"));
    assert!((4..=12).contains(&of("Warning")), "{}", of("Warning"));
    world.seconds(2 * 3600).await;
    assert!(of("Normal") < 30, "old events are forgotten");
}

#[tokio::test(start_paused = true)]
async fn events_are_forgotten_an_hour_after_they_were_written_whoever_wrote_them() {
    let world = World::new(Scenario::builtin());
    let told = |w: &World| w.events().iter().filter(|e| e.contains("told by hand")).count();
    let event = json!({
        "metadata": {"name": "a.1", "namespace": "t"}, "type": "Normal", "reason": "Upgraded", "message": "told by hand",
        "involvedObject": {"kind": "StatefulSet", "namespace": "t", "name": "web"},
        "firstTimestamp": "2026-11-24T08:00:00Z", "lastTimestamp": "2026-11-24T08:00:00Z", "count": 1,
    });
    world.create(EVENT, event);
    world.seconds(1_800).await;
    world.ctx.store.modify(EVENT, "t", "a.1", |e| e["count"] = 2.into()).expect("raised");
    world.seconds(3_599).await;
    assert_eq!(told(&world), 1, "written again, kept for longer");
    world.seconds(2).await;
    assert_eq!(told(&world), 0);
}

#[tokio::test(start_paused = true)]
async fn what_is_bound_to_a_node_that_its_selector_does_not_take_is_rejected_and_made_again() {
    let world = World::new(Scenario::builtin());
    let node = world.ctx.store.list(NODE, None)[0].clone();
    let mut set = set_of_seven("web");
    set["spec"]["template"]["spec"]["nodeName"] = name_of(&node).into();
    set["spec"]["template"]["spec"]["nodeSelector"] = json!({"example.com/nowhere": "x"});
    let mut changes = world.ctx.store.subscribe();
    world.create(STATEFUL_SET, set);
    // Its controller takes it away within the same moment.
    let pod = loop {
        let change = changes.recv().await.expect("the store lives");
        if change.kind == POD && text_at(&change.object, &["status", "phase"]) == "Failed" {
            break change.object;
        }
    };
    assert_eq!(text_at(&pod, &["status", "reason"]), "NodeAffinity");
    let words = "Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector";
    assert_eq!(text_at(&pod, &["status", "message"]), format!("Pod was rejected: {words}"));
    world.seconds(30).await;
    let rejected = world.events().iter().filter(|e| e.starts_with("NodeAffinity")).count();
    assert!(rejected > 5, "each pod that is made meets the same: {rejected}");
    assert_ne!(world.pod("web-0").map(|p| uid_of(&p).to_owned()).as_deref(), Some(uid_of(&pod)));
}
