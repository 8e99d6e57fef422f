//! No node takes the pod: by what the scheduler says of the nodes it may use.

use super::{Case, Code, Evidence, Finding, volume::PROVISIONING};
use crate::{
    fleet::{Claim, ClaimPhase, Condition, Node, Pod, Taint},
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
        // It waits for ten minutes before it says that a volume does not come.
        None if let Some(claim) = placed(case) => {
            // Of a claim that cannot be provisioned the claim itself tells, in the provisioner's words.
            if !case.lasted(pod.created, SILENCE) || case.tenant().claims.iter().any(|c| fails(case, c)) {
                return;
            }
            let class = claim.class.as_deref().unwrap_or("none");
            let finding = Finding::critical(
                Code::VolumePending,
                format!("claim {} has no volume yet, and nobody says why (class {class})", claim.name),
            )
            .about(class)
            .down(true)
            .since(claim.created)
            .advice("see whether the class's provisioner runs at all; the scheduler has chosen a node and waits")
            .proof(Evidence::field(
                format!("PersistentVolumeClaim {} status.phase", claim.name),
                "Pending",
                claim.created,
            ));
            case.find(finding);
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

/// A claim that the scheduler has chosen a node for, and that has no volume yet.
fn placed(case: &Case<'_>) -> Option<Claim> {
    let claims = &case.tenant().claims;
    claims.iter().find(|c| c.phase == ClaimPhase::Pending && c.placed).cloned()
}

fn fails(case: &Case<'_>, claim: &Claim) -> bool {
    claim.phase == ClaimPhase::Pending && !case.warnings(claim.uid, &PROVISIONING).is_empty()
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
        && (whole.contains("\" not found") || whole.contains("is being deleted"))
    {
        let name = rest.split('"').next().unwrap_or(rest);
        let gone = if whole.contains("is being deleted") { "is being deleted" } else { "does not exist" };
        return Some(
            Finding::critical(Code::ClaimMissing, format!("its claim {name} {gone}"))
                .about(name)
                .advice("if the volume is Released and kept, bind it to a new claim of this name; apply the render only if the data may begin anew"),
        );
    }
    // Of a claim that waits for its volume, or has lost it, the claim itself tells more.
    let of_claims =
        ["unbound immediate PersistentVolumeClaims", "binding volumes:", "bound to non-existent persistentvolume"];
    if of_claims.iter().any(|words| whole.contains(words)) {
        return None;
    }
    // What hinders the nodes of the pool counts; nodes of other pools never fit and explain nothing. A node that was refused
    // for one of these has passed for its labels and taints.
    if let Some(finding) = full(case, said) {
        return finding;
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
    let cordoned = said.any(&["were unschedulable", "was unschedulable"]);
    if let Some((n, _)) = cordoned.filter(|_| mismatched.is_none() || cordons_explain(case)) {
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
        let also = |said: Option<(u32, &str)>, what| said.map_or_else(String::new, |(n, _)| format!("; {n} {what}"));
        let others = also(tainted, "tainted") + &also(cordoned, "cordoned");
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

/// Nodes of the pool that have no room, attach no more, or are where its volumes are not: the first is the cause, and the
/// others are said with it. `Some(None)` where the claims tell it.
fn full(case: &Case<'_>, said: &Said<'_>) -> Option<Option<Finding>> {
    let is_room = |what: &str| what.contains("Insufficient ") || what.contains("Too many pods");
    let lacks = |what: &str| what.split_once("Insufficient ").map_or("pod slots", |(_, resource)| resource).to_owned();
    let lacking: Vec<_> = said.clauses.iter().filter(|(_, what)| is_room(what)).collect();
    let room: Vec<_> = lacking.iter().map(|(n, what)| format!("{n} lack {}", lacks(what))).collect();
    let count = |words: &[&str]| -> u32 {
        said.clauses.iter().filter(|(_, what)| words.iter().any(|w| what.contains(w))).map(|(n, _)| n).sum()
    };
    let attached = count(&["exceed max volume count"]);
    // Kubernetes 1.33 and older, then newer.
    let elsewhere = count(&[
        "volume node affinity conflict",
        "didn't match PersistentVolume's node affinity",
        "no available volume zone",
    ]);
    // The binder's word for a claim that has no volume yet, where none is made for that node and none waits there.
    let unbound = count(&["didn't find available persistent volumes to bind"]);
    let cordoned = if case.facts.fleet.sources().get(Kind::Node).synced {
        u32::try_from(case.facts.fleet.nodes().filter(|n| n.unschedulable).count()).unwrap_or(u32::MAX)
    } else {
        0
    };
    // In the order of what comes first.
    let also = |from: usize| {
        let all = [
            (attached, "can attach no more volumes"),
            (elsewhere, "are not where its volumes are"),
            (unbound, "have no volume for its claims"),
            (cordoned, "are cordoned"),
        ];
        let others = all.into_iter().skip(from).filter(|(n, _)| *n > 0);
        others.map(|(n, what)| format!("; {n} {what}")).collect::<String>()
    };
    let nodes = said.nodes;
    let finding = if let Some((_, what)) = lacking.first() {
        let sentence = format!("no node has room for its pod: of {nodes} nodes {}{}", room.join(", "), also(0));
        Finding::critical(Code::NoRoom, sentence).about(lacks(what)).advice(if elsewhere > 0 {
            "add a node to the pool, in the zone of its volumes, or see which pods there ask for more than they use"
        } else {
            "add a node to the pool, or see which pods ask for more than they use"
        })
    } else if attached > 0 {
        Finding::critical(
            Code::NodeVolumesFull,
            format!("{attached} of {nodes} nodes can attach no more volumes{}", also(1)),
        )
        .about("max volume count")
        .advice("each tenant takes two disks of a node's limit: add a node to the pool, in the zone of its volumes")
    } else if elsewhere > 0 {
        let sentence = format!(
            "its volumes lie where no node can take its pod ({elsewhere} of {nodes} nodes are elsewhere{})",
            also(2)
        );
        Finding::critical(Code::VolumeZone, sentence)
            .about("volume node affinity")
            .advice("a disk is bound to its zone: bring a node of the pool up in that zone; see the node affinity of both PersistentVolumes")
    } else if unbound > 0 {
        let claims = &case.tenant().claims;
        if claims.iter().any(|c| fails(case, c)) {
            return Some(None);
        }
        let waiting = claims.iter().find(|c| c.phase == ClaimPhase::Pending);
        let (name, class) = waiting.map_or(("its claim", "none"), |c| (&*c.name, c.class.as_deref().unwrap_or("none")));
        let sentence = format!(
            "{name} has no volume, and for {unbound} of {nodes} nodes there is none and none is made (class {class}){}",
            also(3)
        );
        Finding::critical(Code::VolumePending, sentence)
            .about(class)
            .advice("see the class: one without a provisioner needs a PersistentVolume made by hand, one with allowedTopologies a node of the pool in them")
    } else {
        return None;
    };
    Some(Some(finding))
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

/// Whether cordons are what hinders: were a node of the pool open, it would have been refused for its labels, and then the
/// cordoned ones have others, too.
fn cordons_explain(case: &Case<'_>) -> bool {
    let fleet = case.facts.fleet;
    let is_open = |n: &Node| !n.unschedulable && n.is_ready() && n.pressures.is_empty() && keeps_out(n).is_empty();
    !fleet.sources().get(Kind::Node).synced || !fleet.nodes().any(is_open)
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
mod tests;
