//! What pods share across nodes: addresses, and which node a ReadWriteOnce volume is attached to.

use std::collections::{BTreeSet, HashMap};

use crate::sim::controllers::nodes;
use crate::sim::scenario::Scenario;

/// Addresses of a node that pods get; the ones below are its own.
const HOSTS: std::ops::Range<usize> = 2..1022;

pub(super) struct Network {
    nodes: HashMap<String, usize>,
    /// By node: the next address never used, and those given back.
    next: HashMap<usize, usize>,
    free: HashMap<usize, BTreeSet<usize>>,
    taken: HashMap<Box<str>, (usize, usize)>,
    /// By namespace/claim: the node, and the pods there that have it.
    attached: HashMap<String, (Box<str>, BTreeSet<Box<str>>)>,
    claims: HashMap<Box<str>, Vec<String>>,
    /// By pod: VolumeAttachments that were made for it. By name: how many pods there are that one was made for.
    orders: HashMap<Box<str>, BTreeSet<String>>,
    holders: HashMap<String, usize>,
}

impl Network {
    pub(super) fn new(scenario: &Scenario) -> Self {
        Self {
            nodes: nodes::names(scenario).enumerate().map(|(i, (name, _))| (name, i)).collect(),
            next: HashMap::new(),
            free: HashMap::new(),
            taken: HashMap::new(),
            attached: HashMap::new(),
            claims: HashMap::new(),
            orders: HashMap::new(),
            holders: HashMap::new(),
        }
    }

    /// The node's own address; empty for a node that the scenario does not have.
    pub(super) fn host(&self, node: &str) -> String {
        self.nodes.get(node).map(|i| nodes::address(*i)).unwrap_or_default()
    }

    /// Gives a pod an address of its node.
    pub(super) fn address(&mut self, node: &str, pod: &str) -> String {
        let index = self.nodes.get(node).copied().unwrap_or(self.nodes.len());
        let (_, host) = *self.taken.entry(pod.into()).or_insert_with(|| {
            // Fresh addresses first: an old one may still be in somebody's cache.
            let next = self.next.entry(index).or_insert(HOSTS.start);
            if *next < HOSTS.end {
                *next += 1;
                return (index, *next - 1);
            }
            let free = self.free.entry(index).or_default();
            (index, free.pop_first().unwrap_or(HOSTS.end))
        });
        nodes::pod_address(index, host)
    }

    /// A pod has this address already.
    pub(super) fn keep(&mut self, node: &str, pod: &str, address: &str) {
        let index = self.nodes.get(node).copied().unwrap_or(self.nodes.len());
        if let Some(host) = HOSTS.clone().find(|host| nodes::pod_address(index, *host) == address) {
            self.taken.insert(pod.into(), (index, host));
            let next = self.next.entry(index).or_insert(HOSTS.start);
            *next = (*next).max(host + 1);
        }
    }

    pub(super) fn attach(&mut self, namespace: &str, claim: &str, node: &str, pod: &str) {
        let key = format!("{namespace}/{claim}");
        self.claims.entry(pod.into()).or_default().push(key.clone());
        let entry = self.attached.entry(key).or_insert_with(|| (node.into(), BTreeSet::new()));
        entry.1.insert(pod.into());
    }

    /// A VolumeAttachment was made for this pod, or it uses one that was.
    pub(super) fn order(&mut self, pod: &str, attachment: String) {
        if self.orders.entry(pod.into()).or_default().insert(attachment.clone()) {
            *self.holders.entry(attachment).or_default() += 1;
        }
    }

    /// The other node that has the volume.
    pub(super) fn attached_elsewhere(&self, namespace: &str, claim: &str, node: &str) -> Option<&str> {
        let (there, _) = self.attached.get(&format!("{namespace}/{claim}"))?;
        (&**there != node).then_some(there)
    }

    /// A pod is gone: its address and its volumes are free. The VolumeAttachments that nobody needs any more.
    pub(super) fn release(&mut self, pod: &str) -> Vec<String> {
        if let Some((node, host)) = self.taken.remove(pod) {
            self.free.entry(node).or_default().insert(host);
        }
        for key in self.claims.remove(pod).unwrap_or_default() {
            if let Some((_, pods)) = self.attached.get_mut(&key) {
                pods.remove(pod);
                if pods.is_empty() {
                    self.attached.remove(&key);
                }
            }
        }
        let mut over = Vec::new();
        for name in self.orders.remove(pod).unwrap_or_default() {
            let holders = self.holders.entry(name.clone()).or_default();
            *holders = holders.saturating_sub(1);
            if *holders == 0 {
                self.holders.remove(&name);
                over.push(name);
            }
        }
        over
    }
}
