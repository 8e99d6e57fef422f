//! Images are on the nodes before anybody is taken down for them.

use fleetdeck::{
    cluster::Cluster,
    engine::{Desk, Proposal, Secrets, Wish},
    index::Entry,
    manifest::{Base, Defaults},
    plan::{Care, End, Event, Intent, News, Pace, Step},
};
use tokio::sync::mpsc;

use crate::conformance::{
    acting::{CONTROL, Operator, Told, image, ready},
    world::World,
};

told_twice! { pulling:
    images_are_on_the_nodes_before_anybody_is_taken_down
}

pub(crate) const PULLED: Care = Care { prepull: true, snapshot: false, probe: false };

/// Plans as the console and the command line do.
pub(crate) async fn propose(operator: &Operator<'_>, intent: Intent, care: Care, namespaces: &[&str]) -> Proposal {
    let entries = namespaces.iter().map(|n| operator.entry(n).clone()).collect();
    let sources = operator.watching.fleet.sources().clone();
    let wish = Wish { intent, pace: Pace::default(), care, sift: false, entries, sources, notes: Vec::new() };
    Box::pin(desk(&operator.world.cluster).propose(wish)).await.unwrap()
}

pub(crate) fn desk(cluster: &Cluster) -> Desk {
    let defaults = Defaults { control_namespace: Some(CONTROL.to_owned()), ..Defaults::default() };
    let base = Base::embedded().unwrap();
    Desk::new(cluster.clone(), fleetdeck::cluster::Scope::default(), base, defaults, "dana@test".to_owned(), false)
}

pub(crate) async fn carry_out(operator: &Operator<'_>, proposal: Proposal) -> Told {
    let work = desk(&operator.world.cluster).begin(proposal.plan, proposal.recorded, Secrets::default()).await.unwrap();
    let (_voice, orders) = fleetdeck::engine::orders(fleetdeck::engine::Order::Go);
    let (tell, mut told) = mpsc::channel::<Event>(64);
    let listen = async {
        let mut events = Vec::new();
        while let Some(event) = told.recv().await {
            events.push(event);
        }
        events
    };
    let (ledger, events) = tokio::join!(Box::pin(work.go(orders, tell, None)), listen);
    Told { ledger, events }
}

/// Pods of a run that are there still; other stories' runs may have theirs in the same namespace.
pub(crate) async fn left(world: &World, run: &str) -> usize {
    let selector = format!("fleetdeck.openclaw.ai/run={run}");
    let pods = world.cluster.objects("Pod", CONTROL, &selector).await.unwrap();
    pods.iter().filter(|pod| pod["metadata"]["deletionTimestamp"].is_null()).count()
}

fn pulled(proposal: &Proposal) -> Option<usize> {
    match &proposal.plan.opening[..] {
        [Step::Prepull { pulls, .. }] => Some(pulls.len()),
        [Step::Note { .. }] => None,
        other => panic!("{other:?}"),
    }
}

pub(crate) async fn images_are_on_the_nodes_before_anybody_is_taken_down(world: &World) {
    let mut operator = Operator::new(world).await;
    let spec = world.spec("a");
    let name = spec.namespace();
    operator.create(&spec).await;
    let before = operator.entry(&name).tenant.pod().unwrap().clone();

    let proposal = propose(&operator, image("2026.8.2"), PULLED, &[&name]).await;
    assert_eq!(pulled(&proposal), Some(1), "{:?}", proposal.plan.opening);
    let whom =
        if world.sim.is_some() { "no session is open in its browser" } else { "whom it interrupts is not known" };
    assert!(proposal.notes.iter().any(|note| note.contains(whom)), "{:?}", proposal.notes);
    let words = proposal.preview.lines().join("\n");
    assert!(words.contains("ghcr.io/openclaw/openclaw:2026.8.2 on 1 of the 1 nodes that host them"), "{words}");
    let run = proposal.plan.id.clone();
    let told = carry_out(&operator, proposal).await;
    assert_eq!(told.end(), End::Done, "{}", told.said());
    let place = |of: fn(&News) -> bool| told.events.iter().position(|e| of(&e.news)).unwrap();
    let there = place(|news| matches!(news, News::Opening { said } if said == "pre-pulled on 1 nodes"));
    assert!(there < place(|news| matches!(news, News::Step { .. })), "{}", told.said());
    // Ours is a proof of its own where ports can be forwarded, and is said to be missing where they cannot.
    let proof = if world.sim.is_some() { "its gateway answers us as 2026.8.2" } else { "not asked by us" };
    assert!(told.said().contains(proof), "{}", told.said());
    if world.sim.is_some() {
        assert!(told.said().contains("its browser answers; no new findings"), "{}", told.said());
    }
    assert_eq!(left(world, &run).await, 0, "its pods are gone");
    let moved = |e: &Entry| ready(e) && e.tenant.pod().unwrap().uid != before.uid;
    operator.watching.until(&name, "upgraded", moved).await;

    // Only a kubelet tells what it has; kwok's nodes tell nothing.
    if world.sim.is_none() {
        return;
    }
    let events = world.cluster.objects("Event", &name, "").await.unwrap();
    let pulls = events.iter().filter(|e| {
        e["reason"] == "Pulling" && e["message"].as_str().is_some_and(|m| m.contains("openclaw/openclaw:2026.8.2"))
    });
    assert_eq!(pulls.count(), 0, "the tenant's own pod had nothing to pull");
    let proposal = propose(&operator, Intent::Reprovision { image: None }, PULLED, &[&name]).await;
    assert_eq!(pulled(&proposal), None, "{:?}", proposal.plan.opening);

    // An image that cannot be had harms nobody.
    world.rule("gone", "image = 'ghcr.io/openclaw/openclaw:2026.9.9'\nfault = 'pull-error'\nmessage = 'not found'");
    let pod = operator.entry(&name).tenant.pod().unwrap().uid;
    let proposal = propose(&operator, image("2026.9.9"), PULLED, &[&name]).await;
    let run = proposal.plan.id.clone();
    let told = carry_out(&operator, proposal).await;
    let (end, said) = told.ledger.end.clone().unwrap();
    assert!(end == End::Failed && said.contains("nobody was begun") && said.contains("--no-prepull"), "{said}");
    assert!(!told.events.iter().any(|e| matches!(e.news, News::Step { .. })), "{}", told.said());
    assert_eq!(world.cluster.pod(&name, "openclaw-0").await.unwrap().unwrap().uid, pod);
    assert_eq!(left(world, &run).await, 0);

    // Without it the tenant's own pod finds out.
    let proposal = propose(&operator, image("2026.9.9"), Care::default(), &[&name]).await;
    assert!(proposal.plan.opening.is_empty());
}
