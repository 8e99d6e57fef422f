//! What somebody or something stops in the middle, and how it is finished.

use std::time::Duration;

use fleetdeck::{
    cluster::Address,
    engine::Order,
    index::Entry,
    manifest::TenantSpec,
    plan::{End, Event, Intent, Ledger, News, Plan, State},
};
use k8s_openapi::api::apps::v1::StatefulSet;
use kube::{Api, api::DeleteParams};
use serde_json::{Value, json};

use crate::conformance::{
    acting::{Operator, claims, image, one, ready},
    creating::client,
    world::World,
};

told_twice! { unfinished:
    a_create_that_a_quota_refused_is_finished_by_create
    a_set_that_is_deleted_in_the_foreground_is_left_alone_until_it_is_gone
}

async fn plan(operator: &mut Operator<'_>, spec: &TenantSpec, seen: impl Fn(&Entry) -> bool) -> Plan {
    let intent = Intent::Create { spec: Box::new(spec.clone()) };
    operator.plan(intent, one(), &[&spec.namespace()], seen).await.unwrap()
}

/// Carries it out until something is said that holds these words.
async fn until(operator: &Operator<'_>, plan: &Plan, words: &str) {
    let mut seen = false;
    let mind = |event: &Event| {
        seen |= event.news.words().contains(words);
        if seen { Order::Stop } else { Order::Go }
    };
    let told = operator.run_until(plan, Ledger::new(plan), None, mind).await;
    assert_eq!(told.end(), End::Stopped, "{}", told.said());
}

pub(crate) async fn a_create_that_a_quota_refused_is_finished_by_create(world: &World) {
    let mut operator = Operator::new(world).await;
    let spec = world.spec("a");
    let name = spec.namespace();
    let intent = Intent::Create { spec: Box::new(spec.clone()) };
    let first = operator.plan(intent, one(), &[], |_| true).await.unwrap();
    until(&operator, &first, "Namespace: ").await;
    // Somebody's own quota, which leaves no room.
    let quota = |pods: &str| {
        json!({
            "apiVersion": "v1", "kind": "ResourceQuota", "metadata": { "name": "hand", "namespace": name },
            "spec": { "hard": { "count/pods": pods } },
        })
    };
    world.cluster.create(&quota("0")).await.unwrap();
    let at = Address::kind("ResourceQuota", &name, "hand").unwrap();
    let counted = async |pods: &str| {
        while world.cluster.object(&at).await.unwrap().unwrap()["status"]["hard"]["count/pods"] != pods {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    counted("0").await;

    let second = plan(&mut operator, &spec, |_| true).await;
    assert!(second.turns().next().unwrap().said.starts_with("finishes what was begun"), "{second:?}");
    until(&operator, &second, "quota `hand` refuses its pod").await;
    operator.watching.until(&name, "begun", |e| e.tenant.claims.len() == 2 && e.tenant.set().is_some()).await;
    let kept = claims(operator.entry(&name));
    // For a while nobody helps, so that the controller waits longer and longer.
    tokio::time::sleep(Duration::from_secs(30)).await;
    world.cluster.merge(&at, "kubectl-edit", &json!({ "spec": { "hard": { "count/pods": "5" } } })).await.unwrap();
    counted("5").await;

    let third = plan(&mut operator, &spec, |e| e.tenant.set().is_some()).await;
    assert!(third.turns().next().unwrap().said.starts_with("finishes what was begun"), "{third:?}");
    let told = operator.run(&third).await;
    assert_eq!(told.end(), End::Done, "{}", told.said());
    operator.watching.until(&name, "Ready", ready).await;
    assert_eq!(claims(operator.entry(&name)), kept, "on the volumes that were made first");
}

pub(crate) async fn a_set_that_is_deleted_in_the_foreground_is_left_alone_until_it_is_gone(world: &World) {
    let mut operator = Operator::new(world).await;
    let spec = world.spec("a");
    let name = spec.namespace();
    operator.create(&spec).await;
    let kept = claims(operator.entry(&name));
    let upgrade = operator.plan(image("2026.8.2"), one(), &[&name], ready).await.unwrap();
    // Somebody's finalizer keeps the pod, and so the StatefulSet, between there and gone.
    let hold = async |finalizers: Value| {
        let patch = json!({ "metadata": { "finalizers": finalizers } });
        let at = Address::kind("Pod", &name, "openclaw-0").unwrap();
        world.cluster.merge(&at, "kubectl-edit", &patch).await.unwrap();
    };
    hold(json!(["example.com/hold"])).await;
    let sets: Api<StatefulSet> = Api::namespaced(client(world).await, &name);
    sets.delete("openclaw", &DeleteParams::foreground()).await.unwrap();
    let told = operator.run(&upgrade).await;
    let State::Held { said } = told.state(&name) else { panic!("{}", told.said()) };
    assert!(said.contains("being deleted") || said.contains("has changed since"), "{said}");
    assert!(!told.events.iter().any(|e| matches!(&e.news, News::Did { said, .. } if said.contains("deleted"))));
    let going = |e: &Entry| e.tenant.set().is_some_and(|set| set.deleting.is_some());
    let refusal = operator.plan(image("2026.8.2"), one(), &[&name], going).await.unwrap_err();
    assert!(refusal.to_string().contains("delet"), "{refusal}");

    hold(Value::Null).await;
    operator.watching.until(&name, "parked", |e| e.tenant.set().is_none() && e.tenant.pod().is_none()).await;
    assert_eq!(claims(operator.entry(&name)), kept);
    let revive = plan(&mut operator, &spec, |e| e.tenant.set().is_none()).await;
    let told = operator.run(&revive).await;
    assert_eq!(told.end(), End::Done, "{}", told.said());
    operator.watching.until(&name, "revived", ready).await;
    assert_eq!(claims(operator.entry(&name)), kept, "the very same volumes");
}
