//! The node beneath a tenant: silent, or under pressure. One node is one cause, however many tenants it carries.

use super::{Case, Code, Diagnosis, Evidence, Finding};
use crate::fleet::{At, Node, Pressure};

/// A kubelet may miss a heartbeat; its pods are marked after this.
const SILENCE: u32 = 40;

pub(super) fn check(case: &mut Case<'_>) {
    // A pod that cannot go is as much a sign of a dead node as one that does not answer.
    let Some(name) = case.tenant().pod().and_then(|p| p.node.clone()) else { return };
    let Some(node) = case.facts.fleet.node(&name) else { return };
    if !node.is_ready() && case.lasted(silent_since(node), SILENCE) {
        case.find(not_ready(node).down(true));
    }
    for pressure in &node.pressures {
        case.find(under_pressure(node, pressure));
    }
}

/// What is wrong with one node, whoever is on it.
pub fn of_node(node: &Node, now: At) -> Diagnosis {
    let counts_from = silent_since(node).map(|at| at.plus(SILENCE)).filter(|_| !node.is_ready());
    let recheck = counts_from.filter(|at| *at > now);
    let silent = !node.is_ready() && recheck.is_none();
    let pressures = node.pressures.iter().map(|p| under_pressure(node, p));
    Diagnosis { findings: silent.then(|| not_ready(node)).into_iter().chain(pressures).collect(), recheck }
}

fn silent_since(node: &Node) -> Option<At> {
    node.ready.as_ref().and_then(|c| c.since).or(node.created)
}

fn not_ready(node: &Node) -> Finding {
    let condition = node.ready.as_ref();
    let reason = condition.and_then(|c| c.reason());
    let said = condition.and_then(|c| c.message()).or(reason).unwrap_or("no condition Ready");
    let gone_silent = reason == Some("NodeStatusUnknown");
    let sentence = if gone_silent {
        format!("node {} is silent: what runs on it is unknown", node.name)
    } else {
        format!("node {} is not ready: {said}", node.name)
    };
    let advice = if gone_silent {
        "see whether the machine runs; if it is lost for good, taint it node.kubernetes.io/out-of-service=nodeshutdown:NoExecute so that its disks are detached at once"
    } else {
        "describe the node; its kubelet says what it lacks"
    };
    Finding::critical(Code::NodeNotReady, sentence)
        .about(node.name.as_str())
        .since(silent_since(node))
        .advice(advice)
        .proof(Evidence::field(format!("Node {} status.conditions[Ready]", node.name), said, silent_since(node)))
}

fn under_pressure(node: &Node, pressure: &Pressure) -> Finding {
    let what = match pressure.kind.as_str() {
        "MemoryPressure" => "is short of memory: it will evict pods",
        "DiskPressure" => "is short of disk: it evicts pods and removes images",
        "PIDPressure" => "is short of process ids",
        "NetworkUnavailable" => "has no network for its pods",
        _ => "reports trouble",
    };
    let said = pressure.message.as_deref().unwrap_or("True");
    Finding::warning(Code::NodePressure, format!("node {} {what} ({})", node.name, pressure.kind))
        .about(format!("{} {}", node.name, pressure.kind))
        .since(pressure.since)
        .advice("see what uses it up on the node; cordon it if it goes on, so that no more tenants land there")
        .proof(Evidence::field(
            format!("Node {} status.conditions[{}]", node.name, pressure.kind),
            said,
            pressure.since,
        ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        diagnose::{Severity, fixture::*},
        fleet::{Condition, Words, fixture::*},
    };

    fn silent(since: u32) -> Node {
        let mut node = node("node-1");
        node.ready = Some(Condition {
            met: false,
            since: Some(at(since)),
            words: Words::new(Some(text("NodeStatusUnknown")), Some(text("Kubelet stopped posting node status."))),
        });
        node
    }

    #[test]
    fn a_silent_node_is_the_first_finding_of_those_above_it() {
        let mut pod = ready();
        pod.containers[0].state = waiting("CrashLoopBackOff");
        pod.containers[0].ready = false;
        let t = tenant("a", Some(pod));
        let all = diagnose_on(&t, vec![silent(500)], 540).findings;
        assert_eq!((all[0].code, all[0].about.as_str(), all[0].since), (Code::NodeNotReady, "node-1", Some(at(500))));
        assert!(all[0].down && all.len() > 1);
        assert!(diagnose_on(&t, vec![node("node-1")], 540).findings.iter().all(|f| f.code != Code::NodeNotReady));
        assert!(
            diagnose_on(&t, vec![silent(501)], 540).findings.iter().all(|f| f.code != Code::NodeNotReady),
            "it may be a moment"
        );
        let mut elsewhere = silent(1);
        elsewhere.name = text("node-2");
        assert!(diagnose_on(&t, vec![elsewhere], 540).findings.iter().all(|f| f.code != Code::NodeNotReady));
    }

    #[test]
    fn pressure_is_a_warning_about_node_and_kind() {
        let mut pressed = node("node-1");
        pressed.pressures = Box::new([Pressure { kind: text("DiskPressure"), since: Some(at(9)), message: None }]);
        let all = diagnose_on(&tenant("a", Some(ready())), vec![pressed.clone()], 540).findings;
        assert_eq!(
            (all[0].code, all[0].severity, all[0].about.as_str(), all[0].down),
            (Code::NodePressure, Severity::Warning, "node-1 DiskPressure", false)
        );
        assert_eq!(of_node(&pressed, at(540)).findings.len(), 1);
        assert_eq!(of_node(&node("node-1"), at(540)), Diagnosis::default());
        assert_eq!(of_node(&silent(501), at(540)), Diagnosis { findings: vec![], recheck: Some(at(541)) });
        assert_eq!(of_node(&silent(501), at(541)).findings[0].code, Code::NodeNotReady);
    }
}
