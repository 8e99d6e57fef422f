//! Claims: without a volume, with a lost one, marked for deletion, or unable to grow.

use super::{Case, Code, Evidence, Finding};
use crate::fleet::{Claim, ClaimPhase, Warning};

/// A disk is made within a few seconds; what takes longer without an event is told after this.
const GRACE: u32 = 60;
pub(super) const PROVISIONING: [&str; 3] = ["ProvisioningFailed", "VolumeMismatch", "ProvisioningCleanupFailed"];
/// Not `ExternalExpanding`: older controllers send that as a warning about every driver's healthy growth.
const RESIZING: [&str; 2] = ["VolumeResizeFailed", "FileSystemResizeFailed"];

pub(super) fn check(case: &mut Case<'_>) {
    if case.is_terminating() {
        return;
    }
    let mut claims: Vec<_> = case.tenant().claims.iter().collect();
    // Those of which something is said first: a silent one may only wait for them.
    if claims.iter().any(|c| c.phase == ClaimPhase::Pending) {
        claims.sort_by_key(|c| case.warnings(c.uid, &PROVISIONING).is_empty() && c.class.is_some());
    }
    for claim in claims {
        match claim.phase {
            ClaimPhase::Lost => lost(case, claim),
            ClaimPhase::Pending => pending(case, claim),
            ClaimPhase::Bound | ClaimPhase::Unknown => {}
        }
        if claim.deleting().is_some() {
            deleting(case, claim);
        }
        resize(case, claim);
    }
}

fn status(claim: &Claim) -> String {
    format!("PersistentVolumeClaim {} status", claim.name)
}

fn lost(case: &mut Case<'_>, claim: &Claim) {
    let volume = claim.volume_name().unwrap_or_else(|| "unknown".to_owned());
    let finding = Finding::critical(Code::VolumeLost, format!("the volume of claim {} is gone ({volume})", claim.name))
        .down(!case.phase().serves())
        .about(claim.name.as_str())
        .advice("the PersistentVolume object was deleted: if its disk was kept, make a PersistentVolume for that disk again; else restore from a snapshot")
        .proof(Evidence::field(format!("{}.phase", status(claim)), "Lost", None));
    case.find(finding);
}

fn pending(case: &mut Case<'_>, claim: &Claim) {
    if !case.lasted(claim.created, GRACE) {
        return;
    }
    // Whether anybody waits for it: a claim that is bound with its first pod is pending by right until then.
    let pod = case.pod().filter(|p| p.node.is_none());
    let message = pod.and_then(|p| p.scheduled.as_ref()).and_then(|c| c.message()).unwrap_or_default();
    let awaited = message.contains("unbound immediate PersistentVolumeClaims") || message.contains("binding volumes:");
    let failed = case.warnings(claim.uid, &PROVISIONING);
    let finding = match (failed.first(), &claim.class) {
        (Some(event), _) => provisioning(claim, event),
        (None, None) if awaited => Finding::critical(Code::NoDefaultClass, format!("claim {} names no storage class, and the cluster has no default one", claim.name))
            .about("default storage class")
            .advice("mark a StorageClass as the default one, or name a class in the tenant's spec; the claim must then be made anew, while it holds no data")
            .proof(Evidence::field(format!("PersistentVolumeClaim {} spec.storageClassName", claim.name), "absent", None)),
        (None, Some(class)) if awaited && !case.found(explains) => Finding::critical(Code::VolumePending, format!("claim {} has no volume yet, and no event says why", claim.name))
            .about(class.as_str())
            .advice("look at the provisioner's own pods and log; describe the claim for its events"),
        (None, _) => return,
    };
    let finding = finding.down(pod.is_some()).since(claim.created).proof(Evidence::field(
        format!("{}.phase", status(claim)),
        "Pending",
        claim.created,
    ));
    case.find_once(finding);
}

/// Another claim of the pod keeps it from its node: one that is bound with its first pod waits for that one.
fn explains(finding: &Finding) -> bool {
    matches!(finding.code, Code::ClassMissing | Code::NoDefaultClass | Code::ProvisioningFailed)
}

