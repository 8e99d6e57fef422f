//! What is left lying about: pods without an owner, claims that nothing mounts, a second StatefulSet, an id that is
//! claimed twice.

use super::{Case, Code, Evidence, Finding};
use crate::fleet::{ClaimPhase, PodPhase};

/// A helper has its errand done by then.
const HELPER: u32 = 3_600;

pub(super) fn check(case: &mut Case<'_>) {
    if case.is_terminating() {
        return;
    }
    pods(case);
    claims(case);
    sets(case);
    twins(case);
}

fn pods(case: &mut Case<'_>) {
    for pod in case.tenant().pods.iter().filter(|p| p.owner.is_none() && p.deleting.is_none()) {
        let over = matches!(pod.phase, PodPhase::Succeeded | PodPhase::Failed);
        if !case.lasted(pod.created, HELPER) {
            continue;
        }
        let age = case.age(pod.created);
        let state = if over { "has ended and was not removed" } else { "still runs" };
        let finding = Finding::note(Code::OrphanPod, format!("pod {} belongs to no StatefulSet, is {age} old and {state}", pod.name))
            .about("pod")
            .since(pod.created)
            .advice("a helper of a plan or of a person: delete it if nobody needs it; it may hold a volume or a part of the quota")
            .proof(Evidence::field(format!("Pod {} metadata.ownerReferences", pod.name), "none", pod.created));
        case.find(finding);
    }
}

fn claims(case: &mut Case<'_>) {
    // Which claims are mounted stands in the StatefulSet's own spec.
    let Some(set) = case.facts.opened.and_then(|o| o.set.as_ref()) else { return };
    if set.claims.is_empty() {
        return;
    }
    for claim in case.tenant().claims.iter().filter(|c| c.phase == ClaimPhase::Bound && c.deleting().is_none()) {
        if set.claims.iter().any(|name| *name == *claim.name) {
            continue;
        }
        let size = claim.capacity.or(claim.requested).map_or_else(String::new, |q| format!(" ({})", q.bytes()));
        let finding = Finding::note(Code::OrphanClaim, format!("claim {}{size} is mounted by nothing", claim.name))
            .about("claim")
            .since(claim.created)
            .advice(
                "the generation before a restore, or a stranger's: delete it only once nobody wants to go back to it",
            )
            .proof(Evidence::field(
                format!("StatefulSet {} spec.template.spec.volumes", set.name),
                set.claims.join(", "),
                None,
            ));
        case.find(finding);
    }
}

fn sets(case: &mut Case<'_>) {
    let main = case.tenant().set().map(|s| s.uid);
    for set in case.tenant().sets.iter().filter(|s| Some(s.uid) != main) {
        let finding = Finding::warning(Code::OrphanSet, format!("a second StatefulSet, {}, carries the tenant's label", set.name))
            .about("StatefulSet")
            .since(set.created)
            .advice("two workloads on the same volumes harm each other: find out who made it, then delete the wrong one without its claims")
            .proof(Evidence::field(format!("StatefulSet {} metadata.labels", set.name), "openclaw.ai/tenant", set.created));
        case.find(finding);
    }
}

/// Of two namespaces with one id, the one by the contract's name is taken for the tenant.
fn twins(case: &mut Case<'_>) {
    let (id, namespace) = (&case.tenant().id, &case.tenant().namespace_name);
    if namespace.strip_prefix("tenant-") == Some(id) {
        return;
    }
    let proper = format!("tenant-{id}");
    if case.facts.fleet.get(&proper).is_none_or(|e| e.tenant.id != *id) {
        return;
    }
    let finding = Finding::warning(Code::SameId, format!("namespace {namespace} claims to be tenant {id}, and so does {proper}"))
        .about(id.as_str())
        .advice("two namespaces with one id are told apart by their names only: correct the label of the one that is not the tenant")
        .proof(Evidence::field("label openclaw.ai/tenant of both Namespaces", id.as_str(), None));
    case.find(finding);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        diagnose::{Facts, fixture::*},
        fleet::{
            detail::{Opened, SetDetail},
            fixture::*,
        },
    };

    #[test]
    fn helpers_are_left_over_after_an_hour() {
        let mut t = tenant("a", Some(ready()));
        let mut helper = ready();
        (helper.uid, helper.owner, helper.name, helper.created) = (uid(88), None, text("df"), Some(at(100)));
        t.pods = Box::new([ready(), helper]);
        assert!(codes(&diagnose(&t, 3_699)).is_empty());
        assert_eq!(codes(&diagnose(&t, 3_700)), [Code::OrphanPod]);
    }

    #[test]
    fn a_claim_of_the_generation_before() {
        let mut t = tenant("a", Some(ready()));
        t.claims = t.claims.into_iter().chain([claim(7, "app-data-old")]).collect();
        let found = |claims: &[&str]| {
            let set = SetDetail {
                name: "openclaw".into(),
                claims: claims.iter().map(|c| (*c).to_owned()).collect(),
                ..SetDetail::default()
            };
            let opened = Opened { set: Some(set), ..Opened::default() };
            let fleet = fleet_of(&t, None, at(200));
            let entry = fleet.get(&t.namespace_name).unwrap();
            super::super::tenant(&Facts { opened: Some(&opened), ..Facts::of(entry, &fleet) }, at(200)).findings
        };
        assert_eq!(found(&["app-data", "config-data"])[0].sentence, "claim app-data-old (20Gi) is mounted by nothing");
        assert!(found(&[]).is_empty(), "a set whose volumes are not known");
        assert!(found(&["app-data", "config-data", "app-data-old"]).is_empty());
    }

    #[test]
    fn a_second_set_and_a_second_namespace() {
        let mut t = tenant("a", Some(ready()));
        let mut second = set();
        (second.uid, second.name, second.created) = (uid(71), text("openclaw-copy"), Some(at(50)));
        t.sets = Box::new([set(), second]);
        assert_eq!(codes(&diagnose(&t, 200)), [Code::OrphanSet]);
        let t = tenant("a", Some(ready()));
        let mut twin = tenant("a", Some(ready()));
        twin.namespace_name = text("copy-of-a");
        let fleet = fleet_of(&t, Some(&twin), at(200));
        let of =
            |namespace: &str| super::super::tenant(&Facts::of(fleet.get(namespace).unwrap(), &fleet), at(200)).findings;
        assert_eq!(of("copy-of-a")[0].sentence, "namespace copy-of-a claims to be tenant a, and so does tenant-a");
        assert!(of("tenant-a").is_empty());
    }
}
