//! The facet of a ResourceQuota.

use std::sync::Arc;

use super::{Quantity, Text, Uid};

#[derive(Clone, Debug, PartialEq)]
pub struct Quota {
    pub uid: Uid,
    pub spec: Arc<QuotaSpec>,
    /// Use of each of the limits, in their order; `None` until the quota controller has counted.
    used: Box<[Option<Quantity>]>,
}

/// What is alike for all tenants of a tier, so that the fleet holds it once.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct QuotaSpec {
    pub name: Text,
    /// Resource and hard limit.
    pub limits: Box<[(Text, Quantity)]>,
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
        let (limits, used): (Vec<_>, Vec<_>) =
            limits.into_iter().map(|(resource, hard, used)| ((resource, hard), used)).unzip();
        Self { uid, spec: Arc::new(QuotaSpec { name, limits: limits.into() }), used: used.into() }
    }

    pub fn name(&self) -> &Text {
        &self.spec.name
    }

    pub fn entries(&self) -> impl Iterator<Item = QuotaEntry<'_>> {
        let limits = self.spec.limits.iter().zip(&self.used);
        limits.map(|((resource, hard), used)| QuotaEntry { resource, hard: *hard, used: *used })
    }

    pub fn entry(&self, resource: &str) -> Option<QuotaEntry<'_>> {
        self.entries().find(|e| *e.resource == *resource)
    }
}
