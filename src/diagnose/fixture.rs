//! Ways to ask for findings in tests.

use super::{Code, Diagnosis, Extra, Facts, Finding};
use crate::{
    fleet::{At, Node, State, Tenant, Terminated, Warning, Words, fixture::*},
    index::{Delta, Facet, Fleet, Key, Kind, Measure, Meter, Part},
};

fn facets(tenant: &Tenant) -> Vec<Facet> {
    let t = tenant.clone();
    let mut parts = Vec::new();
    parts.extend(t.namespace.map(|n| (n.uid, Part::Namespace(n))));
    parts.extend(t.sets.into_iter().map(|s| (s.uid, Part::StatefulSet(s))));
    parts.extend(t.pods.into_iter().map(|p| (p.uid, Part::Pod(p))));
    parts.extend(t.quotas.into_iter().map(|q| (q.uid, Part::Quota(q))));
    parts.extend(t.warnings.into_iter().map(|w| (w.uid, Part::Warning(w))));
    parts.extend(t.claims.into_iter().map(|c| (c.uid, Part::Claim(c))));
    let label = tenant.tier.as_ref().map(|tier| text(tier.as_str()));
    let facet = |(uid, part)| Facet {
        key: Key { namespace: tenant.namespace_name.clone(), uid },
        tenant: Some(tenant.id.clone()),
        tier: label.clone(),
        part,
    };
    parts.into_iter().map(facet).collect()
}

/// An index that holds this tenant, and perhaps another; nothing counts as read whole.
pub(super) fn fleet_of(tenant: &Tenant, other: Option<&Tenant>, now: At) -> Fleet {
    let mut fleet = Fleet::default();
    for tenant in std::iter::once(tenant).chain(other) {
        for facet in facets(tenant) {
            fleet.apply(Delta::Upsert(Box::new(facet)), now);
        }
        let namespace = &tenant.namespace_name;
        let volumes = tenant.claims.iter().filter_map(|c| {
            Some(Measure::Volume { namespace: namespace.clone(), claim: c.name.clone(), usage: c.usage? })
        });
        fleet.apply(Delta::Measures(Meter::Volumes, volumes.collect()), now);
        if let (Some(usage), Some(pod)) = (tenant.usage, tenant.pod()) {
            let measure = Measure::Pod { namespace: namespace.clone(), pod: pod.name.clone(), usage, parts: vec![] };
            fleet.apply(Delta::Measures(Meter::Pods, vec![measure]), now);
        }
    }
    fleet
}

pub(super) fn diagnose(tenant: &Tenant, now: u32) -> Diagnosis {
    let fleet = fleet_of(tenant, None, at(now));
    let entry = fleet.get(&tenant.namespace_name).expect("it was put there");
    super::tenant(&Facts::of(entry, &fleet), at(now))
}

/// With these nodes, and every kind read whole.
pub(super) fn diagnose_on(tenant: &Tenant, nodes: Vec<Node>, now: u32) -> Diagnosis {
    let mut fleet = fleet_of(tenant, None, at(now));
    let facet = |node: Node| {
        let key = Key { namespace: node.name.clone(), uid: node.uid };
        Facet { key, tenant: None, tier: None, part: Part::Node(node) }
    };
    let facets_of = |kind| facets(tenant).into_iter().filter(|f| f.part.kind() == kind).collect();
    for kind in Kind::ALL.into_iter().filter(|k| *k != Kind::Node) {
        fleet.apply(Delta::Resync { kind, namespace: None, facets: facets_of(kind) }, at(now));
    }
    fleet.apply(
        Delta::Resync { kind: Kind::Node, namespace: None, facets: nodes.into_iter().map(facet).collect() },
        at(now),
    );
    let entry = fleet.get(&tenant.namespace_name).expect("it was put there");
    super::tenant(&Facts::of(entry, &fleet), at(now))
}

pub(super) fn diagnose_with(tenant: &Tenant, extra: &Extra, now: u32) -> Diagnosis {
    let fleet = fleet_of(tenant, None, at(now));
    let entry = fleet.get(&tenant.namespace_name).expect("it was put there");
    super::tenant(&Facts { extra: Some(extra), ..Facts::of(entry, &fleet) }, at(now))
}

pub(super) fn codes(diagnosis: &(impl AsFindings + ?Sized)) -> Vec<Code> {
    diagnosis.findings().iter().map(|f| f.code).collect()
}

pub(super) trait AsFindings {
    fn findings(&self) -> &[Finding];
}

impl AsFindings for Diagnosis {
    fn findings(&self) -> &[Finding] {
        &self.findings
    }
}

impl AsFindings for [Finding] {
    fn findings(&self) -> &[Finding] {
        self
    }
}

#[track_caller]
pub(super) fn first(tenant: &Tenant, now: u32) -> Finding {
    let found = diagnose(tenant, now).findings;
    found.into_iter().next().expect("a finding")
}

/// A Warning about the object with UID `about`, first and last seen at second `n`.
pub(super) fn event(kind: &str, about: u128, reason: &str, message: &str, n: u32) -> Warning {
    Warning {
        uid: uid(700),
        name: text("x.1"),
        kind: text(kind),
        object: text(if kind == "Pod" { "openclaw-0" } else { "app-data" }),
        object_uid: Some(uid(about)),
        container: None,
        reason: text(reason),
        message: text(message),
        count: 2,
        first: Some(at(n)),
        last: Some(at(n)),
    }
}

/// A wait for this reason, in these words.
pub(super) fn waits(reason: &str, message: &str) -> State {
    State::Waiting(Words::new(Some(text(reason)), Some(text(message))))
}

/// An ending that left these words.
pub(super) fn saying(mut ending: Terminated, message: &str) -> Terminated {
    ending.words = Words::new(ending.words.reason().cloned(), Some(text(message)));
    ending
}
