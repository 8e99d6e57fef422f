//! No node takes the pod: by what the scheduler says of the nodes it may use.

use super::{Case, Code, Evidence, Finding};
use crate::{
    fleet::{ClaimPhase, Condition, Node, Pod, Taint},
    index::Kind,
};

/// A scheduler is busy for a moment, and an autoscaler needs its time; as the phase has it.
const GRACE: u32 = 60;
/// Without a word from the scheduler.
const SILENCE: u32 = 120;

pub(super) fn check(case: &mut Case<'_>) {
    let Some(pod) = case.pod().filter(|p| p.node.is_none() && p.scheduled.as_ref().is_none_or(|c| !c.met)) else {
        return;
    };
    match pod.scheduled.as_ref().filter(|c| c.reason().is_some()) {
        Some(condition) => {
            let since = condition.since.or(pod.created);
            if case.lasted(since, GRACE) {
                refused(case, pod, condition);
            }
        }
        None if case.lasted(pod.created, SILENCE) => {
            let finding = Finding::critical(Code::SchedulerSilent, "no scheduler has looked at its pod")
                .down(true)
                .since(pod.created)
                .advice("look whether kube-scheduler runs, and whether the pod's schedulerName is one that exists")
                .proof(Evidence::field(
                    format!("Pod {} status.conditions[PodScheduled]", pod.name),
                    "absent",
                    pod.created,
                ));
            case.find(finding);
        }
        None => {}
    }
}

fn refused(case: &mut Case<'_>, pod: &Pod, condition: &Condition) {
    let message = condition.message().unwrap_or_default();
    let place = format!("Pod {} status.conditions[PodScheduled]", pod.name);
    let evidence = Evidence::field(place, message, condition.since);
    let since = condition.since.or(pod.created);
    if condition.reason() == Some("SchedulingGated") {
        let finding = Finding::critical(Code::Unschedulable, "its pod is held back by a scheduling gate")
            .about("SchedulingGated")
            .advice("whoever set spec.schedulingGates must take them away")
            .down(true)
            .since(since)
            .proof(evidence);
        case.find(finding);
        return;
    }
    let finding = match judge(case, &Said::parse(message)) {
        Some(finding) => finding,
        // A claim without a volume is the volumes' finding: they say why there is none.
        None if case.tenant().claims.iter().any(|c| c.phase != ClaimPhase::Bound) => return,
        None => Finding::critical(Code::VolumePending, "a claim of its pod has no volume yet")
            .about("unbound claim")
            .advice("list the namespace's claims: one that the pod mounts is Pending"),
    };
    case.find(finding.down(true).since(since).proof(evidence));
}

/// The scheduler's summary, taken apart.
struct Said<'a> {
    nodes: u32,
    /// How many nodes, and what they lack.
    clauses: Vec<(u32, &'a str)>,
    whole: &'a str,
}

impl<'a> Said<'a> {
    /// `0/6 nodes are available: 1 Insufficient memory, 2 node(s) had untolerated taint {a: b}. preemption: ...`; newer
    /// schedulers put `no new claims to deallocate,` between, and name no taint.
    fn parse(message: &'a str) -> Self {
        let head = |text: &'a str, mark: &str| text.split(mark).next().unwrap_or(text);
        let whole = head(head(message, " preemption: "), " no new claims to deallocate").trim();
        let nodes = whole.strip_prefix("0/").and_then(|rest| rest.split(' ').next()?.parse().ok()).unwrap_or(0);
        let list = whole.split_once(" nodes are available: ").map_or("", |(_, list)| list).trim_end_matches('.');
        let mut clauses = Vec::new();
        for part in list.split(", ") {
            let counted = part.split_once(' ').and_then(|(n, what)| Some((n.parse().ok()?, what)));
            clauses.push(counted.unwrap_or((0, part)));
        }
        if list.is_empty() {
            clauses.clear();
        }
        Self { nodes, clauses, whole }
    }

    fn any(&self, words: &[&str]) -> Option<(u32, &'a str)> {
        self.clauses.iter().find(|(_, what)| words.iter().any(|w| what.contains(w))).copied()
    }
}

