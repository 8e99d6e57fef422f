//! The facet of a Warning event.

use super::{At, Text, Uid};

#[derive(Clone, Debug, PartialEq)]
pub struct Warning {
    pub uid: Uid,
    pub name: Text,
    /// Kind and name of the object that the event is about.
    pub kind: Text,
    pub object: Text,
    pub object_uid: Option<Uid>,
    /// Container, from a `fieldPath` such as `spec.initContainers{seed-app}`.
    pub container: Option<Text>,
    pub reason: Text,
    pub message: Text,
    pub count: u32,
    pub first: Option<At>,
    pub last: Option<At>,
}
