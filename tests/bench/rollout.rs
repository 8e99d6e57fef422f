//! `cargo bench -- rollout [TENANTS]`: plans and runs. Tenants live on the simulator, on a paused clock, so that minutes of
//! theirs cost what the machine does in them and no more; requests and bytes are counted by the simulator's API server.

mod apart;
mod planning;
mod serial;
mod world;

use std::time::{Duration, Instant};

use fleetdeck::{
    engine::{Order, Records, Secrets, Wish},
    manifest::PinnedImage,
    plan::{Care, End, Event, Intent, News, Pace, Plan},
    sim::{Frozen, Tally},
};
use tokio::sync::mpsc;

use self::world::World;
use crate::measure::{Table, resident};

/// Whose requests are counted.
const WHO: &str = "op";
/// How many tenants each verb is measured with.
const FEW: usize = 50;
/// A release that no node has yet.
const NEXT: &str = "2026.8.2";

pub fn run(tenants: usize) {
    let mut table = Table;
    planning::measure(&mut table);
    let few = world::made(FEW);
    verbs(&mut table, &few);
    against_serial(&mut table, &few);
    let many = world::made(tenants);
    many_at_once(&mut table, &many, tenants);
    drop(many);
    apart::measure(&mut table, tenants);
}

/// What came of one run.
struct Ran {
    plan: Plan,
    end: (End, String),
    events: usize,
    /// Simulated.
    took: Duration,
    /// From the deletion of a pod to the readiness of the next, of each tenant.
    down: Vec<u32>,
    asked: Tally,
    /// Bytes of the run's ConfigMaps.
    record: usize,
    /// Resident bytes after each tenth of the tenants.
    resident: Vec<u64>,
    /// What became of those that were not done.
    failed: Vec<String>,
}

/// Plans, keeps and carries out a run over everybody, as the desk of console and command line does.
async fn carried_out(world: &mut World, intent: Intent, pace: Pace, care: Care) -> Ran {
    let entries: Vec<_> = world.fleet.iter().cloned().collect();
    let total = entries.len();
    let sources = world.fleet.sources().clone();
    let desk = world.desk(WHO);
    let before = world.sim.tally(WHO);
    let wish = Wish { intent, pace, care, sift: false, entries, sources, notes: Vec::new() };
    let proposal = desk.propose(wish).await.unwrap_or_else(|declined| fail(&declined.to_string()));
    let plan = proposal.plan.clone();
    let began = tokio::time::Instant::now();
    let work = desk.begin(proposal.plan, true, Secrets::default()).await;
    let work = work.unwrap_or_else(|declined| fail(&declined.to_string()));
    let (_voice, orders) = fleetdeck::engine::orders(Order::Go);
    let (tell, mut told) = mpsc::channel::<Event>(64);
    let listen = async {
        let (mut events, mut down, mut done, mut memory) = (0, Vec::new(), 0, Vec::new());
        let mut failed = Vec::new();
        while let Some(event) = told.recv().await {
            events += 1;
            if let News::Failed { tenant, .. } | News::Held { tenant, .. } = &event.news {
                failed.push(format!("{tenant}: {}", event.news.words()));
            }
            if let News::Done { down: seconds, .. } = event.news {
                down.extend(seconds);
                done += 1;
                if done % total.div_ceil(10) == 0 {
                    memory.push(resident());
                }
            }
        }
        (events, down, memory, failed)
    };
    let (ledger, (events, down, memory, mut failed)) = tokio::join!(work.go(orders, tell, None), listen);
    for tenant in &mut failed {
        tenant.push_str(&world.evidence(tenant.split(':').next().unwrap_or_default()).await);
    }
    let took = began.elapsed();
    let after = world.sim.tally(WHO);
    let records = world.cluster.objects("ConfigMap", Records::new(&world.cluster, "fleetdeck").control(), "").await;
    let of_run = |o: &&serde_json::Value| o["metadata"]["name"].as_str().is_some_and(|n| n.contains(&plan.id));
    let record = records.expect("the records").iter().filter(of_run).map(|o| o.to_string().len()).sum();
    Ran {
        end: ledger.end.expect("a run has an end"),
        plan,
        events,
        took,
        down,
        asked: Tally {
            forbidden: after.forbidden - before.forbidden,
            reads: after.reads - before.reads,
            writes: after.writes - before.writes,
            bytes: after.bytes - before.bytes,
        },
        record,
        resident: memory,
        failed,
    }
}

fn fail(said: &str) -> ! {
    for line in said.lines().take(20) {
        eprintln!("{line}");
    }
    std::process::exit(1);
}

fn next() -> Intent {
    upgrade(NEXT)
}

fn upgrade(tag: &str) -> Intent {
    Intent::Upgrade { image: PinnedImage::given(tag, Some(world::REPOSITORY)).expect("an image") }
}

