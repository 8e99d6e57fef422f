//! The index without a console: start the watches, apply what they bring, say once what cannot be read.

use std::{collections::BTreeSet, time::Duration};

use tokio::{
    sync::mpsc,
    time::{Instant, sleep, sleep_until},
};

use super::{failure::Failure, keep, print};
use crate::{
    cluster::{Asked, Cluster, ClusterError, Depth, Fault, Meters, Prometheus, Scope, Watches, watch},
    fleet::{At, Text},
    index::{Delta, Fleet, Kind, Link, Meter},
};

/// What the watches may be ahead of us.
const AHEAD: usize = 256;
/// For a failure that may pass by itself.
const PATIENCE: Duration = Duration::from_secs(6);
/// For the whole of the first lists.
const WHOLE: Duration = Duration::from_secs(120);

/// A fleet that follows a cluster.
pub(super) struct Follow {
    pub fleet: Fleet,
    cluster: Cluster,
    scope: Scope,
    watches: Watches,
    meters: Option<Meters>,
    /// Where volumes are measured, too.
    pub store: Option<Prometheus>,
    send: mpsc::Sender<Delta>,
    deltas: mpsc::Receiver<Delta>,
    /// Kinds whose trouble was said, and namespaces that are left out of a kind.
    said: BTreeSet<Kind>,
    withheld: BTreeSet<(Kind, Text)>,
}

impl Follow {
    pub(super) fn start(cluster: Cluster, scope: Scope) -> Self {
        let (send, deltas) = mpsc::channel(AHEAD);
        let watches = watch(&cluster, &scope, &send);
        Self {
            fleet: Fleet::default(),
            cluster,
            scope,
            watches,
            meters: None,
            store: None,
            send,
            deltas,
            said: BTreeSet::new(),
            withheld: BTreeSet::new(),
        }
    }

    pub(super) fn now(&self) -> At {
        self.cluster.clock().now()
    }

    pub(super) fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    pub(super) fn scope(&self) -> &Scope {
        &self.scope
    }

    /// Until every kind has been read, or is known not to be readable.
    pub(super) async fn settle(&mut self) -> Result<(), Failure> {
        let began = Instant::now();
        while !self.fleet.sources().settled() {
            let delta = tokio::select! {
                delta = self.deltas.recv() => delta,
                () = sleep_until(began + WHOLE) => None,
            };
            let Some(delta) = delta else { return Err(self.not_whole()) };
            // A watch that breaks after its list has come takes nothing from what is to be shown.
            let broken = match delta {
                Delta::Link(kind, Link::Broken { .. }) => !self.fleet.sources().get(kind).synced,
                _ => false,
            };
            self.apply(delta);
            if broken
                && let Some(error) = self.watches.trouble()
                && (!error.may_pass() || began.elapsed() > PATIENCE)
            {
                return Err(error.into());
            }
        }
        // Where no kind can be read there is nothing to show, and that is no empty fleet.
        let forbidden = |kind| matches!(self.fleet.sources().get(kind).link, Link::Forbidden { .. });
        if [Kind::Namespace, Kind::Pod, Kind::StatefulSet].into_iter().all(forbidden)
            && let Some(error) = self.watches.trouble().filter(|e| e.fault == Fault::Forbidden)
        {
            return Err(error.into());
        }
        Ok(())
    }

    /// Boots that consoles have learned before: what is foretold stands on them, too. They are no need.
    pub(super) async fn remember(&mut self) {
        match keep::read(&self.cluster).await {
            Ok((_, trouble, boots)) => {
                if let Some(why) = trouble {
                    print::note(&format!("note: {why}"));
                }
                self.apply(Delta::Boots(Ok(boots)));
            }
            Err(why) => tracing::warn!(why, "the history of boots"),
        }
    }

    fn not_whole(&self) -> Failure {
        if let Some(error) = self.watches.trouble() {
            return error.into();
        }
        let missing: Vec<_> =
            self.fleet.sources().iter().filter(|(_, f)| !f.synced).map(|(kind, _)| kind.plural()).collect();
        Failure::Failed(format!("{} could not be listed within {} s", missing.join(", "), WHOLE.as_secs()))
    }

