//! How fast a plan goes through many tenants, and when it stops.

use serde::{Deserialize, Serialize};

use super::{Turn, Wave};

/// The gates between waves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Pace {
    /// Tenants that go first, alone.
    pub canary: u32,
    /// Tenants that are down at once by our doing, at most.
    pub max_unavailable: u32,
    /// Seconds between waves, to see whether what was done stays well.
    pub soak: u32,
    /// Failed tenants after which the run stops.
    pub stop_after: u32,
}

impl Default for Pace {
    fn default() -> Self {
        Self { canary: 1, max_unavailable: 1, soak: 0, stop_after: 1 }
    }
}

impl Pace {
    /// One at a time, in the order in which they were named, and no further after a failure.
    pub const ONE_BY_ONE: Self = Self { canary: 0, max_unavailable: 1, soak: 0, stop_after: 1 };

    /// Those that are well first, the canaries ahead of them; those that are unwell already come last, where they cannot
    /// stop the others.
    pub(super) fn waves(self, turns: Vec<Turn>) -> Vec<Wave> {
        let (mut rest, unwell): (Vec<_>, Vec<_>) = turns.into_iter().partition(|turn| turn.unwell.is_none());
        let canary = usize::try_from(self.canary).unwrap_or(usize::MAX);
        let mut waves = Vec::new();
        let mut add = |name: &str, turns: Vec<Turn>| {
            if !turns.is_empty() {
                waves.push(Wave { name: name.to_owned(), turns });
            }
        };
        // A canary sings for others, and one that sleeps does not sing.
        if canary > 0 && rest.len() > canary {
            rest.sort_by_key(|turn| turn.down.is_none());
            let others = rest.split_off(canary);
            add("canary", rest);
            add("rest", others);
        } else {
            add("all", rest);
        }
        add("unwell before", unwell);
        waves
    }
}
