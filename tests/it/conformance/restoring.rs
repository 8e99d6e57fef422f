//! Snapshots, and a tenant on new claims made from them.

use fleetdeck::{
    engine::{compare, dry},
    index::Entry,
    plan::{End, Intent, State, Why},
};

use crate::{
    conformance::{
        acting::{CONTROL, Operator, claims, one, ready},
        world::World,
    },
    controlplane::ControlPlane,
};

#[tokio::test(start_paused = true)]
async fn a_tenant_is_restored_beside_what_it_had_on_simulator() {
    let world = World::simulator("a_tenant_is_restored_beside_what_it_had");
    a_tenant_is_restored_beside_what_it_had(&world).await;
}

#[tokio::test]
async fn a_tenant_is_restored_beside_what_it_had_on_control_plane() {
    let Some(plane) = ControlPlane::shared() else { return };
    let driver = plane.serve_snapshots().await;
    let world = World::of_plane(plane, "a_tenant_is_restored_beside_what_it_had").await;
    a_tenant_is_restored_beside_what_it_had(&world).await;
    world.clean().await;
    driver.abort();
}

async fn a_tenant_is_restored_beside_what_it_had(world: &World) {
    let mut operator = Operator::new(world).await;
    let spec = world.spec("a");
    let name = spec.namespace();
    operator.create(&spec).await;
    let before = claims(operator.entry(&name));
    let pod = operator.entry(&name).tenant.pod().unwrap().uid;

    let plan = operator.plan(Intent::Snapshot { class: None }, one(), &[&name], ready).await.unwrap();
    let told = operator.run(&plan).await;
    let State::Done { said, down: None } = told.state(&name) else { panic!("{}", told.said()) };
    assert!(said.contains("(20Gi)") && said.ends_with("can be used"), "{said}");
    // Done once more it finds what it has made.
    assert_eq!(operator.run(&plan).await.end(), End::Done);
    let snapshots = world.cluster.objects("VolumeSnapshot", &name, "openclaw.ai/tenant").await.unwrap();
    assert_eq!(snapshots.len(), 2);
    let of = |claim: &str| {
        let of = |s: &&serde_json::Value| s["spec"]["source"]["persistentVolumeClaimName"] == claim;
        snapshots.iter().find(of).unwrap()["metadata"]["name"].as_str().unwrap().to_owned()
    };

    let none = Intent::Restore { app: Some("nothing".to_owned()), config: None };
    let refusal = operator.plan(none, one(), &[&name], ready).await.unwrap_err();
    assert!(refusal.0[0].why == Why::BadInput && refusal.to_string().contains(&of("app-data")), "{refusal}");
    let intent = Intent::Restore { app: Some(of("app-data")), config: Some(of("config-data")) };
    let plan = operator.plan(intent, one(), &[&name], ready).await.unwrap();
    let turn = plan.turns().next().unwrap();
    let verdicts = dry::dry_run(&world.cluster, &operator.base, &plan, turn, CONTROL).await;
    assert!(verdicts.iter().all(|v| v.refused.is_none()), "{verdicts:?}");
    let told = operator.run(&plan).await;
    let State::Done { down: Some(_), .. } = told.state(&name) else { panic!("{}", told.said()) };
    let restored = |e: &Entry| ready(e) && e.tenant.claims.len() == 4 && e.tenant.pod().unwrap().uid != pod;
    operator.watching.until(&name, "restored", restored).await;
    let after = claims(operator.entry(&name));
    assert!(before.iter().all(|(claim, uid)| after.get(claim) == Some(uid)), "what it had is there still: {after:?}");
    let wanted = &plan.turns().next().unwrap().spec.as_deref().unwrap().volumes;
    for (claim, snapshot) in [(&wanted.app, of("app-data")), (&wanted.config, of("config-data"))] {
        let at = fleetdeck::cluster::Address::kind("PersistentVolumeClaim", &name, &claim.name).unwrap();
        let live = world.cluster.object(&at).await.unwrap().unwrap();
        for field in ["dataSource", "dataSourceRef"] {
            assert_eq!(live["spec"][field]["name"], snapshot.as_str(), "{live}");
        }
        assert_eq!(live["status"]["phase"], "Bound");
    }
    // The next apply takes no source away, for it stands in the spec.
    let compared = compare(&world.cluster, &operator.base, &name, true).await.unwrap().unwrap();
    assert!(compared.drift.is_empty(), "{compared:?}");
    let plan = operator.plan(Intent::Reprovision, one(), &[&name], restored).await.unwrap();
    let told = operator.run(&plan).await;
    assert_eq!(told.end(), End::Done, "{}", told.said());
    assert!(told.said().contains("4 volumes are there, by UID"), "{}", told.said());
}
