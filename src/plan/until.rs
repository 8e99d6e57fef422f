//! What a step can wait for, judged on the index: met, not yet, or never.

use serde::{Deserialize, Serialize};

use super::Basis;
use crate::{
    fleet::{At, Phase, Pod, StatefulSet},
    index::Entry,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Until {
    /// The StatefulSet's controller has seen the last write.
    Observed,
    /// A pod of the update revision is Ready.
    Served,
    /// The same, and it is another pod than the one that was seen.
    Replaced,
    /// No pod, and none is wanted.
    Stopped,
    /// The StatefulSet and its pod are gone.
    Removed,
    /// The claims that were seen are there, the very same.
    Kept,
    /// Its quotas count the limits that were applied. The server is asked; the index does not hold it.
    Granted,
    /// Its volumes are as large as was applied, the filesystem too. The server is asked.
    Grown,
    /// The snapshots that were made can be used. The server is asked.
    Snapped,
    /// Its Ingress has an address; that it gets none is said, and no failure. The server is asked.
    Addressed,
    /// The Namespace is gone.
    Erased,
}

/// How it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Judged {
    /// With the proof that there is.
    Met(String),
    /// With what is in the way now.
    NotYet(String),
    /// No node has room for its pod: an autoscaler makes one, or says that it will not. The index does not hear which.
    NoRoom(String),
    /// The pod fails, and goes on failing.
    Failing(String),
    /// Waiting on would not help.
    Never(String),
}

/// For so long a pod may fail before waiting is given up: pulls and crashes often mend themselves, but not later.
const FAILING_FOR: u32 = 180;

impl Until {
    /// Seconds that a pod may take from its deletion to its readiness: upstream's budget for the gateway, and as much again
    /// for volumes, images and stages.
    pub const BOOT: u32 = 900;
    /// Volumes have to be made, too.
    pub const FIRST_BOOT: u32 = 1_200;
    /// The grace of a pod, and time for a node that is slow.
    pub const STOP: u32 = 300;
    pub const ERASE: u32 = 900;
    /// After a boot that took minutes: a controller that serves the Ingress has had its time.
    pub const ADDRESS: u32 = 60;

    pub fn words(self) -> &'static str {
        match self {
            Self::Observed => "its controller has seen the change",
            Self::Served => "a pod of the new revision is Ready",
            Self::Replaced => "a new pod is Ready",
            Self::Stopped => "no pod is left",
            Self::Removed => "StatefulSet and pod are gone",
            Self::Kept => "its volumes are proven to be there",
            Self::Granted => "its quotas count their new limits",
            Self::Snapped => "its snapshots can be used",
            Self::Addressed => "its Ingress has an address, or it is known why not",
            Self::Grown => "its volumes and their filesystems have grown",
            Self::Erased => "the Namespace is gone",
        }
    }

    /// `floor`: the generation of the last write, which an index that lags has not seen yet. `began`: since when this is waited
    /// for; what failed before then is given as long as anything else.
    pub fn judge(self, basis: &Basis, entry: Option<&Entry>, floor: i64, began: At, now: At) -> Judged {
        let Some(entry) = entry else {
            return if self == Self::Erased { met("the Namespace is gone") } else { absent(self, basis) };
        };
        let tenant = &entry.tenant;
        if let (Some(expected), Some(found)) = (basis.namespace, tenant.namespace.as_ref().map(|n| n.uid))
            && expected != found
        {
            return if self == Self::Erased {
                met("the Namespace is gone; another of its name was made since")
            } else {
                never("the tenant was deleted, and another of its name was made")
            };
        }
        match self {
            Self::Granted | Self::Grown | Self::Snapped | Self::Addressed => not_yet("the index does not tell"),
            Self::Erased => not_yet(waits(entry)),
            Self::Kept => kept(basis, entry),
            Self::Removed => match tenant.sets.iter().any(|s| Some(s.uid) == basis.set_uid()) {
                true => not_yet("the StatefulSet is still there"),
                // Whichever one: it may have been replaced since the plan was made.
                false if tenant.pod().is_some() => not_yet("its pod is stopping"),
                false => met("StatefulSet and pod are gone"),
            },
            _ if entry.verdict.phase == Phase::Terminating => never("the tenant is being deleted"),
            Self::Observed | Self::Served | Self::Replaced | Self::Stopped => match tenant.set() {
                Some(set) if basis.set_uid().is_some_and(|uid| uid != set.uid) && set.deleting.is_none() => {
                    never("its StatefulSet was replaced by somebody")
                }
                Some(set) if i64::from(set.observed_generation) < i64::from(set.generation).max(floor) => {
                    not_yet("its controller has not seen the change yet")
                }
                Some(set) => self.judge_set(set, basis, entry, began, now),
                None => not_yet("there is no StatefulSet yet"),
            },
        }
    }

    fn judge_set(self, set: &StatefulSet, basis: &Basis, entry: &Entry, began: At, now: At) -> Judged {
        match self {
            Self::Observed => return met("its controller has seen the change"),
            Self::Stopped if set.wanted != 0 => return never("somebody has started it again"),
            Self::Stopped if entry.tenant.pod().is_some() => return not_yet("its pod is stopping"),
            Self::Stopped => return met("no pod is left"),
            _ if set.wanted == 0 => return never("somebody has suspended it"),
            _ => {}
        }
        let pod = entry.tenant.pod();
        let old = |uid| self == Self::Replaced && basis.pod_uid() == Some(uid);
        match pod {
            Some(pod) if pod.is_ready() && pod.deleting.is_none() && !old(pod.uid) => {
                if set.update_revision.is_none() || pod.revision != set.update_revision {
                    return not_yet("the pod that is Ready is of an old revision");
                }
                return met("Ready by the kubelet's probe of the gateway, in a pod of the update revision");
            }
            _ => {}
        }
        let verdict = &entry.verdict;
        let why = match &*verdict.why {
            "" => verdict.phase.to_string(),
            why => format!("{}: {why}", verdict.phase),
        };
        match (&verdict.phase, verdict.since) {
            _ if pod.is_some_and(lacks_room) => Judged::NoRoom(why),
            // One event counts refusals of now and of long ago, and is as old as the first of them.
            (Phase::Failing, Some(since))
                if now.since(since.max(began)) >= FAILING_FOR && !pod.is_some_and(|p| old(p.uid)) =>
            {
                Judged::Failing(format!("{why}, for {} s", now.since(since)))
            }
            _ => Judged::NotYet(why),
        }
    }
}

