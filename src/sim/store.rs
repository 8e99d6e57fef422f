//! The database: objects by kind and key, one resource version counter, a history ring per kind. All of it is behind one
//! lock, held for short synchronous sections only; everything that leaves is shared and immutable.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::Value;
use tokio::sync::broadcast;

use super::audit::Audit;
use super::bell::{Bell, Ear};
use super::clock::Clock;
use super::delete::{DeleteOptions, Deleted};
use super::frozen::Frozen;
use super::gc::Work;
use super::history::{EventType, Past, Ring};
use super::kinds::{self, Kind};
use super::object::{self, Stored};
use super::status::Status;
use super::write::Write;

/// How many parsed trees are kept alive beside the bytes.
const HOT: usize = 1024;
/// How many may be listed at once and stay parsed.
const FEW: usize = 64;
/// Changes that a receiver of `subscribe` may lag behind before it has to list again.
const CHANGES: usize = 8192;

/// A handle on the database. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Store {
    inner: Arc<Mutex<Inner>>,
    clock: Clock,
    changes: broadcast::Sender<Change>,
    pub(super) audit: Audit,
}

/// One change, as controllers see it.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    pub kind: &'static Kind,
    pub event: EventType,
    pub object: Arc<Value>,
}

pub(super) struct Shelf {
    pub objects: BTreeMap<Box<str>, Arc<Stored>>,
    pub ring: Ring,
    tick: Bell,
}

