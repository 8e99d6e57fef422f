//! When to draw: keys at once, data at most ten times a second, ages when their text changes, nothing when nothing happens.
//!
//! Pure: the moment enters as `now`.

use std::time::{Duration, Instant};

use crate::fleet::At;

/// Two frames are never closer than this.
const FRAME: Duration = Duration::from_millis(16);
/// Frames that only data asks for are never closer than this.
const DATA: Duration = Duration::from_millis(100);

#[derive(Debug, Default)]
pub(crate) struct Pace {
    last: Option<Instant>,
    want: Option<Instant>,
    /// When the first age on screen will read differently.
    wake: Option<At>,
}

impl Pace {
    /// A key, a resize, an answer: as soon as a frame may be drawn.
    pub(crate) fn key(&mut self, now: Instant) {
        self.ask(now, FRAME);
    }

    /// News from the cluster.
    pub(crate) fn data(&mut self, now: Instant) {
        self.ask(now, DATA);
    }

    /// The clock, looked at once a second: draws only if an age on screen reads differently now.
    pub(crate) fn clock(&mut self, now: Instant, at: At) {
        if self.wake.is_some_and(|wake| at >= wake) {
            self.ask(now, FRAME);
        }
    }

    fn ask(&mut self, now: Instant, gap: Duration) {
        let soonest = self.last.map_or(now, |last| now.max(last + gap));
        self.want = Some(self.want.map_or(soonest, |want| want.min(soonest)));
    }

    /// When the next frame is to be drawn, if one was asked for.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.want
    }

    pub(crate) fn due(&self, now: Instant) -> bool {
        self.want.is_some_and(|want| want <= now)
    }

    /// The clock needs looking at.
    pub(crate) fn ticks(&self) -> bool {
        self.wake.is_some()
    }

    /// A frame was drawn; `wake` is when the first age in it will read differently.
    pub(crate) fn drawn(&mut self, now: Instant, wake: Option<At>) {
        self.last = Some(now);
        self.want = None;
        self.wake = wake;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(n: i64) -> At {
        At::from_unix(1_000 + n).unwrap()
    }

    /// Plays asks at these milliseconds and draws when due, looking every millisecond; returns when it drew.
    type Ask = (u64, fn(&mut Pace, Instant));

    fn play(asks: &[Ask], until: u64) -> Vec<u64> {
        let start = Instant::now();
        let mut pace = Pace::default();
        let mut drawn = vec![];
        for ms in 0..=until {
            let now = start + Duration::from_millis(ms);
            for (_, ask) in asks.iter().filter(|(when, _)| *when == ms) {
                ask(&mut pace, now);
            }
            if pace.due(now) {
                drawn.push(ms);
                pace.drawn(now, None);
            }
        }
        drawn
    }

    #[test]
    fn keys_draw_at_once_but_frames_keep_their_distance() {
        assert_eq!(play(&[(0, Pace::key), (50, Pace::key)], 100), [0, 50]);
        assert_eq!(play(&[(0, Pace::key), (3, Pace::key), (5, Pace::key)], 100), [0, 16]);
    }

    #[test]
    fn a_flood_of_data_draws_ten_times_a_second() {
        let flood: Vec<Ask> = (0..1_000).map(|ms| (ms, Pace::data as _)).collect();
        assert_eq!(play(&flood, 999).len(), 10);
    }

    #[test]
    fn a_key_does_not_wait_for_data() {
        assert_eq!(play(&[(0, Pace::data), (10, Pace::data), (20, Pace::key)], 200), [0, 20]);
    }

    #[test]
    fn nothing_asked_nothing_drawn() {
        assert_eq!(play(&[], 5_000), [0_u64; 0]);
        assert_eq!(play(&[(0, Pace::data)], 5_000), [0]);
    }

    #[test]
    fn the_clock_draws_only_when_an_age_reads_differently() {
        let start = Instant::now();
        let mut pace = Pace::default();
        pace.drawn(start, None);
        pace.clock(start + Duration::from_secs(5), at(5));
        assert!(!pace.ticks() && pace.deadline().is_none());

        pace.drawn(start, Some(at(60)));
        pace.clock(start + Duration::from_secs(59), at(59));
        assert!(pace.ticks() && pace.deadline().is_none());
        let now = start + Duration::from_secs(60);
        pace.clock(now, at(60));
        assert!(pace.due(now));
    }
}
