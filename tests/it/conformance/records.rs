//! Records of runs that are not what a planner wrote: edited by hand, of another place, about what is gone. Each is refused with
//! the reason, or holds the tenant; nothing is done by halves.

use fleetdeck::{
    cluster::{Address, Only},
    engine::{
        Declined, Order, Records,
        desk::runs::{Left, Onward},
    },
    manifest::TenantSpec,
    plan::{End, Event, Ledger, News, Pace, Plan, State, Step},
};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::conformance::{
    acting::{CONTROL, Operator, image, one, ready},
    pulling::{PULLED, desk, propose},
    world::World,
};

told_twice! { records:
    a_record_that_was_edited_by_hand_is_refused_or_held
    what_others_say_of_a_run_that_goes_is_obeyed
}

fn map(plan: &Plan, piece: &str) -> Address {
    Address::kind("ConfigMap", CONTROL, &format!("run-{}{piece}", plan.id)).unwrap()
}

/// Writes another plan in the place of the one that was agreed to.
async fn rewrite(world: &World, plan: &Plan, text: &str) {
    let data = json!({ "data": { "plan": text } });
    world.cluster.merge(&map(plan, "-1"), "kubectl-edit", &data).await.unwrap();
}

async fn onward(world: &World, plan: &Plan) -> Result<Box<Left>, Declined> {
    match desk(&world.cluster).onward(&plan.id, false).await? {
        Onward::Left(left) => Ok(left),
        Onward::Told => panic!("nobody holds it"),
    }
}

async fn state_after(world: &World, left: Left, namespace: &str) -> State {
    let work = desk(&world.cluster).take_up(left).await.unwrap();
    let (_voice, orders) = fleetdeck::engine::orders(Order::Go);
    let (tell, mut told) = mpsc::channel(64);
    let listen = async { while told.recv().await.is_some() {} };
    let (ledger, ()) = tokio::join!(Box::pin(work.go(orders, tell, None)), listen);
    ledger.turns[namespace].clone()
}

pub(crate) async fn a_record_that_was_edited_by_hand_is_refused_or_held(world: &World) {
    let mut operator = Operator::new(world).await;
    let spec = world.spec("a");
    let name = spec.namespace();
    operator.create(&spec).await;
    let pod = operator.entry(&name).tenant.pod().unwrap().uid;
    let mut plan = operator.plan(image("2026.8.2"), one(), &[&name], ready).await.unwrap();
    // A restart is bound to its pod alone; the others look first whose tenant it is.
    let pulled = Box::pin(propose(&operator, image("2026.8.2"), PULLED, &[&name])).await.plan;
    plan.opening = pulled.opening;
    let records = Records::new(&world.cluster, CONTROL);
    records.begin(&plan).await.unwrap();
    let whole = serde_json::to_value(&plan).unwrap();

    for (pointer, value, words) in [
        ("/context", json!("somewhere-else"), "made for context somewhere-else"),
        ("/recipes/0/0", json!({ "do": "delete", "what": "tenant" }), "does not belong to upgrade"),
        ("/recipes/0/0", json!({ "do": "run", "script": "true" }), "unknown variant `run`"),
        ("/waves/0/turns/0/basis", json!({}), "bound to no UID"),
        ("/pace/stopAfter", json!(0), "never begins"),
        ("/id", json!("upgrade-20200101-000000-0000"), "holds the plan of upgrade-20200101-000000-0000"),
        ("/manifests", json!("0000"), "other manifests"),
        ("/version", json!(99), "version 99"),
    ] {
        let mut edited = whole.clone();
        *edited.pointer_mut(pointer).unwrap() = value;
        rewrite(world, &plan, &edited.to_string()).await;
        let Err(Declined::Refused(refusal)) = onward(world, &plan).await else { panic!("{pointer} was taken") };
        assert!(refusal.to_string().contains(words), "{pointer}: {refusal}");
    }
    rewrite(world, &plan, "{\"version\":1,").await;
    let Err(Declined::Refused(refusal)) = onward(world, &plan).await else { panic!("half a plan was taken") };
    assert!(refusal.to_string().contains("it is no JSON"), "{refusal}");

    // An image that somebody has put among those that are pulled first is pulled by nobody.
    let mut edited = whole.clone();
    let images = edited.pointer_mut("/opening/0/pulls/0/images").and_then(Value::as_array_mut).unwrap();
    images.push("evil.example.com/miner:1".into());
    rewrite(world, &plan, &edited.to_string()).await;
    let left = onward(world, &plan).await.unwrap();
    let Step::Prepull { pulls, .. } = &left.plan.opening[0] else { panic!("{:?}", left.plan.opening) };
    assert!(pulls.iter().flat_map(|p| &p.images).all(|i| !i.contains("evil")), "{pulls:?}");
    assert!(left.plan.opening[1].words().contains("not pulled: evil.example.com/miner:1"), "{:?}", left.plan.opening);

    // A state that makes no sense is no leave to act.
    rewrite(world, &plan, &whole.to_string()).await;
    let odd = json!({ "data": { format!("state.{name}"): "{\"state\":\"dancing\"}" } });
    world.cluster.merge(&map(&plan, ""), "kubectl-edit", &odd).await.unwrap();
    let left = onward(world, &plan).await.unwrap();
    let state = state_after(world, *left, &name).await;
    assert!(matches!(&state, State::Held { said } if said.contains("makes no sense")), "{state:?}");

    // UIDs of a tenant that is gone, and of one that was never meant.
    for (pointer, words) in [
        ("/waves/0/turns/0/basis/namespace", "another of its name"),
        ("/waves/0/turns/0/basis/set/uid", "was replaced"),
    ] {
        let fresh = operator.plan(image("2026.8.2"), one(), &[&name], ready).await.unwrap();
        records.begin(&fresh).await.unwrap();
        let mut edited = serde_json::to_value(&fresh).unwrap();
        *edited.pointer_mut(pointer).unwrap() = "00000000-0000-4000-8000-000000000000".into();
        rewrite(world, &fresh, &edited.to_string()).await;
        let left = onward(world, &fresh).await.unwrap();
        let state = state_after(world, *left, &name).await;
        assert!(matches!(&state, State::Held { said } if said.contains(words)), "{pointer}: {state:?}");
    }

    // A piece that is missing.
    let at = map(&plan, "-1");
    let live = world.cluster.object(&at).await.unwrap().unwrap();
    let uid = live["metadata"]["uid"].as_str().unwrap().parse().unwrap();
    world.cluster.remove(&at, Only { uid, version: None }, fleetdeck::cluster::Mode::Live).await.unwrap();
    let error = desk(&world.cluster).run(&plan.id).await.unwrap_err();
    assert!(error.to_string().contains("piece 1 of the plan of"), "{error}");
    assert_eq!(world.cluster.pod(&name, "openclaw-0").await.unwrap().unwrap().uid, pod, "nobody was touched");
}

