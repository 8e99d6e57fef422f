//! Keeps a run ours while it goes: renews the lease, and hears the orders that others left in the run's record.

use std::collections::BTreeSet;

use tokio::{
    sync::{oneshot, watch as latest},
    time::Instant,
};

use super::{
    hold::Lease,
    orders::{Order, Orders, Voice},
    record::Records,
};
use crate::plan::State;

pub(super) struct Keeper<'a> {
    pub lease: Lease,
    pub records: &'a Records,
    pub run: &'a str,
    /// What the person at this console says.
    pub here: Orders,
    /// What counts: the stronger of what is said here and what the record says.
    pub counts: Voice,
    /// Tenants that are to be left out, by namespace.
    pub skips: latest::Sender<BTreeSet<String>>,
}

impl Keeper<'_> {
    /// Until the run is over; then lets the lease go.
    pub(super) async fn keep(mut self, mut over: oneshot::Receiver<()>) {
        let mut there = self.read().await.unwrap_or_default();
        let mut listens = true;
        let mut due = Instant::now();
        loop {
            let here = self.here.hear();
            self.counts.say(here.stronger(there));
            tokio::select! {
                biased;
                _ = &mut over => break,
                order = self.here.next(), if listens => listens = order.is_some(),
                () = self.lease.due(due) => {
                    due = Instant::now();
                    if !self.lease.renew().await {
                        // The turns see that it is lost, and stop.
                        self.counts.say(Order::Stop);
                        _ = over.await;
                        return;
                    }
                    // What was said last stands while nothing new can be read.
                    there = self.read().await.unwrap_or(there);
                }
            }
        }
        self.lease.release().await;
    }

    /// The record's order; `None` where it cannot be read now.
    async fn read(&self) -> Option<Order> {
        let record = self.records.get(self.run).await.ok()??;
        let skipped = record.states.iter().filter(|(_, state)| matches!(state, State::Skipped { .. }));
        self.skips.send_replace(skipped.map(|(tenant, _)| tenant.clone()).collect());
        Some(match record.order.as_str() {
            "go" => Order::Go,
            "pause" => Order::Pause,
            // An order that is not understood is no leave to go on.
            _ => Order::Stop,
        })
    }
}