pub(super) struct Inner {
    version: u64,
    pub shelves: Vec<Shelf>,
    /// Who names this UID as an owner: (kind, key).
    pub dependents: HashMap<Box<str>, Vec<(&'static Kind, Box<str>)>>,
    /// Where a UID lives.
    pub places: HashMap<Box<str>, (&'static Kind, Box<str>)>,
    pub pending: VecDeque<Work>,
    pub rng: fastrand::Rng,
    pub clock: Clock,
    hot: VecDeque<Arc<Value>>,
    changes: broadcast::Sender<Change>,
    audit: Audit,
}

/// Where an object is on its shelf; the order of keys is the order of lists.
pub(super) fn key(namespace: &str, name: &str) -> Box<str> {
    if namespace.is_empty() { name.into() } else { format!("{namespace}/{name}").into() }
}

impl Store {
    /// `history` bounds each kind's ring: (events, bytes).
    pub(crate) fn new(clock: Clock, seed: u64, history: (usize, usize)) -> Store {
        let (changes, _) = broadcast::channel(CHANGES);
        let shelf =
            |_| Shelf { objects: BTreeMap::new(), ring: Ring::new(history.0, history.1), tick: Bell::default() };
        let audit = Audit::default();
        let inner = Inner {
            version: 1,
            shelves: kinds::ALL.iter().map(shelf).collect(),
            dependents: HashMap::new(),
            places: HashMap::new(),
            pending: VecDeque::new(),
            rng: fastrand::Rng::with_seed(seed),
            clock,
            hot: VecDeque::with_capacity(HOT),
            changes: changes.clone(),
            audit: audit.clone(),
        };
        Store { inner: Arc::new(Mutex::new(inner)), clock, changes, audit }
    }

    /// All that is stored now.
    pub(super) fn freeze(&self) -> Frozen {
        let inner = self.lock();
        let of = |shelf: &Shelf| {
            shelf.objects.iter().map(|(key, stored)| (key.clone(), stored.clone(), stored.value())).collect()
        };
        Frozen { at: self.now(), version: inner.version, objects: inner.shelves.iter().map(of).collect() }
    }

    /// Takes over what another store held. Whoever watches from before that has a gap.
    pub(super) fn fill(&self, frozen: &Frozen) {
        let mut inner = self.lock();
        inner.version = frozen.version;
        // Chance goes on from elsewhere: begun anew it would give the UIDs of what is there a second time.
        let branch = inner.rng.u64(..) ^ frozen.version;
        inner.rng.seed(branch);
        for (kind, objects) in kinds::ALL.iter().zip(&frozen.objects) {
            inner.shelves[kind.id].ring.compact(frozen.version);
            for (key, stored, _) in objects {
                for owner in &stored.owners {
                    inner.dependents.entry(owner.uid.clone()).or_default().push((stored.kind, key.clone()));
                }
                inner.places.insert(stored.uid.clone(), (stored.kind, key.clone()));
                inner.shelves[kind.id].objects.insert(key.clone(), stored.clone());
            }
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One object; `namespace` is empty for cluster-scoped kinds.
    pub(crate) fn get(&self, kind: &'static Kind, namespace: &str, name: &str) -> Option<Arc<Value>> {
        let mut inner = self.lock();
        let stored = inner.find(kind, namespace, name)?;
        Some(inner.value(&stored))
    }

    /// All objects of a kind, in one namespace or in all. Parses what has not been used lately: follow `subscribe` instead
    /// of listing again and again.
    pub(crate) fn list(&self, kind: &'static Kind, namespace: Option<&str>) -> Vec<Arc<Value>> {
        self.values(&self.stored(kind, namespace).1)
    }

    /// The objects of a kind of which a selectable field has this value; no other is parsed.
    pub(crate) fn selected(&self, kind: &'static Kind, field: &str, value: &str) -> Vec<Arc<Value>> {
        let mut all = self.stored(kind, None).1;
        all.retain(|stored| stored.field(field) == value);
        self.values(&all)
    }

    /// Their trees. Those of a few are kept for the next who asks; those of a fleet would drive out all others.
    fn values(&self, all: &[Arc<Stored>]) -> Vec<Arc<Value>> {
        if all.len() > FEW {
            return all.iter().map(|stored| stored.value()).collect();
        }
        let mut inner = self.lock();
        all.iter().map(|stored| inner.value(stored)).collect()
    }

    /// The current version and all stored objects of a kind.
    pub(crate) fn stored(&self, kind: &'static Kind, namespace: Option<&str>) -> (u64, Vec<Arc<Stored>>) {
        let inner = self.lock();
        (inner.version, inner.in_namespace(kind, namespace).cloned().collect())
    }

    pub(crate) fn stored_one(&self, kind: &'static Kind, namespace: &str, name: &str) -> Option<Arc<Stored>> {
        self.lock().find(kind, namespace, name)
    }

    /// Creates an object as a client of that field manager would: admission, defaults and validation included.
    pub(crate) fn create(&self, kind: &'static Kind, object: Value, manager: &str) -> Result<Arc<Value>, Status> {
        self.create_with(kind, object, &Write::by(manager))
    }

    pub(crate) fn create_with(&self, kind: &'static Kind, object: Value, write: &Write) -> Result<Arc<Value>, Status> {
        let mut inner = self.lock();
        let created = inner.create(kind, object, write)?;
        inner.settle();
        Ok(created)
    }

    /// A controller's write: status or spec, whatever `change` does. The version moves only if something changed, the
    /// generation only if the spec did.
    pub(crate) fn modify(
        &self,
        kind: &'static Kind,
        namespace: &str,
        name: &str,
        change: impl FnOnce(&mut Value),
    ) -> Result<Arc<Value>, Status> {
        let mut inner = self.lock();
        let stored = inner.find(kind, namespace, name).ok_or_else(|| Status::not_found(kind, name))?;
        let old = inner.value(&stored);
        let mut new = (*old).clone();
        change(&mut new);
        let written = inner.replace(kind, &old, new);
        inner.settle();
        Ok(written)
    }

    /// A client's update: `change` makes the wanted object of the live one.
    pub(crate) fn update(
        &self,
        kind: &'static Kind,
        namespace: &str,
        name: &str,
        write: &Write,
        change: impl FnOnce(&Value) -> Result<Value, Status>,
    ) -> Result<Arc<Value>, Status> {
        let mut inner = self.lock();
        let stored = inner.find(kind, namespace, name).ok_or_else(|| Status::not_found(kind, name))?;
        let old = inner.value(&stored);
        let wanted = change(&old)?;
        let written = inner.update(kind, &old, wanted, write)?;
        inner.settle();
        Ok(written)
    }

    pub(crate) fn delete(
        &self,
        kind: &'static Kind,
        namespace: &str,
        name: &str,
        options: &DeleteOptions,
    ) -> Result<Deleted, Status> {
        let mut inner = self.lock();
        let deleted = inner.delete(kind, namespace, name, options)?;
        inner.settle();
        Ok(deleted)
    }

    /// The final removal of an object whose end has been confirmed (by the kubelet, after the grace period). Finalizers
    /// still hold it. Nothing happens if another object has that name by now.
    pub(crate) fn remove(&self, kind: &'static Kind, namespace: &str, name: &str, uid: &str) {
        let options = DeleteOptions { grace: Some(0), uid: Some(uid.to_owned()), ..DeleteOptions::default() };
        let mut inner = self.lock();
        // Absent, or another object: the goal is reached already.
        let _ = inner.delete(kind, namespace, name, &options);
        inner.settle();
    }

    /// All changes from now on. A receiver that lags gets `RecvError::Lagged` and must list again.
    pub(crate) fn subscribe(&self) -> broadcast::Receiver<Change> {
        self.changes.subscribe()
    }

    /// Tells of every new version of a kind.
    pub(crate) fn ticks(&self, kind: &'static Kind) -> Ear {
        self.lock().shelves[kind.id].tick.listen()
    }

    /// Up to `limit` events of a kind after `version`, with the store's own version at that moment; `None` if forgotten.
    pub(crate) fn after(&self, kind: &'static Kind, version: u64, limit: usize) -> (u64, Option<Vec<Past>>) {
        let inner = self.lock();
        (inner.version, inner.shelves[kind.id].ring.after(version, limit))
    }

    pub(crate) fn version(&self) -> u64 {
        self.lock().version
    }

    /// Forgets the history of a kind: every watch that resumes gets 410.
    pub(crate) fn compact(&self, kind: &'static Kind) {
        let mut inner = self.lock();
        let now = inner.version;
        inner.shelves[kind.id].ring.compact(now);
    }

    pub(crate) fn now(&self) -> jiff::Timestamp {
        self.clock.now()
    }

    /// Sleeps for a span of simulated time.
    pub(crate) fn sleep(&self, simulated: Duration) -> tokio::time::Sleep {
        self.clock.sleep(simulated)
    }
}

impl Inner {
    pub(super) fn find(&self, kind: &Kind, namespace: &str, name: &str) -> Option<Arc<Stored>> {
        self.shelves[kind.id].objects.get(&*key(namespace, name)).cloned()
    }

    pub(super) fn in_namespace(&self, kind: &Kind, namespace: Option<&str>) -> impl Iterator<Item = &Arc<Stored>> {
        let prefix = namespace.filter(|n| !n.is_empty() && kind.namespaced).map(|n| format!("{n}/"));
        let from = prefix.clone().unwrap_or_default().into_boxed_str();
        self.shelves[kind.id]
            .objects
            .range(from..)
            .take_while(move |(key, _)| prefix.as_ref().is_none_or(|p| key.starts_with(p.as_str())))
            .map(|(_, stored)| stored)
    }

    pub(super) fn value(&mut self, stored: &Stored) -> Arc<Value> {
        let value = stored.value();
        if Arc::strong_count(&value) == 1 {
            self.keep_hot(value.clone());
        }
        value
    }

    fn keep_hot(&mut self, value: Arc<Value>) {
        if self.hot.len() == HOT {
            self.hot.pop_front();
        }
        self.hot.push_back(value);
    }

    pub(super) fn next_uid(&mut self) -> String {
        let bits = (self.rng.u128(..) & !(0xf << 76) & !(0xc << 60)) | (0x4 << 76) | (0x8 << 60);
        let hex = format!("{bits:032x}");
        format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
    }

    /// Stores a new version of an object and tells everybody.
    pub(super) fn commit(&mut self, kind: &'static Kind, mut value: Value) -> Arc<Value> {
        self.version += 1;
        value["metadata"]["resourceVersion"] = self.version.to_string().into();
        let value = Arc::new(value);
        let stored = Arc::new(Stored::new(kind, self.version, &value));
        let key = key(&stored.namespace, &stored.name);
        let before = self.shelves[kind.id].objects.insert(key.clone(), stored.clone());
        if before.as_ref().is_none_or(|b| b.owners != stored.owners) {
            if let Some(before) = &before {
                self.forget_owners(before);
            }
            for owner in &stored.owners {
                self.dependents.entry(owner.uid.clone()).or_default().push((kind, key.clone()));
            }
        }
        if before.is_none() {
            self.places.insert(stored.uid.clone(), (kind, key));
        }
        let event = if before.is_some() { EventType::Modified } else { EventType::Added };
        self.tell(Past { event, object: stored, before }, &value);
        self.keep_hot(value.clone());
        value
    }

    /// Takes an object away and tells everybody. The last version carries its own resource version, as etcd's does.
    pub(super) fn erase(&mut self, kind: &'static Kind, namespace: &str, name: &str) -> Option<Arc<Value>> {
        let before = self.shelves[kind.id].objects.remove(&*key(namespace, name))?;
        self.forget_owners(&before);
        self.places.remove(&before.uid);
        self.version += 1;
        let mut last = (*before.value()).clone();
        last["metadata"]["resourceVersion"] = self.version.to_string().into();
        let last = Arc::new(last);
        let stored = Arc::new(Stored::new(kind, self.version, &last));
        self.pending.push_back(Work::OwnerGone(stored.uid.clone()));
        for owner in &before.owners {
            self.pending.push_back(Work::DependentGone(owner.uid.clone()));
        }
        if kind.namespaced {
            self.pending.push_back(Work::Namespace(namespace.into()));
        }
        self.tell(Past { event: EventType::Deleted, object: stored, before: Some(before) }, &last);
        Some(last)
    }

    fn forget_owners(&mut self, stored: &Stored) {
        let key = key(&stored.namespace, &stored.name);
        for owner in &stored.owners {
            if let Some(list) = self.dependents.get_mut(&owner.uid) {
                list.retain(|(kind, k)| *kind != stored.kind || *k != key);
                if list.is_empty() {
                    self.dependents.remove(&owner.uid);
                }
            }
        }
    }

    fn tell(&mut self, past: Past, value: &Arc<Value>) {
        let kind = past.object.kind;
        let gone = past.event == EventType::Deleted;
        self.audit.changed(kind.kind, || past.before.as_ref().map(|before| before.value()), value, gone);
        let change = Change { kind, event: past.event, object: value.clone() };
        let shelf = &mut self.shelves[kind.id];
        shelf.ring.push(past);
        shelf.tick.ring();
        // No receiver is no loss: whoever subscribes later lists first.
        let _ = self.changes.send(change);
    }

    /// Stores what a controller made of an object, if it differs; finishes a deletion that only waited for finalizers.
    pub(super) fn replace(&mut self, kind: &'static Kind, old: &Arc<Value>, mut new: Value) -> Arc<Value> {
        for field in ["name", "namespace", "uid", "creationTimestamp", "resourceVersion"] {
            if let Some(value) = old["metadata"].get(field) {
                new["metadata"][field] = value.clone();
            }
        }
        if new == **old {
            return old.clone();
        }
        super::write::count_generation(kind, old, &mut new);
        if super::delete::is_finished(kind, &new) {
            let (namespace, name) = (object::namespace_of(old).to_owned(), object::name_of(old).to_owned());
            self.erase(kind, &namespace, &name);
            return Arc::new(new);
        }
        self.commit(kind, new)
    }
}
