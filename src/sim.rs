//! A Kubernetes API server in miniature, below any client: it knows Kubernetes and nothing of tenants.
//!
//! - `kinds`, `object`, `history`, `store`: the database; `write`, `delete`, `gc`: what a write sets off
//! - `admission`, `defaults`, `validate`, `managed`, `apply`, `patch`: what happens between a request and the database
//! - `frozen`, `audit`: a cluster to begin from, and what was written since
//! - `serve`, `gate`, `route`, `dispatch`: from a connection to the request's meaning; `rbac`, `faults`: who may, what fails
//! - `list`, `watch`, `edit`, `subresource`, `discovery`, `table`, `answer`: the answers
//! - `controllers`, `kubelet`: what makes the cluster live; `scenario`: what it is made of and how it behaves
//! - `kubelet_api`: what kubelets and aggregated servers add, out of `logs` and `metrics`

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use jiff::Timestamp;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use scenario::{Rule, Rules, Scenario};

pub(crate) mod admission;
pub(crate) mod answer;
mod apply;
mod audit;
mod bell;
mod body;
pub(crate) mod clock;
pub(crate) mod controllers;
pub(crate) mod defaults;
pub(crate) mod delete;
mod discovery;
mod dispatch;
mod edit;
mod faults;
mod fields;
mod frozen;
mod gate;
mod gc;
pub(crate) mod history;
pub(crate) mod kinds;
pub(crate) mod kubelet;
mod kubelet_api;
mod list;
pub(crate) mod logs;
mod managed;
pub(crate) mod metrics;
pub(crate) mod object;
mod patch;
mod protobuf;
pub(crate) mod quantity;
pub(crate) mod rbac;
pub(crate) mod route;
pub mod scenario;
mod schema;
mod seed;
pub(crate) mod selector;
mod serve;
pub(crate) mod status;
pub(crate) mod store;
mod strict;
mod subresource;
mod table;
mod validate;
mod watch;
pub(crate) mod write;

#[cfg(test)]
mod store_tests;
#[cfg(test)]
mod stories;

pub use audit::{Asked, Audit, Changed, Heard, Tally};
pub use faults::{Fault, Faults, Target};
pub use frozen::Frozen;
pub use serve::{SimConnection, SimConnector};

/// How a simulator is to be.
#[derive(Clone, Debug)]
pub struct SimConfig {
    /// Decides every random choice (UIDs, generated names, what scenarios draw).
    pub seed: u64,
    /// Simulated seconds per second of tokio's clock.
    pub speed: f64,
    /// The simulated time at the start.
    pub start: Timestamp,
    /// How many events each kind's watch history holds at most.
    pub history_events: usize,
    /// How many bytes of objects each kind's watch history holds at most.
    pub history_bytes: usize,
    /// What the cluster is made of and how it behaves.
    pub scenario: Scenario,
}

impl Default for SimConfig {
    fn default() -> SimConfig {
        SimConfig {
            seed: 1,
            speed: 1.0,
            start: Timestamp::now(),
            history_events: 8192,
            history_bytes: 32 << 20,
            scenario: Scenario::builtin(),
        }
    }
}

/// What request handlers share.
#[derive(Clone)]
pub(crate) struct Api {
    pub store: store::Store,
    pub faults: Faults,
    pub(crate) pages: list::Pages,
    /// What the kubelet's API knows of behaviour: rules, scenario, chance.
    pub(crate) ctx: controllers::Ctx,
}

/// One simulated cluster. Cheap to clone; all clones are the same cluster.
#[derive(Clone)]
pub struct Sim {
    api: Api,
    /// The controllers and kubelets, which end with the last clone.
    _tasks: Arc<JoinSet<()>>,
}

impl Sim {
    /// A cluster with the objects that every cluster has, the scenario's nodes, storage classes and users, and nothing
    /// else. Its controllers and kubelets are tasks of the tokio runtime that this is called in.
    pub fn new(config: SimConfig) -> Sim {
        let clock = clock::Clock::new(config.start, config.speed);
        let store = store::Store::new(clock, config.seed, (config.history_events, config.history_bytes));
        seed::plant(&store);
        seed::users(&store, &config.scenario);
        Sim::over(store, config)
    }

