//! Work to be done on objects, each at its time: a key is in the queue once, at the earliest time asked for.
//! Failures are retried with client-go's rate limit: 5 ms, doubling, up to 1000 s.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::hash::Hash;
use std::time::Duration;

use jiff::Timestamp;

use crate::sim::store::Store;

const FIRST_RETRY: Duration = Duration::from_millis(5);
const LAST_RETRY: Duration = Duration::from_secs(1000);

pub(crate) struct Queue<K> {
    due: HashMap<K, Timestamp>,
    /// May hold entries that `due` has overtaken; they are skipped.
    heap: BinaryHeap<Reverse<(Timestamp, u64, K)>>,
    /// Keeps keys of one due time in the order they came.
    entries: u64,
    failures: HashMap<K, u32>,
}

impl<K: Clone + Eq + Ord + Hash> Queue<K> {
    pub(crate) fn new() -> Self {
        Self { due: HashMap::new(), heap: BinaryHeap::new(), entries: 0, failures: HashMap::new() }
    }

    /// Asks for work on `key` at `at`, or before if that was asked for already.
    pub(crate) fn add(&mut self, key: K, at: Timestamp) {
        match self.due.get(&key) {
            Some(due) if *due <= at => {}
            _ => self.set(key, at),
        }
    }

    /// Asks for work on `key` at `at` and at no other time.
    pub(crate) fn set(&mut self, key: K, at: Timestamp) {
        self.due.insert(key.clone(), at);
        self.entries += 1;
        self.heap.push(Reverse((at, self.entries, key)));
    }

    /// Asks for work after a failure: later with each one, until [`Queue::forget`].
    pub(crate) fn retry(&mut self, key: K, now: Timestamp) {
        let failures = self.failures.entry(key.clone()).or_default();
        let wait = FIRST_RETRY.saturating_mul(1 << (*failures).min(30)).min(LAST_RETRY);
        *failures += 1;
        self.add(key, after(now, wait));
    }

    /// The work succeeded: the next failure waits briefly again.
    pub(crate) fn forget(&mut self, key: &K) {
        self.failures.remove(key);
    }

    /// The object is gone.
    pub(crate) fn remove(&mut self, key: &K) {
        self.failures.remove(key);
        self.due.remove(key);
    }

    pub(crate) fn next_due(&mut self) -> Option<Timestamp> {
        while let Some(Reverse((at, _, key))) = self.heap.peek() {
            if self.due.get(key) == Some(at) {
                return Some(*at);
            }
            self.heap.pop();
        }
        None
    }

    /// Takes one key whose time has come.
    pub(crate) fn pop(&mut self, now: Timestamp) -> Option<K> {
        if self.next_due()? > now {
            return None;
        }
        let Reverse((_, _, key)) = self.heap.pop()?;
        self.due.remove(&key);
        Some(key)
    }
}

/// A time some while after another; the end of time where that can't be told.
pub(crate) fn after(at: Timestamp, wait: Duration) -> Timestamp {
    at.checked_add(wait).unwrap_or(Timestamp::MAX)
}

/// How long it was from one time to another; zero if it is not yet.
pub(crate) fn since(from: Timestamp, to: Timestamp) -> Duration {
    Duration::try_from(to.duration_since(from)).unwrap_or_default()
}

/// Waits until a time of the simulated clock; for ever where there is none to wait for.
pub(crate) async fn wait_until(store: &Store, at: Option<Timestamp>) {
    match at {
        None => std::future::pending().await,
        Some(at) => {
            let left = since(store.now(), at);
            if !left.is_zero() {
                store.sleep(left).await;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_millisecond(ms).expect("in range")
    }

    #[test]
    fn the_earliest_time_asked_for_wins() {
        let mut q = Queue::new();
        q.add("a", at(50));
        q.add("b", at(20));
        q.add("a", at(10));
        q.add("a", at(90));
        assert_eq!(q.pop(at(5)), None);
        assert_eq!(q.pop(at(60)), Some("a"));
        assert_eq!(q.pop(at(60)), Some("b"));
        assert_eq!(q.pop(at(100)), None, "a was asked for once");
    }

    #[test]
    fn retries_grow_and_an_edit_cuts_them_short() {
        let mut q = Queue::new();
        let mut waits = vec![];
        for _ in 0..20 {
            q.retry("a", at(0));
            let due = q.next_due().expect("queued");
            waits.push(due.as_millisecond());
            q.pop(due);
        }
        assert_eq!(waits[..4], [5, 10, 20, 40]);
        assert_eq!(waits[19], 1_000_000);
        q.retry("a", at(0));
        q.add("a", at(7));
        assert_eq!(q.pop(at(7)), Some("a"));
        q.forget(&"a");
        q.retry("a", at(0));
        assert_eq!(q.next_due(), Some(at(5)));
    }
}
