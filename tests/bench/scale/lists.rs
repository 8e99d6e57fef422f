//! The whole fleet, by our readers, against a raw download of the same lists by the same HTTP client.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use fleetdeck::{
    cluster::{self, Cluster, Prompt, Scope, Target},
    index::Fleet,
};
use http_body_util::BodyExt as _;
use kube::{Client, client::Body};
use tokio::sync::mpsc;

const ROUNDS: usize = 9;

/// What the readers list, with their page sizes.
const LISTS: [(&str, u32); 6] = [
    ("/api/v1/namespaces?labelSelector=openclaw.ai/tenant", 500),
    ("/api/v1/pods?labelSelector=openclaw.ai/tenant", 100),
    ("/apis/apps/v1/statefulsets?labelSelector=openclaw.ai/tenant", 100),
    ("/api/v1/persistentvolumeclaims?labelSelector=openclaw.ai/tenant", 500),
    ("/api/v1/resourcequotas?labelSelector=openclaw.ai/tenant", 500),
    ("/api/v1/events?fieldSelector=type%3DWarning", 500),
];

pub struct Figures {
    pub ratio: f64,
    pub fleet_ms: f64,
    pub raw_ms: f64,
    pub megabytes: f64,
    pub tenants: usize,
    pub rounds: usize,
}

pub fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime")
}

pub fn compare(kubeconfig: &Path) -> Figures {
    runtime().block_on(async {
        let raw = client(kubeconfig).await;
        let target = Target::Kubeconfig { context: None, file: Some(kubeconfig.to_owned()) };
        let cluster = cluster::connect(&target, Prompt::Never).await.expect("the cluster answers");
        let (mut bytes, mut tenants) = (0, 0);
        let (mut raws, mut fleets) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            let start = Instant::now();
            bytes = download(&raw).await;
            raws.push(start.elapsed());
            let start = Instant::now();
            tenants = whole(&cluster).await;
            fleets.push(start.elapsed());
        }
        let (raw_ms, fleet_ms) = (median(&mut raws), median(&mut fleets));
        let megabytes = bytes as f64 / 1e6;
        Figures { ratio: fleet_ms / raw_ms, fleet_ms, raw_ms, megabytes, tenants, rounds: ROUNDS }
    })
}

fn median(times: &mut [Duration]) -> f64 {
    times.sort_unstable();
    times[times.len() / 2].as_secs_f64() * 1e3
}

/// Until every kind's first list is in the index; the number of tenants.
async fn whole(cluster: &Cluster) -> usize {
    let (to, mut deltas) = mpsc::channel(256);
    let _watches = cluster::watch(cluster, &Scope::default(), &to);
    let mut fleet = Fleet::default();
    while !fleet.sources().settled() {
        let delta = deltas.recv().await.expect("the readers live");
        fleet.apply(delta, cluster.clock().now());
    }
    fleet.len()
}

pub async fn client(kubeconfig: &Path) -> Client {
    let kubeconfig = kube::config::Kubeconfig::read_from(kubeconfig).expect("a kubeconfig");
    let options = kube::config::KubeConfigOptions::default();
    let mut config = kube::Config::from_custom_kubeconfig(kubeconfig, &options).await.expect("a kubeconfig");
    config.disable_compression = true;
    Client::try_from(config).expect("a client")
}

/// All lists at once, page by page, thrown away; their bytes.
async fn download(client: &Client) -> usize {
    let lists = LISTS.map(|(path, limit)| one(client, path, limit));
    futures::future::join_all(lists).await.iter().sum()
}

async fn one(client: &Client, path: &str, limit: u32) -> usize {
    let (mut bytes, mut next) = (0, String::new());
    loop {
        let uri = format!("{path}&limit={limit}&continue={next}");
        let request =
            http::Request::get(uri).header("accept", "application/json").body(Body::empty()).expect("a request");
        let answer = client.send(request).await.expect("an answer");
        assert!(answer.status().is_success(), "{path}: {}", answer.status());
        let mut body = answer.into_body();
        let mut head = Vec::new();
        while let Some(frame) = body.frame().await {
            let data = frame.expect("the body goes on").into_data().unwrap_or_default();
            bytes += data.len();
            if head.len() < 4_096 {
                head.extend_from_slice(&data[..data.len().min(4_096)]);
            }
        }
        // A list's metadata comes before its items.
        let head = String::from_utf8_lossy(&head);
        let token =
            head.split_once("\"continue\":\"").and_then(|(_, rest)| rest.split_once('"')).map(|(token, _)| token);
        match token {
            Some(token) if !token.is_empty() => next = token.replace('=', "%3D").replace('+', "%2B"),
            _ => return bytes,
        }
    }
}
