//! What others do while a run goes: they give it orders from elsewhere, or remake what it acts on.

use std::time::Duration;

use fleetdeck::{
    cluster::Mode,
    engine::{Declined, Desk},
    manifest::{Base, render},
    plan::Plan,
};
use tokio::time::sleep;

use super::{
    draw::{Aside, Drawn},
    scene::namespace,
};
use crate::conformance::world::World;

/// How often somebody tries to be heard, under faults.
const TRIES: u32 = 30;

/// Passes when it is done.
pub async fn aside(world: &World, desk: &Desk, drawn: &Drawn, plan: &Plan) {
    let id = &plan.id;
    match drawn.aside {
        Aside::Nothing => {}
        Aside::Pauses(after, seconds) => {
            sleep(Duration::from_secs(after)).await;
            insist(async || desk.order(id, "pause").await).await;
            sleep(Duration::from_secs(seconds)).await;
            insist(async || desk.order(id, "go").await).await;
        }
        Aside::Skips(after, who) => {
            sleep(Duration::from_secs(after)).await;
            insist(async || desk.skip(id, &namespace(who)).await.map(drop)).await;
        }
        Aside::Aborts(after) => {
            sleep(Duration::from_secs(after)).await;
            insist(async || desk.abort(id).await).await;
        }
        Aside::Remakes(after, who) => {
            sleep(Duration::from_secs(after)).await;
            remake(world, who).await;
        }
    }
}

/// Until it is heard, or there is nobody to hear it.
async fn insist(say: impl AsyncFn() -> Result<(), Declined>) {
    for _ in 0..TRIES {
        match say().await {
            Ok(()) | Err(Declined::Refused(_)) => return,
            Err(_) => sleep(Duration::from_secs(3)).await,
        }
    }
}

/// Deletes a tenant with all that it has, and makes another of its name.
async fn remake(world: &World, who: &str) {
    let name = namespace(who);
    let mut first = None;
    for _ in 0..120 {
        match world.cluster.namespace_uid(&name).await {
            Ok(Some(uid)) if *first.get_or_insert(uid) == uid => {
                // Refused while it is on its way already.
                _ = world.cluster.delete_namespace(&name, uid).await;
            }
            Ok(None) => break,
            _ => {}
        }
        sleep(Duration::from_secs(2)).await;
    }
    let spec = world.spec(who);
    for _ in 0..4 {
        _ = world.token(&spec).await;
        for object in render(&Base::embedded().unwrap(), &spec).unwrap() {
            _ = world.cluster.apply(object.value(), Mode::Live).await;
        }
        _ = world.token(&spec).await;
    }
}
