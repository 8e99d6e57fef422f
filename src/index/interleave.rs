//! Any interleaving of deltas, then a list of every kind, equals the fleet that only ever saw the lists.

use proptest::prelude::*;

use super::*;
use crate::fleet::{Pod, StatefulSet, Text, Uid, fixture::*};

/// A small world, so that names and UIDs meet often: object `n` of tenant `t` in one of three states.
#[derive(Clone, Copy, Debug)]
enum Act {
    Upsert { tenant: u8, kind: u8, object: u8, state: u8 },
    Remove { tenant: u8, kind: u8, object: u8 },
    Partial { tenant: u8, kind: u8, object: u8, state: u8 },
}

fn act() -> impl Strategy<Value = Act> {
    let ids = || (0_u8..4, 0_u8..5, 0_u8..3);
    prop_oneof![
        3 => (ids(), 0_u8..3).prop_map(|((tenant, kind, object), state)| Act::Upsert { tenant, kind, object, state }),
        1 => ids().prop_map(|(tenant, kind, object)| Act::Remove { tenant, kind, object }),
        1 => (ids(), 0_u8..3).prop_map(|((tenant, kind, object), state)| Act::Partial { tenant, kind, object, state }),
    ]
}

fn key(tenant: u8, kind: u8, object: u8) -> Key {
    let n = 1 + u128::from(tenant) * 100 + u128::from(kind) * 10 + u128::from(object);
    Key { namespace: text(&format!("tenant-{tenant}")), uid: Uid::from_u128(n) }
}

fn facet(tenant: u8, kind: u8, object: u8, state: u8) -> Facet {
    let key = key(tenant, kind, object);
    let uid = key.uid;
    let part = match kind {
        0 => Part::Pod(Pod { uid, ..[booting(3), starting(), ready()][usize::from(state)].clone() }),
        1 => Part::StatefulSet(StatefulSet { uid, wanted: u32::from(state), ..set() }),
        2 => Part::Claim(crate::fleet::Claim { uid, ..claim(0, if state == 0 { "app-data" } else { "config-data" }) }),
        3 => Part::Warning(crate::fleet::Warning { uid, count: u32::from(state), ..refusal(3) }),
        _ => Part::Namespace(crate::fleet::Namespace {
            uid,
            created: Some(at(u32::from(state))),
            deleting: None,
            remaining: None,
            host: None,
            owner: None,
            spec: None,
            claim: None,
            done: None,
        }),
    };
    Facet { key, tenant: Some(text(&tenant.to_string())), tier: Some(text("pro")), part }
}

/// What the server holds in the end: at most one Namespace object a namespace.
fn lists(world: &[(u8, u8, u8, u8)]) -> Vec<Delta> {
    let kinds = [Kind::Namespace, Kind::Pod, Kind::StatefulSet, Kind::Claim, Kind::Quota, Kind::Warning];
    let mut seen = std::collections::BTreeMap::new();
    for (tenant, kind, object, state) in world {
        let object = if *kind == 4 { 0 } else { *object };
        seen.insert((*tenant, *kind, object), facet(*tenant, *kind, object, *state));
    }
    let facets: Vec<Facet> = seen.into_values().collect();
    let of = |kind| facets.iter().filter(|f| f.part.kind() == kind).cloned().collect();
    kinds.into_iter().map(|kind| Delta::Resync { kind, namespace: None, facets: of(kind) }).collect()
}

/// The same list as it comes where it has more than one page.
fn in_pages(list: Delta) -> Vec<Delta> {
    let Delta::Resync { kind, namespace, facets } = list else { return vec![list] };
    let keys = facets.iter().map(|f| f.key.clone()).collect();
    let pages = facets.chunks(2).map(|page| Delta::Page(kind, page.to_vec()));
    pages.chain([Delta::Whole { kind, namespace, keys }]).collect()
}

/// Everything but when changes were seen, which is history, and the order in which parts came.
fn snapshot(fleet: &Fleet) -> Vec<crate::fleet::Tenant> {
    let tidy = |entry: &Entry| {
        let mut tenant = entry.tenant.clone();
        tenant.pods.sort_by_key(|p| p.uid);
        tenant.sets.sort_by_key(|s| s.uid);
        tenant.claims.sort_by_key(|c| c.uid);
        tenant.warnings.sort_by_key(|w| w.uid);
        // When the pod was seen to go is history, too.
        tenant.bare = None;
        tenant
    };
    fleet.iter().map(tidy).collect()
}

proptest! {
    #[test]
    fn a_resync_is_the_truth(
        acts in proptest::collection::vec(act(), 0..60),
        world in proptest::collection::vec((0_u8..4, 0_u8..5, 0_u8..3, 0_u8..3), 0..30),
        paged: bool,
    ) {
        let mut lived = Fleet::default();
        for (n, act) in (100_u32..).zip(acts) {
            let delta = match act {
                Act::Upsert { tenant, kind, object, state } => Delta::Upsert(Box::new(facet(tenant, kind, object, state))),
                Act::Remove { tenant, kind, object } => {
                    Delta::Remove(facet(tenant, kind, object, 0).part.kind(), key(tenant, kind, object))
                }
                Act::Partial { tenant, kind, object, state } => {
                    let facet = facet(tenant, kind, object, state);
                    let namespace: Option<Text> = Some(facet.key.namespace.clone());
                    Delta::Resync { kind: facet.part.kind(), namespace, facets: vec![facet] }
                }
            };
            lived.apply(delta, at(n));
        }
        let mut fresh = Fleet::default();
        for delta in lists(&world) {
            if paged {
                in_pages(delta.clone()).into_iter().for_each(|d| drop(lived.apply(d, at(1_000))));
            } else {
                lived.apply(delta.clone(), at(1_000));
            }
            fresh.apply(delta, at(1_000));
        }
        // What did not change is judged anew when its time comes.
        lived.tick(at(1_000));
        fresh.tick(at(1_000));
        let verdicts = |f: &Fleet| f.iter().map(|e| e.verdict.clone()).collect::<Vec<_>>();
        prop_assert_eq!(snapshot(&lived), snapshot(&fresh));
        prop_assert_eq!(verdicts(&lived), verdicts(&fresh));
        prop_assert_eq!(lived.next_due(), fresh.next_due());
    }
}
