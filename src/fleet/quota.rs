//! The facet of a ResourceQuota.

use super::{Quantity, Text, Uid};

#[derive(Clone, Debug, PartialEq)]
pub struct Quota {
    pub uid: Uid,
    pub name: Text,
    pub entries: Box<[QuotaEntry]>,
}

/// One limited resource, such as `limits.memory`.
#[derive(Clone, Debug, PartialEq)]
pub struct QuotaEntry {
    pub resource: Text,
    pub hard: Quantity,
    /// `None` until the quota controller has counted.
    pub used: Option<Quantity>,
}

impl Quota {
    pub fn entry(&self, resource: &str) -> Option<&QuotaEntry> {
        self.entries.iter().find(|e| e.resource == *resource)
    }
}
