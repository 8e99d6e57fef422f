//! The harness's own stories: they prove with plain client calls that it is what the other stories take it for.

mod on_control_plane;
mod on_real_node;
