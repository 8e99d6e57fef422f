//! What is asked beside the watches, because a person looks at it: few at a time, one per subject, and gone with whoever
//! asked. What was refused is not asked again until a person says so.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use tokio::{
    sync::mpsc,
    task::{AbortHandle, Id, JoinSet},
    time::sleep,
};

use super::{Access, Asked, Cluster, ClusterError, Depth, Fault, Scope};
use crate::{
    fleet::{Text, probe::GatewayState},
    index::Delta,
};

/// Errands under way; a probe is several requests of its own.
const AT_ONCE: usize = 4;
/// Orders that may wait. More is more than a person can look at.
const WAITING: usize = 32;
/// Tries of what failed for a reason that may pass.
const TRIES: u32 = 5;

/// Something to find out.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Errand {
    /// What the user may do, in the whole cluster or in a namespace.
    Rights { namespace: Option<Text> },
    /// How a tenant's pod answers on its own ports.
    Probe(Asked, Depth),
    /// What its volumes hold, by `df` inside it.
    Disks(Asked),
    /// What the question of room needs beside the watches.
    Pool,
}

impl Errand {
    fn namespace(&self) -> Option<&Text> {
        match self {
            Self::Rights { namespace } => namespace.as_ref(),
            Self::Probe(asked, _) | Self::Disks(asked) => Some(&asked.namespace),
            Self::Pool => None,
        }
    }
}

enum Order {
    Run(Errand),
    Leave(Text),
    Forget,
}

/// Takes errands; what they find comes as deltas. All end when this is dropped.
#[derive(Debug)]
pub struct Errands {
    orders: mpsc::Sender<Order>,
    _task: JoinSet<()>,
}

impl Errands {
    /// Must be called inside a tokio runtime.
    pub fn start(cluster: &Cluster, scope: &Scope, to: &mpsc::Sender<Delta>) -> Self {
        let (orders, incoming) = mpsc::channel(WAITING);
        let mut task = JoinSet::new();
        let desk = Desk {
            cluster: cluster.clone(),
            scope: Arc::new(scope.clone()),
            to: to.clone(),
            running: JoinSet::new(),
            ids: HashMap::new(),
            aborts: HashMap::new(),
            waiting: Vec::new(),
            settled: HashSet::new(),
        };
        task.spawn(desk.run(incoming));
        Self { orders, _task: task }
    }

    /// Runs an errand, unless the same one is under way, was refused, or is known for good.
    pub fn run(&self, errand: Errand) {
        self.order(Order::Run(errand));
    }

    /// Nobody looks at this namespace any more: what is under way for it ends.
    pub fn leave(&self, namespace: Text) {
        self.order(Order::Leave(namespace));
    }

    /// Rights may have changed.
    pub fn retry(&self) {
        self.order(Order::Forget);
    }

    fn order(&self, order: Order) {
        if self.orders.try_send(order).is_err() {
            tracing::warn!("too many errands at once: one is dropped");
        }
    }
}

/// What to remember of an errand that ended.
enum End {
    /// It may be run again.
    Done,
    /// Its answer holds until rights change.
    Settled,
}

struct Desk {
    cluster: Cluster,
    scope: Arc<Scope>,
    to: mpsc::Sender<Delta>,
    running: JoinSet<End>,
    ids: HashMap<Id, Errand>,
    aborts: HashMap<Errand, AbortHandle>,
    waiting: Vec<Errand>,
    settled: HashSet<Errand>,
}

impl Desk {
    async fn run(mut self, mut orders: mpsc::Receiver<Order>) {
        loop {
            tokio::select! {
                order = orders.recv() => match order {
                    Some(order) => self.take(order),
                    None => return,
                },
                Some(ended) = self.running.join_next_with_id() => {
                    let (id, end) = match ended {
                        Ok((id, end)) => (id, end),
                        Err(error) => (error.id(), End::Done),
                    };
                    if let Some(errand) = self.ids.remove(&id) {
                        self.aborts.remove(&errand);
                        if matches!(end, End::Settled) {
                            self.settled.insert(errand);
                        }
                    }
                    self.begin();
                }
            }
        }
    }

