//! A cluster to tell a story on.

use std::{path::Path, time::Duration};

use fleetdeck::{
    cluster::{Clock, Cluster, ClusterError, Mode, Prompt, Scope, Target, Watches, connect, watch},
    fleet::At,
    index::{Delta, Fleet, fleet::Entry},
    manifest::{Base, Defaults, TenantDraft, TenantSpec, render},
    sim::{
        Sim, SimConfig,
        scenario::{Rule, Scenario},
    },
};
use serde_json::Value;
use tokio::{
    sync::mpsc,
    time::{Instant, timeout},
};

use crate::controlplane::ControlPlane;

pub(crate) struct World {
    pub cluster: Cluster,
    /// Names of tenants begin with it: several stories share one cluster.
    prefix: String,
    /// Options of every tenant.
    pub options: Vec<String>,
    /// How long anything may take.
    pub patience: Duration,
    /// Its controllers live as long as it.
    pub sim: Option<Sim>,
}

/// The index of a world, kept by its watches.
pub(crate) struct Watching {
    pub fleet: Fleet,
    deltas: mpsc::Receiver<Delta>,
    clock: Clock,
    patience: Duration,
    /// Where news never cease on a real cluster, which others share.
    deadline: Option<Instant>,
    _watches: Watches,
}

impl World {
    pub(crate) fn simulator(story: &str) -> Self {
        Self::simulated(story, SimConfig::default())
    }

    /// A simulator that behaves as this says; what it leaves out is the built-in one's.
    pub(crate) fn with_scenario(story: &str, scenario: Scenario) -> Self {
        Self::simulated(story, SimConfig { scenario, ..SimConfig::default() })
    }

    /// Puts a rule in force, on a simulator.
    pub(crate) fn rule(&self, name: &str, text: &str) {
        let sim = self.sim.as_ref().expect("a simulator obeys rules");
        sim.set_rule(name, Rule::parse(name, text).unwrap());
    }

    /// A simulator so many times as fast as life.
    pub(crate) fn simulator_at(story: &str, speed: f64) -> Self {
        Self::simulated(story, SimConfig { speed, ..SimConfig::default() })
    }

    pub(crate) fn simulated(story: &str, config: SimConfig) -> Self {
        let speed = config.speed;
        Self::of(story, Sim::new(config), speed)
    }

    /// A simulator that is there already; its speed.
    pub(crate) fn of(story: &str, sim: Sim, speed: f64) -> Self {
        let start = At::from_unix(sim.now().as_second()).unwrap();
        let cluster = connect::over(sim.connector(), "simulation", Clock::scaled(start, speed));
        Self { cluster, prefix: prefix(story), options: Vec::new(), patience: Duration::from_secs(600), sim: Some(sim) }
    }

    /// `None` (said loudly) where the run has no control plane.
    pub(crate) async fn control_plane(story: &str) -> Option<Self> {
        Some(Self::of_plane(ControlPlane::shared()?, story).await)
    }

    pub(crate) async fn of_plane(plane: &ControlPlane, story: &str) -> Self {
        let target = Target::Kubeconfig { context: None, file: Some(plane.kubeconfig_path()) };
        let cluster = connect(&target, Prompt::Never).await.unwrap();
        let patience = Duration::from_secs(120);
        Self { cluster, prefix: prefix(story), options: Vec::new(), patience, sim: None }
    }

    /// A cluster with real kubelets: its tenants are stand-ins.
    pub(crate) async fn real(kubeconfig: &Path) -> Self {
        let target = Target::Kubeconfig { context: None, file: Some(kubeconfig.to_owned()) };
        let cluster = connect(&target, Prompt::Never).await.unwrap();
        let options = vec!["stand-in".to_owned()];
        Self { cluster, prefix: "s-real".to_owned(), options, patience: Duration::from_secs(240), sim: None }
    }

    /// The simulator, where the world is one.
    pub(crate) fn sim(&self) -> &Sim {
        self.sim.as_ref().expect("a simulated world")
    }

    /// The same for a story that runs beside others: what these clean up is not its.
    pub(crate) fn apart(mut self, story: &str) -> Self {
        self.prefix = format!("s-{story}");
        self
    }

