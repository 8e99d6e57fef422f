//! Figures of one kind of boot.

use super::{PastBoot, Spread};
use crate::fleet::boot::Lap;

/// What the latest boots of a kind took.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    boots: u32,
    laps: Box<[Spread]>,
    whole: Spread,
    waits: Spread,
    /// By lap: from its beginning to the end of the boot.
    tails: Box<[Spread]>,
    /// Seconds per lap, summed over the boots of which all laps are known.
    sums: Box<[u64]>,
}

/// One lap's part in all the time that boots took.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Share {
    pub lap: usize,
    /// Of 1.
    pub share: f64,
}

impl Stats {
    /// Boots below which nothing is foretold.
    pub const ENOUGH: u32 = 3;

    pub fn of<'a>(boots: impl IntoIterator<Item = &'a PastBoot>, laps: usize) -> Self {
        let mut times = vec![Vec::new(); laps];
        let mut tails = vec![Vec::new(); laps];
        let mut sums = vec![0_u64; laps];
        let (mut whole, mut waits, mut count) = (Vec::new(), Vec::new(), 0);
        for boot in boots {
            count += 1;
            let all = boot.whole();
            whole.extend(all);
            let waited = (0..laps).filter(|lap| Lap::of(*lap).waits).map(|lap| boot.lap(lap));
            waits.extend(waited.sum::<Option<u32>>());
            let mut tail = Some(0);
            for (lap, tails) in tails.iter_mut().enumerate().rev() {
                tail = tail.zip(boot.lap(lap)).map(|(rest, seconds)| rest + seconds);
                tails.extend(tail);
            }
            for (lap, (times, sum)) in times.iter_mut().zip(&mut sums).enumerate() {
                let Some(seconds) = boot.lap(lap) else { continue };
                times.push(seconds);
                *sum += if all.is_some() { u64::from(seconds) } else { 0 };
            }
        }
        Self {
            boots: count,
            laps: times.into_iter().map(Spread::of).collect(),
            whole: Spread::of(whole),
            waits: Spread::of(waits),
            tails: tails.into_iter().map(Spread::of).collect(),
            sums: sums.into_boxed_slice(),
        }
    }

    pub fn boots(&self) -> u32 {
        self.boots
    }

    pub fn lap(&self, index: usize) -> Option<&Spread> {
        self.laps.get(index)
    }

    /// From the pod's making to its readiness.
    pub fn whole(&self) -> &Spread {
        &self.whole
    }

    /// For images and starts, over all steps of a boot.
    pub fn waits(&self) -> &Spread {
        &self.waits
    }

    /// From the beginning of a lap to the end of the boot.
    pub fn tail(&self, index: usize) -> Option<&Spread> {
        self.tails.get(index)
    }

    /// Where the time goes, in the order of the laps; nothing where no boot is known from end to end.
    pub fn shares(&self) -> Vec<Share> {
        let all: u64 = self.sums.iter().sum();
        if all == 0 {
            return Vec::new();
        }
        // At most 128 boots of at most 65,535 s a lap: far below what a double holds exactly.
        let share = |sum: u64| sum as f64 / all as f64;
        self.sums.iter().enumerate().map(|(lap, sum)| Share { lap, share: share(*sum) }).collect()
    }
}
