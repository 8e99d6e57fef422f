//! The findings of a whole fleet, kept up to date: only tenants that something touched are diagnosed again, and only
//! those that have findings take room.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::{
    Causes, Diagnosis, Extra, Facts, Finding, LogLine, Severity, Telling, Tiers, of_guard, of_node, of_storage,
};
use crate::{
    fleet::{
        At, Text,
        detail::{Guard, Opened, Storage},
    },
    index::{Entry, Fleet},
};

/// Tenants whose unwatched objects are remembered: the latest that were opened.
const OPENED_KEPT: usize = 16;
/// Tenants whose last log lines are remembered: the latest that were looked at.
const HEARD_KEPT: usize = 16;

/// All findings. One owner.
#[derive(Debug, Default)]
pub struct Board {
    findings: BTreeMap<Text, Box<[Finding]>>,
    /// Tenants whose findings time alone will change, by when.
    due: BTreeSet<(At, Text)>,
    dues: BTreeMap<Text, At>,
    /// The latest last.
    opened: VecDeque<(Text, Opened)>,
    /// The latest last.
    extras: VecDeque<(Text, Extra)>,
    storage: Option<Storage>,
    guard: Option<Guard>,
    tiers: Tiers,
    /// Of nodes, disks and the cluster itself: they concern no tenant.
    others: Vec<Finding>,
    /// When time alone will change those.
    others_due: Option<At>,
    /// Critical causes and the tenants they concern.
    headline: Option<(usize, usize)>,
    /// Those with whom it stands otherwise, by what was found, than when that was asked last.
    turned: BTreeSet<Text>,
}

impl Board {
    pub fn new(tiers: Tiers) -> Self {
        Self { tiers, ..Self::default() }
    }

    /// What is wrong with one tenant, by its namespace.
    pub fn of(&self, namespace: &str) -> &[Finding] {
        self.findings.get(namespace).map_or(&[], |f| f)
    }

    /// Tenants that have findings, by namespace.
    pub fn iter(&self) -> impl Iterator<Item = (&Text, &[Finding])> {
        self.findings.iter().map(|(namespace, findings)| (namespace, &**findings))
    }

