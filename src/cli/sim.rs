//! `fleetdeck sim`: the demo's cluster, served on loopback for kubectl and any other client.

use std::path::Path;

use tokio::net::TcpListener;

use super::{args, demo, failure::Failure, print};
use crate::config::files;

/// Makes the fleet, serves it, and says where; until the process is told to end.
pub(super) async fn run(args: args::Sim) -> Result<(), Failure> {
    let args::Sim { fleet, listen, write_kubeconfig } = args;
    if !listen.ip().is_loopback() {
        let why = "the simulator is for this machine only; give an address of 127.0.0.0/8 or [::1]";
        return Err(Failure::Usage(format!("--listen {listen}: {why}")));
    }
    // Before the fleet is made, so that a port that is taken is said at once.
    let failed = |e| Failure::Failed(format!("--listen {listen}: {e}; port 0 takes any free one"));
    let listener = TcpListener::bind(listen).await.map_err(failed)?;
    let addr = listener.local_addr().map_err(failed)?;
    let demo = demo::open(&fleet).await.map_err(|e| e.failure())?;
    let kubeconfig = demo.sim.kubeconfig(addr, None);
    match write_kubeconfig.as_deref() {
        Some(path) => write(path, &kubeconfig, &addr.to_string())?,
        // A comment, so that the whole can be piped into a file.
        None => print::out(&format!(
            "# simulator on http://{addr}; --write-kubeconfig FILE writes this to a file\n{kubeconfig}"
        ))?,
    }
    demo.sim.serve(listener).await.map_err(failed)
}

fn write(path: &Path, kubeconfig: &str, addr: &str) -> Result<(), Failure> {
    files::write_atomic(path, kubeconfig).map_err(|e| Failure::Failed(e.to_string()))?;
    print::out(&format!("simulator on http://{addr}\n  kubectl --kubeconfig {} get pods -A\n", path.display()))
}
