//! Arguments of the demo and the simulator.

use std::path::PathBuf;

use clap::Args as ClapArgs;

/// The fleet of the demo and the simulator.
#[derive(Clone, Debug, ClapArgs)]
pub(in crate::cli) struct Fleet {
    /// A built-in scenario, or a path to one's own file.
    #[arg(long, value_name = "S", default_value = Self::SCENARIO)]
    pub scenario: String,

    /// Tenants, instead of the scenario's number.
    #[arg(long, value_name = "N")]
    pub tenants: Option<usize>,

    /// Simulated seconds per second.
    #[arg(long, value_name = "X", default_value_t = Self::SPEED, value_parser = speed)]
    pub speed: f64,

    /// Decides whatever chance decides.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
}

impl Fleet {
    pub(in crate::cli) const SCENARIO: &str = "default";
    pub(in crate::cli) const SPEED: f64 = 1.0;
}

#[derive(Clone, Debug, ClapArgs)]
pub(in crate::cli) struct Demo {
    #[command(flatten)]
    pub fleet: Fleet,

    /// With --context: that cluster is meant, though its name does not say that it is one to play with.
    #[arg(long)]
    pub on_this_cluster: bool,

    /// With --context: take the demo's fleet away, with its volumes.
    #[arg(long)]
    pub clean: bool,

    /// With --clean: the context's name, instead of typing it.
    #[arg(long, value_name = "NAME", requires = "clean")]
    pub confirm: Option<String>,
}

#[derive(Clone, Debug, ClapArgs)]
pub(in crate::cli) struct Sim {
    #[command(flatten)]
    pub fleet: Fleet,

    /// Address to serve on, of this machine only; port 0 takes a free one.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:0")]
    pub listen: std::net::SocketAddr,

    /// Where to write a kubeconfig; to standard output without it.
    #[arg(long, value_name = "FILE")]
    pub write_kubeconfig: Option<PathBuf>,
}

fn speed(text: &str) -> Result<f64, String> {
    let speed: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    if (0.1..=1_000.0).contains(&speed) { Ok(speed) } else { Err("from 0.1 to 1000".to_owned()) }
}
