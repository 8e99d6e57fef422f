//! `fleetdeck demo`: a living fleet on the simulator, rendered by our renderer and created through the client, as on any
//! cluster.

mod play;
mod roster;
mod scenarios;
mod script;

use std::time::Duration;

use tokio::task::JoinHandle;

use crate::{
    cluster::{Clock, Cluster, connect},
    fleet::At,
    sim::{Sim, SimConfig},
};

pub(crate) use self::{play::PlayError, scenarios::ScenarioError};
use self::{play::Player, scenarios::Loaded};

/// What the demo is to be like.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    /// Name of a built-in scenario, or a path to a file.
    pub scenario: String,
    /// Overrides the scenario's own number.
    pub tenants: Option<usize>,
    /// Simulated seconds per second.
    pub speed: f64,
    pub seed: u64,
}

/// Why there is no demo.
#[derive(Debug)]
pub(crate) enum DemoError {
    Scenario(ScenarioError),
    Play(PlayError),
}

impl std::fmt::Display for DemoError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Scenario(error) => error.fmt(f),
            Self::Play(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for DemoError {}

/// A fleet that lives. It ends when this is dropped.
pub(crate) struct Demo {
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
pub(crate) async fn open(options: &Options) -> Result<Demo, DemoError> {
    let Loaded { script, sim: scenario } = scenarios::load(&options.scenario).map_err(DemoError::Scenario)?;
    let tenants = options.tenants.unwrap_or(script.tenants);
    let residents = roster::roster(&script, tenants, options.seed);

    tokio::time::pause();
    let history = Duration::from_secs(script.history.0.unsigned_abs());
    let start = jiff::Timestamp::now() - history;
    let sim = Sim::new(SimConfig { seed: options.seed, speed: options.speed, start, scenario, ..SimConfig::default() });
    let start = At::from_unix(start.as_second()).expect("the machine's clock is between 1970 and 2106");
    let clock = Clock::scaled(start, options.speed);
    let cluster = connect::over(sim.connector(), "simulation", clock);
    let mut player = Player::new(cluster.clone(), options.speed).map_err(DemoError::Play)?;
    let later = player.history(&script, &residents).await.map_err(DemoError::Play);
    tokio::time::resume();
    let operators = tokio::spawn(player.go_on(later?));
    Ok(Demo { sim, cluster, operators })
}
