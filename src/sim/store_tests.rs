//! The store by itself: versions, generations, deletion and what follows from it.

use std::sync::Arc;

use serde_json::{Value, json};

use super::clock::Clock;
use super::delete::{DeleteOptions, Deleted, Propagation};
use super::history::EventType;
use super::kinds;
use super::object::{is_terminating, text_at, uid_of};
use super::store::Store;

fn store() -> Store {
    let clock = Clock::new("2026-01-01T00:00:00Z".parse().unwrap(), 1.0);
    let store = Store::new(clock, 7, (100, 1 << 20));
    store.create(kinds::NAMESPACE, json!({"metadata": {"name": "a"}}), "test").unwrap();
    store
}

fn config_map(name: &str, owner: Option<&Value>) -> Value {
    let mut out = json!({"metadata": {"name": name, "namespace": "a"}});
    if let Some(owner) = owner {
        out["metadata"]["ownerReferences"] = json!([{
            "apiVersion": "v1", "kind": "ConfigMap", "name": owner["metadata"]["name"], "uid": owner["metadata"]["uid"],
            "blockOwnerDeletion": true, "controller": true,
        }]);
    }
    out
}

#[test]
fn versions_move_only_with_changes() {
    let store = store();
    let mut changes = store.subscribe();
    let made = store.create(kinds::CONFIG_MAP, config_map("x", None), "test").unwrap();
    let same = store.modify(kinds::CONFIG_MAP, "a", "x", |_| {}).unwrap();
    assert!(Arc::ptr_eq(&made, &same) || made == same);
    let moved = store.modify(kinds::CONFIG_MAP, "a", "x", |o| o["data"] = json!({"k": "v"})).unwrap();
    assert!(text_at(&moved, &["metadata", "resourceVersion"]) > text_at(&made, &["metadata", "resourceVersion"]));
    assert_eq!(uid_of(&made), uid_of(&moved));
    let events: Vec<_> = std::iter::from_fn(|| changes.try_recv().ok()).map(|c| c.event).collect();
    assert_eq!(events, [EventType::Added, EventType::Modified]);
    let twice = store.create(kinds::CONFIG_MAP, config_map("x", None), "test").unwrap_err();
    assert_eq!((twice.code, twice.message.as_str()), (409, "configmaps \"x\" already exists"));
}

#[test]
fn dependents_follow_their_owner() {
    for (propagation, left) in [(Propagation::Background, 0), (Propagation::Foreground, 0), (Propagation::Orphan, 1)] {
        let store = store();
        let owner = store.create(kinds::CONFIG_MAP, config_map("owner", None), "test").unwrap();
        store.create(kinds::CONFIG_MAP, config_map("child", Some(&owner)), "test").unwrap();
        let options = DeleteOptions { propagation: Some(propagation), ..DeleteOptions::default() };
        store.delete(kinds::CONFIG_MAP, "a", "owner", &options).unwrap();
        let names: Vec<_> = store
            .list(kinds::CONFIG_MAP, Some("a"))
            .iter()
            .map(|o| text_at(o, &["metadata", "name"]).to_owned())
            .collect();
        assert_eq!(names.iter().filter(|n| *n == "child").count(), left, "{propagation:?}");
        assert!(!names.contains(&"owner".to_owned()), "{propagation:?}");
    }
}

#[test]
fn a_foreground_owner_waits_for_a_held_dependent() {
    let store = store();
    let owner = store.create(kinds::CONFIG_MAP, config_map("owner", None), "test").unwrap();
    let mut child = config_map("child", Some(&owner));
    child["metadata"]["finalizers"] = json!(["x.io/hold"]);
    store.create(kinds::CONFIG_MAP, child, "test").unwrap();
    let options = DeleteOptions { propagation: Some(Propagation::Foreground), ..DeleteOptions::default() };
    assert!(matches!(store.delete(kinds::CONFIG_MAP, "a", "owner", &options).unwrap(), Deleted::Marked(_)));
    assert!(is_terminating(&store.get(kinds::CONFIG_MAP, "a", "child").unwrap()));
    assert!(store.get(kinds::CONFIG_MAP, "a", "owner").is_some());
    store.modify(kinds::CONFIG_MAP, "a", "child", |o| o["metadata"]["finalizers"] = json!([])).unwrap();
    assert!(store.get(kinds::CONFIG_MAP, "a", "child").is_none());
    assert!(store.get(kinds::CONFIG_MAP, "a", "owner").is_none());
}

