//! Images: which references exist, and which of them a node has.

use std::collections::HashMap;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::json;

use crate::sim::controllers::Ctx;
use crate::sim::controllers::objects::{Dice, items};
use crate::sim::controllers::queue::after;
use crate::sim::kinds::NODE;
use crate::sim::scenario::{Behaviour, Fault, Image, Scenario};

/// How long a registry takes to say no.
const REFUSAL: Duration = Duration::from_millis(900);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Policy {
    Always,
    IfNotPresent,
    Never,
}

/// What comes of asking for an image.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fetch {
    Present,
    /// Being pulled, until then.
    Until(Timestamp),
    /// Refused at that time, with that error.
    Refused(Timestamp, String),
    /// Not present, and not to be pulled.
    Never,
    Malformed,
}

/// Per node: since when (or until when) an image is there.
#[derive(Default)]
pub(super) struct Images(HashMap<Box<str>, HashMap<Box<str>, Timestamp>>);

pub(super) struct Ask<'a> {
    pub node: &'a str,
    pub image: &'a str,
    pub policy: Policy,
    pub restarts: u64,
    pub at: Timestamp,
}

impl Images {
    pub(super) fn fetch(&mut self, ask: &Ask<'_>, scenario: &Scenario, behaviour: &Behaviour, dice: Dice) -> Fetch {
        let Ask { node, image, policy, at, .. } = *ask;
        if image.is_empty() || repository(image).bytes().any(|b| b.is_ascii_uppercase() || b.is_ascii_whitespace()) {
            return Fetch::Malformed;
        }
        let there = self.0.get(node).and_then(|n| n.get(image)).copied();
        match (there, policy) {
            (Some(since), Policy::IfNotPresent | Policy::Never) if since <= at => return Fetch::Present,
            (Some(until), _) if until > at => return Fetch::Until(until),
            (None, Policy::Never) => return Fetch::Never,
            _ => {}
        }
        let known = scenario.image.iter().find(|i| i.reference.matches(image));
        if behaviour.strikes(Fault::PullError, ask.restarts) {
            let why = behaviour.message.clone().unwrap_or_else(|| not_found(image));
            return Fetch::Refused(after(at, REFUSAL), why);
        }
        let Some(known) = known.filter(|i| i.known) else {
            return Fetch::Refused(after(at, REFUSAL), not_found(image));
        };
        if scenario.instant {
            return Fetch::Present;
        }
        // A node that has the layers only asks the registry for the manifest.
        let takes = if there.is_some() { Duration::from_millis(400) } else { pull_time(known, node, image, dice) };
        let until = after(at, takes);
        self.0.entry(node.into()).or_default().insert(image.into(), until);
        Fetch::Until(until)
    }
}

/// What a kubelet tells of its images: the 50 largest, each by digest and by tag.
const TOLD: usize = 50;

/// The node's status names the image from now on.
pub(super) fn post(ctx: &Ctx, node: &str, image: &str, size: i128) {
    let names = [id(image), normal(image)];
    // A node that was deleted tells nothing more.
    let Some(live) = ctx.store.get(NODE, "", node) else { return };
    if items(&live, &["status", "images"]).iter().any(|told| told["names"][0] == *names[0]) {
        return;
    }
    let _ = ctx.store.modify(NODE, "", node, |live| {
        let mut told = items(live, &["status", "images"]).to_vec();
        told.push(json!({"names": names, "sizeBytes": u64::try_from(size).unwrap_or_default()}));
        told.sort_by_key(|image| std::cmp::Reverse(image["sizeBytes"].as_u64()));
        told.truncate(TOLD);
        live["status"]["images"] = told.into();
    });
}

fn pull_time(image: &Image, node: &str, reference: &str, dice: Dice) -> Duration {
    image.pull_seconds.at(dice.unit(&["pull", node, reference]))
}

/// The reference as containerd writes it.
pub(super) fn normal(image: &str) -> String {
    let first = image.split('/').next().unwrap_or_default();
    let has_host = image.contains('/') && (first.contains(['.', ':']) || first == "localhost");
    let full = match (has_host, image.contains('/')) {
        (true, _) => image.to_owned(),
        (false, true) => format!("docker.io/{image}"),
        (false, false) => format!("docker.io/library/{image}"),
    };
    if tag(image).is_empty() && !image.contains('@') { format!("{full}:latest") } else { full }
}

/// The reference without tag and digest.
pub(super) fn repository(image: &str) -> &str {
    let name = image.split('@').next().unwrap_or_default();
    match name.rsplit_once(':') {
        Some((repository, tag)) if !tag.contains('/') => repository,
        _ => name,
    }
}

/// The tag; empty if there is none.
pub(crate) fn tag(image: &str) -> &str {
    let name = image.split('@').next().unwrap_or_default();
    match name.rsplit_once(':') {
        Some((_, tag)) if !tag.contains('/') => tag,
        _ => "",
    }
}

/// `repository@sha256:...`, the same on every node and in every run.
pub(super) fn id(image: &str) -> String {
    let full = normal(image);
    match image.split_once('@') {
        Some((_, digest)) => format!("{}@{digest}", repository(&full)),
        None => format!("{}@sha256:{}", repository(&full), Dice(0).hex(&["image", &full], 64)),
    }
}

fn not_found(image: &str) -> String {
    let name = normal(image);
    format!(
        "rpc error: code = NotFound desc = failed to pull and unpack image \"{name}\": failed to resolve reference \"{name}\": {name}: not found"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references() {
        let check = |image: &str, full: &str, repo: &str, t: &str| {
            assert_eq!((normal(image).as_str(), repository(image), tag(image)), (full, repo, t));
        };
        check("busybox", "docker.io/library/busybox:latest", "busybox", "");
        check("busybox:1.36", "docker.io/library/busybox:1.36", "busybox", "1.36");
        check("a/b:1", "docker.io/a/b:1", "a/b", "1");
        check("ghcr.io/o/o:2026.8.2", "ghcr.io/o/o:2026.8.2", "ghcr.io/o/o", "2026.8.2");
        check("host:5000/x", "host:5000/x:latest", "host:5000/x", "");
        check("ghcr.io/o/o@sha256:ab", "ghcr.io/o/o@sha256:ab", "ghcr.io/o/o", "");
        assert_eq!(id("ghcr.io/o/o:1@sha256:ab"), "ghcr.io/o/o@sha256:ab");
        assert_eq!(id("x:1").len(), "docker.io/library/x@sha256:".len() + 64);
    }

    #[test]
    fn a_second_pod_waits_for_the_first_pull_and_a_third_finds_it() {
        let s = Scenario::builtin();
        let at = |secs| Timestamp::from_second(secs).expect("in range");
        let ask = |policy, t| Ask { node: "n", image: "x:1", policy, restarts: 0, at: at(t) };
        let b = Behaviour::default();
        let mut images = Images::default();
        let Fetch::Until(first) = images.fetch(&ask(Policy::IfNotPresent, 0), &s, &b, Dice(1)) else { panic!("pulls") };
        assert_eq!(images.fetch(&ask(Policy::IfNotPresent, 0), &s, &b, Dice(1)), Fetch::Until(first));
        assert_eq!(images.fetch(&ask(Policy::IfNotPresent, 100), &s, &b, Dice(1)), Fetch::Present);
        assert!(matches!(images.fetch(&ask(Policy::Always, 100), &s, &b, Dice(1)), Fetch::Until(_)));
        let other = Ask { image: "y", ..ask(Policy::Never, 100) };
        assert_eq!(images.fetch(&other, &s, &b, Dice(1)), Fetch::Never);
    }
}
