//! A pod that has its node, and not its volumes or its sandbox.

use super::{Case, Code, Evidence, Finding, Severity, config};
use crate::fleet::{Pod, State, StepKind, Tenant, Warning, detail::Attachment};

/// A detachment takes minutes; what goes on for longer is no passing matter.
const PATIENCE: u32 = 300;
/// A large image over a slow line is there by then.
const LATE: u32 = 600;
const ATTACH: [&str; 1] = ["FailedAttachVolume"];
const MOUNT: [&str; 2] = ["FailedMount", "FailedMapVolume"];
const SANDBOX: [&str; 2] = ["FailedCreatePodSandBox", "FailedPodSandBoxStatus"];

pub(super) fn check(case: &mut Case<'_>) {
    let Some(pod) = case.pod().filter(|p| waits(p)) else { return };
    let since = pod.scheduled.as_ref().and_then(|c| c.since).or(pod.created);
    let events = case.warnings(pod.uid, &[ATTACH[0], MOUNT[0], MOUNT[1], SANDBOX[0], SANDBOX[1]]);
    // An event that has stopped coming tells of what is mended: a kubelet tries every two minutes at the least.
    let live: Vec<&Warning> = events.into_iter().filter(|w| case.recent(w.last, 2 * PATIENCE)).collect();
    // What is not there keeps everything else waiting; else the latest word counts, and a timeout only tells that something
    // else has not come about.
    let of_missing =
        || live.iter().find(|w| MOUNT.contains(&w.reason.as_str()) && config::missing(&w.message).is_some());
    let telling = of_missing().or_else(|| live.iter().find(|w| !timed_out(w))).or(live.first()).copied();
    let of = |reasons: &[&str]| telling.filter(|w| reasons.contains(&w.reason.as_str()));
    let finding = if let Some(event) = of(&ATTACH) {
        let finding = attach(pod, event);
        let proofs = attachments(case).filter(|a| finding.sentence.contains(&a.volume)).map(attachment);
        let proofs: Vec<_> = proofs.collect();
        finding.proofs(proofs)
    } else if let Some(event) = of(&MOUNT) {
        match config::missing(&event.message) {
            Some(missing) => config::finding(&missing),
            None => mount(event),
        }
        .proof(Evidence::event(event))
    } else if let Some(event) = of(&SANDBOX) {
        sandbox(pod, event)
    } else if let Some(finding) = hanging(case, pod) {
        finding
    } else {
        if case.lasted(since, PATIENCE) {
            let age = case.age(since);
            let severity = if case.lasted(since, LATE) { Severity::Critical } else { Severity::Warning };
            let finding = Finding::new(Code::StartSlow, severity, format!("its pod has had a node for {age}, and nothing has started in it"))
                .down(true)
                .about(pod.node.as_deref().unwrap_or_default())
                .since(since)
                .advice("volumes, image or sandbox take long and no warning says which: describe the pod, then look at the node's kubelet")
                .proof(Evidence::field(format!("Pod {} status.conditions[PodReadyToStartContainers]", pod.name), "not met", since));
            case.find(finding);
        }
        return;
    };
    let lasting = case.lasted(since, PATIENCE);
    let mut finding = finding.down(true).since(since);
    finding.severity = if lasting || finding.code == Code::ConfigMissing || finding.code == Code::TokenMissing {
        Severity::Critical
    } else {
        Severity::Warning
    };
    case.find(finding);
}

/// PersistentVolumes that the tenant's pod waits for on its node: what their attachments say is worth asking for.
pub fn awaited_volumes(tenant: &Tenant) -> Vec<String> {
    if !tenant.pod().is_some_and(waits) {
        return Vec::new();
    }
    tenant.claims.iter().filter_map(crate::fleet::Claim::volume_name).collect()
}

fn attachments<'a>(case: &Case<'a>) -> impl Iterator<Item = &'a Attachment> + use<'a> {
    case.facts.opened.and_then(|o| o.attachments.as_ref()).into_iter().flatten()
}

