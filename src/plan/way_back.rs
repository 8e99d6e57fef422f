//! The way back of whatever may cost data: the snapshots that there are, or the ones that are cut first.

use std::collections::BTreeMap;

use super::{
    Basis, Intent, Situation, Turn,
    found::Snap,
    refusal::{Refusal, Why},
    snapshot::{NOT_SERVED, READY},
    step::Step,
    until::Until,
};
use crate::{
    fleet::{Age, At, ClaimPhase},
    index::Entry,
};

impl Intent {
    /// Whether it touches what a tenant's data live on, so that somebody may want to go back.
    pub fn needs_way_back(&self) -> bool {
        matches!(
            self,
            Self::Upgrade { .. }
                | Self::Restore { .. }
                | Self::SetTier { .. }
                | Self::Resize { .. }
                | Self::Apply { .. }
                | Self::Reprovision { .. }
                | Self::Delete { .. }
        )
    }

    /// Whether a snapshot can be its first step.
    pub fn snapshots_first(&self) -> bool {
        matches!(self, Self::Upgrade { .. } | Self::Reprovision { .. } | Self::Delete { purge: false })
    }
}

/// Puts the cut before everything else: where it fails, nothing has been touched.
pub(super) fn first(recipes: &mut [Vec<Step>]) {
    let cut = [Step::Drain, Step::Snapshot, Step::Await { until: Until::Snapped, seconds: READY }];
    for recipe in recipes {
        recipe.splice(0..0, cut.iter().cloned());
    }
}

/// Says of a turn what it can be gone back to; refuses a cut that cannot be made.
pub(super) fn say(turn: &mut Turn, intent: &Intent, entry: &Entry, seen: &Situation<'_>, refusal: &mut Refusal) {
    let tenant = &entry.tenant;
    let id = Some(tenant.id.as_str());
    let snapshots = seen.found.get(tenant.namespace_name.as_str()).and_then(|found| found.snapshots.as_deref());
    if !seen.care.snapshot {
        turn.warnings.push(if intent.is_purge() {
            "no way back: its snapshots go with the Namespace".to_owned()
        } else {
            words(entry, snapshots, seen.now)
        });
        return;
    }
    if !intent.snapshots_first() {
        let said =
            "a snapshot is no first step of it: it would go with the Namespace, or there is nothing to go back to";
        refusal.add(id, Why::BadInput, said);
        return;
    }
    if snapshots.is_none() {
        refusal.add(id, Why::NoSnapshots, NOT_SERVED);
    }
    for claim in &tenant.claims {
        match claim.phase {
            ClaimPhase::Bound => {}
            // It waits for its first pod: what was never there cannot be lost.
            ClaimPhase::Pending => {
                turn.warnings.push(format!("claim {} has no volume yet: there is nothing to cut", claim.name));
            }
            ClaimPhase::Lost | ClaimPhase::Unknown => {
                let said = format!("claim {} is {:?}: what is not bound cannot be cut", claim.name, claim.phase);
                refusal.add(id, Why::Stale, said);
            }
        }
    }
    turn.basis.claims = Basis::of(entry).with_claims(tenant).claims;
    if tenant.claims.iter().all(|claim| claim.phase == ClaimPhase::Pending) {
        turn.warnings.push("no way back, and nothing to go back to: it has no volume yet".to_owned());
        return;
    }
    let how = if tenant.pod().is_some() {
        "a snapshot of each volume is cut first, after its gateway was drained where that can be; else as it runs, as after \
         a power cut"
    } else {
        "a snapshot of each volume is cut first; nothing runs on them"
    };
    turn.warnings.push(format!("way back: {how}"));
}

/// What there is now.
fn words(entry: &Entry, snapshots: Option<&[Snap]>, now: At) -> String {
    let Some(snapshots) = snapshots else {
        return "no way back is known: no snapshots are served here, or they may not be listed".to_owned();
    };
    let claims: Vec<&str> = entry.tenant.claims.iter().map(|claim| claim.name.as_str()).collect();
    let mut newest: BTreeMap<&str, At> = BTreeMap::new();
    for snap in snapshots.iter().filter(|snap| snap.ready) {
        if let (Some(made), Some(claim)) = (snap.made, claims.iter().find(|claim| **claim == snap.claim)) {
            let kept = newest.entry(claim).or_insert(made);
            *kept = (*kept).max(made);
        }
    }
    let missing: Vec<&str> = claims.iter().copied().filter(|claim| !newest.contains_key(claim)).collect();
    let Some(oldest) = newest.values().min() else {
        return "no way back: it has no snapshot that can be used".to_owned();
    };
    let age = Age(now.since(*oldest));
    if missing.is_empty() {
        format!("way back: snapshots that can be used, {age} old")
    } else {
        format!(
            "a way back for {} only ({age} old): {} has none",
            newest.keys().copied().collect::<Vec<_>>().join(" and "),
            missing.join(" and ")
        )
    }
}

