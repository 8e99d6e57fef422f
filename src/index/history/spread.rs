//! The times that one lap took, in order.

/// Times in seconds, sorted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Spread(Box<[u32]>);

impl Spread {
    pub fn of(times: impl IntoIterator<Item = u32>) -> Self {
        let mut times: Box<[u32]> = times.into_iter().collect();
        times.sort_unstable();
        Self(times)
    }

    pub fn samples(&self) -> u32 {
        u32::try_from(self.0.len()).unwrap_or(u32::MAX)
    }

    /// The middle one; of an even number the mean of the two in the middle, halves rounded up.
    pub fn median(&self) -> Option<u32> {
        median(&self.0)
    }

    /// The smallest time that at least 95 of 100 did not exceed.
    pub fn p95(&self) -> Option<u32> {
        let rank = (self.0.len() * 95).div_ceil(100);
        self.0.get(rank.checked_sub(1)?).copied()
    }

    pub fn longest(&self) -> Option<u32> {
        self.0.last().copied()
    }

    /// What is still to come after `elapsed` seconds: the median of the times that were longer, less what has passed.
    /// `None` once it has taken longer than any time that is known.
    pub fn rest(&self, elapsed: u32) -> Option<u32> {
        // A time of 12 s may have been 12.9: in its last second it is as good as over, not overdue.
        let longer = self.0.partition_point(|t| *t + 1 < elapsed);
        median(self.0.get(longer..)?).map(|m| m.saturating_sub(elapsed))
    }
}

fn median(sorted: &[u32]) -> Option<u32> {
    let upper = *sorted.get(sorted.len() / 2)?;
    let lower = *sorted.get(sorted.len().checked_sub(1)? / 2)?;
    Some(lower + (upper - lower).div_ceil(2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_and_percentiles() {
        let check = |times: &[u32], median, p95| {
            let spread = Spread::of(times.iter().copied());
            assert_eq!((spread.median(), spread.p95()), (median, p95), "{times:?}");
        };
        check(&[], None, None);
        check(&[7], Some(7), Some(7));
        check(&[9, 4], Some(7), Some(9));
        check(&[30, 10, 20], Some(20), Some(30));
        check(&(1..=100).collect::<Vec<_>>(), Some(51), Some(95));
        check(&(1..=20).rev().collect::<Vec<_>>(), Some(11), Some(19));
    }

    #[test]
    fn the_rest_is_judged_by_those_that_took_as_long() {
        let check = |elapsed, rest| {
            // Quick with a cached image, slow without.
            assert_eq!(Spread::of([1, 1, 1, 1, 1, 40, 44]).rest(elapsed), rest, "{elapsed}");
        };
        check(0, Some(1));
        check(1, Some(0));
        check(3, Some(39));
        check(40, Some(2));
        check(42, Some(2));
        check(45, Some(0));
        check(46, None);
        assert_eq!(Spread::default().rest(0), None);
    }
}
