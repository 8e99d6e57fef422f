//! delete: StatefulSet, Service and Ingress go; volumes, Secrets and the Namespace stay, and `create` revives the tenant. A
//! purge deletes the Namespace by its UID, and the data with it.

use super::{
    Basis, Situation, Turn,
    refusal::{Refusal, Why},
    reprovision::at_risk,
    step::{Step, What},
    until::Until,
};
use crate::{fleet::Phase, index::Entry};

pub(super) fn recipes(purge: bool) -> Vec<Vec<Step>> {
    let steps = if purge {
        vec![Step::Delete { what: What::Tenant }, Step::Await { until: Until::Erased, seconds: Until::ERASE }]
    } else {
        vec![
            // Whoever comes by the host is told so at once, and nothing is sent to a pod that is going.
            Step::Delete { what: What::Ingress },
            Step::Delete { what: What::Service },
            Step::Delete { what: What::StatefulSet },
            Step::Await { until: Until::Removed, seconds: Until::STOP },
            Step::Await { until: Until::Kept, seconds: 60 },
        ]
    };
    vec![steps]
}

pub(super) fn turn(entry: &Entry, purge: bool, seen: &Situation<'_>, refusal: &mut Refusal) -> Option<Turn> {
    let tenant = &entry.tenant;
    let id = Some(tenant.id.as_str());
    let before = refusal.0.len();
    if entry.verdict.phase == Phase::Terminating {
        refusal.add(id, Why::Terminating, "it is being deleted already");
    }
    if tenant.namespace.is_none() {
        refusal.add(id, Why::Stale, "its Namespace is not known, so that it cannot be told from another of its name");
    }
    let mut said = "its data goes for good".to_owned();
    if !purge {
        at_risk(tenant, seen, refusal);
        let others = seen.others.get(tenant.namespace_name.as_str()).map_or(&[][..], Vec::as_slice);
        if tenant.set().is_none() && others.is_empty() {
            refusal.add(
                id,
                Why::NothingToDo,
                "it is parked: only its volumes are left; --purge-data deletes those too",
            );
        }
        let names: Vec<_> = tenant.claims.iter().map(|c| c.name.as_str()).collect();
        let volumes =
            if names.is_empty() { "it has no volumes".to_owned() } else { format!("{} stay", names.join(" and ")) };
        said = format!("is parked: {volumes}; `create` revives it");
    }
    if refusal.0.len() > before {
        return None;
    }
    let mut turn = Turn::for_entry(entry, 0, said);
    turn.basis = Basis::of(entry).with_claims(tenant);
    turn.basis.others = seen.others.get(tenant.namespace_name.as_str()).cloned().unwrap_or_default();
    (turn.down, turn.unwell) = (None, None);
    Some(turn)
}

#[cfg(test)]
mod tests {
    use super::super::situation_for_tests as with;
    use super::*;
    use crate::{
        fleet::{Tenant, fixture::*},
        plan::{Intent, Pace, Plan},
    };

    fn plan(purge: bool, edit: impl Fn(&mut Tenant)) -> Result<Plan, Refusal> {
        let mut it = tenant("maria", Some(ready()));
        edit(&mut it);
        let entry = with::entry(it);
        with::situation(|seen| Plan::make(Intent::Delete { purge }, Pace::default(), &[&entry], seen))
    }

    #[test]
    fn volumes_stay_unless_they_are_purged() {
        let kept = plan(false, |_| {}).unwrap();
        let turn = kept.turns().next().unwrap();
        assert!(turn.said.contains("app-data and config-data stay"), "{}", turn.said);
        assert_eq!(turn.basis.claims["app-data"], uid(30));
        assert!(!kept.recipes[0].contains(&Step::Delete { what: What::Tenant }));
        assert_eq!(kept.recipes[0].last(), Some(&Step::Await { until: Until::Kept, seconds: 60 }));
        let purged = plan(true, |_| {}).unwrap();
        assert!(purged.recipes[0].contains(&Step::Delete { what: What::Tenant }));
    }

    #[test]
    fn a_retention_policy_that_deletes_is_refused() {
        let refusal = plan(false, |t| t.sets[0].retention_deletes = true).unwrap_err();
        assert_eq!(refusal.0[0].why, Why::DataAtRisk);
        assert_eq!(plan(false, |t| t.sets = Box::default()).unwrap_err().0[0].why, Why::NothingToDo);
        assert_eq!(plan(true, |t| t.namespace = None).unwrap_err().0[0].why, Why::Stale);
        assert_eq!(
            plan(true, |t| t.namespace.as_mut().unwrap().deleting = Some(at(1))).unwrap_err().0[0].why,
            Why::Terminating
        );
    }
}
