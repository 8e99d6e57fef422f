//! Tails: through everything that happens to a tenant's pods, on the simulator; against stock kubectl over real HTTP; and
//! with the real binary.

pub(crate) mod binary;
mod hostile;
mod kubectl;
mod node;
mod stories;
mod tailing;
