//! The boot scripts, run as a pod runs them, on folders that stand for the volumes: under dash with GNU
//! tools and mawk, as in the OpenClaw image, and under busybox with nothing but its own tools.

mod bench;
mod blow;
mod config;
mod full_disk;
mod gateway;
mod interrupted;
mod lint;
mod packages;
mod pod;
mod seed;
mod stand_in;
mod workspace;

use bench::{Bench, Run, Shell};

/// Makes of each `fn(Shell)` a test per shell.
macro_rules! under_both_shells {
    ($($name:ident),+ $(,)?) => {
        mod dash { $(#[test] fn $name() { super::$name(crate::stages::Shell::Dash); })+ }
        mod busybox { $(#[test] fn $name() { super::$name(crate::stages::Shell::Busybox); })+ }
    };
}
use under_both_shells;
