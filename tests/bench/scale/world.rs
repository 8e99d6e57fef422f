//! The simulator as a process of its own, and something that keeps its pods changing.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use k8s_openapi::api::core::v1::Pod;
use kube::{
    Api, Client,
    api::{ListParams, Patch, PatchParams},
};

use super::lists;

/// Pods that a flood changes, in turns.
const CHANGED: u32 = 500;
const PATIENCE: Duration = Duration::from_secs(900);

pub struct World {
    sim: Child,
    folder: tempfile::TempDir,
    kubeconfig: PathBuf,
    address: SocketAddr,
}

impl World {
    pub fn new(tenants: usize, scenario: &str) -> Self {
        Self::at_speed(tenants, scenario, 1)
    }

    /// Where time goes so many times as fast.
    pub fn at_speed(tenants: usize, scenario: &str, speed: u32) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let kubeconfig = folder.path().join("kubeconfig");
        let scenario = Path::new(env!("CARGO_MANIFEST_DIR")).join(scenario);
        let began = Instant::now();
        let sim = Command::new(env!("CARGO_BIN_EXE_fleetdeck"))
            .args(["sim", "--tenants", &tenants.to_string(), "--speed", &speed.to_string()])
            .arg("--scenario")
            .arg(scenario)
            .arg("--write-kubeconfig")
            .arg(&kubeconfig)
            .stdout(Stdio::null())
            .spawn()
            .expect("the simulator starts");
        while !kubeconfig.exists() {
            assert!(began.elapsed() < PATIENCE, "the simulator has made no fleet of {tenants}");
            thread::sleep(Duration::from_millis(50));
        }
        eprintln!("{tenants} tenants made in {:.1} s", began.elapsed().as_secs_f64());
        let address = server(&kubeconfig);
        Self { sim, folder, kubeconfig, address }
    }

    pub fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The same cluster by another address.
    pub fn kubeconfig_for(&self, address: SocketAddr) -> PathBuf {
        let text = fs::read_to_string(&self.kubeconfig).expect("the simulator wrote it");
        let file = self.folder.path().join("proxied");
        fs::write(&file, text.replace(&self.address.to_string(), &address.to_string())).expect("the folder is ours");
        file
    }

    /// Changes pods, one after the other, so many times a second.
    pub fn flood(&self, per_second: u32) -> Flood {
        let kubeconfig = self.kubeconfig.clone();
        let (over, sent) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let (stop, count) = (Arc::clone(&over), Arc::clone(&sent));
        let task = thread::spawn(move || lists::runtime().block_on(change(&kubeconfig, per_second, &stop, &count)));
        Flood { over, sent, began: Instant::now(), task }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let _ = self.sim.kill();
        let _ = self.sim.wait();
    }
}

/// Host and port of a kubeconfig's only cluster.
fn server(kubeconfig: &Path) -> SocketAddr {
    let text = fs::read_to_string(kubeconfig).expect("the simulator wrote it");
    let url = text.lines().find_map(|l| l.trim().strip_prefix("server: ")).expect("it names a server");
    url.trim_matches('"').trim_start_matches("http://").parse().expect("an address of this machine")
}

pub struct Flood {
    over: Arc<AtomicBool>,
    sent: Arc<AtomicUsize>,
    began: Instant,
    task: JoinHandle<()>,
}

impl Flood {
    /// Changes that were made, per second.
    pub fn stop(self) -> f64 {
        let rate = self.sent.load(Ordering::Relaxed) as f64 / self.began.elapsed().as_secs_f64();
        self.over.store(true, Ordering::Relaxed);
        self.task.join().expect("the changes were taken");
        rate
    }
}

async fn change(kubeconfig: &Path, per_second: u32, over: &AtomicBool, sent: &AtomicUsize) {
    let client = lists::client(kubeconfig).await;
    let pods: Api<Pod> = Api::all(client.clone());
    let some = ListParams::default().labels("openclaw.ai/tenant").limit(CHANGED);
    let mut pods = pods.list(&some).await.expect("pods").items;
    let mut clock = tokio::time::interval(Duration::from_millis(10));
    let (mut turn, count) = (0, pods.len());
    while !over.load(Ordering::Relaxed) {
        clock.tick().await;
        let batch = (0..per_second / 100).map(|_| {
            turn += 1;
            restart(&client, &mut pods[turn % count])
        });
        futures::future::join_all(batch.collect::<Vec<_>>()).await;
        sent.fetch_add(per_second as usize / 100, Ordering::Relaxed);
    }
}

/// The status says one restart more. A list of statuses is replaced as a whole.
fn restart(client: &Client, pod: &mut Pod) -> impl Future<Output = ()> + use<> {
    let statuses = pod.status.as_mut().and_then(|s| s.container_statuses.as_mut()).expect("it runs");
    let last = statuses.last_mut().expect("it has containers");
    last.restart_count += 1;
    let status = serde_json::json!({ "status": { "containerStatuses": statuses } });
    let namespace = pod.metadata.namespace.clone().unwrap_or_default();
    let pods: Api<Pod> = Api::namespaced(client.clone(), &namespace);
    async move {
        pods.patch_status("openclaw-0", &PatchParams::default(), &Patch::Strategic(status))
            .await
            .expect("the patch is taken");
    }
}
