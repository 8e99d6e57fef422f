//! PURE Kubernetes JSON -> facets: list pages and watch lines, read borrowed and leniently.
//!
//! No whole object is ever built: each is read into a partial struct that borrows from the response, turned into its
//! facet, and dropped before the next one is read. A field of a wrong type is as if absent; an object that cannot be
//! told apart (no name or UID) is counted and left out; neither costs the others.

mod claim;
mod container;
pub mod detail;
mod disk;
mod event;
mod lenient;
mod list;
mod measures;
mod meta;
mod namespace;
mod node;
mod pod;
mod prometheus;
mod quota;
#[cfg(test)]
mod real;
mod room;
mod stateful_set;
mod status;
mod watch;

pub use self::{
    disk::{Mount, df, mounts},
    list::{Page, page, single},
    measures::{pod_metrics, volume_stats},
    meta::Labels,
    prometheus::{prometheus_growth, prometheus_volumes},
    room::{autoscaler, csi_nodes, loads},
    status::{Status, status},
    watch::{Line, line},
};

use serde::Deserialize;

use super::delta::Facet;
#[cfg(test)]
use super::delta::Kind;

/// Why a response could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DigestError {
    /// It is no JSON, or ends in the middle. Never quotes the response.
    Syntax { at: String, cut_off: bool },
    /// It is JSON of another shape.
    Shape { expected: &'static str, found: String },
}

impl std::fmt::Display for DigestError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Syntax { at, cut_off: true } => write!(f, "the JSON ends early, at {at}"),
            Self::Syntax { at, cut_off: false } => write!(f, "the answer is not JSON from {at} on"),
            Self::Shape { expected, found } => write!(f, "expected {expected}, got {found}"),
        }
    }
}

impl std::error::Error for DigestError {}

impl DigestError {
    fn of(error: &serde_json::Error) -> Self {
        // The message itself may quote what it met; the place is enough.
        let at = format!("line {} column {}", error.line(), error.column());
        Self::Syntax { at, cut_off: error.is_eof() }
    }
}

/// What became of an object.
#[expect(
    clippy::large_enum_variant,
    reason = "moved once, into the list of facets; a box would be one allocation per object"
)]
enum Digested {
    Facet(Facet),
    /// Read, and not to be kept (a Normal event).
    Ignored,
    /// Without a name or UID.
    Unreadable,
}

/// A partial object of one kind.
trait Object<'a>: Deserialize<'a> {
    fn version(&self) -> &str;
    fn digest(self, labels: &Labels) -> Digested;
}

/// Calls a function that is generic over the partial object, by kind.
macro_rules! by_kind {
    ($kind:expr, $function:ident($($argument:expr),*)) => {
        match $kind {
            Kind::Namespace => $function::<namespace::Object<'_>>($($argument),*),
            Kind::Pod => $function::<pod::Object<'_>>($($argument),*),
            Kind::StatefulSet => $function::<stateful_set::Object<'_>>($($argument),*),
            Kind::Claim => $function::<claim::Object<'_>>($($argument),*),
            Kind::Quota => $function::<quota::Object<'_>>($($argument),*),
            Kind::Warning => $function::<event::Object<'_>>($($argument),*),
            Kind::Node => $function::<node::Object<'_>>($($argument),*),
        }
    };
}
use by_kind;
