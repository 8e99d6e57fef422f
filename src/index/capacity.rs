//! How much room the tenants' nodes have: what each gives and has given away, and how many more tenants fit.

use std::collections::BTreeMap;

use super::Fleet;
use crate::fleet::{At, Node, Pod, PodPhase, Quantity, Text, fit};

/// What stands on a node.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Load {
    pub cpu: Quantity,
    pub memory: Quantity,
    pub pods: u32,
}

impl Load {
    pub fn add(&mut self, cpu: Quantity, memory: Quantity) {
        self.cpu = self.cpu.saturating_add(cpu);
        self.memory = self.memory.saturating_add(memory);
        self.pods += 1;
    }
}

/// A group of nodes that an autoscaler looks after.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    pub name: Text,
    pub size: Option<u32>,
    pub most: Option<u32>,
}

/// What is not watched and was listed when somebody asked. Each part is there, or the reason why it is not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PoolFacts {
    pub at: At,
    /// Pods of others on each node.
    pub others: Result<BTreeMap<Text, Load>, Text>,
    /// Per node the storage drivers that state how many disks they attach at most.
    pub disks: Result<BTreeMap<Text, Vec<(Text, u32)>>, Text>,
    /// The autoscaler's groups; none where there is no autoscaler that tells of itself.
    pub groups: Result<Vec<Group>, Text>,
}

/// What one more tenant of a tier takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OneMore {
    pub tier: Text,
    pub cpu: Quantity,
    pub memory: Quantity,
    pub disks: u32,
}

/// A whole and what of it is taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Share {
    pub taken: Quantity,
    pub whole: Option<Quantity>,
}

impl Share {
    pub fn percent(&self) -> Option<u32> {
        self.taken.percent_of(self.whole?)
    }

    pub fn free(&self) -> Option<Quantity> {
        Some(Quantity::from_milli(self.whole?.saturating_sub(self.taken).milli().max(0)))
    }
}

/// One node of the tenants' pool.
#[derive(Clone, Debug, PartialEq)]
pub struct NodeRoom {
    pub name: Text,
    /// Why nothing new is placed on it.
    pub closed: Option<String>,
    pub tenants: u32,
    pub cpu: Share,
    pub memory: Share,
    pub pods: Share,
    /// `None` for the limit where no driver states one.
    pub disks: Share,
    /// How many more of each tier fit, in the order that was asked; `None` where too little is known.
    pub fits: Vec<Option<u32>>,
}

impl NodeRoom {
    /// What it is nearest to its end of: the word, and percent.
    pub fn tightest(&self) -> Option<(&'static str, u32)> {
        let all = [("cpu", self.cpu), ("memory", self.memory), ("pods", self.pods), ("disks", self.disks)];
        all.into_iter().filter_map(|(word, share)| Some((word, share.percent()?))).max_by_key(|(_, percent)| *percent)
    }
}

/// The tenants' pool.
#[derive(Clone, Debug, PartialEq)]
pub struct Capacity {
    pub nodes: Vec<NodeRoom>,
    pub asks: Vec<OneMore>,
    /// How many more of each tier fit in all, if only that tier came.
    pub fits: Vec<Option<u32>>,
    /// What is not known, and so not counted; each a sentence.
    pub gaps: Vec<String>,
    pub scaling: Scaling,
}

/// Whether nodes would come by themselves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scaling {
    Unknown(Text),
    /// No autoscaler tells of itself.
    None,
    /// Groups with room for more nodes, and how many in all.
    Would {
        groups: Vec<Text>,
        nodes: u32,
    },
    /// All groups are as large as they may be.
    Exhausted,
}