fn provisioning(claim: &Claim, event: &Warning) -> Finding {
    let message = event.message.as_str();
    let class = claim.class.as_deref().unwrap_or("none");
    let finding = if message.contains("storageclass") && message.contains("not found") {
        Finding::critical(
            Code::ClassMissing,
            format!("claim {} wants storage class {class}, which does not exist", claim.name),
        )
        .about(class)
        .advice("bring the StorageClass, or make the claim anew with a class that exists, while it holds no data")
    } else {
        Finding::critical(Code::ProvisioningFailed, format!("no volume can be made for claim {}: {message}", claim.name))
            .about(format!("{class} {}", reason(message)))
            .advice("the provisioner's words say what: often the cloud's quota of disks, a zone without capacity, or a right that is missing")
    };
    finding.proof(Evidence::event(event))
}

/// What tells two failures of a provisioner apart, whatever disk they are about.
fn reason(message: &str) -> &str {
    ["quota", "zone", "permission", "forbidden", "timeout", "deadline"]
        .into_iter()
        .find(|word| message.to_ascii_lowercase().contains(word))
        .unwrap_or("fails")
}

fn deleting(case: &mut Case<'_>, claim: &Claim) {
    let finding = Finding::critical(Code::VolumeDeleting, format!("claim {} is marked for deletion: it goes as soon as its pod does", claim.name))
        .about(claim.name.as_str())
        .since(claim.deleting())
        .advice("a deletion cannot be taken back: do not restart the tenant; set the PersistentVolume's reclaim policy to Retain and take a snapshot first")
        .proof(Evidence::field(
            format!("PersistentVolumeClaim {} metadata.deletionTimestamp", claim.name),
            claim.deleting().map_or_else(String::new, |at| at.to_string()),
            claim.deleting(),
        ));
    case.find(finding);
}