fn judge(case: &Case<'_>, said: &Said<'_>) -> Option<Finding> {
    let whole = said.whole;
    if let Some((_, rest)) = whole.split_once("persistentvolumeclaim \"")
        && (whole.contains("not found") || whole.contains("is being deleted"))
    {
        let name = rest.split('"').next().unwrap_or(rest);
        let gone = if whole.contains("is being deleted") { "is being deleted" } else { "does not exist" };
        return Some(
            Finding::critical(Code::ClaimMissing, format!("its claim {name} {gone}"))
                .about(name)
                .advice("if the volume is Released and kept, bind it to a new claim of this name; apply the render only if the data may begin anew"),
        );
    }
    if whole.contains("unbound immediate PersistentVolumeClaims") || whole.contains("binding volumes:") {
        return None;
    }
    // What hinders the nodes of the pool counts; nodes of other pools never fit and explain nothing.
    if let Some((n, _)) = said.any(&[
        "volume node affinity conflict",
        "no available volume zone",
        "node(s) didn't find available persistent volumes",
    ]) {
        return Some(
            Finding::critical(Code::VolumeZone, format!("its volumes lie where no node can take its pod ({n} of {} nodes are elsewhere)", said.nodes))
                .about("volume node affinity")
                .advice("a disk is bound to its zone: bring a node of the pool up in that zone; see the node affinity of both PersistentVolumes"),
        );
    }
    if let Some((n, _)) = said.any(&["exceed max volume count"]) {
        return Some(
            Finding::critical(Code::NodeVolumesFull, format!("{n} of {} nodes can attach no more volumes", said.nodes))
                .about("max volume count")
                .advice("each tenant takes two disks of a node's limit: add a node to the pool"),
        );
    }
    if let Some((_, what)) = said.any(&["Insufficient ", "Too many pods"]) {
        let lacks = |what: &str| match what.split_once("Insufficient ") {
            Some((_, resource)) => resource.to_owned(),
            None => "pod slots".to_owned(),
        };
        let lacking = said.clauses.iter().filter(|(_, w)| w.contains("Insufficient ") || w.contains("Too many pods"));
        let each: Vec<_> = lacking.map(|(n, w)| format!("{n} lack {}", lacks(w))).collect();
        let sentence = format!("no node has room for its pod: of {} nodes {}", said.nodes, each.join(", "));
        return Some(
            Finding::critical(Code::NoRoom, sentence)
                .about(lacks(what))
                .advice("add a node to the pool, or see which pods ask for more than they use"),
        );
    }
    let marks = ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable", "-pressure"];
    if said.any(&marks).is_some() || silent_pool(case, said) {
        let silent: Vec<_> = case.facts.fleet.nodes().filter(|n| !n.is_ready()).map(|n| n.name.as_str()).collect();
        let sentence = if silent.is_empty() {
            format!("no healthy node is left for its pod: {whole}")
        } else {
            format!("no healthy node is left for its pod: not ready are {}", silent.join(", "))
        };
        return Some(
            Finding::critical(Code::NodeNotReady, sentence)
                .about(if silent.is_empty() { "taint".to_owned() } else { silent.join(", ") })
                .advice("see what the nodes say of themselves; the pod is placed as soon as one is well"),
        );
    }
    let tainted = said.any(&["had untolerated taint", "that the pod didn't tolerate"]);
    let mismatched = said.any(&["didn't match Pod's node affinity", "node selector", "nodeSelector"]);
    if let Some((n, what)) = tainted.filter(|(n, _)| taints_explain(case, *n, mismatched.map_or(0, |(m, _)| m))) {
        let taint = name_of_taint(case, what);
        let space = if taint.is_empty() { "" } else { " " };
        let sentence =
            format!("{n} of {} nodes are tainted{space}{taint}, which its pod does not tolerate", said.nodes);
        return Some(
            Finding::critical(Code::Untolerated, sentence)
                .about(taint)
                .advice("if the pool is tainted on purpose, the tenant's tolerations are missing: apply the render with them; else take the taint away"),
        );
    }
    if let Some((n, _)) = said.any(&["were unschedulable", "was unschedulable"]) {
        return Some(
            Finding::critical(
                Code::Cordoned,
                format!("{n} of {} nodes are cordoned, and no other takes its pod", said.nodes),
            )
            .about("cordoned")
            .advice("uncordon a node whose maintenance is over, or add one to the pool"),
        );
    }
    if mismatched.is_some() || whole.contains("no nodes available") {
        let pool = case.facts.fleet.nodes().len();
        let known = case.facts.fleet.sources().get(Kind::Node).synced;
        let others = tainted.map_or_else(String::new, |(n, _)| format!("; {n} tainted"));
        let sentence = match (known, pool) {
            (true, 0) => "no node carries the labels that its pod asks for: the tenants' pool is empty".to_owned(),
            (true, n) => format!("its pod asks for other labels than the nodes have ({n} in the pool{others})"),
            (false, _) => format!("none of {} nodes matches what its pod asks for{others}", said.nodes),
        };
        return Some(
            Finding::critical(Code::NoNodeMatches, sentence)
                .about("node selector")
                .advice("compare the pod's nodeSelector and affinity with the nodes' labels; a pool scaled to nothing has no nodes to match"),
        );
    }
    let whole = if whole.is_empty() { "it does not say why" } else { whole };
    Some(
        Finding::critical(Code::Unschedulable, format!("the scheduler places its pod nowhere: {whole}"))
            .about(whole)
            .advice("the scheduler's words name what each node lacks"),
    )
}

