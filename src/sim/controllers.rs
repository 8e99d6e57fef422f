//! The controllers of kube-controller-manager and kube-scheduler that the simulator needs, one task each.

pub(crate) mod events;
pub(crate) mod expiry;
pub(crate) mod nodes;
pub(crate) mod objects;
pub(crate) mod queue;
pub(crate) mod quota;
pub(crate) mod scheduler;
pub(crate) mod snapshots;
pub(crate) mod statefulset;
pub(crate) mod volumes;

use std::sync::Arc;

use jiff::Timestamp;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tokio::task::JoinSet;

use self::events::{Recorder, Source};
use self::objects::Dice;
use self::queue::wait_until;
use super::kubelet;
use super::logs::Lives;
use super::scenario::{Rules, Scenario};
use super::store::{Change, Store};

/// What every controller is given.
#[derive(Clone)]
pub(crate) struct Ctx {
    pub store: Store,
    pub scenario: Arc<Scenario>,
    pub rules: Rules,
    pub dice: Dice,
    pub events: Recorder,
    pub lives: Lives,
}

impl Ctx {
    pub(crate) fn new(store: &Store, scenario: Arc<Scenario>, rules: Rules, seed: u64) -> Self {
        Self {
            events: Recorder::start(store.clone(), scenario.instant),
            store: store.clone(),
            scenario,
            rules,
            dice: Dice(seed),
            lives: Lives::default(),
        }
    }
}

/// Starts the controllers and the kubelets. They end when the set is dropped.
pub(crate) fn start(ctx: &Ctx) -> JoinSet<()> {
    nodes::create(ctx);
    volumes::create_classes(ctx);
    let mut tasks = JoinSet::new();
    tasks.spawn(drive(ctx.clone(), nodes::Nodes::new(ctx.clone())));
    tasks.spawn(drive(ctx.clone(), volumes::Volumes::new(ctx.clone())));
    tasks.spawn(drive(ctx.clone(), snapshots::Snapshots::new(ctx.clone())));
    tasks.spawn(drive(ctx.clone(), quota::Quotas::new(ctx.clone())));
    tasks.spawn(drive(ctx.clone(), statefulset::StatefulSets::new(ctx.clone())));
    tasks.spawn(drive(ctx.clone(), scheduler::Scheduler::new(ctx.clone())));
    tasks.spawn(drive(ctx.clone(), kubelet::Kubelet::new(ctx.clone())));
    tasks.spawn(drive(ctx.clone(), expiry::Expiry::new(ctx.clone())));
    tasks
}

/// The source of events of a controller in kube-controller-manager.
pub(crate) fn manager(component: &'static str) -> Source {
    Source::Old { component, host: String::new() }
}

/// A controller, driven by changes and by its own queue of due work.
pub(crate) trait Controller: Send {
    fn observe(&mut self, change: &Change);
    /// Forgets what it knows and reads everything anew: at the start, and when changes were missed.
    fn relist(&mut self);
    fn rules_changed(&mut self) {}
    fn next_due(&mut self) -> Option<Timestamp>;
    /// Does one piece of due work; false if there was none.
    fn step(&mut self) -> bool;
}

/// Changes and pieces of work done in one go, before others get the thread.
const TURN: usize = 64;

/// Runs a controller for ever.
pub(crate) async fn drive(ctx: Ctx, mut controller: impl Controller) {
    let mut changes = ctx.store.subscribe();
    let mut rules = ctx.rules.changes();
    controller.relist();
    loop {
        let mut seen = 0;
        while seen < TURN {
            match changes.try_recv() {
                Ok(change) => controller.observe(&change),
                Err(TryRecvError::Empty) => break,
                Err(TryRecvError::Lagged(_)) => controller.relist(),
                Err(TryRecvError::Closed) => return,
            }
            seen += 1;
        }
        let mut done = 0;
        while done < TURN && controller.step() {
            done += 1;
        }
        if seen == TURN || done == TURN {
            tokio::task::yield_now().await;
            continue;
        }
        tokio::select! {
            biased;
            change = changes.recv() => match change {
                Ok(change) => controller.observe(&change),
                Err(RecvError::Lagged(_)) => controller.relist(),
                Err(RecvError::Closed) => return,
            },
            () = rules.next() => controller.rules_changed(),
            () = wait_until(&ctx.store, controller.next_due()) => {}
        }
    }
}
