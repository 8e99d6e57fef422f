//! The ResourceQuota controller: what admission booked is counted anew when objects go. It lags behind deletions a
//! little, mostly by nothing, sometimes long enough for a new pod to be refused first.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::objects::is_finished;
use super::queue::{Queue, after};
use super::{Controller, Ctx};
use crate::sim::admission::quota::{Amounts, covers, is_counted_only, usage};
use crate::sim::history::EventType;
use crate::sim::kinds::{self, EVENT, POD, PVC, RESOURCE_QUOTA};
use crate::sim::object::{name_of, namespace_of, text_at};
use crate::sim::quantity::Quantity;
use crate::sim::store::Change;

pub(crate) struct Quotas {
    ctx: Ctx,
    /// Namespaces that have a quota.
    with_quota: BTreeSet<String>,
    queue: Queue<String>,
}

impl Quotas {
    pub(crate) fn new(ctx: Ctx) -> Self {
        Self { ctx, with_quota: BTreeSet::new(), queue: Queue::new() }
    }

    /// One deletion in eight is seen late.
    fn lag(&self, object: &Value) -> Duration {
        let unit = self.ctx.dice.unit(&[
            "quota",
            namespace_of(object),
            name_of(object),
            text_at(object, &["metadata", "uid"]),
        ]);
        if self.ctx.scenario.instant || unit >= 0.125 {
            Duration::ZERO
        } else {
            Duration::from_secs_f64(0.2 + unit * 6.0)
        }
    }

    fn count(&self, namespace: &str) {
        for quota in self.ctx.store.list(RESOURCE_QUOTA, Some(namespace)) {
            let hard = quota["spec"]["hard"].clone();
            let mut used: Map<String, Value> = Map::new();
            let mut sums: Vec<(&String, Quantity)> =
                hard.as_object().into_iter().flatten().map(|(resource, _)| (resource, Quantity::ZERO)).collect();
            let mut add = |uses: &Amounts, times: usize| {
                for (resource, sum) in &mut sums {
                    for amount in std::iter::repeat_n(uses.get(*resource), times).flatten() {
                        *sum = sum.plus(*amount);
                    }
                }
            };
            let counted = kinds::ALL.iter().copied().filter(|k| k.namespaced && *k != EVENT);
            for kind in counted {
                if is_counted_only(kind) {
                    if covers(&quota, kind, &Value::Null) {
                        add(&usage(kind, &Value::Null), self.ctx.store.stored(kind, Some(namespace)).1.len());
                    }
                    continue;
                }
                for object in self.ctx.store.list(kind, Some(namespace)) {
                    if covers(&quota, kind, &object) {
                        add(&usage(kind, &object), 1);
                    }
                }
            }
            used.extend(sums.into_iter().map(|(resource, sum)| (resource.clone(), sum.to_string().into())));
            // A quota that is gone counts nothing.
            let _ = self.ctx.store.modify(RESOURCE_QUOTA, namespace, name_of(&quota), |live| {
                if live["spec"]["hard"] == hard {
                    live["status"]["hard"] = hard;
                    live["status"]["used"] = used.into();
                }
            });
        }
    }
}

impl Controller for Quotas {
    fn observe(&mut self, change: &Change) {
        let object = &change.object;
        let now = self.ctx.store.now();
        let namespace = namespace_of(object);
        if change.kind == RESOURCE_QUOTA {
            if change.event != EventType::Deleted {
                self.with_quota.insert(namespace.to_owned());
                if object["status"]["hard"] != object["spec"]["hard"] {
                    self.queue.add(namespace.to_owned(), now);
                }
            } else if self.ctx.store.stored(RESOURCE_QUOTA, Some(namespace)).1.is_empty() {
                self.with_quota.remove(namespace);
            }
            return;
        }
        let gives_back = match change.event {
            EventType::Deleted => change.kind.namespaced && change.kind != EVENT,
            EventType::Modified => change.kind == PVC || change.kind == POD && is_finished(object),
            EventType::Added => false,
        };
        if gives_back && self.with_quota.contains(namespace) {
            self.queue.add(namespace.to_owned(), after(now, self.lag(object)));
        }
    }

    fn relist(&mut self) {
        let now = self.ctx.store.now();
        self.with_quota.clear();
        for quota in self.ctx.store.list(RESOURCE_QUOTA, None) {
            self.with_quota.insert(namespace_of(&quota).to_owned());
        }
        for namespace in &self.with_quota {
            self.queue.add(namespace.clone(), now);
        }
    }

    fn next_due(&mut self) -> Option<Timestamp> {
        self.queue.next_due()
    }

    fn step(&mut self) -> bool {
        let Some(namespace) = self.queue.pop(self.ctx.store.now()) else {
            return false;
        };
        self.count(&namespace);
        true
    }
}
