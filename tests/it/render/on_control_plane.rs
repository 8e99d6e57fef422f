//! What the real API server says of our objects.

use super::{plain, rendered, yaml};
use crate::controlplane::{ControlPlane, eventually};
use fleetdeck::manifest::{Object, diff};
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use serde_json::Value;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

struct Server {
    kubectl: PathBuf,
    kubeconfig: PathBuf,
}

impl Server {
    fn of(plane: &ControlPlane) -> Self {
        Self { kubectl: plane.kubectl(), kubeconfig: plane.kubeconfig_path() }
    }

    fn run(&self, args: &[&str], input: &str) -> String {
        let mut child = Command::new(&self.kubectl)
            .args(["--kubeconfig".as_ref(), self.kubeconfig.as_os_str()])
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "kubectl {args:?}: {said}");
        // Warnings count: the server says so where a field is deprecated or has no effect.
        assert!(!said.contains("Warning"), "kubectl {args:?}: {said}");
        String::from_utf8(output.stdout).unwrap()
    }

    fn apply(&self, objects: &[Object], more: &[&str]) -> String {
        let args =
            [&["apply", "--server-side", "--field-manager=fleetdeck", "--validate=strict", "-f", "-"], more].concat();
        self.run(&args, &yaml(objects))
    }

    fn live(&self, object: &Object) -> Value {
        let kind = format!("{}.{}", object.kind(), object.api_version().split_once('/').map_or("", |(group, _)| group));
        let kind = kind.trim_end_matches('.');
        let namespace = format!("--namespace={}", object.namespace());
        let text = self.run(&["get", kind, object.name(), &namespace, "--show-managed-fields", "-o", "json"], "");
        serde_json::from_str(&text).unwrap()
    }
}

#[test]
fn accepts_every_object_strictly() {
    let Some(plane) = ControlPlane::shared() else { return };
    let server = Server::of(plane);
    for (id, tier, options) in
        [("dry-pro", "pro", &[][..]), ("dry-max", "max", &[]), ("dry-stand-in", "pro", &["stand-in"])]
    {
        let objects = rendered(&plain(id, tier, options));
        // A dry run inside a namespace needs the namespace.
        let namespace = objects.iter().position(|object| object.kind() == "Namespace").unwrap();
        server.apply(&objects[namespace..=namespace], &[]);
        let said = server.apply(&objects, &["--dry-run=server"]);
        assert_eq!(
            said.lines().filter(|line| line.ends_with("serverside-applied (server dry run)")).count(),
            objects.len(),
            "{said}"
        );
        server.run(&["delete", "namespace", objects[namespace].name(), "--wait=false"], "");
    }
}

#[tokio::test]
async fn admits_the_pod_under_the_quota_and_then_differs_in_nothing() {
    let Some(plane) = ControlPlane::shared() else { return };
    let server = Server::of(plane);
    for (id, tier, options) in
        [("quota-pro", "pro", &[][..]), ("quota-max", "max", &[]), ("quota-stand-in", "max", &["stand-in"])]
    {
        let objects = rendered(&plain(id, tier, options));
        server.apply(&objects, &[]);
        let pods: Api<Pod> = Api::namespaced(plane.client().await, &format!("tenant-{id}"));
        eventually("the tenant's pod is Ready", Duration::from_secs(90), || async {
            let status = pods.get_opt("openclaw-0").await.unwrap()?.status?;
            status
                .conditions?
                .iter()
                .any(|condition| condition.type_ == "Ready" && condition.status == "True")
                .then_some(())
        })
        .await;
        for object in &objects {
            let live = server.live(object);
            assert_eq!(diff(object.value(), &live, "fleetdeck"), [], "{} {}", object.kind(), object.name());
        }
        let quota =
            objects.iter().find(|object| object.kind() == "ResourceQuota" && object.name() == "tenant").unwrap();
        let status = server.live(quota)["status"].clone();
        if options.is_empty() {
            assert_eq!(status["used"], status["hard"], "the pod is the tier exactly");
        } else {
            assert_eq!(status["used"]["pods"], "1");
        }
        // Another image shows as what would change, and nothing else does but the spec that says so.
        let mut newer = plain(id, tier, options);
        newer.image = "ghcr.io/openclaw/openclaw:2026.9.1".parse().unwrap();
        let changed: Vec<String> = rendered(&newer)
            .iter()
            .flat_map(|object| diff(object.value(), &server.live(object), "fleetdeck"))
            .map(|change| change.path)
            .filter(|path| !path.ends_with(".image"))
            .collect();
        assert_eq!(changed, ["metadata.annotations[openclaw.ai/spec]"]);
        server.run(&["delete", "namespace", &format!("tenant-{id}"), "--wait=false"], "");
    }
}
