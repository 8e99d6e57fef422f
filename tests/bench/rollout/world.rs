//! A fleet that is Ready, made once; each measurement begins from it as it stood.

use std::time::Duration;

use fleetdeck::{
    cluster::{Clock, Cluster, Mode, Scope, Watches, connect, watch},
    engine::Desk,
    fleet::{At, Phase},
    index::{Delta, Fleet},
    manifest::{Base, Defaults, TenantDraft, TenantSpec, render},
    sim::{Frozen, Sim, SimConfig, scenario::Scenario},
};
use futures::{StreamExt as _, stream};
use tokio::sync::mpsc;

pub const REPOSITORY: &str = "ghcr.io/openclaw/openclaw";
const FIRST: &str = "2026.8.1";

/// Nodes enough for every size; what is not said is the built-in scenario's.
const NODES: &str = r#"
[[sim.node]]
name = "tenants"
count = 10
labels = { "openclaw.ai/workload" = "tenant" }
volumes = 10000
allocatable = { cpu = 4000, memory = "16Ti", pods = 5000, ephemeral-storage = "200Ti" }
"#;

pub struct World {
    pub sim: Sim,
    pub cluster: Cluster,
    pub fleet: Fleet,
    deltas: mpsc::Receiver<Delta>,
    _watches: Watches,
}

/// Runs a story of which the time is skipped in which nothing happens.
pub fn paused<T>(story: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
    runtime.expect("a runtime").block_on(story)
}

/// So many tenants, Ready.
pub fn made(tenants: usize) -> Frozen {
    paused(async {
        let scenario = Scenario { instant: true, ..scenario("") };
        let mut world = World::over(Sim::new(SimConfig { scenario, ..SimConfig::default() }));
        let base = Base::embedded().expect("the built-in manifests");
        let (cluster, base) = (&world.cluster, &base);
        let mut making = stream::iter(0..tenants).map(|n| create(cluster, base, spec(n))).buffer_unordered(8);
        while making.next().await.is_some() {}
        drop(making);
        world.until_ready(tenants).await;
        // Events that are told late, and the volume meters.
        tokio::time::sleep(Duration::from_secs(60)).await;
        world.sim.freeze()
    })
}

fn scenario(more: &str) -> Scenario {
    Scenario::parse("rollout.toml", &format!("{NODES}{more}")).unwrap_or_else(|e| super::fail(&e.to_string()))
}

pub fn spec(number: usize) -> TenantSpec {
    let id = format!("t{number:05}");
    let draft = TenantDraft {
        host: Some(format!("{id}.example.com")),
        id,
        tier: "pro".to_owned(),
        image: format!("{REPOSITORY}:{FIRST}"),
        ..TenantDraft::default()
    };
    draft.resolve(&Defaults::default()).expect("a spec")
}

async fn create(cluster: &Cluster, base: &Base, spec: TenantSpec) {
    let namespace = spec.namespace();
    for object in render(base, &spec).expect("it renders") {
        if object.kind() == "StatefulSet" {
            let labels = serde_json::json!({ "openclaw.ai/tenant": spec.id });
            let made = cluster.ensure_secret(&namespace, "gateway-token", &labels, "token", "not-a-real-token").await;
            made.expect("the Secret is made");
        }
        cluster.apply(object.value(), Mode::Live).await.expect("the object is taken");
    }
}

impl World {
    fn over(sim: Sim) -> Self {
        let start = At::from_unix(sim.now().as_second()).expect("a time");
        let cluster = connect::over(sim.connector(), "simulation", Clock::scaled(start, 1.0));
        let (to, deltas) = mpsc::channel(256);
        let watches = watch(&cluster, &Scope::default(), &to);
        Self { sim, cluster, fleet: Fleet::default(), deltas, _watches: watches }
    }

    /// The fleet as it was made, under these rules, and seen as a whole.
    pub async fn thawed(frozen: &Frozen, rules: &str) -> Self {
        let config = SimConfig { scenario: scenario(rules), ..SimConfig::default() };
        let mut world = Self::over(Sim::thaw(config, frozen));
        while !world.fleet.sources().settled() {
            world.step().await;
        }
        world
    }

    async fn step(&mut self) {
        let delta = self.deltas.recv().await.expect("the watches are alive");
        self.fleet.apply(delta, self.cluster.clock().now());
    }

    /// Lets time pass, and takes what comes meanwhile.
    pub async fn pass(&mut self, time: Duration) {
        let until = tokio::time::Instant::now() + time;
        while let Ok(Some(delta)) = tokio::time::timeout_at(until, self.deltas.recv()).await {
            self.fleet.apply(delta, self.cluster.clock().now());
        }
    }

    async fn until_ready(&mut self, tenants: usize) {
        while self.fleet.iter().filter(|e| e.verdict.phase == Phase::Ready).count() < tenants {
            self.step().await;
        }
    }

    /// What the API server has of a tenant's pod and of what was told of it, for whoever looks into a failure.
    pub async fn evidence(&self, namespace: &str) -> String {
        let pods = self.cluster.objects("Pod", namespace, "").await.unwrap_or_default();
        let events = self.cluster.objects("Event", namespace, "").await.unwrap_or_default();
        let pods = pods.iter().map(|p| format!("\n  {}: {}", p["metadata"], p["status"]));
        let events = events.iter().map(|e| {
            let text = |field: &str| e[field].as_str().unwrap_or_default().to_owned();
            format!("\n  {} {} {}", text("lastTimestamp"), text("reason"), text("message"))
        });
        pods.chain(events).collect()
    }

    /// Where somebody acts from whose requests are counted apart.
    pub fn desk(&self, who: &str) -> Desk {
        let start = At::from_unix(self.sim.now().as_second()).expect("a time");
        let cluster = connect::over(self.sim.connector_as(who), "simulation", Clock::scaled(start, 1.0));
        let base = Base::embedded().expect("the built-in manifests");
        Desk::new(cluster, Scope::default(), base, Defaults::default(), who.to_owned(), false)
    }
}