    /// A cluster that begins as another stood: the same objects, at the same time (`config.start` does not count), with
    /// controllers and kubelets that were just started.
    pub fn thaw(config: SimConfig, frozen: &Frozen) -> Sim {
        let clock = clock::Clock::new(frozen.at, config.speed);
        let store = store::Store::new(clock, config.seed, (config.history_events, config.history_bytes));
        store.fill(frozen);
        Sim::over(store, config)
    }

    /// This cluster as it stands now.
    pub fn freeze(&self) -> Frozen {
        self.api.store.freeze()
    }

    fn over(store: store::Store, config: SimConfig) -> Sim {
        let rules = Rules::new(config.scenario.rule.clone());
        let ctx = controllers::Ctx::new(&store, Arc::new(config.scenario), rules, config.seed);
        let tasks = controllers::start(&ctx);
        let api = Api { store, faults: Faults::default(), pages: list::Pages::default(), ctx };
        Sim { api, _tasks: Arc::new(tasks) }
    }

    /// The HTTP service of this cluster.
    pub fn router(&self) -> Router {
        serve::router(self.api.clone())
    }

    /// Serves HTTP on a listener until the future is dropped.
    ///
    /// # Errors
    /// When the listener fails.
    pub async fn serve(&self, listener: TcpListener) -> io::Result<()> {
        serve::serve(self.router(), listener).await
    }

    /// Connections inside this process; a request without a token is the admin's. Needs a tokio runtime when it connects.
    pub fn connector(&self) -> SimConnector {
        SimConnector::new(self.router())
    }

    /// The same for an admin of another name: whose a request was is seen in [`Audit`], and faults can be aimed at it.
    /// A name that no HTTP header can carry is refused by the server.
    pub fn connector_as(&self, user: &str) -> SimConnector {
        SimConnector::new(serve::acting_as(self.router(), user))
    }

    /// The same for a user who has no rights but those that roles give.
    pub fn connector_of(&self, user: &str) -> SimConnector {
        SimConnector::new(serve::signed_in_as(self.router(), user))
    }

    /// From now on every write is heard.
    pub fn audit(&self) -> Audit {
        self.api.store.audit.listen();
        self.api.store.audit.clone()
    }

    /// What this user has asked for since the simulator began.
    pub fn tally(&self, user: &str) -> Tally {
        self.api.store.audit.tally(user)
    }

    /// A kubeconfig (YAML) for a user of the cluster served at `addr`; `None` is the admin.
    pub fn kubeconfig(&self, addr: SocketAddr, user: Option<&str>) -> String {
        let (name, token) = (user.unwrap_or("sim-admin"), rbac::token(user));
        let assumed = user.map(|user| format!("    as: {user:?}\n")).unwrap_or_default();
        format!(
            "apiVersion: v1\nkind: Config\nclusters:\n- name: fleetdeck-sim\n  cluster:\n    server: http://{addr}\nusers:\n- name: {name:?}\n  user:\n    token: {token:?}\n{assumed}contexts:\n- name: fleetdeck-sim\n  context:\n    cluster: fleetdeck-sim\n    user: {name:?}\ncurrent-context: fleetdeck-sim\n"
        )
    }

    /// The switchboard of this cluster's faults.
    pub fn faults(&self) -> Faults {
        self.api.faults.clone()
    }

    /// Puts a named rule in force beside those of the scenario; one of the same name is replaced.
    pub fn set_rule(&self, name: &str, rule: Rule) {
        self.api.ctx.rules.set(name, rule);
    }

    /// Takes a named rule back; false if there was none.
    pub fn clear_rule(&self, name: &str) -> bool {
        self.api.ctx.rules.clear(name)
    }

    /// Makes every resumed watch and every continue token too old, as etcd's compaction does.
    pub fn compact(&self) {
        self.api.pages.forget();
        for kind in kinds::ALL {
            self.api.store.compact(kind);
        }
    }

    /// The simulated time.
    pub fn now(&self) -> Timestamp {
        self.api.store.now()
    }
}
