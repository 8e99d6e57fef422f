//! Polls what cannot be watched: the pods' use of CPU and memory, and what the volumes hold.

pub(super) mod prometheus;

use std::{collections::BTreeSet, time::Duration};

use tokio::{
    sync::{mpsc, watch as signal},
    task::JoinSet,
    time::{Instant, sleep, timeout},
};

use super::{Cluster, ClusterError, Fault, buffer::Buffer, http::encode};
use crate::{
    fleet::Text,
    index::{Delta, Fleet, Kind, Link, Meter, digest},
};

/// Longer than a big fleet's lists take.
const LISTED_BY: Duration = Duration::from_secs(20);
const PODS_EVERY: Duration = Duration::from_secs(30);
/// What is not there may come; what is forbidden needs a person.
const ABSENT_EVERY: Duration = Duration::from_secs(300);
const NODES_EVERY: Duration = Duration::from_secs(60);
const PER_NODE: Duration = Duration::from_secs(2);

/// The running meters; they end when this is dropped.
#[derive(Debug)]
pub struct Meters {
    nodes: signal::Sender<Option<BTreeSet<Text>>>,
    retry: signal::Sender<u32>,
    tasks: JoinSet<()>,
    began: Instant,
}

impl Meters {
    /// Starts metering. `label` is the key that tells tenants' pods. Must be called inside a tokio runtime.
    pub fn start(cluster: &Cluster, label: &str, to: &mpsc::Sender<Delta>) -> Self {
        let (nodes, node_changes) = signal::channel(None);
        let (retry, retries) = signal::channel(0);
        let mut tasks = JoinSet::new();
        let task = |meter| Task {
            cluster: cluster.clone(),
            meter,
            to: to.clone(),
            retry: retries.clone(),
            told: Link::Loading,
        };
        tasks.spawn(pods(task(Meter::Pods), label.to_owned(), node_changes.clone()));
        tasks.spawn(volumes(task(Meter::Volumes), node_changes));
        Self { nodes, retry, tasks, began: Instant::now() }
    }

    /// Also asks a Prometheus what volumes hold.
    pub fn consult(&mut self, cluster: &Cluster, store: prometheus::Prometheus, to: &mpsc::Sender<Delta>) {
        let task = Task {
            cluster: cluster.clone(),
            meter: Meter::Prometheus,
            to: to.clone(),
            retry: self.retry.subscribe(),
            told: Link::Loading,
        };
        let mut known = self.nodes.subscribe();
        self.tasks.spawn(async move {
            fleet_known(&mut known).await;
            prometheus::run(task, store).await;
        });
    }

    /// Asks about the nodes of this fleet, once its pods and claims are listed: half a list would be measured in part. One that
    /// never comes keeps no figures from the rest for longer than a while.
    pub fn follow(&self, fleet: &Fleet) {
        let listed = [Kind::Pod, Kind::Claim].into_iter().all(|kind| fleet.sources().get(kind).listed());
        if listed || self.began.elapsed() > LISTED_BY {
            self.nodes(Self::nodes_of(fleet));
        }
    }

    /// The nodes that carry tenants: those whose volumes are asked about. Metering begins when they are told, or after a
    /// while: what is measured of pods and claims that no list has brought yet is lost.
    pub fn nodes(&self, nodes: BTreeSet<Text>) {
        self.nodes.send_if_modified(|old| {
            let changed = old.as_ref() != Some(&nodes);
            if changed {
                *old = Some(nodes);
            }
            changed
        });
    }

    /// The nodes that the fleet's pods are on.
    pub fn nodes_of(fleet: &Fleet) -> BTreeSet<Text> {
        fleet.iter().flat_map(|e| &e.tenant.pods).filter_map(|p| p.node.clone()).collect()
    }

    /// Tries now what was forbidden or absent.
    pub fn retry(&self) {
        self.retry.send_modify(|n| *n = n.wrapping_add(1));
    }
}

struct Task {
    cluster: Cluster,
    meter: Meter,
    to: mpsc::Sender<Delta>,
    retry: signal::Receiver<u32>,
    told: Link,
}

/// Nobody reads any more.
struct Closed;

impl Task {
    async fn send(&self, delta: Delta) -> Result<(), Closed> {
        self.to.send(delta).await.map_err(|_| Closed)
    }

    async fn tell(&mut self, link: Link) -> Result<(), Closed> {
        // A failure that goes on keeps its beginning.
        let same = match (&link, &self.told) {
            (Link::Broken { why, .. }, Link::Broken { why: before, .. }) => why == before,
            (new, old) => new == old,
        };
        if same {
            return Ok(());
        }
        self.told = link.clone();
        self.send(Delta::MeterLink(self.meter, link)).await
    }

    /// Says what stands in the way, and how long to leave it.
    async fn fail(&mut self, error: &ClusterError) -> Result<Option<Duration>, Closed> {
        tracing::info!(meter = self.meter.name(), fault = ?error.fault, said = error.said, "no measures");
        let why = Text::from(error.said.as_str());
        let (link, wait) = match error.fault {
            Fault::Forbidden | Fault::Unauthorized => (Link::Forbidden { why }, None),
            // An API service that is registered while nothing serves it answers 503.
            Fault::NotFound | Fault::Busy => (Link::Absent { why }, Some(ABSENT_EVERY)),
            _ => (Link::Broken { since: self.cluster.clock().now(), why }, Some(NODES_EVERY)),
        };
        self.tell(link).await?;
        Ok(wait)
    }

