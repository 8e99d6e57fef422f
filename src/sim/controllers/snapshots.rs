//! VolumeSnapshots: cut from a bound claim after a while, as the snapshot controller and a CSI driver's sidecar do it together.

use std::collections::HashMap;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::json;

use super::objects::{Key, key_of};
use super::queue::{Queue, after};
use super::{Controller, Ctx};
use crate::sim::clock::stamp;
use crate::sim::history::EventType;
use crate::sim::kinds::{PVC, VOLUME_SNAPSHOT};
use crate::sim::object::{text_at, uid_of};
use crate::sim::store::Change;

/// From the asking to the cut, and from the cut to its use.
const TAKES: Duration = Duration::from_secs(8);
/// A claim that is not there yet, or has no volume.
const AGAIN: Duration = Duration::from_secs(5);

pub(crate) struct Snapshots {
    ctx: Ctx,
    queue: Queue<Key>,
    /// When the cut that was begun is done.
    ready: HashMap<Key, Timestamp>,
}

impl Snapshots {
    pub(crate) fn new(ctx: Ctx) -> Self {
        Self { ctx, queue: Queue::new(), ready: HashMap::new() }
    }

    fn sync(&mut self, key: &Key) {
        let now = self.ctx.store.now();
        let Some(snapshot) = self.ctx.store.get(VOLUME_SNAPSHOT, &key.0, &key.1) else { return };
        if snapshot["status"]["readyToUse"] == true {
            return;
        }
        let claim = text_at(&snapshot, &["spec", "source", "persistentVolumeClaimName"]);
        let claim = self.ctx.store.get(PVC, &key.0, claim).filter(|c| text_at(c, &["status", "phase"]) == "Bound");
        let Some(claim) = claim else {
            self.queue.set(key.clone(), after(now, AGAIN));
            return;
        };
        let takes = if self.ctx.scenario.instant { Duration::ZERO } else { TAKES };
        let ready = *self.ready.entry(key.clone()).or_insert_with(|| after(now, takes));
        if ready > now {
            self.queue.set(key.clone(), ready);
            return;
        }
        self.ready.remove(key);
        let size = claim["status"]["capacity"]["storage"].clone();
        // One that is gone needs no status.
        let _ = self.ctx.store.modify(VOLUME_SNAPSHOT, &key.0, &key.1, |s| {
            s["status"] = json!({
                "boundVolumeSnapshotContentName": format!("snapcontent-{}", uid_of(s)),
                "creationTime": stamp(now), "readyToUse": true, "restoreSize": size,
            });
        });
    }
}

impl Controller for Snapshots {
    fn observe(&mut self, change: &Change) {
        if change.kind != VOLUME_SNAPSHOT {
            return;
        }
        let key = key_of(&change.object);
        if change.event == EventType::Deleted {
            self.queue.remove(&key);
            self.ready.remove(&key);
        } else {
            self.queue.add(key, self.ctx.store.now());
        }
    }

    fn relist(&mut self) {
        let now = self.ctx.store.now();
        for snapshot in self.ctx.store.list(VOLUME_SNAPSHOT, None) {
            self.queue.add(key_of(&snapshot), now);
        }
    }

    fn next_due(&mut self) -> Option<Timestamp> {
        self.queue.next_due()
    }

    fn step(&mut self) -> bool {
        let Some(key) = self.queue.pop(self.ctx.store.now()) else {
            return false;
        };
        self.sync(&key);
        true
    }
}
