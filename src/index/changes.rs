//! What has changed lately: what was seen to change, and what the objects themselves tell of the time before.

use std::collections::{HashSet, VecDeque};

use crate::fleet::{At, ImageRef, State, Tenant, Text};

use super::fleet::{Entry, Fleet};

/// Changes that are remembered: the latest ones.
const KEPT: usize = 1_024;
/// Changes that are told at most.
const TOLD: usize = 500;

/// Something that happened to a tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    pub at: At,
    pub namespace: Text,
    pub id: Text,
    pub what: What,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    Came,
    Went,
    /// `from` is not known for what changed before anybody looked.
    Phase {
        from: Option<&'static str>,
        to: &'static str,
        why: String,
    },
    /// Another image is wanted.
    Image {
        from: String,
        to: String,
    },
    Pod {
        name: Text,
    },
    /// A container's run ended, and another began or will.
    Ended {
        container: Text,
        exit_code: i32,
        reason: Option<Text>,
    },
    Warned {
        reason: Text,
        object: Text,
        count: u32,
    },
}

/// The changes that were seen.
#[derive(Debug, Default)]
pub struct Changes(VecDeque<Change>);

impl Changes {
    pub(super) fn note(&mut self, at: At, tenant: &Tenant, what: What) {
        if self.0.len() == KEPT {
            self.0.pop_front();
        }
        let (namespace, id) = (tenant.namespace_name.clone(), tenant.id.clone());
        self.0.push_back(Change { at, namespace, id, what });
    }

    /// Looks at a tenant before and after the news.
    pub(super) fn image(&mut self, now: At, tenant: &Tenant, before: Option<&str>) {
        let after = tenant.set().and_then(|s| s.image.as_deref());
        if let (Some(from), Some(to)) = (before, after)
            && from != to
        {
            let short = |image| ImageRef::parse(image).short().to_owned();
            self.note(now, tenant, What::Image { from: short(from), to: short(to) });
        }
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// What changed since then, the latest first.
pub fn recent(fleet: &Fleet, since: At) -> Vec<Change> {
    // They came in the order of time, also within a second.
    let mut all: Vec<Change> = fleet.changes().0.iter().rev().filter(|c| c.at >= since).cloned().collect();
    let seen: HashSet<Text> =
        all.iter().filter(|c| matches!(c.what, What::Phase { .. })).map(|c| c.namespace.clone()).collect();
    for entry in fleet.iter() {
        told(entry, since, seen.contains(&entry.tenant.namespace_name), &mut all);
    }
    all.sort_by(|a, b| b.at.cmp(&a.at).then_with(|| a.namespace.cmp(&b.namespace)));
    all.truncate(TOLD);
    all
}

/// What a tenant's objects tell.
fn told(entry: &Entry, since: At, phase_was_seen: bool, all: &mut Vec<Change>) {
    let tenant = &entry.tenant;
    let mut tell = |at: Option<At>, what: What| {
        if let Some(at) = at.filter(|at| *at >= since) {
            let (namespace, id) = (tenant.namespace_name.clone(), tenant.id.clone());
            all.push(Change { at, namespace, id, what });
        }
    };
    if !phase_was_seen {
        let why = entry.verdict.why.to_string();
        tell(entry.verdict.since, What::Phase { from: None, to: entry.verdict.phase.word(), why });
    }
    for pod in &tenant.pods {
        tell(pod.created, What::Pod { name: pod.name.clone() });
        for container in pod.all() {
            let ended = match &container.state {
                State::Terminated(t) if t.exit_code != 0 => Some(t),
                _ => container.last.as_deref(),
            };
            if let Some(t) = ended {
                let (exit_code, reason) = (t.exit_code, t.words.reason().cloned());
                tell(t.finished, What::Ended { container: container.name.clone(), exit_code, reason });
            }
        }
    }
    for w in &tenant.warnings {
        tell(w.last, What::Warned { reason: w.reason.clone(), object: w.object.clone(), count: w.count });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        fleet::{Pod, StatefulSet, fixture::*},
        index::{Delta, Facet, Key, Kind, Part},
    };

    fn facet(part: Part) -> Delta {
        let uid = match &part {
            Part::Pod(p) => p.uid,
            Part::StatefulSet(s) => s.uid,
            _ => panic!("{part:?}"),
        };
        let key = Key { namespace: text("tenant-a"), uid };
        Delta::Upsert(Box::new(Facet { key, tenant: Some(text("a")), tier: None, part }))
    }

    fn whats(fleet: &Fleet, since: u32) -> Vec<(u32, What)> {
        let second = |a: At| u32::try_from(a.unix() - at(0).unix()).unwrap();
        recent(fleet, at(since)).into_iter().map(|c| (second(c.at), c.what)).collect()
    }

    #[test]
    fn what_was_seen_and_what_the_objects_tell() {
        let mut fleet = Fleet::default();
        for kind in Kind::ALL {
            fleet.apply(Delta::Resync { kind, namespace: None, facets: vec![] }, at(1));
        }
        fleet.apply(facet(Part::Pod(booting(2))), at(30));
        fleet.apply(facet(Part::Pod(starting())), at(82));
        fleet.apply(facet(Part::StatefulSet(set())), at(83));
        let image = Some(text("ghcr.io/openclaw/openclaw:2026.9.1"));
        fleet.apply(facet(Part::StatefulSet(StatefulSet { image, ..set() })), at(90));
        fleet.apply(facet(Part::Pod(ready())), at(112));
        let phase = |from, to| What::Phase { from: Some(from), to, why: String::new() };
        assert_eq!(
            whats(&fleet, 0),
            [
                (112, phase("Starting", "Ready")),
                (90, What::Image { from: "2026.8.2".to_owned(), to: "2026.9.1".to_owned() }),
                (82, phase("Booting", "Starting")),
                (30, What::Came),
                (0, What::Pod { name: text("openclaw-0") }),
            ]
        );
        assert_eq!(whats(&fleet, 100).len(), 1);

        let mut oom = ready();
        oom.containers[1].restarts = 1;
        oom.containers[1].last = Some(Box::new(ended(137, "OOMKilled", 80, 300)));
        fleet.apply(facet(Part::Pod(oom)), at(301));
        let died = What::Ended { container: text("browser"), exit_code: 137, reason: Some(text("OOMKilled")) };
        assert_eq!(whats(&fleet, 200), [(300, died)]);
        for (kind, n) in [(Kind::Pod, 10), (Kind::StatefulSet, 20)] {
            fleet.apply(Delta::Remove(kind, Key { namespace: text("tenant-a"), uid: uid(n) }), at(400));
        }
        assert_eq!(whats(&fleet, 400).first(), Some(&(400, What::Went)));
    }

    #[test]
    fn before_anybody_looked_only_the_objects_tell_and_memory_is_bounded() {
        let mut fleet = Fleet::default();
        fleet.apply(facet(Part::Pod(ready())), at(500));
        assert_eq!(whats(&fleet, 100), [(110, What::Phase { from: None, to: "Ready", why: String::new() })]);
        for kind in Kind::ALL {
            let facets = vec![];
            fleet.apply(Delta::Resync { kind, namespace: None, facets }, at(501));
        }
        for n in 0..KEPT + 50 {
            let pod = Pod { uid: uid(10), ..if n % 2 == 0 { ready() } else { starting() } };
            fleet.apply(facet(Part::Pod(pod)), at(600));
        }
        assert_eq!(fleet.changes().len(), KEPT);
        assert_eq!(recent(&fleet, at(0)).len(), TOLD);
    }
}
