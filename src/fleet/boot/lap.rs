//! A boot as laps without holes: where one ends the next begins, so that they sum to the whole to the second.
//!
//! A step of [`super::Boot`] is what its container was busy with. Between two of them lies what no container tells of:
//! its image is pulled and it is started. Laps cover that, too:
//! scheduling, volumes, then for each stage and last for the gateway: until it has started, and until it is done.

use super::{At, Container, Pod, State, first_ready};

/// Which stretch of a boot: the step it belongs to, and whether the step is waited for or at work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lap {
    /// Place in [`super::Boot::steps`].
    pub step: usize,
    /// Until its container has started: its image and its start.
    pub waits: bool,
}

impl Lap {
    /// Laps of a boot with so many stages.
    pub const fn count(stages: usize) -> usize {
        4 + 2 * stages
    }

    /// The lap with this number.
    pub const fn of(index: usize) -> Self {
        match index {
            0 | 1 => Self { step: index, waits: false },
            n => Self { step: 1 + n / 2, waits: n % 2 == 0 },
        }
    }

    /// The number of the lap in which a step is at work.
    pub const fn at_work(step: usize) -> usize {
        match step {
            0 | 1 => step,
            n => 2 * n - 1,
        }
    }
}

/// When the laps of one pod's boot ended, as far as it has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Laps {
    pub begun: At,
    /// In order of [`Lap::of`]; never earlier than the one before. `None`: not ended, or nobody knows when.
    pub ends: Box<[Option<At>]>,
}

impl Laps {
    /// `None` where even the boot's beginning is not known.
    ///
    /// Clocks of different machines take part: what would end before it began ends at once, and the next lap is shorter
    /// by as much, so that the sum stays true.
    pub fn of(pod: &Pod) -> Option<Self> {
        let begun = pod.created?;
        let mut ends = Vec::with_capacity(Lap::count(pod.stages.len()));
        let since = |c: &Option<super::super::Condition>| c.as_ref().filter(|c| c.met).and_then(|c| c.since);
        ends.push(since(&pod.scheduled));
        // A kubelet may tell of the sandbox only after it has started the first container: the earlier one counts.
        let first = pod.stages.first().or_else(|| pod.gateway()).and_then(started);
        let sandbox = pod.sandbox.filter(|c| c.met).and_then(|c| c.since);
        ends.push([sandbox, first].into_iter().flatten().min());
        for stage in &pod.stages {
            ends.push(started(stage));
            ends.push(finished(stage));
        }
        ends.push(pod.gateway().and_then(started));
        ends.push(first_ready(pod));
        let mut latest = begun;
        for end in ends.iter_mut().flatten() {
            *end = (*end).max(latest);
            latest = *end;
        }
        Some(Self { begun, ends: ends.into_boxed_slice() })
    }

    /// Seconds of lap `index`, where both its ends are known.
    pub fn seconds(&self, index: usize) -> Option<u32> {
        let from = self.from(index)?;
        Some((*self.ends.get(index)?)?.since(from))
    }

    /// When lap `index` began.
    pub fn from(&self, index: usize) -> Option<At> {
        match index.checked_sub(1) {
            None => Some(self.begun),
            Some(before) => *self.ends.get(before)?,
        }
    }

    /// The lap that the boot is in: after the last one that is known to have ended. `None` once all have.
    pub fn current(&self) -> Option<usize> {
        let ended = self.ends.iter().rposition(Option::is_some).map_or(0, |last| last + 1);
        (ended < self.ends.len()).then_some(ended)
    }

    /// Seconds from the pod's making to its readiness.
    pub fn whole(&self) -> Option<u32> {
        Some((*self.ends.last()?)?.since(self.begun))
    }
}

/// Nothing in it has restarted: what its status tells of times is of its first run.
pub fn is_cold(pod: &Pod) -> bool {
    pod.all().all(|c| c.restarts == 0)
}

fn started(container: &Container) -> Option<At> {
    match &container.state {
        State::Running { since } => *since,
        State::Terminated(t) => t.started,
        State::Waiting(_) => None,
    }
}

