//! Pods that their node does not take, one after the other.

use std::collections::BTreeSet;

use super::{At, PodPhase, Tenant, Uid, Warning};

/// So many pods within so many seconds that a node rejected are no accident, until none was for a while.
const IN_A_ROW: usize = 3;
const WITHIN: u32 = 120;
const OVER_AFTER: u32 = 60;
/// A pod that is there for so many seconds and was not rejected was taken. Our clock and the cluster's may differ by some.
const TAKEN: u32 = 45;
/// Rejections that are further apart in seconds have nothing to do with each other. Of a long loop some are kept, spread over
/// its time.
const ONE_LOOP: u32 = 900;
/// Why a kubelet does not take a pod that is bound to its node, beside `OutOf...`: the reasons that it counts as rejections, and
/// the names of the scheduler's filters that it asks again (k8s.io/kubernetes 1.34, `pkg/kubelet/kubelet.go`).
const REJECTIONS: [&str; 19] = [
    "AppArmor",
    "Evicted",
    "InitContainerRestartPolicyForbidden",
    "InvalidNodeInfo",
    "NodeAffinity",
    "NodeName",
    "NodePorts",
    "NodeShutdown",
    "PodLevelResourcesNotSupported",
    "PodOSNotSupported",
    "PodOSSelectorNodeLabelDoesNotMatch",
    "SupplementalGroupsPolicyNotSupported",
    "SysctlForbidden",
    "TaintToleration",
    "TopologyAffinityError",
    "UnexpectedAdmissionError",
    "UnexpectedPredicateFailureType",
    "UnknownReason",
    "VolumeAttachmentLimitExceeded",
];

/// What a node says to each pod that is made.
#[derive(Clone, Copy, Debug)]
pub struct Rejected<'a> {
    pub latest: &'a Warning,
    pub since: Option<At>,
    /// When it counts as over, if nothing is said before.
    pub until: At,
}

impl Tenant {
    /// What its pods meet that end as soon as they are made, one after the other: their node rejects them, and the
    /// StatefulSet's controller makes the next at once, without end and without a pause. `None` once a pod has begun, or has
    /// been there for a while and nothing was said of it.
    pub fn rejected(&self, now: At) -> Option<Rejected<'_>> {
        let set = self.set().filter(|set| set.wanted > 0)?;
        let is_its = |w: &Warning| {
            let ordinal = w.object.as_str().strip_prefix(set.name.as_str()).and_then(|rest| rest.strip_prefix('-'));
            w.kind == *"Pod" && ordinal.is_some_and(|n| n.parse::<u32>().is_ok())
        };
        let rejects = |reason: &str| REJECTIONS.contains(&reason) || reason.starts_with("OutOf");
        let mut told: Vec<(At, &Warning)> = self
            .warnings
            .iter()
            .filter(|w| w.container.is_none() && is_its(w) && rejects(w.reason.as_str()))
            .filter_map(|w| Some((w.last?, w)))
            .collect();
        told.sort_by_key(|(at, w)| (*at, w.uid));
        let (ended, latest) = *told.last()?;
        told.retain(|(_, w)| w.reason == latest.reason);
        let lately = told.iter().filter(|(at, _)| ended.since(*at) < WITHIN);
        let pods: BTreeSet<Uid> = lately.filter_map(|(_, w)| w.object_uid).collect();
        let mut until = ended.plus(OVER_AFTER);
        if let Some(pod) = self.pod().filter(|pod| pod.deleting.is_none() && pod.phase != PodPhase::Failed) {
            if pod.has_begun() {
                return None;
            }
            if let Some(made) = pod.created.filter(|_| Some(pod.uid) != latest.object_uid) {
                until = until.min(made.plus(TAKEN));
            }
        }
        if pods.len() < IN_A_ROW || now >= until {
            return None;
        }
        let mut since = latest.first.unwrap_or(ended);
        for (at, warning) in told.iter().rev() {
            if since.since(*at) > ONE_LOOP {
                break;
            }
            since = since.min(warning.first.unwrap_or(*at));
        }
        Some(Rejected { latest, since: Some(since), until })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::fixture::*;

    fn told(pod: u32, reason: &str, n: u32) -> Warning {
        let of = uid(900 + u128::from(pod));
        let about = (text("Pod"), text("openclaw-0"), text(reason));
        Warning { uid: of, object_uid: Some(of), kind: about.0, object: about.1, reason: about.2, ..refusal(n) }
    }

    fn since(told: Vec<Warning>, now: u32) -> Option<At> {
        let mut t = tenant("a", None);
        t.warnings = told.into();
        t.rejected(at(now))?.since
    }

    #[test]
    fn a_loop_begins_where_nothing_was_rejected_for_long_before() {
        let lately = || vec![told(1, "OutOfcpu", 5_000), told(2, "OutOfcpu", 5_001), told(3, "OutOfcpu", 5_002)];
        assert_eq!(since(lately(), 5_010), Some(at(5_000)));
        let with = |earlier: Vec<u32>| {
            let before = earlier.into_iter().zip(10..).map(|(n, pod)| told(pod, "OutOfcpu", n));
            since(before.chain(lately()).collect(), 5_010)
        };
        assert_eq!(with(vec![3_400, 4_200]), Some(at(3_400)), "of a long loop some are kept");
        assert_eq!(with(vec![1_000, 4_200]), Some(at(4_200)), "what was long before is another story");
    }

    #[test]
    fn only_what_a_kubelet_rejects_counts_and_only_of_one_kind() {
        let three = |reasons: [&str; 3]| reasons.iter().zip(1..).map(|(reason, n)| told(n, reason, 100 + n)).collect();
        assert_eq!(since(three(["Evicted"; 3]), 110), Some(at(101)));
        assert_eq!(since(three(["FailedMount"; 3]), 110), None);
        assert_eq!(since(three(["NodeShutdown", "OutOfpods", "OutOfpods"]), 110), None);
        let twice_of_one = vec![told(1, "Evicted", 100), told(1, "Evicted", 101), told(2, "Evicted", 102)];
        assert_eq!(since(twice_of_one, 110), None);
    }
}
