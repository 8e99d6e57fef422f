//! Events are forgotten an hour after they were last written, whoever wrote them: the API server gives them a lease.

use std::time::Duration;

use jiff::Timestamp;

use super::objects::{Key, key_of};
use super::queue::{Queue, after};
use super::{Controller, Ctx};
use crate::sim::delete::DeleteOptions;
use crate::sim::history::EventType;
use crate::sim::kinds::EVENT;
use crate::sim::object::text_at;
use crate::sim::store::Change;

pub(super) const KEPT: Duration = Duration::from_secs(3600);
/// Where an event says when it was last written: as the two APIs have it, and as a bare one has.
const TIMES: [&[&str]; 5] = [
    &["series", "lastObservedTime"],
    &["lastTimestamp"],
    &["eventTime"],
    &["firstTimestamp"],
    &["metadata", "creationTimestamp"],
];

pub(crate) struct Expiry {
    ctx: Ctx,
    queue: Queue<Key>,
}

impl Expiry {
    pub(crate) fn new(ctx: Ctx) -> Self {
        Self { ctx, queue: Queue::new() }
    }
}

impl Controller for Expiry {
    fn observe(&mut self, change: &Change) {
        if change.kind != EVENT {
            return;
        }
        let key = key_of(&change.object);
        match change.event {
            EventType::Deleted => self.queue.remove(&key),
            _ => self.queue.set(key, after(self.ctx.store.now(), KEPT)),
        }
    }

    fn relist(&mut self) {
        let now = self.ctx.store.now();
        self.queue = Queue::new();
        for event in self.ctx.store.list(EVENT, None) {
            let written = TIMES.iter().find_map(|path| text_at(&event, path).parse::<Timestamp>().ok());
            // What a client has dated long ago was written later than it says.
            let due = written.map(|at| after(at, KEPT)).filter(|due| *due > now);
            self.queue.add(key_of(&event), due.unwrap_or_else(|| after(now, KEPT)));
        }
    }

    fn next_due(&mut self) -> Option<Timestamp> {
        self.queue.next_due()
    }

    fn step(&mut self) -> bool {
        let Some(key) = self.queue.pop(self.ctx.store.now()) else { return false };
        // Already gone is as good.
        let _ = self.ctx.store.delete(EVENT, &key.0, &key.1, &DeleteOptions::default());
        true
    }
}
