//! A port of a tenant's pod on this machine's loopback, also after another pod has taken that one's place.
//!
//! Every connection is a port-forward of its own to the pod that is there when it comes. The pods come from whoever
//! watches them already ([`Forward::sight`]).

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use k8s_openapi::api::core::v1::Pod as KubePod;
use kube::Api;
use tokio::{
    io::{AsyncWriteExt as _, copy_bidirectional},
    net::{TcpListener, TcpStream},
    sync::{Semaphore, watch as signal},
    task::JoinSet,
    time::timeout,
};

use super::{
    Cluster, ClusterError,
    logs::Target,
    probe::{BROWSERLESS, CHROME, GATEWAY, PAGE},
};
use crate::{
    fleet::{Pod, Text, Uid, clean::clean},
    index::Entry,
};

/// Connections through one forward at a time; a browser opens six.
const AT_ONCE: usize = 64;
/// A connection that comes between two pods waits so long for the next one.
const NEXT_POD: Duration = Duration::from_secs(20);
/// Until the way to the pod is open.
const OPENS: Duration = Duration::from_secs(15);
/// How long the reason of a broken connection may be behind it.
const REASON: Duration = Duration::from_millis(500);

/// What of a tenant is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Door {
    Gateway,
    Browser,
    BrowserUi,
}

impl Door {
    pub const ALL: [Self; 3] = [Self::Gateway, Self::Browser, Self::BrowserUi];

    /// As it is named on the command line, and as its container is.
    pub fn name(self) -> &'static str {
        match self {
            Self::Gateway => "gateway",
            Self::Browser => "browser",
            Self::BrowserUi => "browser-ui",
        }
    }

    fn port(self, pod: &Pod) -> u16 {
        match self {
            Self::Gateway => GATEWAY,
            Self::Browser => match pod.browser() {
                Some(c) if matches!(&*c.name, "chromium" | "chrome") => CHROME,
                _ => BROWSERLESS,
            },
            Self::BrowserUi => PAGE,
        }
    }
}

/// Where connections go.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Behind {
    pod: Text,
    uid: Uid,
    port: u16,
}

impl Behind {
    /// The pod that a StatefulSet controls is the tenant.
    fn of(target: &mut Target, door: Door, entry: Option<&Entry>) -> Option<Self> {
        let entry = entry.filter(|e| target.meets(e))?;
        let pod = entry.tenant.pod().filter(|p| p.deleting.is_none())?;
        Some(Self { pod: pod.name.clone(), uid: pod.uid, port: door.port(pod) })
    }
}

/// How it stands with a forward.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Connections that are open now.
    pub open: usize,
    /// Connections so far.
    pub all: u64,
    /// Why the last one failed, until another one succeeds.
    pub trouble: Option<String>,
}

/// Told when a forward ends.
type AtEnd = Box<dyn FnOnce(&Forward) + Send>;

/// An open forward; it ends when this is dropped.
pub struct Forward {
    pub target: Target,
    pub door: Door,
    pub address: SocketAddr,
    pub traffic: signal::Receiver<Traffic>,
    behind: signal::Sender<Option<Behind>>,
    at_end: Option<AtEnd>,
    _task: JoinSet<()>,
}

impl Drop for Forward {
    fn drop(&mut self) {
        if let Some(at_end) = self.at_end.take() {
            at_end(self);
        }
    }
}

impl std::fmt::Debug for Forward {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Forward").field("target", &self.target).field("address", &self.address).finish_non_exhaustive()
    }
}

