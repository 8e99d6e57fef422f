//! A pod that has ended as a whole, or that does not go.

use super::{Case, Code, Evidence, Finding};
use crate::fleet::{Pod, PodPhase, Rejected};

/// Beyond its grace: the kubelet kills, unmounts and reports within this.
const LATE: u32 = 60;
/// How long an eviction is worth knowing once another pod runs.
const LATELY: u32 = 3_600;

pub(super) fn check(case: &mut Case<'_>) {
    stuck(case);
    if !case.is_terminating()
        && let Some(away) = case.tenant().rejected(case.now)
    {
        case.look_again(away.until);
        case.find(rejected(&away));
        return;
    }
    if let Some(pod) = case.pod()
        && matches!(pod.phase, PodPhase::Failed | PodPhase::Succeeded)
    {
        let finding = ended(pod).down(true).since(case.phase_since());
        case.find(finding);
        return;
    }
    evicted_before(case);
}

fn stuck(case: &mut Case<'_>) {
    if case.is_terminating() {
        return;
    }
    let going: Vec<_> = case.tenant().pods.iter().filter(|p| p.owner.is_some() && p.deleting.is_some()).collect();
    for pod in going {
        if !case.lasted(pod.deleting, LATE) {
            continue;
        }
        let age = case.age(pod.delete_asked());
        let node = pod.node.as_deref().unwrap_or("no node");
        let finding = Finding::critical(Code::PodStuck, format!("pod {} was told to go {age} ago and is still there", pod.name))
            .down(true)
            .about(node)
            .since(pod.delete_asked())
            .advice(format!("its node ({node}) does not answer, or a volume does not unmount, or a finalizer holds it; deleting by force while it may still run risks both volumes"))
            .proof(Evidence::field(format!("Pod {} metadata.deletionTimestamp", pod.name), pod.deleting.map_or_else(String::new, |at| at.to_string()), pod.deleting));
        case.find(finding);
    }
}

fn ended(pod: &Pod) -> Finding {
    let reason = pod.reason().unwrap_or(match pod.phase {
        PodPhase::Succeeded => "Succeeded",
        _ => "Failed",
    });
    let message = pod.message().unwrap_or_default();
    let evidence = Evidence::field(format!("Pod {} status", pod.name), join(reason, message), None);
    let node = pod.node.as_deref().unwrap_or("its node");
    match reason {
        "Evicted" => {
            let (what, advice) = eviction(message);
            Finding::critical(Code::Evicted, format!("evicted by {node}: {what}")).about(format!("{node} {what}")).advice(advice)
        }
        "NodeLost" => Finding::critical(Code::PodEnded, format!("its node {node} was lost"))
            .about(node)
            .advice("see whether the machine runs; a pod of a lost node must be deleted before another is made"),
        _ => Finding::critical(Code::PodEnded, format!("its pod has ended: {}", join(reason, message)))
            .about(reason)
            .advice("the StatefulSet makes a new pod once this one is deleted; if it is ended again, the kubelet's words say why"),
    }
    .proof(evidence)
}

/// Each pod that is made ends at once: by the event, because none of them lasts long enough to be looked at.
fn rejected(away: &Rejected<'_>) -> Finding {
    let (reason, message) = (away.latest.reason.as_str(), away.latest.message.as_str());
    let code = if reason == "Evicted" { Code::Evicted } else { Code::PodEnded };
    let advice = match reason {
        "NodeAffinity" => {
            "it is bound to a node by name that its node selector does not take: take spec.nodeName out of the template, or give the node the label"
        }
        "NodeShutdown" => "its node is going down: cordon it, so that the next pod goes elsewhere",
        _ if reason.starts_with("OutOf") => {
            "more was bound to the node than it has: take spec.nodeName out of the template, or free the node"
        }
        _ => {
            "the kubelet's words say what it lacks; meanwhile pods are made and end without a pause, so put it to sleep (0 replicas) until that is mended"
        }
    };
    Finding::critical(code, format!("each pod that is made for it ends at once: {}", join(reason, message)))
        .down(true)
        .about(reason)
        .since(away.since)
        .advice(advice)
        .proof(Evidence::event(away.latest))
}

fn join(reason: &str, message: &str) -> String {
    if message.is_empty() { reason.to_owned() } else { format!("{reason}: {message}") }
}

/// What ran short, by the kubelet's words, and what helps.
fn eviction(message: &str) -> (String, &'static str) {
    if let Some((_, rest)) = message.split_once("low on resource: ") {
        let resource = rest.split(['.', ' ']).next().unwrap_or(rest);
        return (
            format!("the node ran short of {resource}"),
            "its pods ask for less than they use: see what used it up, and raise the requests or add a node",
        );
    }
    if message.contains("ephemeral local storage") || message.contains("ephemeral-storage") {
        return (
            "it used more scratch space than its limit".to_owned(),
            "something writes outside the volumes, often a cache or a log in /tmp: find it with `du` in the container, or raise limits.ephemeral-storage",
        );
    }
    if let Some((_, rest)) = message.split_once("Usage of EmptyDir volume \"") {
        let name = rest.split('"').next().unwrap_or(rest);
        return (
            format!("its scratch volume {name} is over its size"),
            "find what fills it; its sizeLimit is in the pod's spec",
        );
    }
    (
        if message.is_empty() { "no reason is given".to_owned() } else { message.to_owned() },
        "describe the node for what it lacked",
    )
}

