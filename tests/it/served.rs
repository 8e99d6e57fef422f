//! A simulator with one tenant, served over HTTP to the real binary.

use std::{
    process::{Command, Stdio},
    time::Duration,
};

use fleetdeck::{fleet::Phase, manifest::TenantSpec, sim::scenario::Rule};

use crate::conformance::world::World;

/// A simulator on loopback with one tenant that is Ready, in a thread of its own.
pub(crate) struct Served {
    pub kubeconfig: String,
    pub namespace: String,
    pub tenant: String,
    pub home: tempfile::TempDir,
    _stop: tokio::sync::oneshot::Sender<()>,
}

impl Served {
    pub(crate) fn new(rule: &str) -> Self {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("served.kubeconfig").to_str().unwrap().to_owned();
        let (told, ready) = std::sync::mpsc::channel();
        let (stop, stopped) = tokio::sync::oneshot::channel();
        let rule = rule.to_owned();
        let write = path.clone();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
            runtime.block_on(async {
                let world = World::simulator_at("served", 20.0);
                world.sim().set_rule("test", Rule::parse("test", &rule).unwrap());
                let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
                std::fs::write(&write, world.sim().kubeconfig(listener.local_addr().unwrap(), None)).unwrap();
                let spec: TenantSpec = world.spec("a");
                world.create(&spec).await;
                let mut watching = world.watch();
                watching.until(&spec.namespace(), "Ready", |e| e.verdict.phase == Phase::Ready).await;
                told.send((spec.id.clone(), spec.namespace())).unwrap();
                tokio::select! {
                    served = world.sim().serve(listener) => served.unwrap(),
                    _ = stopped => {}
                }
            });
        });
        let (tenant, namespace) = ready.recv_timeout(Duration::from_secs(60)).unwrap();
        Self { kubeconfig: path, namespace, tenant, home, _stop: stop }
    }

    pub(crate) fn logs(&self, args: &[&str]) -> Command {
        self.verb("logs", args)
    }

    /// The real binary, doing something to the tenant.
    pub(crate) fn verb(&self, verb: &str, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_fleetdeck"));
        command.args([verb, &self.tenant, "--kubeconfig", &self.kubeconfig]).args(args);
        command.env_clear().env("HOME", self.home.path()).stdin(Stdio::null());
        command
    }

    /// What was written down on this machine.
    pub(crate) fn journal(&self) -> Vec<serde_json::Value> {
        let path = self.home.path().join(".local/state/fleetdeck/journal.jsonl");
        let text = std::fs::read_to_string(path).unwrap_or_default();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}
