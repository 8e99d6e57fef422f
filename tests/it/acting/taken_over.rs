//! `kill -9` in the middle of a rollout on the real control plane: another user goes on with it, with no more rights than the role
//! for those on call.

use std::{
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use fleetdeck::index::Entry;
use k8s_openapi::api::rbac::v1::{ClusterRoleBinding, RoleBinding};
use kube::{
    Api,
    api::{Patch, PatchParams},
};
use serde_json::{Value, json};

use super::done;
use crate::{conformance::world::World, controlplane::ControlPlane};

struct User {
    home: tempfile::TempDir,
    kubeconfig: std::path::PathBuf,
    name: &'static str,
}

impl User {
    fn command(&self, line: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_fleetdeck"));
        let home = self.home.path();
        command.env_clear().env("HOME", home).env("USER", self.name).env("XDG_STATE_HOME", home.join("state"));
        command.env("FLEETDECK_KUBECONFIG", &self.kubeconfig).args(line.split_whitespace()).stdin(Stdio::null());
        command
    }

    fn run(&self, line: &str) -> (i32, String, String) {
        done(&self.command(line).output().unwrap())
    }

    fn json(&self, line: &str) -> Value {
        let (code, out, err) = self.run(&format!("{line} -o json"));
        assert_eq!(code, 0, "{line}: {out}{err}");
        serde_json::from_str(&out).unwrap()
    }
}

fn apply_roles(plane: &ControlPlane) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("manifests/rbac");
    let kubeconfig = plane.kubeconfig_path();
    let kubectl = Command::new(plane.kubectl())
        .args(["apply", "--server-side", "--force-conflicts", "-k"])
        .arg(folder)
        .arg("--kubeconfig")
        .arg(kubeconfig)
        .output()
        .unwrap();
    assert!(kubectl.status.success(), "{kubectl:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_was_killed_is_resumed_by_another_user_on_control_plane() {
    let Some(plane) = ControlPlane::shared() else { return };
    let world = World::of_plane(plane, "killed_and_resumed_by_another_user").await;
    let specs = ["a", "b"].map(|name| world.spec(name));
    let mut watching = world.watch();
    for spec in &specs {
        world.create(spec).await;
    }
    for spec in &specs {
        watching.until(&spec.namespace(), "Ready", |e: &Entry| e.verdict.phase.serves()).await;
    }
    apply_roles(plane);
    let users = ["dana", "erin"].map(|name| {
        let full = format!("{name}-{}", std::process::id());
        (User { home: tempfile::tempdir().unwrap(), kubeconfig: plane.kubeconfig_as(&full, None), name }, full)
    });
    let admin = plane.client().await;
    for (_, full) in &users {
        let name = format!("oncall-{full}");
        let subjects = json!([{ "apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": full }]);
        let bound = |kind: &str, role: &str, of: &str| {
            json!({
                "apiVersion": "rbac.authorization.k8s.io/v1", "kind": kind, "metadata": { "name": name },
                "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": of, "name": role }, "subjects": subjects,
            })
        };
        let params = PatchParams::apply("rights-test").force();
        let tenants = bound("ClusterRoleBinding", "fleetdeck-oncall", "ClusterRole");
        let runs = bound("RoleBinding", "fleetdeck-runs", "Role");
        let bindings: Api<ClusterRoleBinding> = Api::all(admin.clone());
        bindings.patch(&name, &params, &Patch::Apply(tenants)).await.unwrap();
        let bindings: Api<RoleBinding> = Api::namespaced(admin.clone(), "fleetdeck");
        bindings.patch(&name, &params, &Patch::Apply(runs)).await.unwrap();
    }
    let ids = [specs[0].id.clone(), specs[1].id.clone()];
    let [(dana, _), (erin, _)] = users;
    tokio::task::spawn_blocking(move || killed(&dana, &erin, &ids)).await.unwrap();
    for spec in &specs {
        let moved = |e: &Entry| e.tenant.running_image().is_some_and(|i| i.tag == Some("2026.8.2"));
        watching.until(&spec.namespace(), "upgraded", moved).await;
    }
    world.clean().await;
}

fn killed(dana: &User, erin: &User, [a, b]: &[String; 2]) {
    let line = format!("upgrade {a} {b} --image 2026.8.2 --canary 0 --no-prepull --yes");
    let mut child = dana.command(&line).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut heard = Vec::new();
    for line in BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap) {
        heard.push(line);
        if heard.last().unwrap().contains("pod openclaw-0 is deleted") {
            break;
        }
    }
    assert!(heard.last().unwrap().contains("is deleted"), "{heard:?}");
    child.kill().unwrap(); // SIGKILL
    child.wait().unwrap();
    let of_dana = |item: &&Value| item["verb"] == "upgrade" && item["author"].as_str().unwrap().starts_with("dana@");
    let runs = erin.json("runs");
    let run = runs["items"].as_array().unwrap().iter().find(of_dana).unwrap()["run"].as_str().unwrap().to_owned();
    let (code, _, err) = erin.run(&format!("runs resume {run}"));
    assert!(code == 3 && err.contains("dana@") && err.contains("acts on it, since"), "{err}");
    let began = Instant::now();
    while erin.json(&format!("runs show {run}"))["state"] != "left" {
        assert!(began.elapsed() < Duration::from_secs(60), "the lease of a dead holder runs out");
        std::thread::sleep(Duration::from_secs(1));
    }
    let (code, out, err) = erin.run(&format!("runs resume {run}"));
    assert_eq!(code, 0, "{out}{err}");
    assert!(err.contains("gone on with by erin@") && format!("{out}{err}").contains("2 done"), "{out}{err}");
    // Who is late says so, and is refused.
    let (code, _, err) = dana.run(&format!("runs resume {run}"));
    assert!(code == 3 && err.contains("is at its end"), "{err}");
}