/// Its pod runs again, and was evicted a short while ago: it may happen again.
fn evicted_before(case: &mut Case<'_>) {
    let of_pod = |w: &&crate::fleet::Warning| w.reason == *"Evicted" && w.kind == *"Pod" && w.last.is_some();
    let Some(event) = case.tenant().warnings.iter().filter(of_pod).max_by_key(|w| w.last) else { return };
    if case.pod().is_none_or(|p| Some(p.uid) == event.object_uid) || !case.recent(event.last, LATELY) {
        return;
    }
    let (what, advice) = eviction(&event.message);
    let finding = Finding::warning(Code::Evicted, format!("its earlier pod was evicted: {what}"))
        .about(what)
        .since(event.last)
        .advice(advice)
        .proof(Evidence::event(event));
    case.find(finding);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        diagnose::{Severity, fixture::*},
        fleet::{Tenant, Warning, Words, fixture::*},
    };

    #[test]
    fn an_eviction_says_what_ran_short() {
        let mut pod = ready();
        pod.phase = PodPhase::Failed;
        for (message, about) in [
            (
                "The node was low on resource: memory. Threshold quantity: 100Mi, available: 80Mi.",
                "node-1 the node ran short of memory",
            ),
            (
                "Pod ephemeral local storage usage exceeds the total limit of containers 7Gi.",
                "node-1 it used more scratch space than its limit",
            ),
            (
                "Usage of EmptyDir volume \"tmp\" exceeds the limit \"1Gi\". ",
                "node-1 its scratch volume tmp is over its size",
            ),
        ] {
            pod.words = Words::new(Some(text("Evicted")), Some(text(message)));
            let finding = first(&tenant("a", Some(pod.clone())), 500);
            assert_eq!((finding.code, finding.about.as_str(), finding.down), (Code::Evicted, about, true));
        }
        pod.words = Words::reason_only("UnexpectedAdmissionError");
        assert_eq!(first(&tenant("a", Some(pod.clone())), 500).code, Code::PodEnded);
        pod.phase = PodPhase::Running;
        assert!(!codes(&diagnose(&tenant("a", Some(pod)), 500)).contains(&Code::PodEnded));
    }

    #[test]
    fn pods_that_end_as_they_are_made_are_one_finding_whatever_is_there_now() {
        let words = "Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector";
        let away = |n: u32| {
            let pod = 900 + u128::from(n);
            Warning { uid: uid(pod), ..event("Pod", pod, "NodeAffinity", words, n) }
        };
        let mut t = tenant("a", None);
        t.warnings = Box::new([away(100), away(101), away(102)]);
        let failed = Pod { phase: PodPhase::Failed, words: Words::reason_only("NodeAffinity"), ..pod() };
        let fresh = Pod { created: Some(at(108)), ..pod() };
        for (now, until) in [(vec![], 162), (vec![failed], 162), (vec![fresh], 153)] {
            t.pods = now.into();
            let finding = first(&t, 110);
            assert_eq!((finding.code, finding.about.as_str(), finding.down), (Code::PodEnded, "NodeAffinity", true));
            assert_eq!(finding.since, Some(at(100)));
            assert!(finding.sentence.ends_with(words) && finding.advice.contains("spec.nodeName"));
            assert_eq!(diagnose(&t, 110).recheck, Some(at(until)));
        }
        let of_a_job = |w: &Warning| Warning { object: text("job-x7k2p"), ..w.clone() };
        let others = Tenant { warnings: t.warnings.iter().map(of_a_job).collect(), pods: Box::default(), ..t.clone() };
        assert!(codes(&diagnose(&others, 110)).is_empty(), "another's pods are not its own");
        t.namespace.as_mut().unwrap().deleting = Some(at(105));
        assert!(!codes(&diagnose(&t, 110)).contains(&Code::PodEnded), "whoever goes has nothing to begin");
        t.namespace.as_mut().unwrap().deleting = None;
        t.warnings = Box::new([away(100), away(101)]);
        assert!(codes(&diagnose(&t, 110)).is_empty(), "once or twice is no loop");
    }

    #[test]
    fn an_eviction_of_the_pod_before_is_told_for_an_hour() {
        let mut t = tenant("a", Some(ready()));
        t.warnings = Box::new([event("Pod", 99, "Evicted", "The node was low on resource: memory. ", 200)]);
        let finding = first(&t, 3_799);
        assert_eq!((finding.code, finding.severity, finding.down), (Code::Evicted, Severity::Warning, false));
        assert_eq!(diagnose(&t, 3_799).recheck, Some(at(3_800)));
        assert!(codes(&diagnose(&t, 3_800)).is_empty());
    }

    #[test]
    fn a_pod_that_does_not_go_is_stuck_after_its_grace_and_a_minute() {
        let mut pod = ready();
        pod.deleting = Some(at(530));
        let t = tenant("a", Some(pod));
        assert!(codes(&diagnose(&t, 589)).is_empty());
        let finding = first(&t, 590);
        assert_eq!((finding.code, finding.since), (Code::PodStuck, Some(at(500))));
        assert!(finding.sentence.contains("told to go 90s ago"), "{}", finding.sentence);
    }
}
