//! The simulated wall clock: a start plus the time of tokio's clock, so that a paused runtime and `--speed` both work.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

/// Simulated time. Cheap to copy; every part of one simulator shares the same origin.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    start: Timestamp,
    origin: Instant,
    speed: f64,
}

impl Clock {
    /// `speed` is simulated seconds per real second; what is not a positive number counts as 1.
    pub(crate) fn new(start: Timestamp, speed: f64) -> Clock {
        let speed = if speed.is_finite() && speed > 0.0 { speed } else { 1.0 };
        Clock { start, origin: Instant::now(), speed }
    }

    pub(crate) fn now(&self) -> Timestamp {
        let passed = self.origin.elapsed().mul_f64(self.speed);
        let passed = SignedDuration::try_from(passed).unwrap_or(SignedDuration::MAX);
        self.start.checked_add(passed).unwrap_or(Timestamp::MAX)
    }

    /// Sleeps for `simulated` of simulated time.
    pub(crate) fn sleep(&self, simulated: Duration) -> tokio::time::Sleep {
        tokio::time::sleep(self.real(simulated))
    }

    /// How much real (tokio) time a simulated span takes.
    pub(crate) fn real(&self, simulated: Duration) -> Duration {
        Duration::try_from_secs_f64(simulated.as_secs_f64() / self.speed).unwrap_or(Duration::MAX)
    }
}

/// A time as Kubernetes writes it in metadata: whole seconds, UTC.
pub(crate) fn stamp(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// A `MicroTime` as Kubernetes writes it (leases, event series).
pub(crate) fn micro_stamp(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string()
}
