//! Requests below kube's typed API: whole bodies into a buffer that is used again, watches line by line. Every wait ends.

use std::{sync::Arc, time::Duration};

use bytes::{Buf as _, Bytes};
use http_body_util::BodyExt as _;
use kube::client::Body;

use super::{Cluster, ClusterError, Fault, Place, buffer::Buffer, error::web_page};
use crate::index::digest::{self, Status};

/// Until an answer begins. A list of a big fleet is long, but it begins soon.
const BEGINS: Duration = Duration::from_secs(30);
/// Between two pieces of an answer.
const GOES_ON: Duration = Duration::from_secs(20);
/// More than any object's JSON: etcd takes 1.5 MiB.
const LONGEST_LINE: usize = 16 << 20;
pub(super) const JSON: &str = "application/json";
const LONGEST_REFUSAL: usize = 64 << 10;

/// A body that comes in pieces.
pub(super) struct Pieces {
    body: Body,
    place: Arc<Place>,
    what: String,
}

impl Pieces {
    /// The next piece, or `None` at the end; waits at most `patience` for it.
    pub(super) async fn next(&mut self, patience: Duration) -> Result<Option<Bytes>, ClusterError> {
        piece(&mut self.body, &self.place, &self.what, patience).await
    }
}

/// An open watch.
pub(super) struct Lines {
    body: Body,
    place: Arc<Place>,
    what: String,
    buffer: Vec<u8>,
    /// Bytes of `buffer` that were handed out already.
    used: usize,
    /// Bytes after `used` that were searched for a line's end already.
    searched: usize,
}

impl Cluster {
    /// Gets a whole body into `buffer`. `what` names it in errors: `list pods`.
    pub(super) async fn read(&self, path: &str, what: &str, buffer: &mut Buffer) -> Result<(), ClusterError> {
        self.read_within(path, what, buffer, usize::MAX).await
    }

    /// The same, for a body whose length nobody vouches for: a longer one is an error.
    pub(super) async fn read_within(
        &self,
        path: &str,
        what: &str,
        buffer: &mut Buffer,
        most: usize,
    ) -> Result<(), ClusterError> {
        buffer.clear();
        let mut body = self.begin(http::Method::GET, path, what, ("", Vec::new()), false).await?;
        while let Some(piece) = piece(&mut body, &self.place, what, GOES_ON).await? {
            if buffer.len() + piece.len() > most {
                let said = format!("the answer to {what} is longer than {} MiB", most >> 20);
                return Err(ClusterError::new(Fault::Answer, &self.place, said, ""));
            }
            let full = |error| {
                ClusterError::new(Fault::Answer, &self.place, format!("{what}: no room for the answer: {error}"), "")
            };
            buffer.add(&piece).map_err(full)?;
        }
        if let Some(page) = web_page(buffer) {
            return Err(ClusterError::not_kubernetes(&self.place, what, &page));
        }
        Ok(())
    }

    /// Gets a body of no more than `most` bytes; a longer one is cut there.
    pub(super) async fn read_at_most(&self, path: &str, what: &str, most: usize) -> Result<Vec<u8>, ClusterError> {
        let mut body = self.begin(http::Method::GET, path, what, ("", Vec::new()), false).await?;
        let mut buffer = Vec::new();
        while buffer.len() < most
            && let Some(piece) = piece(&mut body, &self.place, what, GOES_ON).await?
        {
            buffer.extend_from_slice(&piece[..piece.len().min(most - buffer.len())]);
        }
        Ok(buffer)
    }

    /// Posts JSON; the answer's body.
    pub(super) async fn post(&self, path: &str, what: &str, json: Vec<u8>) -> Result<Vec<u8>, ClusterError> {
        self.send(http::Method::POST, path, what, (JSON, json)).await
    }

