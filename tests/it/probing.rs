//! Tenants asked on their own ports, through port-forwards: what stand-ins and traps answer, on the simulator and on a node.

use std::time::Duration;

use fleetdeck::{
    cluster::{Asked, Depth},
    fleet::{
        Phase, Probe,
        probe::{Health, Page, Route},
    },
    index::{Delta, fleet::Entry},
};

use crate::conformance::world::{Watching, World};

async fn ready(world: &World, name: &str) -> (String, Watching) {
    let spec = world.spec(name);
    let mut watching = world.watch();
    world.create(&spec).await;
    watching.until(&spec.namespace(), "Ready", |e| e.verdict.phase == Phase::Ready).await;
    (spec.namespace(), watching)
}

fn asked(entry: &Entry) -> Option<Asked> {
    Asked::of(&entry.tenant.namespace_name, entry.tenant.pod()?)
}

/// Gateway, browser and page of a tenant that is well.
async fn a_ready_tenant_answers(world: &World, kind: &str) -> Probe {
    let (namespace, mut watching) = ready(world, "a").await;
    let asked = asked(watching.fleet.get(&namespace).unwrap()).unwrap();
    let probe = world.cluster.probe(&asked, Depth::Deep).await;
    assert_eq!((probe.gateway.word(), probe.gateway.proof), ("serving", Some(Route::Startup)), "{probe:?}");
    assert!(probe.gateway.version.is_some() && probe.gateway.uptime_seconds.is_some(), "{probe:?}");
    let browser = probe.browser.as_ref().unwrap();
    assert_eq!((browser.word(), browser.port, browser.kind.unwrap().word()), ("well", 3_000, kind), "{browser:?}");
    assert_eq!((browser.running, browser.health()), (Some(0), Health::Good), "no page open is no fault");

    // The index keeps it for this pod and for no other.
    let at = world.cluster.clock().now();
    let news = |probe: &Probe| Delta::Probe { namespace: namespace.as_str().into(), probe: Box::new(probe.clone()) };
    assert_eq!(watching.fleet.apply(news(&probe), at).len(), 1);
    assert!(watching.fleet.get(&namespace).unwrap().tenant.probe.is_some());
    let pod = world.cluster.pod(&namespace, "openclaw-0").await.unwrap().unwrap();
    world.cluster.delete_pod(&namespace, "openclaw-0", pod.uid).await.unwrap();
    let replaced = |e: &Entry| e.tenant.pod().is_some_and(|p| p.uid != pod.uid);
    watching.until(&namespace, "replaced", replaced).await;
    assert!(watching.fleet.get(&namespace).unwrap().tenant.probe.is_none());
    assert!(watching.fleet.apply(news(&probe), at).is_empty(), "an answer of the old pod comes too late");
    probe
}

mod on_simulator {
    use super::*;
    use fleetdeck::{
        cluster::{Errand, Errands, Scope},
        sim::{Fault, SimConfig, Target, scenario::Scenario},
    };

    fn with(routes: &str) -> World {
        let scenario = Scenario::parse("probing.toml", routes).unwrap_or_else(|e| panic!("{e}"));
        World::simulated("probing", SimConfig { scenario, ..SimConfig::default() })
    }

    fn route(port: u16, path: &str, status: u16, kind: &str, body: &str) -> String {
        format!(
            "[[sim.http]]\nport = {port}\npath = \"{path}\"\nstatus = {status}\ncontent-type = \"{kind}\"\nbody = '''{body}'''\n"
        )
    }

    #[tokio::test(start_paused = true)]
    async fn a_ready_tenant_answers() {
        let probe = super::a_ready_tenant_answers(&World::simulator("probing"), "browserless").await;
        assert_eq!(probe.gateway.version.as_deref(), Some("2026.8.1"));
    }