    /// Waits, for ever where there is no time; sooner if a person asks.
    async fn wait(&mut self, time: Option<Duration>) -> Result<(), Closed> {
        let asked = match time {
            Some(time) => tokio::select! {
                () = sleep(time) => Ok(()),
                asked = self.retry.changed() => asked,
            },
            None => self.retry.changed().await,
        };
        asked.map_err(|_| Closed)
    }
}

/// Until the fleet's lists are in, or have taken too long.
async fn fleet_known(nodes: &mut signal::Receiver<Option<BTreeSet<Text>>>) {
    _ = timeout(LISTED_BY, nodes.wait_for(Option::is_some)).await;
}

fn some(nodes: &Option<BTreeSet<Text>>) -> bool {
    nodes.as_ref().is_some_and(|nodes| !nodes.is_empty())
}

async fn pods(mut task: Task, label: String, mut nodes: signal::Receiver<Option<BTreeSet<Text>>>) {
    let path = format!("/apis/metrics.k8s.io/v1beta1/pods?labelSelector={}", encode(&label));
    fleet_known(&mut nodes).await;
    // Where there were none before, they are asked about as soon as there are.
    let mut early = !some(&nodes.borrow());
    loop {
        let Ok((told, wait)) = pods_round(&mut task, &path).await else { return };
        let waited = tokio::select! {
            waited = task.wait(wait) => waited,
            known = nodes.wait_for(some), if early && told => {
                early = false;
                known.map(drop).map_err(|_| Closed)
            }
        };
        if waited.is_err() {
            return;
        }
    }
}

/// Whether it was told, and how long to wait for the next.
async fn pods_round(task: &mut Task, path: &str) -> Result<(bool, Option<Duration>), Closed> {
    let what = "read pod metrics";
    let mut buffer = Buffer::default();
    let read = task.cluster.read(path, what, &mut buffer).await;
    let measures = read.and_then(|()| {
        let now = task.cluster.clock().now();
        digest::pod_metrics(&buffer, now).map_err(|e| ClusterError::digest(&task.cluster.place, what, &buffer, &e))
    });
    drop(buffer);
    match measures {
        Ok(measures) => {
            let every = u32::try_from(PODS_EVERY.as_secs()).unwrap_or(u32::MAX);
            task.tell(Link::Polling { every }).await?;
            task.send(Delta::Measures(Meter::Pods, measures)).await?;
            Ok((true, Some(PODS_EVERY)))
        }
        Err(error) => Ok((false, task.fail(&error).await?)),
    }
}

async fn volumes(mut task: Task, mut nodes: signal::Receiver<Option<BTreeSet<Text>>>) {
    // Until the first pods are known there is nothing to ask.
    if nodes.wait_for(some).await.is_err() {
        return;
    }
    let mut first = true;
    loop {
        let round: Vec<Text> = nodes.borrow_and_update().iter().flatten().cloned().collect();
        if volumes_round(&mut task, &round, first).await.is_err() {
            return;
        }
        first = false;
    }
}

async fn volumes_round(task: &mut Task, nodes: &[Text], first: bool) -> Result<(), Closed> {
    let count = u32::try_from(nodes.len()).unwrap_or(u32::MAX);
    let every = NODES_EVERY.max(PER_NODE.saturating_mul(count));
    let pause = every / count.max(1);
    let mut failure = None;
    let mut answered = 0;
    for node in nodes {
        match volumes_of(task, node).await {
            Ok(measures) => {
                answered += 1;
                let every = u32::try_from(every.as_secs()).unwrap_or(u32::MAX);
                task.tell(Link::Polling { every }).await?;
                task.send(Delta::Measures(Meter::Volumes, measures)).await?;
            }
            Err(error) if matches!(error.fault, Fault::Forbidden | Fault::Unauthorized) => {
                let wait = task.fail(&error).await?;
                return task.wait(wait).await;
            }
            // A node that is down must not cost the others.
            Err(error) => {
                tracing::info!(node = node.as_str(), said = error.said, "no volume statistics");
                failure = Some(error);
            }
        }
        // The first round is wanted soon, the others are spread over their time.
        if !first {
            sleep(pause).await;
        }
        if task.to.is_closed() {
            return Err(Closed);
        }
    }
    match failure {
        Some(error) if answered == 0 => {
            let wait = task.fail(&error).await?;
            task.wait(wait).await
        }
        _ if first || nodes.is_empty() => task.wait(Some(every)).await,
        _ => Ok(()),
    }
}

async fn volumes_of(task: &mut Task, node: &Text) -> Result<Vec<crate::index::Measure>, ClusterError> {
    let what = format!("read volume statistics of node {node}");
    let path = format!("/api/v1/nodes/{}/proxy/stats/summary", encode(node));
    let mut buffer = Buffer::default();
    let read = task.cluster.read(&path, &what, &mut buffer).await;
    read.and_then(|()| {
        let now = task.cluster.clock().now();
        digest::volume_stats(&buffer, now).map_err(|e| ClusterError::digest(&task.cluster.place, &what, &buffer, &e))
    })
}
