use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;
use kube::api::LogParams;
use serde_json::json;

use crate::controlplane::{RealNode, Scratch, eventually};

#[tokio::test]
async fn a_pod_really_runs() {
    let Some(node) = RealNode::from_env() else { return };
    let scratch = Scratch::new(node.client().await, "real").await;
    let container = |name: &str, script: &str| {
        json!({
            "name": name, "image": "docker.io/library/busybox:1.36", "imagePullPolicy": "IfNotPresent",
            "command": ["sh", "-c", script],
            "volumeMounts": [{"name": "shared", "mountPath": "/shared"}],
        })
    };
    scratch
        .create::<Pod>(json!({
            "metadata": {"name": "probe"},
            "spec": {
                "terminationGracePeriodSeconds": 0,
                "initContainers": [container("first", "echo from the first > /shared/note")],
                "containers": [container("main", "cat /shared/note; exec sleep 600")],
                "volumes": [{"name": "shared", "emptyDir": {}}],
            },
        }))
        .await;
    let pods = scratch.api::<Pod>();
    eventually("the container has read what the init container wrote", Duration::from_secs(90), || async {
        let text = pods.logs("probe", &LogParams::default()).await.ok()?;
        (text == "from the first\n").then_some(())
    })
    .await;
    scratch.delete().await;
}
