//! The scheduler: finds a node for every pod, or says why there is none.

pub(crate) mod fit;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use self::fit::{Node, Resources, sentence};
use super::events::{Source, Type};
use super::objects::{Key, claims_of, conditions_mut, is_finished, key_of, node_of, set_condition};
use super::queue::{Queue, after};
use super::volumes::pv;
use super::{Controller, Ctx, nodes};
use crate::sim::clock::stamp;
use crate::sim::history::EventType;
use crate::sim::kinds::{NODE, POD, PVC, STORAGE_CLASS};
use crate::sim::object::{is_terminating, name_of, namespace_of, text_at, uid_of};
use crate::sim::store::Change;

const FIRST_BACKOFF: Duration = Duration::from_secs(1);
const LAST_BACKOFF: Duration = Duration::from_secs(10);
const SELECTED_NODE: &str = "volume.kubernetes.io/selected-node";

pub(crate) struct Scheduler {
    ctx: Ctx,
    nodes: BTreeMap<String, Node>,
    /// By UID: where a pod sits and what it uses there.
    placed: HashMap<String, (String, Resources)>,
    queue: Queue<Key>,
    /// Pods that did not fit, with how often they were tried and when the last try was.
    refused: BTreeMap<Key, (u32, Timestamp)>,
    /// Pods that have their node and wait for volumes there.
    reserved: BTreeMap<Key, String>,
}

/// How a try ended without a node.
enum Refusal {
    /// The message of the condition and of the event.
    Unschedulable(String),
    Gated,
    /// Volumes are being made on the chosen node.
    Waiting,
}

fn volumes_of(ctx: &Ctx, node: &str) -> u32 {
    nodes::names(&ctx.scenario).find(|(name, _)| name == node).map_or(64, |(_, pool)| pool.volumes)
}

impl Scheduler {
    pub(crate) fn new(ctx: Ctx) -> Self {
        Self {
            ctx,
            nodes: BTreeMap::new(),
            placed: HashMap::new(),
            queue: Queue::new(),
            refused: BTreeMap::new(),
            reserved: BTreeMap::new(),
        }
    }

    fn place(&mut self, uid: &str, node: &str, uses: Resources) {
        if self.placed.contains_key(uid) {
            return;
        }
        self.placed.insert(uid.to_owned(), (node.to_owned(), uses));
        let there = self.nodes.entry(node.to_owned()).or_default();
        there.used = there.used.plus(uses);
    }

    fn free(&mut self, uid: &str) -> bool {
        let Some((node, uses)) = self.placed.remove(uid) else {
            return false;
        };
        if let Some(there) = self.nodes.get_mut(&node) {
            there.used = there.used.minus(uses);
        }
        true
    }

    fn observe_pod(&mut self, pod: &Value, event: EventType) {
        let key = key_of(pod);
        if event == EventType::Deleted || is_finished(pod) {
            self.queue.remove(&key);
            self.refused.remove(&key);
            self.reserved.remove(&key);
            if self.free(uid_of(pod)) {
                self.try_refused_again();
            }
        } else if !node_of(pod).is_empty() {
            if self.placed.contains_key(uid_of(pod)) {
                return;
            }
            self.place(uid_of(pod), node_of(pod), Resources::of_pod(pod));
        } else if !self.refused.contains_key(&key) && !self.reserved.contains_key(&key) {
            self.queue.add(key, self.ctx.store.now());
        }
    }

    /// Something changed that may let refused pods fit; each waits for its own back-off.
    fn try_refused_again(&mut self) {
        for (key, (tries, last)) in &self.refused {
            let wait = FIRST_BACKOFF.saturating_mul(1 << (tries - 1).min(8)).min(LAST_BACKOFF);
            self.queue.add(key.clone(), after(*last, wait));
        }
    }

    fn schedule(&mut self, key: &Key) {
        let Some(pod) = self.ctx.store.get(POD, &key.0, &key.1) else {
            return;
        };
        // Another scheduler's pods are its own.
        let ours = matches!(text_at(&pod, &["spec", "schedulerName"]), "" | "default-scheduler");
        if !ours || !node_of(&pod).is_empty() || is_terminating(&pod) {
            return;
        }
        match self.choose(key, &pod) {
            Ok(node) => self.bind(key, &pod, &node),
            Err(Refusal::Waiting) => {}
            Err(Refusal::Gated) => {
                self.say(&pod, "SchedulingGated", "Scheduling is blocked due to non-empty scheduling gates");
            }
            Err(Refusal::Unschedulable(message)) => {
                let now = self.ctx.store.now();
                let tries = self.refused.entry(key.clone()).or_insert((0, now));
                *tries = (tries.0 + 1, now);
                self.say(&pod, "Unschedulable", &message);
                self.event(&pod, Type::Warning, "FailedScheduling", "Scheduling", message);
            }
        }
    }

