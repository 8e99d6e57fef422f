//! `pods/portforward`, and a small HTTP server behind each port. Clients speak either of two protocols over a WebSocket:
//! a pair of channels per port, or (kubectl) SPDY streams in a tunnel.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Extension;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Path, State};
use axum::response::Response;
use serde_json::Value;

use super::channel::{Channels, Incoming};
use super::http::{listener, serve as serve_http};
use super::spdy::{Decoder, Encoder, Frame};
use super::{pod, reachable_node};
use crate::sim::Api;
use crate::sim::kinds::POD;
use crate::sim::object::uid_of;
use crate::sim::route::Query;
use crate::sim::status::Status;

/// A request's head and body must fit into this.
const BUFFER: usize = 1 << 20;
const TUNNEL: &str = "SPDY/3.1+portforward.k8s.io";
/// Streams that one tunnel may have open at a time.
const STREAMS: usize = 1000;

pub(super) async fn serve(
    State(api): State<Api>,
    Path((namespace, name)): Path<(String, String)>,
    Extension(query): Extension<Query>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Status> {
    let pod = pod(&api, &namespace, &name)?;
    reachable_node(&api, &pod)?;
    let ports: Vec<u16> = query
        .all("ports")
        .flat_map(|v| v.split(','))
        .map(|p| match p.parse() {
            Ok(number) if number > 0 => Ok(number),
            _ => Err(Status::bad_request(format!("unable to parse \"{p}\" as a port"))),
        })
        .collect::<Result<_, _>>()?;
    let upgrade = upgrade
        .map_err(|_| Status::bad_request("unable to upgrade: this server forwards ports over a WebSocket only"))?
        .protocols([TUNNEL, "v5.channel.k8s.io", "v4.channel.k8s.io"]);
    let target = Target { api, namespace, name, uid: uid_of(&pod).to_owned() };
    // The tunnel names its ports stream by stream, the channels need them now.
    let tunnel = upgrade.selected_protocol().is_some_and(|p| p == TUNNEL);
    if !tunnel && (ports.is_empty() || ports.len() > 100) {
        return Err(Status::bad_request("query parameter \"ports\" is required"));
    }
    Ok(upgrade.on_upgrade(async move |socket| {
        if tunnel {
            target.tunnel(socket).await;
        } else {
            target.channels(Channels::new(socket), ports).await;
        }
    }))
}

/// The pod whose ports are forwarded.
struct Target {
    api: Api,
    namespace: String,
    name: String,
    uid: String,
}

impl Target {
    /// The pod as it is now, if it is still the one that was asked for.
    fn pod(&self) -> Option<Arc<Value>> {
        self.api.store.get(POD, &self.namespace, &self.name).filter(|p| uid_of(p) == self.uid)
    }

    /// What a port answers to these bytes, and whether it hangs up then; an error as containerd words it.
    fn answer(&self, port: u16, buffer: &mut Vec<u8>, bytes: &[u8]) -> Result<(Vec<u8>, bool), String> {
        let failed = |why: &str| format!("error forwarding port {port} to pod {}, uid : {why}", self.uid);
        let Some(pod) = self.pod() else {
            return Err(failed("network namespace for sandbox is closed"));
        };
        let Some(container) = listener(&pod, port) else {
            let dial = format!("dial tcp4 127.0.0.1:{port}: connect: connection refused");
            let why = format!("failed to connect to localhost:{port} inside namespace, IPv4: {dial}");
            return Err(failed(&why));
        };
        if buffer.len() + bytes.len() > BUFFER {
            return Err(failed("the request is too large"));
        }
        buffer.extend_from_slice(bytes);
        Ok(serve_http(&self.api, &pod, container, port, buffer))
    }

    /// A data and an error channel per port.
    async fn channels(self, mut channels: Channels, ports: Vec<u16>) {
        let mut buffers = vec![vec![]; ports.len()];
        for (i, port) in ports.iter().enumerate() {
            for channel in [2 * i, 2 * i + 1] {
                let Ok(channel) = u8::try_from(channel) else { return };
                if !channels.send(channel, &port.to_le_bytes()).await {
                    return;
                }
            }
        }
        while let Some(incoming) = channels.next().await {
            let Incoming::Data(channel, bytes) = incoming else { continue };
            let at = usize::from(channel / 2);
            if channel % 2 == 1 || at >= ports.len() || bytes.is_empty() {
                continue;
            }
            match self.answer(ports[at], &mut buffers[at], &bytes) {
                Ok((answer, close)) => {
                    if !channels.send(channel, &answer).await || close {
                        break;
                    }
                }
                Err(error) => {
                    channels.send(channel + 1, error.as_bytes()).await;
                    break;
                }
            }
        }
        channels.close().await;
    }

    /// SPDY streams: for each connection that the client accepted one for errors and one for data.
    async fn tunnel(self, mut socket: WebSocket) {
        let mut tunnel =
            Tunnel { target: self, decoder: Decoder::new(), encoder: Encoder::default(), streams: HashMap::new() };
        while let Some(Ok(message)) = socket.recv().await {
            let bytes = match message {
                Message::Binary(bytes) => bytes,
                Message::Close(_) => return,
                _ => continue,
            };
            let Ok(answer) = tunnel.feed(&bytes) else {
                tracing::debug!("a port-forward sent broken SPDY frames");
                return;
            };
            if !answer.is_empty() && socket.send(Message::Binary(answer.into())).await.is_err() {
                return;
            }
        }
    }
}

/// One stream of a tunnel.
struct Stream {
    port: u16,
    /// Which connection of the client it belongs to.
    request: String,
    is_data: bool,
    buffer: Vec<u8>,
}

struct Tunnel {
    target: Target,
    decoder: Decoder,
    encoder: Encoder,
    streams: HashMap<u32, Stream>,
}

impl Tunnel {
    /// The bytes to send back for the bytes that came.
    fn feed(&mut self, bytes: &[u8]) -> Result<Vec<u8>, String> {
        let mut out = vec![];
        for frame in self.decoder.feed(bytes)? {
            match frame {
                Frame::Open { stream, headers } => out.extend(self.open(stream, &headers)?),
                Frame::Ping(id) => out.extend(self.encoder.pong(id)),
                Frame::Reset(stream) => drop(self.streams.remove(&stream)),
                Frame::Data { stream, bytes, fin } => out.extend(self.data(stream, &bytes, fin)),
            }
        }
        Ok(out)
    }

    fn open(&mut self, id: u32, headers: &std::collections::BTreeMap<String, String>) -> Result<Vec<u8>, String> {
        let header = |name: &str| headers.get(name).map_or("", String::as_str);
        let port = header("port").parse().map_err(|_| format!("`{}` is no port", header("port")))?;
        if self.streams.len() >= STREAMS {
            return Err("too many streams".into());
        }
        let (request, is_data) = (header("requestid").to_owned(), header("streamtype") == "data");
        self.streams.insert(id, Stream { port, request, is_data, buffer: vec![] });
        Ok(self.encoder.accept(id))
    }

    fn data(&mut self, id: u32, bytes: &[u8], fin: bool) -> Vec<u8> {
        let Some(stream) = self.streams.get_mut(&id).filter(|s| s.is_data) else { return vec![] };
        let mut out = vec![];
        let mut over = fin;
        let mut error = String::new();
        if !bytes.is_empty() {
            match self.target.answer(stream.port, &mut stream.buffer, bytes) {
                Ok((answer, close)) => {
                    if !answer.is_empty() {
                        out.extend(self.encoder.data(id, &answer, false));
                    }
                    over |= close;
                }
                Err(why) => {
                    over = true;
                    error = why;
                }
            }
        }
        if over {
            out.extend(self.end(id, &error));
        }
        out
    }

    /// Ends both streams of a connection, with what went wrong.
    fn end(&mut self, id: u32, error: &str) -> Vec<u8> {
        let mut out = vec![];
        let Some(data) = self.streams.remove(&id) else { return out };
        let of_errors = |s: &Stream| !s.is_data && s.request == data.request && s.port == data.port;
        if let Some(other) = self.streams.iter().find(|(_, s)| of_errors(s)).map(|(id, _)| *id) {
            self.streams.remove(&other);
            out.extend(self.encoder.data(other, error.as_bytes(), true));
        }
        out.extend(self.encoder.data(id, &[], true));
        out
    }
}
