//! Images that do not come.

use super::{Case, Code, Evidence, Finding, case};
use crate::fleet::{Container, ImageRef, Pod, State, Warning};

pub(super) const REASONS: [&str; 7] = [
    "ErrImagePull",
    "ImagePullBackOff",
    "InvalidImageName",
    "ErrImageNeverPull",
    "ImageInspectError",
    "RegistryUnavailable",
    "SignatureValidationFailed",
];

pub(super) fn check(case: &mut Case<'_>) {
    let Some(pod) = case.pod() else { return };
    for container in pod.all() {
        let State::Waiting(words) = &container.state else { continue };
        let Some(reason) = words.reason() else { continue };
        if !REASONS.contains(&reason.as_str()) {
            continue;
        }
        let message = words.message().map_or("", |m| m.as_str());
        // The back-off's own message says only that it waits; the pull's says why, in an event.
        let pulls = case.warnings(pod.uid, &["Failed"]);
        let pull = pulls.iter().find(|w| about(w, container)).copied();
        let secret = case.warnings(pod.uid, &["FailedToRetrieveImagePullSecret"]).first().copied();
        let words = format!("{message} {}", pull.map_or("", |w| w.message.as_str()));
        let evidence = Evidence::field(case::state_of(pod, container), format!("{reason}: {message}"), None);
        let finding = judge(reason, &words, container, pod, secret)
            .down(case.holds_up(pod, container))
            .since(container.last.as_ref().and_then(|t| t.finished).or(case.phase_since()))
            .proof(evidence)
            .proofs(pull.map(Evidence::event))
            .proofs(secret.map(Evidence::event));
        case.find_once(finding);
    }
}

/// A failed pull of this container's image.
fn about(event: &Warning, container: &Container) -> bool {
    let same = event.container.as_deref() == Some(container.name.as_str());
    let names = event.message.contains(container.image.as_str());
    // Some kubelets say neither whose image nor which.
    let vague = event.container.is_none() && !event.message.contains("image \"");
    event.message.contains("pull") && (same || names || vague)
}

fn judge(reason: &str, words: &str, container: &Container, pod: &Pod, secret: Option<&Warning>) -> Finding {
    let image = container.image.as_str();
    let node = pod.node.as_deref().unwrap_or("its node");
    let has = |marks: &[&str]| marks.iter().any(|mark| words.contains(mark));
    let denied = has(&[
        "401 Unauthorized",
        "403 Forbidden",
        "authorization failed",
        "pull access denied",
        "denied",
        "insufficient_scope",
        "no basic auth credentials",
        "unauthorized",
    ]);
    if reason == "InvalidImageName" {
        return Finding::critical(Code::ImageInvalid, format!("{image:?} is no image name"))
            .about(image)
            .advice("put the image's name right in the tenant's spec and apply it, then delete the pod");
    }
    if reason == "ErrImageNeverPull" {
        return Finding::critical(
            Code::ImageNeverPull,
            format!("image {image} is not on {node}, and its pull policy is Never"),
        )
        .about(image)
        .advice("load the image on the node, or set the pull policy to IfNotPresent");
    }
    if let Some(secret) = secret.filter(|_| denied || !has(&["not found", "manifest unknown", "dial tcp"])) {
        // `Unable to retrieve some image pull secrets (registry, other); attempting to pull the image may not succeed.`
        let names = secret.message.split_once('(').and_then(|(_, rest)| rest.split(')').next()).unwrap_or("unknown");
        return Finding::critical(Code::PullSecretMissing, format!("image pull secret {names} does not exist in its namespace: {image} cannot be pulled"))
            .about(names)
            .advice("make the Secret in the tenant's namespace (kubernetes.io/dockerconfigjson), or take it out of the tenant's spec");
    }
    if has(&["no space left on device"]) {
        return Finding::critical(Code::ImageDiskFull, format!("{node} has no room for image {image}"))
            .about(node)
            .advice("the node's image disk is full: prune images, or cordon the node and let the pod go elsewhere");
    }
    if has(&["no match for platform", "does not match the specified platform"]) {
        return Finding::critical(Code::ImagePlatform, format!("image {image} is not made for the machine of {node}"))
            .about(image)
            .advice("take the tag of the right architecture, or a multi-platform one");
    }
    if has(&["toomanyrequests", "429 Too Many Requests", "rate limit"]) {
        return Finding::critical(
            Code::RegistryLimit,
            format!("the registry of {image} limits pulls: it must be waited for"),
        )
        .about(registry(image))
        .advice("pull with an account, or from a mirror of the registry; waiting helps too");
    }
    if denied {
        return Finding::critical(
            Code::ImageDenied,
            format!("the registry denies image {image}: a pull secret is missing or wrong, or the image is not there"),
        )
        .about(image)
        .advice("try to pull it with the tenant's pull secret; some registries say `denied` of what does not exist");
    }
    if has(&["not found", "manifest unknown", "NotFound", "does not exist"]) {
        let tag = ImageRef::parse(image).short();
        return Finding::critical(Code::ImageMissing, format!("image {image} does not exist: {tag} is not to be had"))
            .about(image)
            .advice("put back an image that exists (apply the spec with it), then delete the pod");
    }
    if reason == "RegistryUnavailable"
        || has(&[
            "dial tcp",
            "i/o timeout",
            "no such host",
            "connection refused",
            "TLS handshake",
            "x509",
            "deadline exceeded",
            "connection reset",
            "EOF",
        ])
    {
        return Finding::critical(
            Code::RegistryUnreachable,
            format!("the registry of {image} cannot be reached from {node}"),
        )
        .about(registry(image))
        .advice("see whether other nodes reach it: DNS, a firewall, a certificate, or the registry itself");
    }
    if reason == "SignatureValidationFailed" {
        return Finding::critical(
            Code::ImageDenied,
            format!("the signature of image {image} is not accepted on {node}"),
        )
        .about(image)
        .advice("see the node's policy of signatures, and who signed this image");
    }
    Finding::critical(Code::ImagePull, format!("image {image} cannot be pulled on {node}"))
        .about(image)
        .advice("the evidence has the runtime's words; where it has none, the node's kubelet log does")
}

