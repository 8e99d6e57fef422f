//! The kubelets of all nodes, in one task: pods by UID, each with its agenda, and one queue of who is due when.

mod container;
pub(crate) mod images;
mod needs;
mod network;
mod pod;

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use self::images::Images;
use self::network::Network;
use self::pod::{Env, Pod};
use super::controllers::objects::{is_finished, node_of};
use super::controllers::queue::{Queue, after};
use super::controllers::{Controller, Ctx, nodes, volumes::attachment};
use super::history::EventType;
use super::kinds::POD;
use super::object::uid_of;
use super::store::Change;

/// After so long the attach-detach controller detaches what a silent node does not unmount.
const FORCED_OFF: Duration = Duration::from_secs(360);

pub(crate) struct Kubelet {
    ctx: Ctx,
    pods: HashMap<Box<str>, Pod>,
    queue: Queue<Box<str>>,
    images: Images,
    network: Network,
    /// Nodes whose kubelet does nothing.
    down: BTreeSet<String>,
}

impl Kubelet {
    pub(crate) fn new(ctx: Ctx) -> Self {
        Self {
            network: Network::new(&ctx.scenario),
            ctx,
            pods: HashMap::new(),
            queue: Queue::new(),
            images: Images::default(),
            down: BTreeSet::new(),
        }
    }

    fn observe_pod(&mut self, object: &Value, event: EventType) {
        let uid = uid_of(object);
        if event == EventType::Deleted {
            self.forget(uid);
            return;
        }
        if node_of(object).is_empty() {
            return;
        }
        let mut env = Env { ctx: &self.ctx, images: &mut self.images, network: &mut self.network };
        match self.pods.get_mut(uid) {
            Some(pod) => {
                if pod.observe(object, &mut env) || pod.has_gates() {
                    self.go_on(uid.into(), true);
                }
            }
            None if is_finished(object) => {}
            // A kubelet that was just started finds containers running, and leaves them so.
            None if Pod::runs(object) => {
                let pod = Pod::found(object, &mut env);
                self.pods.insert(uid.into(), pod);
                self.go_on(uid.into(), false);
            }
            None => {
                let mut pod = Pod::new(object, &mut env);
                pod.observe(object, &mut env);
                self.pods.insert(uid.into(), pod);
                self.go_on(uid.into(), true);
            }
        }
    }

    fn forget(&mut self, uid: &str) {
        let Some(pod) = self.pods.remove(uid) else { return };
        self.ctx.lives.forget(uid);
        if self.down.contains(&*pod.node) {
            // Nobody unmounts there: its volumes stay attached until the controller forces them off.
            self.queue.set(uid.into(), after(self.ctx.store.now(), FORCED_OFF));
        } else {
            self.queue.remove(&uid.into());
            self.release(uid);
        }
    }

    fn release(&mut self, uid: &str) {
        for order in self.network.release(uid) {
            attachment::detached(&self.ctx, &order);
        }
    }

    /// Lets a pod do what is due, writes its status if anything moved, and queues it for its next step.
    fn go_on(&mut self, uid: Box<str>, moved: bool) {
        let Some(pod) = self.pods.get_mut(&uid) else {
            self.release(&uid);
            return;
        };
        if self.down.contains(&*pod.node) {
            return;
        }
        let mut env = Env { ctx: &self.ctx, images: &mut self.images, network: &mut self.network };
        let moved = pod.advance(&mut env) || moved;
        if moved {
            pod.write(&self.ctx);
        }
        if pod.gone {
            let (namespace, name) = (pod.namespace.clone(), pod.name.clone());
            self.forget(&uid);
            self.ctx.store.remove(POD, &namespace, &name, &uid);
            return;
        }
        match pod.next_due() {
            Some(at) => self.queue.set(uid, at),
            None => self.queue.remove(&uid),
        }
    }

    fn look_at_nodes(&mut self) -> BTreeSet<String> {
        let down = nodes::names(&self.ctx.scenario)
            .map(|(name, _)| name)
            .filter(|name| nodes::is_down(&self.ctx.rules, name))
            .collect();
        std::mem::replace(&mut self.down, down)
    }
}

impl Controller for Kubelet {
    fn observe(&mut self, change: &Change) {
        if change.kind == POD {
            self.observe_pod(&change.object, change.event);
        }
    }

    fn relist(&mut self) {
        self.look_at_nodes();
        let mut there = BTreeSet::new();
        for pod in self.ctx.store.list(POD, None) {
            there.insert(Box::<str>::from(uid_of(&pod)));
            self.observe_pod(&pod, EventType::Modified);
        }
        let gone: Vec<Box<str>> = self.pods.keys().filter(|uid| !there.contains(*uid)).cloned().collect();
        for uid in gone {
            self.forget(&uid);
        }
    }

    fn rules_changed(&mut self) {
        let was_down = self.look_at_nodes();
        // In a fixed order, so that one seed tells one story.
        let mut uids: Vec<Box<str>> = self.pods.keys().cloned().collect();
        uids.sort();
        for uid in uids {
            let mut env = Env { ctx: &self.ctx, images: &mut self.images, network: &mut self.network };
            let Some(pod) = self.pods.get_mut(&uid) else { continue };
            let back = was_down.contains(&*pod.node) && !self.down.contains(&*pod.node);
            let moved = pod.rules_changed(&mut env) || back;
            self.go_on(uid, moved);
        }
    }

    fn next_due(&mut self) -> Option<Timestamp> {
        self.queue.next_due()
    }

    fn step(&mut self) -> bool {
        let Some(uid) = self.queue.pop(self.ctx.store.now()) else {
            return false;
        };
        self.go_on(uid, false);
        true
    }
}
