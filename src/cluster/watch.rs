//! Watches the kinds of a fleet and tells the index.
//!
//! One list and watch per kind, over the whole cluster, selected by label; by namespace only where rights demand it. The
//! state machine is our own and not kube's `watcher`: that one swallows bookmarks and says nothing when a watch is open
//! again, so that a quiet fleet would stay marked as disconnected; and it goes on for ever at a 410.

mod feed;
mod links;
mod path;
mod reader;

use tokio::{
    sync::{mpsc, watch as signal},
    task::JoinSet,
};

use super::{Cluster, ClusterError};
use crate::{
    fleet::{name, pattern::Pattern},
    index::{Delta, Kind, digest::Labels},
};

/// What to watch.
#[derive(Clone, Debug)]
pub struct Scope {
    /// What tells tenants.
    pub labels: Labels,
    /// What else a tenant's objects must carry, as a label selector; empty for nothing.
    pub select: String,
    /// Label selector of the nodes that tenants run on; all nodes where this is empty.
    pub pool: String,
    /// Namespaces to read where the whole cluster may not be read; the context's own where this is empty.
    pub namespaces: Vec<String>,
}

impl Default for Scope {
    fn default() -> Self {
        Self {
            labels: Labels::default(),
            select: String::new(),
            pool: name::POOL_SELECTOR.to_owned(),
            namespaces: Vec::new(),
        }
    }
}

impl Scope {
    /// Label selector of everything that is a tenant's; empty where only the names of Namespaces tell it.
    pub fn tenants(&self) -> String {
        let parts = [self.labels.tenant.trim(), self.select.trim()];
        parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(",")
    }

    /// What has the objects of a tenant: `carries the label openclaw.ai/tenant`.
    pub fn words(&self) -> String {
        let label = self.tenants();
        let named = |pattern: &Pattern| format!("lies in a namespace called {pattern}");
        match (label.as_str(), &self.labels.namespace) {
            ("", Some(pattern)) => named(pattern),
            (_, Some(pattern)) => format!("carries the label {label} and {}", named(pattern)),
            (_, None) => format!("carries the label {label}"),
        }
    }

    /// Label selector of what is nobody's; `None` where labels alone do not say that.
    pub(super) fn others(&self) -> Option<String> {
        let simple = self.labels.namespace.is_none() && self.select.trim().is_empty();
        simple.then(|| format!("!{}", self.labels.tenant))
    }

    /// Label selector of tenants' Namespaces. Where their names tell them, `select` is of what lies in them: whoever makes
    /// a Namespace is seldom who labels its objects.
    pub fn homes(&self) -> String {
        if self.labels.namespace.is_some() { self.labels.tenant.clone() } else { self.tenants() }
    }

    fn selector(&self, kind: Kind) -> String {
        match kind {
            Kind::Node => self.pool.clone(),
            Kind::Namespace => self.homes(),
            _ => self.tenants(),
        }
    }
}

/// The running watches; they end when this is dropped.
#[derive(Debug)]
pub struct Watches {
    retry: signal::Sender<u32>,
    trouble: signal::Receiver<Option<ClusterError>>,
    _tasks: JoinSet<()>,
}

impl Watches {
    /// Tries now what waits: broken connections, and what was forbidden.
    pub fn retry(&self) {
        self.retry.send_modify(|n| *n = n.wrapping_add(1));
    }

    /// The last failure of any watch, typed; `None` while there was none. [`crate::index::Link`] says what stands.
    pub fn trouble(&self) -> Option<ClusterError> {
        self.trouble.borrow().clone()
    }
}

/// Starts watching; deltas come through `to`, whose reader sets the pace: a slow one slows the watches and nothing else.
/// Must be called inside a tokio runtime.
pub fn watch(cluster: &Cluster, scope: &Scope, to: &mpsc::Sender<Delta>) -> Watches {
    let (retry, retries) = signal::channel(0);
    let (trouble, troubles) = signal::channel(None);
    let mut tasks = JoinSet::new();
    for kind in Kind::ALL {
        let reader = reader::Reader {
            cluster: cluster.clone(),
            kind,
            scope: scope.clone(),
            to: to.clone(),
            retry: retries.clone(),
            trouble: trouble.clone(),
        };
        tasks.spawn(reader.run());
    }
    Watches { retry, trouble: troubles, _tasks: tasks }
}
