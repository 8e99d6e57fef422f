//! The simulator's controllers and kubelets, seen through a real client on a paused clock.

use std::time::Duration;

use fleetdeck::sim::scenario::{Rule, Scenario};
use fleetdeck::sim::{Sim, SimConfig};
use futures::{AsyncBufReadExt, StreamExt, TryStreamExt};
use hyper_util::client::legacy;
use hyper_util::rt::TokioExecutor;
use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::core::v1::{Event, Namespace, Node, Pod, ResourceQuota};
use kube::api::{AttachParams, ListParams, LogParams, Patch, PatchParams, PostParams};
use kube::client::{Body, ConfigExt};
use kube::{Api, Client, Config};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

struct World {
    sim: Sim,
    client: Client,
}

/// Another client than ours, for the simulator in this process.
pub(crate) fn client_of(sim: &Sim) -> Client {
    let http = legacy::Client::builder(TokioExecutor::new()).build::<_, Body>(sim.connector());
    let base = Config::new("http://sim.local".parse().expect("a URI")).base_uri_layer();
    Client::new(tower::ServiceBuilder::new().layer(base).service(http), "t")
}

impl World {
    async fn new() -> World {
        World::of(Scenario::builtin()).await
    }

    async fn of(scenario: Scenario) -> World {
        let start = "2026-11-24T08:00:00Z".parse().expect("a time");
        let sim = Sim::new(SimConfig { seed: 7, start, scenario, ..SimConfig::default() });
        let client = client_of(&sim);
        let namespace = serde_json::from_value(json!({"metadata": {"name": "t"}})).expect("a namespace");
        Api::<Namespace>::all(client.clone()).create(&PostParams::default(), &namespace).await.expect("created");
        World { sim, client }
    }

    fn api<K>(&self) -> Api<K>
    where
        K: kube::Resource<Scope = k8s_openapi::NamespaceResourceScope>,
        <K as kube::Resource>::DynamicType: Default,
    {
        Api::namespaced(self.client.clone(), "t")
    }

    async fn apply(&self, set: Value) {
        let name = set["metadata"]["name"].as_str().expect("a name").to_owned();
        let params = PatchParams::apply("test").force();
        self.api::<StatefulSet>().patch(&name, &params, &Patch::Apply(set)).await.expect("applied");
    }

    fn rule(&self, name: &str, text: &str) {
        self.sim.set_rule(name, Rule::parse(name, text).expect("a rule"));
    }

