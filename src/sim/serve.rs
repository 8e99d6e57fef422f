//! How clients reach the simulator: over TCP, or over a pipe inside this process.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::{Router, extract::Request, middleware};
use http::{HeaderValue, Uri, header::AUTHORIZATION};
use hyper::server::conn::http1;
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream};
use tokio::net::TcpListener;

use super::{Api, dispatch, gate, kubelet_api, rbac};

/// Bytes that a pipe holds in each direction.
const PIPE: usize = 256 << 10;

pub(crate) fn router(api: Api) -> Router {
    kubelet_api::routes()
        .fallback(dispatch::dispatch)
        .layer(middleware::from_fn_with_state(api.clone(), gate::gate))
        .with_state(api)
}

/// The admin under another name.
pub(crate) fn acting_as(router: Router, user: &str) -> Router {
    let name = HeaderValue::from_str(user).unwrap_or(HeaderValue::from_static(""));
    router.layer(middleware::map_request(move |mut request: Request| {
        let headers = request.headers_mut();
        headers.insert("impersonate-user", name.clone());
        headers.insert("impersonate-group", HeaderValue::from_static("system:masters"));
        std::future::ready(request)
    }))
}

/// A user with the rights that its roles give.
pub(crate) fn signed_in_as(router: Router, user: &str) -> Router {
    let token = format!("Bearer {}", rbac::token(Some(user)));
    let token = HeaderValue::from_str(&token).unwrap_or(HeaderValue::from_static(""));
    router.layer(middleware::map_request(move |mut request: Request| {
        request.headers_mut().insert(AUTHORIZATION, token.clone());
        std::future::ready(request)
    }))
}

/// Serves until the future is dropped; a connection that fails costs only itself.
pub(crate) async fn serve(router: Router, listener: TcpListener) -> io::Result<()> {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                // A client that cannot be told so quickly is served all the same.
                let _ = stream.set_nodelay(true);
                tokio::spawn(connection(router.clone(), stream));
            }
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
            Err(error) => return Err(error),
        }
    }
}

async fn connection(router: Router, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) {
    let service = TowerToHyperService::new(router);
    let mut server = http1::Builder::new();
    server.timer(TokioTimer::new());
    if let Err(error) = server.serve_connection(TokioIo::new(stream), service).with_upgrades().await {
        tracing::debug!(%error, "a connection to the simulator ended");
    }
}

/// Makes connections to the simulator inside this process, upgrades included.
#[derive(Clone)]
pub struct SimConnector {
    router: Router,
}

impl SimConnector {
    pub(crate) fn new(router: Router) -> SimConnector {
        SimConnector { router }
    }
}

impl tower::Service<Uri> for SimConnector {
    type Response = SimConnection;
    type Error = io::Error;
    type Future = std::future::Ready<io::Result<SimConnection>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        let (ours, theirs) = tokio::io::duplex(PIPE);
        tokio::spawn(connection(self.router.clone(), theirs));
        std::future::ready(Ok(SimConnection(TokioIo::new(ours))))
    }
}

/// The client's end of a connection inside this process.
#[derive(Debug)]
pub struct SimConnection(TokioIo<DuplexStream>);

impl Connection for SimConnection {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

impl hyper::rt::Read for SimConnection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: hyper::rt::ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, buffer)
    }
}

impl hyper::rt::Write for SimConnection {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}
