//! apply: what is not as the stored spec renders it goes back, field by field. Nothing is taken from another manager unless the
//! plan says what, and from whom.

use std::collections::BTreeMap;

use super::{
    Situation, Turn,
    found::Drift,
    refusal::{Refusal, Why},
    step::{Piece, Step, Which},
    suspend::changeable,
    until::Until,
    upgrade,
};
use crate::{index::Entry, manifest::PinnedImage};

/// The pod is replaced.
const REPLACED: usize = 0;
/// The pod runs on.
const QUIET: usize = 1;
const ASLEEP: usize = 2;

/// What of a StatefulSet can be changed; everything else is as it was made.
const MUTABLE: [&str; 7] = [
    "replicas",
    "ordinals",
    "template",
    "updateStrategy",
    "revisionHistoryLimit",
    "persistentVolumeClaimRetentionPolicy",
    "minReadySeconds",
];

pub(super) fn recipes() -> Vec<Vec<Step>> {
    let mut quiet: Vec<Step> = Piece::ALL.into_iter().map(|kind| Step::Apply { kind }).collect();
    quiet.push(Step::Await { until: Until::Observed, seconds: 120 });
    let (mut replaced, mut asleep) = (quiet.clone(), quiet.clone());
    replaced.extend([
        Step::DeletePod { which: Which::Outdated },
        Step::Await { until: Until::Served, seconds: Until::BOOT },
    ]);
    asleep.push(Step::Note { text: "applied, not verified: it is suspended and was not woken".to_owned() });
    vec![replaced, quiet, asleep]
}

pub(super) fn turn(
    entry: &Entry,
    force: bool,
    image: Option<&PinnedImage>,
    seen: &Situation<'_>,
    refusal: &mut Refusal,
) -> Option<Turn> {
    let asleep = changeable(entry, refusal)?;
    let tenant = &entry.tenant;
    let id = Some(tenant.id.as_str());
    let before = refusal.0.len();
    let set = tenant.set()?;
    let found = seen.found.get(tenant.namespace_name.as_str());
    let drift = found.and_then(|found| found.drift.as_deref());
    let outdated = tenant.pod().is_some_and(|pod| set.update_revision.is_some() && pod.revision != set.update_revision);
    let mut warnings = Vec::new();
    let image = image.filter(|image| set.image.as_deref() != Some(image.to_string().as_str()));
    let moved = image.map(|image| upgrade::step(entry, image, &mut warnings, refusal));
    if drift.is_some_and(<[Drift]>::is_empty) && (asleep || !outdated) && moved.is_none() {
        refusal.add(id, Why::NothingToDo, "it is as its spec renders it");
    }
    for field in drift.into_iter().flatten().filter_map(immutable) {
        let said = format!("{field} of its StatefulSet cannot be changed: `reprovision` makes it anew");
        refusal.add(id, Why::Immutable, said);
    }
    let takes = found.map_or_else(Vec::new, |found| found.takes.clone());
    if !force {
        for take in &takes {
            let said = format!(
                "{} has set {} of {}: have it undone there, or take it with --force",
                take.from, take.field, take.object
            );
            refusal.add(id, Why::Owned, said);
        }
    }
    if refusal.0.len() > before {
        return None;
    }
    let template = |drift: &Drift| drift.object.starts_with("StatefulSet ") && drift.path.starts_with("spec.template");
    let replaced = outdated || moved.is_some() || drift.is_none_or(|all| all.iter().any(template));
    let mut said = match drift {
        Some([]) => "it is as its spec renders it".to_owned(),
        Some(all) => format!("goes back to its spec: {}", counted(all)),
        None => "is rendered anew from its spec; what differs was not looked at".to_owned(),
    };
    if let Some(moved) = &moved {
        said = format!("{moved}; {said}");
    }
    said += match (asleep, replaced) {
        (true, _) => "; it is not woken",
        (false, true) if drift.is_some_and(<[Drift]>::is_empty) && moved.is_none() => {
            "; its pod is of before, and is replaced"
        }
        (false, true) => "; its pod is replaced, unless it runs that already",
        (false, false) => "; its pod runs on",
    };
    let recipe = if asleep {
        ASLEEP
    } else if replaced {
        REPLACED
    } else {
        QUIET
    };
    let mut turn = Turn::for_entry(entry, recipe, said);
    if recipe != REPLACED {
        turn.down = None;
    }
    turn.warnings = warnings;
    let boots = |drift: &Drift| drift.object == "ConfigMap openclaw-config";
    if recipe == QUIET && drift.into_iter().flatten().any(boots) {
        turn.warnings.push("its pod reads openclaw-config when it boots: `restart` it for that to count".to_owned());
    }
    turn.warnings.extend(takes.iter().map(|t| format!("takes {} of {} from {}", t.field, t.object, t.from)));
    turn.takes = takes;
    Some(turn)
}

/// The first part of a StatefulSet's field that no apply can change.
fn immutable(drift: &Drift) -> Option<&str> {
    let field = drift.path.strip_prefix("spec.").filter(|_| drift.object.starts_with("StatefulSet "))?;
    let first = field.split(['.', '[']).next().unwrap_or(field);
    (!MUTABLE.contains(&first)).then_some(&drift.path[..5 + first.len()])
}

