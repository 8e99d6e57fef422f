//! A server that answers what a test's script says, byte for byte: over TCP for the program, over a pipe for the library.

use std::{
    io,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll},
};

use futures::future::BoxFuture;
use hyper_util::{client::legacy::connect, rt::TokioIo};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream},
    net::TcpListener,
    sync::mpsc,
};

/// What to do about a request.
pub(crate) enum Reply {
    /// A whole answer: status and JSON body.
    Json(u16, String),
    /// Exactly these bytes, then the connection is closed.
    Raw(String),
    /// A stream: each text a piece of the body as it comes; it ends when the sender is dropped.
    Stream(mpsc::Receiver<String>),
    /// A stream that is cut off after these pieces.
    Cut(Vec<String>),
    /// Nothing, for ever.
    Hang,
    /// The connection is closed without a word.
    Close,
}

type Script = dyn Fn(&str) -> Reply + Send + Sync;

#[derive(Clone)]
pub(crate) struct Server {
    script: Arc<Script>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// The script gets the request's path with its query.
    pub(crate) fn new(script: impl Fn(&str) -> Reply + Send + Sync + 'static) -> Self {
        Self { script: Arc::new(script), asked: Arc::default() }
    }

    /// The paths asked for so far.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }

    /// Serves on a port of this machine, from a thread of its own; its address.
    pub(crate) fn listen(&self) -> String {
        let server = self.clone();
        let (tell, told) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async move {
                let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
                tell.send(listener.local_addr().unwrap()).unwrap();
                loop {
                    let (io, _) = listener.accept().await.unwrap();
                    tokio::spawn(server.clone().serve(io));
                }
            });
        });
        told.recv().unwrap().to_string()
    }

    /// As the transport of a [`fleetdeck::cluster::Cluster`] in this process.
    pub(crate) fn connector(&self) -> Connector {
        Connector(self.clone())
    }

    async fn serve(self, mut io: impl AsyncRead + AsyncWrite + Unpin) {
        // A client that goes away in the middle is the client's business.
        _ = self.answer(&mut io).await;
    }

    async fn answer(&self, io: &mut (impl AsyncRead + AsyncWrite + Unpin)) -> io::Result<()> {
        let mut head = Vec::new();
        loop {
            head.clear();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(io.read_u8().await?);
            }
            let text = String::from_utf8_lossy(&head).into_owned();
            let path = text.split(' ').nth(1).unwrap_or_default().to_owned();
            self.asked.lock().unwrap().push(path.clone());
            match (self.script)(&path) {
                Reply::Json(code, body) => {
                    let head = format!(
                        "HTTP/1.1 {code} X\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
                        body.len()
                    );
                    io.write_all(head.as_bytes()).await?;
                    io.write_all(body.as_bytes()).await?;
                }
                Reply::Raw(bytes) => {
                    io.write_all(bytes.as_bytes()).await?;
                    return io.shutdown().await;
                }
                Reply::Stream(mut pieces) => {
                    begin(io).await?;
                    while let Some(text) = pieces.recv().await {
                        piece(io, &text).await?;
                    }
                    io.write_all(b"0\r\n\r\n").await?;
                }
                Reply::Cut(pieces) => {
                    begin(io).await?;
                    for text in pieces {
                        piece(io, &text).await?;
                    }
                    return Ok(());
                }
                Reply::Hang => std::future::pending().await,
                Reply::Close => return Ok(()),
            }
        }
    }
}

async fn begin(io: &mut (impl AsyncWrite + Unpin)) -> io::Result<()> {
    io.write_all(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n").await
}

async fn piece(io: &mut (impl AsyncWrite + Unpin), text: &str) -> io::Result<()> {
    io.write_all(format!("{:x}\r\n{text}\r\n", text.len()).as_bytes()).await?;
    io.flush().await
}

#[derive(Clone)]
pub(crate) struct Connector(Server);

pub(crate) struct Pipe(TokioIo<DuplexStream>);

impl tower::Service<http::Uri> for Connector {
    type Response = Pipe;
    type Error = io::Error;
    type Future = BoxFuture<'static, io::Result<Pipe>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: http::Uri) -> Self::Future {
        let (ours, theirs) = tokio::io::duplex(64 << 10);
        tokio::spawn(self.0.clone().serve(theirs));
        Box::pin(async { Ok(Pipe(TokioIo::new(ours))) })
    }
}

impl connect::Connection for Pipe {
    fn connected(&self) -> connect::Connected {
        connect::Connected::new()
    }
}

impl hyper::rt::Read for Pipe {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: hyper::rt::ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buffer)
    }
}

impl hyper::rt::Write for Pipe {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

/// Kubernetes JSON.
pub(crate) mod json {
    /// The last part of a path: the resource.
    pub(crate) fn resource(path: &str) -> &str {
        path.split('?').next().unwrap_or_default().rsplit('/').next().unwrap_or_default()
    }

    pub(crate) fn is_watch(path: &str) -> bool {
        path.contains("watch=true")
    }

    pub(crate) fn list(items: &[String], version: &str, next: &str) -> String {
        let items = items.join(",");
        format!(
            r#"{{"kind":"XList","apiVersion":"v1","metadata":{{"resourceVersion":"{version}","continue":"{next}"}},"items":[{items}]}}"#
        )
    }

    pub(crate) fn uid(n: u32) -> String {
        format!("00000000-0000-4000-8000-{n:012}")
    }

    /// A running, ready pod of tenant `t<n>`; `rest` is more of its status.
    pub(crate) fn pod(n: u32, version: u32, ready: bool) -> String {
        format!(
            r#"{{"metadata":{{"name":"openclaw-0","namespace":"tenant-t{n}","uid":"{}","resourceVersion":"{version}","creationTimestamp":"2026-11-24T19:00:00Z","labels":{{"openclaw.ai/tenant":"t{n}","openclaw.ai/tier":"pro"}},"ownerReferences":[{{"kind":"StatefulSet","name":"openclaw","controller":true}}]}},"spec":{{"nodeName":"node-1","containers":[{{"name":"gateway","image":"openclaw:2026.8.2"}}]}},"status":{{"phase":"Running","podIP":"10.0.0.{n}","conditions":[{{"type":"Ready","status":"{}","lastTransitionTime":"2026-11-24T19:01:00Z"}}],"containerStatuses":[{{"name":"gateway","ready":{ready},"started":true,"restartCount":0,"state":{{"running":{{"startedAt":"2026-11-24T19:00:30Z"}}}}}}]}}}}"#,
            uid(n),
            if ready { "True" } else { "False" },
        )
    }

    pub(crate) fn event(verb: &str, object: &str) -> String {
        format!("{{\"type\":\"{verb}\",\"object\":{object}}}\n")
    }

    pub(crate) fn bookmark(version: u32) -> String {
        event("BOOKMARK", &format!(r#"{{"kind":"Pod","metadata":{{"resourceVersion":"{version}"}}}}"#))
    }

    pub(crate) fn status(code: u16, reason: &str, message: &str) -> String {
        format!(r#"{{"kind":"Status","status":"Failure","code":{code},"reason":"{reason}","message":"{message}"}}"#)
    }
}
