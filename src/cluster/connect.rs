//! From a kubeconfig, a service account or a simulator to a [`Cluster`].

mod kubeconfig;
mod proxy;

pub use self::kubeconfig::{ContextInfo, contexts};

use std::{path::PathBuf, sync::Arc, time::Duration};

use hyper_timeout::TimeoutConnector;
use hyper_util::{
    client::legacy::{self, connect::HttpConnector},
    rt::TokioExecutor,
};
use kube::{
    Client, Config,
    client::{Body, ClientBuilder, ConfigExt as _},
};
use tower::{BoxError, Service, ServiceBuilder};
use tower_http::decompression::DecompressionLayer;

use super::{Clock, Cluster, ClusterError, Fault, Place, Prometheus};

/// Where to connect to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// A context of a kubeconfig: the current one and the usual files where none is named. Without any such file inside
    /// a pod, the pod's service account.
    Kubeconfig { context: Option<String>, file: Option<PathBuf> },
    /// The service account of the pod that this program runs in.
    InCluster,
}

/// Whether a credential plugin may ask on the terminal: never once the console has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prompt {
    May,
    Never,
}

/// For the TCP connection and the TLS handshake together.
const CONNECT: Duration = Duration::from_secs(10);
/// Bytes of an answer that are read at a time.
const MOST_BUFFERED: usize = 64 << 10;
/// Who asks, in the server's audit log.
const AGENT: &str = concat!("fleetdeck/", env!("CARGO_PKG_VERSION"));

/// Makes the client; no request is sent yet. Credential plugins run here, on a thread of their own.
///
/// # Errors
/// An unreadable kubeconfig, an unknown context, certificates or a plugin that do not work.
pub async fn connect(target: &Target, prompt: Prompt) -> Result<Cluster, ClusterError> {
    let (mut config, place) = match target {
        Target::Kubeconfig { file: None, .. } if kubeconfig::is_absent() && kubeconfig::in_pod() => in_cluster()?,
        Target::Kubeconfig { context, file } => kubeconfig::load(context.as_deref(), file.as_deref()).await?,
        Target::InCluster => in_cluster()?,
    };
    // Our retries are visible; kube's own would repeat for minutes in silence.
    config.default_retry = false;
    config.connect_timeout = Some(CONNECT);
    name_ourselves(&mut config);
    if prompt == Prompt::Never
        && let Some(exec) = &mut config.auth_info.exec
    {
        exec.interactive_mode = Some(kube::config::ExecInteractiveMode::Never);
    }
    let place = Arc::new(place);
    let runner = tokio::runtime::Handle::current();
    let built = tokio::task::spawn_blocking({
        let place = Arc::clone(&place);
        move || {
            let _inside = runner.enter();
            client(config, CONNECT).map_err(|e| ClusterError::kube(&place, "connecting", &e))
        }
    });
    let client = match built.await {
        Ok(built) => built?,
        Err(e) => return Err(ClusterError::new(Fault::Config, &place, format!("connecting broke: {e}"), "")),
    };
    Ok(Cluster { client, place, clock: Clock::System })
}

/// A Prometheus, spoken to as an API server is: the same waits, errors and proxies, and a token of its own.
pub(super) async fn store(store: &Prometheus, clock: Clock) -> Result<Cluster, ClusterError> {
    let place = Arc::new(Place { server: store.url.trim_end_matches('/').to_owned(), ..Place::default() });
    let odd = |why: String| ClusterError::new(Fault::Config, &place, why, "see `prometheus` in the configuration");
    let url: http::Uri = place.server.parse().map_err(|e| odd(format!("{:?} is no URL: {e}", store.url)))?;
    if !matches!(url.scheme_str(), Some("http" | "https")) {
        return Err(odd(format!("{:?} is no http or https URL", store.url)));
    }
    let mut config = Config::new(url);
    config.default_retry = false;
    config.connect_timeout = Some(CONNECT);
    config.auth_info.token_file = store.token_file.as_ref().map(|file| file.display().to_string());
    name_ourselves(&mut config);
    config.proxy_url = proxy::choose(None, &config.cluster_url, &proxy::Environment::read()).map_err(odd)?;
    let client = client(config, CONNECT).map_err(|e| ClusterError::kube(&place, "connecting to Prometheus", &e))?;
    Ok(Cluster { client, place, clock })
}

