//! How much room the tenants' nodes have.

use serde::Serialize;

use super::{API_VERSION, Source, Time};
use crate::{
    fleet::{At, Quantity, Text},
    index::{
        Sources,
        capacity::{Capacity, NodeRoom, Scaling, Share},
    },
};

/// `capacity -o json`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CapacityPage {
    pub api_version: &'static str,
    pub kind: &'static str,
    pub sources: Vec<Source>,
    pub at: Time,
    /// How many more tenants fit, if only those of one tier came; `null` where too little is known.
    pub fits: Vec<TierRoom>,
    pub tightest: Option<Tightest>,
    pub autoscaler: Autoscaler,
    /// What is not known and so not counted.
    pub gaps: Vec<String>,
    pub nodes: Vec<Node>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TierRoom {
    pub tier: String,
    pub more: Option<u32>,
}

#[derive(Debug, Serialize)]
pub struct Tightest {
    pub node: String,
    pub resource: &'static str,
    pub percent: u32,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Autoscaler {
    /// `would-add`, `exhausted`, `none` or `unknown`.
    pub state: &'static str,
    /// How many nodes it may add in all.
    pub nodes: Option<u32>,
    pub groups: Vec<String>,
    pub why: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Node {
    pub name: String,
    /// Why nothing new is placed on it.
    pub closed: Option<String>,
    pub tenants: u32,
    pub cpu_milli: Amount,
    pub memory_bytes: Amount,
    pub pods: Amount,
    pub disks: Amount,
    pub fits: Vec<TierRoom>,
}

#[derive(Debug, Serialize)]
pub struct Amount {
    pub taken: i64,
    /// `null` where it is not stated.
    pub whole: Option<i64>,
}

impl CapacityPage {
    pub fn of(capacity: &Capacity, sources: &Sources, now: At) -> Self {
        let tightest = capacity.tightest();
        Self {
            api_version: API_VERSION,
            kind: "Capacity",
            sources: Source::all(sources),
            at: Time(now),
            fits: rooms(capacity, &capacity.fits),
            tightest: tightest.map(|(node, resource, percent)| Tightest {
                node: node.name.to_string(),
                resource,
                percent,
            }),
            autoscaler: Autoscaler::of(&capacity.scaling),
            gaps: capacity.gaps.clone(),
            nodes: capacity.nodes.iter().map(|node| Node::of(capacity, node)).collect(),
        }
    }
}

fn rooms(capacity: &Capacity, fits: &[Option<u32>]) -> Vec<TierRoom> {
    let pairs = capacity.asks.iter().zip(fits);
    pairs.map(|(ask, more)| TierRoom { tier: ask.tier.to_string(), more: *more }).collect()
}

impl Autoscaler {
    fn of(scaling: &Scaling) -> Self {
        let (state, nodes, groups, why) = match scaling {
            Scaling::Would { groups, nodes } => {
                ("would-add", Some(*nodes), groups.iter().map(Text::to_string).collect(), None)
            }
            Scaling::Exhausted => ("exhausted", Some(0), Vec::new(), None),
            Scaling::None => ("none", None, Vec::new(), None),
            Scaling::Unknown(why) => ("unknown", None, Vec::new(), Some(why.to_string())),
        };
        Self { state, nodes, groups, why }
    }
}

impl Node {
    fn of(capacity: &Capacity, node: &NodeRoom) -> Self {
        let whole = |share: Share| Amount { taken: share.taken.value(), whole: share.whole.map(Quantity::value) };
        Self {
            name: node.name.to_string(),
            closed: node.closed.clone(),
            tenants: node.tenants,
            cpu_milli: Amount { taken: node.cpu.taken.milli(), whole: node.cpu.whole.map(Quantity::milli) },
            memory_bytes: whole(node.memory),
            pods: whole(node.pods),
            disks: whole(node.disks),
            fits: rooms(capacity, &node.fits),
        }
    }
}
