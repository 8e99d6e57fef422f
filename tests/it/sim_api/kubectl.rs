//! Stock kubectl against the simulator over HTTP.

use std::process::{Command, Stdio};

use super::*;

const OBJECTS: &str = r#"
apiVersion: v1
kind: Namespace
metadata: {name: k}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: web, namespace: k}
spec:
  replicas: 0
  serviceName: web
  selector: {matchLabels: {a: b}}
  template:
    metadata: {labels: {a: b}}
    spec: {containers: [{name: c, image: "x:1"}]}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: cm, namespace: k}
data: {a: b}
"#;

struct Kubectl {
    program: std::path::PathBuf,
    folder: tempfile::TempDir,
}

impl Kubectl {
    /// Runs kubectl with words; the exit code decides between output and errors.
    async fn run(&self, words: &str) -> Result<String, String> {
        let mut command = Command::new(&self.program);
        command
            .args(words.split(' '))
            .env("KUBECONFIG", self.folder.path().join("config"))
            .env("HOME", self.folder.path());
        command.current_dir(self.folder.path()).stdin(Stdio::null());
        let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kubectl_works() {
    let Some(program) = crate::skip::kubectl("the simulator is not tried with it") else { return };
    let sim = Sim::new(SimConfig::default());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("config"), sim.kubeconfig(address, None)).unwrap();
    std::fs::write(folder.path().join("bob"), sim.kubeconfig(address, Some("bob"))).unwrap();
    std::fs::write(folder.path().join("objects.yaml"), OBJECTS).unwrap();
    let serving = tokio::spawn(async move { sim.serve(listener).await });
    let kubectl = Kubectl { program, folder };
    let ok = async |words: &str| kubectl.run(words).await.unwrap_or_else(|error| panic!("kubectl {words}: {error}"));

    let applied = ok("apply --server-side -f objects.yaml").await;
    assert_eq!(applied.lines().last(), Some("configmap/cm serverside-applied"));
    assert!(ok("apply --server-side --dry-run=server -f objects.yaml").await.contains("(server dry run)"));
    let table = ok("get sts -n k -o wide").await;
    assert_eq!(table.split_whitespace().collect::<Vec<_>>()[..5], ["NAME", "READY", "AGE", "CONTAINERS", "IMAGES"]);
    assert!(ok("get cm cm -n k -o yaml").await.contains("\n  a: b\n"));
    assert!(ok("describe sts web -n k").await.contains("Replicas:           0 desired"));
    assert!(ok("get ns").await.contains("kube-system"));
    ok("apply -f objects.yaml").await;
    assert_eq!(ok("apply -f objects.yaml").await.lines().last(), Some("configmap/cm unchanged"));
    ok("patch cm cm -n k --type merge -p {\"data\":{\"x\":\"y\"}}").await;
    ok("scale sts web -n k --replicas=2").await;
    ok("wait sts/web -n k --for=jsonpath={.spec.replicas}=2 --timeout=5s").await;
    // Newer ones name the namespace in between.
    let deleted = ok("delete cm cm -n k --dry-run=server").await;
    assert!(
        deleted.starts_with("configmap \"cm\" deleted") && deleted.trim().ends_with("(server dry run)"),
        "{deleted}"
    );
    ok("get cm cm -n k").await;
    ok("delete cm cm -n k").await;
    let forbidden = kubectl.run("get pods -A --kubeconfig bob").await.unwrap_err();
    assert!(
        forbidden.contains("User \"bob\" cannot list resource \"pods\" in API group \"\" at the cluster scope"),
        "{forbidden}"
    );
    created_by_typed_clients(&kubectl).await;
    ok("delete ns k --timeout=20s").await;
    assert!(kubectl.run("get ns k").await.unwrap_err().contains("namespaces \"k\" not found"));
    serving.abort();
}

/// `kubectl create KIND` and `auth can-i` send protobuf in newer versions, JSON in older ones: the objects are the same.
async fn created_by_typed_clients(kubectl: &Kubectl) {
    let ok = async |words: &str| kubectl.run(words).await.unwrap_or_else(|error| panic!("kubectl {words}: {error}"));
    assert_eq!(ok("create namespace made").await, "namespace/made created\n");
    assert!(ok("create namespace other --dry-run=server").await.contains("(server dry run)"));
    ok("create secret generic s -n made --from-literal=a=b").await;
    assert_eq!(ok("get secret s -n made -o jsonpath={.data.a}").await, "Yg==");
    ok("create configmap c -n made --from-literal=a=b").await;
    assert_eq!(ok("get cm c -n made -o jsonpath={.data}").await, "{\"a\":\"b\"}");
    ok("create serviceaccount sa -n made").await;
    ok("create quota q -n made --hard=pods=3,requests.memory=1Gi").await;
    assert_eq!(ok("get quota q -n made -o jsonpath={.spec.hard.pods}").await, "3");
    ok("create clusterrole look --verb=get,list --resource=pods").await;
    ok("create clusterrolebinding look --clusterrole=look --user=bob").await;
    assert_eq!(ok("auth can-i list pods -n made --kubeconfig bob").await, "yes\n");
    let again = kubectl.run("create namespace made").await.unwrap_err();
    assert!(again.contains("namespaces \"made\" already exists"), "{again}");
    ok("delete ns made --timeout=20s").await;
}
