//! The fleet: every tenant known, judged, and told apart by namespace.

mod access;
mod measure;
mod nodes;
mod parts;

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use crate::fleet::{At, Interner, Node, Rights, Tenant, Text, Tier, Uid, Verdict, Warning, growth::Series};

use super::{
    capacity::PoolFacts,
    changes::{Changes, What},
    delta::{Delta, Facet, Key, Kind, Part},
    history::History,
    intern,
    source::{Link, Sources},
};
use parts::{keep_warning, place, retain};

/// Warnings of namespaces that are not (yet) known as tenants': events may come before their namespace does.
const STRAYS_KEPT: usize = 1_024;

/// A tenant with the verdict on it.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    pub tenant: Tenant,
    pub verdict: Verdict,
    /// When the phase was last seen to change; from the verdict where this was the first look.
    pub changed: Option<At>,
}

/// All tenants. One owner; others get messages or borrow it.
#[derive(Debug, Default)]
pub struct Fleet {
    /// Boxed: a tree's nodes are half empty where the names come in order.
    entries: BTreeMap<Text, Box<Entry>>,
    /// The nodes of the tenants' pool, by name.
    nodes: BTreeMap<Text, Node>,
    sources: Sources,
    /// What the user may do in the whole cluster, and in the namespaces that were asked about.
    rights: Rights,
    rights_in: BTreeMap<Text, Rights>,
    /// What was listed of the pool when somebody last asked.
    pool_facts: Option<Box<PoolFacts>>,
    /// What each claim's volume held over time.
    series: HashMap<Uid, Series>,
    pool: Interner,
    strays: VecDeque<(Text, Warning)>,
    /// Tenants whose verdict time alone will change, by when.
    due: BTreeSet<(At, Text)>,
    history: History,
    changes: Changes,
}

/// Something of a tenant went: where that was its pod, it has none from now on.
fn went(tenant: &mut Tenant, kind: Kind, now: At) {
    if kind == Kind::Pod && tenant.pod().is_none() {
        tenant.bare = Some(now);
    }
}

/// Namespaces of the tenants that a step has changed.
pub type Touched = BTreeSet<Text>;

impl Fleet {
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Tenants by namespace, in its order.
    pub fn iter(&self) -> impl Iterator<Item = &Entry> {
        self.entries.values().map(|e| &**e)
    }

    pub fn get(&self, namespace: &str) -> Option<&Entry> {
        self.entries.get(namespace).map(|e| &**e)
    }

    /// By UID; linear, for a selection that is followed once a frame.
    pub fn by_uid(&self, uid: Uid) -> Option<&Entry> {
        self.iter().find(|e| e.tenant.uid() == Some(uid))
    }

    pub fn pool_facts(&self) -> Option<&PoolFacts> {
        self.pool_facts.as_deref()
    }

    pub fn sources(&self) -> &Sources {
        &self.sources
    }

    /// What a claim's volume was seen to hold, over time.
    pub fn series(&self, claim: Uid) -> Option<&Series> {
        self.series.get(&claim)
    }

    /// What boots took here.
    pub fn history(&self) -> &History {
        &self.history
    }

    /// What was seen to change.
    pub fn changes(&self) -> &Changes {
        &self.changes
    }

    /// When [`Fleet::tick`] should be called at the latest.
    pub fn next_due(&self) -> Option<At> {
        self.due.first().map(|(at, _)| *at)
    }

    /// Judges anew whom only time has changed.
    pub fn tick(&mut self, now: At) -> Touched {
        let mut touched = Touched::new();
        while let Some((at, namespace)) = self.due.first().cloned()
            && at <= now
        {
            self.due.remove(&(at, namespace.clone()));
            touched.insert(namespace);
        }
        self.judge(&touched, now, true);
        touched
    }