/// Newer schedulers name no taint: where every node of the pool is silent or under pressure, that is it.
fn silent_pool(case: &Case<'_>, said: &Said<'_>) -> bool {
    let fleet = case.facts.fleet;
    let tainted = said.any(&["had untolerated taint"]).is_some();
    tainted && fleet.nodes().len() > 0 && fleet.nodes().all(|n| !n.is_ready() || !n.pressures.is_empty())
}

/// Whether the taints are what hinders: nodes of other pools are tainted or do not match, and explain nothing.
fn taints_explain(case: &Case<'_>, tainted: u32, mismatched: u32) -> bool {
    let fleet = case.facts.fleet;
    if mismatched == 0 {
        return true;
    }
    if !fleet.sources().get(Kind::Node).synced {
        return tainted > mismatched;
    }
    // Were a node of the pool free of taints, it would have been refused for its labels.
    fleet.nodes().len() > 0 && fleet.nodes().all(|n| !keeps_out(n).is_empty())
}

/// Taints that keep pods out, but for those that Kubernetes sets for a node's own trouble.
fn keeps_out(node: &Node) -> Vec<String> {
    let ours = |t: &&Taint| *t.effect != *"PreferNoSchedule" && !t.key.starts_with("node.kubernetes.io/");
    let name = |t: &Taint| t.value.as_ref().map_or_else(|| t.key.to_string(), |value| format!("{}={value}", t.key));
    node.taints.iter().filter(ours).map(name).collect()
}

