//! Findings of many tenants grouped by their cause: one image that does not exist, one node that is silent.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

use super::{Code, Finding, Severity};
use crate::fleet::{At, Text};

/// One thing that is wrong in the world, and whom it concerns.
#[derive(Clone, Debug, PartialEq)]
pub struct Cause<'a> {
    pub code: Code,
    /// What it is about; empty where the code says all.
    pub about: &'a str,
    /// The worst of its findings'.
    pub severity: Severity,
    /// It keeps at least one tenant from serving.
    pub down: bool,
    /// The earliest.
    pub since: Option<At>,
    /// Namespaces, in order; empty where it is about no tenant in particular.
    pub tenants: Vec<&'a Text>,
    /// One of its findings, with its evidence.
    pub example: &'a Finding,
}

impl Cause<'_> {
    /// `image does not exist: ghcr.io/...`.
    pub fn title(&self) -> String {
        if self.about.is_empty() {
            self.code.title().to_owned()
        } else {
            format!("{}: {}", self.code.title(), self.about)
        }
    }
}

/// All causes, the worst first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Causes<'a>(pub Vec<Cause<'a>>);

impl<'a> Causes<'a> {
    /// Groups findings, each with its tenant's namespace, or none.
    pub fn of(findings: impl IntoIterator<Item = (Option<&'a Text>, &'a Finding)>) -> Self {
        let mut groups: BTreeMap<(Code, &str), Cause<'a>> = BTreeMap::new();
        for (tenant, finding) in findings {
            let cause = groups.entry((finding.code, finding.about.as_str())).or_insert_with(|| Cause {
                code: finding.code,
                about: &finding.about,
                severity: finding.severity,
                down: false,
                since: None,
                tenants: Vec::new(),
                example: finding,
            });
            cause.down |= finding.down;
            if finding.severity < cause.severity {
                cause.severity = finding.severity;
                cause.example = finding;
            }
            cause.since = match (cause.since, finding.since) {
                (Some(a), Some(b)) => Some(a.min(b)),
                (a, b) => a.or(b),
            };
            cause.tenants.extend(tenant);
        }
        let mut causes: Vec<_> = groups.into_values().collect();
        for cause in &mut causes {
            cause.tenants.sort_unstable();
            cause.tenants.dedup();
        }
        causes.sort_by_key(|c| (c.severity, !c.down, Reverse(c.tenants.len()), c.code, c.about));
        Self(causes)
    }

    /// Causes of this severity, and how many tenants they concern together.
    pub fn count(&self, severity: Severity) -> (usize, usize) {
        let of: Vec<_> = self.0.iter().filter(|c| c.severity == severity).collect();
        let tenants: BTreeSet<_> = of.iter().flat_map(|c| &c.tenants).collect();
        (of.len(), tenants.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::fixture::*;

    #[test]
    fn tenants_with_one_cause_are_one_group_and_the_worst_comes_first() {
        let image = |severity, since| {
            Finding::new(Code::ImageMissing, severity, "x")
                .about("a:1")
                .since(Some(at(since)))
                .down(severity == Severity::Critical)
        };
        let disk = Finding::note(Code::VolumeFilling, "y").about("config-data");
        let names: Vec<Text> = ["a", "b", "c", "d"].map(text).to_vec();
        let (one, two) = (image(Severity::Warning, 50), image(Severity::Critical, 90));
        let node = Finding::critical(Code::NodeNotReady, "z").about("node-9");
        let causes = Causes::of([
            (Some(&names[0]), &disk),
            (Some(&names[1]), &one),
            (Some(&names[2]), &two),
            (Some(&names[2]), &two),
            (Some(&names[3]), &disk),
            (None, &node),
        ]);
        let short: Vec<_> = causes.0.iter().map(|c| (c.code, c.severity, c.tenants.len())).collect();
        assert_eq!(
            short,
            [
                (Code::ImageMissing, Severity::Critical, 2),
                (Code::NodeNotReady, Severity::Critical, 0),
                (Code::VolumeFilling, Severity::Note, 2),
            ]
        );
        assert_eq!((causes.0[0].since, causes.0[0].title().as_str()), (Some(at(50)), "image does not exist: a:1"));
        assert_eq!((causes.count(Severity::Critical), causes.count(Severity::Warning)), ((2, 2), (0, 0)));
    }
}