fn in_cluster() -> Result<(Config, Place), ClusterError> {
    let config = Config::incluster().map_err(|e| {
        let place = Arc::new(Place::default());
        let said = format!("no service account to connect with: {e}");
        ClusterError::new(Fault::Config, &place, said, "outside a pod, use a kubeconfig: --kubeconfig or KUBECONFIG")
    })?;
    let place = Place {
        context: "in-cluster".to_owned(),
        server: config.cluster_url.to_string(),
        user: None,
        namespace: Some(config.default_namespace.clone()),
    };
    Ok((config, place))
}

/// kube's own stack has no TCP keepalive, so that a stream over a line that died in silence would stay; this one has.
/// Behind a proxy it is kube's.
fn client(mut config: Config, within: Duration) -> Result<Client, kube::Error> {
    // On this machine there is no line to save, only work for both ends.
    let here = config.cluster_url.host().is_some_and(proxy::is_loopback);
    config.disable_compression |= here;
    if config.proxy_url.is_some() {
        return Ok(ClientBuilder::try_from(config)?.build());
    }
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    tcp.set_connect_timeout(Some(within));
    tcp.set_keepalive(Some(Duration::from_secs(30)));
    tcp.set_keepalive_interval(Some(Duration::from_secs(10)));
    tcp.set_keepalive_retries(Some(3));
    let mut tls = TimeoutConnector::new(config.rustls_https_connector_with_connector(tcp)?);
    tls.set_connect_timeout(Some(within));
    let hyper: legacy::Client<_, Body> = http().build(tls);
    let service = ServiceBuilder::new()
        .layer(config.base_uri_layer())
        .layer(DecompressionLayer::new().gzip(!config.disable_compression))
        .option_layer(config.auth_layer()?)
        .layer(config.extra_headers_layer()?)
        .map_err(BoxError::from)
        .service(hyper);
    Ok(Client::new(service, config.default_namespace))
}

/// A dozen watches keep their connections for ever, each with a buffer as large as the longest piece that once came through.
fn http() -> legacy::Builder {
    let mut http = legacy::Client::builder(TokioExecutor::new());
    http.http1_max_buf_size(MOST_BUFFERED);
    http
}

fn name_ourselves(config: &mut Config) {
    let agent = (http::header::USER_AGENT, http::HeaderValue::from_static(AGENT));
    config.headers.push(agent);
}

/// A cluster behind any connector: the simulator in this process, or one behind a socket of its own. `name` stands where
/// a context's name would.
pub fn over<C>(connector: C, name: &str, clock: Clock) -> Cluster
where
    C: Service<http::Uri> + Clone + Send + Sync + 'static,
    C::Response: hyper::rt::Read + hyper::rt::Write + legacy::connect::Connection + Unpin + Send + 'static,
    C::Future: Send + Unpin + 'static,
    C::Error: Into<BoxError>,
{
    let server = http::Uri::from_static("http://simulator.local");
    let mut config = Config::new(server.clone());
    name_ourselves(&mut config);
    let hyper: legacy::Client<_, Body> = http().build(connector);
    let headers = config.extra_headers_layer().expect("no header here is one of a credential");
    let service = ServiceBuilder::new().layer(config.base_uri_layer()).layer(headers).service(hyper);
    let place = Place { context: name.to_owned(), server: server.to_string(), user: None, namespace: None };
    Cluster { client: Client::new(service, "default"), place: Arc::new(place), clock }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::buffer::Buffer;
    use tokio::net::TcpListener;

    #[tokio::test]
    async fn whoever_takes_the_connection_and_stays_silent_is_left() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("https://{}", listener.local_addr().unwrap());
        let accepts = tokio::spawn(async move {
            let (held, _) = listener.accept().await.unwrap();
            std::future::pending::<()>().await;
            drop(held);
        });
        let place = Arc::new(Place { server: url.clone(), ..Place::default() });
        let client = client(Config::new(url.parse().unwrap()), Duration::from_millis(300)).unwrap();
        let cluster = Cluster { client, place, clock: Clock::System };
        let mut body = Buffer::default();
        let asked = cluster.read("/version", "ask the version", &mut body);
        let error = tokio::time::timeout(Duration::from_secs(5), asked).await.unwrap().unwrap_err();
        assert!(error.said.ends_with("did not take the connection in time"), "{}", error.said);
        accepts.abort();
    }
}
