//! Faults that can be switched on while the server runs: what networks, proxies and busy API servers do to clients.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, HttpBody};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http_body::Frame;

use super::answer;
use super::bell::Bell;
use super::rbac::User;
use super::route::Ask;
use super::status::Status;

/// What goes wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// 429 with `Retry-After` in seconds.
    TooManyRequests {
        /// Seconds.
        retry_after: u32,
    },
    /// 503.
    Unavailable,
    /// 403, whatever the roles say.
    Forbidden,
    /// HTTP status 410, as some proxies answer a watch (the API server says it inside the stream).
    Gone,
    /// 200 with a page of HTML.
    Html,
    /// 200 with well-formed JSON that is no answer to the question.
    WrongObject,
    /// The connection breaks after so many bytes of the answer's body.
    CutAfter(usize),
    /// The request is taken and never answered.
    Stall,
    /// The answer stops for ever after so many bytes of its body; the connection stays open.
    StallAfter(usize),
    /// The answer comes late by this much (of tokio's time).
    Slow(Duration),
    /// The request is under way for so long (of tokio's time), and has its effect even where nobody waits for it any more.
    Late(Duration),
}

/// Which requests a fault hits; an empty text or list means any.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Target {
    /// Verbs as RBAC names them: `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`.
    pub verbs: Vec<String>,
    /// The plural, with `/subresource` where one is meant.
    pub resource: String,
    /// Only requests in this namespace.
    pub namespace: String,
    /// Only requests for the object of this name.
    pub name: String,
    /// Only requests of this user.
    pub user: String,
}

impl Target {
    /// All requests with this verb for this resource.
    pub fn of(verb: &str, resource: &str) -> Target {
        Target { verbs: vec![verb.into()], resource: resource.into(), ..Target::default() }
    }

    fn hits(&self, user: &User, ask: &Ask) -> bool {
        let resource = match ask.subresource.as_str() {
            "" => ask.resource.clone(),
            subresource => format!("{}/{subresource}", ask.resource),
        };
        let any = |wanted: &str, got: &str| wanted.is_empty() || wanted == got;
        (self.verbs.is_empty() || self.verbs.iter().any(|v| v == ask.verb))
            && any(&self.resource, &resource)
            && any(&self.namespace, &ask.namespace)
            && any(&self.name, &ask.name)
            && any(&self.user, &user.name)
    }
}

#[derive(Debug)]
struct Armed {
    id: u64,
    target: Target,
    fault: Fault,
    left: Option<u32>,
}

#[derive(Debug, Default)]
struct Board {
    last_id: u64,
    armed: Vec<Armed>,
    hits: u64,
}

/// The switchboard of one simulator. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    board: Arc<Mutex<Board>>,
    cut: Bell,
}

impl Faults {
    /// Switches a fault on, for the next `times` requests that it hits or until it is switched off. The oldest one that
    /// hits wins. Returns the number to switch it off by.
    pub fn arm(&self, target: Target, fault: Fault, times: Option<u32>) -> u64 {
        let mut board = self.lock();
        board.last_id += 1;
        let id = board.last_id;
        board.armed.push(Armed { id, target, fault, left: times });
        id
    }

    /// Switches one fault off.
    pub fn disarm(&self, id: u64) {
        self.lock().armed.retain(|a| a.id != id);
    }

    /// Switches all faults off.
    pub fn clear(&self) {
        self.lock().armed.clear();
    }

    /// How many requests were hit so far.
    pub fn hits(&self) -> u64 {
        self.lock().hits
    }

    /// Breaks all streams (watches, followed logs) that are open now.
    pub fn cut_streams(&self) {
        self.cut.ring();
    }

    fn lock(&self) -> MutexGuard<'_, Board> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn pick(&self, user: &User, ask: &Ask) -> Option<Fault> {
        let mut board = self.lock();
        let at = board.armed.iter().position(|a| a.left != Some(0) && a.target.hits(user, ask))?;
        board.hits += 1;
        let armed = &mut board.armed[at];
        let fault = armed.fault.clone();
        if let Some(left) = &mut armed.left {
            *left -= 1;
            if *left == 0 {
                board.armed.remove(at);
            }
        }
        Some(fault)
    }

    /// Makes a stream breakable by `cut_streams`.
    pub(crate) fn breakable(&self, response: Response) -> Response {
        let mut cut = self.cut.listen();
        let signal = Box::pin(async move {
            // An error means that the simulator is gone, which ends the stream as well.
            let _ = cut.heard().await;
        });
        response.map(|body| {
            Body::new(Faulty { body, left: usize::MAX, then: Then::Break, sent: false, signal: Some(signal) })
        })
    }
}

/// An answer that takes the place of the real one.
pub(crate) fn instead(fault: &Fault, ask: &Ask) -> Option<Response> {
    let status = match fault {
        Fault::TooManyRequests { retry_after } => {
            let mut status = Status::new(429, "TooManyRequests", "Too many requests, please try again later.");
            status.details.get_or_insert_default().retry_after = Some(*retry_after);
            status
        }
        Fault::Unavailable => {
            Status::new(503, "ServiceUnavailable", "the server is currently unable to handle the request")
        }
        Fault::Forbidden => {
            Status::new(403, "Forbidden", format!("{} is forbidden: refused by a fault of the simulator", ask.resource))
        }
        Fault::Gone => Status::expired("The resourceVersion for the provided watch is too old."),
        Fault::Html => {
            let page =
                "<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>\n";
            return Some(answer::response(200, "text/html", Body::from(page)));
        }
        Fault::WrongObject => {
            let wrong =
                serde_json::json!({"kind": "Unexpected", "apiVersion": "v1", "metadata": [], "items": {"a": 1}});
            return Some(answer::json(200, &wrong));
        }
        Fault::CutAfter(_) | Fault::Stall | Fault::StallAfter(_) | Fault::Slow(_) | Fault::Late(_) => return None,
    };
    Some(status.into_response())
}

/// Spoils the body of a real answer.
pub(crate) fn spoil(fault: &Fault, response: Response) -> Response {
    let (left, then) = match fault {
        Fault::CutAfter(bytes) => (*bytes, Then::Break),
        Fault::StallAfter(bytes) => (*bytes, Then::Hang),
        _ => return response,
    };
    response.map(|body| Body::new(Faulty { body, left, then, sent: false, signal: None }))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Then {
    Break,
    Hang,
}

struct Faulty {
    body: Body,
    left: usize,
    then: Then,
    /// Whether the connection had a chance to send what came before the break.
    sent: bool,
    signal: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
}

impl HttpBody for Faulty {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let broken =
            || Poll::Ready(Some(Err(axum::Error::new(std::io::Error::other("cut by a fault of the simulator")))));
        if let Some(signal) = &mut self.signal
            && signal.as_mut().poll(context).is_ready()
        {
            self.signal = None;
            return broken();
        }
        if self.left == 0 {
            return match self.then {
                Then::Break if self.sent => broken(),
                // Once round the loop first, so that what was let through is on its way.
                Then::Break => {
                    self.sent = true;
                    context.waker().wake_by_ref();
                    Poll::Pending
                }
                Then::Hang => Poll::Pending,
            };
        }
        match Pin::new(&mut self.body).poll_frame(context) {
            Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                Ok(mut data) => {
                    data.truncate(self.left);
                    if self.left != usize::MAX {
                        self.left -= data.len();
                    }
                    Poll::Ready(Some(Ok(Frame::data(data))))
                }
                Err(other) => Poll::Ready(Some(Ok(other))),
            },
            other => other,
        }
    }
}
