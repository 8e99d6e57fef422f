//! Nodes without kubelets: kwok plays the steps of `kwok/*.yaml` on the pods that are scheduled there.

use std::path::PathBuf;
use std::time::Duration;

use k8s_openapi::api::core::v1::Node;
use kube::api::{ListParams, PostParams};
use kube::{Api, Client};
use serde::Deserialize;
use serde_json::{Value, json};

use super::processes::Handle;
use super::scratch::until;
use super::servers::{Plan, Server};

/// What each container has said, in the format of a container runtime's log file.
const LOG: &str =
    "2026-01-01T00:00:00.000000001Z stdout F first line\n2026-01-01T00:00:01.000000001Z stderr F second line\n";

/// Variables that the templates use.
const PRELUDE: &str = r#"{{- $now := Now -}}
{{- $lists := list "initContainerStatuses" "containerStatuses" -}}
{{- $note := or .metadata.annotations dict -}}
{{- $fault := or (index $note "test.fleetdeck/fault") "" -}}
{{- $target := or (index $note "test.fleetdeck/container") "" -}}
{{- if and (not $target) .spec.containers }}{{ $target = (index .spec.containers 0).name }}{{ end -}}
"#;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Step {
    step: String,
    /// Milliseconds.
    delay: u32,
    #[serde(default)]
    annotation: Option<String>,
    #[serde(default)]
    event: Option<Value>,
    #[serde(default)]
    status: Option<String>,
    #[serde(default)]
    delete: bool,
}

pub(super) struct Kwok {
    nodes: usize,
    server: Server,
    config: (PathBuf, String),
    log: PathBuf,
}

impl Kwok {
    pub(super) fn new(plan: &Plan<'_>, nodes: usize) -> Self {
        let config = plan.dir.join("kwok.json");
        let log = plan.dir.join("container.log");
        let flags =
            [("kubeconfig", &*plan.file("admin.kubeconfig")), ("config", &config.display().to_string()), ("v", "WARN")];
        let server = plan.server("kwok", &flags);
        let text = documents(plan).iter().map(|document| format!("---\n{document}\n")).collect();
        Self { nodes, server, config: (config, text), log }
    }

    /// The process, with its files written.
    pub(super) fn server(&self) -> Result<&Server, String> {
        let (path, text) = &self.config;
        for (path, text) in [(path, text.as_str()), (&self.log, LOG)] {
            std::fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))?;
        }
        Ok(&self.server)
    }

    pub(super) async fn create_nodes(&self, client: &Client) -> Result<(), String> {
        let api: Api<Node> = Api::all(client.clone());
        for index in 0..self.nodes {
            let node = serde_json::from_value(node(index)).map_err(|e| e.to_string())?;
            api.create(&PostParams::default(), &node).await.map_err(|e| format!("node {index}: {e}"))?;
        }
        Ok(())
    }

    pub(super) async fn nodes_ready(&self, client: &Client, processes: &Handle) -> Result<(), String> {
        let api: Api<Node> = Api::all(client.clone());
        until("kwok's nodes are Ready", Duration::from_secs(60), || async {
            processes.alive()?;
            let nodes = api.list(&ListParams::default()).await.map_err(|e| e.to_string())?;
            let ready = nodes.iter().filter(|node| is_ready(node)).count();
            Ok((ready >= self.nodes).then_some(()))
        })
        .await
    }
}

fn is_ready(node: &Node) -> bool {
    let conditions = node.status.as_ref().and_then(|status| status.conditions.as_deref()).unwrap_or_default();
    // The taint that a new node carries goes a moment after the condition comes.
    let tainted = node.spec.as_ref().is_some_and(|spec| spec.taints.is_some());
    !tainted && conditions.iter().any(|c| c.type_ == "Ready" && c.status == "True")
}

/// A node of the tenants' pool, large enough for a few hundred of them.
fn node(index: usize) -> Value {
    let name = format!("kwok-{index}");
    let resources = json!({"cpu": "128", "memory": "1Ti", "ephemeral-storage": "2Ti", "pods": "500"});
    json!({
        "metadata": {
            "name": name,
            "annotations": {"kwok.x-k8s.io/node": "fake"},
            "labels": {
                "kubernetes.io/hostname": name,
                "kubernetes.io/os": "linux",
                "kubernetes.io/arch": "amd64",
                "topology.kubernetes.io/zone": format!("zone-{}", index % 3),
                "openclaw.ai/workload": "tenant",
            },
        },
        "status": {"capacity": resources, "allocatable": resources},
    })
}

/// kwok's configuration and stages. JSON documents are YAML documents.
fn documents(plan: &Plan<'_>) -> Vec<Value> {
    let port = plan.ports.kubelet;
    let options = json!({
        "manageAllNodes": false,
        "manageNodesWithAnnotationSelector": "kwok.x-k8s.io/node=fake",
        "cidr": "10.64.0.1/10",
        "nodeIP": "127.0.0.1",
        "nodePort": port,
        "serverAddress": format!("127.0.0.1:{port}"),
        "tlsCertFile": plan.file("api.crt"),
        "tlsPrivateKeyFile": plan.file("api.key"),
        "podPlayStageParallelism": 8,
        "nodeLeaseDurationSeconds": 40,
    });
    let mut documents =
        vec![json!({"apiVersion": "config.kwok.x-k8s.io/v1alpha1", "kind": "KwokConfiguration", "options": options})];
    documents.extend(stages("Pod", include_str!("kwok/pod.jq"), include_str!("kwok/pod.yaml")));
    documents.extend(stages("Node", include_str!("kwok/node.jq"), include_str!("kwok/node.yaml")));
    let logs = json!([{"logsFile": plan.file("container.log"), "previousLogsFile": plan.file("container.log"), "follow": true}]);
    documents.push(json!({
        "apiVersion": "kwok.x-k8s.io/v1alpha1", "kind": "ClusterLogs", "metadata": {"name": "logs"}, "spec": {"logs": logs},
    }));
    documents
}

fn stages(kind: &str, next: &str, steps: &str) -> Vec<Value> {
    let steps: Vec<Step> = serde_saphyr::from_str(steps).expect("the harness's own file");
    steps.into_iter().map(|step| stage(kind, next, step)).collect()
}

fn stage(kind: &str, next: &str, step: Step) -> Value {
    let mut delay = json!({"durationMilliseconds": step.delay});
    if let Some(annotation) = step.annotation {
        let expression = format!(".metadata.annotations[\"test.fleetdeck/{annotation}\"] // empty");
        delay["durationFrom"] = json!({"jq": {"expression": expression}});
    }
    let mut then = json!({});
    if let Some(event) = step.event {
        then["event"] = event;
    }
    if step.delete {
        then["delete"] = json!(true);
    }
    if let Some(status) = step.status {
        then["statusTemplate"] = json!(format!("{PRELUDE}{status}"));
    }
    json!({
        "apiVersion": "kwok.x-k8s.io/v1alpha1",
        "kind": "Stage",
        "metadata": {"name": step.step},
        "spec": {
            "resourceRef": {"apiGroup": "v1", "kind": kind},
            "selector": {"matchExpressions": [{"jq": {"key": next, "operator": "In", "values": [step.step]}}]},
            "delay": delay,
            "next": then,
        },
    })
}