    fn choose(&mut self, key: &Key, pod: &Value) -> Result<String, Refusal> {
        if pod["spec"]["schedulingGates"].as_array().is_some_and(|g| !g.is_empty()) {
            return Err(Refusal::Gated);
        }
        let total = self.nodes.len();
        let refuse = |why: String| Err(Refusal::Unschedulable(why));
        if total == 0 {
            return refuse("no nodes available to schedule pods".into());
        }
        let (mut unbound, mut zones) = (vec![], vec![]);
        for name in claims_of(pod) {
            let refused =
                |why: &str| Refusal::Unschedulable(format!("0/{total} nodes are available: {why}. not found"));
            let Some(claim) = self.ctx.store.get(PVC, &key.0, name) else {
                return Err(refused(&format!("persistentvolumeclaim \"{name}\" not found")));
            };
            if is_terminating(&claim) {
                return Err(refused(&format!("persistentvolumeclaim \"{name}\" is being deleted")));
            }
            if text_at(&claim, &["status", "phase"]) == "Lost" {
                let volume = text_at(&claim, &["spec", "volumeName"]);
                let why =
                    format!("persistentvolumeclaim \"{name}\" bound to non-existent persistentvolume \"{volume}\"");
                return Err(refused(&why));
            }
            if text_at(&claim, &["spec", "volumeName"]).is_empty() {
                let class = text_at(&claim, &["spec", "storageClassName"]);
                let class = self.ctx.store.get(STORAGE_CLASS, "", class);
                if class.is_none_or(|c| c["volumeBindingMode"] != "WaitForFirstConsumer") {
                    return Err(refused("pod has unbound immediate PersistentVolumeClaims"));
                }
                unbound.push(name.to_owned());
            } else if text_at(&claim, &["status", "phase"]) != "Bound" {
                unbound.push(name.to_owned());
            } else {
                zones.extend(pv::zone(&self.ctx, &claim));
            }
        }
        let node = match self.reserved.get(key) {
            Some(node) => node.clone(),
            None => self.roomiest(pod, &zones, total)?,
        };
        if unbound.is_empty() {
            self.reserved.remove(key);
            return Ok(node);
        }
        // The room is taken now; the pod is bound when its volumes are.
        self.place(uid_of(pod), &node, Resources::of_pod(pod));
        self.reserved.insert(key.clone(), node.clone());
        self.refused.remove(key);
        for name in unbound {
            // A claim that vanished meanwhile is found missing at the next try.
            let _ = self.ctx.store.modify(PVC, &key.0, &name, |claim| {
                if claim["metadata"]["annotations"][SELECTED_NODE].is_null() {
                    claim["metadata"]["annotations"][SELECTED_NODE] = node.as_str().into();
                }
            });
        }
        Err(Refusal::Waiting)
    }

    /// The node with the most room, the first by name among equals.
    fn roomiest(&self, pod: &Value, zones: &[String], total: usize) -> Result<String, Refusal> {
        let asks = Resources::of_pod(pod);
        let mut best: Option<(i128, &String)> = None;
        let mut reasons: BTreeMap<String, usize> = BTreeMap::new();
        let (mut helpless, mut hopeful) = (0, 0);
        for (name, node) in &self.nodes {
            let (refusals, preemption_may_help) = node.refusals(pod, zones, asks);
            if refusals.is_empty() {
                let load = node.load_with(asks);
                if best.is_none_or(|(least, _)| load < least) {
                    best = Some((load, name));
                }
                continue;
            }
            if preemption_may_help {
                hopeful += 1;
            } else {
                helpless += 1;
            }
            for reason in refusals.into_iter().collect::<BTreeSet<_>>() {
                *reasons.entry(reason).or_default() += 1;
            }
        }
        best.map(|(_, name)| name.clone())
            .ok_or_else(|| Refusal::Unschedulable(sentence(total, &reasons, helpless, hopeful)))
    }

