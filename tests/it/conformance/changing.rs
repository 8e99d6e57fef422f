//! Another tier, larger volumes, a new token.

use std::collections::BTreeMap;

use fleetdeck::{
    cluster::{Address, Mode},
    engine::{Lease, Order, Records, dry},
    fleet::{Quantity, Tier, name::TOKEN_ANNOTATION},
    index::Entry,
    plan::{End, Event, Intent, Ledger, News, State, Why},
};

use serde_json::json;

use crate::conformance::{
    acting::{CONTROL, Operator, claims, one, read_back, ready},
    world::World,
};

told_twice! { changing:
    a_tier_grows_and_shrinks_and_no_pod_is_refused
    volumes_grow_and_are_the_same_ones
    a_token_is_replaced_and_read_by_a_new_pod
    a_token_that_is_not_there_is_made
    a_token_that_was_replaced_is_not_replaced_again
    what_is_remembered_of_runs_is_removed_after_a_time
}

/// Refusals of pods for which the tier had no room at all. That the pod before still counts for a moment is another matter.
async fn refusals(world: &World, namespace: &str) -> Vec<String> {
    let events = world.cluster.objects("Event", namespace, "").await.unwrap();
    let messages = events.iter().filter(|e| e["reason"] == "FailedCreate").filter_map(|e| e["message"].as_str());
    messages.filter(|message| is_too_large(message)).map(str::to_owned).collect()
}

/// `requested: limits.memory=4Gi,pods=1, used: ..., limited: limits.memory=2Gi,pods=1`
fn is_too_large(message: &str) -> bool {
    let amounts = |from: &str| {
        let part = message.split(from).nth(1).unwrap_or_default().split(", ").next().unwrap_or_default();
        let read =
            |item: &str| Some((item.split_once('=')?.0.to_owned(), item.split_once('=')?.1.parse::<Quantity>().ok()?));
        part.split(',').filter_map(read).collect::<BTreeMap<_, _>>()
    };
    let (requested, limited) = (amounts("requested: "), amounts("limited: "));
    requested.iter().any(|(resource, amount)| limited.get(resource).is_some_and(|limit| amount > limit))
}

#[test]
fn a_refusal_for_want_of_room_is_told_from_one_that_passes() {
    let of = |requested: &str, limited: &str| {
        format!("exceeded quota: tenant, requested: {requested}, used: pods=1, limited: {limited}")
    };
    assert!(is_too_large(&of("limits.memory=4Gi,pods=1", "limits.memory=2Gi,pods=1")));
    assert!(!is_too_large(&of("limits.memory=2048Mi,pods=1", "limits.memory=2Gi,pods=1")));
}

pub(crate) async fn a_tier_grows_and_shrinks_and_no_pod_is_refused(world: &World) {
    let mut operator = Operator::new(world).await;
    let spec = world.spec("a");
    let name = spec.namespace();
    operator.create(&spec).await;
    let kept = claims(operator.entry(&name));
    for (tier, memory) in [("max", 4_i64), ("pro", 2)] {
        let intent = Intent::SetTier { tier: tier.to_owned() };
        let seen = |e: &Entry| ready(e) && e.tenant.tier != Some(Tier::from_label(tier));
        let plan = operator.plan(intent.clone(), one(), &[&name], seen).await.unwrap();
        let turn = plan.turns().next().unwrap();
        let verdicts = dry::dry_run(&world.cluster, &operator.base, &plan, turn, CONTROL).await;
        assert!(verdicts.iter().all(|v| v.refused.is_none()), "{verdicts:?}");
        let pod = operator.entry(&name).tenant.pod().unwrap().uid;
        let told = operator.run(&plan).await;
        assert_eq!(told.end(), End::Done, "{}", told.said());
        let State::Done { down: Some(_), .. } = told.state(&name) else { panic!("{}", told.said()) };
        let limit = |e: &Entry| e.tenant.quota().unwrap().entry("limits.memory").unwrap().hard;
        let moved = |e: &Entry| {
            let current =
                e.tenant.pod().is_some_and(|p| p.uid != pod && p.revision == e.tenant.set().unwrap().update_revision);
            ready(e)
                && current
                && limit(e) == Quantity::whole(memory << 30)
                && e.tenant.tier == Some(Tier::from_label(tier))
        };
        operator.watching.until(&name, "of the other tier", moved).await;
        let refusal = operator.plan(intent, one(), &[&name], moved).await.unwrap_err();
        assert_eq!(refusal.0[0].why, Why::NothingToDo);
    }
    assert_eq!(refusals(world, &name).await, Vec::<String>::new(), "no pod was refused on the way");
    assert_eq!(claims(operator.entry(&name)), kept);
}

