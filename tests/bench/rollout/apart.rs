//! A rollout by a process of its own, against a simulator of its own: what the engine itself holds while it works.

use std::{
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use crate::{
    measure::Table,
    scale::{process::Process, world::World},
};

/// So many times as fast as time goes.
const SPEED: u32 = 20;
const DOWN: usize = 20;
/// Until the lists are read and the first waves are under way.
const SETTLED: Duration = Duration::from_secs(20);
const EVERY: Duration = Duration::from_secs(1);

pub fn measure(table: &mut Table, tenants: usize) {
    let world = World::at_speed(tenants, "tests/bench/rollout.toml", SPEED);
    let began = Instant::now();
    let mut engine = start(world.kubeconfig());
    let process = Process(engine.id());
    let mut seen = Vec::new();
    let status = loop {
        if let Some(status) = engine.try_wait().expect("it is our child") {
            break status;
        }
        thread::sleep(EVERY);
        // One that has just ended holds nothing, and is no figure.
        let resident = process.resident_mib();
        if began.elapsed() >= SETTLED && resident > 0.0 {
            seen.push(resident);
        }
    };
    let (Some(first), Some(last)) = (seen.first(), seen.last()) else {
        table.row("  by a process of its own", "over too soon", format!("{tenants} tenants are too few"));
        return;
    };
    table.row(
        &format!("{tenants} upgraded by a process of its own"),
        format!("{first:.1} MiB resident, {last:.1} at the end"),
        format!(
            "from {} s on, every second of {:.0} s at {SPEED} times the speed, {DOWN} down at once; exit {}",
            SETTLED.as_secs(),
            began.elapsed().as_secs_f64(),
            status.code().unwrap_or(-1)
        ),
    );
}

fn start(kubeconfig: &Path) -> Child {
    let home = kubeconfig.parent().expect("it lies in a folder");
    Command::new(env!("CARGO_BIN_EXE_fleetdeck"))
        .args(["upgrade", "--all", "--image", super::NEXT, "--max-unavailable", &DOWN.to_string(), "--yes"])
        .args(["--confirm", "sim", "--kubeconfig"])
        .arg(kubeconfig)
        .env("HOME", home)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts")
}
