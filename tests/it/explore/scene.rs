//! The fleet that every story begins with: made once in a process, and shared.

use std::sync::OnceLock;

use fleetdeck::{
    cluster::{Address, Only},
    manifest::TenantSpec,
    plan::{End, Intent},
    sim::{
        Frozen, Sim, SimConfig,
        scenario::{Rule, Scenario},
    },
};

use crate::conformance::{
    acting::{Operator, one, ready},
    adopting::made_by_kubectl,
    world::World,
};

/// Tenants that run; the first has snapshots.
pub const AWAKE: [&str; 4] = ["a", "b", "c", "d"];
/// Suspended; parked; made by kubectl.
pub const ASLEEP: &str = "e";
pub const PARKED: &str = "p";
pub const FOREIGN: &str = "k";
/// Not there yet.
pub const NEW: &str = "n";

/// A world of its own that begins with the fleet.
pub fn world(seed: u64) -> World {
    World::of("explore", Sim::thaw(SimConfig { seed, scenario: quick(), ..SimConfig::default() }, frozen()), 1.0)
}

/// Containers start and end at once, so that a boot is a handful of writes: runs do not look at stages.
fn quick() -> Scenario {
    let mut scenario = Scenario::builtin();
    scenario.rule.push(Rule::parse("quick", "run-seconds = [0, 0]\nstart-seconds = [0, 0]").unwrap());
    scenario
}

pub fn namespace(name: &str) -> String {
    format!("tenant-s-e-{name}")
}

fn frozen() -> &'static Frozen {
    static FROZEN: OnceLock<Frozen> = OnceLock::new();
    FROZEN.get_or_init(|| {
        // A runtime of its own: who asks may be in one.
        std::thread::spawn(|| super::paused(Box::pin(made()))).join().unwrap()
    })
}

async fn made() -> Frozen {
    fastrand::seed(0);
    let start = jiff::Timestamp::from_second(1_790_000_000).unwrap();
    let world = World::simulated("explore", SimConfig { seed: 0, start, scenario: quick(), ..SimConfig::default() });
    for name in AWAKE.into_iter().chain([PARKED]) {
        world.create(&world.spec(name)).await;
    }
    world.create(&TenantSpec { suspended: true, ..world.spec(ASLEEP) }).await;
    made_by_kubectl(&world, &world.spec(FOREIGN)).await;
    let mut operator = Operator::new(&world).await;
    for name in AWAKE.into_iter().chain([PARKED, FOREIGN]) {
        assert_eq!(world.spec(name).namespace(), namespace(name));
        operator.watching.until(&namespace(name), "Ready", ready).await;
    }
    for (kind, name) in [("Ingress", "openclaw"), ("Service", "openclaw"), ("StatefulSet", "openclaw")] {
        let at = Address::kind(kind, &namespace(PARKED), name).unwrap();
        let live = world.cluster.object(&at).await.unwrap().unwrap();
        let only = Only { uid: live["metadata"]["uid"].as_str().unwrap().parse().unwrap(), version: None };
        world.cluster.remove(&at, only, fleetdeck::cluster::Mode::Live).await.unwrap();
    }
    let name = namespace(AWAKE[0]);
    let plan = operator.plan(Intent::Snapshot { class: None }, one(), &[&name], ready).await.unwrap();
    assert_eq!(operator.run(&plan).await.end(), End::Done);
    operator.watching.until(&namespace(PARKED), "parked", |e| e.tenant.pod().is_none()).await;
    tokio::time::sleep(std::time::Duration::from_secs(60)).await;
    world.sim().freeze()
}
