//! The fleet: every tenant known, judged, and told apart by namespace.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use crate::fleet::{At, Interner, Node, Rights, Role, Tenant, Text, Tier, Uid, Verdict, Warning, growth::Series};

use super::{
    capacity::PoolFacts,
    changes::{Changes, What},
    delta::{Delta, Facet, Key, Kind, Measure, Part},
    history::History,
    intern,
    source::{Link, Sources},
};

/// Warnings kept per tenant: the latest ones.
const WARNINGS_KEPT: usize = 12;
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

    /// A node of the tenants' pool; `None` where it is none, or where nodes may not be read.
    pub fn node(&self, name: &str) -> Option<&Node> {
        self.nodes.get(name)
    }

    /// The nodes of the tenants' pool, by name.
    pub fn nodes(&self) -> impl ExactSizeIterator<Item = &Node> {
        self.nodes.values()
    }

    pub fn pool_facts(&self) -> Option<&PoolFacts> {
        self.pool_facts.as_deref()
    }

    pub fn sources(&self) -> &Sources {
        &self.sources
    }

    /// What the user may do in this namespace, or in the whole cluster, as far as that is known.
    pub fn rights(&self, namespace: Option<&str>) -> Rights {
        let narrower = namespace.and_then(|name| self.rights_in.get(name));
        narrower.map_or(self.rights, |narrower| self.rights.with(narrower))
    }

    /// What the user is to this fleet; with the number of namespaces where it is not for the whole cluster.
    pub fn role(&self) -> Option<(Role, Option<usize>)> {
        let wide = self.rights.role();
        let all = self.rights_in.values().map(|narrower| self.rights.with(narrower));
        let narrow = all.reduce(|a, b| a.common(&b)).and_then(|rights| rights.role());
        match narrow.filter(|narrow| wide.is_none_or(|wide| *narrow > wide)) {
            Some(role) => Some((role, Some(self.rights_in.len()))),
            None => Some((wide?, None)),
        }
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
        // A poll's list leaves the link as it is: polled.
        if !matches!(source.link, Link::Polling { .. }) {
            source.link = Link::Live;
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
        let kept: BTreeSet<Key> = facets.iter().map(|f| f.key.clone()).collect();
        let in_scope = |name: &Text| namespace.is_none_or(|only| only == name);
        for (name, entry) in self.entries.iter_mut().filter(|(name, _)| in_scope(name)) {
            if retain(&mut entry.tenant, kind, |uid| kept.contains(&Key { namespace: name.clone(), uid })) {
                touched.insert(name.clone());
            }
        }
        if kind == Kind::Warning {
            self.strays.retain(|(name, _)| !in_scope(name));
        }
        for facet in facets {
            self.upsert(facet, now, settled, touched);
        }
        if kind == Kind::Claim {
            let alive: BTreeSet<Uid> = self.iter().flat_map(|e| &e.tenant.claims).map(|c| c.uid).collect();
            self.series.retain(|uid, _| alive.contains(uid));
        }
        self.sources.get_mut(kind).synced = true;
        self.pool.sweep();
    }

    fn resync_nodes(&mut self, facets: Vec<Facet>, touched: &mut Touched) {
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
    fn place_node(&mut self, node: Node) -> Option<Text> {
        let name = node.name.clone();
        let old = self.nodes.insert(name.clone(), node);
        (old.as_ref() != self.nodes.get(&name)).then_some(name)
    }

    /// What is true of a node may explain the tenants above it.
    fn touch_above(&self, nodes: &[Text], touched: &mut Touched) {
        if nodes.is_empty() {
            return;
        }
        let above =
            |entry: &Entry| entry.tenant.pods.iter().any(|p| p.node.as_ref().is_some_and(|n| nodes.contains(n)));
        touched.extend(self.entries.iter().filter(|(_, entry)| above(entry)).map(|(name, _)| name.clone()));
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
        let placed = place(tenant, part);
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

    fn measure(&mut self, measure: Measure, touched: &mut Touched) {
        match measure {
            Measure::Pod { namespace, pod, usage, parts } => {
                let Some(entry) = self.entries.get_mut(&namespace) else {
                    return;
                };
                let is_main = entry.tenant.pod().is_some_and(|p| p.name == pod);
                if is_main && entry.tenant.usage != Some(usage) {
                    entry.tenant.usage = Some(usage);
                    let of = |name: &Text| parts.iter().find(|(of, _)| of == name).map(|(_, part)| *part);
                    let containers = entry.tenant.pod().map_or(&[][..], |pod| &pod.containers);
                    entry.tenant.parts = containers.iter().map(|c| of(&c.name)).collect();
                    touched.insert(namespace);
                }
            }
            Measure::Volume { namespace, claim, usage } => {
                let Some(entry) = self.entries.get_mut(&namespace) else {
                    return;
                };
                let Some(claim) = entry.tenant.claims.iter_mut().find(|c| c.name == claim) else {
                    return;
                };
                // Of several sources the one that looked last counts.
                if claim.usage.is_none_or(|before| before != usage && before.at <= usage.at) {
                    let node_disk = claim.on_node_disk();
                    // A series begins with the second look: the first one is in the claim already.
                    if let Some(before) = claim.usage.replace(usage) {
                        let series = self.series.entry(claim.uid).or_default();
                        series.add(before.at, before.used);
                        series.add(usage.at, usage.used);
                        // What somebody has recorded reaches further back than we do.
                        if !claim.growth.is_some_and(|g| g.recorded) {
                            claim.growth = series.growth().filter(|_| !node_disk);
                        }
                    }
                    touched.insert(namespace);
                }
            }
            Measure::Growth { namespace, claim, growth } => {
                let claims = self.entries.get_mut(&namespace).map(|e| &mut e.tenant.claims);
                let Some(claim) = claims.and_then(|all| all.iter_mut().find(|c| c.name == claim)) else { return };
                if claim.growth != Some(growth) {
                    claim.growth = Some(growth);
                    touched.insert(namespace);
                }
            }
        }
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
            if pod.is_none() {
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

/// Keeps the parts of `kind` whose UID passes; tells whether any went.
fn retain(tenant: &mut Tenant, kind: Kind, keep: impl Fn(Uid) -> bool) -> bool {
    fn sift<T>(list: &mut Vec<T>, keep: impl Fn(&T) -> bool) -> bool {
        let before = list.len();
        list.retain(keep);
        list.len() != before
    }
    match kind {
        Kind::Namespace => {
            let gone = tenant.namespace.as_ref().is_some_and(|n| !keep(n.uid));
            if gone {
                tenant.namespace = None;
            }
            gone
        }
        Kind::Pod => sift(&mut tenant.pods, |p| keep(p.uid)),
        Kind::StatefulSet => sift(&mut tenant.sets, |s| keep(s.uid)),
        Kind::Claim => sift(&mut tenant.claims, |c| keep(c.uid)),
        Kind::Quota => sift(&mut tenant.quotas, |q| keep(q.uid)),
        Kind::Warning => sift(&mut tenant.warnings, |w| keep(w.uid)),
        Kind::Node => false,
    }
}

/// Puts a part in its place; tells whether anything changed.
fn place(tenant: &mut Tenant, part: Part) -> bool {
    fn put<T: PartialEq>(list: &mut Vec<T>, item: T, same: impl Fn(&T, &T) -> bool) -> bool {
        match list.iter_mut().find(|old| same(old, &item)) {
            Some(old) if *old == item => false,
            Some(old) => {
                *old = item;
                true
            }
            None => {
                // One or two of each: doubling would waste more than the facets themselves take.
                list.reserve_exact(1);
                list.push(item);
                true
            }
        }
    }
    match part {
        Part::Namespace(n) => {
            let changed = tenant.namespace.as_ref() != Some(&n);
            tenant.namespace = Some(n);
            changed
        }
        Part::Pod(pod) => put(&mut tenant.pods, pod, |a, b| a.uid == b.uid),
        Part::StatefulSet(set) => put(&mut tenant.sets, set, |a, b| a.uid == b.uid),
        Part::Claim(mut claim) => {
            if let Some(before) = tenant.claims.iter().find(|c| c.uid == claim.uid) {
                (claim.usage, claim.growth) = (before.usage, before.growth);
            }
            put(&mut tenant.claims, claim, |a, b| a.uid == b.uid)
        }
        Part::Quota(quota) => put(&mut tenant.quotas, quota, |a, b| a.uid == b.uid),
        Part::Warning(warning) => keep_warning(&mut tenant.warnings, warning),
        Part::Node(_) => false,
    }
}

fn keep_warning(list: &mut Vec<Warning>, warning: Warning) -> bool {
    if list.contains(&warning) {
        return false;
    }
    list.retain(|w| w.uid != warning.uid);
    list.push(warning);
    if list.len() > WARNINGS_KEPT
        && let Some(oldest) = list.iter().enumerate().min_by_key(|(_, w)| w.last).map(|(i, _)| i)
    {
        list.remove(oldest);
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::{Phase, fixture::*};

    fn facet(namespace: &str, uid: Uid, part: Part) -> Facet {
        let id = namespace.strip_prefix("tenant-").map(Text::from);
        Facet { key: Key { namespace: text(namespace), uid }, tenant: id, tier: Some(text("pro")), part }
    }

    fn resync(kind: Kind, facets: Vec<Facet>) -> Delta {
        Delta::Resync { kind, namespace: None, facets }
    }

    fn pod_facet(namespace: &str, n: u128, pod: crate::fleet::Pod) -> Facet {
        facet(namespace, uid(n), Part::Pod(crate::fleet::Pod { uid: uid(n), ..pod }))
    }

    #[test]
    fn a_resync_replaces_one_kind_and_keeps_the_others() {
        let mut fleet = Fleet::default();
        for kind in Kind::ALL {
            fleet.apply(resync(kind, vec![]), at(1));
        }
        let set_of =
            |n| facet("tenant-a", uid(n), Part::StatefulSet(crate::fleet::StatefulSet { uid: uid(n), ..set() }));
        fleet.apply(resync(Kind::StatefulSet, vec![set_of(20)]), at(100));
        fleet.apply(
            resync(Kind::Pod, vec![pod_facet("tenant-a", 1, ready()), pod_facet("tenant-b", 2, ready())]),
            at(100),
        );
        assert_eq!(fleet.len(), 2);
        assert_eq!(fleet.get("tenant-a").unwrap().verdict.phase, Phase::Ready);

        let touched = fleet.apply(resync(Kind::Pod, vec![pod_facet("tenant-a", 3, booting(2))]), at(200));
        assert_eq!(touched.len(), 2);
        assert_eq!(fleet.len(), 1, "tenant-b had nothing but its pod");
        let entry = fleet.get("tenant-a").unwrap();
        assert_eq!(entry.verdict.phase.word(), "Booting");
        assert_eq!((entry.tenant.sets.len(), entry.tenant.pods.len()), (1, 1));
        assert_eq!(entry.changed, Some(at(200)));
    }

    #[test]
    fn the_first_lists_are_one_look_and_no_change() {
        let mut fleet = Fleet::default();
        fleet.apply(resync(Kind::Pod, vec![pod_facet("tenant-a", 1, ready())]), at(500));
        assert_eq!(fleet.get("tenant-a").unwrap().changed, Some(at(110)));
        let namespace = tenant("a", None).namespace.unwrap();
        let namespace = crate::fleet::Namespace { deleting: Some(at(400)), ..namespace };
        fleet.apply(
            resync(Kind::Namespace, vec![facet("tenant-a", namespace.uid, Part::Namespace(namespace))]),
            at(501),
        );
        let entry = fleet.get("tenant-a").unwrap();
        assert_eq!((entry.verdict.phase.word(), entry.changed), ("Terminating", Some(at(400))));
    }

    #[test]
    fn what_did_not_change_touches_nobody() {
        let mut fleet = Fleet::default();
        let upsert = || Delta::Upsert(Box::new(pod_facet("tenant-a", 1, ready())));
        assert_eq!(fleet.apply(upsert(), at(100)).len(), 1);
        assert_eq!(fleet.apply(upsert(), at(101)).len(), 0);
    }

    #[test]
    fn a_late_delete_of_an_earlier_pod_spares_the_new_one() {
        let mut fleet = Fleet::default();
        fleet.apply(Delta::Upsert(Box::new(pod_facet("tenant-a", 2, ready()))), at(100));
        fleet.apply(Delta::Remove(Kind::Pod, Key { namespace: text("tenant-a"), uid: uid(1) }), at(101));
        assert_eq!(fleet.len(), 1);
        fleet.apply(Delta::Remove(Kind::Pod, Key { namespace: text("tenant-a"), uid: uid(2) }), at(101));
        assert_eq!(fleet.len(), 0);
    }

    #[test]
    fn an_event_that_comes_before_its_tenant_waits_for_it() {
        let mut fleet = Fleet::default();
        let mut early = facet("tenant-a", uid(40), Part::Warning(refusal(0)));
        early.tenant = None;
        fleet.apply(Delta::Upsert(Box::new(early)), at(10));
        assert!(fleet.is_empty());
        fleet.apply(Delta::Upsert(Box::new(facet("tenant-a", uid(20), Part::StatefulSet(set())))), at(100));
        assert_eq!(fleet.get("tenant-a").unwrap().verdict.phase, Phase::Failing);
    }

    #[test]
    fn time_alone_turns_a_start_into_a_failure() {
        let mut fleet = Fleet::default();
        fleet.apply(Delta::Upsert(Box::new(pod_facet("tenant-a", 1, starting()))), at(90));
        assert_eq!(fleet.next_due(), Some(at(380)));
        assert!(fleet.tick(at(379)).is_empty());
        assert_eq!(fleet.tick(at(380)).len(), 1);
        assert_eq!(fleet.get("tenant-a").unwrap().verdict.phase, Phase::Failing);
        assert_eq!(fleet.next_due(), None);
    }

    #[test]
    fn a_nodes_change_touches_the_tenants_above_it_and_nobody_else() {
        let node_facet = |node: Node| {
            let key = Key { namespace: node.name.clone(), uid: node.uid };
            Facet { key, tenant: None, tier: None, part: Part::Node(node) }
        };
        let mut fleet = Fleet::default();
        let mut elsewhere = ready();
        elsewhere.node = Some(text("node-2"));
        fleet.apply(Delta::Upsert(Box::new(pod_facet("tenant-a", 1, ready()))), at(100));
        fleet.apply(Delta::Upsert(Box::new(pod_facet("tenant-b", 2, elsewhere))), at(100));
        let both = || vec![node_facet(node("node-1")), node_facet(node("node-2"))];
        assert_eq!(fleet.apply(resync(Kind::Node, both()), at(101)).len(), 2);
        assert!(fleet.apply(resync(Kind::Node, both()), at(102)).is_empty(), "nothing is new");

        let mut silent = node("node-1");
        silent.ready = condition(false, 103);
        let touched = fleet.apply(Delta::Upsert(Box::new(node_facet(silent))), at(103));
        assert_eq!(touched.into_iter().map(|t| t.to_string()).collect::<Vec<_>>(), ["tenant-a"]);
        assert!(!fleet.node("node-1").unwrap().is_ready());

        // A node's name is used again: the late delete of the earlier one spares it.
        let key = |uid| Key { namespace: text("node-1"), uid };
        fleet.apply(Delta::Remove(Kind::Node, key(uid(7))), at(104));
        assert_eq!(fleet.nodes().len(), 2);
        assert_eq!(fleet.apply(Delta::Remove(Kind::Node, key(node("node-1").uid)), at(105)).len(), 1);
        assert_eq!(fleet.node("node-1"), None);
    }

    #[test]
    fn a_broken_source_stays_broken_until_it_brings_something() {
        let mut fleet = Fleet::default();
        fleet.apply(resync(Kind::Pod, vec![]), at(1));
        fleet.apply(Delta::Link(Kind::Pod, Link::Broken { since: at(2), why: text("reset") }), at(3));
        assert_eq!(fleet.sources().broken().map(|(k, since, _)| (k, since)), Some((Kind::Pod, at(2))));
        fleet.apply(Delta::Upsert(Box::new(pod_facet("tenant-a", 1, ready()))), at(4));
        assert_eq!(fleet.sources().broken(), None);
    }
}
