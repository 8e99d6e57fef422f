//! A real Kubernetes control plane for tests: etcd, kube-apiserver (RBAC), kube-controller-manager and kube-scheduler as
//! built by `tests/controlplane/build`, with nodes played by kwok. Everything listens on 127.0.0.1, lives in one
//! temporary folder and is gone when the test process is, however that ends.
//!
//! ```text
//! FLEETDECK_TEST_CONTROLPLANE=1 cargo test --test it on_control_plane      builds it at the first run (about 8 minutes cold)
//! FLEETDECK_TEST_KUBECONFIG=F   cargo test --test it on_real_node          stories that need a kubelet, on a disposable cluster
//! ```
//! A test that wants it asks [`ControlPlane::shared`] (or [`RealNode::from_env`]) and returns where that is `None`; its path
//! contains `on_control_plane` (`on_real_node`), so that one filter selects them all. One control plane serves a whole run:
//! tests keep apart by namespace ([`Scratch`]) and by user ([`ControlPlane::kubeconfig_as`]).
//!
//! Unset, both variables mean "not here": a loud `SKIPPED:` line, and a failure where `CI` is set. `0` (or empty) says that
//! another run of the same CI takes care of it.
//!
//! Pods on kwok's nodes boot as a kubelet would boot them and obey these annotations, in the template or on the live pod:
//!
//! | annotation `test.fleetdeck/…` | |
//! |---|---|
//! | `stage` | how long each init container runs, such as `2s` (default 300 ms) |
//! | `ready` | from running to Ready (default 500 ms) |
//! | `stop` | from deletion to gone (default 300 ms) |
//! | `fault` | `imagepull`, `crashloop`, `oom`, `unready`, `stuck-init-N`, `fail-init-N` (N from 0), `stuck-terminating`; taken away, the pod heals |
//! | `container` | which container the first four hit (default: the first that is no init container) |
//! | `crash` | how long a crashing container runs (default 1 s) |
//!
//! A node with `fault: notready` is NotReady until it is taken away.

mod assets;
mod audit;
mod kwok;
mod pki;
mod processes;
mod real;
mod scratch;
mod servers;
mod snapshots;
mod storage;
mod stories;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::sync::mpsc;
use std::time::Duration;

use kube::Client;
use tokio::sync::oneshot;

use crate::skip;
use pki::{Credentials, Pki};
use processes::Processes;

pub(crate) use audit::Request;
pub(crate) use real::RealNode;
pub(crate) use scratch::{Scratch, client_for, eventually};

/// What [`ControlPlane::start`] brings up.
pub(crate) struct Options {
    /// Nodes played by kwok; 0 starts no kwok.
    pub(crate) nodes: usize,
    /// Keep a log of every request, for [`ControlPlane::requests_of`].
    pub(crate) audit: bool,
    /// Users with a token, each with its groups. They hold no rights until a test binds some.
    pub(crate) users: Vec<(&'static str, Vec<&'static str>)>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            nodes: 3,
            audit: true,
            users: vec![
                ("oncall", vec!["fleetdeck:operators"]),
                ("support", vec!["fleetdeck:viewers"]),
                ("stranger", vec![]),
            ],
        }
    }
}

/// A running control plane; dropping it stops every process and removes its folder.
pub(crate) struct ControlPlane {
    // Field order is drop order: the provisioner stops before the servers that it talks to.
    _background: Background,
    processes: Processes,
    assets: PathBuf,
    pki: Pki,
    users: Vec<&'static str>,
}