    /// A tenant of tier pro that is not there yet.
    pub(crate) fn spec(&self, name: &str) -> TenantSpec {
        let id = format!("{}-{name}", self.prefix);
        let draft = TenantDraft {
            host: Some(format!("{id}.example.com")),
            id,
            tier: "pro".to_owned(),
            image: "ghcr.io/openclaw/openclaw:2026.8.1".to_owned(),
            owner: Some("@somebody".to_owned()),
            options: self.options.iter().cloned().collect(),
            ..TenantDraft::default()
        };
        draft.resolve(&Defaults::default()).unwrap()
    }

    /// What `create` does, in its order.
    pub(crate) async fn create(&self, spec: &TenantSpec) {
        for object in render(&Base::embedded().unwrap(), spec).unwrap() {
            if object.kind() == "StatefulSet" {
                self.token(spec).await.unwrap();
            }
            self.cluster.apply(object.value(), Mode::Live).await.unwrap_or_else(|e| panic!("{e}"));
        }
    }

    pub(crate) async fn token(&self, spec: &TenantSpec) -> Result<(), ClusterError> {
        let labels = serde_json::json!({ "openclaw.ai/tenant": spec.id });
        self.cluster.ensure_secret(&spec.namespace(), "gateway-token", &labels, "token", "not-a-real-token").await
    }

    /// The rendered object of one kind.
    pub(crate) fn object(&self, spec: &TenantSpec, kind: &str, name: &str) -> Value {
        let objects = render(&Base::embedded().unwrap(), spec).unwrap();
        objects.into_iter().find(|o| o.kind() == kind && o.name() == name).unwrap().into_value()
    }

    pub(crate) fn scope(&self) -> Scope {
        Scope::default()
    }

    pub(crate) fn watch(&self) -> Watching {
        self.watch_as(&Scope::default())
    }

    /// The same for a fleet that is told by other labels.
    pub(crate) fn watch_as(&self, scope: &Scope) -> Watching {
        let (to, deltas) = mpsc::channel(256);
        let watches = watch(&self.cluster, scope, &to);
        Watching {
            fleet: Fleet::default(),
            deltas,
            clock: self.cluster.clock().clone(),
            patience: self.patience,
            deadline: self.sim.is_none().then(|| Instant::now() + 5 * self.patience),
            _watches: watches,
        }
    }

    /// Deletes what the story made.
    pub(crate) async fn clean(&self) {
        let mut watching = self.watch();
        watching.settle().await;
        let ours: Vec<String> = watching
            .fleet
            .iter()
            .map(|e| e.tenant.namespace_name.to_string())
            .filter(|n| n.contains(&self.prefix))
            .collect();
        for namespace in ours {
            if let Some(uid) = self.cluster.namespace_uid(&namespace).await.unwrap() {
                self.cluster.delete_namespace(&namespace, uid).await.ok();
            }
        }
    }
}

/// A short name that two stories do not share: the initials of its words.
fn prefix(story: &str) -> String {
    let initials: String = story.split('_').filter_map(|w| w.chars().next()).collect();
    format!("s-{initials}")
}

impl Watching {
    /// Until every source has brought its first list.
    pub(crate) async fn settle(&mut self) {
        while !self.fleet.sources().settled() {
            self.step("the first lists").await;
        }
    }

    /// Follows one tenant until it is as wanted; the words of the phases it went through, each once in a row.
    pub(crate) async fn until(&mut self, namespace: &str, what: &str, wanted: impl Fn(&Entry) -> bool) -> Vec<String> {
        let mut seen: Vec<String> = Vec::new();
        loop {
            if let Some(entry) = self.fleet.get(namespace) {
                let phase = entry.verdict.phase.to_string();
                if seen.last() != Some(&phase) {
                    seen.push(phase);
                }
                if wanted(entry) {
                    return seen;
                }
            }
            self.step(&format!(
                "{namespace} {what}; so far {seen:?}: {:?}",
                self.fleet.get(namespace).map(|e| &e.verdict)
            ))
            .await;
        }
    }

    pub(crate) async fn step(&mut self, what: &str) {
        // Time alone changes verdicts too.
        let delta = match timeout(Duration::from_secs(1), self.deltas.recv()).await {
            Ok(delta) => Some(delta.expect("the watches are alive")),
            Err(_) => None,
        };
        self.patience =
            if delta.is_some() { self.patience } else { self.patience.saturating_sub(Duration::from_secs(1)) };
        let late = self.deadline.is_some_and(|end| Instant::now() > end);
        assert!(!late && !self.patience.is_zero(), "waited too long for {what}");
        let now = self.clock.now();
        if let Some(delta) = delta {
            self.fleet.apply(delta, now);
        }
        self.fleet.tick(now);
    }
}
