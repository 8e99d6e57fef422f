//! The StatefulSet is made anew, the volumes are not.

use fleetdeck::{
    cluster::{Address, Mode, Only},
    engine::{Lease, Order, Records, dry},
    fleet::{Uid, name::DONE_ANNOTATION},
    index::Entry,
    plan::{End, Intent, Ledger, State, Why},
};
use serde_json::{Value, json};

use crate::conformance::{
    acting::{CONTROL, Operator, claims, one, read_back, ready, until_it_runs_out},
    world::World,
};

told_twice! { reprovision:
    what_cannot_be_changed_is_made_anew_on_the_same_volumes
    a_reprovision_that_was_cut_off_is_finished_by_another
    what_could_take_a_volume_along_is_not_deleted
}

fn set_at(namespace: &str) -> Address {
    Address::kind("StatefulSet", namespace, "openclaw").unwrap()
}

async fn set(world: &World, namespace: &str) -> Value {
    world.cluster.object(&set_at(namespace)).await.unwrap().unwrap()
}

fn uid(object: &Value) -> Uid {
    object["metadata"]["uid"].as_str().unwrap().parse().unwrap()
}

pub(crate) async fn what_cannot_be_changed_is_made_anew_on_the_same_volumes(world: &World) {
    let mut operator = Operator::new(world).await;
    let spec = world.spec("a");
    let namespace = spec.namespace();
    operator.create(&spec).await;
    let kept = claims(operator.entry(&namespace));
    // Somebody has made the StatefulSet anew by hand, with a field that no apply can take back.
    let old = uid(&set(world, &namespace).await);
    world.cluster.remove(&set_at(&namespace), Only { uid: old, version: None }, Mode::Live).await.unwrap();
    operator.watching.until(&namespace, "without it", |e| e.tenant.set().is_none() && e.tenant.pod().is_none()).await;
    let mut odd = world.object(&spec, "StatefulSet", "openclaw");
    odd["spec"]["podManagementPolicy"] = json!("OrderedReady");
    world.cluster.apply(&odd, Mode::Live).await.unwrap();
    let other = |e: &Entry| ready(e) && e.tenant.set().is_some_and(|s| s.uid != old);
    operator.watching.until(&namespace, "with the other one", other).await;
    let refused = world.cluster.apply(&world.object(&spec, "StatefulSet", "openclaw"), Mode::DryRun).await;
    assert!(refused.unwrap_err().said.contains("orbidden"), "it cannot be applied");
    // And has let a volume grow, of which the spec knows nothing: it never shrinks.
    let volume = Address::kind("PersistentVolumeClaim", &namespace, "app-data").unwrap();
    let size = async || {
        world.cluster.object(&volume).await.unwrap().unwrap()["spec"]["resources"]["requests"]["storage"].clone()
    };
    let rendered = world.object(&spec, "PersistentVolumeClaim", "app-data");
    let grown = json!({ "spec": { "resources": { "requests": { "storage": "33Gi" } } } });
    assert_ne!(rendered["spec"]["resources"]["requests"]["storage"], "33Gi");
    world.cluster.patch("v1", "PersistentVolumeClaim", &namespace, "app-data", "kubectl-edit", &grown).await.unwrap();
    let kept_size = size().await;
    assert_eq!(kept_size, "33Gi");

    let plan = operator.plan(Intent::Reprovision { image: None }, one(), &[&namespace], other).await.unwrap();
    let turn = plan.turns().next().unwrap();
    let verdicts = dry::dry_run(&world.cluster, &operator.base, &plan, turn, CONTROL).await;
    assert!(verdicts.iter().all(|v| v.refused.is_none()), "{verdicts:?}");
    let anew = verdicts.iter().find(|v| v.said == "would be made anew").unwrap();
    assert!(anew.changes.iter().any(|c| c.path == "spec.podManagementPolicy"), "{anew:?}");
    let before = operator.entry(&namespace).tenant.clone();
    let told = operator.run(&plan).await;
    let State::Done { said, down: Some(down) } = told.state(&namespace) else { panic!("{}", told.said()) };
    assert!(said == "2 volumes are there, by UID" && *down > 0, "{said}");
    let fresh = |e: &Entry| ready(e) && e.tenant.set().is_some_and(|s| s.uid != before.set().unwrap().uid);
    operator.watching.until(&namespace, "made anew", fresh).await;
    assert_eq!(claims(operator.entry(&namespace)), kept, "the very same volumes");
    assert_eq!(size().await, kept_size, "as large as they were");
    assert_eq!(set(world, &namespace).await["spec"]["podManagementPolicy"], "Parallel");
    assert_ne!(operator.entry(&namespace).tenant.pod().unwrap().uid, before.pod().unwrap().uid);
}

