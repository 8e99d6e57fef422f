//! Stock kubectl against the simulator's kubelets: the streams that no other client of ours speaks (SPDY in a tunnel).

use std::process::Stdio;
use std::time::Duration;

use fleetdeck::sim::{Sim, SimConfig};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::Command;

/// A cluster on loopback, twenty times as fast as life, with one pod `web-0` in namespace `t`.
struct World {
    program: std::path::PathBuf,
    folder: tempfile::TempDir,
    server: tokio::task::JoinHandle<()>,
}

impl Drop for World {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl World {
    async fn new() -> Option<World> {
        let program = crate::skip::kubectl("its streams against the simulator are not tried")?;
        let sim = Sim::new(SimConfig { speed: 20.0, ..SimConfig::default() });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let config = sim.kubeconfig(listener.local_addr().unwrap(), None);
        std::fs::write(folder.path().join("kubeconfig"), config).unwrap();
        std::fs::write(folder.path().join("objects.yaml"), OBJECTS).unwrap();
        let server = tokio::spawn(async move { sim.serve(listener).await.unwrap() });
        let world = World { program, folder, server };
        world.run(&["apply", "--server-side", "-f", "objects.yaml"]).await.unwrap();
        world.run(&["wait", "--for=condition=Ready", "pod/web", "--timeout=60s"]).await.unwrap();
        Some(world)
    }

    fn kubectl(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        // Before the rest: what follows `--` is the container's command.
        command.args(["--namespace", "t", "--kubeconfig", "kubeconfig"]).args(arguments);
        command.current_dir(self.folder.path()).stdin(Stdio::null()).kill_on_drop(true);
        command
    }

    /// What a command printed; what it complained about, if it failed.
    async fn run(&self, arguments: &[&str]) -> Result<String, String> {
        let output = self.kubectl(arguments).output().await.unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
    }
}

const OBJECTS: &str = "
apiVersion: v1
kind: Namespace
metadata: {name: t}
---
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: t}
spec:
  initContainers:
  - {name: seed-app, image: 'ghcr.io/o/o:2026.8.2'}
  containers:
  - name: gateway
    image: ghcr.io/o/o:2026.8.2
    ports: [{containerPort: 18789}]
    readinessProbe: {httpGet: {path: /readyz, port: 18789}}
";

#[tokio::test]
async fn logs_and_exec() {
    let Some(world) = World::new().await else { return };
    let stage = world.run(&["logs", "web", "-c", "seed-app"]).await.unwrap();
    assert!(stage.ends_with("seed-app: done\n"), "{stage}");
    let mut follow = world.kubectl(&["logs", "web", "-f", "--tail=0"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(follow.stdout.take().unwrap()).lines();
    for _ in 0..3 {
        let line = tokio::time::timeout(Duration::from_secs(20), lines.next_line()).await.unwrap().unwrap().unwrap();
        assert!(line.starts_with("gateway: tick "), "{line}");
    }
    follow.kill().await.unwrap();
    assert_eq!(world.run(&["exec", "web", "--", "sh", "-c", "echo a; hostname"]).await.unwrap(), "a\nweb\n");
    let failed = world.run(&["exec", "web", "--", "sh", "-c", "exit 3"]).await.unwrap_err();
    assert!(failed.contains("command terminated with exit code 3"), "{failed}");
    let unknown = world.run(&["exec", "web", "--", "vim"]).await.unwrap_err();
    assert!(unknown.contains("exec: \"vim\": executable file not found in $PATH"), "{unknown}");
}

#[tokio::test]
async fn port_forward() {
    let Some(world) = World::new().await else { return };
    let mut forward = world.kubectl(&["port-forward", "web", ":18789"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(forward.stdout.take().unwrap()).lines();
    let line = tokio::time::timeout(Duration::from_secs(20), lines.next_line()).await.unwrap().unwrap().unwrap();
    let port: u16 = line.split([':', ' ']).find_map(|word| word.parse().ok()).unwrap_or_else(|| panic!("{line}"));
    // More than one connection: each has two streams of its own in the same tunnel.
    for path in ["/healthz", "/readyz", "/healthz"] {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        stream.write_all(format!("GET {path} HTTP/1.1\r\nconnection: close\r\n\r\n").as_bytes()).await.unwrap();
        let mut answer = String::new();
        let read = stream.read_to_string(&mut answer);
        tokio::time::timeout(Duration::from_secs(20), read).await.unwrap().unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with('}'), "{answer}");
    }
    forward.kill().await.unwrap();
}