    /// One round of the meters, for as long as it may take at most.
    pub(super) async fn measure(&mut self, patience: Duration) {
        let mut meters = Meters::start(&self.cluster, &self.scope.tenants(), &self.send);
        // What volumes hold, and how fast they fill: two answers.
        let mut recorded = if self.store.is_none() { 2 } else { 0 };
        if let Some(store) = self.store.clone() {
            meters.consult(&self.cluster, store, &self.send);
        }
        let nodes = Meters::nodes_of(&self.fleet);
        let mut awaited = nodes.len();
        meters.nodes(nodes);
        self.meters = Some(meters);
        let until = Instant::now() + patience;
        let mut pods = false;
        while !pods || awaited > 0 || recorded < 2 {
            let delta = tokio::select! {
                delta = self.deltas.recv() => delta,
                () = sleep_until(until) => return,
            };
            let Some(delta) = delta else { return };
            let unreadable =
                |link: &Link| matches!(link, Link::Forbidden { .. } | Link::Absent { .. } | Link::Broken { .. });
            match &delta {
                Delta::Measures(Meter::Pods, _) => pods = true,
                Delta::Measures(Meter::Volumes, _) => awaited = awaited.saturating_sub(1),
                Delta::Measures(Meter::Prometheus, _) => recorded += 1,
                Delta::MeterLink(Meter::Prometheus, link) if unreadable(link) => recorded = 2,
                Delta::MeterLink(Meter::Pods, link) if unreadable(link) => pods = true,
                Delta::MeterLink(Meter::Volumes, link) if unreadable(link) => awaited = 0,
                _ => {}
            }
            self.apply(delta);
        }
    }

    /// Asks a tenant's pod on its own ports; nothing where no container of it runs.
    pub(super) async fn probe(&mut self, namespace: &str) {
        let asked = self.fleet.get(namespace).and_then(|entry| {
            let tenant = &entry.tenant;
            Asked::of(&tenant.namespace_name, tenant.pod()?)
        });
        if let Some(asked) = asked {
            let probe = Box::new(self.cluster.probe(&asked, Depth::Deep).await);
            self.apply(Delta::Probe { namespace: asked.namespace, probe });
        }
    }

    /// Lists what the question of room needs beside the watches.
    pub(super) async fn list_pool(&mut self) {
        let facts = self.cluster.pool_facts(&self.scope).await;
        self.apply(Delta::Pool(Box::new(facts)));
    }

    /// The last failure of any watch.
    pub(super) fn trouble(&self) -> Option<ClusterError> {
        self.watches.trouble()
    }

    /// The next change of the fleet: who was touched.
    pub(super) async fn changed(&mut self) -> Result<BTreeSet<Text>, Failure> {
        loop {
            // Time alone may turn a phase; its clock may be faster than ours.
            let due = self.fleet.next_due().is_some();
            let touched = tokio::select! {
                delta = self.deltas.recv() => match delta {
                    Some(delta) => self.apply(delta),
                    None => return Err(Failure::Failed("the watches have ended".to_owned())),
                },
                () = sleep(Duration::from_millis(500)), if due => {
                    let now = self.now();
                    self.fleet.tick(now)
                }
            };
            if !touched.is_empty() {
                return Ok(touched);
            }
        }
    }

    fn apply(&mut self, delta: Delta) -> BTreeSet<Text> {
        match &delta {
            Delta::Link(kind, link) => self.say(*kind, link),
            Delta::Withheld(kind, namespaces) => self.say_withheld(*kind, namespaces),
            _ => {}
        }
        let now = self.now();
        self.fleet.apply(delta, now)
    }

    /// What is shown is not all that was asked for.
    fn say_withheld(&mut self, kind: Kind, namespaces: &[(Text, Text)]) {
        for (namespace, why) in namespaces {
            if self.withheld.insert((kind, namespace.clone())) {
                print::note(&format!("note: namespace {namespace} is left out of {}: {why}", kind.plural()));
            }
        }
    }

    /// Each trouble once, and its end.
    fn say(&mut self, kind: Kind, link: &Link) {
        match link {
            // What stands on nodes says so itself; most of what is printed does not.
            Link::Forbidden { .. } if kind == Kind::Node => {}
            Link::Forbidden { why } if self.said.insert(kind) => {
                print::note(&format!("note: {why}; what depends on it is shown as unknown"));
            }
            Link::Broken { why, .. } if self.fleet.sources().get(kind).synced && self.said.insert(kind) => {
                print::note(&format!("note: {} are not live: {why}; trying again", kind.plural()));
            }
            Link::Live | Link::Polling { .. } if self.said.remove(&kind) => {
                print::note(&format!("note: {} are live again", kind.plural()));
            }
            _ => {}
        }
    }
}
