//! The facet of a ResourceQuota.

use std::sync::Arc;

use super::{Quantity, Text, Uid};

#[derive(Clone, Debug, PartialEq)]
pub struct Quota {
    pub uid: Uid,
    pub figures: Arc<QuotaFigures>,
}

/// What a quota says: alike for all tenants of a tier that run the same pods, so that the fleet holds it once.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct QuotaFigures {
    pub name: Text,
    /// Resource, hard limit, and use; no use until the quota controller has counted.
    pub lines: Box<[(Text, Quantity, Option<Quantity>)]>,
}

/// One limited resource, such as `limits.memory`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct QuotaEntry<'a> {
    pub resource: &'a Text,
    pub hard: Quantity,
    pub used: Option<Quantity>,
}

impl Quota {
    /// From limits, each with its use.
    pub fn new(uid: Uid, name: Text, limits: impl IntoIterator<Item = (Text, Quantity, Option<Quantity>)>) -> Self {
        Self { uid, figures: Arc::new(QuotaFigures { name, lines: limits.into_iter().collect() }) }
    }

    pub fn name(&self) -> &Text {
        &self.figures.name
    }

    pub fn entries(&self) -> impl Iterator<Item = QuotaEntry<'_>> {
        self.figures.lines.iter().map(|(resource, hard, used)| QuotaEntry { resource, hard: *hard, used: *used })
    }

    /// Whether a pod takes from it now.
    pub fn counts_a_pod(&self) -> bool {
        let of_pods = ["pods", "limits.memory", "limits.cpu", "requests.memory", "requests.cpu"];
        self.entries()
            .any(|e| of_pods.contains(&e.resource.as_str()) && e.used.is_some_and(|used| used > Quantity::default()))
    }

    pub fn entry(&self, resource: &str) -> Option<QuotaEntry<'_>> {
        self.entries().find(|e| *e.resource == *resource)
    }
}
