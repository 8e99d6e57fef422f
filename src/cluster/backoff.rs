//! How long to wait after a failure: longer each time, and short again only after a quiet minute.

use std::time::Duration;

use tokio::time::Instant;

const FIRST: Duration = Duration::from_millis(500);
const LONGEST: Duration = Duration::from_secs(30);
const QUIET: Duration = Duration::from_secs(60);

#[derive(Debug, Default)]
pub(super) struct Backoff {
    failures: u32,
    /// When the last wait ended.
    until: Option<Instant>,
}

impl Backoff {
    /// The wait after one more failure, a quarter of it by chance so that watches do not come back in step; at least
    /// what the server asked for.
    pub(super) fn after_failure(&mut self, asked: Option<Duration>) -> Duration {
        let now = Instant::now();
        if self.until.is_some_and(|until| now.saturating_duration_since(until) >= QUIET) {
            self.failures = 0;
        }
        let base = FIRST.saturating_mul(1 << self.failures.min(6)).min(LONGEST);
        self.failures += 1;
        let wait = base.mul_f64(0.75 + 0.25 * fastrand::f64()).max(asked.unwrap_or_default());
        self.until = Some(now + wait);
        wait
    }

    /// A person asked to try now.
    pub(super) fn reset(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn grows_to_its_bound_and_forgets_only_after_a_quiet_minute() {
        let mut backoff = Backoff::default();
        let mut last = Duration::ZERO;
        for bound in [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0] {
            last = backoff.after_failure(None);
            assert!((bound * 0.75..=bound).contains(&last.as_secs_f64()), "{bound}: {last:?}");
            // A short success in between changes nothing.
            tokio::time::advance(last + Duration::from_secs(20)).await;
        }
        assert!(last > Duration::from_secs(20));
        tokio::time::advance(Duration::from_secs(61)).await;
        assert!(backoff.after_failure(None) <= FIRST);
        assert_eq!(backoff.after_failure(Some(Duration::from_secs(7))), Duration::from_secs(7));
    }
}