#[test]
fn a_namespace_goes_when_it_is_empty_and_says_what_holds_it() {
    let store = store();
    let mut held = config_map("held", None);
    held["metadata"]["finalizers"] = json!(["x.io/hold"]);
    store.create(kinds::CONFIG_MAP, held, "test").unwrap();
    store.delete(kinds::NAMESPACE, "", "a", &DeleteOptions::default()).unwrap();
    let namespace = store.get(kinds::NAMESPACE, "", "a").unwrap();
    assert_eq!(namespace["status"]["phase"], "Terminating");
    let texts: Vec<_> =
        namespace["status"]["conditions"].as_array().unwrap().iter().map(|c| c["message"].as_str().unwrap()).collect();
    assert_eq!(texts[3], "Some resources are remaining: configmaps. has 1 resource instances");
    assert_eq!(texts[4], "Some content in the namespace has finalizers remaining: x.io/hold in 1 resource instances");
    let refused = store.create(kinds::CONFIG_MAP, config_map("late", None), "test").unwrap_err();
    assert_eq!((refused.code, refused.details.unwrap().causes[0].reason.as_str()), (403, "NamespaceTerminating"));
    store.modify(kinds::CONFIG_MAP, "a", "held", |o| o["metadata"]["finalizers"] = json!([])).unwrap();
    assert!(store.get(kinds::NAMESPACE, "", "a").is_none());
}

#[test]
fn a_delete_checks_its_preconditions() {
    let store = store();
    store.create(kinds::CONFIG_MAP, config_map("x", None), "test").unwrap();
    for options in [
        DeleteOptions { uid: Some("other".into()), ..DeleteOptions::default() },
        DeleteOptions { resource_version: Some("1".into()), ..DeleteOptions::default() },
    ] {
        assert_eq!(store.delete(kinds::CONFIG_MAP, "a", "x", &options).unwrap_err().code, 409);
    }
    store.remove(kinds::CONFIG_MAP, "a", "x", "other");
    assert!(store.get(kinds::CONFIG_MAP, "a", "x").is_some());
}

#[test]
fn a_bound_pod_waits_for_its_kubelet() {
    let store = store();
    let pod = json!({"metadata": {"name": "p", "namespace": "a"}, "spec": {"containers": [{"name": "c", "image": "i"}], "nodeName": "n"}});
    let made = store.create(kinds::POD, pod, "test").unwrap();
    let options = DeleteOptions { propagation: Some(Propagation::Background), ..DeleteOptions::default() };
    assert!(matches!(store.delete(kinds::POD, "a", "p", &options).unwrap(), Deleted::Marked(_)));
    assert_eq!(store.get(kinds::POD, "a", "p").unwrap()["metadata"]["deletionGracePeriodSeconds"], 30);
    store.remove(kinds::POD, "a", "p", uid_of(&made));
    assert!(store.get(kinds::POD, "a", "p").is_none());
}

#[test]
fn what_goes_on_from_a_kept_state_gives_no_uid_a_second_time() {
    let first = store();
    let name = |n: usize| format!("c{n}");
    let before: Vec<_> = (0..50)
        .map(|n| uid_of(&first.create(kinds::CONFIG_MAP, config_map(&name(n), None), "test").unwrap()).to_owned())
        .collect();
    let clock = Clock::new("2026-01-01T00:00:00Z".parse().unwrap(), 1.0);
    let next = |seed| {
        let store = Store::new(clock, seed, (100, 1 << 20));
        store.fill(&first.freeze());
        let made = (50..100).map(|n| store.create(kinds::CONFIG_MAP, config_map(&name(n), None), "test").unwrap());
        made.map(|o| uid_of(&o).to_owned()).collect::<Vec<_>>()
    };
    let after = next(7);
    assert!(after.iter().all(|uid| !before.contains(uid)), "{after:?}");
    assert_eq!(after, next(7), "and tells the same each time");
    assert_ne!(after, next(8));
}
