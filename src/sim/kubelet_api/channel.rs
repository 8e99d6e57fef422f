//! Kubernetes' streams over one WebSocket: the first byte of a message names the channel.

use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket, WebSocketUpgrade, close_code};
use bytes::Bytes;

/// Closes a channel, in v5: the second byte says which.
const CLOSE: u8 = 255;
/// Bytes of one message; more are sent in several.
const PIECE: usize = 32 << 10;

/// The protocols, the best first.
pub(super) fn negotiate(upgrade: WebSocketUpgrade) -> WebSocketUpgrade {
    upgrade.protocols(["v5.channel.k8s.io", "v4.channel.k8s.io"])
}

pub(super) enum Incoming {
    Data(u8, Bytes),
    /// The client will send nothing more on this channel.
    Closed(u8),
}

pub(super) struct Channels(WebSocket);

impl Channels {
    pub(super) fn new(socket: WebSocket) -> Self {
        Self(socket)
    }

    /// What comes next; none when the client is gone.
    pub(super) async fn next(&mut self) -> Option<Incoming> {
        loop {
            match self.0.recv().await?.ok()? {
                Message::Binary(bytes) if !bytes.is_empty() => {
                    let channel = bytes[0];
                    if channel == CLOSE {
                        return Some(Incoming::Closed(bytes.get(1).copied().unwrap_or(0)));
                    }
                    return Some(Incoming::Data(channel, bytes.slice(1..)));
                }
                Message::Text(text) if !text.is_empty() => {
                    let bytes = Bytes::from(text);
                    return Some(Incoming::Data(bytes[0], bytes.slice(1..)));
                }
                Message::Close(_) => return None,
                _ => {}
            }
        }
    }

    /// Sends bytes on a channel; false when the client is gone.
    pub(super) async fn send(&mut self, channel: u8, bytes: &[u8]) -> bool {
        for piece in bytes.chunks(PIECE) {
            let mut message = Vec::with_capacity(piece.len() + 1);
            message.push(channel);
            message.extend_from_slice(piece);
            if self.0.send(Message::Binary(message.into())).await.is_err() {
                return false;
            }
        }
        true
    }

    /// Says goodbye.
    pub(super) async fn close(mut self) {
        // A client that has gone already needs no goodbye.
        let normal = CloseFrame { code: close_code::NORMAL, reason: Utf8Bytes::default() };
        let _ = self.0.send(Message::Close(Some(normal))).await;
    }
}
