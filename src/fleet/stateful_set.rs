//! The facet of a StatefulSet.

use super::{At, Text, Uid};

#[derive(Clone, Debug, PartialEq)]
pub struct StatefulSet {
    pub uid: Uid,
    pub name: Text,
    pub created: Option<At>,
    pub deleting: Option<At>,
    /// It grows by one with each edit, and nobody makes four thousand million of them.
    pub generation: u32,
    pub observed_generation: u32,
    /// `spec.replicas`.
    pub wanted: u32,
    pub ready: u32,
    pub updated: u32,
    pub current_revision: Option<Text>,
    pub update_revision: Option<Text>,
    /// Image of the gateway in the template: what the next pod will run.
    pub image: Option<Text>,
    /// `updateStrategy.type` is OnDelete.
    pub on_delete: bool,
    /// `rollingUpdate.partition`; one that is larger than this holds is beyond every ordinal as well.
    pub partition: u16,
    /// The retention policy would delete claims with the set (`whenDeleted`) or on scale-down (`whenScaled`).
    pub retention_deletes: bool,
    /// Run that wrote this object last.
    pub run: Option<Text>,
}