/// The scheduler knows no node that has room: what makes an autoscaler act.
fn lacks_room(pod: &Pod) -> bool {
    const LACKS: [&str; 3] = ["Insufficient ", "Too many pods", "exceed max volume count"];
    let said = pod.scheduled.as_ref().filter(|c| !c.met && pod.node.is_none()).and_then(|c| c.message());
    said.is_some_and(|said| LACKS.iter().any(|word| said.contains(word)))
}

fn met(said: &str) -> Judged {
    Judged::Met(said.to_owned())
}

fn not_yet(said: impl Into<String>) -> Judged {
    Judged::NotYet(said.into())
}

fn never(said: &str) -> Judged {
    Judged::Never(said.to_owned())
}

/// Nothing of the tenant is known.
fn absent(until: Until, basis: &Basis) -> Judged {
    match until {
        // One that is being made may not have been seen yet.
        _ if basis.namespace.is_none() => not_yet("nothing is seen of it yet"),
        _ => never("the tenant is gone"),
    }
}

fn waits(entry: &Entry) -> String {
    match &*entry.verdict.why {
        "" => entry.verdict.phase.to_string(),
        why => format!("{}: {why}", entry.verdict.phase),
    }
}

fn kept(basis: &Basis, entry: &Entry) -> Judged {
    for (name, uid) in &basis.claims {
        match entry.tenant.claim(name) {
            Some(claim) if claim.uid != *uid => {
                return Judged::Never(format!("claim {name} is another one than before"));
            }
            Some(claim) if claim.deleting().is_some() => {
                return Judged::Never(format!("claim {name} is being deleted"));
            }
            Some(_) => {}
            None => return Judged::Never(format!("claim {name} is gone")),
        }
    }
    Judged::Met(match basis.claims.len() {
        0 => "it had no volumes".to_owned(),
        n => format!("{n} volumes are there, by UID"),
    })
}

#[cfg(test)]
mod tests {
    use super::super::situation_for_tests as with;
    use super::*;
    use crate::fleet::{Condition, Tenant, Words, fixture::*};

    fn check(until: Until, floor: i64, edit: impl Fn(&mut Tenant), expect: &str) {
        check_since(10, until, floor, edit, expect);
    }

