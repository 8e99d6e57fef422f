//! Stories of operations: planned on the index, carried out by the engine, judged by what is there afterwards.

use std::time::Duration;

use fleetdeck::{
    cluster::{Address, Fault, Mode, Only},
    engine::{Lease, Order, Records, Trouble, hold::holder},
    fleet::{
        Phase, Uid,
        name::{CLAIM_ANNOTATION, DONE_ANNOTATION},
    },
    index::Entry,
    plan::{End, Intent, Ledger, News, Pace, State, Why},
};

pub(crate) use super::operator::{CONTROL, Operator, Told, claims, image, one, read_back, ready, until_it_runs_out};
use super::world::World;

told_twice! { acting:
    a_tenant_is_created_restarted_and_put_to_sleep_by_plans
    an_upgrade_is_done_when_the_new_revision_serves
    a_delete_keeps_the_volumes_and_create_revives_them
    a_plan_stands_for_what_was_agreed_on_and_for_nothing_else
    what_is_no_longer_what_was_agreed_on_is_held
    a_run_that_was_cut_off_is_gone_on_with_by_another
    two_runs_do_not_act_on_one_tenant
    a_write_from_before_a_take_over_is_refused_by_the_server
}

pub(crate) async fn a_tenant_is_created_restarted_and_put_to_sleep_by_plans(world: &World) {
    let mut operator = Operator::new(world).await;
    let spec = world.spec("a");
    let namespace = spec.namespace();
    operator.create(&spec).await;
    let first = operator.entry(&namespace).tenant.clone();
    assert!(first.set().unwrap().run.as_deref().unwrap().starts_with("create-"), "{:?}", first.set().unwrap().run);

    // `kubectl describe` tells who did it.
    let events = world.cluster.objects("Event", &namespace, "").await.unwrap();
    let ours: Vec<_> = events.iter().filter(|e| e["source"]["component"] == "fleetdeck").collect();
    let set = first.set().unwrap().uid.to_string();
    let told = ours.iter().find(|e| e["message"].as_str().unwrap().starts_with("StatefulSet: openclaw made")).unwrap();
    assert!(told["reason"] == "Create" && told["involvedObject"]["uid"] == set.as_str(), "{told}");
    assert!(told["message"].as_str().unwrap().ends_with("by somebody@test)"), "{told}");

    // Again is refused, for it is there.
    let again = Intent::Create { spec: Box::new(spec.clone()) };
    let refusal = operator.plan(again, one(), &[&namespace], ready).await.unwrap_err();
    assert_eq!(refusal.0[0].why, Why::Exists);

    let plan = operator.plan(Intent::Restart, one(), &[&namespace], ready).await.unwrap();
    let told = operator.run(&plan).await;
    let State::Done { said, down: Some(down) } = told.state(&namespace) else { panic!("{}", told.said()) };
    assert!(said.contains("Ready by the kubelet's probe") && *down > 0, "{said}");
    let fresh = |e: &Entry| ready(e) && e.tenant.pod().unwrap().uid != first.pod().unwrap().uid;
    operator.watching.until(&namespace, "restarted", fresh).await;

    // The same plan once more finds its pod gone, and touches nothing.
    let second = operator.entry(&namespace).tenant.pod().unwrap().uid;
    let told = operator.run(&plan).await;
    assert_eq!(told.end(), End::Done, "{}", told.said());
    assert!(told.said().contains("is another one already"), "{}", told.said());
    assert_eq!(world.cluster.pod(&namespace, "openclaw-0").await.unwrap().unwrap().uid, second);

    let plan = operator.plan(Intent::Suspend, one(), &[&namespace], fresh).await.unwrap();
    let told = operator.run(&plan).await;
    assert_eq!(told.end(), End::Done, "{}", told.said());
    operator
        .watching
        .until(&namespace, "asleep", |e| e.verdict.phase == Phase::Suspended && e.tenant.pod().is_none())
        .await;
    // It stays asleep under an upgrade, and wakes on the new image.
    let asleep = |e: &Entry| e.verdict.phase == Phase::Suspended;
    let plan = operator.plan(image("2026.8.2"), one(), &[&namespace], asleep).await.unwrap();
    let told = operator.run(&plan).await;
    assert!(told.said().contains("applied, not verified"), "{}", told.said());
    assert!(world.cluster.pod(&namespace, "openclaw-0").await.unwrap().is_none());
    let moved = |e: &Entry| asleep(e) && e.tenant.wanted_image().unwrap().tag == Some("2026.8.2");
    let plan = operator.plan(Intent::Resume, one(), &[&namespace], moved).await.unwrap();
    let told = operator.run(&plan).await;
    assert_eq!(told.end(), End::Done, "{}", told.said());
    operator.watching.until(&namespace, "awake", ready).await;
    assert_eq!(operator.entry(&namespace).tenant.running_image().unwrap().tag, Some("2026.8.2"));
    assert_eq!(claims(operator.entry(&namespace)), first.claims.iter().map(|c| (c.name.to_string(), c.uid)).collect());
}