fn finished(stage: &Container) -> Option<At> {
    match &stage.state {
        State::Terminated(t) if t.exit_code == 0 => t.finished,
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::{Boot, fixture::*};

    fn seconds(pod: &Pod) -> Vec<Option<u32>> {
        let laps = Laps::of(pod).unwrap();
        (0..laps.ends.len()).map(|i| laps.seconds(i)).collect()
    }

    #[test]
    fn laps_and_steps_know_each_other() {
        let boot = Boot::of(&ready());
        assert_eq!(Lap::count(7), 18);
        for index in 0..18 {
            let lap = Lap::of(index);
            assert!(lap.step < boot.steps.len());
            assert_eq!(lap.waits, Lap::at_work(lap.step) != index, "{index}: {lap:?}");
        }
        assert_eq!(Lap::of(17), Lap { step: 9, waits: false });
    }

    #[test]
    fn the_laps_of_a_boot_sum_to_its_whole() {
        let pod = ready();
        let all = seconds(&pod);
        assert_eq!(all[..6], [Some(1), Some(4), Some(0), Some(10), Some(0), Some(10)]);
        assert_eq!(all[16..], [Some(5), Some(30)], "image and start of the gateway, then its own start");
        let laps = Laps::of(&pod).unwrap();
        assert_eq!(all.iter().flatten().sum::<u32>(), laps.whole().unwrap());
        assert_eq!((laps.whole(), laps.current()), (Some(110), None));
    }

    #[test]
    fn skewed_clocks_change_no_sum() {
        let mut pod = ready();
        // The node's clock is 3 s behind the API server's: the sandbox is there before the pod was scheduled.
        pod.scheduled = condition(true, 8);
        let all = seconds(&pod);
        assert_eq!(all[..4], [Some(8), Some(0), Some(0), Some(7)]);
        assert_eq!(all.iter().flatten().sum::<u32>(), 110);
    }

    #[test]
    fn a_boot_is_in_the_lap_after_the_last_that_ended() {
        let check = |pod: &Pod, lap, from| {
            let laps = Laps::of(pod).unwrap();
            assert_eq!((laps.current(), laps.from(lap)), (Some(lap), Some(at(from))));
        };
        check(&pod(), 1, 1);
        check(&booting(3), Lap::at_work(5), 35);
        let mut between = booting(3);
        between.stages[3].state = waiting("PodInitializing");
        check(&between, Lap::at_work(5) - 1, 35);
        check(&starting(), 17, 80);
    }

    proptest::proptest! {
        #[test]
        fn laps_never_go_back_and_sum_to_the_time_from_first_to_last(
            times in proptest::collection::vec(proptest::option::weighted(0.9, 0_u32..300), 18),
            begun in 0_u32..300,
        ) {
            let mut pod = pod();
            pod.created = Some(at(begun));
            let condition = |n: Option<u32>| n.and_then(|n| condition(true, n));
            (pod.scheduled, pod.ready) = (condition(times[0]), condition(times[17]));
            pod.sandbox = times[1].and_then(|n| moment(true, n));
            for (i, stage) in pod.stages.iter_mut().enumerate() {
                let (from, to) = (times[2 + 2 * i], times[3 + 2 * i]);
                let words = crate::fleet::Words::reason_only("Completed");
                let ended = crate::fleet::Terminated::new(0, words, from.map(at), to.map(at));
                stage.state = State::Terminated(ended);
            }
            for c in &mut pod.containers {
                c.state = State::Running { since: times[16].map(at) };
            }
            let laps = Laps::of(&pod).unwrap();
            let known: Vec<_> = std::iter::once(laps.begun).chain(laps.ends.iter().flatten().copied()).collect();
            proptest::prop_assert!(known.is_sorted(), "{:?}", laps);
            let all: Option<u32> = (0..laps.ends.len()).map(|i| laps.seconds(i)).sum();
            if let Some(all) = all {
                proptest::prop_assert_eq!(Some(all), laps.whole());
            }
            if let Some(current) = laps.current() {
                proptest::prop_assert!(laps.ends[current..].iter().all(Option::is_none));
            }
        }
    }

    #[test]
    fn what_nobody_timed_stays_unknown() {
        let mut pod = ready();
        pod.scheduled = None;
        assert_eq!(seconds(&pod)[..3], [None, None, Some(0)]);
        pod.created = None;
        assert_eq!(Laps::of(&pod), None);
    }
}
