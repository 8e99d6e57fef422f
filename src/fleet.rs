//! PURE vocabulary: what a tenant is made of, as the watched objects tell it.
//!
//! The structs here are *facets*: the small digest of one Kubernetes object each. They hold what is shown, judged or
//! acted on, and nothing else; a whole tenant fits in 2 KiB.

pub mod boot;
pub mod claim;
pub mod clean;
pub mod detail;
pub mod fit;
#[cfg(test)]
pub(crate) mod fixture;
pub mod growth;
pub mod image;
pub mod mask;
pub mod name;
pub mod node;
pub mod pattern;
pub mod phase;
pub mod pod;
pub mod probe;
pub mod quantity;
pub mod quota;
pub mod rejection;
pub mod rights;
pub mod spec_digest;
pub mod stateful_set;
pub mod tenant;
pub mod text;
pub mod tier;
pub mod time;
pub mod uid;
pub mod warning;
pub mod words;

pub use self::{
    boot::{Boot, Step, StepKind, StepState},
    claim::{Claim, ClaimPhase, Unrest, Volume, VolumeSource, VolumeUsage},
    growth::Growth,
    image::ImageRef,
    name::{TenantId, TenantIdError},
    node::{Node, Pressure, Taint},
    phase::{Phase, Verdict},
    pod::{Condition, Container, ContainerSpec, Moment, Pod, PodPhase, Resources, State, Terminated},
    probe::Probe,
    quantity::Quantity,
    quota::{Quota, QuotaEntry, QuotaFigures},
    rejection::Rejected,
    rights::{Right, Rights, Role},
    spec_digest::SpecDigest,
    stateful_set::StatefulSet,
    tenant::{Namespace, PartUsage, Tenant, Usage},
    text::{Interner, Text},
    tier::Tier,
    time::{Age, At},
    uid::Uid,
    warning::Warning,
    words::Words,
};
