//! PURE watch -> fleet: deltas of facets become tenants.

pub mod delta;
pub mod digest;
pub mod find;
pub mod fleet;
#[cfg(test)]
mod interleave;
mod intern;
pub mod query;
pub mod source;

pub use self::{
    delta::{Delta, Facet, Key, Kind, Measure, Part},
    fleet::{Entry, Fleet},
    query::{Query, QueryError},
    source::{Freshness, Link, Meter, Sources},
};
