//! Namespace.

use serde::Deserialize;

use super::{
    super::delta::Part,
    Digested, Labels,
    lenient::{List, Obj, Raw, embedded},
    meta::{Condition, Meta},
};
use crate::fleet::{Namespace, SpecDigest};

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Object<'a> {
    #[serde(borrow)]
    metadata: Obj<Meta<'a>>,
    #[serde(borrow)]
    status: Obj<Status<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Status<'a> {
    #[serde(borrow)]
    conditions: List<Condition<'a>>,
}

/// What is read of the stored spec; the rest of it is the renderer's.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Spec<'a> {
    #[serde(borrow)]
    host: Raw<'a>,
    #[serde(borrow)]
    owner: Raw<'a>,
}

/// What a namespace that terminates waits for, the most telling first.
const WAITS: [&str; 5] = [
    "NamespaceFinalizersRemaining",
    "NamespaceContentRemaining",
    "NamespaceDeletionDiscoveryFailure",
    "NamespaceDeletionGroupVersionParsingFailure",
    "NamespaceDeletionContentFailure",
];

impl<'a> super::Object<'a> for Object<'a> {
    fn version(&self) -> &str {
        self.metadata.0.as_ref().map_or("", |m| &m.resource_version)
    }

    fn digest(self, labels: &Labels) -> Digested {
        let meta = self.metadata.or_default();
        let conditions = self.status.or_default().conditions.0;
        let remaining = WAITS.iter().find_map(|kind| conditions.iter().find(|c| &*c.kind == *kind && c.is_met()));
        let text = meta.annotations.0.as_ref().map_or("", |a| &*a.spec);
        let spec = (!text.is_empty()).then(|| SpecDigest::of(text));
        let stored = meta.annotations.0.as_ref().and_then(|a| embedded::<Spec<'_>>(&a.spec)).unwrap_or_default();
        let noted = meta.annotations.0.as_ref();
        let (claim, done) = (noted.and_then(|a| a.claim.text()), noted.and_then(|a| a.done.text()));
        meta.facet_in(&meta.name, labels, |uid, _| {
            Part::Namespace(Namespace {
                uid,
                created: meta.created(),
                deleting: meta.deleting(),
                remaining: remaining.and_then(|c| c.message.text()),
                host: stored.host.text(),
                owner: stored.owner.text(),
                spec,
                claim,
                done,
            })
        })
    }
}
