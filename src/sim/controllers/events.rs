//! Events as client-go's recorder writes them: repeats of one event raise its count, about 25 of one type go through per
//! object and then one in five minutes.

use std::collections::HashMap;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::expiry::KEPT;
use super::objects::Key;
use super::queue::{Queue, after, since, wait_until};
use crate::sim::clock::{micro_stamp, stamp};
use crate::sim::kinds::{EVENT, Kind};
use crate::sim::object::{name_of, namespace_of, text_at, uid_of};
use crate::sim::store::Store;

const BURST: f64 = 25.0;
const REFILL: Duration = Duration::from_secs(300);
/// As client-go's broadcaster: what does not fit is dropped.
const WAITING: usize = 8192;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Type {
    Normal,
    Warning,
}

/// Who speaks.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Source {
    /// `source.component`, and `source.host` for a kubelet.
    Old { component: &'static str, host: String },
    /// The scheduler writes events.k8s.io events: no source, a reporting controller and an action.
    New { action: &'static str },
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Same {
    uid: String,
    field_path: String,
    kind: Type,
    reason: &'static str,
    message: String,
    source: Source,
}

#[derive(Debug, Clone)]
struct Note {
    about: Value,
    namespace: String,
    same: Same,
    at: Timestamp,
}

/// The face of the recorder. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Recorder {
    notes: mpsc::Sender<Note>,
    /// Bulk runs keep no Normal events.
    quiet: bool,
    store: Store,
}

impl Recorder {
    /// Starts the task that writes events.
    pub(crate) fn start(store: Store, quiet: bool) -> Self {
        let (notes, rx) = mpsc::channel(WAITING);
        tokio::spawn(Writer::new(store.clone()).run(rx));
        Self { notes, quiet, store }
    }

    /// Notes an event about an object.
    pub(crate) fn note(
        &self,
        source: Source,
        kind: &'static Kind,
        object: &Value,
        r#type: Type,
        reason: &'static str,
        message: String,
    ) {
        self.note_part(source, kind, object, "", r#type, reason, message);
    }

    /// Notes an event about a part of an object, such as `spec.containers{gateway}`.
    #[expect(clippy::too_many_arguments, reason = "an event has so many parts")]
    pub(crate) fn note_part(
        &self,
        source: Source,
        kind: &'static Kind,
        object: &Value,
        field_path: &str,
        r#type: Type,
        reason: &'static str,
        message: String,
    ) {
        if self.quiet && r#type == Type::Normal {
            return;
        }
        let mut about = json!({
            "kind": kind.kind,
            "apiVersion": kind.api_version(),
            "name": name_of(object),
            "uid": uid_of(object),
            "resourceVersion": text_at(object, &["metadata", "resourceVersion"]),
        });
        if kind.namespaced {
            about["namespace"] = namespace_of(object).into();
        }
        if !field_path.is_empty() {
            about["fieldPath"] = field_path.into();
        }
        let namespace = match namespace_of(object) {
            "" => "default",
            ns => ns,
        };
        // A full channel drops the event, as client-go does: events are best effort.
        let _ = self.notes.try_send(Note {
            namespace: namespace.to_owned(),
            same: Same {
                uid: uid_of(object).to_owned(),
                field_path: field_path.to_owned(),
                kind: r#type,
                reason,
                message,
                source,
            },
            about,
            at: self.store.now(),
        });
    }
}

struct Writer {
    store: Store,
    written: HashMap<Same, (Key, u64)>,
    buckets: HashMap<(String, Type), (f64, Timestamp)>,
    /// When what is known of an event is of no use any more: it has been forgotten itself.
    expiry: Queue<(Key, Box<str>)>,
    expiring: HashMap<Key, Same>,
    serial: u64,
}

impl Writer {
    fn new(store: Store) -> Self {
        Self {
            store,
            written: HashMap::new(),
            buckets: HashMap::new(),
            expiry: Queue::new(),
            expiring: HashMap::new(),
            serial: 0,
        }
    }

    async fn run(mut self, mut notes: mpsc::Receiver<Note>) {
        let store = self.store.clone();
        loop {
            tokio::select! {
                biased;
                note = notes.recv() => match note {
                    Some(note) => self.write(note),
                    None => return,
                },
                () = wait_until(&store, self.expiry.next_due()) => self.expire(),
            }
        }
    }

    fn write(&mut self, note: Note) {
        if !self.passes(&note) {
            return;
        }
        if let Some((key, count)) = self.written.get_mut(&note.same) {
            *count += 1;
            let (count, at) = (*count, note.at);
            let written = self.store.modify(EVENT, &key.0, &key.1, |event| {
                if event["eventTime"].is_null() {
                    event["count"] = count.into();
                    event["lastTimestamp"] = stamp(at).into();
                } else {
                    event["series"] = json!({"count": count, "lastObservedTime": micro_stamp(at)});
                }
            });
            if written.is_ok() {
                let key = key.clone();
                self.expiry.set((key, note.same.uid.as_str().into()), after(at, KEPT));
                return;
            }
            // It has been deleted meanwhile, or its namespace goes: a new one is made, or refused.
            self.written.remove(&note.same);
        }
        self.serial += 1;
        let name =
            format!("{}.{:x}", text_at(&note.about, &["name"]), note.at.as_nanosecond() + i128::from(self.serial));
        let event = body(&name, &note);
        if self.store.create(EVENT, event, component(&note.same.source)).is_ok() {
            let key = (note.namespace.clone(), name);
            self.expiry.set((key.clone(), note.same.uid.as_str().into()), after(note.at, KEPT));
            self.expiring.insert(key.clone(), note.same.clone());
            self.written.insert(note.same, (key, 1));
        }
    }

    /// The spam filter: a bucket per object and type, refilled slowly.
    fn passes(&mut self, note: &Note) -> bool {
        let bucket = self.buckets.entry((note.same.uid.clone(), note.same.kind)).or_insert((BURST, note.at));
        let gained = since(bucket.1, note.at).as_secs_f64() / REFILL.as_secs_f64();
        *bucket = ((bucket.0 + gained).min(BURST), note.at);
        if bucket.0 < 1.0 {
            return false;
        }
        bucket.0 -= 1.0;
        true
    }

    fn expire(&mut self) {
        let now = self.store.now();
        while let Some((key, uid)) = self.expiry.pop(now) {
            if let Some(same) = self.expiring.remove(&key) {
                self.written.remove(&same);
            }
            for kind in [Type::Normal, Type::Warning] {
                let bucket = (uid.to_string(), kind);
                if self.buckets.get(&bucket).is_some_and(|(_, at)| since(*at, now) >= KEPT) {
                    self.buckets.remove(&bucket);
                }
            }
        }
    }
}

fn component(source: &Source) -> &'static str {
    match source {
        Source::Old { component, .. } => component,
        Source::New { .. } => "kube-scheduler",
    }
}

fn body(name: &str, note: &Note) -> Value {
    let mut event = json!({
        "metadata": {"name": name, "namespace": note.namespace},
        "involvedObject": note.about,
        "reason": note.same.reason,
        "message": note.same.message,
        "type": match note.same.kind { Type::Normal => "Normal", Type::Warning => "Warning" },
    });
    match &note.same.source {
        Source::Old { component, host } => {
            event["source"] = json!({"component": component});
            if !host.is_empty() {
                event["source"]["host"] = host.as_str().into();
            }
            event["reportingComponent"] = (*component).into();
            event["reportingInstance"] = host.as_str().into();
            event["firstTimestamp"] = stamp(note.at).into();
            event["lastTimestamp"] = stamp(note.at).into();
            event["count"] = 1.into();
            event["eventTime"] = Value::Null;
        }
        Source::New { action } => {
            event["source"] = json!({});
            event["reportingComponent"] = "default-scheduler".into();
            event["reportingInstance"] = "default-scheduler-sim".into();
            event["action"] = (*action).into();
            event["eventTime"] = micro_stamp(note.at).into();
            event["firstTimestamp"] = Value::Null;
            event["lastTimestamp"] = Value::Null;
        }
    }
    event
}