    /// Applies one delta; tells which tenants it changed.
    pub fn apply(&mut self, delta: Delta, now: At) -> Touched {
        let mut touched = Touched::new();
        let settled = self.sources.settled();
        let measured = matches!(delta, Delta::Measures(..));
        match delta {
            Delta::Upsert(facet) => {
                self.heard(facet.part.kind(), now);
                self.upsert(*facet, now, settled, &mut touched);
            }
            Delta::Page(kind, facets) => {
                self.heard(kind, now);
                facets.into_iter().for_each(|facet| self.upsert(facet, now, settled, &mut touched));
            }
            Delta::Whole { kind, namespace, keys } => {
                self.heard(kind, now);
                self.sweep(kind, namespace.as_ref(), &keys.into_iter().collect(), now, &mut touched);
                self.synced(kind);
            }
            Delta::Remove(Kind::Node, key) => {
                self.heard(Kind::Node, now);
                let gone = self.nodes.get(&key.namespace).is_some_and(|n| n.uid == key.uid);
                if gone && let Some(node) = self.nodes.remove(&key.namespace) {
                    self.touch_above(&[node.name], &mut touched);
                }
            }
            Delta::Remove(kind, key) => {
                self.heard(kind, now);
                if let Some(entry) = self.entries.get_mut(&key.namespace)
                    && retain(&mut entry.tenant, kind, |uid| uid != key.uid)
                {
                    went(&mut entry.tenant, kind, now);
                    touched.insert(key.namespace);
                }
            }
            Delta::Resync { kind, namespace, facets } => {
                self.heard(kind, now);
                self.resync(kind, namespace.as_ref(), facets, now, settled, &mut touched);
            }
            Delta::Measures(meter, measures) => {
                let source = self.sources.meter_mut(meter);
                source.heard = Some(now);
                source.synced = true;
                measures.into_iter().for_each(|m| self.measure(m, &mut touched));
            }
            Delta::Boots(Ok(boots)) => self.history.merge(boots),
            Delta::Boots(Err(why)) => self.history.trouble = Some(why),
            Delta::Measured(measures) => measures.into_iter().for_each(|m| self.measure(m, &mut touched)),
            Delta::Link(kind, link) => self.sources.get_mut(kind).take(link, now),
            Delta::MeterLink(meter, link) => self.sources.meter_mut(meter).take(link, now),
            Delta::Withheld(kind, namespaces) => self.sources.get_mut(kind).withheld = namespaces,
            // For whoever shows it; the fleet is as it was.
            Delta::Said(_) => {}
            Delta::Pool(facts) => self.pool_facts = Some(facts),
            Delta::Rights { namespace: None, rights } => self.rights = rights,
            Delta::Rights { namespace: Some(namespace), rights } => {
                self.rights_in.insert(namespace, rights);
            }
            Delta::Probe { namespace, probe } => {
                if let Some(entry) = self.entries.get_mut(&namespace)
                    && entry.tenant.pod().is_some_and(|pod| pod.uid == probe.pod)
                {
                    entry.tenant.probe = Some(probe);
                    touched.insert(namespace);
                }
            }
        }
        for name in &touched {
            if self.entries.get(name).is_some_and(|e| e.tenant.is_gone())
                && let Some(entry) = self.entries.remove(name)
            {
                self.changes.note(now, &entry.tenant, What::Went);
                if let Some(at) = entry.verdict.recheck {
                    self.due.remove(&(at, name.clone()));
                }
            }
        }
        self.judge(&touched, now, settled);
        if !measured {
            self.learn(&touched, settled);
        }
        touched
    }

    /// Boots that are over. Before the first lists are whole it is not known which volumes were new.
    fn learn(&mut self, touched: &Touched, was_settled: bool) {
        if !was_settled {
            if self.sources.settled() {
                self.entries.values().for_each(|e| self.history.observe(&e.tenant));
            }
            return;
        }
        touched.iter().filter_map(|name| self.entries.get(name)).for_each(|e| self.history.observe(&e.tenant));
    }

    fn heard(&mut self, kind: Kind, now: At) {
        let source = self.sources.get_mut(kind);
        source.heard = Some(now);
        match source.link {
            // A poll's list leaves the link as it is: polled.
            Link::Polling { .. } => {}
            // Some pages of a first list that breaks again and again do not mend it: the watch that follows the list does.
            Link::Broken { .. } if !source.synced => {}
            _ => source.link = Link::Live,
        }
    }

    fn resync(
        &mut self,
        kind: Kind,
        namespace: Option<&Text>,
        facets: Vec<Facet>,
        now: At,
        settled: bool,
        touched: &mut Touched,
    ) {
        if kind == Kind::Node {
            self.resync_nodes(facets, touched);
            return;
        }
        let kept = facets.iter().map(|f| f.key.clone()).collect();
        self.sweep(kind, namespace, &kept, now, touched);
        for facet in facets {
            self.upsert(facet, now, settled, touched);
        }
        self.synced(kind);
    }

    /// Takes away what is not among those kept: of the whole cluster, or of one namespace.
    fn sweep(&mut self, kind: Kind, namespace: Option<&Text>, kept: &BTreeSet<Key>, now: At, touched: &mut Touched) {
        let in_scope = |name: &Text| namespace.is_none_or(|only| only == name);
        for (name, entry) in self.entries.iter_mut().filter(|(name, _)| in_scope(name)) {
            if retain(&mut entry.tenant, kind, |uid| kept.contains(&Key { namespace: name.clone(), uid })) {
                went(&mut entry.tenant, kind, now);
                touched.insert(name.clone());
            }
        }
        if kind == Kind::Warning {
            self.strays.retain(|(name, _)| !in_scope(name));
        }
    }

    /// A kind's list is in.
    fn synced(&mut self, kind: Kind) {
        if kind == Kind::Claim {
            let alive: BTreeSet<Uid> = self.iter().flat_map(|e| &e.tenant.claims).map(|c| c.uid).collect();
            self.series.retain(|uid, _| alive.contains(uid));
        }
        self.sources.get_mut(kind).synced = true;
        self.pool.sweep();
    }

