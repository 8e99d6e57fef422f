//! Watches: each reads its kind's ring at its own pace, so a slow client costs nobody else anything. The client that
//! falls off the ring's end gets 410 inside the stream and lists again.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use bytes::{BufMut, Bytes, BytesMut};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::answer::{self, Shape};
use super::bell::Ear;
use super::history::{EventType, Past};
use super::kinds::Kind;
use super::list;
use super::object::Stored;
use super::route::Query;
use super::selector::Selector;
use super::status::{Cause, Status};
use super::store::Store;
use super::table;

/// Events taken from the ring in one go, and about how many bytes go out in one piece.
const BATCH: usize = 64;
const PIECE: usize = 256 << 10;
const BOOKMARK_EVERY: Duration = Duration::from_secs(60);
/// What the API server's default of 30 minutes becomes where a client names no timeout.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(1800);

struct Watch {
    store: Store,
    kind: &'static Kind,
    namespace: String,
    selector: Selector,
    shape: Shape,
    position: u64,
    initial: VecDeque<Arc<Stored>>,
    /// The version of the bookmark that ends the initial events, while it is still owed.
    initial_end: Option<u64>,
    bookmarks: bool,
    next_bookmark: Instant,
    deadline: Instant,
    ticks: Ear,
    columns_sent: bool,
    over: bool,
}

/// Starts a watch; refusals come before the stream begins.
pub(crate) fn start(
    store: &Store,
    kind: &'static Kind,
    namespace: &str,
    query: &Query,
    shape: Shape,
) -> Result<Response, Status> {
    let selector = list::selector(kind, query)?;
    let wanted = query.get("resourceVersion");
    let version: u64 = match wanted {
        "" => 0,
        text => text.parse().map_err(|_| {
            let message = format!(
                "resourceVersion: Invalid value: \"{text}\": strconv.ParseUint: parsing \"{text}\": invalid syntax"
            );
            Status::new(500, "", message)
        })?,
    };
    let send_initial = query.truth("sendInitialEvents");
    if send_initial && query.get("resourceVersionMatch") != "NotOlderThan" {
        let cause = Cause::new(
            "FieldValueForbidden",
            "Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan",
            "resourceVersionMatch",
        );
        let message = format!("ListOptions.meta.k8s.io \"\" is invalid: {}: {}", cause.field, cause.message);
        let mut status = Status::new(422, "Invalid", message).with_causes(vec![cause]);
        if let Some(details) = &mut status.details {
            (details.group, details.kind) = ("meta.k8s.io".into(), "ListOptions".into());
        }
        return Err(status);
    }
    let timeout = match query.get("timeoutSeconds") {
        "" | "0" => DEFAULT_TIMEOUT,
        text => Duration::from_secs(
            text.parse()
                .map_err(|_| Status::bad_request(format!("strconv.ParseInt: parsing \"{text}\": invalid syntax")))?,
        ),
    };
    let ticks = store.ticks(kind);
    let now = Instant::now();
    let mut watch = Watch {
        store: store.clone(),
        kind,
        namespace: namespace.to_owned(),
        selector,
        shape,
        position: version,
        initial: VecDeque::new(),
        initial_end: None,
        bookmarks: query.truth("allowWatchBookmarks"),
        next_bookmark: now + BOOKMARK_EVERY,
        deadline: now + timeout,
        ticks,
        columns_sent: false,
        over: false,
    };
    let no_initial = query.get("sendInitialEvents") == "false";
    if send_initial || (version == 0 && !no_initial) {
        let (now, items) = store.stored(kind, Some(namespace).filter(|n| !n.is_empty()));
        watch.initial = items.into_iter().filter(|stored| watch.selector.matches(stored)).collect();
        watch.position = now;
        watch.initial_end = (send_initial && watch.bookmarks).then_some(now);
    } else if version == 0 {
        watch.position = store.version();
    }
    let stream = futures::stream::unfold(watch, |mut watch| async {
        let piece = watch.next().await?;
        Some((Ok::<_, std::convert::Infallible>(piece), watch))
    });
    Ok(answer::response(200, "application/json", Body::from_stream(stream)))
}

