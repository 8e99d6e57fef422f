//! What runs is not what is wanted: an old revision, an old image, a version of its own, a tag that moves.

use super::{Case, Code, Evidence, Finding};
use crate::fleet::{ImageRef, Pod, State, StatefulSet, image::Version};

pub(super) fn check(case: &mut Case<'_>) {
    let (Some(pod), Some(set)) = (case.pod(), case.set()) else { return };
    revision(case, pod, set);
    version(case, pod, set);
    digest(case, pod);
    tag(case, pod, set);
}

fn revision(case: &mut Case<'_>, pod: &Pod, set: &StatefulSet) {
    let (Some(update), Some(runs)) = (&set.update_revision, &pod.revision) else { return };
    if update == runs || set.observed_generation < set.generation {
        return;
    }
    let evidence = Evidence::field(
        format!(
            "StatefulSet {} status.updateRevision, and label controller-revision-hash of Pod {}",
            set.name, pod.name
        ),
        format!("{update}, {runs}"),
        None,
    );
    let images = match (&set.image, pod.gateway()) {
        (Some(wanted), Some(gateway)) if *wanted != gateway.image => {
            format!(" ({} instead of {})", ImageRef::parse(wanted).short(), ImageRef::parse(&gateway.image).short())
        }
        _ => String::new(),
    };
    let broken = case.is_failing() && !pod.is_ready();
    let finding = if broken {
        // Kubernetes does not replace a broken pod of an old revision by itself (kubernetes#67250), and OnDelete never does.
        Finding::critical(
            Code::RevisionStuck,
            format!("its broken pod is of an old revision: the template has changed since{images}"),
        )
        .down(true)
        .about("old revision")
        .since(case.phase_since())
        .advice("if the change mends the fault below, delete the pod: nothing else brings the new template")
    } else if !set.on_delete && set.partition > 0 {
        Finding::note(Code::PartitionHeld, format!("an update is held by partition {}{images}", set.partition))
            .about("partition")
            .advice("whoever set rollingUpdate.partition holds the update on purpose; set it to 0 to let it come")
    } else {
        Finding::note(
            Code::RevisionPending,
            format!("its template has changed: the next pod is made from the new one{images}"),
        )
        .about("revision")
        .advice("restart the tenant when it suits its user; any restart or eviction brings it too")
    };
    case.find(finding.proof(evidence));
}

/// The app lies on a volume: what the image says need not be what runs.
fn version(case: &mut Case<'_>, pod: &Pod, set: &StatefulSet) {
    let Some(probe) = case.facts.gateway() else { return };
    let (Some(reported), at) = (probe.version.as_deref(), probe.at) else { return };
    let image = set.image.as_deref().or(pod.gateway().map(|g| g.image.as_str())).unwrap_or_default();
    // Between a change of the template and the restart that brings it, the difference is the revision's.
    let runs = pod.gateway().map_or("", |g| g.image.as_str());
    let tag = ImageRef::parse(runs).tag.unwrap_or_default();
    let (Some(said), Some(wanted)) = (Version::parse(reported.trim_start_matches('v')), Version::parse(tag)) else {
        return;
    };
    if said == wanted {
        return;
    }
    let finding = Finding::warning(Code::VersionDrift, format!("the gateway says it is {said}, its image says {wanted}"))
        .about(format!("{said} instead of {wanted}"))
        .since(Some(at))
        .advice("the app on its volume was not brought up to the image: see stage seed-app's log; a full app-data keeps the old one")
        .proof(Evidence::probe("gateway /startupz version", reported, Some(at)))
        .proof(Evidence::field(format!("StatefulSet {} image", set.name), image, None));
    case.find(finding);
}

