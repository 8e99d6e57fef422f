//! Pre-pull: the first gate of a rollout. An image that a node has to fetch first is downtime, and one that cannot be had at
//! all is an outage; both are found out before anybody is acted on.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{Intent, Plan, Step};

/// Seconds that all pulls together may take; whatever is not there by then is pulled by the tenants' own pods.
pub const PULLS: u32 = 600;

/// Images that one node is to have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Pull {
    pub node: String,
    pub images: Vec<String>,
    /// Secrets that the tenants there pull with; the pods name them, and use those that the control namespace has.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub secrets: BTreeSet<String>,
}

/// What a tenant is made of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Made {
    pub images: BTreeSet<String>,
    /// Names of the Secrets that its pod pulls with.
    pub secrets: BTreeSet<String>,
}

/// What is known of images and nodes.
#[derive(Clone, Debug, Default)]
pub struct Stock {
    /// By namespace: the node that hosts the tenant now, and what its pod is made of afterwards.
    pub wanted: BTreeMap<String, (String, Made)>,
    /// By node: the images that it says it has. Absent where nodes may not be read.
    pub nodes: Option<BTreeMap<String, BTreeSet<String>>>,
}

impl Intent {
    /// Whether pods of it may start from images that their nodes do not have.
    pub fn pulls(&self) -> bool {
        matches!(self, Self::Upgrade { .. } | Self::Apply { .. } | Self::Reprovision { .. })
    }
}

impl Plan {
    /// Puts the gate before the first wave, or says why there is none.
    pub fn prepull(&mut self, stock: &Stock) {
        let mut pulls: BTreeMap<&str, Made> = BTreeMap::new();
        let mut hosts = BTreeSet::new();
        let woken = self.turns().filter(|turn| self.steps(turn).iter().any(Step::interrupts));
        for (node, made) in woken.filter_map(|turn| stock.wanted.get(&turn.namespace)) {
            hosts.insert(node.as_str());
            let there = stock.nodes.as_ref().and_then(|nodes| nodes.get(node));
            let missing = made.images.iter().filter(|i| there.is_none_or(|there| !there.contains(&normal(i))));
            let pull = pulls.entry(node).or_default();
            pull.images.extend(missing.cloned());
            pull.secrets.extend(made.secrets.iter().cloned());
        }
        pulls.retain(|_, made| !made.images.is_empty());
        let pulls: Vec<Pull> = pulls
            .into_iter()
            .map(|(node, made)| Pull {
                node: node.to_owned(),
                images: made.images.into_iter().collect(),
                secrets: made.secrets,
            })
            .collect();
        let of = hosts.len();
        let step = match (of, pulls.len()) {
            (0, _) => Step::Note { text: "no pre-pull: it is not known on which nodes they will run".to_owned() },
            (1, 0) => Step::Note { text: "no pre-pull: the node that hosts it has every image".to_owned() },
            (_, 0) => Step::Note { text: format!("no pre-pull: all {of} nodes that host them have every image") },
            _ => Step::Prepull { pulls, hosts: u32::try_from(of).unwrap_or(u32::MAX), seconds: PULLS },
        };
        self.opening = vec![step];
    }

    /// Of what is to be pulled only this is; what else stood there is said.
    pub fn pull_only(&mut self, made: &Made) {
        let mut strange = BTreeSet::new();
        for step in &mut self.opening {
            let Step::Prepull { pulls, .. } = step else { continue };
            for pull in pulls.iter_mut() {
                strange.extend(pull.images.iter().filter(|image| !made.images.contains(*image)).cloned());
                pull.images.retain(|image| made.images.contains(image));
                pull.secrets.retain(|secret| made.secrets.contains(secret));
            }
            pulls.retain(|pull| !pull.images.is_empty());
            if pulls.is_empty() {
                *step =
                    Step::Note { text: "no pre-pull: nothing is left of it that its tenants are made of".to_owned() };
            }
        }
        if !strange.is_empty() {
            let images: Vec<String> = strange.into_iter().collect();
            let text =
                format!("not pulled: {}, which none of its tenants is known to be made of", images.join(" and "));
            self.opening.push(Step::Note { text });
        }
    }

    /// Whether nothing is pulled but what these are made of.
    pub fn pulls_only(&self, made: &Made) -> bool {
        let pulls = self.opening.iter().filter_map(|step| match step {
            Step::Prepull { pulls, .. } => Some(pulls),
            _ => None,
        });
        pulls.flatten().all(|pull| {
            pull.images.iter().all(|image| made.images.contains(image))
                && pull.secrets.iter().all(|secret| made.secrets.contains(secret))
        })
    }

    /// Says that there is no gate, and why.
    pub fn no_prepull(&mut self, why: &str) {
        self.opening = vec![Step::Note { text: format!("not pre-pulled: {why}") }];
    }
}

pub(super) fn words(pulls: &[Pull], hosts: u32, seconds: u32) -> String {
    let images: BTreeSet<&str> = pulls.iter().flat_map(|pull| &pull.images).map(String::as_str).collect();
    let images: Vec<&str> = images.into_iter().collect();
    format!(
        "pre-pull {} on {} of the {hosts} nodes that host them, in pods of the control namespace (at most {seconds} s){}",
        images.join(" and "),
        pulls.len(),
        with(pulls)
    )
}

/// Secrets cannot be carried over: they are never read.
fn with(pulls: &[Pull]) -> String {
    let secrets: BTreeSet<&str> = pulls.iter().flat_map(|pull| &pull.secrets).map(String::as_str).collect();
    if secrets.is_empty() {
        return String::new();
    }
    let secrets: Vec<&str> = secrets.into_iter().collect();
    format!("; the tenants pull with Secret {}: make it in the control namespace, too", secrets.join(" and "))
}

