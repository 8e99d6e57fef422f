//! How full volumes are: from Prometheus, whatever it answers, and from `df` inside a pod.

use std::time::Duration;

use fleetdeck::{
    cluster::{Asked, Cluster, Errand, Errands, Meters, Prometheus, Scope},
    fleet::{Phase, VolumeSource},
    index::{Delta, Fleet, Link, Measure, Meter},
};
use tokio::{sync::mpsc, time::timeout};

use crate::{
    conformance::world::World,
    scripted::{Reply, Server, json},
};

/// A cluster that lets nobody ask its kubelets and serves no metrics.
fn closed() -> Server {
    Server::new(|path| match path.contains("/proxy/") {
        true => Reply::Json(403, json::status(403, "Forbidden", "nodes/proxy is forbidden")),
        false => Reply::Json(404, json::status(404, "NotFound", "no metrics")),
    })
}

fn cluster(server: &Server) -> Cluster {
    let start = fleetdeck::fleet::At::parse("2026-11-24T20:00:00Z").unwrap();
    fleetdeck::cluster::over(server.connector(), "script", fleetdeck::cluster::Clock::scaled(start, 1.0))
}

fn series(name: &str, claim: &str, value: &str) -> String {
    format!(
        r#"{{"metric":{{"__name__":"{name}","namespace":"tenant-t1","persistentvolumeclaim":"{claim}"}},"value":[1790000000,"{value}"]}}"#
    )
}