impl Watch {
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if self.over {
                return None;
            }
            let piece = self.ready();
            if !piece.is_empty() {
                return Some(piece);
            }
            let wake = if self.bookmarks { self.next_bookmark.min(self.deadline) } else { self.deadline };
            tokio::select! {
                biased;
                heard = self.ticks.heard() => {
                    if !heard {
                        return None;
                    }
                }
                () = tokio::time::sleep_until(wake) => {
                    let now = Instant::now();
                    self.over = now >= self.deadline;
                    if self.bookmarks {
                        self.next_bookmark = now + BOOKMARK_EVERY;
                        return Some(self.bookmark(self.position, false));
                    }
                }
            }
        }
    }

    /// What can be sent now, in one piece.
    fn ready(&mut self) -> Bytes {
        let mut out = BytesMut::new();
        while out.len() < PIECE {
            let Some(stored) = self.initial.pop_front() else { break };
            self.event(&mut out, "ADDED", &stored);
        }
        if !self.initial.is_empty() {
            return out.freeze();
        }
        if let Some(version) = self.initial_end.take() {
            out.put(self.bookmark(version, true));
        }
        while out.len() < PIECE {
            self.ticks.forget();
            let (now, events) = self.store.after(self.kind, self.position, BATCH);
            let Some(events) = events else {
                let message = format!("too old resource version: {} ({now})", self.position);
                put_line(&mut out, "ERROR", Status::expired(message).to_json().to_string().as_bytes());
                self.over = true;
                return out.freeze();
            };
            let full = events.len() == BATCH;
            for past in &events {
                self.past(&mut out, past);
                self.position = past.object.version;
            }
            if !full {
                // Nothing of this kind between here and now: bookmarks may say so.
                self.position = self.position.max(now);
                break;
            }
        }
        out.freeze()
    }

    /// Writes what an event means to this watch: an object that leaves the selection is deleted as far as it can see.
    fn past(&mut self, out: &mut BytesMut, past: &Past) {
        if !self.namespace.is_empty() && *past.object.namespace != *self.namespace {
            return;
        }
        let is_in = self.selector.matches(&past.object);
        let was_in = past.before.as_ref().is_some_and(|before| self.selector.matches(before));
        match (past.event, was_in, is_in) {
            (EventType::Deleted, true, _) => self.event(out, "DELETED", &past.object),
            (EventType::Deleted, false, _) | (_, false, false) => {}
            (_, true, true) => self.event(out, "MODIFIED", &past.object),
            (_, false, true) => self.event(out, "ADDED", &past.object),
            (_, true, false) => {
                let Some(before) = &past.before else { return };
                let mut last = (*before.value()).clone();
                last["metadata"]["resourceVersion"] = past.object.version.to_string().into();
                let last = Stored::new(self.kind, past.object.version, &Arc::new(last));
                self.event(out, "DELETED", &last);
            }
        }
    }

    fn event(&mut self, out: &mut BytesMut, event: &str, stored: &Stored) {
        match self.shape {
            Shape::Whole => put_line(out, event, &stored.bytes()),
            Shape::Metadata => put_line(out, event, answer::metadata_only(&stored.value()).to_string().as_bytes()),
            Shape::Table(include) => {
                let mut table = table::of(self.kind, &[stored.value()], include, !self.columns_sent, self.store.now());
                table["metadata"] = json!({"resourceVersion": stored.version.to_string()});
                self.columns_sent = true;
                put_line(out, event, table.to_string().as_bytes());
            }
        }
    }

    fn bookmark(&self, version: u64, ends_initial: bool) -> Bytes {
        let mut meta = json!({"resourceVersion": version.to_string()});
        if ends_initial {
            meta["annotations"] = json!({"k8s.io/initial-events-end": "true"});
        }
        let object: Value = match self.shape {
            Shape::Whole => json!({"kind": self.kind.kind, "apiVersion": self.kind.api_version(), "metadata": meta}),
            Shape::Metadata => {
                json!({"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": meta})
            }
            Shape::Table(_) => json!({
                "kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": {"resourceVersion": version.to_string()},
                "columnDefinitions": null, "rows": null,
            }),
        };
        let mut out = BytesMut::new();
        put_line(&mut out, "BOOKMARK", object.to_string().as_bytes());
        out.freeze()
    }
}

fn put_line(out: &mut BytesMut, event: &str, object: &[u8]) {
    out.reserve(object.len() + 40);
    out.put_slice(b"{\"type\":\"");
    out.put_slice(event.as_bytes());
    out.put_slice(b"\",\"object\":");
    out.put_slice(object);
    out.put_slice(b"}\n");
}
