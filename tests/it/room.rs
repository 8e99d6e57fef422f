//! How many more tenants fit: on the simulator's nodes, on the real API server's, and on a real one.

use fleetdeck::{
    cluster::Scope,
    fleet::Phase,
    index::{
        Delta,
        capacity::{Capacity, OneMore, Scaling},
    },
    manifest::{Base, tier_sizes},
};

use crate::conformance::world::World;

fn asks() -> Vec<OneMore> {
    let sizes = tier_sizes(&Base::embedded().unwrap());
    assert_eq!(sizes.iter().map(|s| s.tier.as_str()).collect::<Vec<_>>(), ["pro", "max"]);
    assert!(sizes.iter().all(|s| s.volumes == 2));
    let ask = |s: &fleetdeck::manifest::TierSize| {
        let of = |resource: &str| s.amount(resource).unwrap();
        OneMore { tier: s.tier.clone(), cpu: of("requests.cpu"), memory: of("requests.memory"), disks: s.volumes }
    };
    sizes.iter().map(ask).collect()
}

/// A tenant takes from its node what its tier asks for, and whoever is not a tenant counts, too.
async fn room_is_what_tenants_leave(world: &World) {
    let mut watching = world.watch();
    watching.settle().await;
    let facts = world.cluster.pool_facts(&Scope::default()).await;
    let before = Capacity::of(&watching.fleet, Some(&facts), &asks());
    assert!(!before.nodes.is_empty() && facts.others.is_ok() && facts.disks.is_ok(), "{facts:?}");
    assert_eq!(before.scaling, Scaling::None, "nobody made an autoscaler");

    let spec = world.spec("room");
    let namespace = spec.namespace();
    world.create(&spec).await;
    let counted = |e: &fleetdeck::index::fleet::Entry| {
        e.verdict.phase == Phase::Ready
            && e.tenant
                .quota()
                .and_then(|q| q.entry("requests.memory"))
                .is_some_and(|e| e.used.is_some_and(|u| u.milli() > 0))
    };
    watching.until(&namespace, "Ready and counted", counted).await;
    let facts = world.cluster.pool_facts(&Scope::default()).await;
    watching.fleet.apply(Delta::Pool(Box::new(facts)), world.cluster.clock().now());
    let node = watching.fleet.get(&namespace).unwrap().tenant.pod().unwrap().node.clone().unwrap();
    let after = Capacity::of(&watching.fleet, watching.fleet.pool_facts(), &asks());
    let of = |capacity: &Capacity| capacity.nodes.iter().find(|n| n.name == node).unwrap().clone();
    let (was, is) = (of(&before), of(&after));
    let quota = watching.fleet.get(&namespace).unwrap().tenant.quota().unwrap().clone();
    let used = |resource: &str| quota.entry(resource).unwrap().used.unwrap();
    // Others' tenants may come and go beside this story; this one's share is there all the same.
    assert!(is.cpu.taken >= used("requests.cpu") && is.memory.taken >= used("requests.memory"), "{is:?}");
    assert!(is.tenants >= 1 && was.name == is.name);
    assert!(is.pods.taken.value() >= 1 && is.pods.whole.is_some());
    let fits = after.fits[0].unwrap();
    assert!(fits > 0 && fits >= after.fits[1].unwrap(), "{}", after.sentence());
}

#[tokio::test(start_paused = true)]
async fn on_the_simulator_room_is_what_tenants_leave() {
    room_is_what_tenants_leave(&World::simulator("room")).await;
}

mod on_control_plane {
    use super::*;

    #[tokio::test]
    async fn room_is_what_tenants_leave() {
        let Some(world) = World::control_plane("room").await else { return };
        super::room_is_what_tenants_leave(&world).await;
        world.clean().await;
    }
}
