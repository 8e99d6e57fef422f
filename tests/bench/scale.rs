//! `cargo bench -- scale [TENANTS]...`: the budgets of the whole process. The fleet is served by another process (`fleetdeck
//! sim`), the console runs in a terminal of its own, and a proxy between the two counts the requests.
//!
//! `FLEETDECK_BENCH_KUBECONFIG` names a cluster whose lists are read, instead of or after those of the sizes given: a real
//! API server is slower than the simulator, and the ratio to a raw download is about such a one.

pub mod lists;
pub mod process;
mod proxy;
mod seat;
pub mod world;

use std::{path::Path, time::Duration};

use crate::measure::Table;

use self::{process::Process, proxy::Proxy, seat::Seat, world::World};

/// How long a quiet console is looked at: two rounds of the volume meter over 40 nodes.
const QUIET: Duration = Duration::from_secs(160);
const KEYS: usize = 200;
const EVENTS_PER_SECOND: u32 = 1_000;

pub fn run(sizes: &[usize]) {
    let mut table = Table;
    for tenants in sizes {
        let world = World::new(*tenants, "tests/bench/scale.toml");
        lists_of(&mut table, &format!("simulator, {tenants}"), world.kubeconfig());
        console(&mut table, &world, *tenants);
    }
    if let Some(file) = std::env::var_os("FLEETDECK_BENCH_KUBECONFIG") {
        lists_of(&mut table, "the cluster named", Path::new(&file));
    }
}

fn lists_of(table: &mut Table, of: &str, kubeconfig: &Path) {
    let figures = lists::compare(kubeconfig);
    table.row(
        &format!("whole fleet, {of}"),
        format!("{:.2} x the raw download", figures.ratio),
        format!(
            "{} tenants, {:.1} MB; median of {} rounds in turns, {:.0} ms against {:.0} ms; budget 1.2",
            figures.tenants, figures.megabytes, figures.rounds, figures.fleet_ms, figures.raw_ms
        ),
    );
}

fn console(table: &mut Table, world: &World, tenants: usize) {
    let proxy = Proxy::before(world.address());
    let mut seat = Seat::take(&world.kubeconfig_for(proxy.address()));
    let process = Process(seat.pid());
    let shown = seat.wait(&format!("{tenants} tenants"));
    let first_row = seat.first_row();
    let whole = seat.wait(&format!("{tenants} ready"));
    table.row(
        &format!("console, {tenants} tenants"),
        format!("{} ms to all rows", shown.as_millis()),
        format!(
            "from the start of the process; first row after {} ms, all of them read after {} ms",
            first_row.as_millis(),
            whole.as_millis()
        ),
    );
    // What was read at the start is over, and the meters had their first round.
    seat.listen(Duration::from_secs(10));
    let (ticks, requests) = (process.ticks(), proxy.requests());
    let bytes = seat.listen(QUIET);
    let seconds = QUIET.as_secs_f64();
    let load = (process.ticks() - ticks) as f64 / 100.0 / seconds;
    table.row(
        "  at rest",
        format!("{:.2} % of a core", load * 100.0),
        format!("{:.0} B/s to the terminal; budgets 1 %, 1 KiB/s", bytes as f64 / seconds),
    );
    table.row(
        "  requests at rest",
        format!("{:.2} a second", (proxy.requests() - requests) as f64 / seconds),
        "40 nodes; budget 1",
    );
    let budget = if tenants > 1_000 { 64 } else { 40 };
    table.row(
        "  resident",
        format!("{:.1} MiB", process.resident_mib()),
        format!("peak {:.1}; budget {budget}", process.peak_mib()),
    );
    let flood = world.flood(EVENTS_PER_SECOND);
    seat.listen(Duration::from_secs(2));
    let mut waits: Vec<_> = (0..KEYS).map(|n| seat.press_and_wait(n)).collect();
    let sent = flood.stop();
    waits.sort_unstable();
    let at = |share: f64| waits[((waits.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e3;
    table.row(
        "  key to frame",
        format!("p99 {:.1} ms", at(0.99)),
        format!("median {:.1} ms, {KEYS} keys while {sent:.0} events/s came; budget 16", at(0.5)),
    );
    table.row("  resident after that", format!("{:.1} MiB", process.resident_mib()), "");
}