pub(crate) async fn a_reprovision_that_was_cut_off_is_finished_by_another(world: &World) {
    let mut operator = Operator::new(world).await;
    let spec = world.spec("a");
    let name = spec.namespace();
    operator.create(&spec).await;
    let kept_claims = claims(operator.entry(&name));
    let old = uid(&set(world, &name).await);
    let plan = operator.plan(Intent::Reprovision { image: None }, one(), &[&name], ready).await.unwrap();
    let mut kept = Some(operator.keep(&plan, "dana").await.unwrap());
    let mut ledger = Ledger::new(&plan);
    let mut made = None;
    // Once with the StatefulSet gone, once with the new one just made.
    for (holder, words) in [(1_u64, "StatefulSet openclaw is deleted"), (2, "StatefulSet: openclaw made")] {
        let (cut, is_cut) = tokio::sync::oneshot::channel();
        let mut cut = Some(cut);
        let run = operator.run_until(&plan, ledger, kept.take(), |event| {
            if event.news.words().contains(words)
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
        until_it_runs_out(world, &plan.id).await;
        let lease = Lease::take(&world.cluster, CONTROL, &plan.id, "erin", holder).await.unwrap();
        let (again, resumed) = read_back(&operator, &plan.id).await;
        assert_eq!(again, plan);
        ledger = resumed;
        kept = Some((lease, Records::new(&world.cluster, CONTROL)));
        made = world.cluster.object(&set_at(&name)).await.unwrap().map(|set| uid(&set));
    }
    let told = operator.run_until(&plan, ledger, kept, |_| Order::Go).await;
    assert_eq!(told.end(), End::Done, "{}", told.said());
    assert!(told.said().contains("is another one already"), "{}", told.said());
    operator.watching.until(&name, "made anew", |e| ready(e) && e.tenant.set().is_some_and(|s| s.uid != old)).await;
    assert_eq!(Some(uid(&set(world, &name).await)), made, "it was not made a third time");
    assert_eq!(claims(operator.entry(&name)), kept_claims);
    let live = world.cluster.object(&Address::kind("Namespace", "", &name).unwrap()).await.unwrap().unwrap();
    assert_eq!(live["metadata"]["annotations"][DONE_ANNOTATION], plan.id.as_str());
}

pub(crate) async fn what_could_take_a_volume_along_is_not_deleted(world: &World) {
    let mut operator = Operator::new(world).await;
    let spec = world.spec("a");
    let name = spec.namespace();
    operator.create(&spec).await;
    let plan = operator.plan(Intent::Reprovision { image: None }, one(), &[&name], ready).await.unwrap();
    let old = uid(&set(world, &name).await);
    let edit = async |patch: Value| {
        world.cluster.patch("apps/v1", "StatefulSet", &name, "openclaw", "kubectl-edit", &patch).await.unwrap();
    };
    // A finalizer moves no generation: what was agreed to still stands, and is refused where it would be done.
    edit(json!({ "metadata": { "finalizers": ["example.com/hold"] } })).await;
    let refusal = operator.plan(Intent::Reprovision { image: None }, one(), &[&name], ready).await.unwrap_err();
    assert!(refusal.0[0].why == Why::Terminating && refusal.0[0].said.contains("example.com/hold"), "{refusal}");
    let told = operator.run(&plan).await;
    let State::Failed { said, .. } = told.state(&name) else { panic!("{}", told.said()) };
    assert!(said.contains("example.com/hold") && said.contains("nothing was deleted"), "{said}");
    let live = set(world, &name).await;
    assert!(uid(&live) == old && live["metadata"].get("deletionTimestamp").is_none(), "{live}");
    edit(json!({ "metadata": { "finalizers": null } })).await;

    edit(json!({ "spec": { "persistentVolumeClaimRetentionPolicy": { "whenDeleted": "Delete" } } })).await;
    let seen = |e: &Entry| e.tenant.set().unwrap().retention_deletes;
    let refusal = operator.plan(Intent::Reprovision { image: None }, one(), &[&name], seen).await.unwrap_err();
    assert_eq!(refusal.0[0].why, Why::DataAtRisk, "{refusal}");
    let told = operator.run(&plan).await;
    let State::Failed { said, .. } = told.state(&name) else { panic!("{}", told.said()) };
    assert!(said.contains("nothing was deleted"), "{said}");
    assert_eq!(uid(&set(world, &name).await), old);
}