impl ControlPlane {
    /// The one of this test run, started by whoever asks first; `None` (said loudly) where the run has none.
    pub(crate) fn shared() -> Option<&'static Self> {
        static SHARED: LazyLock<Result<ControlPlane, ()>> = LazyLock::new(|| {
            ControlPlane::start(&Options::default()).map_err(|why| {
                let _ = writeln!(std::io::stderr(), "the control plane did not start: {why}");
            })
        });
        skip::named_for("on_control_plane");
        if !skip::asked_for("FLEETDECK_TEST_CONTROLPLANE", "1") {
            return None;
        }
        Some(SHARED.as_ref().unwrap_or_else(|()| panic!("the control plane did not start, see above")))
    }

    /// One of the calling test's own, for what would be in the way of others; `None` (said loudly) where the run has none.
    pub(crate) fn apart(options: &Options) -> Option<Self> {
        skip::named_for("on_control_plane");
        if !skip::asked_for("FLEETDECK_TEST_CONTROLPLANE", "1") {
            return None;
        }
        Some(Self::start(options).unwrap_or_else(|why| panic!("the control plane did not start: {why}")))
    }

    /// Starts one of its own, for a test that must not share. Takes about six seconds.
    pub(crate) fn start(options: &Options) -> Result<Self, String> {
        let assets = assets::folder()?;
        let mut attempts = 3;
        loop {
            attempts -= 1;
            match Self::attempt(&assets, options) {
                // A port that was free when we looked may be taken when the server binds it.
                Err(why) if attempts > 0 && why.contains("address already in use") => {}
                other => return other,
            }
        }
    }

    fn attempt(assets: &Path, options: &Options) -> Result<Self, String> {
        let processes = Processes::new()?;
        let ports = servers::Ports::free()?;
        let url = format!("https://127.0.0.1:{}", ports.api);
        let pki = Pki::create(processes.dir(), &url, &options.users)?;
        let plan = servers::Plan { assets, dir: processes.dir(), ports: &ports, audit: options.audit };
        plan.start_store(&processes)?;
        plan.start_api(&processes)?;

        // Readiness is asked through kube, which needs a runtime; the caller may be inside one already.
        let (ready, is_ready) = mpsc::channel();
        let (stop, stopped) = oneshot::channel();
        let bring_up = BringUp {
            admin: pki.kubeconfig("admin"),
            kwok: (options.nodes > 0).then(|| kwok::Kwok::new(&plan, options.nodes)),
            servers: plan.controllers(),
            processes: processes.handle(),
        };
        let thread = std::thread::Builder::new()
            .name("control-plane".into())
            .spawn(move || bring_up.run(&ready, stopped))
            .map_err(|error| format!("no thread: {error}"))?;
        let background = Background { stop: Some(stop), thread: Some(thread) };
        let outcome = is_ready
            .recv_timeout(Duration::from_secs(180))
            .unwrap_or_else(|_| Err("not up after three minutes".into()));
        if let Err(why) = outcome {
            return Err(format!("{why}\n{}", processes.last_words()));
        }
        let users = options.users.iter().map(|(name, _)| *name).collect();
        Ok(Self { _background: background, processes, assets: assets.to_owned(), pki, users })
    }

    /// Kubeconfig of an administrator (`system:masters`).
    pub(crate) fn kubeconfig_path(&self) -> PathBuf {
        self.pki.kubeconfig("admin")
    }

    /// Kubeconfig of one of [`Options::users`].
    pub(crate) fn kubeconfig_for(&self, user: &str) -> PathBuf {
        assert!(self.users.contains(&user), "no user {user:?}, only {:?}", self.users);
        self.pki.kubeconfig(user)
    }

    /// Kubeconfig of a new user, by client certificate: rights bound to it disturb no other test.
    pub(crate) fn kubeconfig_as(&self, user: &str, group: Option<&str>) -> PathBuf {
        self.pki
            .issue(user, &Credentials::Certificate { group })
            .unwrap_or_else(|why| panic!("no certificate for {user}: {why}"))
    }

    /// A client of an administrator on the calling runtime.
    pub(crate) async fn client(&self) -> Client {
        client_for(&self.kubeconfig_path()).await
    }

    /// The kubectl of the same version.
    pub(crate) fn kubectl(&self) -> PathBuf {
        self.assets.join("kubectl")
    }

    /// Teaches the server what a VolumeSnapshot is, and cuts those that are asked for until the task is aborted.
    pub(crate) async fn serve_snapshots(&self) -> tokio::task::JoinHandle<()> {
        let client = self.client().await;
        snapshots::install(&client).await;
        tokio::spawn(snapshots::serve(client))
    }

    /// Every request that the server answered to this user, oldest first.
    pub(crate) fn requests_of(&self, user: &str) -> Vec<Request> {
        audit::requests_of(&self.processes.dir().join(servers::AUDIT_LOG), user)
    }
}

/// The thread that brings the servers up and then provides volumes until told to stop.
struct Background {
    stop: Option<oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Drop for Background {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

struct BringUp {
    admin: PathBuf,
    kwok: Option<kwok::Kwok>,
    servers: Vec<servers::Server>,
    processes: processes::Handle,
}

impl BringUp {
    fn run(self, ready: &mpsc::Sender<Result<(), String>>, stopped: oneshot::Receiver<()>) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = match runtime {
            Ok(runtime) => runtime,
            Err(error) => return drop(ready.send(Err(format!("no runtime: {error}")))),
        };
        runtime.block_on(async {
            let work = async {
                let client = match self.bring_up().await {
                    Ok(client) => client,
                    Err(why) => return drop(ready.send(Err(why))),
                };
                let _ = ready.send(Ok(()));
                storage::provision(client).await;
            };
            tokio::select! {
                () = work => {}
                _ = stopped => {}
            }
        });
    }

    async fn bring_up(&self) -> Result<Client, String> {
        let client = client_for(&self.admin).await;
        servers::ready(&client, &self.processes).await?;
        for server in &self.servers {
            self.processes.spawn(server)?;
        }
        storage::create_classes(&client).await?;
        if let Some(kwok) = &self.kwok {
            self.processes.spawn(kwok.server()?)?;
            kwok.create_nodes(&client).await?;
        }
        servers::controllers_ready(&client, &self.processes).await?;
        if let Some(kwok) = &self.kwok {
            kwok.nodes_ready(&client, &self.processes).await?;
        }
        Ok(client)
    }
}
