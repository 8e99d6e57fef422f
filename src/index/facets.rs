//! Counts of tenants by what they have in common: phase, tier, wanted image, node.

use std::collections::HashMap;

use crate::fleet::Phase;

use super::{fleet::Entry, query};

/// What tenants are counted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum By {
    Phase,
    Tier,
    Image,
    Node,
}

impl By {
    pub const ALL: [Self; 4] = [Self::Phase, Self::Tier, Self::Image, Self::Node];

    /// The key of its terms in a filter.
    pub fn key(self) -> &'static str {
        match self {
            Self::Phase => "phase",
            Self::Tier => "tier",
            Self::Image => "image",
            Self::Node => "node",
        }
    }

    fn of(self, entry: &Entry) -> Option<&str> {
        let tenant = &entry.tenant;
        match self {
            Self::Phase => Some(entry.verdict.phase.word()),
            Self::Tier => tenant.tier.as_ref().map(crate::fleet::Tier::as_str),
            Self::Image => query::image_text(tenant),
            Self::Node => tenant.pod()?.node.as_deref(),
        }
    }

    /// The term that lets exactly these tenants pass; an empty value stands for having none.
    pub fn term(self, value: &str) -> String {
        match self {
            Self::Phase => format!("phase:{}", value.to_lowercase()),
            _ => format!("{}:={value}", self.key()),
        }
    }

    /// `filter` with its terms of this kind replaced by the one for `value`.
    pub fn narrow(self, filter: &str, value: &str) -> String {
        let mine = |term: &&str| term.split_once(':').is_some_and(|(key, _)| key.eq_ignore_ascii_case(self.key()));
        let mut terms: Vec<&str> = filter.split_whitespace().filter(|term| !mine(term)).collect();
        let term = self.term(value);
        terms.push(&term);
        terms.join(" ")
    }
}

/// How many tenants have one value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facet {
    pub by: By,
    /// Empty where they have none.
    pub value: String,
    pub tenants: usize,
    /// Those of them with whom it stands as with the Failing, and as with the Degraded.
    pub failing: usize,
    pub degraded: usize,
}

/// Counts tenants by each [`By`]: phases the worst first, the rest by name, those that have none last. With each comes how
/// badly it stands with it, as a place in [`Phase::WORDS`].
pub fn facets<'a>(entries: impl Iterator<Item = (&'a Entry, usize)>) -> Vec<Facet> {
    let mut counts: HashMap<(By, &str), [usize; 3]> = HashMap::new();
    for (entry, standing) in entries {
        let (failing, degraded) = (standing == Phase::Failing.rank(), standing == Phase::Degraded.rank());
        for by in By::ALL {
            let count = counts.entry((by, by.of(entry).unwrap_or_default())).or_default();
            count[0] += 1;
            count[1] += usize::from(failing);
            count[2] += usize::from(degraded);
        }
    }
    let of = |((by, value), [tenants, failing, degraded]): ((By, &str), [usize; 3])| Facet {
        by,
        value: value.to_owned(),
        tenants,
        failing,
        degraded,
    };
    let mut all: Vec<Facet> = counts.into_iter().map(of).collect();
    let rank = |f: &Facet| match f.by {
        By::Phase => Phase::WORDS.iter().position(|w| *w == f.value),
        _ => None,
    };
    all.sort_by(|a, b| {
        let key = |f: &Facet| (f.by, rank(f), f.value.is_empty());
        key(a).cmp(&key(b)).then_with(|| a.value.cmp(&b.value))
    });
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        fleet::{Verdict, fixture::*},
        index::Query,
    };

    #[test]
    fn every_facet_s_term_lets_exactly_its_tenants_pass() {
        let now = at(700);
        let entry = |id: &str, pod: Option<crate::fleet::Pod>| {
            let tenant = tenant(id, pod);
            let verdict = Verdict::of(&tenant, now);
            Entry { changed: verdict.since, tenant, verdict }
        };
        let mut broken = booting(3);
        broken.stages[3].state = waiting("ImagePullBackOff");
        let mut far = ready();
        far.node = Some(text("node-10"));
        let mut all = [entry("a", Some(ready())), entry("b", Some(far)), entry("c", Some(broken)), entry("d", None)];
        all[1].tenant.sets[0].image = Some(text("ghcr.io/openclaw/openclaw:2026.8.21"));
        let found = facets(all.iter().map(|e| (e, e.verdict.phase.rank())));
        let of = |by: By| -> Vec<(&str, usize, usize)> {
            found.iter().filter(|f| f.by == by).map(|f| (&*f.value, f.tenants, f.failing)).collect()
        };
        assert_eq!(of(By::Phase)[0], ("Failing", 1, 1));
        assert_eq!(of(By::Tier), [("pro", 4, 1)]);
        assert_eq!(of(By::Node), [("node-1", 2, 1), ("node-10", 1, 0), ("", 1, 0)]);
        for facet in &found {
            let query = Query::parse(&facet.by.narrow("", &facet.value)).unwrap();
            assert_eq!(all.iter().filter(|e| query.matches(e, now)).count(), facet.tenants, "{facet:?}");
        }
        assert_eq!(found.iter().filter(|f| f.by == By::Image).count(), 2, "2026.8.2 is not 2026.8.21");
    }

    #[test]
    fn a_facet_takes_the_place_of_its_kind_in_the_filter() {
        assert_eq!(By::Tier.narrow("maria TIER:pro phase:ready", "max"), "maria phase:ready tier:=max");
        assert_eq!(By::Phase.narrow("phase:!ready", "Failing"), "phase:failing");
        assert_eq!(By::Node.narrow("", ""), "node:=");
    }
}
