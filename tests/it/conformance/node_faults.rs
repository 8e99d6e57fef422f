//! Troubles that only a kubelet can make: a real kill for memory, a real probe that fails, a volume that is really full.

mod on_real_node {
    use fleetdeck::{
        cluster::{Address, Asked, Errand, Errands, Scope},
        diagnose::{Board, Code, Tiers},
        fleet::Phase,
        index::Entry,
        manifest::TenantSpec,
    };
    use kube::Api;
    use serde_json::{Value, json};
    use tokio::{
        sync::mpsc,
        time::{Duration, Instant, timeout},
    };

    use crate::{
        conformance::{
            node::on_real_node::{POD, run},
            world::{Watching, World},
        },
        controlplane::RealNode,
    };

    /// Changes the gateway's container by hand, and lets the pod be made anew.
    async fn broken(world: &World, spec: &TenantSpec, mut change: Value) {
        change["name"] = "gateway".into();
        made_otherwise(world, spec, json!({ "containers": [change] })).await;
    }

    /// Changes what the pod is made of by hand, and lets it be made anew.
    async fn made_otherwise(world: &World, spec: &TenantSpec, change: Value) {
        let namespace = spec.namespace();
        let patch = json!({ "spec": { "template": { "spec": change } } });
        let patched = world.cluster.patch("apps/v1", "StatefulSet", &namespace, "openclaw", "kubectl-edit", &patch);
        patched.await.unwrap();
        // The next pod is to be of the new template.
        let at = Address::kind("StatefulSet", &namespace, "openclaw").unwrap();
        loop {
            let set = world.cluster.object(&at).await.unwrap().unwrap();
            if set["metadata"]["generation"] == set["status"]["observedGeneration"] {
                break;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        let pod = world.cluster.pod(&namespace, POD).await.unwrap().unwrap();
        world.cluster.delete_pod(&namespace, POD, pod.uid).await.unwrap();
    }

    /// Follows the tenant until this is found in it; the finding's sentence.
    async fn found(world: &World, watching: &mut Watching, spec: &TenantSpec, wanted: &[Code]) -> String {
        let namespace = spec.namespace();
        let mut board = Board::new(Tiers::default());
        let end = Instant::now() + Duration::from_secs(180);
        loop {
            board.update_all(&watching.fleet, world.cluster.clock().now());
            if let Some(finding) = board.of(&namespace).iter().find(|f| wanted.contains(&f.code)) {
                return finding.sentence.to_string();
            }
            assert!(Instant::now() < end, "{namespace} has none of {wanted:?}, but {:?}", board.of(&namespace));
            watching.step("what is found").await;
        }
    }

    #[tokio::test]
    async fn what_a_kubelet_does_to_a_tenant_is_told() {
        let Some(node) = RealNode::from_env() else { return };
        let world = World::real(&node.kubeconfig_path()).await.apart("faults");
        let mut watching = world.watch();
        watching.settle().await;
        let specs = ["oom", "live", "full", "bound"].map(|name| world.spec(name));
        for spec in &specs {
            world.create(spec).await;
        }
        let ready = |e: &Entry| e.verdict.phase == Phase::Ready;
        for spec in &specs {
            watching.until(&spec.namespace(), "Ready", ready).await;
        }
        let [oom, live, full, bound] = &specs;

        // Twice as much as it may have, in one piece.
        let eats = "sleep 2; exec dd if=/dev/zero of=/dev/null bs=128M count=1";
        let limits = json!({ "requests": { "memory": "64Mi" }, "limits": { "memory": "64Mi" } });
        broken(&world, oom, json!({ "command": ["/bin/sh", "-c", eats], "resources": limits })).await;
        // Alive once, and never again.
        let probe = json!({ "exec": { "command": ["/bin/false"] }, "initialDelaySeconds": 3, "periodSeconds": 1, "failureThreshold": 1, "httpGet": null });
        let none = Value::Null;
        broken(&world, live, json!({ "livenessProbe": probe, "startupProbe": none })).await;
        // Blocks that are taken and never written cost the machine nothing.
        let client = node.client().await;
        let script = "cd /home/node/.openclaw; set -- $(df -P -k . | tail -n 1); fallocate -l $(($4 * 1000)) filler 2>&1; df -P -k .";
        let told = run(&Api::namespaced(client, &full.namespace()), script).await;
        assert!(told.lines().any(|line| line.contains("98%") || line.contains("97%")), "{told}");
        let (send, mut deltas) = mpsc::channel(16);
        let errands = Errands::start(&world.cluster, &Scope::default(), &send);
        let tenant = &watching.fleet.get(&full.namespace()).unwrap().tenant;
        errands.run(Errand::Disks(Asked::of(&tenant.namespace_name, tenant.pod().unwrap()).unwrap()));
        let measured = timeout(Duration::from_secs(60), deltas.recv()).await.unwrap().unwrap();
        watching.fleet.apply(measured, world.cluster.clock().now());
        let said = found(&world, &mut watching, full, &[Code::VolumeFull, Code::VolumeFilling]).await;
        assert!(said.contains("config-data"), "{said}: {told}");
        assert_eq!(found(&world, &mut watching, oom, &[Code::GatewayOom]).await.matches("memory").count(), 1);
        let said = found(&world, &mut watching, live, &[Code::ProbeKills]).await;
        assert!(said.contains("liveness probe"), "{said}");

        // Bound past the scheduler to a node that its selector does not take: the kubelet turns each pod away, ten a second.
        let namespace = bound.namespace();
        let home = watching.fleet.get(&namespace).unwrap().tenant.pod().unwrap().node.clone().unwrap();
        let past = json!({ "nodeName": home.as_str(), "nodeSelector": { "example.com/nowhere": "x" } });
        made_otherwise(&world, bound, past).await;
        let turned_away =
            |e: &Entry| e.verdict.phase == Phase::Failing && e.verdict.why.starts_with("its pods end as they");
        watching.until(&namespace, "turned away", turned_away).await;
        let said = found(&world, &mut watching, bound, &[Code::PodEnded]).await;
        assert!(said.starts_with("each pod that is made for it ends at once: NodeAffinity: Predicate"), "{said}");
        let asleep = json!({ "spec": { "replicas": 0 } });
        world.cluster.patch("apps/v1", "StatefulSet", &namespace, "openclaw", "kubectl-edit", &asleep).await.unwrap();
        watching.until(&namespace, "asleep", |e| e.verdict.phase == Phase::Suspended && e.tenant.pod().is_none()).await;
        world.clean().await;
    }
}
