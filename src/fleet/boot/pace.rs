//! How a stage's time compares with what the same stage took in this fleet before.

/// Boots below which nothing is called slow.
const ENOUGH: u32 = 5;
/// Times are whole seconds: what is less than this above the median is noise.
const NOISE: u32 = 5;
/// From here on a slow stage is called stuck: this many times the slowest usual time, and so many seconds.
const STUCK_TIMES: u32 = 4;
const STUCK_LEAST: u32 = 120;

/// A stage beside this fleet's own history of it, all in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Comparison {
    pub elapsed: u32,
    pub median: u32,
    pub p95: u32,
    /// Boots that the figures stand on.
    pub samples: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Pace {
    /// As ever, or too little is known to say otherwise.
    Usual,
    Slow,
    /// So far beyond everything usual that waiting longer is no plan.
    Stuck,
}

impl Comparison {
    /// Slow: beyond 95 of 100 boots and half as long again as the median, told by at least five boots.
    pub fn pace(&self) -> Pace {
        let Self { elapsed, median, p95, samples } = *self;
        let beyond = elapsed > p95 && u64::from(elapsed) * 2 > u64::from(median) * 3 && elapsed >= median + NOISE;
        if samples < ENOUGH || !beyond {
            Pace::Usual
        } else if elapsed >= p95.saturating_mul(STUCK_TIMES).max(STUCK_LEAST) {
            Pace::Stuck
        } else {
            Pace::Slow
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slow_is_said_only_with_enough_to_compare_and_far_enough_beyond() {
        let check = |elapsed, median, p95, samples, expect| {
            let got = Comparison { elapsed, median, p95, samples };
            assert_eq!(got.pace(), expect, "{got:?}");
        };
        check(41, 12, 15, 20, Pace::Slow);
        check(41, 12, 15, 4, Pace::Usual);
        check(15, 12, 15, 20, Pace::Usual);
        check(17, 12, 15, 20, Pace::Usual);
        check(19, 12, 15, 20, Pace::Slow);
        check(4, 1, 1, 200, Pace::Usual);
        check(7, 1, 1, 200, Pace::Slow);
        check(119, 12, 15, 20, Pace::Slow);
        check(120, 12, 15, 20, Pace::Stuck);
        check(299, 30, 75, 20, Pace::Slow);
        check(300, 30, 75, 20, Pace::Stuck);
        check(u32::MAX, u32::MAX - 9, u32::MAX - 9, 20, Pace::Usual);
    }
}
