//! A Kubernetes API server in miniature, below any client: it knows Kubernetes and nothing of tenants.
//!
//! - `kinds`, `object`, `history`, `store`: the database; `write`, `delete`, `gc`: what a write sets off
//! - `admission`, `defaults`, `validate`, `managed`: what happens between a request and the database
//! - `selector`, `status`, `clock`: words that all of them use

mod admission;
pub(crate) mod clock;
mod defaults;
pub(crate) mod delete;
mod gc;
pub(crate) mod history;
pub(crate) mod kinds;
mod managed;
pub(crate) mod object;
pub(crate) mod selector;
pub(crate) mod status;
pub(crate) mod store;
mod validate;
pub(crate) mod write;

#[cfg(test)]
mod store_tests;