    fn take(&mut self, order: Order) {
        match order {
            Order::Run(errand) => {
                let known = self.settled.contains(&errand)
                    || self.aborts.contains_key(&errand)
                    || self.waiting.contains(&errand);
                if !known && self.waiting.len() < WAITING {
                    self.waiting.push(errand);
                }
            }
            Order::Leave(namespace) => {
                let of_it = |errand: &Errand| errand.namespace() == Some(&namespace);
                self.waiting.retain(|errand| !of_it(errand));
                self.aborts.iter().filter(|(errand, _)| of_it(errand)).for_each(|(_, abort)| abort.abort());
            }
            Order::Forget => {
                // What was known by its answer is asked again, as it was.
                self.waiting.extend(self.settled.drain().filter(|e| matches!(e, Errand::Rights { .. })));
            }
        }
        self.begin();
    }

    fn begin(&mut self) {
        while self.running.len() < AT_ONCE && !self.waiting.is_empty() {
            let errand = self.waiting.remove(0);
            let (cluster, scope, to) = (self.cluster.clone(), self.scope.clone(), self.to.clone());
            let abort = self.running.spawn(carry_out(errand.clone(), cluster, scope, to));
            self.ids.insert(abort.id(), errand.clone());
            self.aborts.insert(errand, abort);
        }
    }
}

async fn carry_out(errand: Errand, cluster: Cluster, scope: Arc<Scope>, to: mpsc::Sender<Delta>) -> End {
    match errand {
        Errand::Rights { namespace } => rights(&cluster, namespace, &to).await,
        Errand::Probe(asked, depth) => probe(&cluster, &asked, depth, &to).await,
        Errand::Disks(asked) => disks(&cluster, &asked, &to).await,
        Errand::Pool => {
            let facts = cluster.pool_facts(&scope).await;
            _ = to.send(Delta::Pool(Box::new(facts))).await;
            End::Done
        }
    }
}

/// Once; a server that cannot be asked now is asked a few times more.
async fn rights(cluster: &Cluster, namespace: Option<Text>, to: &mpsc::Sender<Delta>) -> End {
    let mut access = Access::default();
    for attempt in 1..=TRIES {
        match access.rights(cluster, namespace.as_deref()).await {
            Ok(rights) => {
                // Whoever does not listen any more needs no rights.
                _ = to.send(Delta::Rights { namespace, rights }).await;
                return End::Settled;
            }
            Err(error) if lasting(&error) => {
                tracing::info!(said = error.said, "rights stay unknown");
                return End::Settled;
            }
            Err(error) => tracing::info!(said = error.said, attempt, "rights are not known yet"),
        }
        sleep(Duration::from_secs(4) * 2_u32.pow(attempt)).await;
    }
    End::Done
}

async fn probe(cluster: &Cluster, asked: &Asked, depth: Depth, to: &mpsc::Sender<Delta>) -> End {
    let probe = cluster.probe(asked, depth).await;
    let forbidden = matches!(probe.gateway.state, GatewayState::Unasked { forbidden: true, .. });
    _ = to.send(Delta::Probe { namespace: asked.namespace.clone(), probe: Box::new(probe) }).await;
    // Refused for want of rights: a person has to say that these have changed.
    if forbidden { End::Settled } else { End::Done }
}

async fn disks(cluster: &Cluster, asked: &Asked, to: &mpsc::Sender<Delta>) -> End {
    let found = match cluster.disks(&asked.namespace, &asked.pod).await {
        Ok(measures) => Delta::Measured(measures),
        // A person asked, and is told.
        Err(error) => Delta::Said(Text::from(error.said)),
    };
    _ = to.send(found).await;
    End::Done
}

/// Asking again would bring the same.
fn lasting(error: &ClusterError) -> bool {
    matches!(error.fault, Fault::Forbidden | Fault::Unauthorized | Fault::NotFound | Fault::Refused | Fault::Answer)
}