pub(crate) async fn volumes_grow_and_are_the_same_ones(world: &World) {
    let mut operator = Operator::new(world).await;
    let spec = world.spec("a");
    let name = spec.namespace();
    operator.create(&spec).await;
    let kept = claims(operator.entry(&name));
    let pod = operator.entry(&name).tenant.pod().unwrap().uid;
    let intent = Intent::Resize { app: Some(30), config: None };
    let plan = operator.plan(intent.clone(), one(), &[&name], ready).await.unwrap();
    assert_eq!(plan.turns().next().unwrap().said, "app-data 20 Gi -> 30 Gi");
    let told = operator.run(&plan).await;
    assert_eq!(told.end(), End::Done, "{}", told.said());
    assert!(told.said().contains("app-data has 30Gi"), "{}", told.said());
    let grown = |e: &Entry| ready(e) && e.tenant.claim("app-data").unwrap().capacity == Some(Quantity::whole(30 << 30));
    operator.watching.until(&name, "grown", grown).await;
    assert_eq!(claims(operator.entry(&name)), kept);
    assert_eq!(world.cluster.pod(&name, "openclaw-0").await.unwrap().unwrap().uid, pod, "nobody is restarted");
    let refusal = operator.plan(intent, one(), &[&name], grown).await.unwrap_err();
    assert_eq!(refusal.0[0].why, Why::NothingToDo);
    let smaller = Intent::Resize { app: Some(25), config: None };
    let refusal = operator.plan(smaller, one(), &[&name], grown).await.unwrap_err();
    assert!(refusal.to_string().contains("a volume never shrinks"), "{refusal}");
    // Whoever makes it anew later does not ask for less.
    let plan = operator.plan(Intent::Reprovision { image: None }, one(), &[&name], grown).await.unwrap();
    let told = operator.run(&plan).await;
    assert_eq!(told.end(), End::Done, "{}", told.said());
    operator.watching.until(&name, "made anew", grown).await;
}

pub(crate) async fn a_token_is_replaced_and_read_by_a_new_pod(world: &World) {
    let mut operator = Operator::new(world).await;
    let spec = world.spec("a");
    let name = spec.namespace();
    operator.create(&spec).await;
    let pod = operator.entry(&name).tenant.pod().unwrap().uid;
    let plan = operator.plan(Intent::RotateToken, one(), &[&name], ready).await.unwrap();
    let turn = plan.turns().next().unwrap();
    let verdicts = dry::dry_run(&world.cluster, &operator.base, &plan, turn, CONTROL).await;
    assert!(verdicts.iter().all(|v| v.refused.is_none()), "{verdicts:?}");
    assert_eq!(verdicts[0].said, "would be replaced; it is never read");
    let told = operator.run(&plan).await;
    let State::Done { down: Some(_), .. } = told.state(&name) else { panic!("{}", told.said()) };
    assert!(told.said().contains("Secret gateway-token is replaced"), "{}", told.said());
    let fresh = |e: &Entry| ready(e) && e.tenant.pod().unwrap().uid != pod;
    operator.watching.until(&name, "with the new token", fresh).await;
}

/// What `doctor` advises where the Secret, or its key, is not there.
pub(crate) async fn a_token_that_is_not_there_is_made(world: &World) {
    let mut operator = Operator::new(world).await;
    for (tenant, key) in [("a", None), ("b", Some("another"))] {
        let spec = world.spec(tenant);
        let name = spec.namespace();
        for object in fleetdeck::manifest::render(&operator.base, &spec).unwrap() {
            world.cluster.apply(object.value(), Mode::Live).await.unwrap();
            if let Some(key) = key.filter(|_| object.kind() == "Namespace") {
                world.cluster.ensure_secret(&name, "gateway-token", &json!({}), key, "of no use").await.unwrap();
            }
        }
        let stands = |e: &Entry| {
            let gateway = e.tenant.pod().and_then(|p| p.gateway());
            gateway.is_some_and(|g| g.trouble() == Some("CreateContainerConfigError") || g.ready)
        };
        // Without a kubelet that looks for Secrets it is Ready all the same.
        let plan = operator.plan(Intent::RotateToken, one(), &[&name], stands).await.unwrap();
        let pod = operator.entry(&name).tenant.pod().unwrap().uid;
        let turn = plan.turns().next().unwrap();
        let verdicts = dry::dry_run(&world.cluster, &operator.base, &plan, turn, CONTROL).await;
        assert!(verdicts.iter().all(|v| v.refused.is_none()), "{verdicts:?}");
        let kept = operator.keep(&plan, "dana").await.unwrap();
        let told = operator.run_until(&plan, Ledger::new(&plan), Some(kept), |_| Order::Go).await;
        assert_eq!(told.end(), End::Done, "{}", told.said());
        let fresh = |e: &Entry| ready(e) && e.tenant.pod().unwrap().uid != pod;
        operator.watching.until(&name, "with a token", fresh).await;
        world.cluster.mark_secret(&name, "gateway-token", ("example.com/seen", "it is there")).await.unwrap();
    }
}

