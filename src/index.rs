//! PURE watch -> fleet: deltas of facets become tenants.

pub mod capacity;
pub mod changes;
pub mod delta;
pub mod digest;
pub mod facets;
pub mod find;
pub mod fleet;
pub mod history;
#[cfg(test)]
mod interleave;
pub(crate) mod intern;
pub mod outlook;
pub mod query;
pub mod source;
pub mod words;

pub use self::{
    delta::{Delta, Facet, Key, Kind, Measure, Part},
    fleet::{Entry, Fleet},
    history::{Forecast, History, PastBoot},
    query::{Query, QueryError},
    source::{Freshness, Link, Meter, Sources},
};
