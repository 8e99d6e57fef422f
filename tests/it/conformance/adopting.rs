//! A tenant that `kubectl apply` has made becomes ours.

use fleetdeck::{
    cluster::{Address, Fault, Mode},
    engine::{compare, dry},
    fleet::name::SPEC_ANNOTATION,
    index::Entry,
    manifest::{Base, TenantSpec, render},
    plan::{End, Intent, State, Why},
};

use crate::conformance::{
    acting::{CONTROL, Operator, image, one, ready},
    world::World,
};

told_twice! { adopting:
    a_tenant_of_kubectls_is_adopted_and_then_changed_as_ours
}

const KUBECTL: &str = "kubectl-client-side-apply";

/// As the seed's provisioner makes them: the same objects, by another manager and without a stored spec.
pub(crate) async fn made_by_kubectl(world: &World, spec: &TenantSpec) {
    for object in render(&Base::embedded().unwrap(), spec).unwrap() {
        let mut value = object.value().clone();
        match object.kind() {
            "Namespace" => {
                value["metadata"]["annotations"].as_object_mut().unwrap().remove(SPEC_ANNOTATION);
                value["metadata"]["labels"]["example.com/team"] = "x".into();
            }
            "StatefulSet" => world.token(spec).await.unwrap(),
            _ => {}
        }
        world.cluster.create_as(&value, KUBECTL).await.unwrap();
    }
}

pub(crate) async fn a_tenant_of_kubectls_is_adopted_and_then_changed_as_ours(world: &World) {
    let mut operator = Operator::new(world).await;
    let spec = world.spec("a");
    let name = spec.namespace();
    made_by_kubectl(world, &spec).await;
    let bare = |e: &Entry| ready(e) && e.tenant.namespace.as_ref().is_some_and(|n| n.spec.is_none());
    let refusal = operator.plan(image("2026.8.2"), one(), &[&name], bare).await.unwrap_err();
    assert_eq!(refusal.0[0].why, Why::NotAdopted, "{refusal}");
    let pod = operator.entry(&name).tenant.pod().unwrap().uid;
    // The first apply of another value conflicts: kubectl owns it all.
    let other = TenantSpec { image: "ghcr.io/openclaw/openclaw:2026.8.2".parse().unwrap(), ..spec.clone() };
    let set = world.object(&other, "StatefulSet", "openclaw");
    let error = world.cluster.apply(&set, Mode::DryRun).await.unwrap_err();
    assert!(error.fault == Fault::Owned && error.conflicts.iter().all(|(who, _)| who == KUBECTL), "{error}");

    let intent = Intent::Adopt { from: vec![KUBECTL.to_owned()] };
    let plan = operator.plan(intent.clone(), one(), &[&name], bare).await.unwrap();
    let turn = plan.turns().next().unwrap();
    assert!(turn.said.contains(" fields from kubectl-client-side-apply"), "{}", turn.said);
    // It is read off the objects as it was, but for the class that the cluster has chosen since.
    let mut read = turn.spec.as_deref().unwrap().clone();
    for claim in [&mut read.volumes.app, &mut read.volumes.config] {
        assert!(claim.storage_class.take().is_some());
    }
    assert_eq!(read, spec);
    let verdicts = dry::dry_run(&world.cluster, &operator.base, &plan, turn, CONTROL).await;
    assert!(verdicts.iter().all(|v| v.refused.is_none()), "{verdicts:?}");
    let namespace = verdicts.iter().find(|v| !v.changes.is_empty()).unwrap();
    let paths: Vec<&str> = namespace.changes.iter().map(|c| c.path.as_str()).collect();
    assert_eq!(paths, ["metadata.annotations[openclaw.ai/spec]"], "nothing else changes");
    let told = operator.run(&plan).await;
    let State::Done { down: None, .. } = told.state(&name) else { panic!("{}", told.said()) };
    assert_eq!(world.cluster.pod(&name, "openclaw-0").await.unwrap().unwrap().uid, pod, "nobody is restarted");
    let adopted = |e: &Entry| ready(e) && e.tenant.namespace.as_ref().is_some_and(|n| n.spec.is_some());
    operator.watching.until(&name, "adopted", adopted).await;
    let compared = compare(&world.cluster, &operator.base, &name, true).await.unwrap().unwrap();
    assert!(compared.drift.is_empty() && compared.takes.is_empty(), "{compared:?}");
    // What kubectl has put there and the spec does not render stays, and stays kubectl's.
    let at = Address::kind("Namespace", "", &name).unwrap();
    let live = world.cluster.object(&at).await.unwrap().unwrap();
    assert_eq!(live["metadata"]["labels"]["example.com/team"], "x");
    let refusal = operator.plan(intent, one(), &[&name], adopted).await.unwrap_err();
    assert_eq!(refusal.0[0].why, Why::NothingToDo, "{refusal}");
    // The plan done once more finds all of it done.
    let told = operator.run(&plan).await;
    assert!(told.end() == End::Done && !told.said().contains("are ours"), "{}", told.said());

    let plan = operator.plan(image("2026.8.2"), one(), &[&name], adopted).await.unwrap();
    let told = operator.run(&plan).await;
    assert_eq!(told.end(), End::Done, "{}", told.said());
    let moved = |e: &Entry| ready(e) && e.tenant.running_image().unwrap().tag == Some("2026.8.2");
    operator.watching.until(&name, "upgraded", moved).await;
}