impl Capacity {
    /// What tenants ask for is watched; what others ask for comes with `facts`.
    pub fn of(fleet: &Fleet, facts: Option<&PoolFacts>, asks: &[OneMore]) -> Self {
        let mut tenants: BTreeMap<&str, Load> = BTreeMap::new();
        let mut unknown = 0;
        for entry in fleet.iter() {
            let tenant = &entry.tenant;
            let placed: Vec<_> = tenant.pods.iter().filter(|p| !has_ended(p)).filter_map(|p| p.node.as_ref()).collect();
            for (i, node) in placed.iter().enumerate() {
                let load = tenants.entry(node.as_str()).or_default();
                load.pods += 1;
                // What the quota has counted is what its pods ask for together.
                match (i, fit::counted(tenant, "requests.cpu"), fit::counted(tenant, "requests.memory")) {
                    (0, Some(cpu), Some(memory)) => {
                        load.cpu = load.cpu.saturating_add(cpu);
                        load.memory = load.memory.saturating_add(memory);
                    }
                    (0, ..) => unknown += 1,
                    _ => {}
                }
            }
        }
        let mut gaps = Vec::new();
        if unknown > 0 {
            let tenants = if unknown == 1 { "1 tenant asks" } else { &format!("{unknown} tenants ask") };
            gaps.push(format!("what {tenants} for: no quota has counted it"));
        }
        let (others, disks) = match facts {
            None => {
                gaps.push("pods of others and limits of disks are not listed yet".to_owned());
                (None, None)
            }
            Some(facts) => {
                if let Err(why) = &facts.others {
                    gaps.push(format!("pods of others are not counted: {why}"));
                }
                if let Err(why) = &facts.disks {
                    gaps.push(format!("limits of disks are not known: {why}"));
                }
                (facts.others.as_ref().ok(), facts.disks.as_ref().ok())
            }
        };
        let room = |node: &Node| {
            let mine = tenants.get(node.name.as_str()).copied().unwrap_or_default();
            let theirs = others.and_then(|all| all.get(&node.name)).copied().unwrap_or_default();
            let limit = disks.and_then(|all| all.get(&node.name)).and_then(|drivers| drivers.iter().map(|d| d.1).min());
            let count = |n: u32| Quantity::whole(i64::from(n));
            let mut room = NodeRoom {
                name: node.name.clone(),
                closed: closed(node),
                tenants: mine.pods,
                cpu: Share { taken: mine.cpu.saturating_add(theirs.cpu), whole: node.cpu },
                memory: Share { taken: mine.memory.saturating_add(theirs.memory), whole: node.memory },
                pods: Share { taken: count(mine.pods + theirs.pods), whole: node.pods },
                disks: Share { taken: count(node.attached), whole: limit.map(count) },
                fits: Vec::new(),
            };
            room.fits = asks.iter().map(|ask| fits(&room, ask)).collect();
            room
        };
        let nodes: Vec<NodeRoom> = fleet.nodes().map(room).collect();
        if disks.is_some() && nodes.iter().any(|n| n.disks.whole.is_none()) {
            gaps.push("some nodes state no limit of disks: it is not counted there".to_owned());
        }
        let total = |tier: usize| nodes.iter().map(|n| n.fits.get(tier).copied().flatten()).sum::<Option<u32>>();
        let fits = (0..asks.len()).map(|tier| total(tier).filter(|_| !nodes.is_empty())).collect();
        Self { nodes, asks: asks.to_vec(), fits, gaps, scaling: scaling(facts) }
    }

    /// The node that is nearest to its end.
    pub fn tightest(&self) -> Option<(&NodeRoom, &'static str, u32)> {
        let all = self.nodes.iter().filter_map(|node| node.tightest().map(|(word, percent)| (node, word, percent)));
        all.max_by_key(|(_, _, percent)| *percent)
    }

    /// `12 more pro or 5 more max fit`, as far as it is known.
    pub fn sentence(&self) -> String {
        let words: Vec<String> = self
            .asks
            .iter()
            .zip(&self.fits)
            .map(|(ask, fits)| {
                fits.map_or_else(|| format!("? more {}", ask.tier), |n| format!("{n} more {}", ask.tier))
            })
            .collect();
        if self.nodes.is_empty() {
            return "no nodes of the tenants' pool are seen".to_owned();
        }
        format!("{} fit", words.join(" or "))
    }