/// `dedicated: gpu` of `node(s) had untolerated taint {dedicated: gpu}`; else what the pool's nodes say.
fn name_of_taint(case: &Case<'_>, what: &str) -> String {
    if let Some((_, rest)) = what.split_once('{') {
        return rest.trim_end_matches('}').trim_end_matches(": ").to_owned();
    }
    let mut all: Vec<_> = case.facts.fleet.nodes().flat_map(keeps_out).collect();
    all.sort();
    all.dedup();
    all.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        diagnose::fixture::*,
        fleet::{Tenant, Words, fixture::*},
    };

    fn unscheduled(message: &str) -> Tenant {
        let mut pod = pod();
        pod.node = None;
        pod.sandbox = None;
        pod.initialized = None;
        pod.scheduled = Some(Condition {
            met: false,
            since: Some(at(1)),
            words: Words::new(Some(text("Unschedulable")), Some(text(message))),
        });
        tenant("a", Some(pod))
    }

    #[track_caller]
    fn check(message: &str, code: Code, sentence: &str) {
        let finding = first(&unscheduled(message), 100);
        assert_eq!((finding.code, finding.sentence.as_str()), (code, sentence), "{message}");
        assert!(finding.down && finding.evidence[0].said.starts_with("0/"));
    }

    #[test]
    fn the_cause_is_what_hinders_the_pool() {
        check(
            "0/5 nodes are available: 2 node(s) didn't match Pod's node affinity/selector, 3 Insufficient memory. preemption: 0/5 nodes are available: 5 No preemption victims found for incoming pod.",
            Code::NoRoom,
            "no node has room for its pod: of 5 nodes 3 lack memory",
        );
        check(
            "0/5 nodes are available: 2 node(s) had untolerated taint {node-role.kubernetes.io/control-plane: }, 1 Insufficient cpu, 3 Too many pods.",
            Code::NoRoom,
            "no node has room for its pod: of 5 nodes 1 lack cpu, 3 lack pod slots",
        );
        check(
            "0/3 nodes are available: 3 node(s) had untolerated taint {dedicated: gpu}. preemption: no",
            Code::Untolerated,
            "3 of 3 nodes are tainted dedicated: gpu, which its pod does not tolerate",
        );
        check(
            "0/3 nodes are available: 3 node(s) had volume node affinity conflict.",
            Code::VolumeZone,
            "its volumes lie where no node can take its pod (3 of 3 nodes are elsewhere)",
        );
        check(
            "0/3 nodes are available: 1 node(s) were unschedulable, 2 node(s) didn't match Pod's node affinity/selector.",
            Code::Cordoned,
            "1 of 3 nodes are cordoned, and no other takes its pod",
        );
        check(
            "0/2 nodes are available: 2 node(s) exceed max volume count.",
            Code::NodeVolumesFull,
            "2 of 2 nodes can attach no more volumes",
        );
        check(
            "0/3 nodes are available: persistentvolumeclaim \"app-data\" not found.",
            Code::ClaimMissing,
            "its claim app-data does not exist",
        );
        check(
            "0/3 nodes are available: 3 node(s) had untolerated taint {node.kubernetes.io/unreachable: }.",
            Code::NodeNotReady,
            "no healthy node is left for its pod: 0/3 nodes are available: 3 node(s) had untolerated taint {node.kubernetes.io/unreachable: }.",
        );
        check(
            "0/1 nodes are available: 1 node(s) didn't have free ports for the requested pod ports.",
            Code::Unschedulable,
            "the scheduler places its pod nowhere: 0/1 nodes are available: 1 node(s) didn't have free ports for the requested pod ports.",
        );
    }

    #[test]
    fn a_selector_that_matches_nothing_says_what_the_pool_has() {
        let t = unscheduled("0/3 nodes are available: 3 node(s) didn't match Pod's node affinity/selector.");
        assert_eq!(first(&t, 100).sentence, "none of 3 nodes matches what its pod asks for");
        let empty = diagnose_on(&t, vec![], 100).findings;
        assert_eq!(empty[0].sentence, "no node carries the labels that its pod asks for: the tenants' pool is empty");
        let some = diagnose_on(&t, vec![node("node-1")], 100).findings;
        assert_eq!(some[0].sentence, "its pod asks for other labels than the nodes have (1 in the pool)");
    }

    /// As 1.34 says it: no taint is named, and whose it is only the nodes tell.
    #[test]
    fn a_taint_without_a_name_is_looked_up_at_the_nodes() {
        let both = unscheduled(
            "0/4 nodes are available: 1 node(s) had untolerated taint(s), 3 node(s) didn't match Pod's node affinity/selector. no new claims to deallocate, preemption: 0/4 nodes are available: 4 Preemption is not helpful for scheduling.",
        );
        let mut gpu = node("gpu-1");
        gpu.taints = Box::new([Taint { key: text("dedicated"), value: Some(text("gpu")), effect: text("NoSchedule") }]);
        let check = |nodes: Vec<Node>, code: Code, sentence: &str| {
            let found = diagnose_on(&both, nodes, 100).findings;
            assert_eq!((found[0].code, found[0].sentence.as_str()), (code, sentence));
        };
        let other = "its pod asks for other labels than the nodes have (2 in the pool; 1 tainted)";
        check(vec![gpu.clone(), node("node-1")], Code::NoNodeMatches, other);
        let tainted = "1 of 4 nodes are tainted dedicated=gpu, which its pod does not tolerate";
        check(vec![gpu], Code::Untolerated, tainted);
        let mut silent = node("node-1");
        silent.ready = condition(false, 1);
        let unhealthy = "no healthy node is left for its pod: not ready are node-1";
        check(vec![silent], Code::NodeNotReady, unhealthy);
    }

    #[test]
    fn it_is_a_fault_after_a_minute_and_silence_after_two() {
        let t = unscheduled("0/3 nodes are available: 3 Insufficient memory.");
        let early = diagnose(&t, 60);
        assert!(early.findings.is_empty() && early.recheck == Some(at(61)));
        let mut t = unscheduled("");
        t.pods[0].scheduled = None;
        assert!(codes(&diagnose(&t, 119)).is_empty());
        assert_eq!(first(&t, 120).code, Code::SchedulerSilent);
    }
}