fn answer(series: &[String]) -> String {
    format!(r#"{{"status":"success","data":{{"resultType":"vector","result":[{}]}}}}"#, series.join(","))
}

/// What a fleet's meters say in this time, with a store that answers so.
async fn metered(store: &Server, time: Duration) -> (Vec<Measure>, Vec<Link>) {
    let cluster = cluster(&closed());
    let (send, mut deltas) = mpsc::channel(64);
    let mut meters = Meters::start(&cluster, "openclaw.ai/tenant", &send);
    meters.nodes(std::collections::BTreeSet::new());
    let url = format!("http://{}/prom/", store.listen());
    meters.consult(&cluster, Prometheus { url, ..Prometheus::default() }, &send);
    let (mut measures, mut links) = (Vec::new(), Vec::new());
    let all = async {
        while let Some(delta) = deltas.recv().await {
            match delta {
                Delta::Measures(Meter::Prometheus, found) => measures.extend(found),
                Delta::MeterLink(Meter::Prometheus, link) => links.push(link),
                _ => {}
            }
        }
    };
    _ = timeout(time, all).await;
    (measures, links)
}

#[tokio::test]
async fn one_query_tells_of_the_whole_fleet() {
    let store = Server::new(|path| {
        assert!(path.starts_with("/prom/api/v1/query?query="), "{path}");
        let name = |what: &str| format!("kubelet_volume_stats_{what}");
        Reply::Json(
            200,
            if path.contains("deriv") {
                answer(&[series("", "app-data", "1048576")])
            } else {
                answer(&[
                    series(&name("used_bytes"), "app-data", "7516192768"),
                    series(&name("capacity_bytes"), "app-data", "21474836480"),
                ])
            },
        )
    });
    let (measures, links) = metered(&store, Duration::from_secs(3)).await;
    assert_eq!(links, [Link::Polling { every: 60 }]);
    assert_eq!(store.asked().len(), 2, "volumes, and their growth: {:?}", store.asked());
    let [Measure::Volume { usage, .. }, Measure::Growth { growth, .. }] = &*measures else { panic!("{measures:?}") };
    assert_eq!((usage.percent(), usage.source, growth.bytes_per_day), (Some(35), VolumeSource::Prometheus, 1 << 20));
}

#[tokio::test]
async fn whatever_prometheus_answers_only_its_own_source_suffers() {
    let long = "x".repeat(1 << 20);
    let huge = move || {
        let (send, pieces) = mpsc::channel(4);
        let piece = long.clone();
        tokio::spawn(async move { while send.send(piece.clone()).await.is_ok() {} });
        Reply::Stream(pieces)
    };
    type Answer = Box<dyn Fn() -> Reply + Send + Sync>;
    let cases: [(&str, Answer, &str); 7] = [
        (
            "html",
            Box::new(|| {
                Reply::Raw("HTTP/1.1 200 X\r\nContent-Length: 31\r\n\r\n<html><title>Login</title></a>.".to_owned())
            }),
            "web page",
        ),
        ("error", Box::new(|| Reply::Json(400, r#"{"status":"error","errorType":"bad_data"}"#.to_owned())), "(400)"),
        ("failure", Box::new(|| Reply::Json(200, r#"{"status":"error"}"#.to_owned())), "status \"error\""),
        ("cut", Box::new(|| Reply::Cut(vec![r#"{"status":"succ"#.to_owned()])), "Prometheus"),
        ("refused", Box::new(|| Reply::Json(401, "{}".to_owned())), "401"),
        ("gone", Box::new(|| Reply::Close), "closed the connection"),
        ("huge", Box::new(huge), "longer than 96 MiB"),
    ];
    for (name, reply, words) in cases {
        let store = Server::new(move |_| reply());
        let (measures, links) = metered(&store, Duration::from_secs(4)).await;
        assert!(measures.is_empty(), "{name}");
        let [Link::Broken { why, .. } | Link::Forbidden { why } | Link::Absent { why }] = &*links else {
            panic!("{name}: {links:?}")
        };
        assert!(why.contains(words), "{name}: {why}");
        assert_eq!(store.asked().len(), 1, "{name}: not again at once");
    }
}

/// `df` in the pod of a tenant that is ready.
async fn df_tells_what_volumes_hold(world: &World) {
    let spec = world.spec("df");
    let namespace = spec.namespace();
    let mut watching = world.watch();
    world.create(&spec).await;
    watching.until(&namespace, "Ready", |e| e.verdict.phase == Phase::Ready).await;
    let tenant = &watching.fleet.get(&namespace).unwrap().tenant;
    let asked = Asked::of(&tenant.namespace_name, tenant.pod().unwrap()).unwrap();
    let (send, mut deltas) = mpsc::channel(16);
    let errands = Errands::start(&world.cluster, &Scope::default(), &send);
    errands.run(Errand::Disks(asked));
    let found = timeout(Duration::from_secs(60), deltas.recv()).await.unwrap().unwrap();
    assert!(matches!(&found, Delta::Measured(all) if all.len() == 2), "{found:?}");
    watching.fleet.apply(found, world.cluster.clock().now());
    for claim in &watching.fleet.get(&namespace).unwrap().tenant.claims {
        let usage = claim.usage.unwrap();
        assert_eq!(usage.source, VolumeSource::Df);
        assert!(usage.used > 0 && usage.capacity > usage.used, "{claim:?}");
    }
}

mod on_simulator {
    use super::*;
    use fleetdeck::sim::{Fault, Target};

    #[tokio::test(start_paused = true)]
    async fn df_tells_what_volumes_hold() {
        super::df_tells_what_volumes_hold(&World::simulator("measuring")).await;
    }

    #[tokio::test(start_paused = true)]
    async fn who_may_run_nothing_is_told() {
        let world = World::simulator("measuring");
        let spec = world.spec("df");
        let namespace = spec.namespace();
        let mut watching = world.watch();
        world.create(&spec).await;
        watching.until(&namespace, "Ready", |e| e.verdict.phase == Phase::Ready).await;
        world.sim.as_ref().unwrap().faults().arm(Target::of("get", "pods/exec"), Fault::Forbidden, None);
        let error = world.cluster.disks(&namespace.as_str().into(), "openclaw-0").await.unwrap_err();
        assert!(error.said.contains("may not open a shell in pods"), "{}", error.said);
    }

    #[tokio::test(start_paused = true)]
    async fn a_volume_that_fills_is_seen_to_fill() {
        let world = World::simulator("measuring");
        let spec = world.spec("a");
        let namespace = spec.namespace();
        let mut watching = world.watch();
        world.create(&spec).await;
        watching.until(&namespace, "Ready", |e| e.verdict.phase == Phase::Ready).await;
        let (send, mut deltas) = mpsc::channel(16);
        let meters = Meters::start(&world.cluster, "openclaw.ai/tenant", &send);
        meters.nodes(Meters::nodes_of(&watching.fleet));
        let fleet: &mut Fleet = &mut watching.fleet;
        let hours = async {
            while let Some(delta) = deltas.recv().await {
                fleet.apply(delta, world.cluster.clock().now());
            }
        };
        _ = timeout(Duration::from_secs(3 * 3_600), hours).await;
        // The simulator's volumes grow by a fifth of a percent an hour.
        for claim in &watching.fleet.get(&namespace).unwrap().tenant.claims {
            let growth = claim.growth.expect("three hours are enough");
            let percent = growth.bytes_per_day as f64 * 100.0 / claim.usage.unwrap().capacity as f64;
            assert!((4.0..5.6).contains(&percent), "{percent} % a day: {claim:?}");
            assert!(claim.seconds_to_full().unwrap() > 10 * 86_400 && !growth.recorded);
        }
    }
}

mod on_real_node {
    use super::*;
    use crate::controlplane::RealNode;

    #[tokio::test]
    async fn df_tells_what_volumes_hold() {
        let Some(node) = RealNode::from_env() else { return };
        let world = World::real(&node.kubeconfig_path()).await.apart("disk");
        super::df_tells_what_volumes_hold(&world).await;
        world.clean().await;
    }
}
