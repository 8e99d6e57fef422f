//! A story on the paused clock: a tenant is rendered, created through the client as anywhere, boots on the simulator, and is
//! seen to be ready by the index that the watches feed. Only what the machine does counts; the tenant's minutes do not pass.

use std::time::{Duration, Instant};

use fleetdeck::{
    cluster::{Clock, Cluster, Mode, Scope, connect, watch},
    fleet::At,
    index::Fleet,
    manifest::{Base, Defaults, TenantDraft, TenantSpec, render},
    sim::{Sim, SimConfig},
};
use tokio::sync::mpsc;

/// What a story took in real time, and how much simulated time went by in it.
pub struct Took {
    pub real: Duration,
    pub simulated: u32,
}

/// The best of nine.
pub fn boot() -> Took {
    let base = Base::embedded().expect("the built-in manifests");
    // The first one also pays for what is made once in a process.
    run(&base);
    (0..9).map(|_| run(&base)).min_by_key(|took| took.real).expect("nine runs")
}

fn run(base: &Base) -> Took {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
    let began = Instant::now();
    let simulated = runtime.expect("a runtime").block_on(story(base));
    Took { real: began.elapsed(), simulated }
}

async fn story(base: &Base) -> u32 {
    let sim = Sim::new(SimConfig::default());
    let start = At::from_unix(sim.now().as_second()).expect("a time");
    let cluster = connect::over(sim.connector(), "simulation", Clock::scaled(start, 1.0));
    let (to, mut deltas) = mpsc::channel(256);
    let _watches = watch(&cluster, &Scope::default(), &to);
    let spec = spec();
    create(&cluster, base, &spec).await;
    let mut fleet = Fleet::default();
    while fleet.get(&spec.namespace()).is_none_or(|e| e.verdict.phase.word() != "Ready") {
        let delta = deltas.recv().await.expect("the watches are alive");
        fleet.apply(delta, cluster.clock().now());
    }
    cluster.clock().now().since(start)
}

fn spec() -> TenantSpec {
    let draft = TenantDraft {
        id: "story".to_owned(),
        tier: "pro".to_owned(),
        image: "ghcr.io/openclaw/openclaw:2026.8.1".to_owned(),
        host: Some("story.example.com".to_owned()),
        ..TenantDraft::default()
    };
    draft.resolve(&Defaults::default()).expect("a spec")
}

async fn create(cluster: &Cluster, base: &Base, spec: &TenantSpec) {
    for object in render(base, spec).expect("it renders") {
        if object.kind() == "StatefulSet" {
            let labels = serde_json::json!({ "openclaw.ai/tenant": spec.id });
            let (namespace, token) = (spec.namespace(), "not-a-real-token");
            let made = cluster.ensure_secret(&namespace, "gateway-token", &labels, "token", token).await;
            made.expect("the Secret is made");
        }
        cluster.apply(object.value(), Mode::Live).await.expect("the object is taken");
    }
}
