//! How fresh each source is. Unknown and stale are said, never hidden.

use std::collections::BTreeSet;

use crate::fleet::{At, Text};

use super::delta::Kind;

/// The state of one watch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Link {
    /// The first list has not come yet.
    Loading,
    Live,
    /// Watching is not allowed: listed every so many seconds instead.
    Polling {
        every: u32,
    },
    /// The connection is lost; what is shown is of `since`.
    Broken {
        since: At,
        why: Text,
    },
    /// The user may not read this; asked once, not again.
    Forbidden {
        why: Text,
    },
    /// The cluster does not serve this (no metrics server); asked again now and then.
    Absent {
        why: Text,
    },
}

/// What is polled, not watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Meter {
    /// CPU and memory of pods, by metrics.k8s.io.
    Pods,
    /// Bytes and inodes of volumes, by the nodes' statistics.
    Volumes,
    /// The same and their growth, out of Prometheus.
    Prometheus,
}

impl Meter {
    pub const ALL: [Self; 3] = [Self::Pods, Self::Volumes, Self::Prometheus];

    pub fn name(self) -> &'static str {
        match self {
            Self::Pods => "pod metrics",
            Self::Volumes => "volume statistics",
            Self::Prometheus => "Prometheus",
        }
    }
}

/// One source: its state, and when it last brought anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Freshness {
    pub link: Link,
    pub heard: Option<At>,
    /// The first complete list has been applied.
    pub synced: bool,
    /// Namespaces that may not be read, where they are read one by one; each with the refusal.
    pub withheld: Vec<(Text, Text)>,
}

impl Default for Freshness {
    fn default() -> Self {
        Self { link: Link::Loading, heard: None, synced: false, withheld: Vec::new() }
    }
}

impl Freshness {
    /// It has brought its first list, or never will for lack of rights.
    pub fn listed(&self) -> bool {
        self.synced || matches!(self.link, Link::Forbidden { .. })
    }

    pub(super) fn take(&mut self, link: Link, now: At) {
        if link == Link::Live {
            self.heard = Some(now);
        }
        self.link = link;
    }
}

/// All sources of the index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sources {
    kinds: [Freshness; Kind::ALL.len()],
    meters: [Freshness; Meter::ALL.len()],
}

impl Default for Sources {
    fn default() -> Self {
        let mut sources = Self { kinds: Default::default(), meters: Default::default() };
        // Until one is named there is none to wait for.
        sources.meter_mut(Meter::Prometheus).link =
            Link::Absent { why: Text::from("the configuration names none for this context") };
        sources
    }
}

impl Sources {
    pub fn get(&self, kind: Kind) -> &Freshness {
        &self.kinds[kind as usize]
    }

    pub(super) fn get_mut(&mut self, kind: Kind) -> &mut Freshness {
        &mut self.kinds[kind as usize]
    }

    pub fn meter(&self, meter: Meter) -> &Freshness {
        &self.meters[meter as usize]
    }

    pub(super) fn meter_mut(&mut self, meter: Meter) -> &mut Freshness {
        &mut self.meters[meter as usize]
    }

    pub fn iter(&self) -> impl Iterator<Item = (Kind, &Freshness)> {
        Kind::ALL.into_iter().map(|kind| (kind, self.get(kind)))
    }

    /// Every source has brought its first list, or never will for lack of rights.
    pub fn settled(&self) -> bool {
        self.kinds.iter().all(Freshness::listed)
    }

    /// Namespaces of which some kind may not be read, in order.
    pub fn withheld(&self) -> BTreeSet<&Text> {
        self.kinds.iter().flat_map(|f| &f.withheld).map(|(namespace, _)| namespace).collect()
    }

    /// The worst broken source: since when, and why. What depends on it may not be acted on.
    pub fn broken(&self) -> Option<(Kind, At, &Text)> {
        let broken = self.iter().filter_map(|(kind, f)| match &f.link {
            Link::Broken { since, why } => Some((kind, *since, why)),
            _ => None,
        });
        broken.min_by_key(|(_, since, _)| *since)
    }
}