    /// Sends a body of a content type; the answer's body.
    pub(super) async fn send(
        &self,
        method: http::Method,
        path: &str,
        what: &str,
        content: (&'static str, Vec<u8>),
    ) -> Result<Vec<u8>, ClusterError> {
        let mut body = self.begin(method, path, what, content, false).await?;
        let mut buffer = Vec::new();
        while let Some(piece) = piece(&mut body, &self.place, what, GOES_ON).await? {
            buffer.extend_from_slice(&piece);
        }
        Ok(buffer)
    }

    /// Sends, and takes a success at its word: the answer's body is dropped as it comes.
    pub(crate) async fn send_unread(
        &self,
        method: http::Method,
        path: &str,
        what: &str,
        content: (&'static str, Vec<u8>),
    ) -> Result<(), ClusterError> {
        let answer = self.ask(method, path, what, content, false, BEGINS).await?;
        let kind = answer.headers().get(http::header::CONTENT_TYPE).and_then(|v| v.to_str().ok());
        if !kind.is_some_and(|kind| kind.starts_with(JSON)) {
            return Err(ClusterError::not_kubernetes(&self.place, what, "something that is no JSON"));
        }
        Ok(())
    }

    /// Opens a stream of lines.
    pub(super) async fn lines(&self, path: &str, what: &str) -> Result<Lines, ClusterError> {
        let body = self.begin(http::Method::GET, path, what, ("", Vec::new()), true).await?;
        Ok(Lines {
            body,
            place: Arc::clone(&self.place),
            what: what.to_owned(),
            buffer: Vec::new(),
            used: 0,
            searched: 0,
        })
    }

    /// Opens a stream of bytes. A kubelet begins to answer only when there is something to send, so `patience` for the
    /// answer is up to the caller; 30 s without.
    pub(super) async fn pieces(
        &self,
        path: &str,
        what: &str,
        patience: Option<Duration>,
    ) -> Result<Pieces, ClusterError> {
        let answer =
            self.ask(http::Method::GET, path, what, ("", Vec::new()), true, patience.unwrap_or(BEGINS)).await?;
        let kind = answer.headers().get(http::header::CONTENT_TYPE).and_then(|v| v.to_str().ok());
        if kind.is_some_and(|kind| kind.starts_with("text/html")) {
            return Err(ClusterError::not_kubernetes(&self.place, what, "a web page"));
        }
        Ok(Pieces { body: answer.into_body(), place: Arc::clone(&self.place), what: what.to_owned() })
    }

    async fn begin(
        &self,
        method: http::Method,
        path: &str,
        what: &str,
        content: (&'static str, Vec<u8>),
        stream: bool,
    ) -> Result<Body, ClusterError> {
        self.ask(method, path, what, content, stream, BEGINS).await.map(http::Response::into_body)
    }

    async fn ask(
        &self,
        method: http::Method,
        path: &str,
        what: &str,
        (kind, content): (&'static str, Vec<u8>),
        stream: bool,
        patience: Duration,
    ) -> Result<http::Response<Body>, ClusterError> {
        let mut request =
            http::Request::builder().method(method).uri(path).header(http::header::ACCEPT, "application/json");
        if !content.is_empty() {
            request = request.header(http::header::CONTENT_TYPE, kind);
        }
        if stream {
            // Newer servers compress each event as a member of its own, which the layer below would not read on.
            request = request.header(http::header::ACCEPT_ENCODING, "identity");
        }
        let request = request.body(Body::from(content)).map_err(|e| ClusterError::transport(&self.place, what, &e))?;
        let answer = tokio::time::timeout(patience, self.client.send(request));
        let answer = answer.await.map_err(|_| ClusterError::timeout(&self.place, what, patience))?;
        let answer = answer.map_err(|e| ClusterError::kube(&self.place, what, &e))?;
        if answer.status().is_success() {
            return Ok(answer);
        }
        Err(self.refusal(answer, what).await)
    }

    async fn refusal(&self, answer: http::Response<Body>, what: &str) -> ClusterError {
        let code = answer.status().as_u16();
        let header = answer.headers().get(http::header::RETRY_AFTER).and_then(|v| v.to_str().ok());
        let retry_after = header.and_then(|v| v.parse().ok());
        let mut body = answer.into_body();
        let mut buffer = Vec::new();
        // The words are a help, not a need: what came before a break is enough.
        while buffer.len() < LONGEST_REFUSAL
            && let Ok(Some(piece)) = piece(&mut body, &self.place, what, Duration::from_secs(5)).await
        {
            buffer.extend_from_slice(&piece);
        }
        let mut status = match (digest::status(&buffer), web_page(&buffer)) {
            (Some(status), _) => status,
            // 401 is 401, whoever says it; with other codes a page means that we did not get to the API server.
            (None, Some(page)) if code != 401 => {
                let page = format!("{page} and status {code}");
                return ClusterError::not_kubernetes(&self.place, what, &page);
            }
            (None, _) => Status::default(),
        };
        status.code = code;
        if status.message.is_empty() {
            status.message = http::StatusCode::from_u16(code)
                .ok()
                .and_then(|s| s.canonical_reason())
                .unwrap_or("no reason given")
                .to_owned();
        }
        status.retry_after = status.retry_after.or(retry_after);
        ClusterError::status(&self.place, what, &status)
    }
}

async fn piece(
    body: &mut Body,
    place: &Arc<Place>,
    what: &str,
    patience: Duration,
) -> Result<Option<Bytes>, ClusterError> {
    loop {
        let frame = tokio::time::timeout(patience, body.frame()).await;
        let frame = frame.map_err(|_| ClusterError::timeout(place, &format!("the rest of {what}"), patience))?;
        match frame {
            None => return Ok(None),
            Some(Ok(frame)) => match frame.into_data() {
                Ok(data) if data.has_remaining() => return Ok(Some(data)),
                // Trailers, or nothing.
                _ => {}
            },
            Some(Err(e)) => return Err(ClusterError::kube(place, what, &e)),
        }
    }
}

impl Lines {
    /// The next line, or `None` at the stream's end; waits at most `patience` for anything to come.
    pub(super) async fn next(&mut self, patience: Duration) -> Result<Option<&[u8]>, ClusterError> {
        loop {
            let unread = &self.buffer[self.used + self.searched..];
            if let Some(end) = unread.iter().position(|b| *b == b'\n') {
                let from = self.used;
                let to = from + self.searched + end;
                self.used = to + 1;
                self.searched = 0;
                if self.buffer[from..to].iter().all(u8::is_ascii_whitespace) {
                    continue;
                }
                return Ok(Some(&self.buffer[from..to]));
            }
            self.searched = self.buffer.len() - self.used;
            if self.searched > LONGEST_LINE {
                let said = digest::DigestError::Shape { expected: "lines", found: "one without an end".to_owned() };
                return Err(ClusterError::digest(&self.place, &self.what, &[], &said));
            }
            // What is left is moved to the front: the buffer grows to the longest line and no further.
            self.buffer.drain(..self.used);
            self.used = 0;
            match piece(&mut self.body, &self.place, &self.what, patience).await? {
                Some(piece) => self.buffer.extend_from_slice(&piece),
                None if self.buffer.iter().all(u8::is_ascii_whitespace) => return Ok(None),
                None => {
                    let cut = std::mem::take(&mut self.buffer);
                    if let Some(page) = web_page(&cut) {
                        return Err(ClusterError::not_kubernetes(&self.place, &self.what, &page));
                    }
                    let end = std::io::Error::from(std::io::ErrorKind::UnexpectedEof);
                    return Err(ClusterError::transport(&self.place, &self.what, &end));
                }
            }
        }
    }
}

/// Percent-encodes a query's value.
pub(super) fn encode(text: &str) -> String {
    use std::fmt::Write as _;
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => out.push(char::from(byte)),
            // Writing to a String does not fail.
            _ => _ = write!(out, "%{byte:02X}"),
        }
    }
    out
}
