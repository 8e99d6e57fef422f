//! What this fleet's own boots took: learned from the pods as they become ready, kept between runs.
//!
//! One record per boot, known by its pod's UID, so that no boot counts twice however often it is read, and two histories
//! of one cluster are merged by union. Only cold boots count (nothing has restarted in the pod). A pod that is Ready when
//! it is first seen counts too: its status still tells of its boot. Its readiness alone may tell of a later time (lost and
//! come back), which is why a gateway's start beyond its budget (five minutes, or what its startup probe gives it) is taken
//! for that and left out; one that came back earlier cannot be told apart.
//!
//! Bounded: the latest [`KEPT`] boots, and of one tenant the latest [`KEPT_OF_ONE`]. Figures stand on the latest
//! [`WINDOW`] boots of a kind, all of them kept as they are: median and p95 are exact for the window, to the second that
//! Kubernetes' times have (a duration may be off by one).
//!
//! What takes a different time by nature is not mixed ([`BootKind`]).

mod boot_kind;
mod forecast;
mod spread;
mod stats;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, OnceLock},
};

use crate::fleet::{
    At, Container, Tenant, Text, Uid,
    boot::{Laps, is_cold},
    phase::START_BUDGET,
};

pub use self::{
    boot_kind::BootKind,
    forecast::{Forecast, Usual},
    spread::Spread,
    stats::{Share, Stats},
};

pub const KEPT: usize = 2_048;
pub const KEPT_OF_ONE: usize = 5;
pub const WINDOW: usize = 128;

/// One boot that came to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PastBoot {
    pub pod: Uid,
    /// UID of the tenant: its name may be somebody else's tomorrow.
    pub tenant: Uid,
    /// When the last lap that is known ended.
    pub at: At,
    pub kind: Arc<BootKind>,
    /// Seconds of each lap; [`PastBoot::UNKNOWN`] where nobody knows.
    pub laps: Box<[u16]>,
}

impl PastBoot {
    pub const UNKNOWN: u16 = u16::MAX;

    pub fn lap(&self, index: usize) -> Option<u32> {
        self.laps.get(index).copied().filter(|s| *s != Self::UNKNOWN).map(u32::from)
    }

    /// Seconds of the whole boot, where all laps are known.
    pub fn whole(&self) -> Option<u32> {
        (0..self.laps.len()).map(|i| self.lap(i)).sum()
    }

    /// The boot of this tenant's pod, if it is over and was a cold one.
    pub fn of(tenant: &Tenant) -> Option<Self> {
        let pod = tenant.pod().filter(|p| p.is_ready() && p.deleting.is_none() && is_cold(p))?;
        let laps = Laps::of(pod)?;
        let short = |seconds: u32| u16::try_from(seconds).ok().filter(|s| *s != Self::UNKNOWN);
        let mut seconds: Box<[u16]> =
            (0..laps.ends.len()).map(|i| laps.seconds(i).and_then(short).unwrap_or(Self::UNKNOWN)).collect();
        let gateway = seconds.last_mut()?;
        let late = u32::from(*gateway) > pod.gateway().map_or(START_BUDGET, Container::start_budget);
        if late {
            *gateway = Self::UNKNOWN;
        }
        let ends = laps.ends.iter().rev().skip(usize::from(late)).flatten();
        Some(Self {
            pod: pod.uid,
            tenant: tenant.uid()?,
            at: ends.copied().max()?,
            kind: Arc::new(BootKind::of(tenant, pod)?),
            laps: seconds,
        })
    }
}

/// All boots that are remembered.
#[derive(Debug, Default)]
pub struct History {
    boots: BTreeMap<Id, Arc<PastBoot>>,
    known: BTreeMap<Uid, At>,
    tenants: BTreeMap<Uid, BTreeSet<Id>>,
    /// Figures by kind, and over all tiers of a kind; made when they are asked for.
    kinds: BTreeMap<Arc<BootKind>, OnceLock<Stats>>,
    version: u64,
    /// Why nothing is kept between runs, if so.
    pub trouble: Option<Text>,
}

type Id = (At, Uid);

impl History {
    pub fn len(&self) -> usize {
        self.boots.len()
    }

    pub fn is_empty(&self) -> bool {
        self.boots.is_empty()
    }

    /// Grows with every boot that is learned.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// All boots, the oldest first.
    pub fn boots(&self) -> impl DoubleEndedIterator<Item = &Arc<PastBoot>> {
        self.boots.values()
    }

    /// The boots of one tenant, the latest first.
    pub fn of_tenant(&self, tenant: Uid) -> impl Iterator<Item = &Arc<PastBoot>> {
        self.tenants.get(&tenant).into_iter().flatten().rev().filter_map(|id| self.boots.get(id))
    }

