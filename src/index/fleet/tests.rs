use super::*;
use crate::fleet::{Phase, fixture::*};

fn facet(namespace: &str, uid: Uid, part: Part) -> Facet {
    let id = namespace.strip_prefix("tenant-").map(Text::from);
    Facet { key: Key { namespace: text(namespace), uid }, tenant: id, tier: Some(text("pro")), part }
}

fn resync(kind: Kind, facets: Vec<Facet>) -> Delta {
    Delta::Resync { kind, namespace: None, facets }
}

fn pod_facet(namespace: &str, n: u128, pod: crate::fleet::Pod) -> Facet {
    facet(namespace, uid(n), Part::Pod(crate::fleet::Pod { uid: uid(n), ..pod }))
}

#[test]
fn a_resync_replaces_one_kind_and_keeps_the_others() {
    let mut fleet = Fleet::default();
    for kind in Kind::ALL {
        fleet.apply(resync(kind, vec![]), at(1));
    }
    let set_of = |n| facet("tenant-a", uid(n), Part::StatefulSet(crate::fleet::StatefulSet { uid: uid(n), ..set() }));
    fleet.apply(resync(Kind::StatefulSet, vec![set_of(20)]), at(100));
    fleet.apply(resync(Kind::Pod, vec![pod_facet("tenant-a", 1, ready()), pod_facet("tenant-b", 2, ready())]), at(100));
    assert_eq!(fleet.len(), 2);
    assert_eq!(fleet.get("tenant-a").unwrap().verdict.phase, Phase::Ready);

    let touched = fleet.apply(resync(Kind::Pod, vec![pod_facet("tenant-a", 3, booting(2))]), at(200));
    assert_eq!(touched.len(), 2);
    assert_eq!(fleet.len(), 1, "tenant-b had nothing but its pod");
    let entry = fleet.get("tenant-a").unwrap();
    assert_eq!(entry.verdict.phase.word(), "Booting");
    assert_eq!((entry.tenant.sets.len(), entry.tenant.pods.len()), (1, 1));
    assert_eq!(entry.changed, Some(at(200)));
}

#[test]
fn the_first_lists_are_one_look_and_no_change() {
    let mut fleet = Fleet::default();
    fleet.apply(resync(Kind::Pod, vec![pod_facet("tenant-a", 1, ready())]), at(500));
    assert_eq!(fleet.get("tenant-a").unwrap().changed, Some(at(110)));
    let namespace = tenant("a", None).namespace.unwrap();
    let namespace = crate::fleet::Namespace { deleting: Some(at(400)), ..namespace };
    fleet.apply(resync(Kind::Namespace, vec![facet("tenant-a", namespace.uid, Part::Namespace(namespace))]), at(501));
    let entry = fleet.get("tenant-a").unwrap();
    assert_eq!((entry.verdict.phase.word(), entry.changed), ("Terminating", Some(at(400))));
}

#[test]
fn what_did_not_change_touches_nobody() {
    let mut fleet = Fleet::default();
    let upsert = || Delta::Upsert(Box::new(pod_facet("tenant-a", 1, ready())));
    assert_eq!(fleet.apply(upsert(), at(100)).len(), 1);
    assert_eq!(fleet.apply(upsert(), at(101)).len(), 0);
}

#[test]
fn a_late_delete_of_an_earlier_pod_spares_the_new_one() {
    let mut fleet = Fleet::default();
    fleet.apply(Delta::Upsert(Box::new(pod_facet("tenant-a", 2, ready()))), at(100));
    fleet.apply(Delta::Remove(Kind::Pod, Key { namespace: text("tenant-a"), uid: uid(1) }), at(101));
    assert_eq!(fleet.len(), 1);
    fleet.apply(Delta::Remove(Kind::Pod, Key { namespace: text("tenant-a"), uid: uid(2) }), at(101));
    assert_eq!(fleet.len(), 0);
}

#[test]
fn an_event_that_comes_before_its_tenant_waits_for_it() {
    let mut fleet = Fleet::default();
    let mut early = facet("tenant-a", uid(40), Part::Warning(refusal(0)));
    early.tenant = None;
    fleet.apply(Delta::Upsert(Box::new(early)), at(10));
    assert!(fleet.is_empty());
    fleet.apply(Delta::Upsert(Box::new(facet("tenant-a", uid(20), Part::StatefulSet(set())))), at(100));
    assert_eq!(fleet.get("tenant-a").unwrap().verdict.phase, Phase::Failing);
}

