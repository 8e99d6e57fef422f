//! HTTP/1.1 to one port of a pod, over as few port-forwards as the server allows.

use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use k8s_openapi::api::core::v1::Pod;
use kube::{Api, api::Portforwarder};
use tokio::{task::JoinSet, time::timeout};

use super::{
    super::{Cluster, ClusterError, Fault},
    Asked,
};
use crate::fleet::probe::{Answer, Heard};

/// Until a port-forward is open; it goes through the API server to a kubelet.
const OPENS: Duration = Duration::from_secs(8);
/// From a request to the end of its answer.
const ANSWERS: Duration = Duration::from_secs(5);
/// How long the reason of a broken connection may be behind it.
const REASON: Duration = Duration::from_millis(500);
/// An answer to any of our questions is shorter.
const LONGEST: usize = 64 << 10;

pub(super) struct Line<'a> {
    cluster: &'a Cluster,
    asked: &'a Asked,
    port: u16,
    open: Option<Open>,
}

/// How a request ended without an answer.
enum Broke {
    Connection(String),
    /// By the kubelet's word.
    Port(String),
}

/// One forwarded connection. Dropping it ends it.
struct Open {
    forward: Portforwarder,
    sender: SendRequest<Full<Bytes>>,
    /// Resolves if the kubelet says that the port cannot be used.
    error: BoxFuture<'static, String>,
    _connection: JoinSet<()>,
}

impl Drop for Open {
    fn drop(&mut self) {
        self.forward.abort();
    }
}

impl<'a> Line<'a> {
    pub(super) fn new(cluster: &'a Cluster, asked: &'a Asked, port: u16) -> Self {
        Self { cluster, asked, port, open: None }
    }

    pub(super) async fn get(&mut self, path: &str) -> Heard {
        self.ask(http::Request::get(path), Bytes::new()).await
    }

    pub(super) async fn post(&mut self, path: &str, json: String) -> Heard {
        let request = http::Request::post(path).header(http::header::CONTENT_TYPE, "application/json");
        self.ask(request, Bytes::from(json)).await
    }

    async fn ask(&mut self, request: http::request::Builder, body: Bytes) -> Heard {
        let mut kept = self.open.take();
        // A server that keeps its connections is asked the next question on the same one.
        if let Some(open) = &mut kept
            && !timeout(REASON, open.sender.ready()).await.is_ok_and(|ready| ready.is_ok())
        {
            kept = None;
        }
        let mut open = match kept {
            Some(open) => open,
            None => match timeout(OPENS, connect(self.cluster, self.asked, self.port)).await {
                Ok(Ok(open)) => open,
                Ok(Err(heard)) => return heard,
                Err(_) => return unasked("the port-forward did not open in time", false),
            },
        };
        let request = request
            // Chrome answers to addresses and this name only.
            .header(http::header::HOST, format!("localhost:{}", self.port))
            .header(http::header::USER_AGENT, concat!("fleetdeck/", env!("CARGO_PKG_VERSION")))
            .header(http::header::ACCEPT, "application/json, */*;q=0.1")
            .body(Full::new(body));
        let Ok(request) = request else { return unasked("the request could not be formed", false) };
        let answered = timeout(ANSWERS, async {
            tokio::select! {
                biased;
                answer = answer(&mut open.sender, request) => answer.map_err(Broke::Connection),
                why = &mut open.error => Err(Broke::Port(why)),
            }
        });
        match answered.await {
            Err(_) => Heard::Silent,
            Ok(Ok(answer)) => {
                self.open = (!answer.cut).then_some(open);
                Heard::Answer(answer)
            }
            // The connection broke; the kubelet may say why a moment later.
            Ok(Err(Broke::Connection(broke))) => match timeout(REASON, &mut open.error).await {
                Ok(why) => told(&why),
                Err(_) => Heard::Broken(broke),
            },
            Ok(Err(Broke::Port(why))) => told(&why),
        }
    }
}

async fn connect(cluster: &Cluster, asked: &Asked, port: u16) -> Result<Open, Heard> {
    let api: Api<Pod> = Api::namespaced(cluster.client.clone(), &asked.namespace);
    let mut forward = api.portforward(&asked.pod, &[port]).await.map_err(|e| {
        let error = ClusterError::kube(&cluster.place, "forward ports of pods", &e);
        unasked(&error.said, error.fault == Fault::Forbidden)
    })?;
    let (Some(stream), Some(error)) = (forward.take_stream(port), forward.take_error(port)) else {
        return Err(unasked("the port-forward has no such port", false));
    };
    let (sender, connection) = match http1::handshake(TokioIo::new(stream)).await {
        Ok(halves) => halves,
        Err(e) => return Err(Heard::Broken(e.to_string())),
    };
    let mut task = JoinSet::new();
    task.spawn(async {
        // Its end shows in the request that was under way.
        _ = connection.await;
    });
    // Where the forward ends without such a word, the connection's own end tells it.
    let error = Box::pin(async move {
        match error.await {
            Some(why) => why,
            None => std::future::pending().await,
        }
    });
    Ok(Open { forward, sender, error, _connection: task })
}

fn unasked(why: &str, forbidden: bool) -> Heard {
    Heard::Unasked { why: why.to_owned(), forbidden }
}

/// The kubelet's words about a port.
fn told(why: &str) -> Heard {
    if why.contains("connection refused") { Heard::Refused } else { Heard::Broken(why.to_owned()) }
}

async fn answer(sender: &mut SendRequest<Full<Bytes>>, request: http::Request<Full<Bytes>>) -> Result<Answer, String> {
    let answer = sender.send_request(request).await.map_err(|e| e.to_string())?;
    let kind = answer.headers().get(http::header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let mut heard = Answer { status: answer.status().as_u16(), kind: kind.to_owned(), ..Answer::default() };
    let mut body = answer.into_body();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|e| e.to_string())?;
        let Ok(data) = frame.into_data() else { continue };
        if heard.body.len() + data.len() > LONGEST {
            heard.cut = true;
            break;
        }
        heard.body.extend_from_slice(&data);
    }
    Ok(heard)
}