/// Through its record, from elsewhere: pause, leave one out, go on; and stop.
pub(crate) async fn what_others_say_of_a_run_that_goes_is_obeyed(world: &World) {
    let mut operator = Operator::new(world).await;
    let specs = ["a", "b", "c"].map(|name| world.spec(name));
    let namespaces = specs.each_ref().map(TenantSpec::namespace);
    for spec in &specs {
        operator.create(spec).await;
    }
    let names: Vec<&str> = namespaces.iter().map(String::as_str).collect();
    let before: Vec<_> = names.iter().map(|name| operator.entry(name).tenant.pod().unwrap().uid).collect();
    let pod = async |name: &str| world.cluster.pod(name, "openclaw-0").await.unwrap().map(|pod| pod.uid);
    let pace = Pace { canary: 0, ..one() };
    let elsewhere = desk(&world.cluster);
    let renewals = world.cluster.clock().real(25);

    let plan = operator.plan(image("2026.8.2"), pace, &names, ready).await.unwrap();
    let kept = operator.keep(&plan, "dana").await.unwrap();
    elsewhere.order(&plan.id, "pause").await.unwrap();
    // The first may have been begun before the record was read.
    let person = async {
        tokio::time::sleep(world.cluster.clock().real(90)).await;
        assert_eq!((pod(names[1]).await, pod(names[2]).await), (Some(before[1]), Some(before[2])), "it is paused");
        elsewhere.skip(&plan.id, names[1]).await.unwrap();
        // Both are read with the next renewal of the lease.
        tokio::time::sleep(renewals).await;
        elsewhere.order(&plan.id, "go").await.unwrap();
    };
    let (told, ()) = tokio::join!(operator.run_until(&plan, Ledger::new(&plan), Some(kept), |_| Order::Go), person);
    assert_eq!(told.end(), End::Done, "{}", told.said());
    assert!(matches!(told.state(names[1]), State::Skipped { .. }), "{}", told.said());
    assert!(matches!(told.state(names[2]), State::Done { .. }), "{}", told.said());
    assert_eq!(pod(names[1]).await, Some(before[1]), "it was left out");
    let paused = |e: &&Event| matches!(e.news, News::Paused { .. } | News::Resumed { .. });
    assert_eq!(told.events.iter().filter(paused).count(), 2, "{}", told.said());

    operator.watching.until(names[2], "upgraded", ready).await;
    let last = pod(names[2]).await;
    let plan = operator.plan(image("2026.8.3"), pace, &names, ready).await.unwrap();
    let kept = operator.keep(&plan, "dana").await.unwrap();
    elsewhere.order(&plan.id, "stop").await.unwrap();
    let told = operator.run_until(&plan, Ledger::new(&plan), Some(kept), |_| Order::Go).await;
    assert_eq!(told.end(), End::Stopped, "{}", told.said());
    assert_eq!((pod(names[1]).await, pod(names[2]).await), (Some(before[1]), last), "nobody else was begun");
}