fn resize(case: &mut Case<'_>, claim: &Claim) {
    let Some(state) = claim.resize().map(|r| &**r) else { return };
    let wanted = claim.requested.map_or_else(|| "more".to_owned(), |q| q.bytes().to_string());
    let evidence = Evidence::field(format!("{}.conditions", status(claim)), state, None);
    let mut events = case.warnings(claim.uid, &RESIZING);
    // Of a growth before this one.
    events.retain(|e| claim.resize_since().is_none_or(|since| e.last.is_none_or(|last| last >= since)));
    if state.ends_with("Error") || state.ends_with("Infeasible") || !events.is_empty() {
        let why = events.first().map_or(state, |e| e.message.as_str());
        let finding = Finding::warning(Code::ResizeFailed, format!("claim {} cannot grow to {wanted}: {why}", claim.name))
            .about(claim.class.as_deref().unwrap_or_default())
            .since(events.first().and_then(|e| e.first))
            .advice("a claim whose growth is refused may be set to a smaller size again, above what it has; else mend what the provisioner names")
            .proof(evidence)
            .proofs(events.first().map(|e| Evidence::event(e)));
        case.find(finding);
    } else if matches!(state, "FileSystemResizePending" | "NodeResizePending") {
        let finding = Finding::note(
            Code::ResizeWaits,
            format!(
                "claim {} has grown to {wanted}, its file system has not: it waits for the pod to be made anew",
                claim.name
            ),
        )
        .about(claim.class.as_deref().unwrap_or_default())
        .advice("some drivers grow the file system only with a new mount: restart the tenant when it suits its user")
        .proof(evidence);
        case.find(finding);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        diagnose::{Severity, fixture::*},
        fleet::{Condition, Tenant, Volume, Words, fixture::*},
    };

    fn waiting_for_volume(message: Option<&str>) -> Tenant {
        let mut pod = pod();
        pod.node = None;
        pod.scheduled = message.map(|m| Condition {
            met: false,
            since: Some(at(1)),
            words: Words::new(Some(text("Unschedulable")), Some(text(m))),
        });
        let mut t = tenant("a", Some(pod));
        t.claims[0].phase = ClaimPhase::Pending;
        t.claims[0].volume = Volume::NONE;
        t
    }

    const UNBOUND: &str = "0/3 nodes are available: pod has unbound immediate PersistentVolumeClaims. preemption: 0/3";

    #[test]
    fn why_a_claim_has_no_volume() {
        let mut t = waiting_for_volume(Some(UNBOUND));
        let finding = first(&t, 100);
        assert_eq!((finding.code, finding.about.as_str(), finding.down), (Code::VolumePending, "managed-csi", true));
        assert_eq!(codes(&diagnose(&t, 100)).len(), 1, "the scheduler's word and the claim's are one fault");

        t.warnings = Box::new([event(
            "PersistentVolumeClaim",
            30,
            "ProvisioningFailed",
            "storageclass.storage.k8s.io \"managed-csi\" not found",
            5,
        )]);
        assert_eq!(first(&t, 100).code, Code::ClassMissing);
        t.warnings[0].message = text("failed to provision volume: disk Quota exceeded in region");
        let finding = first(&t, 100);
        assert_eq!((finding.code, finding.about.as_str()), (Code::ProvisioningFailed, "managed-csi quota"));
        t.warnings[0].object_uid = Some(uid(999));
        assert_eq!(first(&t, 100).code, Code::VolumePending, "an event of another claim");

        t.claims[0].class = None;
        assert_eq!(first(&t, 100).code, Code::NoDefaultClass);

        t.claims[1].phase = ClaimPhase::Pending;
        let found = diagnose(&t, 100);
        assert_eq!(codes(&found), [Code::NoDefaultClass], "the other claim may wait for this one");
    }

    #[test]
    fn a_claim_that_waits_for_its_first_pod_is_no_fault() {
        let mut t = waiting_for_volume(Some("0/3 nodes are available: 3 Insufficient memory."));
        assert_eq!(codes(&diagnose(&t, 100)), [Code::NoRoom]);
        t.pods = Box::default();
        t.sets[0].wanted = 0;
        assert!(codes(&diagnose(&t, 5_000)).is_empty());
    }

    #[test]
    fn lost_and_deleted_claims_endanger_data() {
        let mut t = tenant("a", Some(ready()));
        t.claims[1].unrest = going(400);
        let finding = first(&t, 500);
        assert_eq!((finding.code, finding.severity, finding.down), (Code::VolumeDeleting, Severity::Critical, false));
        t.claims[1].phase = ClaimPhase::Lost;
        assert_eq!(first(&t, 500).code, Code::VolumeLost);
        t.namespace.as_mut().unwrap().deleting = Some(at(450));
        assert_eq!(codes(&diagnose(&t, 500)), [Code::NamespaceTerminating], "then everything goes, on purpose");
    }

    #[test]
    fn a_resize_waits_or_fails() {
        let mut t = tenant("a", Some(ready()));
        t.claims[0].unrest = resizing("FileSystemResizePending", None);
        assert_eq!((first(&t, 500).code, first(&t, 500).severity), (Code::ResizeWaits, Severity::Note));
        t.claims[0].unrest = resizing("ControllerResizeInfeasible", None);
        assert_eq!(first(&t, 500).code, Code::ResizeFailed);
        t.claims[0].unrest = resizing("Resizing", None);
        assert!(codes(&diagnose(&t, 500)).is_empty(), "it is on its way");
        t.warnings = Box::new([event("PersistentVolumeClaim", 30, "VolumeResizeFailed", "disk is in use", 5)]);
        assert_eq!(first(&t, 500).sentence, "claim app-data cannot grow to 20Gi: disk is in use");
        t.claims[0].unrest = resizing("Resizing", Some(6));
        assert!(codes(&diagnose(&t, 500)).is_empty(), "that was another growth");
        t.claims[0].unrest = resizing("Resizing", Some(5));
        assert_eq!(first(&t, 500).code, Code::ResizeFailed);
        t.warnings[0].reason = text("ExternalExpanding");
        assert!(codes(&diagnose(&t, 500)).is_empty(), "it only says who does it");
    }
}
