//! `fleetdeck demo`: a living fleet on the simulator, rendered by our renderer and created through the client, as on any
//! cluster; with a context, stand-ins on that one.

mod hands;
mod on_cluster;
#[cfg(test)]
mod pictures;
mod play;
mod roster;
mod scenarios;
mod script;

use std::time::Duration;

use tokio::task::JoinHandle;

use crate::{
    cluster::{Clock, Cluster, Scope, connect},
    config::Config,
    fleet::At,
    sim::{Sim, SimConfig},
};

use self::{
    play::{PlayError, Player},
    scenarios::{Loaded, ScenarioError},
};
use super::{args, console, failure::Failure, print};

/// Opens the console on the demo's fleet.
pub(super) async fn run(config: &Config, options: args::Demo, context: Option<String>) -> Result<(), Failure> {
    if options.fleet.tenants == Some(0) {
        return Err(Failure::Usage("--tenants 0 is no fleet: name at least one".to_owned()));
    }
    if context.is_some() {
        let fleet = &options.fleet;
        if fleet.scenario != args::Fleet::SCENARIO || fleet.speed != args::Fleet::SPEED {
            let why = "--scenario and --speed are the simulator's: on a cluster the demo has one fleet, at the cluster's own pace";
            return Err(Failure::Usage(why.to_owned()));
        }
        return Box::pin(on_cluster::run(config, &options)).await;
    }
    if options.clean || options.on_this_cluster {
        let why = "--clean and --on-this-cluster are about a cluster: name its --context";
        return Err(Failure::Usage(why.to_owned()));
    }
    let options = options.fleet;
    // Before a history is played that nobody could look at.
    console::options(config)?;
    if !print::to_terminal() {
        let why = "the console needs a terminal; for programs `fleetdeck sim` serves the same fleet, and `fleetdeck ls -o json` lists one";
        return Err(Failure::Failed(why.to_owned()));
    }
    let demo = announced(&options, open(&options)).await.map_err(|e| e.failure())?;
    let banner = format!("simulation: {} is played inside this program; no cluster is touched", options.scenario);
    console::show(config, demo.cluster.clone(), Scope::default(), None, Some(banner)).await
}

/// Says what takes so long, where it does; the clock of the simulation tells nothing of that.
async fn announced<T>(options: &args::Fleet, work: impl Future<Output = T>) -> T {
    let (done, over) = std::sync::mpsc::channel::<()>();
    let words = format!("plays what has happened so far to the fleet of {} ...", options.scenario);
    let teller = std::thread::spawn(move || {
        if over.recv_timeout(Duration::from_secs(1)) == Err(std::sync::mpsc::RecvTimeoutError::Timeout) {
            print::note(&words);
        }
    });
    let result = work.await;
    drop(done);
    _ = teller.join();
    result
}

/// Why there is no demo.
#[derive(Debug)]
pub(super) enum DemoError {
    Scenario(ScenarioError),
    Play(PlayError),
}

impl DemoError {
    /// A scenario is what the person gave; a fleet that the simulator refuses is our own failure.
    pub(super) fn failure(&self) -> Failure {
        match self {
            Self::Scenario(error) => Failure::Usage(error.to_string()),
            Self::Play(error) => Failure::Failed(error.to_string()),
        }
    }
}

/// A fleet that lives. It ends when this is dropped.
pub(super) struct Demo {
    pub sim: Sim,
    pub cluster: Cluster,
    operators: JoinHandle<()>,
}

impl Drop for Demo {
    fn drop(&mut self) {
        self.operators.abort();
    }
}

/// Makes the cluster and the fleet, and plays the fleet's history at once: tokio's clock stands still but for what
/// somebody waits for, so that half an hour takes as long as its events take to happen. Needs a runtime of one thread
/// whose clock may be paused; when this returns, the clock runs.
///
/// # Errors
/// A scenario that is unknown or broken, or a fleet that the cluster refuses.
pub(super) async fn open(options: &args::Fleet) -> Result<Demo, DemoError> {
    tokio::time::pause();
    let demo = play(options, jiff::Timestamp::now()).await;
    tokio::time::resume();
    demo
}

/// The same, seen at `opening`, on a clock that stands still and goes on doing so.
async fn play(options: &args::Fleet, opening: jiff::Timestamp) -> Result<Demo, DemoError> {
    let Loaded { script, sim: scenario } = scenarios::load(&options.scenario).map_err(DemoError::Scenario)?;
    let tenants = options.tenants.unwrap_or(script.tenants);
    let residents = roster::roster(&script, tenants, options.seed);

    let start = opening - Duration::from_secs(script.history.0.unsigned_abs());
    let sim = Sim::new(SimConfig { seed: options.seed, speed: options.speed, start, scenario, ..SimConfig::default() });
    let start = At::from_unix(start.as_second()).expect("the machine's clock is between 1970 and 2106");
    let clock = Clock::scaled(start, options.speed);
    let cluster = connect::over(sim.connector(), "simulation", clock);
    let rules = sim.clone();
    let mut player = Player::new(cluster.clone(), options.speed)
        .map_err(DemoError::Play)?
        .with_rules(move |name, rule| rules.set_rule(name, rule));
    let later = player.history(&script, &residents).await.map_err(DemoError::Play)?;
    let operators = tokio::spawn(player.go_on(later));
    Ok(Demo { sim, cluster, operators })
}