/// An image that is pinned runs by its digest, or something has put another one in its place. A note: a runtime that knows
/// one image by two digests may name the other.
fn digest(case: &mut Case<'_>, pod: &Pod) {
    let Some(gateway) = pod.gateway().filter(|g| matches!(g.state, State::Running { .. })) else { return };
    let (wanted, runs) =
        (ImageRef::parse(&gateway.image), ImageRef::parse(gateway.image_id.as_deref().unwrap_or_default()));
    // Without a repository it is the digest of something else: the image's own configuration.
    let (Some(pinned), Some(running)) = (wanted.digest, runs.digest) else { return };
    if pinned == running {
        return;
    }
    let head = |digest: &str| digest.chars().take("sha256:".len() + 12).collect::<String>();
    let sentence = format!("its image is pinned to {}, and {} runs", head(pinned), head(running));
    let finding = Finding::note(Code::VersionDrift, sentence)
        .about(format!("{} instead of {}", head(running), head(pinned)))
        .since(gateway.running_since())
        .advice("see on its node which images the runtime has: it may know one by two digests; else delete the pod, so that the pinned one is pulled")
        .proof(Evidence::field(format!("Pod {} image of {}", pod.name, gateway.name), gateway.image.as_str(), None))
        .proof(Evidence::field(
            format!("Pod {} imageID of {}", pod.name, gateway.name),
            gateway.image_id.as_deref().unwrap_or_default(),
            None,
        ));
    case.find(finding);
}

const MOVING: [&str; 6] = ["latest", "main", "slim", "edge", "stable", "nightly"];

/// `main`, and `main-slim` or `latest-arm64`; not `main-3f2a91c` or `nightly-2026-11-27`, which stand for one build.
fn moves(tag: &str) -> bool {
    let mut parts = tag.split('-');
    let is_variant = |part: &str| matches!(part, "amd64" | "arm64") || part.bytes().all(|b| b.is_ascii_alphabetic());
    parts.next().is_some_and(|first| MOVING.contains(&first)) && parts.all(is_variant)
}