    fn upsert(&mut self, mut facet: Facet, now: At, settled: bool, touched: &mut Touched) {
        intern::share(&mut self.pool, &mut facet);
        let Facet { key, tenant: id, tier, part } = facet;
        let name = key.namespace;
        let part = match part {
            Part::Node(node) => {
                let changed = self.place_node(node);
                self.touch_above(changed.as_slice(), touched);
                return;
            }
            part => part,
        };
        if let Part::Warning(warning) = part {
            match self.entries.get_mut(&name) {
                Some(entry) => {
                    if keep_warning(&mut entry.tenant.warnings, warning) {
                        touched.insert(name);
                    }
                }
                None => self.stray(name, warning),
            }
            return;
        }
        let entry = match self.entries.get_mut(&name) {
            Some(entry) => entry,
            // Without the label it is not known to be a tenant's.
            None => {
                let Some(id) = id.clone() else { return };
                self.adopt(name.clone(), id)
            }
        };
        let tenant = &mut entry.tenant;
        let before = (tenant.id.clone(), tenant.tier.clone());
        let from_namespace = matches!(part, Part::Namespace(_));
        // The Namespace's word on id and tier counts; the others' only where it has none.
        if let Some(id) = id.filter(|_| from_namespace || tenant.namespace.is_none()) {
            tenant.id = id;
        }
        if let Some(tier) = tier.filter(|_| from_namespace || tenant.tier.is_none()) {
            tenant.tier = Some(Tier::from_label(&tier));
        }
        let image = if part.kind() == Kind::StatefulSet { tenant.set().and_then(|s| s.image.clone()) } else { None };
        let slept = tenant.set().is_some_and(|s| s.wanted == 0);
        let placed = place(tenant, part);
        if slept && tenant.set().is_some_and(|s| s.wanted > 0) && tenant.pod().is_none() {
            tenant.bare = Some(now);
        }
        if placed || before != (tenant.id.clone(), tenant.tier.clone()) {
            if settled && let Some(entry) = self.entries.get(&name) {
                self.changes.image(now, &entry.tenant, image.as_deref());
            }
            touched.insert(name);
        }
    }

    fn adopt(&mut self, name: Text, id: Text) -> &mut Entry {
        let mut tenant = Tenant::new(name.clone(), id);
        let strays = &mut self.strays;
        for _ in 0..strays.len() {
            match strays.pop_front() {
                Some((of, warning)) if of == name => {
                    keep_warning(&mut tenant.warnings, warning);
                }
                Some(other) => strays.push_back(other),
                None => break,
            }
        }
        let verdict = Verdict { phase: crate::fleet::Phase::Unknown, since: None, why: Text::default(), recheck: None };
        self.entries.entry(name).or_insert_with(|| Box::new(Entry { tenant, verdict, changed: None }))
    }

    fn stray(&mut self, name: Text, warning: Warning) {
        self.strays.retain(|(_, w)| w.uid != warning.uid);
        if self.strays.len() == STRAYS_KEPT {
            self.strays.pop_front();
        }
        self.strays.push_back((name, warning));
    }

    /// `settled`: the first lists were in before, so that a change of phase is one and no piece of a first look.
    fn judge(&mut self, touched: &Touched, now: At, settled: bool) {
        for name in touched {
            let Some(entry) = self.entries.get_mut(name) else {
                continue;
            };
            if let Some(at) = entry.verdict.recheck {
                self.due.remove(&(at, name.clone()));
            }
            let pod = entry.tenant.pod().map(|pod| pod.uid);
            if pod.is_some() {
                entry.tenant.bare = None;
            } else {
                entry.tenant.usage = None;
                entry.tenant.parts = Box::default();
            }
            // What an earlier pod answered says nothing of this one.
            if entry.tenant.probe.as_ref().is_some_and(|probe| Some(probe.pod) != pod) {
                entry.tenant.probe = None;
            }
            let verdict = Verdict::of(&entry.tenant, now);
            let first_look = entry.changed.is_none() || !settled;
            if settled && entry.changed.is_none() {
                self.changes.note(now, &entry.tenant, What::Came);
            } else if settled && verdict.phase.word() != entry.verdict.phase.word() {
                let (from, to) = (Some(entry.verdict.phase.word()), verdict.phase.word());
                self.changes.note(now, &entry.tenant, What::Phase { from, to, why: verdict.why.to_string() });
            }
            if first_look || verdict.phase.word() != entry.verdict.phase.word() {
                // What the objects say is older and truer than when we came to look.
                entry.changed = if first_look { verdict.since.or(Some(now)) } else { Some(now) };
            }
            if let Some(at) = verdict.recheck {
                self.due.insert((at, name.clone()));
            }
            entry.verdict = verdict;
        }
    }
}

#[cfg(test)]
mod tests;
