//! `fleetdeck sim`: the demo's cluster, served on loopback for kubectl and any other client.

use std::{
    io::Write,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use tokio::net::TcpListener;

use super::demo::{self, Demo, DemoError};
use crate::config::files::{self, FileError};

/// Where it is served, and as what it is known.
pub(crate) struct Serving {
    pub listen: SocketAddr,
    pub kubeconfig: Option<PathBuf>,
}

/// Why the simulator can't be served.
#[derive(Debug)]
pub(crate) enum SimError {
    Demo(DemoError),
    NotLoopback(SocketAddr),
    Listen { addr: SocketAddr, error: std::io::Error },
    Kubeconfig(FileError),
    Output(std::io::Error),
}

impl std::fmt::Display for SimError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Demo(error) => error.fmt(f),
            Self::NotLoopback(addr) => {
                write!(f, "--listen {addr}: the simulator is for this machine only; give an address of 127.0.0.0/8 or [::1]")
            }
            Self::Listen { addr, error } => write!(f, "--listen {addr}: {error}; port 0 takes any free one"),
            Self::Kubeconfig(error) => error.fmt(f),
            Self::Output(error) => write!(f, "standard output: {error}"),
        }
    }
}

impl std::error::Error for SimError {}

/// Makes the fleet, serves it, and says where; until the process is told to end.
pub(crate) async fn run(options: &demo::Options, serving: &Serving, out: &mut dyn Write) -> Result<(), SimError> {
    let Serving { listen, kubeconfig } = serving;
    if !listen.ip().is_loopback() {
        return Err(SimError::NotLoopback(*listen));
    }
    // Before the fleet is made, so that a port that is taken is said at once.
    let failed = |error| SimError::Listen { addr: *listen, error };
    let listener = TcpListener::bind(listen).await.map_err(failed)?;
    let addr = listener.local_addr().map_err(failed)?;
    let demo: Demo = demo::open(options).await.map_err(SimError::Demo)?;
    let text = demo.sim.kubeconfig(addr, None);
    match kubeconfig {
        Some(path) => files::write_atomic(path, &text).map_err(SimError::Kubeconfig)?,
        None => out.write_all(text.as_bytes()).map_err(SimError::Output)?,
    }
    say(out, addr, kubeconfig.as_deref()).map_err(SimError::Output)?;
    demo.sim.serve(listener).await.map_err(failed)
}

/// As comments where the kubeconfig itself goes to standard output, so that it can be piped into a file.
fn say(out: &mut dyn Write, addr: SocketAddr, kubeconfig: Option<&Path>) -> std::io::Result<()> {
    match kubeconfig {
        Some(path) => {
            writeln!(out, "simulator on http://{addr}")?;
            writeln!(out, "  kubectl --kubeconfig {} get pods -A", path.display())?;
        }
        None => writeln!(out, "# simulator on http://{addr}; --write-kubeconfig FILE writes this to a file")?,
    }
    out.flush()
}
