//! A tenant's containers, through its stages and from one pod to the next: a reader for each that has begun.

use std::{collections::BTreeMap, sync::Arc};

use tokio::{
    sync::{Semaphore, mpsc, watch as signal},
    task::JoinSet,
};

use super::{
    Channel, LANES, Lane, Sight, Stream, Target, Wanted,
    block::Block,
    hub::{Closed, Told},
    merge::Source,
    pulse::{Before, Pulse, begun},
    reader::{End, Progress, Reader, UNDER_WAY},
};
use crate::{
    cluster::{Cluster, ClusterError},
    fleet::{At, Container, Pod, Text, Uid},
};

/// What all tenants of a tail have in common.
pub(super) struct Common {
    pub cluster: Cluster,
    pub wanted: Arc<Wanted>,
    pub hub: mpsc::Sender<Told>,
    pub retry: signal::Receiver<u32>,
    /// Requests that are being answered.
    pub gate: Arc<Semaphore>,
    /// Streams that are followed.
    pub room: Arc<Semaphore>,
}

pub(super) struct Tenant {
    common: Common,
    number: usize,
    target: Target,
    sight: signal::Receiver<Sight>,
    /// Containers by the lane they were given: the same one in every pod.
    containers: Vec<Text>,
    readers: BTreeMap<(Uid, Text), Running>,
    tasks: JoinSet<(Source, Lane, End)>,
    last_source: Source,
    before: Option<Before>,
    /// Has looked at pods before: what begins now is read from its beginning.
    looked: bool,
    /// Why nothing may be read; said once.
    forbidden: Option<ClusterError>,
    /// Said that there are more containers than lanes.
    crowded: bool,
}

struct Running {
    source: Source,
    pulse: signal::Sender<Pulse>,
}

/// Sources of one tenant.
const SOURCES: Source = 1 << 20;

impl Tenant {
    pub(super) fn new(common: Common, number: usize, target: Target, sight: signal::Receiver<Sight>) -> Self {
        let first = Source::try_from(number).unwrap_or_default().saturating_mul(SOURCES);
        Self {
            common,
            number,
            target,
            sight,
            containers: vec![Text::default()],
            readers: BTreeMap::new(),
            tasks: JoinSet::new(),
            last_source: first,
            before: None,
            looked: false,
            forbidden: None,
            crowded: false,
        }
    }

    pub(super) async fn run(mut self) {
        // The hub may be gone; then nobody is to be told.
        _ = self.follow().await;
        _ = self.common.hub.send(Told::Done).await;
    }

    async fn follow(&mut self) -> Result<(), Closed> {
        // Others' past waits for ours, which has not begun: a stream of our own words stands for it.
        self.common.hub.send(Told::Open(self.own_source())).await.map_err(|_| Closed)?;
        loop {
            let sight = self.sight.borrow_and_update().clone();
            match sight {
                Sight::Unknown => {}
                Sight::Pods(pods) => self.look(pods).await?,
                Sight::Gone => {
                    self.let_go(|_| true);
                    if self.tasks.is_empty() {
                        return self.say(None, "the tenant is gone").await;
                    }
                }
            }
            if self.looked && !self.common.wanted.follow && self.tasks.is_empty() {
                return Ok(());
            }
            tokio::select! {
                changed = self.sight.changed() => changed.map_err(|_| Closed)?,
                Some(ended) = self.tasks.join_next() => {
                    if let Ok((source, lane, end)) = ended {
                        self.ended(source, lane, end).await?;
                    }
                }
                asked = self.common.retry.changed() => {
                    asked.map_err(|_| Closed)?;
                    self.forbidden = None;
                }
            }
        }
    }

    fn own_source(&self) -> Source {
        Source::try_from(self.number).unwrap_or_default().saturating_mul(SOURCES)
    }

    fn lane(&self, slot: usize) -> Lane {
        Lane(u16::try_from(self.number * usize::from(LANES) + slot).unwrap_or(u16::MAX))
    }

    async fn look(&mut self, pods: Vec<Pod>) -> Result<(), Closed> {
        let now = self.common.cluster.clock().now();
        // The pod that a StatefulSet controls is the tenant; without one, whatever pod it has.
        let controlled = pods.iter().any(|p| p.owner.is_some());
        let mut pods: Vec<Pod> = pods.into_iter().filter(|p| !controlled || p.owner.is_some()).collect();
        pods.sort_by_key(|p| (p.created, p.uid));
        self.let_go(|uid| !pods.iter().any(|p| p.uid == *uid));
        for pod in &pods {
            self.meet(pod, now).await?;
            for (container, stage) in
                pod.stages.iter().map(|c| (c, true)).chain(pod.containers.iter().map(|c| (c, false)))
            {
                self.attend(pod, container, stage).await?;
            }
        }
        if !self.looked {
            self.looked = true;
            self.common.hub.send(Told::Live(self.own_source())).await.map_err(|_| Closed)?;
        }
        Ok(())
    }