    #[tokio::test(start_paused = true)]
    async fn old_versions_strangers_and_tokens_are_told_apart() {
        let page = "<!doctype html><title>OpenClaw Control</title>";
        for (routes, gateway, browser) in [
            // Before /startupz the control UI answers what it does not know.
            (route(18_789, "/startup*", 200, "text/html", page), "serving", "well"),
            (route(18_789, "/*", 200, "text/html", page), "stranger", "well"),
            (
                route(
                    18_789,
                    "/startup*",
                    403,
                    "application/json",
                    r#"{"error":{"type":"proxy_attribution_required"}}"#,
                ) + &route(
                    18_789,
                    "/ready*",
                    403,
                    "application/json",
                    r#"{"error":{"type":"proxy_attribution_required"}}"#,
                ),
                "attribution",
                "well",
            ),
            (route(3_000, "/*", 401, "text/plain", "Bad or missing authentication."), "serving", "unauthorized"),
            (
                route(3_000, "/pressure", 404, "text/plain", "")
                    + &route(
                        3_000,
                        "/json/version",
                        200,
                        "application/json",
                        r#"{"Browser":"Chrome/140.0.0.0","webSocketDebuggerUrl":"ws://x"}"#,
                    )
                    + &route(3_000, "/json/list", 200, "application/json", "[]"),
                "serving",
                "well",
            ),
            (
                route(3_000, "/json/version", 500, "text/plain", "Failed to launch the browser process"),
                "serving",
                "no-devtools",
            ),
            (route(18_789, "/*", 200, "application/json", &"[".repeat(200_000)), "stranger", "well"),
        ] {
            let world = with(&routes);
            let (namespace, watching) = ready(&world, "a").await;
            let asked = asked(watching.fleet.get(&namespace).unwrap()).unwrap();
            let probe = world.cluster.probe(&asked, Depth::Deep).await;
            assert_eq!((probe.gateway.word(), probe.browser.unwrap().word()), (gateway, browser), "{routes}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_light_probe_starts_no_chrome() {
        let world = with(&route(3_000, "/json/version", 500, "text/plain", "Failed to launch the browser process"));
        let (namespace, watching) = ready(&world, "a").await;
        let asked = asked(watching.fleet.get(&namespace).unwrap()).unwrap();
        let light = world.cluster.probe(&asked, Depth::Light).await;
        assert_eq!((light.browser.unwrap().word(), light.deep), ("well", false), "it was not asked for");
    }

    #[tokio::test(start_paused = true)]
    async fn who_does_not_run_is_not_asked_and_who_is_gone_is_said() {
        let world = World::simulator("probing");
        let spec = world.spec("a");
        let mut watching = world.watch();
        world.create(&spec).await;
        let namespace = spec.namespace();
        watching.until(&namespace, "booting", |e| matches!(e.verdict.phase, Phase::Booting { .. })).await;
        assert_eq!(asked(watching.fleet.get(&namespace).unwrap()), None, "its stages run");
        watching.until(&namespace, "Starting", |e| e.verdict.phase == Phase::Starting).await;
        let asked = asked(watching.fleet.get(&namespace).unwrap()).unwrap();
        let probe = world.cluster.probe(&asked, Depth::Light).await;
        assert!(["nothing-listens", "starting"].contains(&probe.gateway.word()), "{probe:?}");
        let uid = world.cluster.namespace_uid(&namespace).await.unwrap().unwrap();
        world.cluster.delete_namespace(&namespace, uid).await.unwrap();
        watching.until(&namespace, "terminating", |e| e.tenant.pod().is_none()).await;
        let probe = world.cluster.probe(&asked, Depth::Light).await;
        assert_eq!((probe.gateway.word(), probe.gateway.health()), ("unasked", Health::Unknown), "{probe:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_cluster_that_refuses_hangs_or_lies_is_no_fault_of_the_tenants() {
        let world = World::simulator("probing");
        let (namespace, watching) = ready(&world, "a").await;
        let asked = asked(watching.fleet.get(&namespace).unwrap()).unwrap();
        let faults = world.sim.as_ref().unwrap().faults();
        for (fault, word) in [
            (Fault::Forbidden, "forbidden"),
            (Fault::Stall, "unasked"),
            (Fault::Html, "unasked"),
            (Fault::Unavailable, "unasked"),
            (Fault::TooManyRequests { retry_after: 600 }, "unasked"),
        ] {
            faults.arm(Target::of("get", "pods/portforward"), fault.clone(), None);
            let began = tokio::time::Instant::now();
            let probe = world.cluster.probe(&asked, Depth::Deep).await;
            assert_eq!((probe.gateway.word(), probe.gateway.health()), (word, Health::Unknown), "{fault:?}: {probe:?}");
            assert!(began.elapsed() < Duration::from_secs(30), "{fault:?}: {:?}", began.elapsed());
            faults.clear();
        }
        assert_eq!(world.cluster.probe(&asked, Depth::Light).await.gateway.word(), "serving");
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_refused_is_not_asked_again_until_a_person_says_so() {
        let world = World::simulator("probing");
        let (namespace, watching) = ready(&world, "a").await;
        let asked = asked(watching.fleet.get(&namespace).unwrap()).unwrap();
        let faults = world.sim.as_ref().unwrap().faults();
        faults.arm(Target::of("get", "pods/portforward"), Fault::Forbidden, None);
        let (send, mut deltas) = tokio::sync::mpsc::channel(16);
        let errands = Errands::start(&world.cluster, &Scope::default(), &send);
        let ask = async |deltas: &mut tokio::sync::mpsc::Receiver<Delta>| {
            errands.run(Errand::Probe(asked.clone(), Depth::Light));
            match tokio::time::timeout(Duration::from_secs(120), deltas.recv()).await {
                Ok(Some(Delta::Probe { probe, .. })) => Some(probe.gateway.word()),
                Ok(other) => panic!("{other:?}"),
                Err(_) => None,
            }
        };
        assert_eq!(ask(&mut deltas).await, Some("forbidden"));
        let hits = faults.hits();
        assert_eq!(ask(&mut deltas).await, None);
        assert_eq!(faults.hits(), hits, "not one request more");
        faults.clear();
        errands.retry();
        assert_eq!(ask(&mut deltas).await, Some("serving"));
        // Whoever leaves is not told.
        errands.run(Errand::Probe(asked.clone(), Depth::Light));
        errands.leave(asked.namespace.clone());
        assert!(tokio::time::timeout(Duration::from_secs(60), deltas.recv()).await.is_err());
    }
}

mod on_real_node {
    use super::*;
    use crate::controlplane::RealNode;

    #[tokio::test]
    async fn a_ready_tenant_answers() {
        let Some(node) = RealNode::from_env() else { return };
        let world = World::real(&node.kubeconfig_path()).await.apart("well");
        let probe = super::a_ready_tenant_answers(&world, "browserless").await;
        assert_eq!(probe.page.as_ref().map(Page::word), Some("answers"), "{probe:?}");
        world.clean().await;
    }

    #[tokio::test]
    async fn a_port_that_nobody_listens_on_is_told_from_one_that_is_silent() {
        let Some(node) = RealNode::from_env() else { return };
        let world = World::real(&node.kubeconfig_path()).await.apart("late");
        let spec = world.spec("late");
        let mut watching = world.watch();
        world.create(&spec).await;
        let namespace = spec.namespace();
        watching.until(&namespace, "Starting", |e| e.tenant.pod().is_some() && asked(e).is_some()).await;
        let asked = asked(watching.fleet.get(&namespace).unwrap()).unwrap();
        let probe = world.cluster.probe(&asked, Depth::Light).await;
        // Its gateway starts for some seconds: it says so, or does not listen yet.
        assert!(["nothing-listens", "starting"].contains(&probe.gateway.word()), "{probe:?}");
        world.clean().await;
    }
}
