//! What can be said about a boot that is under way.

use crate::fleet::{
    At, Phase, Tenant,
    boot::{Comparison, Lap, Laps},
};

use super::{BootKind, History, Spread, Stats, boot_kind::NEW};
use crate::index::Entry;

/// When a tenant that is on its way will be ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Forecast {
    /// About so many seconds are left, told by so many boots.
    Left { seconds: u32, samples: u32 },
    /// The lap it is in takes longer than it took in any of so many boots.
    Overdue { samples: u32 },
    /// There is no pod yet, or the one before is still going: how long that takes nobody knows, and from then on it usually
    /// takes so many seconds, told by so many boots.
    NoPod { seconds: u32, samples: u32 },
    /// Too few boots like this one are known; so many are.
    NoHistory { samples: u32 },
}

impl Forecast {
    pub fn seconds(self) -> Option<u32> {
        match self {
            Self::Left { seconds, .. } => Some(seconds),
            _ => None,
        }
    }
}

/// What a stretch usually takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usual {
    pub median: u32,
    pub p95: u32,
    pub samples: u32,
}

impl History {
    fn stats_for(&self, tenant: &Tenant) -> Option<&Stats> {
        self.stats(&BootKind::of(tenant, tenant.pod()?)?)
    }

    /// `None` for whoever is not on their way.
    pub fn forecast(&self, entry: &Entry, now: At) -> Option<Forecast> {
        let pod = entry.tenant.pod().filter(|p| p.deleting.is_none());
        if pod.is_none() && matches!(entry.verdict.phase, Phase::Creating | Phase::Updating) {
            return Some(self.before_its_pod(&entry.tenant, now));
        }
        let on_its_way = matches!(entry.verdict.phase, Phase::Creating | Phase::Booting { .. } | Phase::Starting);
        let pod = pod.filter(|_| on_its_way)?;
        let laps = Laps::of(pod)?;
        let current = laps.current()?;
        let Some(stats) = self.stats_for(&entry.tenant) else { return Some(Forecast::NoHistory { samples: 0 }) };
        // What follows this lap, as one: many short laps, each cut to whole seconds, would add up to an error.
        let (lap, tail) = (stats.lap(current)?, stats.tail(current + 1));
        let samples = tail.map_or(u32::MAX, Spread::samples).min(lap.samples());
        let Some(begun) = laps.from(current).filter(|_| samples >= Stats::ENOUGH) else {
            return Some(Forecast::NoHistory { samples });
        };
        let Some(rest) = lap.rest(now.since(begun)) else { return Some(Forecast::Overdue { samples }) };
        let later = tail.and_then(Spread::median).unwrap_or(0);
        Some(Forecast::Left { seconds: rest + later, samples })
    }

    /// By what is known without a pod: the image that the StatefulSet will run, the tier, and how old the volumes are.
    fn before_its_pod(&self, tenant: &Tenant, now: At) -> Forecast {
        let newest = tenant.claims.iter().filter_map(|c| c.created).max();
        // Those that are not there yet will be new.
        let new = newest.is_none_or(|at| now.since(at) <= NEW);
        let image = tenant.wanted_image().map(|image| image.repository);
        let tier = tenant.tier.as_ref().map_or("", |t| t.as_str());
        let alike = self.kinds.keys().filter(|kind| image == Some(&*kind.image) && kind.new_volumes == Some(new));
        // Each tier for itself, and all of them: the tenant's own counts for more where it is known well enough.
        let figures = alike
            .filter(|kind| kind.tier.as_deref().is_none_or(|of| of == tier))
            .filter_map(|kind| Some((kind.tier.is_some(), self.stats_of(kind)?.whole())));
        let known = |whole: &Spread| whole.samples() >= Stats::ENOUGH;
        match figures.max_by_key(|(own, whole)| (known(whole), *own, whole.samples())) {
            Some((_, whole)) if known(whole) => {
                Forecast::NoPod { seconds: whole.median().unwrap_or(0), samples: whole.samples() }
            }
            few => Forecast::NoHistory { samples: few.map_or(0, |(_, whole)| whole.samples()) },
        }
    }

    /// The lap that a tenant's boot is in, with its time so far; beside its history where there is one.
    pub fn current(&self, tenant: &Tenant, now: At) -> Option<(Lap, u32, Option<Comparison>)> {
        let laps = Laps::of(tenant.pod()?)?;
        let index = laps.current()?;
        let elapsed = now.since(laps.from(index)?);
        let usual = self.usual(tenant, index);
        let compare = |u: Usual| Comparison { elapsed, median: u.median, p95: u.p95, samples: u.samples };
        Some((Lap::of(index), elapsed, usual.map(compare)))
    }

    /// What lap `index` of a boot like this tenant's usually takes.
    pub fn usual(&self, tenant: &Tenant, index: usize) -> Option<Usual> {
        usual(self.stats_for(tenant)?.lap(index)?)
    }

    /// What a whole boot like this tenant's usually takes.
    pub fn usual_whole(&self, tenant: &Tenant) -> Option<Usual> {
        usual(self.stats_for(tenant)?.whole())
    }

    /// Step `step` of this tenant's boot, which took or has taken so long, beside its history.
    pub fn compare(&self, tenant: &Tenant, step: usize, elapsed: u32) -> Option<Comparison> {
        let Usual { median, p95, samples } = self.usual(tenant, Lap::at_work(step))?;
        Some(Comparison { elapsed, median, p95, samples })
    }
}

fn usual(spread: &Spread) -> Option<Usual> {
    let samples = spread.samples();
    (samples >= Stats::ENOUGH).then_some(())?;
    Some(Usual { median: spread.median()?, p95: spread.p95()?, samples })
}