    /// A pod takes the place of another one: says so where its first container has begun.
    async fn meet(&mut self, pod: &Pod, now: At) -> Result<(), Closed> {
        match &mut self.before {
            Some(before) if before.uid == pod.uid => before.again(pod, now),
            Some(before) => {
                let Some(at) = begun(pod) else { return Ok(()) };
                let said = before.joint(pod);
                self.before = Some(Before::of(pod, now));
                self.say(Some(at), &said).await?;
            }
            None => self.before = Some(Before::of(pod, now)),
        }
        Ok(())
    }

    async fn attend(&mut self, pod: &Pod, container: &Container, stage: bool) -> Result<(), Closed> {
        let wanted = &self.common.wanted;
        if !wanted.containers.is_empty() && !wanted.containers.iter().any(|c| container.name == *c.as_str()) {
            return Ok(());
        }
        let pulse = Pulse::of(container);
        let key = (pod.uid, container.name.clone());
        if let Some(running) = self.readers.get(&key) {
            if pulse.is_over() && !running.pulse.borrow().is_over() {
                // Its last lines are on their way, and come before those of whatever begins now.
                self.common.hub.send(Told::Open(running.source)).await.map_err(|_| Closed)?;
            }
            running.pulse.send_if_modified(|old| {
                let changed = *old != pulse;
                if changed {
                    *old = pulse;
                }
                changed
            });
            return Ok(());
        }
        if !pulse.has_begun() || self.forbidden.is_some() {
            return Ok(());
        }
        let Some(lane) = self.lane_of(&container.name, stage).await? else { return Ok(()) };
        self.last_source += 1;
        let source = self.last_source;
        self.common.hub.send(Told::Open(source)).await.map_err(|_| Closed)?;
        let (beats, heard) = signal::channel(pulse);
        let reader = Reader {
            cluster: self.common.cluster.clone(),
            namespace: self.target.namespace.clone(),
            pod: pod.name.clone(),
            uid: pod.uid,
            container: container.name.clone(),
            lane,
            source,
            wanted: Arc::clone(&self.common.wanted),
            limited: !self.looked,
            hub: self.common.hub.clone(),
            pulse: heard,
            retry: self.common.retry.clone(),
            gate: Arc::clone(&self.common.gate),
            room: Arc::clone(&self.common.room),
            state: Progress::default(),
        };
        self.readers.insert(key, Running { source, pulse: beats });
        self.tasks.spawn(reader.run(Arc::new(Semaphore::new(UNDER_WAY))));
        Ok(())
    }

    async fn lane_of(&mut self, container: &Text, stage: bool) -> Result<Option<Lane>, Closed> {
        if let Some(slot) = self.containers.iter().position(|c| c == container) {
            return Ok(Some(self.lane(slot)));
        }
        let slot = self.containers.len();
        if slot == usize::from(LANES) {
            if !std::mem::replace(&mut self.crowded, true) {
                let said = format!("{container} and others are not shown: of one tenant {} containers are", LANES - 1);
                self.say(None, &said).await?;
            }
            return Ok(None);
        }
        self.containers.push(container.clone());
        let lane = self.lane(slot);
        let channel = Channel { lane, tenant: self.number, container: container.clone(), stage };
        self.common.hub.send(Told::Channel(channel)).await.map_err(|_| Closed)?;
        Ok(Some(lane))
    }

    /// Readers of pods that are no more come to their end.
    fn let_go(&mut self, gone: impl Fn(&Uid) -> bool) {
        self.readers.retain(|(uid, _), running| {
            let gone = gone(uid);
            if gone {
                running.pulse.send_modify(|pulse| pulse.gone = true);
            }
            !gone
        });
    }

    async fn ended(&mut self, source: Source, lane: Lane, end: End) -> Result<(), Closed> {
        match end {
            End::Done => Ok(()),
            End::Forbidden(error) => {
                // Begun anew when a person asks.
                self.readers.retain(|_, running| running.source != source);
                let why = Text::from(error.said.as_str());
                self.common.hub.send(Told::Stream(lane, Stream::Forbidden { why })).await.map_err(|_| Closed)?;
                if self.forbidden.is_none() {
                    self.say(None, &error.said.clone()).await?;
                    self.common.hub.send(Told::Failed(lane, error.clone())).await.map_err(|_| Closed)?;
                    self.forbidden = Some(error);
                }
                Ok(())
            }
            End::Failed(error) => self.common.hub.send(Told::Failed(lane, error)).await.map_err(|_| Closed),
        }
    }

    /// A line of our own about the tenant.
    async fn say(&mut self, at: Option<At>, text: &str) -> Result<(), Closed> {
        let lane = self.lane(0);
        let channel = Channel { lane, tenant: self.number, container: Text::default(), stage: false };
        self.common.hub.send(Told::Channel(channel)).await.map_err(|_| Closed)?;
        let mut block = Block::default();
        let at = at.unwrap_or_else(|| self.common.cluster.clock().now());
        block.joint(lane, Some(at.unix() * 1_000_000_000), text);
        let permit = Arc::new(Semaphore::new(1)).acquire_owned().await.map_err(|_| Closed)?;
        let told = Told::Lines(self.own_source(), block, permit);
        self.common.hub.send(told).await.map_err(|_| Closed)
    }
}
