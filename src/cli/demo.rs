//! `fleetdeck demo`: a living fleet on the simulator, rendered and created as on any cluster.

mod play;
mod roster;
mod script;
