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
        "0/6 nodes are available: 2 Insufficient memory, 4 node(s) didn't match PersistentVolume's node affinity.",
        Code::NoRoom,
        "no node has room for its pod: of 6 nodes 2 lack memory; 4 are not where its volumes are",
    );
    check(
        "0/6 nodes are available: 2 node(s) exceed max volume count, 4 node(s) had volume node affinity conflict.",
        Code::NodeVolumesFull,
        "2 of 6 nodes can attach no more volumes; 4 are not where its volumes are",
    );
    check(
        "0/3 nodes are available: 1 node(s) didn't match Pod's node affinity/selector, 2 node(s) didn't match PersistentVolume's node affinity. no new claims to deallocate, preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling.",
        Code::VolumeZone,
        "its volumes lie where no node can take its pod (2 of 3 nodes are elsewhere)",
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

/// A cordoned node is passed over before its labels are looked at: whether it would do, only the others tell.
#[test]
fn cordons_explain_nothing_where_an_open_node_does_not_match() {
    let t = unscheduled(
        "0/2 nodes are available: 1 node(s) didn't match Pod's node affinity/selector, 1 node(s) were unschedulable. no new claims to deallocate, preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling.",
    );
    let check = |other: Node, code: Code, sentence: &str| {
        let cordoned = Node { unschedulable: true, ..node("node-2") };
        let found = diagnose_on(&t, vec![other, cordoned], 100).findings;
        assert_eq!((found[0].code, found[0].sentence.as_str()), (code, sentence));
    };
    let labels = "its pod asks for other labels than the nodes have (2 in the pool; 1 cordoned)";
    check(node("node-1"), Code::NoNodeMatches, labels);
    let cordoned = "1 of 2 nodes are cordoned, and no other takes its pod";
    check(Node { ready: condition(false, 1), ..node("node-1") }, Code::Cordoned, cordoned);
}

#[test]
fn a_claim_without_a_volume_anywhere_is_no_matter_of_zones() {
    let mut t = unscheduled("0/3 nodes are available: 3 node(s) didn't find available persistent volumes to bind.");
    t.claims[1].phase = ClaimPhase::Pending;
    let finding = first(&t, 100);
    assert_eq!((finding.code, finding.about.as_str(), finding.down), (Code::VolumePending, "managed-csi", true));
    assert!(finding.sentence.starts_with("config-data has no volume, and for 3 of 3 nodes"), "{}", finding.sentence);
    let failed = event("PersistentVolumeClaim", 31, "ProvisioningFailed", "Quota exceeded", 50);
    t.warnings = Box::new([failed]);
    assert_eq!(codes(&diagnose(&t, 100)), [Code::ProvisioningFailed], "its own words are better");
}

/// The node that would do may be the one that is cordoned.
#[test]
fn cordons_in_the_pool_are_said_beside_the_cause() {
    let t = unscheduled("0/2 nodes are available: 1 Insufficient memory, 1 node(s) were unschedulable.");
    let cordoned = Node { unschedulable: true, ..node("node-2") };
    let found = diagnose_on(&t, vec![node("node-1"), cordoned], 100).findings;
    assert_eq!(found[0].sentence, "no node has room for its pod: of 2 nodes 1 lack memory; 1 are cordoned");
}

/// The claim tells it itself, and better.
#[test]
fn a_lost_volume_is_no_missing_claim() {
    let lost = "0/2 nodes are available: persistentvolumeclaim \"app-data\" bound to non-existent persistentvolume \"pvc-1\". not found";
    assert!(codes(&diagnose(&unscheduled(lost), 100)).iter().all(|c| *c != Code::ClaimMissing));
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
    // It has looked, and waits for a volume.
    (t.claims[1].phase, t.claims[1].placed) = (ClaimPhase::Pending, true);
    assert_eq!(first(&t, 120).code, Code::VolumePending);
    let failed = event("PersistentVolumeClaim", 31, "ProvisioningFailed", "quota of the region is used up", 50);
    t.warnings = Box::new([failed]);
    assert_eq!(codes(&diagnose(&t, 120)), [Code::ProvisioningFailed], "then somebody says why");
    t.warnings = Box::default();
    t.claims[1].placed = false;
    assert_eq!(first(&t, 120).code, Code::SchedulerSilent, "nobody has looked");
}
