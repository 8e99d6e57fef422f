//! fleetdeck: a terminal console for the people who run a fleet of OpenClaw tenants on Kubernetes.
//!
//! # Rooms, from the ground up
//! `fleet` vocabulary, `index` watch -> fleet, `manifest` the renderer, `diagnose` findings, `plan` operations as data: pure, no
//! IO, no clock; time enters as `now`. `cluster` speaks to Kubernetes, `engine` carries plans out; `sim` is a Kubernetes API server
//! in miniature; `tui` and `cli` are the two faces.
//!
//! # Invariants (tests/it/tidy.rs)
//! - Dependencies point down: `index, manifest -> fleet`; `diagnose -> index, manifest`; `plan -> diagnose, index, manifest`;
//!   `cluster -> index, manifest`; `engine -> plan, cluster`; `tui, cli -> all`.
//! - Only `cluster` imports kube, only `tui` ratatui and crossterm, only `sim` speaks server-side HTTP.
//! - Only `config::files` touches files.
//! - Nothing is shared and mutable; every channel is bounded.

pub mod cli;
pub mod cluster;
pub mod config;
pub mod diagnose;
pub mod engine;
pub mod fleet;
pub mod index;
pub mod manifest;
pub mod plan;
pub mod sim;
pub mod tui;