/// What the attachments themselves tell, where no event does: events are dropped and go after an hour.
fn hanging(case: &mut Case<'_>, pod: &Pod) -> Option<Finding> {
    let node = pod.node.as_deref()?;
    let all: Vec<&Attachment> = attachments(case).collect();
    let elsewhere = all.iter().find(|a| a.node != node && (a.attached || a.deleting.is_some()));
    if let Some(held) = elsewhere {
        let going = held.deleting.map_or(String::new(), |at| format!(", to be let go for {}", case.age(Some(at))));
        let sentence = format!("{} is still attached to {}{going}, so {node} cannot have it", held.volume, held.node);
        let finding = Finding::warning(Code::MultiAttach, sentence).about(held.volume.as_str()).advice(LET_GO);
        return Some(finding.proof(attachment(held)));
    }
    let stuck = all.iter().find(|a| a.node == node && !a.attached)?;
    let said = stuck.error.clone().unwrap_or_else(|| "its driver has not said why".to_owned());
    if stuck.error.is_none() && !case.lasted(stuck.created, PATIENCE) {
        return None;
    }
    let sentence = format!("{} is not attached to {node} for {}: {said}", stuck.volume, case.age(stuck.created));
    Some(Finding::warning(Code::AttachFailed, sentence).about(node).advice(DRIVER).proof(attachment(stuck)))
}

fn attachment(of: &Attachment) -> Evidence {
    let state = match (of.attached, of.deleting) {
        (_, Some(at)) => format!("to be let go since {at}"),
        (true, None) => "attached".to_owned(),
        (false, None) => "not attached".to_owned(),
    };
    let error = of.error.as_ref().map_or_else(String::new, |e| format!("; {e}"));
    let said = format!("{} at {}: {state}{error}", of.volume, of.node);
    Evidence::field(format!("VolumeAttachment {}", of.name), said, of.error_at.or(of.deleting).or(of.created))
}

const LET_GO: &str = "it is let go minutes after its old pod is gone; if the old node is dead, taint it node.kubernetes.io/out-of-service so that it is detached at once";
const DRIVER: &str =
    "the cloud's words say why; see the VolumeAttachment objects of this volume and the driver's controller";

/// It is at the step of volumes and sandbox: nothing has begun, no container says what it waits for.
fn waits(pod: &Pod) -> bool {
    let begun = || pod.all().any(|c| !matches!(c.state, State::Waiting(_)));
    let silent = || pod.all().all(|c| c.trouble().is_none());
    if pod.node.is_none() || begun() || !silent() {
        return false;
    }
    let boot = crate::fleet::Boot::of(pod);
    let at_volumes = boot.current().is_some_and(|step| step.kind == StepKind::Volumes);
    at_volumes || pod.sandbox.is_none() || boot.stages().0 == 0
}

fn attach(pod: &Pod, event: &Warning) -> Finding {
    let message = event.message.as_str();
    let node = pod.node.as_deref().unwrap_or("its node");
    let volume = message.split_once("volume \"").and_then(|(_, rest)| rest.split('"').next()).unwrap_or("a volume");
    if message.contains("Multi-Attach error") {
        // `Volume is already used by pod(s) x` or `... exclusively attached to one node and can't be attached to another`.
        let holder =
            message.split_once("used by pod(s) ").map_or(String::new(), |(_, pods)| format!(" (by pod {pods})"));
        return Finding::warning(
            Code::MultiAttach,
            format!("{volume} is still attached to another node{holder}, so {node} cannot have it"),
        )
        .about(volume)
        .advice(LET_GO)
        .proof(Evidence::event(event));
    }
    Finding::warning(Code::AttachFailed, format!("{volume} cannot be attached to {node}: {message}"))
        .about(node)
        .advice(DRIVER)
        .proof(Evidence::event(event))
}

fn timed_out(event: &Warning) -> bool {
    MOUNT.contains(&event.reason.as_str())
        && (event.message.contains("timed out") || event.message.contains("deadline exceeded"))
}

