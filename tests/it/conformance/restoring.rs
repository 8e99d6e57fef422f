//! Snapshots, and a tenant on new claims made from them.

use fleetdeck::{
    engine::{Proposal, compare, dry},
    fleet::name::Holds,
    index::Entry,
    plan::{Care, End, Intent, State, Why},
    sim::scenario::Scenario,
};

use crate::{
    conformance::{
        acting::{CONTROL, Operator, claims, image, one, ready},
        pulling::{carry_out, propose},
        world::World,
    },
    controlplane::ControlPlane,
};

#[tokio::test(start_paused = true)]
async fn a_tenant_is_restored_beside_what_it_had_on_simulator() {
    let world = World::simulator("a_tenant_is_restored_beside_what_it_had");
    Box::pin(a_tenant_is_restored_beside_what_it_had(&world)).await;
}

#[tokio::test]
async fn a_tenant_is_restored_beside_what_it_had_on_control_plane() {
    let Some(plane) = ControlPlane::shared() else { return };
    let driver = plane.serve_snapshots().await;
    let world = World::of_plane(plane, "a_tenant_is_restored_beside_what_it_had").await;
    Box::pin(a_tenant_is_restored_beside_what_it_had(&world)).await;
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
    // Of two claims for one thing it is the newer that counts.
    let shown = |holds| operator.entry(&name).tenant.claim_for(holds).unwrap().name.to_string();
    assert_eq!([Holds::App, Holds::Config].map(shown), [wanted.app.name.clone(), wanted.config.name.clone()]);
    // The next apply takes no source away, for it stands in the spec.
    let compared = compare(&world.cluster, &operator.base, &name, true).await.unwrap().unwrap();
    assert!(compared.drift.is_empty(), "{compared:?}");
    let plan = operator.plan(Intent::Reprovision { image: None }, one(), &[&name], restored).await.unwrap();
    let told = operator.run(&plan).await;
    assert_eq!(told.end(), End::Done, "{}", told.said());
    assert!(told.said().contains("4 volumes are there, by UID"), "{}", told.said());
}

#[tokio::test(start_paused = true)]
async fn a_snapshot_is_cut_before_anything_else_on_simulator() {
    let world = World::simulator("a_snapshot_is_cut_before_anything_else");
    Box::pin(a_snapshot_is_cut_before_anything_else(&world)).await;
}

#[tokio::test]
async fn a_snapshot_is_cut_before_anything_else_on_control_plane() {
    let Some(plane) = ControlPlane::shared() else { return };
    let driver = plane.serve_snapshots().await;
    let world = World::of_plane(plane, "a_snapshot_is_cut_before_anything_else").await;
    Box::pin(a_snapshot_is_cut_before_anything_else(&world)).await;
    world.clean().await;
    driver.abort();
}

async fn a_snapshot_is_cut_before_anything_else(world: &World) {
    let mut operator = Operator::new(world).await;
    let spec = world.spec("a");
    let name = spec.namespace();
    operator.create(&spec).await;
    let before = claims(operator.entry(&name));
    let care = Care { snapshot: true, ..Care::default() };
    let words = |proposal: &Proposal| proposal.preview.lines().join("\n");

    let bare = propose(&operator, image("2026.8.2"), Care::default(), &[&name]).await;
    assert!(words(&bare).contains("no way back: it has no snapshot that can be used"), "{}", words(&bare));
    let proposal = propose(&operator, image("2026.8.2"), care, &[&name]).await;
    assert!(words(&proposal).contains("way back: a snapshot of each volume is cut first"), "{}", words(&proposal));
    let pod = operator.entry(&name).tenant.pod().unwrap().uid;
    let told = carry_out(&operator, proposal).await;
    assert_eq!(told.end(), End::Done, "{}", told.said());
    let at = |of: &str| told.said().find(of).unwrap_or_else(|| panic!("no {of:?} in {}", told.said()));
    assert!(at("not drained") < at("asked for app-data-upgrade-") && at("can be used") < at("ConfigMap:"));
    operator.watching.until(&name, "upgraded", |e| ready(e) && e.tenant.pod().unwrap().uid != pod).await;

    // What was cut is a way back from the next thing, and says its age.
    let next = propose(&operator, Intent::Reprovision { image: None }, Care::default(), &[&name]).await;
    assert!(words(&next).contains("way back: snapshots that can be used, "), "{}", words(&next));

    let told = carry_out(&operator, propose(&operator, Intent::Delete { purge: false }, care, &[&name]).await).await;
    assert_eq!(told.end(), End::Done, "{}", told.said());
    let snapshots = world.cluster.objects("VolumeSnapshot", &name, "openclaw.ai/tenant").await.unwrap();
    assert_eq!(snapshots.len(), 4, "of both volumes, twice");
    assert_eq!(claims(operator.entry(&name)), before, "the volumes are there still");
}

#[tokio::test(start_paused = true)]
async fn a_gateway_that_can_be_drained_is_on_simulator() {
    const DRAINS: &str = r#"
[[sim.http]]
port = 18789
path = "/api/v1/admin/rpc"
posted = true
body = '{"ok":true,"payload":{"status":"ready","suspensionId":"s"}}'
"#;
    let world = World::with_scenario("a_gateway_that_can_be_drained_is", Scenario::parse("drains", DRAINS).unwrap());
    let mut operator = Operator::new(&world).await;
    let spec = world.spec("a");
    operator.create(&spec).await;
    let care = Care { snapshot: true, ..Care::default() };
    let proposal = propose(&operator, Intent::Reprovision { image: None }, care, &[&spec.namespace()]).await;
    let told = carry_out(&operator, proposal).await;
    assert!(told.end() == End::Done && told.said().contains("drained: nothing is under way"), "{}", told.said());
}
