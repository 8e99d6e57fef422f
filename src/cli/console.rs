//! `fleetdeck [TENANT]`: the console.

use super::{failure::Failure, open};
use crate::{
    cluster::{Cluster, Prompt, Scope},
    config::Config,
};

/// Connects while the terminal is still the shell's, so that a credential plugin may ask there.
pub(super) async fn run(config: Config, tenant: Option<String>) -> Result<(), Failure> {
    let (cluster, scope) = open(&config, Prompt::May).await?;
    show(&config, cluster, scope, tenant, None).await
}

/// Shows a cluster until the person leaves.
pub(super) async fn show(
    config: &Config,
    cluster: Cluster,
    scope: Scope,
    tenant: Option<String>,
    banner: Option<String>,
) -> Result<(), Failure> {
    _ = (config, scope, tenant, banner);
    Err(Failure::Failed(format!(
        "connected to {}, but this build has no console: use ls, show or wait",
        cluster.context()
    )))
}
