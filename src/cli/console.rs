//! `fleetdeck [TENANT]`: the console.

use super::{failure::Failure, open};
use crate::{cluster::Prompt, config::Config};

/// Connects while the terminal is still the shell's, so that a credential plugin may ask there.
pub(super) async fn run(config: Config, tenant: Option<String>) -> Result<(), Failure> {
    let (cluster, _scope) = open(&config, Prompt::May).await?;
    _ = tenant;
    Err(Failure::Failed(format!(
        "connected to {}, but this build has no console: use ls, show or wait",
        cluster.context()
    )))
}