    /// Whether a node would come for a tenant that does not fit.
    pub fn scaling_sentence(&self) -> String {
        match &self.scaling {
            Scaling::Unknown(why) => format!("whether an autoscaler would add nodes is not known: {why}"),
            Scaling::None => "no autoscaler tells of itself (kube-system/cluster-autoscaler-status)".to_owned(),
            Scaling::Would { groups, nodes } => {
                let names: Vec<&str> = groups.iter().map(Text::as_str).collect();
                format!("an autoscaler would add up to {nodes} nodes (of all pools: {})", names.join(", "))
            }
            Scaling::Exhausted => "the autoscaler's pools are as large as they may be: no node would come".to_owned(),
        }
    }
}

fn has_ended(pod: &Pod) -> bool {
    matches!(pod.phase, PodPhase::Succeeded | PodPhase::Failed)
}

/// Why the scheduler places nothing new here.
fn closed(node: &Node) -> Option<String> {
    if node.deleting.is_some() {
        return Some("is being deleted".to_owned());
    }
    if node.unschedulable {
        return Some("cordoned".to_owned());
    }
    if !node.is_ready() {
        return Some("not ready".to_owned());
    }
    node.pressures.first().map(|pressure| pressure.kind.to_string())
}

fn fits(room: &NodeRoom, ask: &OneMore) -> Option<u32> {
    if room.closed.is_some() {
        return Some(0);
    }
    let times = |share: Share, each: Quantity| -> Option<u32> {
        let free = share.free()?;
        let each = each.milli();
        if each <= 0 { Some(u32::MAX) } else { u32::try_from(free.milli() / each).ok() }
    };
    let mut least = times(room.cpu, ask.cpu)?.min(times(room.memory, ask.memory)?);
    least = least.min(times(room.pods, Quantity::whole(1)).unwrap_or(u32::MAX));
    // Where no limit is stated none is known to hold.
    if room.disks.whole.is_some() {
        least = least.min(times(room.disks, Quantity::whole(i64::from(ask.disks)))?);
    }
    Some(least)
}