    /// Looks at a tenant that has changed.
    pub(super) fn observe(&mut self, tenant: &Tenant) {
        // Most news is of pods whose boot is known already, not over, or too long ago to be kept.
        let Some(pod) = tenant.pod().filter(|p| p.is_ready() && !self.known.contains_key(&p.uid)) else { return };
        let oldest = self.boots.first_key_value().filter(|_| self.boots.len() >= KEPT).map(|((at, _), _)| *at);
        if oldest.is_some_and(|oldest| pod.ready.as_ref().and_then(|c| c.since) < Some(oldest)) {
            return;
        }
        if let Some(boot) = PastBoot::of(tenant) {
            self.learn(boot);
        }
    }

    /// Boots that an earlier run, or another console, has learned.
    pub fn merge(&mut self, boots: impl IntoIterator<Item = PastBoot>) {
        boots.into_iter().for_each(|boot| self.learn(boot));
    }

    fn learn(&mut self, mut boot: PastBoot) {
        if self.known.contains_key(&boot.pod) {
            return;
        }
        let id = (boot.at, boot.pod);
        if self.boots.len() >= KEPT && self.boots.first_key_value().is_some_and(|(oldest, _)| *oldest > id) {
            return;
        }
        let pooled = boot.kind.of_any_tier();
        for kind in [&*boot.kind, &pooled] {
            match self.kinds.get_mut(kind) {
                Some(stats) => *stats = OnceLock::new(),
                None => drop(self.kinds.insert(Arc::new(kind.clone()), OnceLock::new())),
            }
        }
        if let Some((shared, _)) = self.kinds.get_key_value(&boot.kind) {
            boot.kind = Arc::clone(shared);
        }
        let of_one = self.tenants.entry(boot.tenant).or_default();
        of_one.insert(id);
        let surplus = (of_one.len() > KEPT_OF_ONE).then(|| of_one.first().copied()).flatten();
        self.known.insert(boot.pod, boot.at);
        self.boots.insert(id, Arc::new(boot));
        self.version += 1;
        if let Some(id) = surplus {
            self.forget(id);
        }
        while self.boots.len() > KEPT
            && let Some((oldest, _)) = self.boots.first_key_value().map(|(id, boot)| (*id, boot.pod))
        {
            self.forget(oldest);
        }
    }

    fn forget(&mut self, id: Id) {
        let Some(boot) = self.boots.remove(&id) else { return };
        self.known.remove(&boot.pod);
        if let Some(of_one) = self.tenants.get_mut(&boot.tenant) {
            of_one.remove(&id);
            if of_one.is_empty() {
                self.tenants.remove(&boot.tenant);
            }
        }
        // Its kind's window may have held it; the last of a kind takes its figures along.
        for kind in [Arc::clone(&boot.kind), Arc::new(boot.kind.of_any_tier())] {
            if self.boots.values().any(|b| kind.takes(&b.kind)) {
                self.kinds.insert(kind, OnceLock::new());
            } else {
                self.kinds.remove(&kind);
            }
        }
    }

    /// Figures of the latest boots of a kind: of its own tier where there are enough, else of all tiers.
    pub fn stats(&self, kind: &BootKind) -> Option<&Stats> {
        let own = self.stats_of(kind);
        if own.is_some_and(|s| s.boots() >= Stats::ENOUGH) {
            return own;
        }
        self.stats_of(&kind.of_any_tier()).or(own)
    }

    fn stats_of(&self, kind: &BootKind) -> Option<&Stats> {
        let (kind, stats) = self.kinds.get_key_value(kind)?;
        Some(stats.get_or_init(|| Stats::of(self.latest(kind), kind.laps())))
    }

    /// The latest boots of a kind.
    fn latest<'a>(&'a self, kind: &'a BootKind) -> impl Iterator<Item = &'a PastBoot> {
        self.boots.values().rev().map(|b| &**b).filter(|b| kind.takes(&b.kind)).take(WINDOW)
    }

    /// The kinds of boots that are known, each tier for itself, the one with the most boots first.
    pub fn kinds(&self) -> Vec<(&BootKind, &Stats)> {
        let mut seen: Vec<&Arc<BootKind>> = Vec::new();
        for boot in self.boots.values().rev() {
            // Equal kinds are one: `learn` shares them.
            if !seen.iter().any(|kind| Arc::ptr_eq(kind, &boot.kind)) {
                seen.push(&boot.kind);
            }
        }
        let mut kinds: Vec<(&BootKind, &Stats)> =
            seen.into_iter().filter_map(|kind| Some((&**kind, self.stats_of(kind)?))).collect();
        kinds.sort_by_key(|(_, stats)| std::cmp::Reverse(stats.boots()));
        kinds
    }
}

#[cfg(test)]
mod tests;
