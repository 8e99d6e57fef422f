//! What happened to one kind lately: a ring of events that every watcher reads at its own pace. A watcher that falls off
//! the ring's end has to list again, as with etcd's compaction.

use std::collections::VecDeque;
use std::sync::Arc;

use super::object::Stored;

/// What kind of change an event is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EventType {
    Added,
    Modified,
    Deleted,
}

/// One remembered change.
#[derive(Clone, Debug)]
pub(crate) struct Past {
    pub event: EventType,
    pub object: Arc<Stored>,
    /// The version before, for watches whose selector the object may have left or entered.
    pub before: Option<Arc<Stored>>,
}

/// The ring of one kind, in order of resource version.
#[derive(Debug)]
pub(crate) struct Ring {
    events: VecDeque<Past>,
    bytes: usize,
    max_events: usize,
    max_bytes: usize,
    /// The newest version that has been dropped: a watch from before it has a gap.
    compacted: u64,
}

impl Ring {
    pub(crate) fn new(max_events: usize, max_bytes: usize) -> Ring {
        Ring { events: VecDeque::new(), bytes: 0, max_events, max_bytes, compacted: 0 }
    }

    pub(crate) fn push(&mut self, past: Past) {
        self.bytes += past.object.len();
        self.events.push_back(past);
        while self.events.len() > 1 && (self.events.len() > self.max_events || self.bytes > self.max_bytes) {
            self.drop_oldest();
        }
    }

    fn drop_oldest(&mut self) {
        if let Some(old) = self.events.pop_front() {
            self.bytes -= old.object.len();
            self.compacted = old.object.version;
        }
    }

    /// Forgets everything, so that every resumed watch gets 410.
    pub(crate) fn compact(&mut self, now: u64) {
        self.events.clear();
        self.bytes = 0;
        self.compacted = now;
    }

    /// Up to `limit` events after `version`, or `None` if some of them are forgotten.
    pub(crate) fn after(&self, version: u64, limit: usize) -> Option<Vec<Past>> {
        if version < self.compacted {
            return None;
        }
        let from = self.events.partition_point(|past| past.object.version <= version);
        Some(self.events.range(from..).take(limit).cloned().collect())
    }
}