/// A reference as nodes name it.
pub fn normal(image: &str) -> String {
    let first = image.split('/').next().unwrap_or_default();
    let hosted = image.contains('/') && (first.contains(['.', ':']) || first == "localhost");
    let full = match (hosted, image.contains('/')) {
        (true, _) => image.to_owned(),
        (false, true) => format!("docker.io/{image}"),
        (false, false) => format!("docker.io/library/{image}"),
    };
    // A node names what came by digest without its tag.
    match full.split_once('@') {
        Some((name, digest)) => {
            let cut = name.rsplit_once(':').filter(|(_, tag)| !tag.contains('/')).map_or(name, |(name, _)| name);
            format!("{cut}@{digest}")
        }
        None if full.rsplit_once(':').is_none_or(|(_, tag)| tag.contains('/')) => format!("{full}:latest"),
        None => full,
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Pace, situation_for_tests as with};
    use super::*;
    use crate::{
        fleet::{Tenant, fixture::*},
        manifest::PinnedImage,
        plan::Preview,
    };

    fn plan(edit: impl Fn(&mut Tenant)) -> Plan {
        let mut it = tenant("maria", Some(ready()));
        edit(&mut it);
        let entry = with::entry(it);
        let image = PinnedImage::given("2026.9.1", Some("ghcr.io/openclaw/openclaw")).unwrap();
        with::situation(|seen| Plan::make(Intent::Upgrade { image: image.clone() }, Pace::default(), &[&entry], seen))
            .unwrap()
    }

    fn stock(nodes: Option<&[&str]>) -> Stock {
        let images = ["ghcr.io/openclaw/openclaw:2026.9.1".to_owned(), "busybox".to_owned()].into();
        let made = Made { images, secrets: ["ghcr".to_owned()].into() };
        let has = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect();
        Stock {
            wanted: BTreeMap::from([("tenant-maria".to_owned(), ("n1".to_owned(), made))]),
            nodes: nodes.map(|names| BTreeMap::from([("n1".to_owned(), has(names))])),
        }
    }

    #[test]
    fn only_what_a_node_lacks_is_pulled() {
        let opening = |nodes: Option<&[&str]>| {
            let mut plan = plan(|_| {});
            plan.prepull(&stock(nodes));
            plan.opening.pop().unwrap()
        };
        let both = ["ghcr.io/openclaw/openclaw:2026.9.1", "docker.io/library/busybox:latest"];
        assert!(matches!(opening(Some(&both)), Step::Note { text } if text.contains("has every image")));
        let Step::Prepull { pulls, hosts: 1, .. } = opening(Some(&both[1..])) else { panic!("one is missing") };
        let secrets = ["ghcr".to_owned()].into();
        assert_eq!(pulls, [Pull { node: "n1".to_owned(), images: vec![both[0].to_owned()], secrets }]);
        let Step::Prepull { pulls, .. } = opening(None) else { panic!("nothing is known of the node") };
        assert_eq!(pulls[0].images.len(), 2);
    }

    #[test]
    fn nobody_is_pulled_for_who_sleeps_and_the_preview_says_all_of_it() {
        let mut asleep = plan(|t| {
            t.sets[0].wanted = 0;
            t.pods = Box::default();
        });
        asleep.prepull(&stock(None));
        assert!(matches!(&asleep.opening[0], Step::Note { text } if text.contains("not known")));
        let mut awake = plan(|_| {});
        awake.prepull(&stock(Some(&[])));
        let words = Preview::of(&awake).lines().join("\n");
        assert!(words.contains("on 1 of the 1 nodes that host them"), "{words}");
        assert!(words.contains("pull with Secret ghcr: make it in the control namespace"), "{words}");
        awake.no_prepull("you may not create pods");
        assert!(Preview::of(&awake).lines().join("\n").contains("not pre-pulled: you may not create pods"));
    }

    #[test]
    fn a_plan_that_is_read_back_pulls_nothing_that_its_tenants_are_not_made_of() {
        let mut plan = plan(|_| {});
        plan.prepull(&stock(None));
        let Some(Step::Prepull { pulls, .. }) = plan.opening.first_mut() else { panic!("something is pulled") };
        pulls[0].images.push("evil.example.com/miner:1".to_owned());
        pulls[0].secrets.insert("somebody-elses".to_owned());
        let made = stock(None).wanted.into_values().next().unwrap().1;
        assert!(!plan.pulls_only(&made));
        plan.pull_only(&made);
        assert!(plan.pulls_only(&made));
        let Step::Prepull { pulls, .. } = &plan.opening[0] else { panic!("its own images are") };
        assert_eq!((pulls[0].images.len(), pulls[0].secrets.len()), (2, 1));
        let said = plan.opening[1].words();
        assert!(said.starts_with("not pulled: evil.example.com/miner:1"), "{said}");
        plan.pull_only(&Made::default());
        assert!(matches!(&plan.opening[0], Step::Note { text } if text.starts_with("no pre-pull")));
    }

    #[test]
    fn references_are_named_as_nodes_name_them() {
        let check = |image: &str, expect: &str| assert_eq!(normal(image), expect);
        check("busybox", "docker.io/library/busybox:latest");
        check("a/b:1", "docker.io/a/b:1");
        check("ghcr.io/o/o:2026.8.2", "ghcr.io/o/o:2026.8.2");
        check("host:5000/x", "host:5000/x:latest");
        check("ghcr.io/o/o:1@sha256:ab", "ghcr.io/o/o@sha256:ab");
    }
}