    fn bind(&mut self, key: &Key, pod: &Value, node: &str) {
        let now = stamp(self.ctx.store.now());
        let uid = uid_of(pod).to_owned();
        let bound = self.ctx.store.modify(POD, &key.0, &key.1, |live| {
            if uid_of(live) != uid || is_terminating(live) {
                return;
            }
            live["spec"]["nodeName"] = node.into();
            let scheduled = json!({"type": "PodScheduled", "status": "True", "lastProbeTime": null});
            if let Some(conditions) = conditions_mut(live) {
                set_condition(conditions, scheduled, &now);
            }
        });
        self.refused.remove(key);
        if let Ok(bound) = bound
            && node_of(&bound) == node
        {
            self.place(&uid, node, Resources::of_pod(pod));
            let message = format!("Successfully assigned {}/{} to {node}", key.0, key.1);
            self.event(pod, Type::Normal, "Scheduled", "Binding", message);
        }
    }

    /// Writes PodScheduled=False.
    fn say(&self, pod: &Value, reason: &str, message: &str) {
        let now = stamp(self.ctx.store.now());
        // A pod that is gone needs no condition.
        let _ = self.ctx.store.modify(POD, namespace_of(pod), name_of(pod), |live| {
            let mut new = json!({
                "type": "PodScheduled", "status": "False", "reason": reason, "message": message,
                "lastProbeTime": null,
            });
            if reason == "Unschedulable" {
                new["observedGeneration"] = live["metadata"]["generation"].clone();
            }
            if let Some(conditions) = conditions_mut(live) {
                set_condition(conditions, new, &now);
            }
        });
    }

    fn event(&self, pod: &Value, r#type: Type, reason: &'static str, action: &'static str, message: String) {
        self.ctx.events.note(Source::New { action }, POD, pod, r#type, reason, message);
    }
}

/// The pods of one namespace, or of all.
fn within<'a, T>(pods: &'a BTreeMap<Key, T>, namespace: &'a str, all: bool) -> impl Iterator<Item = &'a Key> {
    let from = if all { "" } else { namespace };
    let from = (from.to_owned(), String::new());
    pods.range(from..).map(|(key, _)| key).take_while(move |key| all || key.0 == namespace)
}

impl Controller for Scheduler {
    fn observe(&mut self, change: &Change) {
        let object = &change.object;
        if change.kind == POD {
            self.observe_pod(object, change.event);
        } else if change.kind == NODE {
            let name = name_of(object).to_owned();
            if change.event == EventType::Deleted {
                self.nodes.remove(&name);
            } else {
                let volumes = volumes_of(&self.ctx, &name);
                self.nodes.entry(name).or_default().read(object, volumes);
                self.try_refused_again();
            }
        } else if change.kind == PVC || change.kind == STORAGE_CLASS {
            let now = self.ctx.store.now();
            let all = change.kind == STORAGE_CLASS;
            let waiting = within(&self.reserved, namespace_of(object), all).chain(within(
                &self.refused,
                namespace_of(object),
                all,
            ));
            for key in waiting {
                self.queue.add(key.clone(), now);
            }
        }
    }

    fn relist(&mut self) {
        self.nodes.clear();
        self.placed.clear();
        let now = self.ctx.store.now();
        for node in self.ctx.store.list(NODE, None) {
            let volumes = volumes_of(&self.ctx, name_of(&node));
            self.nodes.entry(name_of(&node).to_owned()).or_default().read(&node, volumes);
        }
        for pod in self.ctx.store.list(POD, None) {
            if !node_of(&pod).is_empty() && !is_finished(&pod) {
                self.place(uid_of(&pod), node_of(&pod), Resources::of_pod(&pod));
            } else if node_of(&pod).is_empty() {
                let key = key_of(&pod);
                if let Some(node) = self.reserved.get(&key).cloned() {
                    self.place(uid_of(&pod), &node, Resources::of_pod(&pod));
                }
                self.queue.add(key, now);
            }
        }
    }

    fn next_due(&mut self) -> Option<Timestamp> {
        self.queue.next_due()
    }

    fn step(&mut self) -> bool {
        let Some(key) = self.queue.pop(self.ctx.store.now()) else {
            return false;
        };
        self.schedule(&key);
        true
    }
}