/// Cut off after the pod is gone: whoever goes on neither replaces the token once more, nor the pod that has read it.
pub(crate) async fn a_token_that_was_replaced_is_not_replaced_again(world: &World) {
    let mut operator = Operator::new(world).await;
    let spec = world.spec("a");
    let name = spec.namespace();
    operator.create(&spec).await;
    let first = operator.entry(&name).tenant.pod().unwrap().uid;
    let plan = operator.plan(Intent::RotateToken, one(), &[&name], ready).await.unwrap();
    let kept = operator.keep(&plan, "dana").await.unwrap();
    let mut stopped = false;
    let cut = |event: &Event| {
        stopped |= matches!(event.news, News::Did { step: 1, .. });
        if stopped { Order::Stop } else { Order::Go }
    };
    let told = operator.run_until(&plan, Ledger::new(&plan), Some(kept), cut).await;
    assert_eq!(told.end(), End::Stopped, "{}", told.said());
    let fresh = |e: &Entry| ready(e) && e.tenant.pod().unwrap().uid != first;
    operator.watching.until(&name, "a new pod", fresh).await;
    let second = operator.entry(&name).tenant.pod().unwrap().uid;

    let lease = Lease::take(&world.cluster, CONTROL, &plan.id, "erik", 2).await.unwrap();
    let records = Records::new(&world.cluster, CONTROL);
    let (again, ledger) = read_back(&operator, &plan.id).await;
    let told = operator.run_until(&again, ledger, Some((lease, records)), |_| Order::Go).await;
    assert_eq!(told.end(), End::Done, "{}", told.said());
    assert!(told.said().contains("was replaced by this run already"), "{}", told.said());
    assert!(told.said().contains("has read the new token"), "{}", told.said());
    assert_eq!(world.cluster.pod(&name, "openclaw-0").await.unwrap().unwrap().uid, second);
    // The note goes with the claim.
    let at = Address::kind("Namespace", "", &name).unwrap();
    let live = world.cluster.object(&at).await.unwrap().unwrap();
    assert!(live["metadata"]["annotations"].get(TOKEN_ANNOTATION).is_none(), "{live}");
}

pub(crate) async fn what_is_remembered_of_runs_is_removed_after_a_time(world: &World) {
    const APART: &str = "fleetdeck-swept";
    let mut operator = Operator::new(world).await;
    let spec = world.spec("a");
    operator.create(&spec).await;
    let name = spec.namespace();
    let records = Records::new(&world.cluster, APART);
    let mut plans = Vec::new();
    for _ in 0..2 {
        let plan = operator.plan(Intent::Restart, one(), &[&name], ready).await.unwrap();
        records.begin(&plan).await.unwrap();
        plans.push(plan.id);
    }
    let lease = Lease::take(&world.cluster, APART, &plans[0], "dana", 1).await.unwrap();
    assert_eq!(records.sweep(1).await.unwrap(), 0, "none is a day old");
    assert_eq!(records.sweep(0).await.unwrap(), 1, "one of them somebody holds");
    let left: Vec<String> = records.list().await.unwrap().into_iter().map(|record| record.run).collect();
    assert_eq!(left, plans[..1]);
    lease.release().await;
    assert_eq!(records.sweep(0).await.unwrap(), 1);
    for kind in ["ConfigMap", "Lease"] {
        let all = world.cluster.objects(kind, APART, "").await.unwrap();
        let ours = all.iter().filter(|o| plans.iter().any(|id| o["metadata"]["name"].as_str().unwrap().contains(id)));
        assert_eq!(ours.count(), 0, "{kind}");
    }
}