    async fn until(&self, what: &str, holds: impl AsyncFn(&World) -> bool) {
        for _ in 0..7200 {
            if holds(self).await {
                return;
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
        panic!("never: {what}");
    }

    async fn ready(&self, name: &str) -> Pod {
        let is_ready = |p: &Pod| {
            let conditions = p.status.as_ref().and_then(|s| s.conditions.as_ref());
            conditions.is_some_and(|c| c.iter().any(|c| c.type_ == "Ready" && c.status == "True"))
        };
        self.until("ready", async |w: &World| {
            w.api::<Pod>().get_opt(name).await.expect("an answer").is_some_and(|p| is_ready(&p))
        })
        .await;
        self.api().get(name).await.expect("there")
    }

    async fn raw(&self, path: &str) -> Result<Value, kube::Error> {
        self.client.request(http::Request::get(path).body(vec![]).expect("a request")).await
    }

    /// Whether a container has begun to write. The log of a pod without a node is empty.
    async fn writes(&self, container: &str) -> bool {
        self.log(&of(container)).await.is_ok_and(|log| !log.is_empty())
    }

    async fn log(&self, params: &LogParams) -> Result<String, kube::Error> {
        self.api::<Pod>().logs("web-0", params).await
    }
}

fn of(container: &str) -> LogParams {
    LogParams { container: Some(container.into()), ..LogParams::default() }
}

fn message(error: kube::Error) -> String {
    match error {
        kube::Error::Api(status) => format!("{} {}", status.code, status.message),
        other => panic!("not an answer: {other}"),
    }
}

fn set() -> Value {
    let resources = json!({"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"cpu": "1", "memory": "1Gi"}});
    let init = |name: &str| json!({"name": name, "image": "ghcr.io/o/o:2026.8.2", "resources": resources});
    json!({
        "apiVersion": "apps/v1", "kind": "StatefulSet",
        "metadata": {"name": "web", "namespace": "t"},
        "spec": {
            "replicas": 1, "serviceName": "web", "selector": {"matchLabels": {"app": "web"}},
            "template": {
                "metadata": {"labels": {"app": "web"}},
                "spec": {
                    "initContainers": [init("seed-app"), init("write-config")],
                    "containers": [{
                        "name": "gateway", "image": "ghcr.io/o/o:2026.8.2", "resources": resources,
                        "ports": [{"containerPort": 18789}],
                        "startupProbe": {"httpGet": {"path": "/healthz", "port": 18789}},
                        "readinessProbe": {"httpGet": {"path": "/readyz", "port": 18789}},
                        "volumeMounts": [{"name": "data", "mountPath": "/app"}],
                    }],
                },
            },
            "volumeClaimTemplates": [{
                "metadata": {"name": "data"},
                "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "20Gi"}}},
            }],
        },
    })
}

#[tokio::test(start_paused = true)]
async fn a_set_boots_through_the_api() {
    let world = World::new().await;
    world.apply(set()).await;
    let pod = world.ready("web-0").await;
    let status = pod.status.expect("a status");
    let inits = status.init_container_statuses.expect("inits");
    assert!(
        inits.iter().all(|c| c.state.as_ref().and_then(|s| s.terminated.as_ref()).is_some_and(|t| t.exit_code == 0))
    );
    assert_eq!(status.qos_class.as_deref(), Some("Burstable"));
    let set = world.api::<StatefulSet>().get("web").await.expect("there").status.expect("a status");
    assert_eq!(set.current_revision, set.update_revision);
    assert_eq!(
        Api::<Node>::all(world.client.clone()).list(&ListParams::default()).await.expect("nodes").items.len(),
        3
    );
}

#[tokio::test(start_paused = true)]
async fn logs_of_stages_and_servers() {
    let world = World::new().await;
    world.apply(set()).await;
    world.until("the first stage runs", async |w: &World| w.writes("seed-app").await).await;
    let early = message(world.log(&of("gateway")).await.expect_err("too early"));
    assert_eq!(early, "400 container \"gateway\" in pod \"web-0\" is waiting to start: PodInitializing");
    let wrong = message(world.log(&of("nope")).await.expect_err("no such"));
    assert_eq!(wrong, "400 container nope is not valid for pod web-0");
    world.ready("web-0").await;

    let stage = world.log(&of("seed-app")).await.expect("a log");
    assert!(stage.starts_with("seed-app: begin\n") && stage.ends_with("seed-app: done\n"), "{stage}");
    assert_eq!(stage, world.log(&of("seed-app")).await.expect("a log"), "the same life, the same lines");
    tokio::time::sleep(Duration::from_secs(100)).await;
    let gateway = world.log(&of("gateway")).await.expect("a log");
    assert!(gateway.contains("listening on 0.0.0.0:18789"), "{gateway}");
    let tail = world.log(&LogParams { tail_lines: Some(2), timestamps: true, ..of("gateway") }).await.expect("a log");
    assert_eq!(tail.lines().count(), 2);
    assert!(tail.starts_with("2026-11-24T08:0"), "{tail}");
    let recent = world.log(&LogParams { since_seconds: Some(25), ..of("gateway") }).await.expect("a log");
    assert!((2..=3).contains(&recent.lines().count()), "{recent}");
    let short = world.log(&LogParams { limit_bytes: Some(10), ..of("gateway") }).await.expect("a log");
    assert_eq!(short, "gateway: s");
    let none = message(world.log(&LogParams { previous: true, ..of("gateway") }).await.expect_err("none"));
    assert_eq!(none, "400 previous terminated container \"gateway\" in pod \"web-0\" not found");
}

#[tokio::test(start_paused = true)]
async fn a_followed_log_goes_on_and_ends_with_its_container() {
    let world = World::new().await;
    world.apply(set()).await;
    world.ready("web-0").await;
    let params = LogParams { follow: true, tail_lines: Some(0), ..of("gateway") };
    let mut lines = world.api::<Pod>().log_stream("web-0", &params).await.expect("a stream").lines();
    for _ in 0..5 {
        let line = lines.next().await.expect("goes on").expect("a line");
        assert!(line.starts_with("gateway: tick "), "{line}");
    }
    world.rule("x", "container = 'gateway'\nfault = 'crash'\nafter-seconds = 1\nexit-code = 9\ntimes = 1");
    let rest: Vec<String> = lines.try_collect().await.expect("an orderly end");
    assert_eq!(rest.last().map(String::as_str), Some("gateway: fatal: giving up, exit code 9"));
    world.ready("web-0").await;
    let before = world.log(&LogParams { previous: true, ..of("gateway") }).await.expect("a log");
    assert!(before.ends_with("exit code 9\n"), "{before}");
}

#[tokio::test(start_paused = true)]
async fn a_chatty_container_is_followed_without_loss() {
    let world = World::new().await;
    world.rule("x", "container = 'gateway'\nlog-lines-per-second = 5000.0");
    world.apply(set()).await;
    world.ready("web-0").await;
    let params = LogParams { follow: true, tail_lines: Some(1), ..of("gateway") };
    let lines = world.api::<Pod>().log_stream("web-0", &params).await.expect("a stream").lines();
    let numbers: Vec<u64> = lines
        .take(20_000)
        .map_ok(|line| line.split(' ').nth(2).and_then(|n| n.parse::<u64>().ok()).expect("a tick"))
        .try_collect()
        .await
        .expect("lines");
    assert!(numbers.windows(2).all(|w| w[1] == w[0] + 1));
}

#[tokio::test(start_paused = true)]
async fn ports_are_forwarded_to_what_listens() {
    async fn get(world: &World, port: u16, path: &str) -> String {
        let mut forward = world.api::<Pod>().portforward("web-0", &[port]).await.expect("forwards");
        let mut stream = forward.take_stream(port).expect("a stream");
        stream
            .write_all(format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").as_bytes())
            .await
            .expect("written");
        let mut answer = String::new();
        // A refused port ends the stream; what was read before counts.
        let _ = stream.read_to_string(&mut answer).await;
        if answer.is_empty() {
            answer = forward.take_error(port).expect("once").await.unwrap_or_default();
        }
        answer
    }
    let world = World::new().await;
    world.rule("slow", "container = 'gateway'\nready-seconds = 40");
    world.apply(set()).await;
    world.until("the gateway runs", async |w: &World| w.writes("gateway").await).await;
    let early = get(&world, 18789, "/readyz").await;
    assert!(early.contains("connect: connection refused"), "{early}");
    world.ready("web-0").await;
    let health = get(&world, 18789, "/healthz").await;
    assert!(
        health.starts_with("HTTP/1.1 200 OK\r\n") && health.ends_with("{\"ok\":true,\"status\":\"live\"}"),
        "{health}"
    );
    let startup = get(&world, 18789, "/startupz").await;
    assert!(startup.contains("\"version\":\"2026.8.2\""), "{startup}");
    assert!(get(&world, 18789, "/other").await.starts_with("HTTP/1.1 404 "));
    let refused = get(&world, 9999, "/").await;
    assert!(refused.contains("connect: connection refused"), "{refused}");
    world.rule("x", "container = 'gateway'\nfault = 'never-ready'");
    tokio::time::sleep(Duration::from_secs(5)).await;
    let unready = get(&world, 18789, "/readyz").await;
    assert!(unready.starts_with("HTTP/1.1 503 ") && unready.contains("\"ready\":false"), "{unready}");
}

#[tokio::test(start_paused = true)]
async fn commands_run_in_a_container_or_fail_honestly() {
    async fn run(world: &World, command: &[&str]) -> (String, String, Option<String>) {
        let params = AttachParams::default().container("gateway");
        let mut process = world.api::<Pod>().exec("web-0", command.to_vec(), &params).await.expect("executes");
        let (mut out, mut err) = (process.stdout().expect("out"), process.stderr().expect("err"));
        let status = process.take_status().expect("once");
        let (mut o, mut e) = (String::new(), String::new());
        out.read_to_string(&mut o).await.expect("read");
        err.read_to_string(&mut e).await.expect("read");
        let status = status.await.expect("a status");
        (o, e, if status.status.as_deref() == Some("Success") { None } else { status.message })
    }
    let world = World::new().await;
    world.rule("x", "claim = 'data-web-0'\nfill-percent = 50\ngrowth-percent-per-hour = 0");
    world.apply(set()).await;
    world.ready("web-0").await;
    assert_eq!(run(&world, &["echo", "a", "b"]).await, ("a b\n".into(), String::new(), None));
    let (out, ..) = run(&world, &["sh", "-c", "hostname && df -P -B1 /app"]).await;
    let app = out.lines().last().expect("a line");
    assert!(out.starts_with("web-0\n") && app.ends_with(" 50% /app"), "{out}");
    let (_, err, status) = run(&world, &["cat", "/none"]).await;
    assert_eq!(err, "cat: /none: No such file or directory\n");
    assert_eq!(status.as_deref(), Some("command terminated with non-zero exit code: exit status 1"));
    let (.., status) = run(&world, &["vim"]).await;
    assert!(status.expect("fails").contains("\"vim\": executable file not found in $PATH"));
}

#[tokio::test(start_paused = true)]
async fn nodes_tell_what_volumes_and_containers_use() {
    let world = World::new().await;
    world.rule("x", "claim = 'data-*'\nfill-percent = 40\ngrowth-percent-per-hour = 10");
    world.apply(set()).await;
    let pod = world.ready("web-0").await;
    let node = pod.spec.expect("a spec").node_name.expect("a node");
    let path = format!("/api/v1/nodes/{node}/proxy/stats/summary");
    let used = async || {
        let summary = world.raw(&path).await.expect("a summary");
        let volume = summary["pods"][0]["volume"][0].clone();
        assert_eq!(volume["pvcRef"], json!({"name": "data-web-0", "namespace": "t"}));
        volume["usedBytes"].as_f64().expect("bytes") / volume["capacityBytes"].as_f64().expect("bytes")
    };
    let before = used().await;
    assert!((0.40..0.41).contains(&before), "{before}");
    tokio::time::sleep(Duration::from_secs(3 * 3600)).await;
    let later = used().await;
    assert!((0.69..0.71).contains(&later), "{later}");
    let metrics = world.raw("/apis/metrics.k8s.io/v1beta1/pods").await.expect("metrics");
    let usage = &metrics["items"][0]["containers"][0]["usage"];
    assert!(usage["cpu"].as_str().is_some_and(|c| c.ends_with('n')), "{metrics}");
    assert!(usage["memory"].as_str().is_some_and(|m| m.ends_with("Ki")), "{metrics}");
    let nodes = world.raw("/apis/metrics.k8s.io/v1beta1/nodes").await.expect("metrics");
    assert_eq!(nodes["items"].as_array().map(Vec::len), Some(3));
    world.rule("down", &format!("node = '{node}'\nfault = 'node-not-ready'"));
    let silent = message(world.raw(&path).await.expect_err("silent"));
    assert!(silent.starts_with("503 error trying to reach service"), "{silent}");
}

#[tokio::test(start_paused = true)]
async fn a_refused_pod_waits_out_its_back_off_unless_the_set_is_edited() {
    let world = World::new().await;
    let quota: ResourceQuota = serde_json::from_value(json!({
        "metadata": {"name": "tenant"}, "spec": {"hard": {"requests.memory": "100Mi", "pods": "5"}},
    }))
    .expect("a quota");
    world.api::<ResourceQuota>().create(&PostParams::default(), &quota).await.expect("created");
    world.apply(set()).await;
    tokio::time::sleep(Duration::from_secs(120)).await;
    let events = world.api::<Event>().list(&ListParams::default().fields("type=Warning")).await.expect("events");
    let refused = events.items.iter().find(|e| e.reason.as_deref() == Some("FailedCreate")).expect("a refusal");
    assert_eq!(
        refused.message.as_deref(),
        Some(
            "create Pod web-0 in StatefulSet web failed error: pods \"web-0\" is forbidden: exceeded quota: tenant, \
             requested: requests.memory=128Mi, used: requests.memory=0, limited: requests.memory=100Mi"
        )
    );
    let more = Patch::Merge(json!({"spec": {"hard": {"requests.memory": "1Gi"}}}));
    world.api::<ResourceQuota>().patch("tenant", &PatchParams::default(), &more).await.expect("patched");
    tokio::time::sleep(Duration::from_secs(5)).await;
    let missing = world.api::<Pod>().get_opt("web-0").await.expect("an answer").is_none();
    assert!(missing, "the cause is gone, the back-off is not");
    let touch = Patch::Merge(json!({"metadata": {"annotations": {"touched": "yes"}}}));
    world.api::<StatefulSet>().patch("web", &PatchParams::default(), &touch).await.expect("patched");
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(world.api::<Pod>().get_opt("web-0").await.expect("an answer").is_some(), "the edit cut it short");
    world.ready("web-0").await;
    let used =
        world.api::<ResourceQuota>().get("tenant").await.expect("there").status.and_then(|s| s.used).expect("used");
    assert_eq!((used["requests.memory"].0.as_str(), used["pods"].0.as_str()), ("128Mi", "1"));
    // A deletion is seen a moment later.
    let none = Patch::Merge(json!({"spec": {"replicas": 0}}));
    world.api::<StatefulSet>().patch("web", &PatchParams::default(), &none).await.expect("patched");
    world
        .until("the quota is free again", async |w: &World| {
            let quota = w.api::<ResourceQuota>().get("tenant").await.expect("there");
            quota.status.and_then(|s| s.used).is_some_and(|u| u["pods"].0 == "0")
        })
        .await;
}
