//! `demo/kind.sh` against stand-ins that write down how they are called: what it asks of kind and kubectl, and what it says
//! where something is missing. kind itself needs a container runtime, which no test can count on.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Command,
};

/// A folder that is the whole PATH.
struct Desk(tempfile::TempDir);

impl Desk {
    fn new(tools: &[&str]) -> Self {
        let desk = Self(tempfile::tempdir().unwrap());
        for name in tools {
            desk.put(name, "");
        }
        desk
    }

    /// A program that notes its call, and then does `body`.
    fn put(&self, name: &str, body: &str) {
        let path = self.0.path().join(name);
        let calls = self.0.path().join("calls");
        let text = format!("#!/bin/sh\nprintf '%s\\n' \"{name} $*\" >>'{}'\n{body}\n", calls.display());
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn run(&self, line: &str) -> (i32, String) {
        let output = Command::new("/bin/bash")
            .arg(script())
            .args(line.split_whitespace())
            .env_clear()
            .env("PATH", self.0.path())
            .output()
            .unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        (output.status.code().unwrap(), said)
    }

    fn calls(&self) -> Vec<String> {
        let text = fs::read_to_string(self.0.path().join("calls")).unwrap_or_default();
        text.lines().filter(|l| *l != "docker info").map(str::to_owned).collect()
    }
}

fn script() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("demo/kind.sh")
}

/// kind, as long as a file says that its cluster is there.
const KIND: &str = r#"there=${0%/*}/there
case "$1 $2" in
  'get clusters') [ ! -e "$there" ] || echo fleetdeck-demo ;;
  'create cluster') : >"$there" ;;
  'delete cluster') exec /bin/rm -f "$there" ;;
esac"#;

fn whole() -> Desk {
    let desk = Desk::new(&["kubectl", "docker"]);
    desk.put("kind", KIND);
    desk
}

#[test]
fn what_is_missing_is_said_at_once_and_how_to_get_it() {
    let (code, said) = Desk::new(&[]).run("up");
    assert_eq!(code, 1, "{said}");
    for line in
        ["kind: https://kind.sigs.k8s.io", "kubectl: https://kubernetes.io", "docker (or podman, nerdctl): https"]
    {
        assert!(said.contains(line), "{said}");
    }
    let desk = Desk::new(&["kind", "kubectl"]);
    desk.put("docker", "exit 1");
    let (code, said) = desk.run("up");
    assert!(code == 1 && said.contains("docker does not answer: start it"), "{said}");
    // Taking away needs no kubectl.
    let desk = Desk::new(&["docker"]);
    desk.put("kind", KIND);
    assert_eq!(desk.run("down"), (0, "there is no cluster fleetdeck-demo\n".to_owned()));
}

#[test]
fn up_makes_a_cluster_once_and_down_takes_it_away() {
    let desk = whole();
    let (code, said) = desk.run("up");
    assert!(code == 0 && said.ends_with("ready: fleetdeck demo --context kind-fleetdeck-demo\n"), "{said}");
    let config = script().with_file_name("kind.yaml");
    let create = format!("kind create cluster --config {} --wait 3m", config.display());
    assert_eq!(desk.calls()[..2], ["kind get clusters".to_owned(), create]);
    assert!(
        desk.calls().iter().filter(|c| c.starts_with("kubectl")).all(|c| c.contains("--context kind-fleetdeck-demo"))
    );

    let (code, said) = desk.run("up");
    assert!(code == 0 && said.contains("is there already"), "{said}");
    assert_eq!(desk.calls().iter().filter(|c| c.starts_with("kind create")).count(), 1);

    let (code, said) = desk.run("down");
    assert!(code == 0 && said.contains("cluster fleetdeck-demo is gone"), "{said}");
    assert!(desk.calls().contains(&"kind delete cluster --name fleetdeck-demo".to_owned()));
}

#[test]
fn the_options_are_asked_for_by_name() {
    let desk = whole();
    assert_eq!(desk.run("up").0, 0);
    assert!(!desk.calls().iter().any(|c| c.contains(" apply ")), "nothing is fetched unasked");
    desk.put("docker", r#"[ "$1" != port ] || printf '127.0.0.1:32768\n[::1]:32768\n'"#);
    let (code, said) = desk.run("up --metrics-server --ingress");
    assert_eq!(code, 0, "{said}");
    // The way to a tenant's page, whole.
    assert!(said.contains("/demo/kind-ingress.toml demo --context kind-fleetdeck-demo"), "{said}");
    assert!(said.trim_end().ends_with("http://127.0.0.1:32768/healthz"), "{said}");
    let calls = desk.calls().join("\n");
    for part in [
        "metrics-server/releases/download/",
        "--kubelet-insecure-tls",
        "contour",
        "ingress-ready",
        "docker port fleetdeck-demo-control-plane 80/tcp",
    ] {
        assert!(calls.contains(part), "{part}: {calls}");
    }
    for wrong in ["", "sideways", "up --nothing", "down now"] {
        let (code, said) = desk.run(wrong);
        assert!(code == 2 && said.contains("use: kind.sh"), "{wrong}: {said}");
    }
}

#[test]
fn what_the_ingress_controller_needs_is_rendered_by_the_file_that_is_named() {
    let output = Command::new(env!("CARGO_BIN_EXE_fleetdeck"))
        .env_clear()
        .args(["--config", &script().with_file_name("kind-ingress.toml").display().to_string()])
        .args(["render", "alma", "--tier", "pro", "--image", "2026.8.1", "--host", "alma.demo.example"])
        .args(["--with", "stand-in"])
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    for line in ["ingressClassName: contour", "kubernetes.io/metadata.name: projectcontour"] {
        assert!(text.contains(line), "{line}: {text}");
    }
}

#[test]
fn what_fails_is_said_with_what_to_do() {
    let desk = whole();
    desk.put("kind", r#"[ "$1" = get ] || exit 1"#);
    let (code, said) = desk.run("up");
    assert!(code == 1 && said.contains("'kind.sh down' removes what is left"), "{said}");
    let desk = whole();
    desk.put("kubectl", "exit 1");
    let (code, said) = desk.run("up");
    assert!(code == 1 && said.contains("describe nodes"), "{said}");
}

#[test]
fn its_nodes_carry_what_the_base_asks_for() {
    let cluster = fs::read_to_string(script().with_file_name("kind.yaml")).unwrap();
    assert_eq!(cluster.matches("- role: worker").count(), 2);
    assert_eq!(cluster.matches("openclaw.ai/workload: tenant").count(), 2);
    let base =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("manifests/base/statefulset.yaml")).unwrap();
    assert!(base.contains("openclaw.ai/workload: tenant"));
}
