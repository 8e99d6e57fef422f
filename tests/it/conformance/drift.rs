//! What somebody has changed by hand goes back, and only what was agreed to is taken from them.

use std::time::Duration;

use fleetdeck::{
    cluster::{Address, Mode, Only},
    engine::{compare, dry},
    fleet::Uid,
    plan::{End, Intent, State, Why},
};
use serde_json::{Value, json};

use crate::conformance::{
    acting::{CONTROL, Operator, one, ready},
    world::World,
};

told_twice! { drift:
    what_is_gone_comes_back_and_nobody_is_restarted
    what_another_manager_set_is_taken_as_agreed_and_no_more
    a_changed_template_goes_back_with_a_new_pod
}

const PLAIN: Intent = Intent::Apply { force: false, image: None };
const FORCE: Intent = Intent::Apply { force: true, image: None };

async fn edit(world: &World, namespace: &str, manager: &str, patch: Value) {
    world.cluster.patch("apps/v1", "StatefulSet", namespace, "openclaw", manager, &patch).await.unwrap();
}

async fn live(world: &World, kind: &str, namespace: &str, name: &str) -> Option<Value> {
    world.cluster.object(&Address::kind(kind, namespace, name).unwrap()).await.unwrap()
}

pub(crate) async fn what_is_gone_comes_back_and_nobody_is_restarted(world: &World) {
    let mut operator = Operator::new(world).await;
    let spec = world.spec("a");
    let name = spec.namespace();
    operator.create(&spec).await;
    let refusal = operator.plan(PLAIN, one(), &[&name], ready).await.unwrap_err();
    assert_eq!(refusal.0[0].why, Why::NothingToDo, "{refusal}");
    assert!(compare(&world.cluster, &operator.base, &name, true).await.unwrap().unwrap().drift.is_empty());

    let at = Address::kind("Service", &name, "openclaw").unwrap();
    let uid: Uid =
        live(world, "Service", &name, "openclaw").await.unwrap()["metadata"]["uid"].as_str().unwrap().parse().unwrap();
    world.cluster.remove(&at, Only { uid, version: None }, Mode::Live).await.unwrap();
    while world.cluster.object(&at).await.unwrap().is_some() {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let pod = operator.entry(&name).tenant.pod().unwrap().uid;
    let plan = operator.plan(PLAIN, one(), &[&name], ready).await.unwrap();
    let turn = plan.turns().next().unwrap();
    assert_eq!(turn.said, "goes back to its spec: Service openclaw (not there); its pod runs on");
    let told = operator.run(&plan).await;
    let State::Done { down: None, .. } = told.state(&name) else { panic!("{}", told.said()) };
    assert!(told.said().contains("Service: openclaw made"), "{}", told.said());
    assert!(world.cluster.object(&at).await.unwrap().is_some());
    assert_eq!(world.cluster.pod(&name, "openclaw-0").await.unwrap().unwrap().uid, pod);
}

pub(crate) async fn what_another_manager_set_is_taken_as_agreed_and_no_more(world: &World) {
    let mut operator = Operator::new(world).await;
    let spec = world.spec("a");
    let name = spec.namespace();
    operator.create(&spec).await;
    edit(world, &name, "kubectl-edit", json!({ "spec": { "revisionHistoryLimit": 3 } })).await;
    let compared = compare(&world.cluster, &operator.base, &name, false).await.unwrap().unwrap();
    let [drift] = &compared.drift[..] else { panic!("{compared:?}") };
    assert_eq!((drift.object.as_str(), drift.path.as_str()), ("StatefulSet openclaw", "spec.revisionHistoryLimit"));
    assert_eq!((drift.owners.as_slice(), drift.live.as_ref()), (&["kubectl-edit".to_owned()][..], Some(&json!(3))));

    let seen = |e: &fleetdeck::index::Entry| ready(e) && e.tenant.set().unwrap().generation > 1;
    let refusal = operator.plan(PLAIN, one(), &[&name], seen).await.unwrap_err();
    assert_eq!(refusal.0[0].why, Why::Owned, "{refusal}");
    let said = &refusal.0[0].said;
    assert!(said.contains("kubectl-edit has set .spec.revisionHistoryLimit of StatefulSet openclaw"), "{said}");

    let plan = operator.plan(FORCE, one(), &[&name], seen).await.unwrap();
    let turn = plan.turns().next().unwrap();
    let verdicts = dry::dry_run(&world.cluster, &operator.base, &plan, turn, CONTROL).await;
    assert!(verdicts.iter().all(|v| v.refused.is_none()), "{verdicts:?}");
    // Somebody sets one more field before it is carried out: that one was not agreed to.
    edit(world, &name, "kubectl-scale", json!({ "spec": { "minReadySeconds": 7 } })).await;
    edit(world, &name, "kubectl-scale", json!({ "spec": { "updateStrategy": { "type": "RollingUpdate" } } })).await;
    let told = operator.run(&plan).await;
    let (State::Failed { said, .. } | State::Held { said }) = told.state(&name) else { panic!("{}", told.said()) };
    assert!(said.contains("kubectl-scale") || said.contains("agreed was"), "{said}");
    let set = live(world, "StatefulSet", &name, "openclaw").await.unwrap();
    assert_eq!(
        (&set["spec"]["revisionHistoryLimit"], &set["spec"]["updateStrategy"]["type"]),
        (&json!(3), &json!("RollingUpdate"))
    );

    let seen = |e: &fleetdeck::index::Entry| ready(e) && !e.tenant.set().unwrap().on_delete;
    let plan = operator.plan(FORCE, one(), &[&name], seen).await.unwrap();
    let from: Vec<&str> = plan.turns().next().unwrap().takes.iter().map(|t| t.from.as_str()).collect();
    assert!(from.contains(&"kubectl-edit") && from.contains(&"kubectl-scale"), "{from:?}");
    let told = operator.run(&plan).await;
    assert_eq!(told.end(), End::Done, "{}", told.said());
    let set = live(world, "StatefulSet", &name, "openclaw").await.unwrap();
    assert_eq!(set["spec"]["updateStrategy"]["type"], "OnDelete");
    assert_ne!(set["spec"]["revisionHistoryLimit"], 3);
    assert!(compare(&world.cluster, &operator.base, &name, true).await.unwrap().unwrap().drift.is_empty());
}

pub(crate) async fn a_changed_template_goes_back_with_a_new_pod(world: &World) {
    let mut operator = Operator::new(world).await;
    let spec = world.spec("a");
    let name = spec.namespace();
    operator.create(&spec).await;
    let pod = operator.entry(&name).tenant.pod().unwrap().uid;
    let image = "ghcr.io/openclaw/openclaw:2026.7.9";
    let containers = json!([{ "name": "gateway", "image": image }]);
    edit(world, &name, "kubectl-edit", json!({ "spec": { "template": { "spec": { "containers": containers } } } }))
        .await;
    let seen = |e: &fleetdeck::index::Entry| {
        let set = e.tenant.set().unwrap();
        ready(e) && set.image.as_deref() == Some(image) && set.observed_generation == set.generation
    };
    let plan = operator.plan(FORCE, one(), &[&name], seen).await.unwrap();
    let turn = plan.turns().next().unwrap();
    assert_eq!(
        turn.said,
        "goes back to its spec: StatefulSet openclaw (1 field); its pod is replaced, unless it runs that already"
    );
    let told = operator.run(&plan).await;
    assert_eq!(told.end(), End::Done, "{}", told.said());
    let back = |e: &fleetdeck::index::Entry| ready(e) && e.tenant.running_image().unwrap().tag == Some("2026.8.1");
    operator.watching.until(&name, "as it was", back).await;
    // Its revision is the one that the pod has all along: nobody was restarted for nothing.
    assert_eq!(operator.entry(&name).tenant.pod().unwrap().uid, pod);
}
