//! Orders of the list. What is unknown stands last, whichever way round.

use std::cmp::Ordering;

use crate::{
    fleet::{At, Tier, image::Version},
    index::Entry,
};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Sort {
    #[default]
    Severity,
    Name,
    Changed,
    Since,
    Tier,
    Image,
    Restarts,
    Memory,
    Disk,
}

/// A row's place under one order. Smaller stands higher; ties are broken by the caller.
#[derive(Debug)]
pub(crate) struct SortKey<'a> {
    unknown: bool,
    number: u64,
    version: Option<Version>,
    text: &'a str,
}

impl SortKey<'_> {
    pub(crate) fn compare(&self, other: &Self, reverse: bool) -> Ordering {
        let known = (self.number, &self.version, self.text).cmp(&(other.number, &other.version, other.text));
        self.unknown.cmp(&other.unknown).then(if reverse { known.reverse() } else { known })
    }
}

impl Sort {
    pub(crate) const ALL: [Self; 9] = [
        Self::Severity,
        Self::Name,
        Self::Changed,
        Self::Since,
        Self::Tier,
        Self::Image,
        Self::Restarts,
        Self::Memory,
        Self::Disk,
    ];

    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Severity => "severity",
            Self::Name => "name",
            Self::Changed => "change",
            Self::Since => "since",
            Self::Tier => "tier",
            Self::Image => "image",
            Self::Restarts => "restarts",
            Self::Memory => "memory",
            Self::Disk => "disk",
        }
    }

    pub(crate) fn by_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.word() == word)
    }

    pub(crate) fn next(self) -> Self {
        let at = Self::ALL.iter().position(|s| *s == self).unwrap_or(0);
        Self::ALL.get(at + 1).copied().unwrap_or_default()
    }

    /// `standing`: how badly it stands with the tenant, see [`crate::diagnose::standing`].
    pub(crate) fn key(self, entry: &Entry, standing: usize) -> SortKey<'_> {
        let tenant = &entry.tenant;
        let number = |number: Option<u64>| SortKey {
            unknown: number.is_none(),
            number: number.unwrap_or(0),
            version: None,
            text: "",
        };
        match self {
            // Newest first within a phase, by when the phase began: a boot's stages do not shuffle the rows.
            Self::Severity => {
                let newest = newest_first(entry.changed).unwrap_or(u64::from(u32::MAX));
                number(u64::try_from(standing).ok().map(|rank| rank << 32 | newest))
            }
            Self::Name => SortKey { unknown: false, number: 0, version: None, text: &tenant.id },
            Self::Changed => number(newest_first(entry.changed)),
            Self::Since => number(newest_first(entry.verdict.since)),
            Self::Tier => {
                let tier = tenant.tier.as_ref().map(Tier::as_str);
                SortKey { unknown: tier.is_none(), number: 0, version: None, text: tier.unwrap_or_default() }
            }
            Self::Image => {
                let image = tenant.wanted_image();
                let version = image.and_then(|i| Version::parse(i.tag?));
                SortKey { unknown: image.is_none(), number: 0, version, text: image.map_or("", |i| i.short()) }
            }
            Self::Restarts => number(tenant.pod().map(|p| most_first(p.restarts()))),
            Self::Memory => number(memory_percent(entry).map(most_first)),
            Self::Disk => number(tenant.fullest().map(|(_, percent)| most_first(percent))),
        }
    }
}

fn most_first(number: u32) -> u64 {
    u64::from(u32::MAX - number)
}

fn newest_first(at: Option<At>) -> Option<u64> {
    let unix = u32::try_from(at?.unix()).ok()?;
    Some(u64::from(u32::MAX - unix))
}

/// Memory in use as a share of what the tier's quota allows; `None` without a measure or a quota.
pub(crate) fn memory_percent(entry: &Entry) -> Option<u32> {
    let limit = entry.tenant.quota()?.entry("limits.memory")?.hard;
    entry.tenant.usage?.memory().percent_of(limit)
}

/// The same for the processor.
pub(crate) fn cpu_percent(entry: &Entry) -> Option<u32> {
    let limit = entry.tenant.quota()?.entry("limits.cpu")?.hard;
    entry.tenant.usage?.cpu().percent_of(limit)
}
