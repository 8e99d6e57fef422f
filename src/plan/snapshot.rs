//! snapshot: a VolumeSnapshot of each of a tenant's claims. Nothing is stopped for it.

use super::{
    Basis, Situation, Turn,
    refusal::{Refusal, Why},
    step::Step,
    until::Until,
};
use crate::{
    fleet::{ClaimPhase, Phase},
    index::Entry,
};

/// Seconds that a driver may take from the asking to a snapshot that can be used.
pub(super) const READY: u32 = 1_800;

pub(super) fn recipes() -> Vec<Vec<Step>> {
    vec![vec![Step::Snapshot, Step::Await { until: Until::Snapped, seconds: READY }]]
}

pub(super) fn turn(entry: &Entry, seen: &Situation<'_>, refusal: &mut Refusal) -> Option<Turn> {
    let tenant = &entry.tenant;
    let id = Some(tenant.id.as_str());
    let before = refusal.0.len();
    if entry.verdict.phase == Phase::Terminating {
        refusal.add(id, Why::Terminating, "it is being deleted");
    }
    if seen.found.get(tenant.namespace_name.as_str()).is_none_or(|found| found.snapshots.is_none()) {
        refusal.add(id, Why::NoSnapshots, NOT_SERVED);
    }
    for claim in tenant.claims.iter().filter(|claim| claim.phase != ClaimPhase::Bound) {
        refusal.add(id, Why::Stale, format!("claim {} has no volume: there is nothing to cut", claim.name));
    }
    if tenant.claims.is_empty() {
        refusal.add(id, Why::NothingToDo, "it has no volumes");
    }
    if refusal.0.len() > before {
        return None;
    }
    let names: Vec<_> = tenant.claims.iter().map(|c| c.name.as_str()).collect();
    let mut turn = Turn::for_entry(entry, 0, format!("snapshots of {}", names.join(" and ")));
    turn.basis = Basis::of(entry).with_claims(tenant);
    if tenant.pod().is_some() {
        turn.warnings.push(
            "it runs meanwhile: its volumes are cut one after the other, as after a power cut; `suspend` it first for a \
             cut of one moment"
                .to_owned(),
        );
    }
    (turn.down, turn.unwell) = (None, None);
    Some(turn)
}

pub(super) const NOT_SERVED: &str = "the cluster serves no snapshot.storage.k8s.io/v1, or its snapshots may not be listed: there is no way to make or use one";

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::situation_for_tests as with;
    use super::*;
    use crate::{
        fleet::{Tenant, fixture::*},
        plan::{Found, Intent, Pace, Plan},
    };

    #[test]
    fn every_claim_is_cut_where_the_cluster_can() {
        let plan = |snapshots, edit: &dyn Fn(&mut Tenant)| {
            let mut it = tenant("maria", Some(ready()));
            edit(&mut it);
            let entry = with::entry(it);
            let found = BTreeMap::from([("tenant-maria".to_owned(), Found { snapshots, ..Found::default() })]);
            let intent = Intent::Snapshot { class: None };
            with::situation(|seen| {
                Plan::make(intent.clone(), Pace::default(), &[&entry], &Situation { found: &found, ..*seen })
            })
        };
        let made = plan(Some(Vec::new()), &|_| {}).unwrap();
        let turn = made.turns().next().unwrap();
        assert_eq!((turn.said.as_str(), turn.basis.claims.len()), ("snapshots of app-data and config-data", 2));
        assert!(turn.warnings[0].contains("one after the other") && turn.down.is_none());
        assert!(!made.steps(turn).iter().any(Step::interrupts));
        assert!(
            plan(Some(Vec::new()), &|t| t.pods = Box::default()).unwrap().turns().next().unwrap().warnings.is_empty()
        );
        assert_eq!(plan(None, &|_| {}).unwrap_err().0[0].why, Why::NoSnapshots);
        let pending = |t: &mut Tenant| t.claims[0].phase = ClaimPhase::Pending;
        assert!(plan(Some(Vec::new()), &pending).unwrap_err().to_string().contains("app-data has no volume"));
    }
}
