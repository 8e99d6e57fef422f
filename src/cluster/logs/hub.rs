//! All streams of a tail into one order, and on to whoever shows them. A slow reader slows the streams, never memory.

use std::time::Duration;

use tokio::{
    sync::{OwnedSemaphorePermit, mpsc},
    time::{Instant, sleep},
};

use super::{
    Channel, Lane, News, Stream,
    block::Block,
    merge::{Merge, Source},
};
use crate::cluster::ClusterError;

/// What streams tell.
#[derive(Debug)]
pub(super) enum Told {
    Channel(Channel),
    Stream(Lane, Stream),
    Failed(Lane, ClusterError),
    /// A stream begins to read the past.
    Open(Source),
    Lines(Source, Block, OwnedSemaphorePermit),
    Live(Source),
    End(Source),
    /// A tenant has no more to tell.
    Done,
}

/// Nobody reads any more.
#[derive(Debug)]
pub(super) struct Closed;

/// Lines handed on in one go.
const MOST: usize = 2_000;
/// Messages taken in one go.
const BATCH: usize = 64;

pub(super) struct Hub {
    told: mpsc::Receiver<Told>,
    to: mpsc::Sender<News>,
    merge: Merge<OwnedSemaphorePermit>,
    tenants: usize,
    began: Instant,
}

impl Hub {
    pub(super) fn new(told: mpsc::Receiver<Told>, to: mpsc::Sender<News>, tenants: usize, follow: bool) -> Self {
        // Whoever follows wants to see something soon; whoever reads the past wants it in order.
        let patience = if follow { 1_500 } else { 60_000 };
        Self { told, to, merge: Merge::new(patience), tenants, began: Instant::now() }
    }

    pub(super) async fn run(mut self) {
        let mut batch = Vec::with_capacity(BATCH);
        while !(self.tenants == 0 && self.merge.is_empty()) {
            let wait = self.merge.wait(self.now()).map(Duration::from_millis);
            let taken = tokio::select! {
                biased;
                taken = self.told.recv_many(&mut batch, BATCH) => taken,
                () = sleep(wait.unwrap_or_default()), if wait.is_some() => BATCH,
                () = self.to.closed() => return,
            };
            if taken == 0 {
                self.tenants = 0;
            }
            for told in batch.drain(..) {
                if let Some(news) = self.take(told)
                    && self.to.send(news).await.is_err()
                {
                    return;
                }
            }
            if self.tenants == 0 {
                self.merge.close();
            }
            if self.hand_on().await.is_err() {
                return;
            }
        }
        _ = self.to.send(News::Done).await;
    }

    fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn take(&mut self, told: Told) -> Option<News> {
        let now = self.now();
        match told {
            Told::Channel(channel) => return Some(News::Channel(channel)),
            Told::Stream(lane, stream) => return Some(News::Stream(lane, stream)),
            Told::Failed(lane, error) => return Some(News::Failed(lane, error)),
            Told::Open(source) => self.merge.open(source, now),
            Told::Lines(source, block, permit) => self.merge.push(source, block, permit, now),
            Told::Live(source) => self.merge.live(source),
            Told::End(source) => self.merge.end(source),
            Told::Done => self.tenants = self.tenants.saturating_sub(1),
        }
        None
    }

    async fn hand_on(&mut self) -> Result<(), Closed> {
        loop {
            let mut block = Block::default();
            self.merge.take(&mut block, MOST, self.now());
            let full = block.len() == MOST;
            if !block.is_empty() {
                self.to.send(News::Lines(block)).await.map_err(|_| Closed)?;
            }
            if !full {
                return Ok(());
            }
        }
    }
}