/// The host that an image is pulled from.
fn registry(image: &str) -> &str {
    match image.split_once('/') {
        Some((host, _)) if host.contains(['.', ':']) || host == "localhost" => host,
        _ => "docker.io",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        diagnose::fixture::*,
        fleet::{Tenant, fixture::*},
    };

    fn pull(reason: &str, message: &str) -> Tenant {
        let mut pod = booting(0);
        pod.stages[0].state = waits(reason, message);
        tenant("a", Some(pod))
    }

    const IMAGE: &str = "ghcr.io/openclaw/openclaw:2026.8.2";
    const BACK_OFF: &str = "Back-off pulling image \"ghcr.io/openclaw/openclaw:2026.8.2\"";

    #[test]
    fn why_a_pull_fails() {
        let check = |reason: &str, message: &str, code: Code, about: &str| {
            let finding = first(&pull(reason, message), 100);
            assert_eq!((finding.code, finding.about.as_str()), (code, about), "{message}");
            assert!(finding.down);
        };
        check("ImagePullBackOff", BACK_OFF, Code::ImagePull, IMAGE);
        check(
            "ErrImagePull",
            "rpc error: code = NotFound desc = failed to pull and unpack image \"x\": failed to resolve reference \"x\": x: not found",
            Code::ImageMissing,
            IMAGE,
        );
        check(
            "ErrImagePull",
            "failed to authorize: failed to fetch anonymous token: 401 Unauthorized",
            Code::ImageDenied,
            IMAGE,
        );
        check("ErrImagePull", "dial tcp: lookup ghcr.io: no such host", Code::RegistryUnreachable, "ghcr.io");
        check("ErrImagePull", "toomanyrequests: You have reached your pull rate limit", Code::RegistryLimit, "ghcr.io");
        check("ErrImagePull", "write /var/lib/x: no space left on device", Code::ImageDiskFull, "node-1");
        check("ErrImagePull", "no match for platform in manifest: not found", Code::ImagePlatform, IMAGE);
        check("InvalidImageName", "couldn't parse image name", Code::ImageInvalid, IMAGE);
        check(
            "ErrImageNeverPull",
            "Container image is not present with pull policy of Never",
            Code::ImageNeverPull,
            IMAGE,
        );
        assert!(codes(&diagnose(&pull("PodInitializing", ""), 100)).is_empty());
    }

    #[test]
    fn the_events_say_what_the_back_off_does_not() {
        let mut t = pull("ImagePullBackOff", BACK_OFF);
        t.warnings = Box::new([event(
            "Pod",
            10,
            "Failed",
            &format!("Failed to pull image \"{IMAGE}\": rpc error: code = NotFound: not found"),
            60,
        )]);
        let finding = first(&t, 100);
        assert_eq!((finding.code, finding.evidence.len()), (Code::ImageMissing, 2));
        t.warnings = Box::new([
            event("Pod", 10, "Failed", &format!("Failed to pull image \"{IMAGE}\": 401 Unauthorized"), 60),
            event(
                "Pod",
                10,
                "FailedToRetrieveImagePullSecret",
                "Unable to retrieve some image pull secrets (registry); attempting to pull the image may not succeed.",
                60,
            ),
        ]);
        t.warnings[1].uid = uid(701);
        assert_eq!((first(&t, 100).code, first(&t, 100).about), (Code::PullSecretMissing, "registry".to_owned()));
        t.warnings[0].message = text(&format!("Failed to pull image \"{IMAGE}\": {IMAGE}: not found"));
        assert_eq!(first(&t, 100).code, Code::ImageMissing, "with the secret it would not exist either");
    }

    #[test]
    fn one_image_of_many_containers_is_one_finding() {
        let mut pod = starting();
        for c in &mut pod.containers {
            c.state = waiting("ErrImagePull");
        }
        let all = diagnose(&tenant("a", Some(pod)), 100).findings;
        assert_eq!((all.len(), all[0].evidence.len()), (1, 3));
    }
}
