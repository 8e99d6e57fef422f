//! A disposable cluster with a kubelet, for what kwok cannot play: containers that run, logs, ports, disks.

use std::path::PathBuf;

use kube::Client;

use super::scratch::client_for;
use crate::skip;

pub(crate) struct RealNode {
    kubeconfig: PathBuf,
}

impl RealNode {
    /// The cluster that `FLEETDECK_TEST_KUBECONFIG` names; `None` (said loudly) where there is none. Tests make and delete
    /// namespaces there, so never point it at a cluster that matters.
    pub(crate) fn from_env() -> Option<Self> {
        skip::named_for("on_real_node");
        let kubeconfig = skip::wanted("FLEETDECK_TEST_KUBECONFIG", "<kubeconfig of a disposable cluster>")?;
        Some(Self { kubeconfig: kubeconfig.into() })
    }

    pub(crate) fn kubeconfig_path(&self) -> PathBuf {
        self.kubeconfig.clone()
    }

    pub(crate) async fn client(&self) -> Client {
        client_for(&self.kubeconfig).await
    }
}
