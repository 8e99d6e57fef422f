//! Nodes: made as the scenario says, and watched over as the node lifecycle controller does: a node that stops reporting
//! becomes Unknown after a while, its pods lose their Ready, and later they are marked for deletion.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::events::Type;
use super::objects::{conditions_mut, set_condition};
use super::queue::{Queue, after};
use super::scheduler::fit::tolerates;
use super::{Controller, Ctx, manager};
use crate::sim::clock::stamp;
use crate::sim::delete::DeleteOptions;
use crate::sim::kinds::{CSI_NODE, NODE, POD};
use crate::sim::object::{is_terminating, name_of, namespace_of, uid_of};
use crate::sim::scenario::{Fault, NodePool, Place, Rules, Scenario, TaintEffect};
use crate::sim::store::Change;

/// How long a node may be silent (`--node-monitor-grace-period`).
const SILENCE: Duration = Duration::from_secs(50);
/// How long pods stay on an unreachable node (the tolerations that admission gives every pod).
const TOLERATED: Duration = Duration::from_secs(300);
const UNREACHABLE: &str = "node.kubernetes.io/unreachable";
/// Conditions that keep new pods out, with the taint that the node lifecycle controller sets for each.
const PRESSED: [(&str, &str); 3] = [
    ("MemoryPressure", "node.kubernetes.io/memory-pressure"),
    ("DiskPressure", "node.kubernetes.io/disk-pressure"),
    ("PIDPressure", "node.kubernetes.io/pid-pressure"),
];
/// (type, status, reason, message) of a node that is well.
const WELL: [(&str, &str, &str, &str); 4] = [
    ("MemoryPressure", "False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
    ("DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
    ("PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
    ("Ready", "True", "KubeletReady", "kubelet is posting ready status"),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Due {
    Unknown,
    Evict,
}

/// The names of all nodes of a scenario, with the pool they are of.
pub(crate) fn names(scenario: &Scenario) -> impl Iterator<Item = (String, &NodePool)> {
    scenario.node.iter().flat_map(|pool| (1..=pool.count).map(move |n| (format!("{}-{n}", pool.name), pool)))
}

/// Whether the node's kubelet has stopped.
pub(crate) fn is_down(rules: &Rules, node: &str) -> bool {
    rules.at(&Place { node: Some(node), ..Place::default() }).fault == Fault::NodeNotReady
}

/// What the node is short of, if anything.
fn pressure(rules: &Rules, node: &str) -> Option<String> {
    let behaviour = rules.at(&Place { node: Some(node), ..Place::default() });
    (behaviour.fault == Fault::NodePressure).then(|| behaviour.message.unwrap_or_else(|| "MemoryPressure".into()))
}

/// The address of the node with that place in the list of nodes.
pub(crate) fn address(index: usize) -> String {
    format!("10.240.{}.{}", index / 250, index % 250 + 4)
}

/// The address of a pod: each node has 1024 of them.
pub(crate) fn pod_address(index: usize, host: usize) -> String {
    let at = index * 1024 + host;
    format!("10.{}.{}.{}", 64 + at / 65_536, at / 256 % 256, at % 256)
}

/// Makes the scenario's nodes, all well.
pub(crate) fn create(ctx: &Ctx) {
    for (index, (name, pool)) in names(&ctx.scenario).enumerate() {
        let now = stamp(ctx.store.now());
        let node = node(&name, pool, index, &now);
        let csi: Vec<Value> = ctx
            .scenario
            .storage_class
            .iter()
            .map(|c| c.provisioner.as_str())
            .collect::<BTreeSet<_>>()
            .into_iter()
            .map(|driver| json!({"name": driver, "nodeID": name, "topologyKeys": null, "allocatable": {"count": pool.volumes}}))
            .collect();
        // A node that is there already is kept as it is.
        let _ = ctx.store.create(NODE, node, "kubelet");
        let csi = json!({"metadata": {"name": name}, "spec": {"drivers": csi}});
        let _ = ctx.store.create(CSI_NODE, csi, "kubelet");
    }
}

fn node(name: &str, pool: &NodePool, index: usize, now: &str) -> Value {
    let mut labels = json!({
        "kubernetes.io/hostname": name, "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64",
        "beta.kubernetes.io/os": "linux", "beta.kubernetes.io/arch": "amd64",
    });
    for (key, value) in &pool.labels {
        labels[key] = value.as_str().into();
    }
    let taints: Vec<Value> = pool
        .taints
        .iter()
        .map(|t| {
            let effect = match t.effect {
                TaintEffect::NoSchedule => "NoSchedule",
                TaintEffect::PreferNoSchedule => "PreferNoSchedule",
                TaintEffect::NoExecute => "NoExecute",
            };
            let mut taint = json!({"key": t.key, "effect": effect});
            if !t.value.is_empty() {
                taint["value"] = t.value.as_str().into();
            }
            taint
        })
        .collect();
    let room: BTreeMap<String, String> = ["cpu", "memory", "pods", "ephemeral-storage"]
        .into_iter()
        .zip(["16", "64Gi", "110", "200Gi"])
        .map(|(key, usual)| {
            (key.to_owned(), pool.allocatable.get(key).map_or_else(|| usual.to_owned(), ToString::to_string))
        })
        .chain([("hugepages-1Gi".into(), "0".into()), ("hugepages-2Mi".into(), "0".into())])
        .collect();
    let conditions: Vec<Value> = WELL
        .iter()
        .map(|(kind, status, reason, message)| {
            json!({"type": kind, "status": status, "reason": reason, "message": message,
                "lastHeartbeatTime": now, "lastTransitionTime": now})
        })
        .collect();
    let mut spec = json!({
        "podCIDR": format!("{}/22", pod_address(index, 0)),
        "podCIDRs": [format!("{}/22", pod_address(index, 0))],
        "providerID": format!("sim://{name}"),
    });
    if !taints.is_empty() {
        spec["taints"] = taints.into();
    }
    json!({
        "metadata": {"name": name, "labels": labels},
        "spec": spec,
        "status": {
            "capacity": room, "allocatable": room,
            "conditions": conditions,
            "addresses": [{"type": "InternalIP", "address": address(index)}, {"type": "Hostname", "address": name}],
            "daemonEndpoints": {"kubeletEndpoint": {"Port": 10250}},
            "nodeInfo": {
                "machineID": format!("{index:032x}"), "systemUUID": format!("{index:032x}"), "bootID": format!("{index:032x}"),
                "kernelVersion": "6.8.0-sim", "osImage": "Simulated Linux", "containerRuntimeVersion": "containerd://1.7.27",
                "kubeletVersion": "v1.34.2", "kubeProxyVersion": "", "operatingSystem": "linux", "architecture": "amd64",
            },
        },
    })
}

pub(crate) struct Nodes {
    ctx: Ctx,
    down: BTreeSet<String>,
    pressed: BTreeMap<String, String>,
    queue: Queue<(String, Due)>,
}

impl Nodes {
    pub(crate) fn new(ctx: Ctx) -> Self {
        Self { ctx, down: BTreeSet::new(), pressed: BTreeMap::new(), queue: Queue::new() }
    }

    fn write(&self, name: &str, taints: &[Value], condition: impl Fn(&str) -> Value) {
        let now = stamp(self.ctx.store.now());
        // A node that was deleted is not the controller's to bring back.
        let _ = self.ctx.store.modify(NODE, "", name, |node| {
            let mut kept: Vec<Value> = super::objects::items(node, &["spec", "taints"]).to_vec();
            kept.retain(|t| t["key"] != UNREACHABLE && PRESSED.iter().all(|(_, key)| t["key"] != *key));
            kept.extend_from_slice(taints);
            if let Some(spec) = super::objects::member(node, "spec") {
                if kept.is_empty() {
                    spec.remove("taints");
                } else {
                    spec.insert("taints".into(), kept.into());
                }
            }
            if let Some(conditions) = conditions_mut(node) {
                for (kind, ..) in WELL {
                    set_condition(conditions, condition(kind), &now);
                }
            }
        });
    }

    /// The conditions of a node that reports, and may be short of something.
    fn write_well(&self, name: &str, pressed: Option<&str>) {
        let now = self.ctx.store.now();
        let beat = stamp(now);
        let taint = PRESSED
            .iter()
            .find(|(kind, _)| pressed == Some(*kind))
            .map(|(_, key)| json!({"key": key, "effect": "NoSchedule", "timeAdded": stamp(now)}));
        self.write(name, taint.as_slice(), |kind| {
            let (_, status, reason, message) = WELL.iter().find(|w| w.0 == kind).unwrap_or(&WELL[3]);
            let (status, reason, message) = match kind {
                "MemoryPressure" if pressed == Some(kind) => {
                    ("True", "KubeletHasInsufficientMemory", "kubelet has insufficient memory available")
                }
                "DiskPressure" if pressed == Some(kind) => {
                    ("True", "KubeletHasDiskPressure", "kubelet has disk pressure")
                }
                "PIDPressure" if pressed == Some(kind) => {
                    ("True", "KubeletHasInsufficientPID", "kubelet has insufficient PID available")
                }
                _ => (*status, *reason, *message),
            };
            json!({"type": kind, "status": status, "reason": reason, "message": message, "lastHeartbeatTime": beat})
        });
    }

    fn mark_unknown(&mut self, name: &str) {
        let now = self.ctx.store.now();
        let silent_since = stamp(now.checked_sub(SILENCE).unwrap_or(now));
        let taint = |effect: &str| json!({"key": UNREACHABLE, "effect": effect, "timeAdded": stamp(now)});
        self.write(name, &[taint("NoSchedule"), taint("NoExecute")], |kind| {
            json!({"type": kind, "status": "Unknown", "reason": "NodeStatusUnknown",
                "message": "Kubelet stopped posting node status.", "lastHeartbeatTime": silent_since})
        });
        if let Some(node) = self.ctx.store.get(NODE, "", name) {
            let message = format!("Node {name} status is now: NodeNotReady");
            self.ctx.events.note(manager("node-controller"), NODE, &node, Type::Normal, "NodeNotReady", message);
        }
        for pod in self.pods_on(name) {
            let now = stamp(now);
            let _ = self.ctx.store.modify(POD, namespace_of(&pod), name_of(&pod), |live| {
                let not_ready = json!({"type": "Ready", "status": "False", "lastProbeTime": null});
                if let Some(conditions) = conditions_mut(live) {
                    set_condition(conditions, not_ready, &now);
                }
            });
            let message = "Node is not ready".to_owned();
            self.ctx.events.note(manager("node-controller"), POD, &pod, Type::Warning, "NodeNotReady", message);
        }
        self.queue.add((name.to_owned(), Due::Evict), after(now, TOLERATED));
    }

    fn evict(&self, name: &str) {
        for pod in self.pods_on(name) {
            let for_ever = super::objects::items(&pod, &["spec", "tolerations"])
                .iter()
                .any(|t| t["tolerationSeconds"].is_null() && t["effect"] != "NoSchedule")
                && tolerates(&pod, UNREACHABLE, "", "NoExecute");
            if for_ever || is_terminating(&pod) {
                continue;
            }
            let message = format!("Marking for deletion Pod {}/{}", namespace_of(&pod), name_of(&pod));
            let source = manager("taint-eviction-controller");
            self.ctx.events.note(source, POD, &pod, Type::Normal, "TaintManagerEviction", message);
            let options = DeleteOptions { uid: Some(uid_of(&pod).to_owned()), ..DeleteOptions::default() };
            // Gone meanwhile: nothing left to evict.
            let _ = self.ctx.store.delete(POD, namespace_of(&pod), name_of(&pod), &options);
        }
    }

    fn pods_on(&self, node: &str) -> Vec<std::sync::Arc<Value>> {
        self.ctx.store.selected(POD, "spec.nodeName", node)
    }
}

impl Controller for Nodes {
    fn observe(&mut self, _: &Change) {}

    fn relist(&mut self) {
        self.rules_changed();
    }

    fn rules_changed(&mut self) {
        let now = self.ctx.store.now();
        for (name, _) in names(&self.ctx.scenario) {
            let down = is_down(&self.ctx.rules, &name);
            if down && self.down.insert(name.clone()) {
                self.queue.add((name.clone(), Due::Unknown), after(now, SILENCE));
            } else if !down && self.down.remove(&name) {
                self.queue.remove(&(name.clone(), Due::Unknown));
                self.queue.remove(&(name.clone(), Due::Evict));
                self.write_well(&name, None);
            }
            let pressed = pressure(&self.ctx.rules, &name);
            if !down && pressed.as_ref() != self.pressed.get(&name) {
                self.write_well(&name, pressed.as_deref());
                match pressed {
                    Some(kind) => drop(self.pressed.insert(name, kind)),
                    None => drop(self.pressed.remove(&name)),
                }
            }
        }
    }

    fn next_due(&mut self) -> Option<Timestamp> {
        self.queue.next_due()
    }

    fn step(&mut self) -> bool {
        match self.queue.pop(self.ctx.store.now()) {
            Some((name, Due::Unknown)) => self.mark_unknown(&name),
            Some((name, Due::Evict)) => self.evict(&name),
            None => return false,
        }
        true
    }
}