impl Forward {
    /// Listens on a port of the loopback, a free one where none is named. Must be called inside a tokio runtime.
    ///
    /// # Errors
    /// The port is taken, or not to be had.
    pub async fn open(cluster: &Cluster, target: Target, door: Door, port: Option<u16>) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port.unwrap_or(0))).await?;
        let address = listener.local_addr()?;
        let (behind, sight) = signal::channel(None);
        let (tell, traffic) = signal::channel(Traffic::default());
        let mut task = JoinSet::new();
        let way = Way { cluster: cluster.clone(), namespace: target.namespace.clone(), sight, tell };
        task.spawn(way.listen(listener));
        Ok(Self { target, door, address, traffic, behind, at_end: None, _task: task })
    }

    /// Tells what the watches see of the tenant now. Connections to a pod that is gone end.
    pub fn sight(&mut self, entry: Option<&Entry>) {
        let now = Behind::of(&mut self.target, self.door, entry);
        self.behind.send_if_modified(|old| {
            let changed = *old != now;
            if changed {
                old.clone_from(&now);
            }
            changed
        });
    }

    /// Whatever ends it, this is told.
    pub fn at_end(&mut self, tell: impl FnOnce(&Self) + Send + 'static) {
        self.at_end = Some(Box::new(tell));
    }

    /// For a browser's address line.
    pub fn url(&self) -> String {
        format!("http://{}/", self.address)
    }
}

#[derive(Clone)]
struct Way {
    cluster: Cluster,
    namespace: Text,
    sight: signal::Receiver<Option<Behind>>,
    tell: signal::Sender<Traffic>,
}

impl Way {
    async fn listen(self, listener: TcpListener) {
        let room = Arc::new(Semaphore::new(AT_ONCE));
        let mut connections = JoinSet::new();
        loop {
            let Ok(permit) = Arc::clone(&room).acquire_owned().await else { return };
            match listener.accept().await {
                Ok((stream, _)) => {
                    let way = self.clone();
                    connections.spawn(async move {
                        way.serve(stream).await;
                        drop(permit);
                    });
                }
                // Out of file descriptors, most likely: others will be given back.
                Err(_) => tokio::time::sleep(Duration::from_millis(200)).await,
            }
            while connections.try_join_next().is_some() {}
        }
    }

    async fn serve(mut self, mut stream: TcpStream) {
        self.tell.send_modify(|t| (t.open, t.all) = (t.open + 1, t.all + 1));
        let trouble = self.carry(&mut stream).await.err();
        // Whoever is at the other end may be gone already.
        _ = stream.shutdown().await;
        self.tell.send_modify(|t| (t.open, t.trouble) = (t.open - 1, trouble));
    }

    /// Carries bytes both ways until either end has enough.
    async fn carry(&mut self, stream: &mut TcpStream) -> Result<(), String> {
        let behind = match timeout(NEXT_POD, self.sight.wait_for(Option::is_some)).await {
            Ok(Ok(behind)) => behind.clone(),
            Ok(Err(_)) => None,
            Err(_) => return Err("the tenant has no pod".to_owned()),
        };
        let Some(behind) = behind else { return Ok(()) };
        let api: Api<KubePod> = Api::namespaced(self.cluster.client.clone(), &self.namespace);
        let opened = timeout(OPENS, api.portforward(&behind.pod, &[behind.port])).await;
        let opened = opened.map_err(|_| "the way to the pod did not open in time".to_owned())?;
        let what = "forward ports of pods";
        let mut forward = opened.map_err(|e| ClusterError::kube(&self.cluster.place, what, &e).said)?;
        let (Some(mut inside), Some(error)) = (forward.take_stream(behind.port), forward.take_error(behind.port))
        else {
            return Err("the port-forward has no such port".to_owned());
        };
        tokio::pin!(error);
        tokio::select! {
            // A browser that resets a connection is no trouble; what the kubelet says is.
            _ = copy_bidirectional(stream, &mut inside) => {}
            _ = self.sight.wait_for(|now| now.as_ref() != Some(&behind)) => {}
        }
        drop(inside);
        // It may say why a moment later.
        let why = timeout(REASON, &mut error).await.ok().flatten();
        forward.abort();
        why.map_or(Ok(()), |why| Err(told(&why, behind.port)))
    }
}

/// The kubelet's words about a port.
fn told(why: &str, port: u16) -> String {
    if why.contains("connection refused") {
        return format!("nothing listens on port {port} in the pod");
    }
    clean(why).into_owned()
}
