//! A user who may only restart: that works, and every other verb is refused with the rights that are missing.

use std::{path::Path, process::Command};

use fleetdeck::index::Entry;
use k8s_openapi::api::rbac::v1::{ClusterRole, ClusterRoleBinding};
use kube::{
    Api, Client,
    api::{Patch, PatchParams},
};
use serde_json::{Value, json};

use super::{Bench, CREATE, done};
use crate::{conformance::world::World, controlplane::ControlPlane};

/// Looks at pods and StatefulSets, and deletes pods.
async fn bind(admin: &Client, user: &str) {
    let name = format!("only-{user}");
    let role = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": { "name": name },
        "rules": [
            { "apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list", "watch", "delete"] },
            { "apiGroups": ["apps"], "resources": ["statefulsets"], "verbs": ["get", "list", "watch"] },
        ],
    });
    let binding = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": { "name": name },
        "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name },
        "subjects": [{ "apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user }],
    });
    let params = PatchParams::apply("rights-test").force();
    Api::<ClusterRole>::all(admin.clone()).patch(&name, &params, &Patch::Apply(role)).await.unwrap();
    Api::<ClusterRoleBinding>::all(admin.clone()).patch(&name, &params, &Patch::Apply(binding)).await.unwrap();
}

fn run(home: &Path, kubeconfig: &Path, line: &str) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fleetdeck"));
    command.env_clear().env("HOME", home).env("USER", "rita").env("XDG_STATE_HOME", home.join("state"));
    command.env("FLEETDECK_KUBECONFIG", kubeconfig).args(line.split_whitespace());
    done(&command.stdin(std::process::Stdio::null()).output().unwrap())
}

/// What it is told of every verb. The tenant is Ready, and is so again afterwards.
fn told(home: &Path, kubeconfig: &Path, tenant: &str) {
    let (code, out, err) = run(home, kubeconfig, &format!("restart {tenant} --yes"));
    assert_eq!(code, 0, "{out}{err}");
    assert!(err.contains("the run cannot be recorded in the cluster: you may not get configmaps"), "{err}");
    assert!(err.contains("pod openclaw-0 is deleted") && err.contains("Ready by the kubelet's probe"), "{err}");
    for (line, right) in [
        ("suspend", "may not patch namespaces"),
        ("reprovision", "may not delete statefulsets"),
        ("apply", "may not patch networkpolicies"),
        ("upgrade --image 2026.9.9", "may not patch statefulsets"),
        ("set-tier --tier max", "may not patch resourcequotas"),
        ("rotate-token", "may not patch secrets gateway-token"),
        ("delete", "may not list services"),
        ("delete --purge-data", "may not delete namespaces"),
    ] {
        let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
        let (code, out, err) = run(home, kubeconfig, &format!("{verb} {tenant} {rest} --yes -o json"));
        assert_eq!(code, 3, "{line}: {out}{err}");
        let refusal: Value = serde_json::from_str(&out).unwrap();
        let of_rights = |reason: &Value| {
            reason["why"] == "no-rights" && reason["said"].as_str().is_some_and(|said| said.contains(right))
        };
        assert!(refusal["reasons"].as_array().unwrap().iter().any(of_rights), "{line}: {refusal}");
    }
}

#[test]
fn who_may_only_restart_is_told_so_on_the_simulator() {
    let bench = Bench::new();
    assert_eq!(bench.run(&format!("{CREATE} --yes")).0, 0);
    let home = bench.home.path();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let admin = crate::controlplane::client_for(&home.join("admin")).await;
        bind(&admin, "restarter").await;
    });
    told(home, &home.join("restarter"), "maria");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_only_restart_is_told_so_on_control_plane() {
    let Some(plane) = ControlPlane::shared() else { return };
    let world = World::of_plane(plane, "who_may_only_restart_is_told_so").await;
    let spec = world.spec("a");
    world.create(&spec).await;
    let mut watching = world.watch();
    watching.until(&spec.namespace(), "Ready", |e: &Entry| e.verdict.phase.serves()).await;
    let user = format!("restarter-{}", std::process::id());
    bind(&plane.client().await, &user).await;
    let kubeconfig = plane.kubeconfig_as(&user, None);
    let home = tempfile::tempdir().unwrap();
    let id = spec.id.clone();
    let (path, file) = (home.path().to_owned(), kubeconfig.clone());
    tokio::task::spawn_blocking(move || told(&path, &file, &id)).await.unwrap();
    world.clean().await;
}
