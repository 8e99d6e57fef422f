//! What the pod refers to and is not there: Secrets, ConfigMaps, keys of them. Secrets are never read: the kubelet's words
//! are the evidence.

use super::{Case, Code, Evidence, Finding, case, image};
use crate::fleet::State;

/// A Secret or ConfigMap, or a key of one, that does not exist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Missing {
    /// `Secret` or `ConfigMap`.
    kind: &'static str,
    name: String,
    key: Option<String>,
}

pub(super) fn check(case: &mut Case<'_>) {
    let Some(pod) = case.pod() else { return };
    for container in pod.all() {
        let State::Waiting(words) = &container.state else { continue };
        let Some(reason) = words.reason() else { continue };
        let message = words.message().map_or("", |m| m.as_str());
        let finding = match reason.as_str() {
            "CreateContainerConfigError" => match missing(message) {
                Some(missing) => finding(&missing),
                None if message.contains("run as root") || message.contains("non-numeric user") => Finding::critical(
                    Code::RunAsRoot,
                    format!("{} may not run as root, and its image would: {message}", container.name),
                )
                .about(container.image.as_str())
                .advice("take an image that names a numeric user, or set runAsUser for this container"),
                None => {
                    Finding::critical(Code::CannotStart, format!("{} cannot be configured: {message}", container.name))
                        .about(container.name.as_str())
                        .advice("the kubelet's words say what is wrong with the container's spec")
                }
            },
            "PodInitializing" | "ContainerCreating" => continue,
            // How it ended says more than that it is tried again.
            "CrashLoopBackOff" if container.last.is_some() => continue,
            reason if image::REASONS.contains(&reason) => continue,
            reason => {
                let words = if message.is_empty() { reason } else { message };
                Finding::critical(Code::CannotStart, format!("{} cannot start: {words}", container.name))
                    .about(format!("{} {reason}", container.name))
                    .advice("the runtime's words say why: often a command or a mount path that the image does not have")
            }
        };
        let since = container.last.as_ref().and_then(|t| t.finished).or(case.phase_since());
        let evidence = Evidence::field(case::state_of(pod, container), format!("{reason}: {message}"), None);
        let finding = finding.down(case.holds_up(pod, container)).since(since).proof(evidence);
        case.find_once(finding);
    }
}

pub(super) fn finding(missing: &Missing) -> Finding {
    let Missing { kind, name, key } = missing;
    let what = match key {
        Some(key) => format!("{kind} {name} has no key {key}"),
        None => format!("there is no {kind} {name}"),
    };
    if *kind == "Secret" && name == "gateway-token" {
        return Finding::critical(Code::TokenMissing, format!("{what}: the gateway has no token to be reached with"))
            .about(name.as_str())
            .advice("restore the Secret from where it is kept, or let `rotate-token` bring a new one: whoever uses the old one must then be given it");
    }
    let advice = match *kind {
        "Secret" => "make the Secret again from where its content is kept; it is never read or guessed from here",
        _ => "apply the tenant's render again: it brings its ConfigMaps",
    };
    let about = key.as_ref().map_or_else(|| format!("{kind} {name}"), |key| format!("{kind} {name} key {key}"));
    Finding::critical(Code::ConfigMissing, what).about(about).advice(advice)
}

/// Reads the kubelet's words.
pub(super) fn missing(message: &str) -> Option<Missing> {
    // `couldn't find key api-key in Secret tenant-a/litellm`
    if let Some((_, rest)) = message.split_once("couldn't find key ") {
        let (key, rest) = rest.split_once(" in ")?;
        let (kind, path) = rest.split_once(' ')?;
        let name = path.split([' ', ',']).next()?.rsplit('/').next()?;
        return Some(Missing { kind: kind_of(kind)?, name: name.to_owned(), key: Some(key.to_owned()) });
    }
    // `references non-existent config key: openclaw.json`, of a volume: its name is the volume's.
    for (mark, kind) in
        [("references non-existent config key: ", "ConfigMap"), ("references non-existent secret key: ", "Secret")]
    {
        if let Some((before, key)) = message.split_once(mark) {
            let name =
                before.split_once("volume \"").and_then(|(_, rest)| rest.split('"').next()).unwrap_or("of a volume");
            return Some(Missing { kind, name: name.to_owned(), key: Some(key.trim().to_owned()) });
        }
    }
    // `secret "x" not found`, `configmap "x" not found`
    for (mark, kind) in [("secret \"", "Secret"), ("configmap \"", "ConfigMap")] {
        if let Some((_, rest)) = message.split_once(mark)
            && message.contains("not found")
        {
            return Some(Missing { kind, name: rest.split('"').next()?.to_owned(), key: None });
        }
    }
    None
}

fn kind_of(word: &str) -> Option<&'static str> {
    match word {
        "Secret" => Some("Secret"),
        "ConfigMap" => Some("ConfigMap"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        diagnose::fixture::*,
        fleet::{Tenant, fixture::*},
    };

    fn gateway_waits(reason: &str, message: &str) -> Tenant {
        let mut pod = starting();
        pod.containers[0].state = waits(reason, message);
        tenant("a", Some(pod))
    }

    #[test]
    fn what_is_missing_is_named() {
        let check = |message: &str, code: Code, about: &str| {
            let finding = first(&gateway_waits("CreateContainerConfigError", message), 100);
            assert_eq!((finding.code, finding.about.as_str()), (code, about), "{message}");
            assert!(finding.down && !finding.advice.contains("create the tenant"), "{}", finding.advice);
        };
        check("secret \"gateway-token\" not found", Code::TokenMissing, "gateway-token");
        check("couldn't find key token in Secret tenant-a/gateway-token", Code::TokenMissing, "gateway-token");
        check(
            "couldn't find key api-key in Secret tenant-a/litellm",
            Code::ConfigMissing,
            "Secret litellm key api-key",
        );
        check("configmap \"openclaw-config\" not found", Code::ConfigMissing, "ConfigMap openclaw-config");
        check(
            "container has runAsNonRoot and image will run as root (pod: \"x\", container: gateway)",
            Code::RunAsRoot,
            "ghcr.io/openclaw/openclaw:2026.8.2",
        );
        check("something new", Code::CannotStart, "gateway");
        assert_eq!(
            first(&gateway_waits("RunContainerError", "exec: \"/bin/sh\": no such file"), 100).code,
            Code::CannotStart
        );
        assert!(codes(&diagnose(&gateway_waits("ContainerCreating", ""), 100)).is_empty());
    }

    #[test]
    fn volumes_name_their_keys_too() {
        let message =
            "MountVolume.SetUp failed for volume \"config\" : references non-existent config key: openclaw.json";
        assert_eq!(
            missing(message),
            Some(Missing { kind: "ConfigMap", name: "config".into(), key: Some("openclaw.json".into()) })
        );
        assert_eq!(missing("timed out waiting for the condition"), None);
    }
}