pub(crate) async fn an_upgrade_is_done_when_the_new_revision_serves(world: &World) {
    let mut operator = Operator::new(world).await;
    let spec = world.spec("a");
    let namespace = spec.namespace();
    operator.create(&spec).await;
    let before = operator.entry(&namespace).tenant.clone();
    let plan = operator.plan(image("2026.8.2"), one(), &[&namespace], ready).await.unwrap();
    let told = operator.run(&plan).await;
    assert!(matches!(told.state(&namespace), State::Done { down: Some(_), .. }), "{}", told.said());
    let moved = |e: &Entry| ready(e) && e.tenant.running_image().unwrap().tag == Some("2026.8.2");
    operator.watching.until(&namespace, "upgraded", moved).await;
    let after = operator.entry(&namespace).tenant.clone();
    assert_eq!(after.pod().unwrap().revision, after.set().unwrap().update_revision);
    assert_ne!(after.pod().unwrap().uid, before.pod().unwrap().uid);
    assert_eq!(
        after.claims.iter().map(|c| c.uid).collect::<Vec<_>>(),
        before.claims.iter().map(|c| c.uid).collect::<Vec<_>>()
    );
    // The stored spec says it too: whoever renders the tenant next does not take it back.
    let refusal = operator.plan(image("2026.8.2"), one(), &[&namespace], moved).await.unwrap_err();
    assert_eq!(refusal.0[0].why, Why::NothingToDo);
    // Done once more, the plan finds its effects there and restarts nobody.
    let told = operator.run(&plan).await;
    assert!(told.end() == End::Done && told.said().contains("is of the new revision already"), "{}", told.said());
    assert_eq!(world.cluster.pod(&namespace, "openclaw-0").await.unwrap().unwrap().uid, after.pod().unwrap().uid);
}

pub(crate) async fn a_delete_keeps_the_volumes_and_create_revives_them(world: &World) {
    let mut operator = Operator::new(world).await;
    let spec = world.spec("a");
    let namespace = spec.namespace();
    operator.create(&spec).await;
    let kept = claims(operator.entry(&namespace));
    assert_eq!(kept.len(), 2);
    let plan = operator.plan(Intent::Delete { purge: false }, one(), &[&namespace], ready).await.unwrap();
    let told = operator.run(&plan).await;
    let State::Done { said, .. } = told.state(&namespace) else { panic!("{}", told.said()) };
    assert_eq!(said, "2 volumes are there, by UID");
    operator.watching.until(&namespace, "parked", |e| e.tenant.set().is_none() && e.tenant.pod().is_none()).await;
    for kind in ["Service", "Ingress"] {
        let left = world.cluster.objects(kind, &namespace, "openclaw.ai/tenant").await.unwrap();
        assert!(left.is_empty(), "{kind}");
    }
    assert_eq!(claims(operator.entry(&namespace)), kept);

    let again = Intent::Create { spec: Box::new(spec.clone()) };
    let parked = |e: &Entry| e.tenant.set().is_none();
    let plan = operator.plan(again, one(), &[&namespace], parked).await.unwrap();
    assert!(plan.turns().next().unwrap().said.starts_with("revived on the volumes"), "{plan:?}");
    let told = operator.run(&plan).await;
    assert_eq!(told.end(), End::Done, "{}", told.said());
    operator.watching.until(&namespace, "revived", ready).await;
    assert_eq!(claims(operator.entry(&namespace)), kept, "the very same volumes");

    let plan = operator.plan(Intent::Delete { purge: true }, one(), &[&namespace], ready).await.unwrap();
    let told = operator.run(&plan).await;
    assert_eq!(told.end(), End::Done, "{}", told.said());
    assert_eq!(world.cluster.namespace_uid(&namespace).await.unwrap(), None);
}

