//! The facet of a Node of the tenants' pool.

use super::{At, Condition, Quantity, Text, Uid};

#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    pub uid: Uid,
    pub name: Text,
    pub created: Option<At>,
    pub deleting: Option<At>,
    /// Condition Ready; reason and message where it is not met (`NodeStatusUnknown`: the kubelet has gone silent).
    pub ready: Option<Condition>,
    /// Pressure and network conditions that are met, such as `DiskPressure`.
    pub pressures: Box<[Pressure]>,
    pub taints: Box<[Taint]>,
    /// `spec.unschedulable`: cordoned.
    pub unschedulable: bool,
    /// Label `topology.kubernetes.io/zone`.
    pub zone: Option<Text>,
    /// `status.allocatable`: what pods may ask for together.
    pub cpu: Option<Quantity>,
    pub memory: Option<Quantity>,
    pub pods: Option<Quantity>,
    /// Volumes in `status.volumesAttached`.
    pub attached: u32,
}

/// A condition that is bad when it is met.
#[derive(Clone, Debug, PartialEq)]
pub struct Pressure {
    pub kind: Text,
    pub since: Option<At>,
    pub message: Option<Text>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Taint {
    pub key: Text,
    pub value: Option<Text>,
    /// `NoSchedule`, `PreferNoSchedule` or `NoExecute`.
    pub effect: Text,
}

impl Node {
    pub fn is_ready(&self) -> bool {
        self.ready.as_ref().is_some_and(|c| c.met)
    }
}
