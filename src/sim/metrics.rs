//! What containers, nodes and volumes use: a function of rules and time, so nothing is stored.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, de::IgnoredAny};
use serde_json::{Value, json};

use super::clock::stamp;
use super::controllers::Ctx;
use super::controllers::nodes;
use super::controllers::queue::since;
use super::kinds::{POD, PVC};
use super::object::{Stored, name_of, namespace_of, text_at};
use super::scenario::{Amount, Place};

/// Numbers move this often, as metrics-server's do.
const WINDOW: i64 = 15;
/// The kubelet measures volumes about once a minute.
const VOLUME_WINDOW: i64 = 60;

/// What one container uses.
struct Usage {
    nanocores: i128,
    bytes: i128,
}

fn tick(now: Timestamp, window: i64) -> Timestamp {
    let second = now.as_second();
    Timestamp::from_second(second - second.rem_euclid(window)).unwrap_or(now)
}

/// What figures are made of; read past all else, because every round asks for every pod of the cluster.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Pod {
    metadata: Meta,
    spec: Spec,
    status: PodStatus,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Meta {
    name: Box<str>,
    namespace: Box<str>,
    uid: Box<str>,
    labels: Value,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Spec {
    node_name: Box<str>,
    containers: Vec<Container>,
    init_containers: Vec<Container>,
    volumes: Vec<Volume>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Container {
    name: Box<str>,
    image: Box<str>,
    resources: Resources,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Resources {
    limits: BTreeMap<Box<str>, Value>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Volume {
    name: Box<str>,
    persistent_volume_claim: Option<OfClaim>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct OfClaim {
    claim_name: Box<str>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct PodStatus {
    start_time: Value,
    container_statuses: Vec<ContainerStatus>,
    init_container_statuses: Vec<ContainerStatus>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ContainerStatus {
    name: Box<str>,
    state: State,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct State {
    running: Option<IgnoredAny>,
}

impl Pod {
    /// `None` where what is stored is no pod.
    pub(crate) fn of(stored: &Stored) -> Option<Self> {
        serde_json::from_slice(&stored.bytes()).ok()
    }

    /// The containers that run, as the spec has them.
    fn running(&self) -> impl Iterator<Item = &Container> {
        let statuses = || self.status.container_statuses.iter().chain(&self.status.init_container_statuses);
        let runs = move |name: &str| statuses().any(|c| *c.name == *name && c.state.running.is_some());
        self.spec.containers.iter().chain(&self.spec.init_containers).filter(move |c| runs(&c.name))
    }

    fn uses(&self, ctx: &Ctx, container: &Container, now: Timestamp) -> Usage {
        let name = &*container.name;
        let behaviour = ctx.rules.at(&Place {
            namespace: Some(&self.metadata.namespace),
            pod: Some(&self.metadata.name),
            container: Some(name),
            image: Some(&container.image),
            claim: None,
            node: Some(&self.spec.node_name),
        });
        let moment = tick(now, WINDOW).to_string();
        // A little unrest: 85 to 115 per cent of what the rules say.
        let unrest = |what: &str, milli: i128| {
            let part = ctx.dice.unit(&[what, &self.metadata.uid, name, &moment]);
            milli * (850 + (part * 300.0) as i128) / 1000
        };
        let limit = |resource: &str| {
            let limit = container.resources.limits.get(resource).and_then(Value::as_str).unwrap_or_default();
            Amount::parse(limit).map_or(i128::MAX, Amount::milli)
        };
        Usage {
            nanocores: unrest("cpu", behaviour.cpu.milli()).min(limit("cpu")) * 1_000_000,
            bytes: unrest("memory", behaviour.memory.milli()).min(limit("memory")) / 1000,
        }
    }
}

/// A `PodMetrics`; none for a pod of which nothing runs.
pub(crate) fn pod(ctx: &Ctx, pod: &Pod) -> Option<Value> {
    let now = ctx.store.now();
    let containers: Vec<Value> = pod
        .running()
        .map(|c| {
            let usage = pod.uses(ctx, c, now);
            json!({"name": c.name, "usage": {
                "cpu": format!("{}n", usage.nanocores), "memory": format!("{}Ki", usage.bytes / 1024)}})
        })
        .collect();
    if containers.is_empty() {
        return None;
    }
    Some(json!({
        "kind": "PodMetrics", "apiVersion": "metrics.k8s.io/v1beta1",
        "metadata": {
            "name": pod.metadata.name, "namespace": pod.metadata.namespace, "labels": pod.metadata.labels,
            "creationTimestamp": stamp(now),
        },
        "timestamp": stamp(tick(now, WINDOW)), "window": "15s",
        "containers": containers,
    }))
}

fn on_node(ctx: &Ctx, node: &str) -> Vec<Pod> {
    let all = ctx.store.stored(POD, None).1;
    all.iter().filter(|pod| pod.field("spec.nodeName") == node).filter_map(|pod| Pod::of(pod)).collect()
}

fn node_usage(ctx: &Ctx, pods: &[Pod], now: Timestamp) -> Usage {
    // What the system itself takes.
    let mut sum = Usage { nanocores: 120_000_000, bytes: 900 << 20 };
    for pod in pods {
        for container in pod.running() {
            let usage = pod.uses(ctx, container, now);
            sum.nanocores += usage.nanocores;
            sum.bytes += usage.bytes;
        }
    }
    sum
}

/// A `NodeMetrics`; none while the node's kubelet is silent.
pub(crate) fn node(ctx: &Ctx, node: &Value) -> Option<Value> {
    let name = name_of(node);
    if nodes::is_down(&ctx.rules, name) {
        return None;
    }
    let now = ctx.store.now();
    let usage = node_usage(ctx, &on_node(ctx, name), now);
    Some(json!({
        "kind": "NodeMetrics", "apiVersion": "metrics.k8s.io/v1beta1",
        "metadata": {"name": name, "labels": node["metadata"]["labels"], "creationTimestamp": stamp(now)},
        "timestamp": stamp(tick(now, WINDOW)), "window": "20s",
        "usage": {"cpu": format!("{}n", usage.nanocores), "memory": format!("{}Ki", usage.bytes / 1024)},
    }))
}

/// The kubelet's `stats/summary`.
pub(crate) fn summary(ctx: &Ctx, node: &Value) -> Value {
    let (name, now) = (name_of(node), ctx.store.now());
    let pods = on_node(ctx, name);
    let usage = node_usage(ctx, &pods, now);
    let amount = |key: &str| Amount::parse(text_at(node, &["status", "capacity", key])).map_or(0, Amount::value);
    let (memory, disk) = (amount("memory"), amount("ephemeral-storage"));
    let time = stamp(tick(now, WINDOW));
    let stats: Vec<Value> = pods.iter().filter_map(|p| pod_stats(ctx, p, now)).collect();
    json!({
        "node": {
            "nodeName": name, "startTime": node["metadata"]["creationTimestamp"],
            "cpu": {"time": time, "usageNanoCores": number(usage.nanocores)},
            "memory": {"time": time, "availableBytes": number(memory - usage.bytes), "usageBytes": number(usage.bytes * 6 / 5),
                "workingSetBytes": number(usage.bytes), "rssBytes": number(usage.bytes * 4 / 5)},
            "fs": filesystem(&time, disk, disk / 4, 13_107_200),
            "runtime": {"imageFs": filesystem(&time, disk, disk / 6, 13_107_200)},
        },
        "pods": stats,
    })
}

fn pod_stats(ctx: &Ctx, pod: &Pod, now: Timestamp) -> Option<Value> {
    let time = stamp(tick(now, WINDOW));
    let (mut cpu, mut memory) = (0, 0);
    let containers: Vec<Value> = pod
        .running()
        .map(|c| {
            let usage = pod.uses(ctx, c, now);
            cpu += usage.nanocores;
            memory += usage.bytes;
            json!({
                "name": c.name, "startTime": pod.status.start_time,
                "cpu": {"time": time, "usageNanoCores": number(usage.nanocores)},
                "memory": {"time": time, "workingSetBytes": number(usage.bytes), "rssBytes": number(usage.bytes * 4 / 5)},
                "rootfs": {"time": time, "usedBytes": 61_440, "inodesUsed": 19},
                "logs": {"time": time, "usedBytes": 20_480, "inodesUsed": 1},
            })
        })
        .collect();
    if containers.is_empty() {
        return None;
    }
    let namespace = &*pod.metadata.namespace;
    let of = |v: &Volume| {
        let claim = &*v.persistent_volume_claim.as_ref()?.claim_name;
        let mut stats = volume(ctx, &*ctx.store.get(PVC, namespace, claim)?, now)?;
        stats["name"] = (*v.name).into();
        stats["pvcRef"] = json!({"name": claim, "namespace": namespace});
        Some(stats)
    };
    let volumes: Vec<Value> = pod.spec.volumes.iter().filter_map(of).collect();
    Some(json!({
        "podRef": {"name": pod.metadata.name, "namespace": namespace, "uid": pod.metadata.uid},
        "startTime": pod.status.start_time,
        "containers": containers,
        "cpu": {"time": time, "usageNanoCores": number(cpu)},
        "memory": {"time": time, "workingSetBytes": number(memory), "rssBytes": number(memory * 4 / 5)},
        "volume": volumes,
        "ephemeral-storage": {"time": time, "usedBytes": 102_400, "inodesUsed": 32},
    }))
}

/// How full a bound claim's file system is: what it began with, and what has come since.
pub(crate) fn volume(ctx: &Ctx, claim: &Value, now: Timestamp) -> Option<Value> {
    let capacity = Amount::parse(text_at(claim, &["status", "capacity", "storage"]))?.value();
    let place = Place { namespace: Some(namespace_of(claim)), claim: Some(name_of(claim)), ..Place::default() };
    let behaviour = ctx.rules.at(&place);
    let moment = tick(now, VOLUME_WINDOW);
    let made: Timestamp = text_at(claim, &["metadata", "creationTimestamp"]).parse().ok()?;
    let hours = since(made, moment).as_secs_f64() / 3600.0;
    let begun = behaviour.fill_percent.at(ctx.dice.unit(&["fill", namespace_of(claim), name_of(claim)])).as_secs_f64();
    let percent = (begun + behaviour.growth_percent_per_hour * hours).clamp(0.0, 100.0);
    // ext4 keeps some blocks for itself.
    let usable = capacity * 98 / 100;
    let used = usable * (percent * 1e6) as i128 / 100_000_000;
    let inodes = capacity / 16_384;
    let inode_percent = behaviour.inodes_percent.unwrap_or(percent / 4.0).clamp(0.0, 100.0);
    let mut stats = filesystem(&stamp(moment), usable, used, inodes);
    let inodes_used = inodes * (inode_percent * 1e6) as i128 / 100_000_000;
    stats["inodesUsed"] = number(inodes_used);
    stats["inodesFree"] = number(inodes - inodes_used);
    Some(stats)
}

fn filesystem(time: &str, capacity: i128, used: i128, inodes: i128) -> Value {
    let inodes_used = inodes / 12;
    json!({
        "time": time, "capacityBytes": number(capacity), "usedBytes": number(used), "availableBytes": number(capacity - used),
        "inodes": number(inodes), "inodesUsed": number(inodes_used), "inodesFree": number(inodes - inodes_used),
    })
}

fn number(n: i128) -> Value {
    u64::try_from(n).unwrap_or(0).into()
}
