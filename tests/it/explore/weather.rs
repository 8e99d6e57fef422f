//! What goes wrong around a run, while it goes.

use std::time::Duration;

use fleetdeck::{
    plan::Plan,
    sim::{Fault, Faults, Target},
};
use serde_json::json;

use super::{draw::Drawn, scene::namespace};
use crate::conformance::world::World;

/// Names of the rules that are set.
pub const RULES: [&str; 2] = ["doomed", "dead-node"];

const RESOURCES: [&str; 9] = [
    "namespaces",
    "statefulsets",
    "pods",
    "configmaps",
    "leases",
    "persistentvolumeclaims",
    "secrets",
    "resourcequotas",
    "events",
];

/// For ever; everything in it passes.
pub async fn weather(world: &World, drawn: &Drawn, plan: &Plan) {
    if let Some(doomed) = drawn.doomed {
        let text = format!("namespace = '{}'\ncontainer = 'gateway'\nfault = 'never-ready'", namespace(doomed));
        world.rule("doomed", &text);
    }
    let node = async {
        let Some((number, after, seconds)) = drawn.node else { return };
        tokio::time::sleep(Duration::from_secs(after)).await;
        world.rule("dead-node", &format!("node = 'node-{number}'\nfault = 'node-not-ready'"));
        tokio::time::sleep(Duration::from_secs(seconds)).await;
        world.sim().clear_rule("dead-node");
    };
    let mut rng = drawn.rng.clone();
    let gusts = async {
        let faults = world.sim().faults();
        for _ in 0..rng.u32(2..14) {
            match rng.u32(..8) {
                0..=4 => arm(&faults, &mut rng),
                5 => faults.cut_streams(),
                6 => {
                    world.sim().compact();
                    faults.cut_streams();
                }
                _ => meddle(world, plan, &mut rng).await,
            }
            tokio::time::sleep(Duration::from_millis(rng.u64(..15_000))).await;
        }
        // What is armed and was never hit would hit whoever comes much later.
        tokio::time::sleep(Duration::from_secs(120)).await;
        faults.clear();
    };
    tokio::join!(node, gusts);
    std::future::pending::<()>().await;
}

/// Faults of reads and writes, before and after they have their effect.
fn arm(faults: &Faults, rng: &mut fastrand::Rng) {
    for _ in 0..rng.u32(1..6) {
        let verb = ["get", "patch", "delete", "create", "update", "list", "watch"][rng.usize(..7)];
        let fault = match rng.u32(..10) {
            0 => Fault::TooManyRequests { retry_after: rng.u32(1..8) },
            1 => Fault::Unavailable,
            2 => Fault::Html,
            // The write lands, its answer does not.
            3..=5 => Fault::CutAfter(0),
            6 if verb == "watch" || verb == "list" => Fault::Gone,
            6 => Fault::Stall,
            // Longer than anybody waits for an answer, and for a lease.
            7 => {
                let by = Duration::from_secs(rng.u64(10..70));
                if ["get", "list", "watch"].contains(&verb) { Fault::Slow(by) } else { Fault::Late(by) }
            }
            _ => Fault::Slow(Duration::from_millis(rng.u64(50..9_000))),
        };
        let resource = RESOURCES[rng.usize(..RESOURCES.len())];
        faults.arm(Target::of(verb, resource), fault, Some(rng.u32(1..4)));
    }
}

/// Somebody else writes, where it is of no matter: versions move, and answers are conflicts.
async fn meddle(world: &World, plan: &Plan, rng: &mut fastrand::Rng) {
    let turns: Vec<_> = plan.turns().collect();
    let namespace = &turns[rng.usize(..turns.len())].namespace;
    let patch = json!({ "metadata": { "annotations": { "example.com/note": rng.u32(..).to_string() } } });
    let (version, kind, name) =
        [("apps/v1", "StatefulSet", "openclaw"), ("v1", "Pod", "openclaw-0"), ("v1", "ConfigMap", "openclaw-config")]
            [rng.usize(..3)];
    // One that is not there now is not written.
    _ = world.cluster.patch(version, kind, namespace, name, "somebody", &patch).await;
}
