//! What needs a kubelet: three stand-in tenants on a real node, created, watched and replaced as the program does it.

pub(super) mod on_real_node {
    use std::time::Duration;

    use fleetdeck::{
        cluster::Meters,
        fleet::{Boot, Phase},
        index::Delta,
    };
    use futures::AsyncBufReadExt as _;
    use k8s_openapi::api::core::v1::Pod;
    use kube::{
        Api, Client,
        api::{AttachParams, LogParams},
    };
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use crate::{conformance::world::World, controlplane::RealNode};

    pub(in crate::conformance) const POD: &str = "openclaw-0";

    /// One GET of a pod's port, through the API server; status line and body.
    async fn get(pods: &Api<Pod>, port: u16, path: &str) -> String {
        let mut forward = pods.portforward(POD, &[port]).await.unwrap();
        let mut stream = forward.take_stream(port).unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        forward.abort();
        String::from_utf8_lossy(&answer).into_owned()
    }

    /// What a script says that runs in the gateway's container.
    pub(in crate::conformance) async fn run(pods: &Api<Pod>, script: &str) -> String {
        let params = AttachParams::default().container("gateway").stderr(false);
        let mut process = pods.exec(POD, ["/bin/sh", "-c", script], &params).await.unwrap();
        let mut output = String::new();
        process.stdout().unwrap().read_to_string(&mut output).await.unwrap();
        output
    }

    fn pods(client: &Client, namespace: &str) -> Api<Pod> {
        Api::namespaced(client.clone(), namespace)
    }

    /// Whole lines of a container's log, at least `wanted` of them.
    async fn lines(pods: &Api<Pod>, container: &str, follow: bool, wanted: usize) -> Vec<String> {
        let params = LogParams { container: Some(container.to_owned()), follow, ..LogParams::default() };
        let mut stream = pods.log_stream(POD, &params).await.unwrap();
        let mut lines = Vec::new();
        let mut line = String::new();
        while lines.len() < wanted && stream.read_line(&mut line).await.unwrap() > 0 {
            lines.push(std::mem::take(&mut line));
        }
        lines
    }

    #[tokio::test]
    async fn stand_in_tenants_boot_serve_and_keep_their_files() {
        let Some(node) = RealNode::from_env() else { return };
        let world = World::real(&node.kubeconfig_path()).await;
        let client = node.client().await;
        let mut watching = world.watch();
        watching.settle().await;
        let specs = ["a", "b", "c"].map(|name| world.spec(name));
        for spec in &specs {
            world.create(spec).await;
        }
        for spec in &specs {
            let seen = watching.until(&spec.namespace(), "Ready", |e| e.verdict.phase == Phase::Ready).await;
            assert!(!seen.iter().any(|p| p == "Failing" || p == "Degraded"), "{seen:?}");
            let tenant = &watching.fleet.get(&spec.namespace()).unwrap().tenant;
            let boot = Boot::of(tenant.pod().unwrap());
            assert_eq!(boot.stages(), (7, 7));
            // The parts of the boot add up to its wall time; Kubernetes counts whole seconds.
            let pod = tenant.pod().unwrap();
            let wall = pod.ready.as_ref().unwrap().since.unwrap().since(pod.created.unwrap());
            let parts: u32 = boot.steps.iter().filter_map(|s| s.state.seconds(pod.created.unwrap())).sum();
            assert!(parts <= wall + 1 && parts + 12 >= wall, "{parts} of {wall} s: {boot:?}");
        }

        let namespace = specs[0].namespace();
        let pods = pods(&client, &namespace);
        for (port, path, proof) in [
            (18_789, "/healthz", r#"{"ok":true,"status":"live"}"#),
            (18_789, "/readyz", r#""ready":true"#),
            (18_789, "/startupz", r#""status":"started""#),
            (3_000, "/json/version", "webSocketDebuggerUrl"),
            (3_000, "/pressure", r#""isAvailable":true"#),
            (6_901, "/", "browser"),
        ] {
            let answer = get(&pods, port, path).await;
            assert!(answer.starts_with("HTTP/1.1 200") && answer.contains(proof), "{port}{path}: {answer}");
        }

        let stage = lines(&pods, "seed-app", false, usize::MAX).await;
        assert!(stage.last().unwrap().contains("done"), "{stage:?}");
        let gateway = lines(&pods, "gateway", true, 6).await;
        assert!(gateway.iter().any(|l| l.contains("listening on")), "{gateway:?}");

        // Volumes, by the kubelet's own statistics.
        let (to, mut measures) = tokio::sync::mpsc::channel(16);
        let meters = Meters::start(&world.cluster, "openclaw.ai/tenant", &to);
        meters.nodes(Meters::nodes_of(&watching.fleet));
        let deadline = tokio::time::Instant::now() + Duration::from_secs(150);
        let known = |fleet: &fleetdeck::index::Fleet| {
            let claims = &fleet.get(&namespace).unwrap().tenant.claims;
            claims.iter().all(|c| c.usage.is_some_and(|u| u.used > 0 && u.capacity > 0 && u.inodes > 0))
        };
        while !known(&watching.fleet) {
            let delta = tokio::time::timeout_at(deadline, measures.recv()).await;
            let delta: Delta = delta.expect("the volumes were measured in time").unwrap();
            watching.fleet.apply(delta, world.cluster.clock().now());
        }

        // A replaced pod finds what the one before it left.
        run(&pods, "echo 'kept, byte for byte' > /home/node/.openclaw/workspace/note.txt").await;
        let old = world.cluster.pod(&namespace, POD).await.unwrap().unwrap();
        world.cluster.delete_pod(&namespace, POD, old.uid).await.unwrap();
        let replaced = |e: &fleetdeck::index::fleet::Entry| {
            e.verdict.phase == Phase::Ready && e.tenant.pod().is_some_and(|p| p.uid != old.uid)
        };
        let seen = watching.until(&namespace, "Ready again", replaced).await;
        assert!(seen.iter().any(|p| p == "Updating") && seen.iter().any(|p| p.starts_with("Booting(")), "{seen:?}");
        assert_eq!(run(&pods, "cat /home/node/.openclaw/workspace/note.txt").await, "kept, byte for byte\n");
        let again = lines(&pods, "seed-app", false, usize::MAX).await;
        assert!(again.last().unwrap().contains("the volume has"), "the app is not copied again: {again:?}");
        world.clean().await;
    }
}
