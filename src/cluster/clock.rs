//! What time it is: for us, or in the simulator's faster world.

use std::time::Duration;

use tokio::time::Instant;

use crate::fleet::At;

/// A source of `now`.
#[derive(Clone, Debug, Default)]
pub enum Clock {
    /// The machine's clock.
    #[default]
    System,
    /// Starts at `start` and runs `speed` times as fast as tokio's clock, so that a paused test has it in hand.
    Scaled { start: At, origin: Instant, speed: f64 },
}

impl Clock {
    /// A clock that shows `start` now.
    pub fn scaled(start: At, speed: f64) -> Self {
        Self::Scaled { start, origin: Instant::now(), speed }
    }

    /// How long so many seconds of this clock take on ours.
    pub fn real(&self, seconds: u32) -> Duration {
        let real = Duration::from_secs(seconds.into());
        match self {
            Self::System => real,
            Self::Scaled { speed, .. } => Duration::try_from_secs_f64(real.as_secs_f64() / speed).unwrap_or(real),
        }
    }

    pub fn now(&self) -> At {
        match self {
            Self::System => {
                let unix = jiff::Timestamp::now().as_second();
                At::from_unix(unix).expect("the machine's clock is between 1970 and 2106")
            }
            Self::Scaled { start, origin, speed } => {
                let seconds = origin.elapsed().as_secs_f64() * speed;
                // A float to integer cast saturates; 136 years of simulation are enough.
                start.plus(seconds as u32)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_scaled_clock_runs_with_tokios() {
        let start = At::from_unix(1_790_000_000).unwrap();
        let clock = Clock::scaled(start, 30.0);
        assert_eq!(clock.now(), start);
        tokio::time::advance(Duration::from_secs(2)).await;
        assert_eq!(clock.now().since(start), 60);
        assert!(Clock::System.now().unix() > 1_700_000_000);
    }
}
