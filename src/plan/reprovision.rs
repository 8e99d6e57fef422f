//! reprovision: the StatefulSet is deleted and made anew on the volumes that were there. Everything else is applied before, so
//! that whatever the server refuses is known while the tenant still serves.

use super::{
    Basis, Situation, Turn,
    refusal::{Refusal, Why},
    step::{Piece, Step, What},
    suspend::changeable,
    until::Until,
    upgrade,
};
use crate::{
    fleet::{Claim, Tenant},
    index::Entry,
    manifest::PinnedImage,
};

const AWAKE: usize = 0;
const ASLEEP: usize = 1;

pub(super) fn recipes() -> Vec<Vec<Step>> {
    let kept = Step::Await { until: Until::Kept, seconds: 60 };
    let mut steps = vec![kept.clone()];
    let others = Piece::ALL.into_iter().filter(|kind| *kind != Piece::StatefulSet);
    steps.extend(others.map(|kind| Step::Apply { kind }));
    steps.extend([
        Step::Delete { what: What::StatefulSet },
        Step::Await { until: Until::Removed, seconds: Until::STOP },
        kept.clone(),
        Step::Apply { kind: Piece::StatefulSet },
    ]);
    let (mut awake, mut asleep) = (steps.clone(), steps);
    awake.extend([Step::Await { until: Until::Served, seconds: Until::BOOT }, kept.clone()]);
    asleep.extend([
        Step::Await { until: Until::Observed, seconds: 120 },
        kept,
        Step::Note { text: "made anew, not verified: it is suspended and was not woken".to_owned() },
    ]);
    vec![awake, asleep]
}

pub(super) fn turn(
    entry: &Entry,
    image: Option<&PinnedImage>,
    seen: &Situation<'_>,
    refusal: &mut Refusal,
) -> Option<Turn> {
    let asleep = changeable(entry, refusal)?;
    let tenant = &entry.tenant;
    let before = refusal.0.len();
    at_risk(tenant, seen, refusal);
    let id = Some(tenant.id.as_str());
    if tenant.sets.len() > 1 {
        refusal.add(id, Why::Exists, "it has several StatefulSets: delete by hand the one that is not its own");
    }
    if tenant.claims.is_empty() {
        refusal.add(id, Why::DataAtRisk, "no claim of it is known: what is to be kept could not be proven");
    }
    let mut warnings = Vec::new();
    let moved = image.map(|image| upgrade::step(entry, image, &mut warnings, refusal));
    if refusal.0.len() > before {
        return None;
    }
    let names: Vec<_> = tenant.claims.iter().map(|c| c.name.as_str()).collect();
    let set = tenant.set()?;
    let mut said = format!("StatefulSet {} is deleted and made anew; {} stay", set.name, names.join(" and "));
    if let Some(moved) = moved {
        said = format!("{moved}; {said}");
    }
    if asleep {
        said += "; it is not woken";
    }
    let mut turn = Turn::for_entry(entry, if asleep { ASLEEP } else { AWAKE }, said);
    turn.basis = Basis::of(entry).with_claims(tenant);
    warnings.extend(reclaimed(tenant, seen));
    turn.warnings = warnings;
    if asleep {
        turn.down = None;
    }
    Some(turn)
}

/// What would take volumes along with a StatefulSet, or keep it from going.
pub(super) fn at_risk(tenant: &Tenant, seen: &Situation<'_>, refusal: &mut Refusal) {
    let id = Some(tenant.id.as_str());
    if tenant.sets.iter().any(|set| set.retention_deletes) {
        let said = "its StatefulSet's retention policy would delete claims with it: set whenDeleted to Retain first";
        refusal.add(id, Why::DataAtRisk, said);
    }
    let going = |claim: &&Claim| claim.deleting().is_some();
    if let Some(claim) = tenant.claims.iter().find(going) {
        let said = format!("claim {} is being deleted, and goes as soon as no pod uses it", claim.name);
        refusal.add(id, Why::DataAtRisk, said);
    }
    let finalizers = seen.found.get(tenant.namespace_name.as_str()).map_or(&[][..], |found| &found.finalizers);
    if !finalizers.is_empty() {
        let said = format!(
            "its StatefulSet has finalizers ({}): it would be down until whoever set them lets it go",
            finalizers.join(", ")
        );
        refusal.add(id, Why::Terminating, said);
    }
}