/// `StatefulSet openclaw (2 fields)`, object by object.
fn counted(drift: &[Drift]) -> String {
    let mut objects: BTreeMap<&str, (usize, bool)> = BTreeMap::new();
    for one in drift {
        let (count, missing) = objects.entry(&one.object).or_default();
        *count += 1;
        *missing |= one.path.is_empty();
    }
    let word = |(object, (count, missing)): (&str, (usize, bool))| match (missing, count) {
        (true, _) => format!("{object} (not there)"),
        (false, 1) => format!("{object} (1 field)"),
        (false, n) => format!("{object} ({n} fields)"),
    };
    objects.into_iter().map(word).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::super::situation_for_tests as with;
    use super::*;
    use crate::{
        fleet::{Tenant, fixture::*},
        plan::{Danger, Found, Intent, Pace, Plan, Preview, Take},
    };

    fn drift(object: &str, path: &str) -> Drift {
        Drift { object: object.to_owned(), path: path.to_owned(), ..Drift::default() }
    }

    fn plan(found: Found, force: bool, edit: impl Fn(&mut Tenant)) -> Result<Plan, Refusal> {
        let mut it = tenant("maria", Some(ready()));
        edit(&mut it);
        let entry = with::entry(it);
        let found = BTreeMap::from([("tenant-maria".to_owned(), found)]);
        with::situation(|seen| {
            let seen = Situation { found: &found, ..*seen };
            Plan::make(Intent::Apply { force, image: None }, Pace::default(), &[&entry], &seen)
        })
    }

    #[test]
    fn who_is_restarted_is_said() {
        let check = |drift: Option<Vec<Drift>>, edit: &dyn Fn(&mut Tenant), recipe: usize, expect: &str| {
            let plan = plan(Found { drift, ..Found::default() }, false, edit).unwrap();
            let turn = plan.turns().next().unwrap();
            assert_eq!((turn.recipe, turn.said.as_str()), (recipe, expect));
            assert_eq!(turn.down.is_some(), recipe == REPLACED);
        };
        let policy = || drift("NetworkPolicy tenant", "spec.egress");
        let image = || drift("StatefulSet openclaw", "spec.template.spec.containers[gateway].image");
        check(
            Some(vec![policy(), drift("Service openclaw", "")]),
            &|_| {},
            QUIET,
            "goes back to its spec: NetworkPolicy tenant (1 field), Service openclaw (not there); its pod runs on",
        );
        check(
            Some(vec![image(), drift("StatefulSet openclaw", "spec.replicas")]),
            &|_| {},
            REPLACED,
            "goes back to its spec: StatefulSet openclaw (2 fields); its pod is replaced, unless it runs that already",
        );
        let asleep = |t: &mut Tenant| t.sets[0].wanted = 0;
        check(
            Some(vec![image()]),
            &asleep,
            ASLEEP,
            "goes back to its spec: StatefulSet openclaw (1 field); it is not woken",
        );
        let behind = |t: &mut Tenant| t.sets[0].update_revision = Some(text("openclaw-2"));
        check(
            Some(Vec::new()),
            &behind,
            REPLACED,
            "it is as its spec renders it; its pod is of before, and is replaced",
        );
        check(
            None,
            &|_| {},
            REPLACED,
            "is rendered anew from its spec; what differs was not looked at; its pod is replaced, unless it runs that already",
        );
    }

    #[test]
    fn nothing_is_taken_without_a_word_about_it() {
        let why = |found: Found| plan(found, false, |_| {}).unwrap_err().0[0].why;
        assert_eq!(why(Found { drift: Some(Vec::new()), ..Found::default() }), Why::NothingToDo);
        let policy = drift("StatefulSet openclaw", "spec.podManagementPolicy");
        let refusal = plan(Found { drift: Some(vec![policy]), ..Found::default() }, true, |_| {}).unwrap_err();
        assert!(refusal.0[0].why == Why::Immutable && refusal.0[0].said.starts_with("spec.podManagementPolicy of"));
        let found = Found {
            drift: Some(vec![drift("StatefulSet openclaw", "spec.replicas")]),
            takes: vec![Take {
                object: "StatefulSet openclaw".to_owned(),
                field: ".spec.replicas".to_owned(),
                from: "kubectl-scale".to_owned(),
            }],
            ..Found::default()
        };
        let refusal = plan(found.clone(), false, |_| {}).unwrap_err();
        assert!(refusal.0[0].why == Why::Owned, "{refusal}");
        assert!(
            refusal.to_string().contains("kubectl-scale has set .spec.replicas of StatefulSet openclaw"),
            "{refusal}"
        );
        let forced = plan(found.clone(), true, |_| {}).unwrap();
        let turn = forced.turns().next().unwrap();
        assert_eq!(turn.takes, found.takes);
        assert_eq!(turn.warnings[0], "takes .spec.replicas of StatefulSet openclaw from kubectl-scale");
        assert_eq!(Preview::of(&forced).danger, Danger::Yes);
    }
}
