//! The engine's own index, kept by watches: waits are judged on it. One task owns it; others ask.

use std::{collections::BTreeSet, time::Duration};

use tokio::{
    sync::{mpsc, oneshot, watch as latest},
    task::JoinSet,
    time::{MissedTickBehavior, interval},
};

use crate::{
    cluster::{Cluster, Scope, watch},
    diagnose::{self, Code, Facts},
    fleet::At,
    index::{Delta, Entry, Fleet, Kind, Link, Sources},
    plan::{Basis, Judged, Until},
};

/// Deltas that the watches may be ahead of us.
const AHEAD: usize = 256;
/// Judgements that only time changes.
const TICK: Duration = Duration::from_secs(1);

/// A way to ask the index. It ends with the last clone.
#[derive(Clone, Debug)]
pub(super) struct View {
    ask: mpsc::Sender<Ask>,
}

enum Ask {
    Ills(String, oneshot::Sender<Option<BTreeSet<Code>>>),
    Watch(Box<Watcher>),
    Get(Get),
}

struct Get {
    namespace: String,
    reply: oneshot::Sender<Option<(Entry, Sources)>>,
}

struct Watcher {
    namespace: String,
    until: Until,
    basis: Basis,
    floor: i64,
    /// When it was first judged.
    began: Option<At>,
    tell: latest::Sender<Option<Judged>>,
}

impl View {
    /// Starts watching. Must be called inside a tokio runtime.
    pub(super) fn start(cluster: &Cluster, scope: &Scope, tasks: &mut JoinSet<()>) -> Self {
        let (ask, asked) = mpsc::channel(64);
        tasks.spawn(keep(cluster.clone(), scope.clone(), asked));
        Self { ask }
    }

    /// For who only asks the server what it would do: every wait ends at once.
    pub(super) fn blind() -> Self {
        Self { ask: mpsc::channel(1).0 }
    }

    /// Follows a condition: the latest judgement, `None` before the first.
    pub(super) async fn follow(
        &self,
        namespace: &str,
        until: Until,
        basis: &Basis,
        floor: i64,
    ) -> latest::Receiver<Option<Judged>> {
        let (tell, told) = latest::channel(None);
        let watcher =
            Watcher { namespace: namespace.to_owned(), until, basis: basis.clone(), floor, began: None, tell };
        // A task that is gone closes the channel, which the receiver sees.
        _ = self.ask.send(Ask::Watch(Box::new(watcher))).await;
        told
    }

    /// What is wrong with the tenant, as far as the index tells; `None` where it is not known.
    pub(super) async fn ills(&self, namespace: &str) -> Option<BTreeSet<Code>> {
        let (reply, answer) = oneshot::channel();
        self.ask.send(Ask::Ills(namespace.to_owned(), reply)).await.ok()?;
        answer.await.ok()?
    }

    /// The tenant as it is known now, once the first lists are in; and how fresh that is.
    pub(super) async fn get(&self, namespace: &str) -> Option<(Entry, Sources)> {
        let (reply, answer) = oneshot::channel();
        self.ask.send(Ask::Get(Get { namespace: namespace.to_owned(), reply })).await.ok()?;
        answer.await.ok()?
    }
}

async fn keep(cluster: Cluster, scope: Scope, mut asked: mpsc::Receiver<Ask>) {
    let (send, mut deltas) = mpsc::channel::<Delta>(AHEAD);
    let _watches = watch(&cluster, &scope, &send);
    let mut fleet = Fleet::default();
    let mut watchers: Vec<Box<Watcher>> = Vec::new();
    let mut gets: Vec<Get> = Vec::new();
    let mut ticks = interval(TICK);
    // However much is heard in between.
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let now = cluster.clock().now();
        tokio::select! {
            biased;
            ask = asked.recv() => match ask {
                None => return,
                Some(Ask::Watch(mut watcher)) => {
                    watcher.began = Some(now);
                    watcher.judge(&fleet, now);
                    watchers.push(watcher);
                }
                Some(Ask::Get(get)) => gets.push(get),
                Some(Ask::Ills(namespace, reply)) => {
                    let entry = fleet.get(&namespace).filter(|_| fleet.sources().settled());
                    let found = entry.map(|entry| diagnose::tenant(&Facts::of(entry, &fleet), now).findings);
                    // Whoever asked has gone.
                    _ = reply.send(found.map(|all| all.iter().map(|finding| finding.code).collect()));
                }
            },
            delta = deltas.recv() => {
                let Some(delta) = delta else { return };
                let all = matches!(delta, Delta::Link(..));
                let touched = fleet.apply(delta, now);
                watchers.retain(|w| !w.tell.is_closed());
                watchers.iter().filter(|w| all || touched.iter().any(|t| *t == w.namespace.as_str())).for_each(|w| w.judge(&fleet, now));
            }
            _ = ticks.tick(), if !watchers.is_empty() => {
                fleet.tick(now);
                watchers.retain(|w| !w.tell.is_closed());
                watchers.iter().for_each(|w| w.judge(&fleet, now));
            }
        }
        if fleet.sources().settled() {
            for Get { namespace, reply } in gets.drain(..) {
                let entry = fleet.get(&namespace).map(|entry| (entry.clone(), fleet.sources().clone()));
                // Whoever asked has gone.
                _ = reply.send(entry);
            }
        }
    }
}

impl Watcher {
    fn judge(&self, fleet: &Fleet, now: At) {
        let judged = match stale(self.until, fleet.sources()) {
            Some(said) => Judged::NotYet(said),
            None => {
                let began = self.began.unwrap_or(now);
                self.until.judge(&self.basis, fleet.get(&self.namespace), self.floor, began, now)
            }
        };
        self.tell.send_if_modified(|last| {
            let changed = last.as_ref() != Some(&judged);
            if changed {
                *last = Some(judged);
            }
            changed
        });
    }
}

/// What is not fresh proves nothing.
fn stale(until: Until, sources: &Sources) -> Option<String> {
    let kinds: &[Kind] = match until {
        Until::Observed => &[Kind::StatefulSet],
        Until::Served | Until::Replaced | Until::Stopped | Until::Removed => &[Kind::StatefulSet, Kind::Pod],
        Until::Granted => &[Kind::Quota],
        Until::Kept | Until::Grown | Until::Snapped => &[Kind::Claim],
        Until::Addressed => &[],
        Until::Erased => &[Kind::Namespace, Kind::StatefulSet, Kind::Pod, Kind::Claim],
    };
    kinds.iter().find_map(|kind| {
        let source = sources.get(*kind);
        let said = match &source.link {
            Link::Live | Link::Polling { .. } if source.synced => return None,
            Link::Broken { why, .. } => why.to_string(),
            Link::Forbidden { why } | Link::Absent { why } => why.to_string(),
            Link::Loading | Link::Live | Link::Polling { .. } => "not read yet".to_owned(),
        };
        Some(format!("{} are not known: {said}", kind.plural()))
    })
}