fn scaling(facts: Option<&PoolFacts>) -> Scaling {
    match facts.map(|f| &f.groups) {
        None => Scaling::Unknown(Text::from("not asked yet")),
        Some(Err(why)) => Scaling::Unknown(why.clone()),
        Some(Ok(groups)) if groups.is_empty() => Scaling::None,
        Some(Ok(groups)) => {
            let room = |g: &Group| Some(g.most?.saturating_sub(g.size?));
            let open: Vec<(&Group, u32)> =
                groups.iter().filter_map(|g| Some((g, room(g)?))).filter(|(_, n)| *n > 0).collect();
            if open.is_empty() {
                return Scaling::Exhausted;
            }
            Scaling::Would {
                groups: open.iter().map(|(g, _)| g.name.clone()).collect(),
                nodes: open.iter().map(|(_, n)| *n).sum(),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        fleet::{Quota, fixture::*},
        index::{Delta, Facet, Key, Part, delta::Kind},
    };

    fn facet(namespace: &str, part: Part, n: u128) -> Facet {
        let tenant = namespace.strip_prefix("tenant-").map(Text::from);
        Facet { key: Key { namespace: text(namespace), uid: uid(n) }, tenant, tier: None, part }
    }

    fn q(text: &str) -> Quantity {
        text.parse().unwrap()
    }

    /// Two nodes of 4 CPU and 16 GiB; tenants a and b on the first, each asking for 500m and 2Gi.
    fn fleet() -> Fleet {
        let mut fleet = Fleet::default();
        let mut nodes = vec![node("node-1"), node("node-2")];
        nodes[0].attached = 4;
        let facets = nodes.into_iter().map(|n| {
            let (name, id) = (n.name.clone(), n.uid);
            Facet { key: Key { namespace: name, uid: id }, tenant: None, tier: None, part: Part::Node(n) }
        });
        fleet.apply(Delta::Resync { kind: Kind::Node, namespace: None, facets: facets.collect() }, at(1));
        for (i, name) in [(1, "tenant-a"), (2, "tenant-b")] {
            fleet.apply(Delta::Upsert(Box::new(facet(name, Part::Pod(Pod { uid: uid(i), ..ready() }), i))), at(1));
            let limit = |resource: &str, used: &str| (text(resource), q(used), Some(q(used)));
            let limits = [limit("requests.cpu", "500m"), limit("requests.memory", "2Gi")];
            let quota = Quota::new(uid(10 + i), text("tenant"), limits);
            fleet.apply(Delta::Upsert(Box::new(facet(name, Part::Quota(quota), 10 + i))), at(1));
        }
        fleet
    }

    fn asks() -> Vec<OneMore> {
        let ask = |tier: &str, cpu: &str, memory: &str| OneMore {
            tier: text(tier),
            cpu: q(cpu),
            memory: q(memory),
            disks: 2,
        };
        vec![ask("pro", "250m", "1Gi"), ask("max", "500m", "2Gi")]
    }

    fn facts() -> PoolFacts {
        let load = Load { cpu: q("400m"), memory: q("1Gi"), pods: 5 };
        let disks = [("node-1", 16), ("node-2", 8)];
        PoolFacts {
            at: at(1),
            others: Ok(["node-1", "node-2", "elsewhere"].map(|n| (text(n), load)).into()),
            disks: Ok(disks.map(|(n, limit)| (text(n), vec![(text("disk.csi.azure.com"), limit)])).into()),
            groups: Ok(vec![Group { name: text("tenants"), size: Some(2), most: Some(5) }]),
        }
    }

    #[test]
    fn what_fits_is_what_the_scarcest_resource_leaves() {
        let capacity = Capacity::of(&fleet(), Some(&facts()), &asks());
        let first = &capacity.nodes[0];
        assert_eq!((first.tenants, first.cpu.taken.milli(), first.pods.taken.value()), (2, 1_400, 7));
        // node-1: 2.6 CPU and 6 pairs of disks are left; node-2: 3.6 CPU and 4 pairs.
        assert_eq!((&first.fits, &capacity.nodes[1].fits), (&vec![Some(6), Some(5)], &vec![Some(4), Some(4)]));
        assert_eq!(capacity.sentence(), "10 more pro or 9 more max fit");
        let (node, word, percent) = capacity.tightest().unwrap();
        assert_eq!((node.name.as_str(), word, percent), ("node-1", "cpu", 35));
        assert!(capacity.gaps.is_empty(), "{:?}", capacity.gaps);
        assert!(capacity.scaling_sentence().contains("up to 3 nodes"), "{}", capacity.scaling_sentence());
    }

    #[test]
    fn what_is_not_known_is_said_and_not_counted() {
        let capacity = Capacity::of(&fleet(), None, &asks());
        assert_eq!(capacity.gaps.len(), 1);
        assert_eq!(capacity.scaling, Scaling::Unknown(text("not asked yet")));
        let refused = PoolFacts {
            others: Err(text("may not list pods")),
            disks: Err(text("may not list csinodes")),
            groups: Ok(vec![]),
            ..facts()
        };
        let capacity = Capacity::of(&fleet(), Some(&refused), &asks());
        assert_eq!(capacity.gaps.len(), 2, "{:?}", capacity.gaps);
        assert_eq!(capacity.nodes[0].disks.percent(), None, "no limit is not no disk");
        assert_eq!(capacity.scaling, Scaling::None);
        assert_eq!(Capacity::of(&Fleet::default(), None, &asks()).fits, [None, None], "no nodes are seen");
    }

    #[test]
    fn a_node_that_takes_nothing_new_has_no_room() {
        let mut fleet = fleet();
        let mut cordoned = node("node-2");
        cordoned.unschedulable = true;
        let key = Key { namespace: text("node-2"), uid: cordoned.uid };
        let news = Facet { key, tenant: None, tier: None, part: Part::Node(cordoned) };
        fleet.apply(Delta::Upsert(Box::new(news)), at(2));
        let capacity = Capacity::of(&fleet, Some(&facts()), &asks());
        assert_eq!(capacity.nodes[1].closed.as_deref(), Some("cordoned"));
        assert_eq!(capacity.fits, [Some(6), Some(5)]);
        let full = PoolFacts { groups: Ok(vec![Group { name: text("t"), size: Some(5), most: Some(5) }]), ..facts() };
        assert_eq!(Capacity::of(&fleet, Some(&full), &asks()).scaling, Scaling::Exhausted);
    }
}
