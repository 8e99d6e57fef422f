//! IO: carries plans out, step by step, and tells how it goes.
//!
//! `desk` makes plans and starts them, for the console and the command line alike. `run` goes through the waves, `act` through
//! one tenant's steps, `exec` does a step. Every step reads, decides and writes, so that one that is done again changes nothing:
//! that is how a run survives lost answers, crashes and hand-overs. `record`, `hold` and `claim` keep a run in the cluster, where
//! anybody can see it and go on with it, and only one at a time; `orders` is how a person speaks to it. `prepull` gets images
//! onto nodes before anybody needs them. `patience` repeats what may pass, visibly. `view` is an index of the engine's own, on
//! which waits are judged. Nothing in here decides what to do: that stands in the plan.

mod act;
mod adoption;
mod claim;
pub mod desk;
mod drift;
pub mod dry;
mod exec;
pub mod hold;
pub mod journal;
mod keeper;
mod look;
mod notice;
mod orders;
mod patience;
mod prepull;
mod proof;
pub mod record;
mod run;
mod token;
mod trouble;
mod view;

pub use self::{
    desk::{Declined, Desk, Proposal, Wish, Work},
    drift::{Compared, compare},
    hold::Lease,
    look::look,
    orders::{Order, Orders, Voice, orders},
    record::{Record, Records},
    run::{Job, run},
    token::Secrets,
    trouble::Trouble,
};
