//! What the readers tell the index.

use crate::fleet::{
    Claim, Growth, Namespace, Node, PartUsage, Pod, Probe, Quota, Rights, StatefulSet, Text, Uid, Usage, VolumeUsage,
    Warning,
};

use super::{
    capacity::PoolFacts,
    history::PastBoot,
    source::{Link, Meter},
};

/// The kinds that are watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    Namespace,
    Pod,
    StatefulSet,
    Claim,
    Quota,
    Warning,
    Node,
}

impl Kind {
    pub const ALL: [Self; 7] =
        [Self::Namespace, Self::Pod, Self::StatefulSet, Self::Claim, Self::Quota, Self::Warning, Self::Node];

    /// Kubernetes' plural, as in an RBAC rule.
    pub fn plural(self) -> &'static str {
        match self {
            Self::Namespace => "namespaces",
            Self::Pod => "pods",
            Self::StatefulSet => "statefulsets",
            Self::Claim => "persistentvolumeclaims",
            Self::Quota => "resourcequotas",
            Self::Warning => "events",
            Self::Node => "nodes",
        }
    }
}

/// Which object: names may be reused, UIDs are not.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// The namespace the object lives in; its own name for what lives in none (Namespace, Node).
    pub namespace: Text,
    pub uid: Uid,
}

/// The digest of one object.
#[derive(Clone, Debug, PartialEq)]
pub struct Facet {
    pub key: Key,
    /// Labels of the contract, where the object carries them.
    pub tenant: Option<Text>,
    pub tier: Option<Text>,
    pub part: Part,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Part {
    Namespace(Namespace),
    Pod(Pod),
    StatefulSet(StatefulSet),
    Claim(Claim),
    Quota(Quota),
    Warning(Warning),
    Node(Node),
}

impl Part {
    pub fn kind(&self) -> Kind {
        match self {
            Self::Namespace(_) => Kind::Namespace,
            Self::Pod(_) => Kind::Pod,
            Self::StatefulSet(_) => Kind::StatefulSet,
            Self::Claim(_) => Kind::Claim,
            Self::Quota(_) => Kind::Quota,
            Self::Warning(_) => Kind::Warning,
            Self::Node(_) => Kind::Node,
        }
    }
}

/// A figure that is polled, not watched.
#[derive(Clone, Debug, PartialEq)]
pub enum Measure {
    /// Use of a pod, by namespace and pod name.
    Pod { namespace: Text, pod: Text, usage: Usage, parts: Vec<(Text, PartUsage)> },
    /// Use of a volume, by namespace and claim name.
    Volume { namespace: Text, claim: Text, usage: VolumeUsage },
    /// Pace of a volume, where somebody has recorded it.
    Growth { namespace: Text, claim: Text, growth: Growth },
}

/// One step of the index.
#[derive(Clone, Debug, PartialEq)]
pub enum Delta {
    Upsert(Box<Facet>),
    /// A page of a kind's first list, shown as it comes; [`Delta::Whole`] is the end of that list.
    Page(Kind, Vec<Facet>),
    /// All pages of a list have come: what is not among these is gone.
    Whole {
        kind: Kind,
        namespace: Option<Text>,
        keys: Vec<Key>,
    },
    Remove(Kind, Key),
    /// A complete list of a kind, cluster-wide or of one namespace: what is not in it is gone. Applied at once, so that
    /// no screen is ever empty between a list's pages.
    Resync {
        kind: Kind,
        namespace: Option<Text>,
        facets: Vec<Facet>,
    },
    /// One round of one meter, as far as it has come.
    Measures(Meter, Vec<Measure>),
    /// Boots that an earlier run has learned; or why none are kept.
    Boots(Result<Vec<PastBoot>, Text>),
    /// What was measured because a person asked.
    Measured(Vec<Measure>),
    /// The state of a source has changed.
    Link(Kind, Link),
    /// The state of a meter has changed.
    MeterLink(Meter, Link),
    /// Of the namespaces that a kind is read in one by one, those that may not be read, each with the refusal.
    Withheld(Kind, Vec<(Text, Text)>),
    /// What the user may do, in the whole cluster or in a namespace.
    Rights {
        namespace: Option<Text>,
        rights: Rights,
    },
    /// What the question of room needs beside the watches.
    Pool(Box<PoolFacts>),
    /// Why what a person asked for has not come.
    Said(Text),
    /// What a tenant's pod answered.
    Probe {
        namespace: Text,
        probe: Box<Probe>,
    },
}
