//! `pods/log`: a stretch of a container's life, and what it goes on to write.

use std::convert::Infallible;
use std::time::Duration;

use axum::Extension;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::Response;
use bytes::Bytes;
use futures::Stream;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::mpsc;

use super::{container_spec, pick_container, pod, reachable_node};
use crate::sim::Api;
use crate::sim::answer;
use crate::sim::controllers::queue::{after, since};
use crate::sim::logs::{self, Life};
use crate::sim::object::{name_of, namespace_of, text_at, uid_of};
use crate::sim::route::Query;
use crate::sim::scenario::Place;
use crate::sim::status::Status;

/// Bytes gathered before they are sent.
const CHUNK: usize = 64 << 10;
/// Chunks that may wait for a slow reader.
const WAITING: usize = 4;
/// How often a follower looks whether its container still runs.
const LOOK: Duration = Duration::from_secs(1);

/// What a request wants of a log.
struct Wanted {
    follow: bool,
    previous: bool,
    timestamps: bool,
    tail: Option<u64>,
    since: Option<Timestamp>,
    limit: Option<usize>,
}

pub(super) async fn serve(
    State(api): State<Api>,
    Path((namespace, name)): Path<(String, String)>,
    Extension(query): Extension<Query>,
) -> Result<Response, Status> {
    let pod = pod(&api, &namespace, &name)?;
    let container = pick_container(&pod, query.get("container"))?;
    let mut wanted = wanted(&query, api.store.now())?;
    if text_at(&pod, &["spec", "nodeName"]).is_empty() {
        return Ok(answer::response(200, "text/plain", Body::empty()));
    }
    reachable_node(&api, &pod)?;
    let life = life(&api, &pod, &container, wanted.previous)?;
    // So many seconds ago is counted by the node's own clock.
    if query.get("sinceTime").is_empty() {
        wanted.since = wanted.since.map(|at| life.by_node(at));
    }
    let (chunks, body) = mpsc::channel(WAITING);
    let reader = Reader { api, namespace, name, uid: uid_of(&pod).to_owned(), container, chunks };
    tokio::spawn(reader.send(life, wanted));
    Ok(answer::response(200, "text/plain", Body::from_stream(Chunks(body))))
}

fn life(api: &Api, pod: &serde_json::Value, container: &str, previous: bool) -> Result<Life, Status> {
    let image = container_spec(pod, container).map_or("", |c| text_at(c, &["image"]));
    let behaviour = api.ctx.rules.at(&Place {
        namespace: Some(namespace_of(pod)),
        pod: Some(name_of(pod)),
        container: Some(container),
        image: Some(image),
        claim: None,
        node: Some(text_at(pod, &["spec", "nodeName"])),
    });
    logs::life(pod, container, previous, &behaviour, &api.ctx.lives).map_err(Status::bad_request)
}

fn wanted(query: &Query, now: Timestamp) -> Result<Wanted, Status> {
    let number = |key: &str| match query.get(key) {
        "" => Ok(None),
        text => text.parse::<u64>().map(Some).map_err(|_| invalid(key, text, "must be greater than or equal to 0")),
    };
    let seconds = number("sinceSeconds")?;
    let since_time = match query.get("sinceTime") {
        "" => None,
        text => Some(text.parse::<Timestamp>().map_err(|_| invalid("sinceTime", text, "must be an RFC 3339 time"))?),
    };
    if seconds.is_some() && since_time.is_some() {
        return Err(invalid("sinceSeconds", "", "at most one of `sinceTime` or `sinceSeconds` may be specified"));
    }
    let back = |s: u64| {
        now.checked_sub(SignedDuration::from_secs(i64::try_from(s).unwrap_or(i64::MAX))).unwrap_or(Timestamp::MIN)
    };
    Ok(Wanted {
        follow: query.truth("follow"),
        previous: query.truth("previous"),
        timestamps: query.truth("timestamps"),
        tail: number("tailLines")?,
        since: since_time.or(seconds.map(back)),
        limit: number("limitBytes")?.map(|n| usize::try_from(n).unwrap_or(usize::MAX)),
    })
}

fn invalid(field: &str, value: &str, why: &str) -> Status {
    Status::new(422, "Invalid", format!("PodLogOptions \"\" is invalid: {field}: Invalid value: \"{value}\": {why}"))
}

/// Sends a log piece by piece; ends when the client goes.
struct Reader {
    api: Api,
    namespace: String,
    name: String,
    uid: String,
    container: String,
    chunks: mpsc::Sender<Bytes>,
}

impl Reader {
    async fn send(self, mut life: Life, wanted: Wanted) {
        let mut left = wanted.limit.unwrap_or(usize::MAX);
        let lines = life.lines_at(self.api.store.now());
        let mut next = wanted.since.map_or(0, |at| life.first_since(at, lines));
        if let Some(tail) = wanted.tail {
            next = next.max(lines.saturating_sub(tail));
        }
        loop {
            let lines = life.lines_at(self.api.store.now());
            while next < lines && left > 0 {
                let mut chunk = Vec::with_capacity(CHUNK.min(4096));
                while next < lines && chunk.len() < CHUNK {
                    if wanted.timestamps {
                        chunk.extend_from_slice(nanos(life.stamp_of(next)).as_bytes());
                    }
                    chunk.extend_from_slice(life.line(next, lines).as_bytes());
                    chunk.push(b'\n');
                    next += 1;
                }
                chunk.truncate(left);
                left -= chunk.len();
                if self.chunks.send(chunk.into()).await.is_err() {
                    return;
                }
            }
            if !wanted.follow || life.is_over() || left == 0 {
                return;
            }
            self.wait(&life, next).await;
            match self.look_again() {
                Look::Same(now) => life = now,
                // The pod is gone with its container: what that wrote to its end is read all the same.
                Look::Gone => life = life.ended_at(self.api.store.now()),
                Look::Over => return,
            }
        }
    }

    /// Until the next line, or until it is time to look whether the container has ended.
    async fn wait(&self, life: &Life, next: u64) {
        let now = self.api.store.now();
        let until = life.time_of(next).min(after(now, LOOK)).max(after(now, Duration::from_millis(5)));
        tokio::select! {
            biased;
            () = self.api.store.sleep(since(now, until)) => {}
            () = self.chunks.closed() => {}
        }
    }

    /// The same life as it is now.
    fn look_again(&self) -> Look {
        if self.chunks.is_closed() {
            return Look::Over;
        }
        let pod = self.api.store.get(crate::sim::kinds::POD, &self.namespace, &self.name);
        let Some(pod) = pod.filter(|p| uid_of(p) == self.uid) else { return Look::Gone };
        life(&self.api, &pod, &self.container, false).map_or(Look::Over, Look::Same)
    }
}

/// What a follower finds when it looks again.
enum Look {
    Same(Life),
    Gone,
    /// The client is gone, or another life has begun.
    Over,
}

fn nanos(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S.%9fZ ").to_string()
}

struct Chunks(mpsc::Receiver<Bytes>);

impl Stream for Chunks {
    type Item = Result<Bytes, Infallible>;

    fn poll_next(
        mut self: std::pin::Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Self::Item>> {
        self.0.poll_recv(context).map(|chunk| chunk.map(Ok))
    }
}
