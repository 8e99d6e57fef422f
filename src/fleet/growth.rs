//! How fast a volume fills: a bounded series of samples, and the slope that most of them agree on.
//!
//! A volume outlives its pod, so a restart changes nothing here; a clean-up or a burst moves few of the samples and hardly
//! the median of their slopes (Theil and Sen).

use super::At;

/// Samples kept of one volume. When they are full every second one goes and the next are taken half as often, so that they
/// always reach back to the first.
const MOST: usize = 8;
/// Between the first samples, in seconds.
const GAP: u32 = 300;
/// A slope over less than this is noise.
const LEAST_SPAN: u32 = 1_800;
const LEAST_SAMPLES: usize = 3;
/// What is older says nothing of today.
const LONGEST_SPAN: u32 = 14 * 86_400;
const DAY: i64 = 86_400;

/// What a volume held, over time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Series {
    samples: Vec<(At, u64)>,
    gap: u32,
}

/// The pace of a volume.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Growth {
    /// Negative where it empties.
    pub bytes_per_day: i64,
    /// Seconds that were looked at.
    pub over: u32,
    /// From a store of figures rather than from what this program has seen itself.
    pub recorded: bool,
}

impl Series {
    /// Takes a sample, unless it comes too soon after the last one or before it.
    pub fn add(&mut self, at: At, used: u64) {
        let gap = self.gap.max(GAP);
        if self.samples.last().is_some_and(|(last, _)| at.unix() < last.unix() + i64::from(gap)) {
            return;
        }
        self.samples.retain(|(then, _)| at.since(*then) <= LONGEST_SPAN);
        if self.samples.len() >= MOST {
            let mut keep = false;
            self.samples.retain(|_| {
                keep = !keep;
                keep
            });
            self.gap = gap.saturating_mul(2);
        }
        // Most volumes are looked at for minutes only.
        if self.samples.len() == self.samples.capacity() {
            self.samples.reserve_exact(1);
        }
        self.samples.push((at, used));
    }

    pub fn samples(&self) -> &[(At, u64)] {
        &self.samples
    }

    /// The median of the slopes between any two samples; `None` until there is enough to go by.
    pub fn growth(&self) -> Option<Growth> {
        let (first, last) = (self.samples.first()?, self.samples.last()?);
        let over = last.0.since(first.0);
        if self.samples.len() < LEAST_SAMPLES || over < LEAST_SPAN {
            return None;
        }
        let mut slopes: Vec<i64> = Vec::with_capacity(MOST * (MOST - 1) / 2);
        for (i, (from, before)) in self.samples.iter().enumerate() {
            for (to, after) in &self.samples[i + 1..] {
                let bytes = i128::from(*after) - i128::from(*before);
                let slope = bytes * i128::from(DAY) / i128::from(to.since(*from).max(1));
                slopes.push(i64::try_from(slope).unwrap_or(if slope < 0 { i64::MIN } else { i64::MAX }));
            }
        }
        slopes.sort_unstable();
        Some(Growth { bytes_per_day: *slopes.get(slopes.len() / 2)?, over, recorded: false })
    }
}

impl Growth {
    /// A pace seen for less than this, in seconds, says nothing about days.
    pub const TELLS_DAYS: u32 = 3_600;

    /// Seconds until these bytes are used up; `None` where it does not grow.
    pub fn seconds_to(&self, free: u64) -> Option<u64> {
        let pace = u128::try_from(self.bytes_per_day).ok().filter(|pace| *pace > 0)?;
        u64::try_from(u128::from(free) * 86_400 / pace).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::fixture::at;

    const GI: u64 = 1 << 30;

    fn series(samples: &[(u32, u64)]) -> Series {
        let mut series = Series::default();
        samples.iter().for_each(|(second, used)| series.add(at(*second), *used));
        series
    }

    #[test]
    fn a_steady_volume_is_told_exactly() {
        // One GiB an hour, looked at once a minute for a week.
        let mut all = Series::default();
        for minute in 0..7 * 24 * 60 {
            all.add(at(minute * 60), u64::from(minute) * GI / 60);
        }
        let growth = all.growth().unwrap();
        assert!((growth.bytes_per_day - 24 * (GI as i64)).abs() < 1_000_000, "{growth:?}");
        assert!(all.samples().len() <= MOST && growth.over > 3 * 86_400, "{growth:?}");
        assert_eq!(growth.seconds_to(48 * GI).unwrap() / 3_600, 48);
    }

    #[test]
    fn too_little_is_unknown() {
        for samples in [
            &[][..],
            &[(0, 1)],
            &[(0, 1), (3_000, 2)],
            &[(0, 1), (300, 2), (600, 3)],
            // Within the gap: the same look, no other.
            &[(0, 1), (10, 2), (20, 3), (2_000, 4)],
        ] {
            assert_eq!(series(samples).growth(), None, "{samples:?}");
        }
        assert!(series(&[(0, 1), (900, 2), (1_800, 3)]).growth().is_some());
    }

    #[test]
    fn a_clean_up_or_a_clock_that_jumps_back_hardly_moves_it() {
        let mut all = Series::default();
        for i in 0..8_u32 {
            let used = u64::from(i) * GI / 8 + 10 * GI;
            // Half way a cache of two GiB is thrown away.
            all.add(at(i * 10_800), if i < 6 { used } else { used - 2 * GI });
            all.add(at(i * 10_800 - i * 60), 0);
        }
        let pace = all.growth().unwrap().bytes_per_day;
        assert!(pace > 0 && pace < 2 * GI as i64, "{pace}");
        let falling = series(&[(0, 9 * GI), (3_600, 8 * GI), (7_200, 7 * GI)]).growth().unwrap();
        assert!(falling.bytes_per_day < 0);
        assert_eq!(falling.seconds_to(GI), None, "it never fills");
    }

    #[test]
    fn extremes_do_not_overflow() {
        let all = series(&[(0, 0), (1_000, u64::MAX), (2_000, 0), (3_000, u64::MAX)]);
        assert!(all.growth().is_some());
        let never = Growth { bytes_per_day: 1, over: 1, recorded: false };
        assert_eq!(never.seconds_to(u64::MAX), None);
    }
}