    /// Everything grouped by cause.
    pub fn causes(&self) -> Causes<'_> {
        let of_tenants = self.findings.iter().flat_map(|(ns, all)| all.iter().map(move |f| (Some(ns), f)));
        Causes::of(of_tenants.chain(self.others.iter().map(|f| (None, f))))
    }

    /// Critical causes and how many tenants they concern: for the header.
    pub fn headline(&mut self) -> (usize, usize) {
        if let Some(known) = self.headline {
            return known;
        }
        let counted = self.causes().count(Severity::Critical);
        self.headline = Some(counted);
        counted
    }

    /// What concerns no tenant: nodes, and disks that nobody owns.
    pub fn others(&self) -> &[Finding] {
        &self.others
    }

    /// When [`Board::tick`] should be called at the latest.
    pub fn next_due(&self) -> Option<At> {
        self.due.first().map(|(at, _)| *at).into_iter().chain(self.others_due).min()
    }

    /// Those whose [`standing`](super::standing) findings have changed since this was asked last: time alone does that, too.
    pub fn turned(&mut self) -> BTreeSet<Text> {
        std::mem::take(&mut self.turned)
    }

    /// The facts about a tenant that this board has.
    pub fn facts<'a>(&'a self, entry: &'a Entry, fleet: &'a Fleet) -> Facts<'a> {
        let namespace = &entry.tenant.namespace_name;
        Facts {
            entry,
            fleet,
            opened: self.opened.iter().find(|(name, _)| name == namespace).map(|(_, o)| o),
            storage: self.storage.as_ref(),
            tiers: Some(&self.tiers),
            extra: self.extras.iter().find(|(name, _)| name == namespace).map(|(_, extra)| extra),
        }
    }

    /// Diagnoses those who were touched. A tenant that is gone takes its findings with it.
    pub fn update<'a>(&mut self, fleet: &Fleet, touched: impl IntoIterator<Item = &'a Text>, now: At) {
        for namespace in touched {
            self.one(fleet, namespace, now);
        }
    }

    /// Diagnoses everybody, and the nodes that carry nobody.
    pub fn update_all(&mut self, fleet: &Fleet, now: At) {
        self.findings.retain(|namespace, _| fleet.get(namespace).is_some());
        self.extras.retain(|(namespace, _)| fleet.get(namespace).is_some());
        for entry in fleet.iter() {
            self.examine(fleet, &entry.tenant.namespace_name, Some(entry), now);
        }
        self.update_others(fleet, now);
    }

    /// What concerns no tenant: nodes, and disks that nobody owns.
    pub fn update_others(&mut self, fleet: &Fleet, now: At) {
        let (mut others, mut due) = (Vec::new(), None::<At>);
        for node in fleet.nodes() {
            let of_node = of_node(node, now);
            others.extend(of_node.findings);
            due = due.into_iter().chain(of_node.recheck).min();
        }
        self.others_due = due;
        others.extend(self.guard.as_ref().and_then(|guard| of_guard(guard, fleet)));
        others.extend(self.storage.iter().flat_map(|storage| of_storage(storage, fleet)));
        if others != self.others {
            self.others = others;
            self.headline = None;
        }
    }

    /// Diagnoses whom only time has changed.
    pub fn tick(&mut self, fleet: &Fleet, now: At) {
        while let Some((at, namespace)) = self.due.first().cloned()
            && at <= now
        {
            self.due.remove(&(at, namespace.clone()));
            self.one(fleet, &namespace, now);
        }
        if self.others_due.is_some_and(|at| at <= now) {
            self.update_others(fleet, now);
        }
    }

    /// A tenant's unwatched objects have been read.
    pub fn opened(&mut self, fleet: &Fleet, namespace: &Text, opened: Opened, now: At) {
        self.opened.retain(|(name, _)| name != namespace);
        if self.opened.len() >= OPENED_KEPT {
            self.opened.pop_front();
        }
        self.opened.push_back((namespace.clone(), opened));
        self.one(fleet, namespace, now);
    }

    /// Everybody's unwatched objects have been read; the next [`Board::update_all`] goes by them.
    pub fn opened_all(&mut self, fleet: &Fleet, mut of: impl FnMut(&str) -> Opened) {
        let namespaces = fleet.iter().map(|e| e.tenant.namespace_name.clone());
        self.opened = namespaces
            .map(|namespace| {
                let opened = of(&namespace);
                (namespace, opened)
            })
            .collect();
    }

    /// The cluster's volumes and classes are known.
    pub fn has_storage(&self) -> bool {
        self.storage.is_some()
    }

    /// When a tenant's unwatched objects were read last, and what could not be.
    pub fn read(&self, namespace: &str) -> Option<&Opened> {
        self.opened.iter().find(|(name, _)| *name == *namespace).map(|(_, o)| o)
    }

    /// Somebody has read the last lines of a container, the latest last.
    pub fn heard(&mut self, fleet: &Fleet, namespace: &Text, of: &Telling, lines: Vec<LogLine>, now: At) {
        let at = self.extras.iter().position(|(name, _)| name == namespace);
        let mut extra = at.and_then(|at| self.extras.remove(at)).map(|(_, extra)| extra).unwrap_or_default();
        if extra.pod != Some(of.pod_uid) {
            extra.pod = Some(of.pod_uid);
            extra.lines.clear();
        }
        extra.lines.retain(|line| *line.container != *of.container);
        extra.lines.extend(lines);
        if self.extras.len() >= HEARD_KEPT {
            self.extras.pop_front();
        }
        self.extras.push_back((namespace.clone(), extra));
        self.one(fleet, namespace, now);
    }

    /// The cluster's volumes and classes have been listed.
    pub fn stored(&mut self, fleet: &Fleet, storage: Storage, now: At) {
        self.storage = Some(storage);
        self.update_all(fleet, now);
    }

    /// Whether the cluster guards the tenants' data is known.
    pub fn has_guard(&self) -> bool {
        self.guard.is_some()
    }

    pub fn guarded(&mut self, fleet: &Fleet, guard: Guard, now: At) {
        self.guard = Some(guard);
        self.update_others(fleet, now);
    }

    /// Forgets everything: another cluster.
    pub fn clear(&mut self) {
        let tiers = std::mem::take(&mut self.tiers);
        *self = Self::new(tiers);
    }

    fn one(&mut self, fleet: &Fleet, namespace: &Text, now: At) {
        self.examine(fleet, namespace, fleet.get(namespace), now);
    }

    fn examine(&mut self, fleet: &Fleet, namespace: &Text, entry: Option<&Entry>, now: At) {
        if let Some(at) = self.dues.remove(namespace) {
            self.due.remove(&(at, namespace.clone()));
        }
        let Diagnosis { findings, recheck } = match entry {
            Some(entry) => super::tenant(&self.facts(entry, fleet), now),
            None => {
                self.opened.retain(|(name, _)| name != namespace);
                self.extras.retain(|(name, _)| name != namespace);
                Diagnosis::default()
            }
        };
        if let Some(at) = recheck {
            self.dues.insert(namespace.clone(), at);
            self.due.insert((at, namespace.clone()));
        }
        let weight = |findings: &[Finding]| {
            let critical = |f: &Finding| f.severity == Severity::Critical;
            (findings.first().is_some_and(|f| f.down && critical(f)), findings.iter().any(critical))
        };
        if weight(self.of(namespace)) != weight(&findings) {
            self.turned.insert(namespace.clone());
        }
        if findings.is_empty() {
            if self.findings.remove(namespace).is_some() {
                self.headline = None;
            }
        } else if self.findings.get(namespace).is_none_or(|old| **old != *findings) {
            self.findings.insert(namespace.clone(), findings.into_boxed_slice());
            self.headline = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        diagnose::{Code, fixture::*},
        fleet::fixture::*,
        index::{Delta, Facet, Key, Kind, Part},
    };

    #[test]
    fn only_broken_tenants_take_room_and_time_alone_may_break_one() {
        let t = tenant("a", Some(starting()));
        let fleet = fleet_of(&t, None, at(90));
        let mut board = Board::default();
        board.update_all(&fleet, at(90));
        assert!(board.iter().next().is_none());
        assert_eq!((board.next_due(), board.headline()), (Some(at(380)), (0, 0)));
        let fleet = fleet_of(&t, None, at(380));
        board.tick(&fleet, at(379));
        assert!(board.of("tenant-a").is_empty());
        board.tick(&fleet, at(380));
        assert_eq!(board.of("tenant-a")[0].code, Code::GatewayNotReady);
        assert_eq!((board.next_due(), board.headline()), (None, (1, 1)));
        let gone = Fleet::default();
        board.update(&gone, [&text("tenant-a")], at(400));
        assert_eq!(board.headline(), (0, 0));
    }

    #[test]
    fn the_last_lines_of_a_log_are_evidence_as_long_as_their_pod_is_there() {
        let mut t = tenant("a", Some(booting(3)));
        let pod = &mut t.pods[0];
        pod.stages[3].state = crate::fleet::State::Terminated(ended(1, "Error", 35, 60));
        let of = Telling { pod: pod.name.clone(), pod_uid: pod.uid, container: text(STAGES[3]) };
        let fleet = fleet_of(&t, None, at(200));
        let mut board = Board::default();
        board.update_all(&fleet, at(200));
        let said = |board: &Board| {
            let all = board.of("tenant-a").iter().flat_map(|f| &f.evidence);
            all.filter(|e| e.proof == crate::diagnose::Proof::Log).map(|e| e.said.clone()).collect::<Vec<_>>()
        };
        assert_eq!(said(&board), [""; 0]);
        let line = |text: &str| LogLine { container: STAGES[3].into(), text: text.into(), at: Some(at(59)) };
        board.heard(
            &fleet,
            &text("tenant-a"),
            &of,
            vec![line("fetching"), line("E: no route to deb.debian.org")],
            at(200),
        );
        assert_eq!(said(&board), ["fetching; E: no route to deb.debian.org"]);
        // Read again: what was read before is replaced.
        board.heard(&fleet, &text("tenant-a"), &of, vec![line("giving up")], at(201));
        assert_eq!(said(&board), ["giving up"]);
        t.pods[0].uid = uid(77);
        let fleet = fleet_of(&t, None, at(200));
        board.update_all(&fleet, at(202));
        assert_eq!(said(&board), [""; 0], "another pod's words");
        board.heard(&fleet, &text("tenant-gone"), &of, vec![line("x")], at(203));
        assert_eq!(board.extras.len(), 1, "of whom there is nothing, nothing is remembered");
    }

    #[test]
    fn a_silent_node_is_one_cause_for_all_above_it() {
        let mut fleet = Fleet::default();
        for (n, id) in [(1, "a"), (2, "b"), (3, "c")] {
            let mut t = tenant(id, Some(ready()));
            t.pods[0].uid = uid(n);
            let key = Key { namespace: t.namespace_name.clone(), uid: uid(n) };
            let facet = Facet { key, tenant: Some(text(id)), tier: None, part: Part::Pod(t.pods[0].clone()) };
            fleet.apply(Delta::Upsert(Box::new(facet)), at(200));
        }
        let mut silent = node("node-1");
        silent.ready = condition(false, 100);
        let key = Key { namespace: text("node-1"), uid: silent.uid };
        let facets = vec![Facet { key, tenant: None, tier: None, part: Part::Node(silent) }];
        let touched = fleet.apply(Delta::Resync { kind: Kind::Node, namespace: None, facets }, at(200));
        let mut board = Board::default();
        board.update(&fleet, &touched, at(200));
        board.update_others(&fleet, at(200));
        let causes = board.causes();
        assert_eq!(causes.0.len(), 1, "{causes:?}");
        assert_eq!((causes.0[0].code, causes.0[0].tenants.len()), (Code::NodeNotReady, 3));
        assert_eq!(board.headline(), (1, 3));
    }
}
