//! Whether a node has room for one more tenant. Where none has that is said, and is no refusal: a pod that waits is what makes an
//! autoscaler act.

use super::Desk;
use crate::{
    fleet::Quantity,
    index::{
        Fleet, Kind, Link,
        capacity::{Capacity, OneMore},
    },
    manifest::{TierSize, tier_sizes},
    plan::Intent,
};

impl Desk {
    /// What is to be said of room before a tenant is made: that no node has any, or that this is not known.
    pub fn room(&self, intent: &Intent, fleet: &Fleet) -> Option<String> {
        let Intent::Create { spec } = intent else { return None };
        if spec.suspended {
            return None;
        }
        // One that stands on a node already takes no more than it has.
        if fleet.get(&spec.namespace()).is_some_and(|e| e.tenant.pod().is_some_and(|pod| pod.node.is_some())) {
            return None;
        }
        let sizes = tier_sizes(&self.base);
        // A tier that is not there is refused by who plans it.
        let ask = one_more(sizes.iter().find(|size| size.tier == spec.tier.as_str())?);
        words(fleet, ask)
    }
}

fn one_more(size: &TierSize) -> OneMore {
    let of = |resource: &str| size.amount(resource).unwrap_or_default();
    OneMore { tier: size.tier.clone(), cpu: of("requests.cpu"), memory: of("requests.memory"), disks: size.volumes }
}

fn words(fleet: &Fleet, ask: OneMore) -> Option<String> {
    let source = fleet.sources().get(Kind::Node);
    if let Link::Forbidden { why } | Link::Absent { why } = &source.link {
        return Some(format!("whether a node has room for it is not known: {why}"));
    }
    if !source.synced {
        return Some("whether a node has room for it is not known: nodes are not read yet".to_owned());
    }
    let (cpu, memory): (Quantity, Quantity) = (ask.cpu, ask.memory);
    let capacity = Capacity::of(fleet, fleet.pool_facts(), &[ask]);
    let then = || format!("its pod waits for one; {}", capacity.scaling_sentence());
    match capacity.fits.first().copied().flatten() {
        _ if capacity.nodes.is_empty() => Some(format!("the tenants' pool has no node: {}", then())),
        Some(0) => Some(format!("no node has room for it (it asks for {cpu} CPU and {memory}): {}", then())),
        Some(_) => None,
        None => Some("whether a node has room for it is not known: some nodes do not tell what they have".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        fleet::fixture::*,
        index::{Delta, Facet, Key, Part},
    };

    fn ask(cpu: &str) -> OneMore {
        OneMore { tier: text("pro"), cpu: cpu.parse().unwrap(), memory: "1Gi".parse().unwrap(), disks: 2 }
    }

    #[test]
    fn only_what_stands_against_it_is_said() {
        let mut fleet = Fleet::default();
        assert!(words(&fleet, ask("1")).unwrap().contains("not read yet"));
        fleet.apply(Delta::Resync { kind: Kind::Node, namespace: None, facets: vec![] }, at(1));
        assert!(words(&fleet, ask("1")).unwrap().starts_with("the tenants' pool has no node: its pod waits"));
        // 4 CPU and 16 GiB.
        let node = node("node-1");
        let key = Key { namespace: node.name.clone(), uid: node.uid };
        let facet = Facet { key, tenant: None, tier: None, part: Part::Node(node) };
        fleet.apply(Delta::Resync { kind: Kind::Node, namespace: None, facets: vec![facet] }, at(1));
        assert_eq!(words(&fleet, ask("3")), None);
        let said = words(&fleet, ask("5")).unwrap();
        assert!(said.starts_with("no node has room for it (it asks for 5 CPU and 1Gi): its pod waits"), "{said}");
    }
}
