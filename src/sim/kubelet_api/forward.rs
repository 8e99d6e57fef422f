//! `pods/portforward`: a pair of channels per port, and a small HTTP server behind each.

use std::sync::Arc;

use axum::Extension;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::{Path, State};
use axum::response::Response;
use serde_json::Value;

use super::channel::{Channels, Incoming, negotiate};
use super::http::{listener, serve as serve_http};
use super::{pod, reachable_node};
use crate::sim::Api;
use crate::sim::kinds::POD;
use crate::sim::object::uid_of;
use crate::sim::route::Query;
use crate::sim::status::Status;

/// A request's head and body must fit into this.
const BUFFER: usize = 1 << 20;

struct Port {
    number: u16,
    buffer: Vec<u8>,
}

pub(super) async fn serve(
    State(api): State<Api>,
    Path((namespace, name)): Path<(String, String)>,
    Extension(query): Extension<Query>,
    upgrade: Result<WebSocketUpgrade, axum::extract::ws::rejection::WebSocketUpgradeRejection>,
) -> Result<Response, Status> {
    let pod = pod(&api, &namespace, &name)?;
    reachable_node(&api, &pod)?;
    let ports: Vec<Port> = query
        .all("ports")
        .flat_map(|v| v.split(','))
        .map(|p| match p.parse() {
            Ok(number) if number > 0 => Ok(Port { number, buffer: vec![] }),
            _ => Err(Status::bad_request(format!("unable to parse \"{p}\" as a port"))),
        })
        .collect::<Result<_, _>>()?;
    if ports.is_empty() || ports.len() > 100 {
        return Err(Status::bad_request("query parameter \"ports\" is required"));
    }
    let upgrade = upgrade
        .map_err(|_| Status::bad_request("unable to upgrade: this server forwards ports over a WebSocket only"))?;
    let session = Session { api, namespace, name, uid: uid_of(&pod).to_owned(), ports };
    Ok(negotiate(upgrade).on_upgrade(|socket| session.run(Channels::new(socket))))
}

struct Session {
    api: Api,
    namespace: String,
    name: String,
    uid: String,
    ports: Vec<Port>,
}

impl Session {
    async fn run(mut self, mut channels: Channels) {
        for (i, port) in self.ports.iter().enumerate() {
            for channel in [2 * i, 2 * i + 1] {
                let Ok(channel) = u8::try_from(channel) else { return };
                if !channels.send(channel, &port.number.to_le_bytes()).await {
                    return;
                }
            }
        }
        while let Some(incoming) = channels.next().await {
            let Incoming::Data(channel, bytes) = incoming else { continue };
            let at = usize::from(channel / 2);
            if channel % 2 == 1 || at >= self.ports.len() || bytes.is_empty() {
                continue;
            }
            match self.answer(at, &bytes) {
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

    /// The pod as it is now, if it is still the one that was asked for.
    fn pod(&self) -> Option<Arc<Value>> {
        self.api.store.get(POD, &self.namespace, &self.name).filter(|p| uid_of(p) == self.uid)
    }

    fn answer(&mut self, at: usize, bytes: &[u8]) -> Result<(Vec<u8>, bool), String> {
        let number = self.ports[at].number;
        let Some(pod) = self.pod() else {
            return Err(format!(
                "error forwarding port {number} to pod {}: network namespace for sandbox is closed",
                self.uid
            ));
        };
        let Some(container) = listener(&pod, number) else {
            return Err(format!(
                "error forwarding port {number} to pod {}, uid : failed to connect to localhost:{number} inside namespace, IPv4: dial tcp4 127.0.0.1:{number}: connect: connection refused",
                self.uid
            ));
        };
        let port = &mut self.ports[at];
        if port.buffer.len() + bytes.len() > BUFFER {
            return Err(format!("error forwarding port {number}: the request is too large"));
        }
        port.buffer.extend_from_slice(bytes);
        Ok(serve_http(&self.api, &pod, container, number, &mut port.buffer))
    }
}
