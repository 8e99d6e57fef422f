//! Stories on a paused clock: the store, the controllers and the kubelet together, without HTTP.

mod faults;
mod sets;
mod volumes;

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::clock::Clock;
use super::controllers::objects::{condition, items};
use super::controllers::{self, Ctx};
use super::kinds::{EVENT, NAMESPACE, POD, STATEFUL_SET};
use super::object::text_at;
use super::scenario::{Rule, Rules, Scenario};
use super::store::Store;

/// A cluster with one namespace `t`.
struct World {
    ctx: Ctx,
    _tasks: JoinSet<()>,
}

impl World {
    fn new(scenario: Scenario) -> Self {
        Self::seeded(scenario, 7)
    }

    fn seeded(scenario: Scenario, seed: u64) -> Self {
        let start = "2026-11-24T08:00:00Z".parse().expect("a time");
        let store = Store::new(Clock::new(start, 1.0), seed, (10_000, 64 << 20));
        let rules = Rules::new(scenario.rule.clone());
        let ctx = Ctx::new(&store, Arc::new(scenario), rules, seed);
        let tasks = controllers::start(&ctx);
        store.create(NAMESPACE, json!({"metadata": {"name": "t"}}), "test").expect("a namespace");
        Self { ctx, _tasks: tasks }
    }

    fn of(text: &str) -> Self {
        Self::new(Scenario::parse("test.toml", text).expect("a scenario"))
    }

    fn rule(&self, name: &str, text: &str) {
        self.ctx.rules.set(name, Rule::parse(name, text).expect("a rule"));
    }

    fn create(&self, kind: &'static super::kinds::Kind, object: Value) {
        self.ctx.store.create(kind, object, "test").expect("created");
    }

    fn pod(&self, name: &str) -> Option<Arc<Value>> {
        self.ctx.store.get(POD, "t", name)
    }

    fn set(&self, name: &str) -> Arc<Value> {
        self.ctx.store.get(STATEFUL_SET, "t", name).expect("the set")
    }

    async fn seconds(&self, n: u64) {
        self.ctx.store.sleep(Duration::from_secs(n)).await;
    }

    /// Waits, in simulated time, until something holds; panics with what is there if it does not within an hour.
    async fn until(&self, what: &str, holds: impl Fn(&Self) -> bool) {
        for _ in 0..36_000 {
            if holds(self) {
                return;
            }
            self.ctx.store.sleep(Duration::from_millis(100)).await;
        }
        panic!("never: {what}\n{:#?}\n{:#?}", self.ctx.store.list(POD, Some("t")), self.events());
    }

    async fn until_pod(&self, name: &str, what: &str, holds: impl Fn(&Value) -> bool) -> Arc<Value> {
        self.until(what, |w| w.pod(name).is_some_and(|p| holds(&p))).await;
        self.pod(name).expect("it was there")
    }

    async fn until_ready(&self, name: &str) -> Arc<Value> {
        self.until_pod(name, "the pod is Ready", |p| condition(p, "Ready") == Some("True")).await
    }

    /// `reason message` of all events.
    fn events(&self) -> Vec<String> {
        let list = self.ctx.store.list(EVENT, Some("t"));
        list.iter()
            .map(|e| format!("{} {} x{}", text_at(e, &["reason"]), text_at(e, &["message"]), e["count"]))
            .collect()
    }

    fn has_event(&self, part: &str) -> bool {
        self.events().iter().any(|e| e.contains(part))
    }
}

/// The state of a container by name, of either list.
fn container<'a>(pod: &'a Value, name: &str) -> &'a Value {
    ["initContainerStatuses", "containerStatuses"]
        .iter()
        .flat_map(|list| items(pod, &["status", list]))
        .find(|c| c["name"] == name)
        .unwrap_or_else(|| panic!("no container {name} in {pod:#}"))
}

fn waiting<'a>(pod: &'a Value, name: &str) -> &'a str {
    text_at(container(pod, name), &["state", "waiting", "reason"])
}

/// Seven init containers, a gateway with a readiness probe, a browser.
fn set_of_seven(name: &str) -> Value {
    let inits: Vec<Value> = (1..=7)
        .map(|i| json!({"name": format!("init-{i}"), "image": "ghcr.io/o/o:1", "resources": {"requests": {"cpu": "50m", "memory": "64Mi"}}}))
        .collect();
    json!({
        "metadata": {"name": name, "namespace": "t"},
        "spec": {
            "replicas": 1, "serviceName": name,
            "selector": {"matchLabels": {"app": name}},
            "updateStrategy": {"type": "OnDelete"},
            "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {
                    "nodeSelector": {"openclaw.ai/workload": "tenant"},
                    "initContainers": inits,
                    "containers": [
                        {"name": "gateway", "image": "ghcr.io/o/o:1",
                         "readinessProbe": {"httpGet": {"path": "/readyz", "port": 18789}},
                         "resources": {"requests": {"cpu": "100m", "memory": "256Mi"}, "limits": {"cpu": "1", "memory": "1Gi"}}},
                        {"name": "browser", "image": "browserless/chrome:1"},
                    ],
                },
            },
        },
    })
}

fn set_with(name: &str, pod_spec: Value) -> Value {
    let mut set = set_of_seven(name);
    set["spec"]["template"]["spec"] = pod_spec;
    set
}
