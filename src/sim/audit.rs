//! What was written, by whom and in which order: each change of the database, and each request that asked for one. Off until
//! somebody listens, as an API server's audit log is; how much each user asks for is always counted.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use serde_json::Value;

use super::dispatch::Call;

/// One entry.
#[derive(Clone, Debug)]
pub enum Heard {
    /// Comes before the request that set it off.
    Changed(Changed),
    Asked(Asked),
}

/// An object is another than before.
#[derive(Clone, Debug)]
pub struct Changed {
    pub kind: &'static str,
    /// The version before; `None` where it was made.
    pub before: Option<Arc<Value>>,
    /// As it is now; of one that is gone, as it was last.
    pub object: Arc<Value>,
    pub gone: bool,
    /// Whose request did it; `None`: a controller or a kubelet.
    pub by: Option<Arc<str>>,
}

/// A request to write something, and what came of it.
#[derive(Clone, Debug)]
pub struct Asked {
    pub by: Arc<str>,
    /// As RBAC names it.
    pub verb: &'static str,
    /// The plural, with `/subresource` where one was meant.
    pub resource: String,
    pub namespace: String,
    pub name: String,
    /// HTTP status of the answer, whether it arrived or not.
    pub code: u16,
    /// Bytes of the request's body.
    pub bytes: usize,
}

/// How much a user has asked for; shells, forwards and logs are not in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Gets, lists and watches.
    pub reads: u64,
    /// Other requests, refused ones too.
    pub writes: u64,
    /// Bytes of the requests' bodies.
    pub bytes: u64,
    /// Requests that no role allows; they are in no other count.
    pub forbidden: u64,
}

#[derive(Debug, Default)]
struct Log {
    tallies: BTreeMap<String, Tally>,
    entries: Vec<Heard>,
    listens: bool,
    /// Whose request is being served at this moment.
    now: Option<Arc<str>>,
}

/// The log of one simulator. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Audit(Arc<Mutex<Log>>);

impl Audit {
    /// What was heard since the last call, in order.
    pub fn take(&self) -> Vec<Heard> {
        std::mem::take(&mut self.lock().entries)
    }

    pub(super) fn tally(&self, user: &str) -> Tally {
        self.lock().tallies.get(user).copied().unwrap_or_default()
    }

    fn count(&self, call: &Call, reads: bool) {
        let mut log = self.lock();
        let tally = match log.tallies.get_mut(&call.user.name) {
            Some(tally) => tally,
            None => log.tallies.entry(call.user.name.clone()).or_default(),
        };
        *(if reads { &mut tally.reads } else { &mut tally.writes }) += 1;
        tally.bytes += call.body.len() as u64;
    }

    pub(super) fn forbade(&self, user: &str) {
        self.lock().tallies.entry(user.to_owned()).or_default().forbidden += 1;
    }

    pub(super) fn listen(&self) {
        self.lock().listens = true;
    }

    fn lock(&self) -> MutexGuard<'_, Log> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does `work`; what it changes is this call's doing. The work must not wait for anything.
    pub(super) fn of<T>(&self, call: &Call, work: impl FnOnce() -> T, code: impl FnOnce(&T) -> u16) -> T {
        let reads = matches!(call.ask.verb, "get" | "list" | "watch");
        self.count(call, reads);
        if reads || !self.lock().listens {
            return work();
        }
        let by: Arc<str> = call.user.name.as_str().into();
        self.lock().now = Some(by.clone());
        let done = work();
        let ask = &call.ask;
        let resource = match ask.subresource.as_str() {
            "" => ask.resource.clone(),
            subresource => format!("{}/{subresource}", ask.resource),
        };
        let asked = Asked {
            by,
            verb: ask.verb,
            resource,
            namespace: ask.namespace.clone(),
            name: ask.name.clone(),
            code: code(&done),
            bytes: call.body.len(),
        };
        let mut log = self.lock();
        log.now = None;
        log.entries.push(Heard::Asked(asked));
        done
    }

    pub(super) fn changed(
        &self,
        kind: &'static str,
        before: impl FnOnce() -> Option<Arc<Value>>,
        object: &Arc<Value>,
        gone: bool,
    ) {
        let mut log = self.lock();
        if log.listens {
            let by = log.now.clone();
            log.entries.push(Heard::Changed(Changed { kind, before: before(), object: object.clone(), gone, by }));
        }
    }
}
