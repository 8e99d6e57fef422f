//! The nodes of the tenants' pool, and whom a change of one concerns.

use std::collections::BTreeSet;

use super::{Entry, Fleet, Touched};
use crate::{
    fleet::{Node, Text, Uid},
    index::{
        delta::{Facet, Kind, Part},
        intern,
    },
};

impl Fleet {
    /// A node of the tenants' pool; `None` where it is none, or where nodes may not be read.
    pub fn node(&self, name: &str) -> Option<&Node> {
        self.nodes.get(name)
    }

    /// The nodes of the tenants' pool, by name.
    pub fn nodes(&self) -> impl ExactSizeIterator<Item = &Node> {
        self.nodes.values()
    }

    pub(super) fn resync_nodes(&mut self, facets: Vec<Facet>, touched: &mut Touched) {
        let kept: BTreeSet<Uid> = facets.iter().map(|f| f.key.uid).collect();
        let mut changed = Vec::new();
        self.nodes.retain(|name, node| {
            let keep = kept.contains(&node.uid);
            if !keep {
                changed.push(name.clone());
            }
            keep
        });
        for mut facet in facets {
            intern::share(&mut self.pool, &mut facet);
            if let Part::Node(node) = facet.part {
                changed.extend(self.place_node(node));
            }
        }
        self.touch_above(&changed, touched);
        self.sources.get_mut(Kind::Node).synced = true;
    }

    /// The node's name, where anything about it is new.
    pub(super) fn place_node(&mut self, node: Node) -> Option<Text> {
        let name = node.name.clone();
        let old = self.nodes.insert(name.clone(), node);
        (old.as_ref() != self.nodes.get(&name)).then_some(name)
    }

    /// What is true of a node may explain the tenants above it.
    pub(super) fn touch_above(&self, nodes: &[Text], touched: &mut Touched) {
        if nodes.is_empty() {
            return;
        }
        let above =
            |entry: &Entry| entry.tenant.pods.iter().any(|p| p.node.as_ref().is_some_and(|n| nodes.contains(n)));
        touched.extend(self.entries.iter().filter(|(_, entry)| above(entry)).map(|(name, _)| name.clone()));
    }
}