fn wide(max_unavailable: u32) -> Pace {
    Pace { canary: 1, max_unavailable, soak: 0, stop_after: 1 }
}

fn probed() -> Care {
    Care { prepull: true, snapshot: false, probe: true }
}

/// What each verb asks of the API server.
fn verbs(table: &mut Table, few: &Frozen) {
    let every = [
        Intent::Restart,
        next(),
        Intent::Reprovision { image: None },
        Intent::SetTier { tier: "max".to_owned() },
        Intent::RotateToken,
        Intent::Suspend,
    ];
    for intent in every {
        let verb = intent.verb();
        let ran = world::paused(async {
            let mut world = World::thawed(few, "").await;
            Box::pin(carried_out(&mut world, intent, wide(5), probed())).await
        });
        judged(verb, &ran);
        let each = |n: u64| n as f64 / FEW as f64;
        table.row(
            &format!("{verb}, {FEW} tenants"),
            format!("{:.1} writes a tenant", each(ran.asked.writes)),
            format!(
                "{:.1} reads, {:.1} kB sent, record {:.2} kB a tenant; watches, lists and the lease shared by all",
                each(ran.asked.reads),
                each(ran.asked.bytes) / 1e3,
                ran.record as f64 / FEW as f64 / 1e3
            ),
        );
    }
}

fn judged(verb: &str, ran: &Ran) {
    if ran.end.0 != End::Done {
        fail(&format!("{verb} ended otherwise: {:?}\n{}", ran.end, ran.failed.join("\n")));
    }
}

/// The rollout against patching one tenant after another and waiting for each, under the same faults.
fn against_serial(table: &mut Table, few: &Frozen) {
    for at_once in [1, 5] {
        let loop_took = world::paused(async {
            let world = World::thawed(few, serial::WEATHER).await;
            serial::patched(&world, NEXT, at_once).await
        });
        let ran = world::paused(async {
            let mut world = World::thawed(few, serial::WEATHER).await;
            serial::faults(&world);
            Box::pin(carried_out(&mut world, next(), wide(at_once), probed())).await
        });
        judged("upgrade", &ran);
        let mut down = ran.down.clone();
        down.sort_unstable();
        table.row(
            &format!("rollout, {at_once} down at once"),
            format!("{:.2} x the loop", ran.took.as_secs_f64() / loop_took.wall.as_secs_f64()),
            format!(
                "{FEW} tenants: {:.0} s against {:.0} s of theirs; median downtime {} s against {} s",
                ran.took.as_secs_f64(),
                loop_took.wall.as_secs_f64(),
                down[down.len() / 2],
                loop_took.median_down()
            ),
        );
    }
}

fn many_at_once(table: &mut Table, many: &Frozen, tenants: usize) {
    let began = Instant::now();
    let (ran, again, before, took) = world::paused(async {
        let mut world = World::thawed(many, "").await;
        let before = resident();
        let ran = Box::pin(carried_out(&mut world, next(), wide(20), probed())).await;
        let took = began.elapsed();
        // What the simulator keeps of what was written the first time (each object anew, beside the state that it began
        // from) it has kept by now, and its events have expired: what grows the second time grows with runs.
        world.pass(Duration::from_secs(2 * 3600)).await;
        let again = Box::pin(carried_out(&mut world, Intent::Restart, wide(20), probed())).await;
        (ran, again, before, took)
    });
    judged("upgrade", &ran);
    judged("restart", &again);
    let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
    let grown = |ran: &Ran| ran.resident.iter().map(|r| format!("{:.0}", mib(*r))).collect::<Vec<String>>().join(" ");
    table.row(
        &format!("rollout over {tenants}"),
        format!("{:.1} s", took.as_secs_f64()),
        format!(
            "{:.0} min of theirs, {} events; {} waves, {} down; simulator included",
            ran.took.as_secs_f64() / 60.0,
            ran.events,
            ran.plan.waves.len(),
            20
        ),
    );
    table.row(
        "memory of that process",
        format!("{:.0} MiB", ran.resident.last().map_or(0.0, |r| mib(*r))),
        format!("after each tenth: {} (before: {:.0}); simulator included", grown(&ran), mib(before)),
    );
    table.row(
        "the same, of a second run",
        format!("{:.0} MiB", again.resident.last().map_or(0.0, |r| mib(*r))),
        format!("after each tenth of a restart: {}", grown(&again)),
    );
    table.row(
        "record of that run",
        format!("{:.0} bytes a tenant", ran.record as f64 / tenants as f64),
        format!(
            "{:.1} writes, {:.1} reads a tenant",
            ran.asked.writes as f64 / tenants as f64,
            ran.asked.reads as f64 / tenants as f64
        ),
    );
}