/// Claims stay; but who deletes one of these by hand loses the disk too.
pub(super) fn reclaimed(tenant: &Tenant, seen: &Situation<'_>) -> Vec<String> {
    let Some(behind) = seen.found.get(tenant.namespace_name.as_str()).and_then(|found| found.volumes.as_ref()) else {
        return vec!["whether its disks would outlive their claims is not known".to_owned()];
    };
    let deleted = behind.iter().filter(|(_, behind)| behind.reclaim == "Delete");
    deleted
        .map(|(claim, behind)| {
            format!(
                "{claim} stays, but its disk {} has reclaim policy Delete: nothing outlives the claim",
                behind.volume
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::situation_for_tests as with;
    use super::*;
    use crate::{
        fleet::fixture::*,
        plan::{Behind, Found, Intent, Pace, Plan, Preview},
    };

    fn plan(found: Found, edit: impl Fn(&mut Tenant)) -> Result<Plan, Refusal> {
        let mut it = tenant("maria", Some(ready()));
        edit(&mut it);
        let entry = with::entry(it);
        let found = BTreeMap::from([("tenant-maria".to_owned(), found)]);
        with::situation(|seen| {
            Plan::make(
                Intent::Reprovision { image: None },
                Pace::default(),
                &[&entry],
                &Situation { found: &found, ..*seen },
            )
        })
    }

    #[test]
    fn what_may_be_refused_comes_before_the_set_goes_and_volumes_are_proven_on_both_sides() {
        let behind = |reclaim: &str| Behind { volume: "pv-1".to_owned(), reclaim: reclaim.to_owned(), expands: true };
        let volumes =
            BTreeMap::from([("app-data".to_owned(), behind("Retain")), ("config-data".to_owned(), behind("Delete"))]);
        let plan = plan(Found { volumes: Some(volumes), ..Found::default() }, |_| {}).unwrap();
        let steps = &plan.recipes[AWAKE];
        let at = |step: &Step| steps.iter().position(|s| s == step).unwrap();
        let gone = at(&Step::Delete { what: What::StatefulSet });
        let kept: Vec<usize> =
            (0..steps.len()).filter(|n| matches!(steps[*n], Step::Await { until: Until::Kept, .. })).collect();
        assert!(kept[0] == 0 && gone < kept[1] && kept[1] < at(&Step::Apply { kind: Piece::StatefulSet }));
        assert_eq!(kept.last(), Some(&(steps.len() - 1)));
        assert!(at(&Step::Apply { kind: Piece::PersistentVolumeClaim }) < gone);
        let turn = plan.turns().next().unwrap();
        assert_eq!(turn.said, "StatefulSet openclaw is deleted and made anew; app-data and config-data stay");
        assert_eq!((turn.basis.claims.len(), turn.down), (2, Some(110)));
        assert_eq!(
            turn.warnings[0],
            "config-data stays, but its disk pv-1 has reclaim policy Delete: nothing outlives the claim"
        );
        let words = Preview::of(&plan).downtime;
        assert!(words.contains("about 110s") && words.contains("attached"), "{words}");
    }

    #[test]
    fn whatever_could_take_a_volume_along_is_refused() {
        let why = |found: Found, edit: &dyn Fn(&mut Tenant)| plan(found, edit).unwrap_err().0[0].why;
        let none = Found::default;
        assert_eq!(why(none(), &|t| t.sets[0].retention_deletes = true), Why::DataAtRisk);
        assert_eq!(why(none(), &|t| t.claims[1].unrest = going(9)), Why::DataAtRisk);
        assert_eq!(why(none(), &|t| t.claims = Box::default()), Why::DataAtRisk);
        assert_eq!(why(none(), &|t| t.sets = Box::default()), Why::Parked);
        assert_eq!(why(none(), &|t| t.namespace.as_mut().unwrap().spec = None), Why::NotAdopted);
        let held = Found { finalizers: vec!["foregroundDeletion".to_owned()], ..Found::default() };
        assert_eq!(why(held, &|_| {}), Why::Terminating);
    }

    #[test]
    fn who_sleeps_is_not_woken() {
        let plan = plan(Found::default(), |t| {
            t.sets[0].wanted = 0;
            t.pods = Box::default();
        });
        let plan = plan.unwrap();
        let turn = plan.turns().next().unwrap();
        assert!(turn.recipe == ASLEEP && turn.down.is_none() && turn.said.ends_with("not woken"), "{turn:?}");
        assert!(turn.warnings[0].contains("not known"));
        assert!(!plan.steps(turn).iter().any(|s| matches!(s, Step::Await { until: Until::Served, .. })));
    }
}