fn tag(case: &mut Case<'_>, pod: &Pod, set: &StatefulSet) {
    let Some(gateway) = pod.gateway() else { return };
    let image = set.image.as_deref().unwrap_or(&gateway.image);
    let reference = ImageRef::parse(image);
    if reference.digest.is_some() || !reference.tag.is_none_or(moves) {
        return;
    }
    // Kubernetes takes Always for `latest` and for no tag where nothing is said; every other tag stays as first pulled.
    let policy = case.facts.opened.and_then(|o| o.set.as_ref()).and_then(|s| s.pull_policy.as_deref());
    let tag = reference.short();
    let (sentence, advice) = match policy {
        Some("IfNotPresent" | "Never") => (
            format!("image tag {tag} moves, and its pull policy is IfNotPresent: each node runs what it pulled first"),
            "pin the version or the digest: otherwise two restarts may run two versions",
        ),
        _ => (
            format!("image tag {tag} moves: a restart may bring another version"),
            "pin the version or the digest in the tenant's spec",
        ),
    };
    let digest = gateway.image_id.as_deref().filter(|_| matches!(gateway.state, State::Running { .. }));
    let finding = Finding::note(Code::MovingTag, sentence)
        .about(image)
        .advice(advice)
        .proof(Evidence::field(format!("StatefulSet {} image", set.name), image, None))
        .proofs(digest.map(|id| Evidence::field(format!("Pod {} imageID of {}", pod.name, gateway.name), id, None)));
    case.find(finding);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        diagnose::{Answer, Extra, GatewayProbe, Severity, fixture::*},
        fleet::{Tenant, fixture::*},
    };

    fn changed(pod: Pod) -> Tenant {
        let mut t = tenant("a", Some(pod));
        t.sets[0].update_revision = Some(text("openclaw-2"));
        t.sets[0].image = Some(text("ghcr.io/openclaw/openclaw:2026.8.3"));
        t
    }

    #[test]
    fn a_new_template_waits_is_held_or_is_what_would_help() {
        let found = diagnose(&changed(ready()), 200).findings;
        assert_eq!((found[0].code, found[0].severity), (Code::RevisionPending, Severity::Note));
        assert!(found[0].sentence.ends_with("(2026.8.3 instead of 2026.8.2)"), "{}", found[0].sentence);

        let mut held = changed(ready());
        (held.sets[0].on_delete, held.sets[0].partition) = (false, 1);
        assert_eq!(codes(&diagnose(&held, 200)), [Code::PartitionHeld]);

        let mut stuck = booting(0);
        stuck.stages[0].state = waiting("ErrImagePull");
        let found = diagnose(&changed(stuck), 200).findings;
        assert_eq!(
            found.iter().map(|f| (f.code, f.down)).collect::<Vec<_>>(),
            [(Code::RevisionStuck, true), (Code::ImagePull, true)]
        );

        let mut unseen = changed(ready());
        unseen.sets[0].generation = 2;
        assert!(codes(&diagnose(&unseen, 200)).is_empty(), "the controller has not looked yet");
        let mut same = changed(ready());
        same.sets[0].update_revision = Some(text("openclaw-1"));
        assert!(codes(&diagnose(&same, 200)).is_empty());
    }

    #[test]
    fn the_gateways_own_version_counts() {
        let t = tenant("a", Some(ready()));
        let says = |version: &str| {
            let probe = GatewayProbe {
                at: at(150),
                live: Answer::Yes,
                ready: Answer::Yes,
                failing: vec![],
                conditions: vec![],
                version: Some(version.into()),
            };
            diagnose_with(&t, &Extra { gateway: Some(probe), ..Extra::default() }, 200).findings
        };
        assert_eq!(says("2026.7.1")[0].code, Code::VersionDrift);
        assert!(says("2026.8.2").is_empty() && says("v2026.8.2").is_empty() && says("dev").is_empty());
    }

    #[test]
    fn a_pinned_image_runs_by_its_digest() {
        let with = |image: &str, id: Option<&str>| {
            let mut pod = ready();
            let spec = std::sync::Arc::make_mut(&mut pod.containers[0].spec);
            (spec.image, spec.image_id) = (text(image), id.map(text));
            let mut t = tenant("a", Some(pod));
            t.sets[0].image = Some(text(image));
            diagnose(&t, 200).findings
        };
        let (one, other) = ("r/openclaw@sha256:0123456789abcdef", "r/openclaw@sha256:fedcba9876543210");
        let found = with(one, Some(other));
        assert_eq!((found[0].code, found[0].severity), (Code::VersionDrift, Severity::Note));
        assert_eq!(found[0].sentence, "its image is pinned to sha256:0123456789ab, and sha256:fedcba987654 runs");
        assert_eq!(found[0].evidence.len(), 2);
        for same in [with(one, Some(one)), with(one, None), with(one, Some("sha256:fedcba9876543210"))] {
            assert!(same.is_empty(), "{same:?}");
        }
        assert!(with("r/openclaw:2026.8.2", Some(other)).is_empty(), "it names no digest");
    }

    #[test]
    fn tags_that_move() {
        let with = |image: &str| {
            let mut t = tenant("a", Some(ready()));
            t.sets[0].image = Some(text(image));
            codes(&diagnose(&t, 200))
        };
        for image in [
            "openclaw:latest",
            "openclaw",
            "localhost:5000/openclaw:slim",
            "openclaw:latest-browser",
            "a:main-slim-arm64",
        ] {
            assert_eq!(with(image), [Code::MovingTag], "{image}");
        }
        for image in [
            "openclaw:2026.8.2",
            "openclaw:2026.8.2-slim",
            "openclaw:latest@sha256:0123",
            "openclaw:1.4",
            "openclaw:main-3f2a91c",
            "openclaw:nightly-2026-11-27",
        ] {
            assert!(with(image).is_empty(), "{image}");
        }
    }
}