/// One event counts what every pod of the StatefulSet met: a pod that went a moment ago is not refused since long ago.
#[test]
fn a_pod_is_refused_for_no_longer_than_it_is_gone() {
    let set_of = |wanted| Part::StatefulSet(crate::fleet::StatefulSet { wanted, ..set() });
    let mut fleet = Fleet::default();
    for facet in [
        facet("tenant-a", uid(20), set_of(1)),
        facet("tenant-a", uid(40), Part::Warning(refusal(100))),
        pod_facet("tenant-a", 2, ready()),
    ] {
        fleet.apply(Delta::Upsert(Box::new(facet)), at(200));
    }
    let phase = |fleet: &Fleet| (fleet.get("tenant-a").unwrap().verdict.phase.word(), fleet.next_due());
    assert_eq!(phase(&fleet).0, "Ready");
    fleet.apply(Delta::Remove(Kind::Pod, Key { namespace: text("tenant-a"), uid: uid(2) }), at(500));
    assert_eq!(phase(&fleet), ("Creating", Some(at(530))));
    fleet.tick(at(530));
    assert_eq!(phase(&fleet).0, "Failing");

    // Asleep it wants none; when it is woken it is refused from then on, and no earlier.
    fleet.apply(Delta::Upsert(Box::new(facet("tenant-a", uid(20), set_of(0)))), at(600));
    assert_eq!(phase(&fleet).0, "Suspended");
    fleet.apply(Delta::Upsert(Box::new(facet("tenant-a", uid(20), set_of(1)))), at(900));
    assert_eq!(phase(&fleet), ("Creating", Some(at(930))));
    // The next pod is another story.
    fleet.apply(Delta::Upsert(Box::new(pod_facet("tenant-a", 3, ready()))), at(910));
    assert_eq!(fleet.get("tenant-a").unwrap().tenant.bare, None);
}

#[test]
fn time_alone_turns_a_start_into_a_failure() {
    let mut fleet = Fleet::default();
    fleet.apply(Delta::Upsert(Box::new(pod_facet("tenant-a", 1, starting()))), at(90));
    assert_eq!(fleet.next_due(), Some(at(380)));
    assert!(fleet.tick(at(379)).is_empty());
    assert_eq!(fleet.tick(at(380)).len(), 1);
    assert_eq!(fleet.get("tenant-a").unwrap().verdict.phase, Phase::Failing);
    assert_eq!(fleet.next_due(), None);
}

#[test]
fn a_nodes_change_touches_the_tenants_above_it_and_nobody_else() {
    let node_facet = |node: Node| {
        let key = Key { namespace: node.name.clone(), uid: node.uid };
        Facet { key, tenant: None, tier: None, part: Part::Node(node) }
    };
    let mut fleet = Fleet::default();
    let mut elsewhere = ready();
    elsewhere.node = Some(text("node-2"));
    fleet.apply(Delta::Upsert(Box::new(pod_facet("tenant-a", 1, ready()))), at(100));
    fleet.apply(Delta::Upsert(Box::new(pod_facet("tenant-b", 2, elsewhere))), at(100));
    let both = || vec![node_facet(node("node-1")), node_facet(node("node-2"))];
    assert_eq!(fleet.apply(resync(Kind::Node, both()), at(101)).len(), 2);
    assert!(fleet.apply(resync(Kind::Node, both()), at(102)).is_empty(), "nothing is new");

    let mut silent = node("node-1");
    silent.ready = condition(false, 103);
    let touched = fleet.apply(Delta::Upsert(Box::new(node_facet(silent))), at(103));
    assert_eq!(touched.into_iter().map(|t| t.to_string()).collect::<Vec<_>>(), ["tenant-a"]);
    assert!(!fleet.node("node-1").unwrap().is_ready());

    // A node's name is used again: the late delete of the earlier one spares it.
    let key = |uid| Key { namespace: text("node-1"), uid };
    fleet.apply(Delta::Remove(Kind::Node, key(uid(7))), at(104));
    assert_eq!(fleet.nodes().len(), 2);
    assert_eq!(fleet.apply(Delta::Remove(Kind::Node, key(node("node-1").uid)), at(105)).len(), 1);
    assert_eq!(fleet.node("node-1"), None);
}

#[test]
fn a_broken_source_stays_broken_until_it_brings_something() {
    let mut fleet = Fleet::default();
    fleet.apply(resync(Kind::Pod, vec![]), at(1));
    fleet.apply(Delta::Link(Kind::Pod, Link::Broken { since: at(2), why: text("reset") }), at(3));
    assert_eq!(fleet.sources().broken().map(|(k, since, _)| (k, since)), Some((Kind::Pod, at(2))));
    fleet.apply(Delta::Upsert(Box::new(pod_facet("tenant-a", 1, ready()))), at(4));
    assert_eq!(fleet.sources().broken(), None);
}

#[test]
fn a_first_list_that_breaks_again_and_again_is_never_live() {
    let mut fleet = Fleet::default();
    let page = || Delta::Page(Kind::Pod, vec![pod_facet("tenant-a", 1, ready())]);
    fleet.apply(page(), at(1));
    assert_eq!(fleet.sources().get(Kind::Pod).link, Link::Live);
    fleet.apply(Delta::Link(Kind::Pod, Link::Broken { since: at(2), why: text("reset") }), at(2));
    fleet.apply(page(), at(3));
    assert_eq!(fleet.sources().broken().map(|(k, since, _)| (k, since)), Some((Kind::Pod, at(2))));
    let keys = vec![pod_facet("tenant-a", 1, ready()).key];
    fleet.apply(Delta::Whole { kind: Kind::Pod, namespace: None, keys }, at(4));
    fleet.apply(Delta::Link(Kind::Pod, Link::Live), at(4));
    assert!(fleet.sources().get(Kind::Pod).synced && fleet.sources().broken().is_none());
}

/// Of each there are ten thousand, and an allocator hands out multiples of sixteen bytes less eight.
#[test]
fn what_is_kept_of_a_tenant_stays_small() {
    use crate::fleet::{Claim, Pod, StatefulSet};
    assert_eq!((size_of::<Entry>(), size_of::<Pod>(), size_of::<StatefulSet>()), (264, 168, 88));
    assert_eq!(2 * size_of::<Claim>(), 240);
}