pub(crate) async fn a_plan_stands_for_what_was_agreed_on_and_for_nothing_else(world: &World) {
    let mut operator = Operator::new(world).await;
    let spec = world.spec("a");
    let namespace = spec.namespace();
    operator.create(&spec).await;
    let upgrade = operator.plan(image("2026.8.2"), one(), &[&namespace], ready).await.unwrap();
    let purge = operator.plan(Intent::Delete { purge: true }, one(), &[&namespace], ready).await.unwrap();
    // Somebody edits the StatefulSet in between.
    let patch = serde_json::json!({ "spec": { "revisionHistoryLimit": 3 } });
    world.cluster.patch("apps/v1", "StatefulSet", &namespace, "openclaw", "kubectl-edit", &patch).await.unwrap();
    // What the plan says still holds, so it goes on; but their field is in the way, and is not taken by force.
    let told = operator.run(&upgrade).await;
    let State::Failed { said, advice } = told.state(&namespace) else { panic!("{}", told.said()) };
    assert!(said.contains("kubectl-edit") && said.contains("revisionHistoryLimit") && !advice.is_empty(), "{said}");

    // The tenant goes, and another of its name comes: the old purge leaves it alone.
    let uid = world.cluster.namespace_uid(&namespace).await.unwrap().unwrap();
    world.cluster.delete_namespace(&namespace, uid).await.unwrap();
    while world.cluster.namespace_uid(&namespace).await.unwrap().is_some() {
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    world.create(&spec).await;
    let told = operator.run(&purge).await;
    let State::Held { said } = told.state(&namespace) else { panic!("{}", told.said()) };
    assert!(said.contains("another of its name"), "{said}");
    assert_ne!(world.cluster.namespace_uid(&namespace).await.unwrap().unwrap(), uid);
}

pub(crate) async fn what_is_no_longer_what_was_agreed_on_is_held(world: &World) {
    let mut operator = Operator::new(world).await;
    let spec = world.spec("a");
    let namespace = spec.namespace();
    operator.create(&spec).await;
    let late = operator.plan(image("2026.9.1"), one(), &[&namespace], ready).await.unwrap();
    let first = operator.plan(image("2026.8.2"), one(), &[&namespace], ready).await.unwrap();
    assert_eq!(operator.run(&first).await.end(), End::Done);
    let told = operator.run(&late).await;
    let State::Held { said } = told.state(&namespace) else { panic!("{}", told.said()) };
    assert!(said.contains("agreed was \"2026.8.1 -> 2026.9.1\", now it would be \"2026.8.2 -> 2026.9.1\""), "{said}");
    let moved = |e: &Entry| ready(e) && e.tenant.running_image().unwrap().tag == Some("2026.8.2");
    operator.watching.until(&namespace, "as the first one left it", moved).await;
}

fn annotation(object: &serde_json::Value, key: &str) -> Option<String> {
    object["metadata"]["annotations"][key].as_str().map(str::to_owned)
}

async fn namespace(world: &World, name: &str) -> serde_json::Value {
    world.cluster.object(&Address::kind("Namespace", "", name).unwrap()).await.unwrap().unwrap()
}

pub(crate) async fn a_run_that_was_cut_off_is_gone_on_with_by_another(world: &World) {
    let mut operator = Operator::new(world).await;
    let specs = ["a", "b"].map(|name| world.spec(name));
    let namespaces = [specs[0].namespace(), specs[1].namespace()];
    let names = [namespaces[0].as_str(), namespaces[1].as_str()];
    for spec in &specs {
        operator.create(spec).await;
    }
    let first = operator.entry(names[0]).tenant.pod().unwrap().uid;
    let pace = Pace { canary: 0, ..one() };
    let plan = operator.plan(image("2026.8.2"), pace, &names, ready).await.unwrap();
    let kept = operator.keep(&plan, "dana").await.unwrap();
    // The first holder is gone between one moment and the next, with the pod of the first tenant just deleted.
    let (cut, is_cut) = tokio::sync::oneshot::channel();
    let mut cut = Some(cut);
    let run = operator.run_until(&plan, Ledger::new(&plan), Some(kept), |event| {
        if event.news.words().contains("is deleted")
            && let Some(cut) = cut.take()
        {
            cut.send(()).unwrap();
        }
        Order::Go
    });
    tokio::select! {
        _ = run => panic!("it came to its end"),
        _ = is_cut => {}
    }
    let claim = annotation(&namespace(world, names[0]).await, CLAIM_ANNOTATION);
    assert_eq!(claim, Some(format!("{}/0", plan.id)));

    // As long as it might be alive, nobody else gets it.
    let early = Lease::take(&world.cluster, CONTROL, &plan.id, "erin", 2).await;
    assert!(matches!(early, Err(Trouble::Busy(said)) if said.starts_with("dana acts on it")));
    until_it_runs_out(world, &plan.id).await;
    let fresh = |e: &Entry| e.tenant.pod().is_some_and(|p| p.deleting.is_none() && p.uid != first);
    operator.watching.until(names[0], "its new pod", fresh).await;
    let second = operator.entry(names[0]).tenant.pod().unwrap().uid;

    let lease = Lease::take(&world.cluster, CONTROL, &plan.id, "erin", 2).await.unwrap();
    let (again, ledger) = read_back(&operator, &plan.id).await;
    assert_eq!(again, plan, "the plan survives as it was agreed to");
    let records = Records::new(&world.cluster, CONTROL);
    let told = operator.run_until(&again, ledger, Some((lease, records.clone())), |_| Order::Go).await;
    assert_eq!(told.end(), End::Done, "{}", told.said());
    assert!(told.said().contains("gone on with by"), "{}", told.said());
    let moved = |e: &Entry| ready(e) && e.tenant.running_image().unwrap().tag == Some("2026.8.2");
    for name in names {
        operator.watching.until(name, "upgraded", moved).await;
        let live = namespace(world, name).await;
        assert_eq!(
            (annotation(&live, CLAIM_ANNOTATION), annotation(&live, DONE_ANNOTATION)),
            (None, Some(plan.id.clone()))
        );
    }
    assert_eq!(operator.entry(names[0]).tenant.pod().unwrap().uid, second, "its pod was not deleted a second time");
    let record = records.get(&plan.id).await.unwrap().unwrap();
    assert_eq!(record.end.unwrap().0, "done");
    assert_eq!(holder(&world.cluster, CONTROL, &plan.id).await.unwrap(), None, "the lease was let go");

    // Once more from the record: everybody is done, and nothing is touched.
    let lease = Lease::take(&world.cluster, CONTROL, &plan.id, "erin", 3).await.unwrap();
    let told = operator.run_until(&plan, Ledger::new(&plan), Some((lease, records)), |_| Order::Go).await;
    assert_eq!(told.said().matches("done before").count(), 2, "{}", told.said());
}

pub(crate) async fn two_runs_do_not_act_on_one_tenant(world: &World) {
    let mut operator = Operator::new(world).await;
    let spec = world.spec("a");
    let name = spec.namespace();
    operator.create(&spec).await;
    let first = operator.plan(Intent::Restart, one(), &[&name], ready).await.unwrap();
    let second = operator.plan(Intent::Suspend, one(), &[&name], ready).await.unwrap();
    let kept = operator.keep(&first, "dana").await.unwrap();
    let (acting, is_acting) = tokio::sync::oneshot::channel();
    let mut acting = Some(acting);
    let one = operator.run_until(&first, Ledger::new(&first), Some(kept), |event| {
        if event.news.words().contains("is deleted")
            && let Some(acting) = acting.take()
        {
            acting.send(()).unwrap();
        }
        Order::Go
    });
    let other = async {
        is_acting.await.unwrap();
        let kept = operator.keep(&second, "erin").await.unwrap();
        operator.run_until(&second, Ledger::new(&second), Some(kept), |_| Order::Go).await
    };
    let (one, other) = tokio::join!(one, other);
    assert_eq!(one.end(), End::Done, "{}", one.said());
    let State::Held { said } = other.state(&name) else { panic!("{}", other.said()) };
    assert!(said.starts_with("dana acts on it") && said.contains(&first.id), "{said}");
    // The first has let go: now it is the other's turn.
    let again = operator.plan(Intent::Suspend, Pace::default(), &[&name], ready).await.unwrap();
    let kept = operator.keep(&again, "erin").await.unwrap();
    let told = operator.run_until(&again, Ledger::new(&again), Some(kept), |_| Order::Go).await;
    assert_eq!(told.end(), End::Done, "{}", told.said());
}

pub(crate) async fn a_write_from_before_a_take_over_is_refused_by_the_server(world: &World) {
    let mut operator = Operator::new(world).await;
    let spec = world.spec("a");
    let name = spec.namespace();
    operator.create(&spec).await;
    let plan = operator.plan(image("2026.8.2"), one(), &[&name], ready).await.unwrap();
    let late = operator.keep(&plan, "dana").await.unwrap();
    // What the first holder has read before it slept.
    let at = Address::kind("StatefulSet", &name, "openclaw").unwrap();
    let pod_at = Address::kind("Pod", &name, "openclaw-0").unwrap();
    let (set, pod) =
        (world.cluster.object(&at).await.unwrap().unwrap(), world.cluster.object(&pod_at).await.unwrap().unwrap());
    until_it_runs_out(world, &plan.id).await;

    // The second one stops before its first step: it has only taken over.
    let lease = Lease::take(&world.cluster, CONTROL, &plan.id, "erin", 2).await.unwrap();
    let records = Records::new(&world.cluster, CONTROL);
    let mut seen = 0;
    let told = operator
        .run_until(&plan, Ledger::new(&plan), Some((lease, records)), |event| {
            seen += usize::from(matches!(event.news, News::Step { .. }));
            if seen > 0 { Order::Stop } else { Order::Go }
        })
        .await;
    assert_eq!(told.end(), End::Stopped, "{}", told.said());

    // It wakes, and sends what it was about to send.
    let mut object = world.object(&spec, "StatefulSet", "openclaw");
    object["metadata"]["resourceVersion"] = set["metadata"]["resourceVersion"].clone();
    let error = world.cluster.apply(&object, Mode::Live).await.unwrap_err();
    assert_eq!(error.fault, Fault::Conflict, "{error}");
    let uid: Uid = pod["metadata"]["uid"].as_str().unwrap().parse().unwrap();
    let version = pod["metadata"]["resourceVersion"].as_str();
    let error = world.cluster.remove(&pod_at, Only { uid, version }, Mode::Live).await.unwrap_err();
    assert_eq!(error.fault, Fault::Conflict, "{error}");
    // And as a whole it finds out that it is late, and touches nothing.
    let told = operator.run_until(&plan, Ledger::new(&plan), Some(late), |_| Order::Go).await;
    assert_eq!(told.end(), End::Superseded, "{}", told.said());
    assert_eq!(world.cluster.pod(&name, "openclaw-0").await.unwrap().unwrap().uid, uid);
}
