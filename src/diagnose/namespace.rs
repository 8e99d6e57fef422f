//! A namespace that is being deleted, and a tenant of which nothing but its namespace is there.

use super::{Case, Code, Evidence, Finding};
use crate::fleet::Phase;

/// An ordinary deletion takes a minute or two: the pod's grace, the disks' detachment.
const PATIENCE: u32 = 300;

pub(super) fn check(case: &mut Case<'_>) {
    let Some(namespace) = &case.tenant().namespace else { return };
    let name = case.tenant().namespace_name.clone();
    if let Some(deleting) = namespace.deleting {
        let stuck = case.lasted(Some(deleting), PATIENCE);
        let remaining = namespace.remaining.as_ref();
        let evidence =
            remaining.map(|r| Evidence::field(format!("Namespace {name} status.conditions"), r.as_str(), None));
        let blocked_by = remaining.map(|r| blocker(r));
        let finding = if stuck {
            let age = case.age(Some(deleting));
            let sentence = match &blocked_by {
                Some(what) => format!("the namespace has been terminating for {age}: {what} holds it"),
                None => format!("the namespace has been terminating for {age}, and no condition says why"),
            };
            Finding::warning(Code::NamespaceStuck, sentence)
                .advice("find who serves that finalizer or API and mend it; an object whose finalizer is cut off by hand may leave a disk or a backup behind")
                .about(blocked_by.unwrap_or_default())
        } else {
            Finding::note(Code::NamespaceTerminating, "the namespace is being deleted, with everything in it")
                .advice("nothing, unless it is a mistake: a deletion cannot be taken back")
        };
        let asked = Evidence::field(
            format!("Namespace {name} metadata.deletionTimestamp"),
            deleting.to_string(),
            Some(deleting),
        );
        case.find(finding.down(true).since(Some(deleting)).proofs(evidence).proof(asked));
    } else if *case.phase() == Phase::Unknown && case.tenant().sets.is_empty() && case.tenant().pods.is_empty() {
        let finding = Finding::warning(
            Code::WorkloadMissing,
            "the namespace holds no StatefulSet, no pod and no volume of the tenant",
        )
        .down(true)
        .since(namespace.created)
        .advice("create the tenant anew, or delete the namespace if nobody needs it")
        .proof(Evidence::field(
            format!("StatefulSets, Pods and PersistentVolumeClaims of namespace {name}"),
            "none",
            None,
        ));
        case.find(finding);
    }
}

/// What holds a namespace, by the words of its condition.
fn blocker(message: &str) -> String {
    // `Some content in the namespace has finalizers remaining: a.example/x in 1 resource instances, b in 2 ...`
    if let Some((_, list)) = message.split_once("finalizers remaining: ") {
        let names: Vec<_> = list.split(", ").map(|part| part.split(" in ").next().unwrap_or(part)).collect();
        return format!("finalizer {}", names.join(", "));
    }
    if let Some((_, list)) = message.split_once("resources are remaining: ") {
        let names: Vec<_> = list
            .split(", ")
            .map(|part| part.split(" has ").next().unwrap_or(part))
            // Of the core group the controller leaves an empty name behind the dot.
            .map(|name| name.trim_end_matches('.'))
            .collect();
        return format!("what is left of {}", names.join(", "));
    }
    if message.contains("Discovery failed") || message.contains("unable to retrieve the complete list of server APIs") {
        // `... : metrics.k8s.io/v1beta1: stale GroupVersion discovery: metrics.k8s.io/v1beta1`
        let api =
            message.split([' ', ',', ':']).find(|word| word.contains('/') && word.contains('.') && !word.contains('"'));
        return format!("the API {}, which does not answer,", api.unwrap_or("of an aggregated server"));
    }
    message.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        diagnose::{Severity, fixture::*},
        fleet::fixture::*,
    };

    #[test]
    fn a_deletion_is_stuck_only_after_a_while() {
        let mut t = tenant("a", None);
        t.sets = Box::default();
        let namespace = t.namespace.as_mut().unwrap();
        namespace.deleting = Some(at(1_000));
        namespace.remaining = Some(text(
            "Some content in the namespace has finalizers remaining: example.com/stuck in 1 resource instances",
        ));
        let early = diagnose(&t, 1_299);
        assert_eq!(codes(&early), [Code::NamespaceTerminating]);
        assert_eq!(early.recheck, Some(at(1_300)));
        let late = first(&t, 1_300);
        assert_eq!(
            (late.code, late.severity, late.about.as_str()),
            (Code::NamespaceStuck, Severity::Warning, "finalizer example.com/stuck")
        );
        assert_eq!(late.sentence, "the namespace has been terminating for 5m: finalizer example.com/stuck holds it");
        assert!(late.down && late.evidence.len() == 2);
    }

    #[test]
    fn blockers_are_read_out_of_the_controllers_words() {
        for (message, expect) in [
            (
                "Some content in the namespace has finalizers remaining: a/x in 1 resource instances, b/y in 2 resource instances",
                "finalizer a/x, b/y",
            ),
            (
                "Some resources are remaining: persistentvolumeclaims. has 2 resource instances, pods. has 1 resource instances",
                "what is left of persistentvolumeclaims, pods",
            ),
            (
                "Discovery failed for some groups, 1 failing: unable to retrieve the complete list of server APIs: metrics.k8s.io/v1beta1: stale GroupVersion discovery: metrics.k8s.io/v1beta1",
                "the API metrics.k8s.io/v1beta1, which does not answer,",
            ),
            ("something else", "something else"),
        ] {
            assert_eq!(blocker(message), expect);
        }
    }

    #[test]
    fn an_empty_namespace_is_told_from_a_parked_tenant() {
        let mut t = tenant("a", None);
        t.sets = Box::default();
        assert!(codes(&diagnose(&t, 500)).is_empty(), "its volumes are kept: parked");
        t.claims = Box::default();
        assert_eq!(codes(&diagnose(&t, 500)), [Code::WorkloadMissing]);
        assert!(codes(&diagnose(&t, 60)).is_empty(), "it is just being made");
    }
}