    fn check_since(began: u32, until: Until, floor: i64, edit: impl Fn(&mut Tenant), expect: &str) {
        let mut it = tenant("maria", Some(Pod { uid: uid(11), ..ready() }));
        let old = super::super::basis::Named { name: "openclaw-0".to_owned(), uid: uid(10) };
        let basis = Basis { pod: Some(old), ..Basis::of(&with::entry(it.clone())) }.with_claims(&it);
        edit(&mut it);
        let entry = with::entry_at(it, 1_000);
        let got = match until.judge(&basis, Some(&entry), floor, at(began), at(1_000)) {
            Judged::Met(said) => format!("met {said}"),
            Judged::NotYet(said) => format!("not yet {said}"),
            Judged::NoRoom(said) => format!("no room {said}"),
            Judged::Failing(said) => format!("failing {said}"),
            Judged::Never(said) => format!("never {said}"),
        };
        assert!(got.starts_with(expect), "{until:?}: {got}");
    }

    #[test]
    fn done_is_never_a_pod_that_is_merely_ready() {
        check(Until::Served, 1, |_| {}, "met Ready by the kubelet's probe");
        check(Until::Served, 2, |_| {}, "not yet its controller has not seen");
        check(
            Until::Served,
            1,
            |t| t.sets[0].update_revision = Some(text("openclaw-2")),
            "not yet the pod that is Ready is of an old",
        );
        check(Until::Served, 1, |t| t.pods[0].deleting = Some(at(999)), "not yet Updating");
        check(Until::Replaced, 1, |_| {}, "met");
        check(Until::Replaced, 1, |t| t.pods[0].uid = uid(10), "not yet Ready");
        check(Until::Served, 1, |t| t.sets[0].wanted = 0, "never somebody has suspended");
        check(Until::Served, 1, |t| t.sets[0].uid = uid(99), "never its StatefulSet was replaced");
        check(Until::Served, 1, |t| t.namespace.as_mut().unwrap().uid = uid(98), "never the tenant was deleted");
    }

    #[test]
    fn a_pod_that_fails_is_given_up_in_time() {
        let failing = |t: &mut Tenant| {
            t.pods = Box::new([Pod { uid: uid(11), ..booting(2) }]);
            t.pods[0].stages[2].state = crate::fleet::State::Terminated(ended(1, "Error", 25, 30));
        };
        check(Until::Served, 1, failing, "failing Failing");
        // What stands there from before has its time, too.
        check_since(821, Until::Served, 1, failing, "not yet Failing");
        check_since(820, Until::Served, 1, failing, "failing Failing");
        check(Until::Served, 1, |t| t.pods = Box::new([Pod { uid: uid(11), ..booting(2) }]), "not yet Booting(3/7");
    }

    #[test]
    fn a_pod_without_a_node_is_no_failure_as_long_as_one_may_come() {
        let unplaced = |message: &'static str| {
            move |t: &mut Tenant| {
                let words = Words::new(Some(text("Unschedulable")), Some(text(message)));
                let scheduled = Some(Condition { met: false, since: Some(at(1)), words });
                t.pods = Box::new([Pod { uid: uid(11), node: None, scheduled, ..booting(0) }]);
            }
        };
        check(Until::Served, 1, unplaced("0/3 nodes are available: 3 Insufficient cpu."), "no room Failing");
        let labels = "0/3 nodes are available: 3 node(s) didn't match Pod's node affinity/selector.";
        check(Until::Served, 1, unplaced(labels), "failing");
    }

    #[test]
    fn volumes_are_compared_by_uid() {
        check(Until::Kept, 0, |_| {}, "met 2 volumes");
        check(Until::Kept, 0, |t| t.claims[0].uid = uid(77), "never claim app-data is another one");
        check(Until::Kept, 0, |t| t.claims[1].unrest = going(1), "never claim config-data is being deleted");
        check(Until::Kept, 0, |t| t.claims = Box::default(), "never claim app-data is gone");
        check(Until::Removed, 0, |_| {}, "not yet the StatefulSet");
        check(Until::Removed, 0, |t| t.sets = Box::default(), "not yet its pod is stopping");
        let gone = |t: &mut Tenant| {
            t.sets = Box::default();
            t.pods = Box::default();
        };
        check(Until::Removed, 0, gone, "met");
        check(Until::Erased, 0, |t| t.namespace.as_mut().unwrap().deleting = Some(at(1)), "not yet Terminating");
        let basis = Basis { namespace: Some(uid(1)), ..Basis::default() };
        assert!(matches!(Until::Erased.judge(&basis, None, 0, at(1), at(1)), Judged::Met(_)));
        assert!(matches!(Until::Served.judge(&basis, None, 0, at(1), at(1)), Judged::Never(_)));
        assert!(matches!(Until::Served.judge(&Basis::default(), None, 0, at(1), at(1)), Judged::NotYet(_)));
    }
}