fn mount(event: &Warning) -> Finding {
    let message = event.message.as_str();
    let volumes = message
        .split_once("unmounted volumes=[")
        .and_then(|(_, rest)| rest.split(']').next())
        .or_else(|| message.split_once("volume \"").and_then(|(_, rest)| rest.split('"').next()))
        .unwrap_or("a volume");
    let sentence = if timed_out(event) {
        format!("{volumes} not mounted in time")
    } else {
        format!("{volumes} cannot be mounted: {message}")
    };
    Finding::warning(Code::MountFailed, sentence)
        .about(volumes)
        .advice("the attachment may hang, or the file system needs repair: see the node's kubelet log for this volume")
}

fn sandbox(pod: &Pod, event: &Warning) -> Finding {
    let node = pod.node.as_deref().unwrap_or("its node");
    Finding::warning(Code::SandboxFailed, format!("{node} cannot make the pod's sandbox: {}", event.message))
        .about(node)
        .advice("network plugin or container runtime of that node are at fault: if others there start, compare; else cordon it")
        .proof(Evidence::event(event))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        diagnose::{Facts, fixture::*},
        fleet::{detail::Opened, fixture::*},
    };

    fn with(reason: &str, message: &str) -> Tenant {
        let mut t = tenant("a", Some(pod()));
        t.warnings = Box::new([event("Pod", 10, reason, message, 30)]);
        t
    }

    #[test]
    fn what_the_volumes_wait_for() {
        let multi = "Multi-Attach error for volume \"pvc-7\" Volume is already exclusively attached to one node and can't be attached to another";
        let finding = first(&with("FailedAttachVolume", multi), 60);
        assert_eq!(
            (finding.code, finding.severity, finding.about.as_str()),
            (Code::MultiAttach, Severity::Warning, "pvc-7")
        );
        assert_eq!(first(&with("FailedAttachVolume", multi), 400).severity, Severity::Critical);
        assert_eq!(
            first(
                &with("FailedAttachVolume", "AttachVolume.Attach failed for volume \"pvc-7\" : rpc error: quota"),
                60
            )
            .code,
            Code::AttachFailed
        );
        let timeout = "Unable to attach or mount volumes: unmounted volumes=[app-data config-data], unattached volumes=[], failed to process volumes=[]: timed out waiting for the condition";
        assert_eq!(first(&with("FailedMount", timeout), 60).sentence, "app-data config-data not mounted in time");
        let finding = first(
            &with(
                "FailedMount",
                "MountVolume.SetUp failed for volume \"config\" : configmap \"openclaw-config\" not found",
            ),
            60,
        );
        assert_eq!((finding.code, finding.severity), (Code::ConfigMissing, Severity::Critical));
        assert_eq!(
            first(
                &with("FailedCreatePodSandBox", "Failed to create pod sandbox: rpc error: no IP addresses available"),
                60
            )
            .code,
            Code::SandboxFailed
        );
    }

    #[test]
    fn of_two_events_the_latest_counts_and_what_is_missing_first() {
        let multi = "Multi-Attach error for volume \"pvc-7\" Volume is already exclusively attached to one node and can't be attached to another";
        let missing = "MountVolume.SetUp failed for volume \"config\" : configmap \"openclaw-config\" not found";
        let timeout = "Unable to attach or mount volumes: unmounted volumes=[config], unattached volumes=[], failed to process volumes=[]: timed out waiting for the condition";
        let broken = "MountVolume.MountDevice failed for volume \"pvc-8\" : fsck found errors";
        let check = |events: [(&str, &str, u32); 2], code: Code| {
            let mut t = tenant("a", Some(pod()));
            let one = |(n, (reason, message, last)): (u128, _)| Warning {
                uid: uid(700 + n),
                ..event("Pod", 10, reason, message, last)
            };
            t.warnings = (0..).zip(events).map(one).collect();
            assert_eq!(first(&t, 600).code, code, "{events:?}");
        };
        check([("FailedAttachVolume", multi, 120), ("FailedMount", missing, 590)], Code::ConfigMissing);
        check([("FailedAttachVolume", multi, 590), ("FailedMount", missing, 580)], Code::ConfigMissing);
        check([("FailedAttachVolume", multi, 120), ("FailedMount", broken, 590)], Code::MountFailed);
        check([("FailedAttachVolume", multi, 590), ("FailedMount", broken, 120)], Code::MultiAttach);
        check([("FailedMount", timeout, 595), ("FailedMount", missing, 590)], Code::ConfigMissing);
        check([("FailedAttachVolume", multi, 580), ("FailedMount", timeout, 590)], Code::MultiAttach);
        check([("FailedCreatePodSandBox", "no IP addresses", 590), ("FailedMount", broken, 120)], Code::SandboxFailed);
    }

    #[test]
    fn attachments_prove_an_event_and_speak_where_there_is_none() {
        let on = |node: &str, attached: bool| Attachment {
            name: format!("csi-{node}"),
            volume: "pvc-7".into(),
            node: node.into(),
            attached,
            created: Some(at(20)),
            ..Attachment::default()
        };
        let found = |tenant: &Tenant, attachments: Vec<Attachment>, now: u32| {
            let opened = Opened { attachments: Some(attachments), ..Opened::default() };
            let fleet = fleet_of(tenant, None, at(now));
            let entry = fleet.get(&tenant.namespace_name).unwrap();
            crate::diagnose::tenant(&Facts { opened: Some(&opened), ..Facts::of(entry, &fleet) }, at(now)).findings
        };
        let multi = "Multi-Attach error for volume \"pvc-7\" Volume is already exclusively attached to one node and can't be attached to another";
        let with_event = found(&with("FailedAttachVolume", multi), vec![on("node-9", true)], 60);
        assert_eq!(with_event[0].evidence[1].said, "pvc-7 at node-9: attached");
        let t = tenant("a", Some(pod()));
        assert_eq!(awaited_volumes(&t).len(), 2);
        assert!(awaited_volumes(&tenant("a", Some(booting(1)))).is_empty());
        let held = Attachment { deleting: Some(at(30)), ..on("node-9", true) };
        let held = found(&t, vec![held], 60);
        assert_eq!((held[0].code, held[0].about.as_str()), (Code::MultiAttach, "pvc-7"));
        assert!(held[0].sentence.contains("attached to node-9, to be let go for 30s"), "{}", held[0].sentence);
        let failed = Attachment { error: Some("rpc error: too many disks".into()), ..on("node-1", false) };
        let failed = found(&t, vec![failed], 60);
        assert!(failed[0].code == Code::AttachFailed && failed[0].sentence.ends_with("too many disks"), "{failed:?}");
        let code = |attached, now| found(&t, vec![on("node-1", attached)], now).first().map(|f| f.code);
        assert_eq!((code(false, 60), code(false, 400)), (None, Some(Code::AttachFailed)), "it may still come");
        assert_eq!((code(true, 60), code(true, 400)), (None, Some(Code::StartSlow)), "it is attached: something else");
    }

    #[test]
    fn an_event_of_a_wait_that_is_over_says_nothing() {
        let mut t = with("FailedMount", "timed out waiting for the condition");
        t.pods = Box::new([booting(1)]);
        assert!(codes(&diagnose(&t, 60)).is_empty(), "a stage runs: the volumes are there");
        t.pods = Box::new([pod()]);
        t.warnings[0].object_uid = Some(uid(99));
        assert!(codes(&diagnose(&t, 60)).is_empty(), "an earlier pod's");
        let slow = |now| (first(&t, now).code, first(&t, now).severity, first(&t, now).down);
        assert_eq!(slow(301), (Code::StartSlow, Severity::Warning, true));
        assert_eq!(slow(600), (Code::StartSlow, Severity::Warning, true));
        assert_eq!(slow(601), (Code::StartSlow, Severity::Critical, true), "its user has waited for ten minutes");
        assert_eq!(diagnose(&t, 301).recheck, Some(at(601)));
        t.warnings[0].object_uid = Some(uid(10));
        assert_eq!(diagnose(&t, 400).recheck, Some(at(630)), "the event comes no more");
        assert_eq!(first(&t, 630).code, Code::StartSlow);
    }
}
