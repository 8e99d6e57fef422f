//! The one integration binary; a module per subject.

// Helpers of tests are tests; clippy's own allowance reaches `#[test]` functions only.
#![allow(clippy::unwrap_used, clippy::panic)]

mod acting;
mod bad_input;
mod conformance;
mod controlplane;
mod delivery;
mod demo_cluster;
mod doctor;
mod explore;
mod headless;
mod kind;
mod logs;
mod measuring;
mod probing;
mod pty;
mod reading;
mod readme;
mod render;
mod rights;
mod room;
mod scripted;
mod served;
mod sim_api;
mod sim_kubectl;
mod sim_kubelet;
mod skip;
mod stages;
mod tidy;
mod version;
mod visits;
