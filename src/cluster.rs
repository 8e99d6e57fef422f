//! Speaks to Kubernetes. The only room that imports kube.

pub mod access;
mod backoff;
mod buffer;
pub mod clock;
pub mod connect;
mod disk;
pub mod errand;
pub mod error;
pub mod forward;
pub mod get;
mod http;
pub mod logs;
pub mod look;
pub mod object;
mod opened;
mod pool;
pub mod probe;
pub mod shell;
mod snapshot;
pub mod usage;
pub mod watch;
pub mod write;

pub use self::{
    access::{Access, Ask},
    clock::Clock,
    connect::{ContextInfo, Prompt, Target, connect, contexts, over},
    errand::{Errand, Errands},
    error::{ClusterError, Fault},
    forward::{Door, Forward, Traffic},
    look::{EventLine, ObjectName, Objects, Said},
    object::{Address, Only},
    opened::{Opening, RENDERED_MOST},
    probe::{Asked, Depth},
    shell::{Exit, Room},
    usage::{Meters, prometheus::Prometheus},
    watch::{Scope, Watches, watch},
    write::{MANAGER, Mode},
};

use std::sync::Arc;

/// A connection to one cluster as one user. Cheap to clone; all clones share the connections.
#[derive(Clone)]
pub struct Cluster {
    client: kube::Client,
    place: Arc<Place>,
    clock: Clock,
}

/// Where we are connected to, and as whom: part of every error.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// Name of the kubeconfig's context; `in-cluster`; the simulator's name.
    pub context: String,
    /// URL of the API server.
    pub server: String,
    /// Name of the kubeconfig's user.
    pub user: Option<String>,
    /// The namespace that the context names, if it names one.
    pub namespace: Option<String>,
}

impl Cluster {
    pub fn context(&self) -> &str {
        &self.place.context
    }

    pub fn server(&self) -> &str {
        &self.place.server
    }

    pub fn user(&self) -> Option<&str> {
        self.place.user.as_deref()
    }

    pub fn namespace(&self) -> Option<&str> {
        self.place.namespace.as_deref()
    }

    pub fn clock(&self) -> &Clock {
        &self.clock
    }
}

impl std::fmt::Debug for Cluster {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Cluster").field(&self.place).finish()
    }
}