#[cfg(test)]
mod tests {
    use super::super::situation_for_tests as with;
    use super::*;
    use crate::{
        fleet::{Tenant, fixture::*},
        plan::{Care, Found, Pace, Plan, What},
    };

    fn plan(intent: &Intent, snapshots: Option<Vec<Snap>>, snapshot: bool) -> Result<Plan, Refusal> {
        let it: Tenant = tenant("maria", Some(ready()));
        let entry = with::entry(it);
        let found = BTreeMap::from([("tenant-maria".to_owned(), Found { snapshots, ..Found::default() })]);
        let care = Care { snapshot, ..Care::default() };
        with::situation(|seen| {
            let seen = Situation { found: &found, care, ..*seen };
            Plan::make(intent.clone(), Pace::default(), &[&entry], &seen)
        })
    }

    fn cut(claim: &str, made: u32, ready: bool) -> Snap {
        Snap { name: format!("{claim}-1"), claim: claim.to_owned(), ready, made: Some(at(made)), size: None }
    }

    #[test]
    fn who_never_had_a_volume_is_not_cut_and_who_has_lost_one_is_refused() {
        let warned = |phases: [ClaimPhase; 2]| {
            let mut it: Tenant = tenant("maria", Some(ready()));
            for (claim, phase) in it.claims.iter_mut().zip(phases) {
                claim.phase = phase;
            }
            let entry = with::entry(it);
            let found = Found { snapshots: Some(vec![]), ..Found::default() };
            let found = BTreeMap::from([("tenant-maria".to_owned(), found)]);
            let plan = with::situation(|seen| {
                let seen = Situation { found: &found, care: Care { snapshot: true, ..Care::default() }, ..*seen };
                Plan::make(Intent::Delete { purge: false }, Pace::default(), &[&entry], &seen)
            });
            plan.map(|plan| plan.turns().next().unwrap().warnings.join("; ")).map_err(|refusal| refusal.to_string())
        };
        use ClaimPhase::{Bound, Lost, Pending};
        let one = warned([Pending, Bound]).unwrap();
        assert!(one.contains("app-data has no volume yet") && one.contains("is cut first"), "{one}");
        let none = warned([Pending, Pending]).unwrap();
        assert!(none.contains("nothing to go back to") && !none.contains("is cut first"), "{none}");
        assert!(warned([Bound, Lost]).unwrap_err().contains("config-data is Lost"));
    }

    #[test]
    fn what_there_is_to_go_back_to_is_said_with_its_age() {
        let check = |snapshots: Option<Vec<Snap>>, expect: &str| {
            let plan = plan(&Intent::Reprovision { image: None }, snapshots, false).unwrap();
            let warnings = plan.turns().next().unwrap().warnings.join("\n");
            assert!(warnings.contains(expect), "{warnings}");
        };
        check(None, "no way back is known");
        check(Some(vec![]), "no way back: it has no snapshot that can be used");
        check(Some(vec![cut("app-data", 400, false)]), "no way back: it has no");
        check(Some(vec![cut("app-data", 400, true)]), "a way back for app-data only (10m old): config-data has none");
        let both = vec![cut("app-data", 400, true), cut("config-data", 700, true), cut("config-data", 10, true)];
        check(Some(both), "way back: snapshots that can be used, 10m old");
        let purge = plan(&Intent::Delete { purge: true }, Some(vec![]), false).unwrap();
        assert!(purge.turns().next().unwrap().warnings.join("").contains("go with the Namespace"));
    }

    #[test]
    fn a_cut_comes_before_everything_or_nothing_comes() {
        for intent in [Intent::Reprovision { image: None }, Intent::Delete { purge: false }] {
            let made = plan(&intent, Some(vec![]), true).unwrap();
            let turn = made.turns().next().unwrap();
            assert_eq!(made.steps(turn)[..2], [Step::Drain, Step::Snapshot], "{}", intent.verb());
            assert_eq!(turn.basis.claims.len(), 2);
            assert!(made.needs().contains(&("create", "snapshot.storage.k8s.io", "volumesnapshots")));
            assert!(intent.allows(&Step::Snapshot) && intent.allows(&Step::Drain));
            assert_eq!(plan(&intent, None, true).unwrap_err().0[0].why, Why::NoSnapshots);
        }
        let purge = Intent::Delete { purge: true };
        assert_eq!(plan(&purge, Some(vec![]), true).unwrap_err().0[0].why, Why::BadInput);
        assert!(!purge.allows(&Step::Snapshot) && !Intent::Restart.allows(&Step::Drain));
        let plain = plan(&Intent::Delete { purge: false }, Some(vec![]), false).unwrap();
        assert_eq!(plain.recipes[0][0], Step::Delete { what: What::Ingress });
    }
}
