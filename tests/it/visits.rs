//! Ways into tenants' pods: shells and forwards, on the simulator, with the real binary at a real terminal.

mod console;
mod forward;
mod shell;
