//! A pod that has its node, and not its volumes or its sandbox.

use super::{Case, Code, Evidence, Finding, Severity, config};
use crate::fleet::{Pod, State, StepKind, Warning};

/// A detachment takes minutes; what goes on for longer is no passing matter.
const PATIENCE: u32 = 300;
const ATTACH: [&str; 1] = ["FailedAttachVolume"];
const MOUNT: [&str; 2] = ["FailedMount", "FailedMapVolume"];
const SANDBOX: [&str; 2] = ["FailedCreatePodSandBox", "FailedPodSandBoxStatus"];

pub(super) fn check(case: &mut Case<'_>) {
    let Some(pod) = case.pod().filter(|p| waits(p)) else { return };
    let since = pod.scheduled.as_ref().and_then(|c| c.since).or(pod.created);
    let events = case.warnings(pod.uid, &[ATTACH[0], MOUNT[0], MOUNT[1], SANDBOX[0], SANDBOX[1]]);
    // An event that has stopped coming tells of what is mended: a kubelet tries every two minutes at the least.
    let live: Vec<&Warning> = events.into_iter().filter(|w| case.recent(w.last, 2 * PATIENCE)).collect();
    let of = |reasons: &[&str]| live.iter().find(|w| reasons.contains(&w.reason.as_str())).copied();
    let finding = if let Some(event) = of(&ATTACH) {
        attach(pod, event)
    } else if let Some(event) = of(&MOUNT) {
        match config::missing(&event.message) {
            Some(missing) => config::finding(&missing),
            None => mount(event),
        }
        .proof(Evidence::event(event))
    } else if let Some(event) = of(&SANDBOX) {
        sandbox(pod, event)
    } else {
        if case.lasted(since, PATIENCE) {
            let age = case.age(since);
            let finding = Finding::warning(Code::StartSlow, format!("its pod has had a node for {age}, and nothing has started in it"))
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

/// It is at the step of volumes and sandbox: nothing has begun, no container says what it waits for.
fn waits(pod: &Pod) -> bool {
    let boot = crate::fleet::Boot::of(pod);
    let at_volumes = boot.current().is_some_and(|step| step.kind == StepKind::Volumes);
    let begun = pod.all().any(|c| !matches!(c.state, State::Waiting(_)));
    let silent = pod.all().all(|c| c.trouble().is_none());
    pod.node.is_some() && !begun && silent && (at_volumes || pod.sandbox.is_none() || boot.stages().0 == 0)
}

fn attach(pod: &Pod, event: &Warning) -> Finding {
    let message = event.message.as_str();
    let node = pod.node.as_deref().unwrap_or("its node");
    let volume = message.split_once("volume \"").and_then(|(_, rest)| rest.split('"').next()).unwrap_or("a volume");
    if message.contains("Multi-Attach error") {
        // `Volume is already used by pod(s) x` or `... exclusively attached to one node and can't be attached to another`.
        let holder =
            message.split_once("used by pod(s) ").map_or(String::new(), |(_, pods)| format!(" (by pod {pods})"));
        return Finding::warning(Code::MultiAttach, format!("{volume} is still attached to another node{holder}, so {node} cannot have it"))
            .about(volume)
            .advice("it is let go minutes after its old pod is gone; if the old node is dead, taint it node.kubernetes.io/out-of-service so that it is detached at once")
            .proof(Evidence::event(event));
    }
    Finding::warning(Code::AttachFailed, format!("{volume} cannot be attached to {node}: {message}"))
        .about(node)
        .advice(
            "the cloud's words say why; see the VolumeAttachment objects of this volume and the driver's controller",
        )
        .proof(Evidence::event(event))
}

fn mount(event: &Warning) -> Finding {
    let message = event.message.as_str();
    let volumes = message
        .split_once("unmounted volumes=[")
        .and_then(|(_, rest)| rest.split(']').next())
        .or_else(|| message.split_once("volume \"").and_then(|(_, rest)| rest.split('"').next()))
        .unwrap_or("a volume");
    let sentence = if message.contains("timed out") || message.contains("deadline exceeded") {
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
        diagnose::fixture::*,
        fleet::{Tenant, fixture::*},
    };

    fn with(reason: &str, message: &str) -> Tenant {
        let mut t = tenant("a", Some(pod()));
        t.warnings = vec![event("Pod", 10, reason, message, 30)];
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
    fn an_event_of_a_wait_that_is_over_says_nothing() {
        let mut t = with("FailedMount", "timed out waiting for the condition");
        t.pods = vec![booting(1)];
        assert!(codes(&diagnose(&t, 60)).is_empty(), "a stage runs: the volumes are there");
        t.pods = vec![pod()];
        t.warnings[0].object_uid = Some(uid(99));
        assert!(codes(&diagnose(&t, 60)).is_empty(), "an earlier pod's");
        assert_eq!(first(&t, 301).code, Code::StartSlow);
        t.warnings[0].object_uid = Some(uid(10));
        assert_eq!(diagnose(&t, 400).recheck, Some(at(630)), "the event comes no more");
        assert_eq!(first(&t, 630).code, Code::StartSlow);
    }
}
