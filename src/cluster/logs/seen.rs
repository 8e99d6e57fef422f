//! What was already handed on, so that a stream that is opened again from a whole second neither doubles a line nor loses
//! one. Bounded: of a flood only the latest lines are remembered, and what is older than those counts as seen.

use std::{
    collections::{HashMap, VecDeque},
    hash::{DefaultHasher, Hash as _, Hasher as _},
};

/// Lines remembered; a resumed stream begins a second before the last of them.
const REMEMBERED: usize = 4_096;
/// Lines of this long before the last may still come: two writers of one container are stamped apart and written together.
const LATE: i64 = 1_000_000_000;

/// The memory of one stream.
#[derive(Debug, Default)]
pub struct Seen {
    last: VecDeque<(i64, u64)>,
    latest: Option<i64>,
    /// The earliest of `last` when the stream began again.
    oldest: i64,
    /// While a resumed stream repeats: how often each line is still to be passed over.
    repeats: Option<HashMap<(i64, u64), u32>>,
    /// Something that was seen has come again since the resumption.
    overlapped: bool,
}

impl Seen {
    /// The time of the last line.
    pub fn latest(&self) -> Option<i64> {
        self.latest
    }

    /// From when on to ask for lines again; `None` where nothing was seen.
    pub fn resume_from(&self) -> Option<i64> {
        self.latest.map(|t| super::stamp::floor(t - LATE))
    }

    /// A stream begins again.
    pub fn resume(&mut self) {
        let mut repeats = HashMap::new();
        for line in &self.last {
            *repeats.entry(*line).or_insert(0) += 1;
        }
        self.repeats = (!repeats.is_empty()).then_some(repeats);
        self.oldest = self.last.iter().map(|(time, _)| *time).min().unwrap_or(i64::MIN);
        self.overlapped = false;
    }

    /// Whether a resumed stream has shown that it goes on where the last one ended. `None`: it has not come so far.
    pub fn joined(&self) -> Option<bool> {
        match &self.repeats {
            Some(_) if !self.overlapped => None,
            _ => Some(self.overlapped),
        }
    }

    /// Takes note of a line; false where it was handed on before.
    pub fn is_new(&mut self, time: Option<i64>, text: &[u8]) -> bool {
        // The kubelet's own remarks have no time: each counts.
        let Some(time) = time else { return true };
        let mut hasher = DefaultHasher::new();
        text.hash(&mut hasher);
        let line = (time, hasher.finish());
        if let Some(repeats) = &mut self.repeats {
            if let Some(left) = repeats.get_mut(&line).filter(|left| **left > 0) {
                *left -= 1;
                self.overlapped = true;
                return false;
            }
            if time < self.oldest || (time == self.oldest && self.last.len() == REMEMBERED) {
                // Seen before what is remembered, or before the first line that was asked for.
                return false;
            }
            if self.latest.is_some_and(|latest| time > latest.saturating_add(LATE)) {
                self.repeats = None;
            }
        }
        if self.last.len() == REMEMBERED {
            self.last.pop_front();
        }
        self.last.push_back(line);
        self.latest = Some(self.latest.map_or(time, |latest| latest.max(time)));
        true
    }

    /// Another stream of another log: nothing of this one comes again.
    pub fn forget(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000_000;

    fn feed(seen: &mut Seen, lines: &[(i64, &str)]) -> Vec<String> {
        lines.iter().filter(|(t, text)| seen.is_new(Some(*t), text.as_bytes())).map(|(_, x)| (*x).to_owned()).collect()
    }

    #[test]
    fn a_resumed_stream_doubles_nothing_and_loses_nothing() {
        let mut seen = Seen::default();
        let all: Vec<(i64, String)> = (0..100).map(|n| (n * SECOND / 10, format!("line {}", n / 3))).collect();
        let all: Vec<(i64, &str)> = all.iter().map(|(t, x)| (*t, x.as_str())).collect();
        for cut in [1, 7, 30, 99] {
            seen.forget();
            let mut got = feed(&mut seen, &all[..cut]);
            let from = seen.resume_from().unwrap();
            seen.resume();
            let again: Vec<_> = all.iter().copied().filter(|(t, _)| *t >= from).collect();
            got.extend(feed(&mut seen, &again));
            assert_eq!(got, all.iter().map(|(_, x)| (*x).to_owned()).collect::<Vec<_>>(), "cut at {cut}");
            assert_eq!(seen.joined(), Some(true));
        }
    }

    #[test]
    fn equal_lines_of_one_moment_are_counted() {
        let mut seen = Seen::default();
        assert_eq!(feed(&mut seen, &[(5, "a"), (5, "a")]).len(), 2);
        seen.resume();
        assert_eq!(feed(&mut seen, &[(5, "a"), (5, "a"), (5, "a"), (6, "a")]), ["a", "a"], "the third one is new");
    }

    #[test]
    fn a_line_that_was_stamped_earlier_and_written_later_is_not_lost() {
        let mut seen = Seen::default();
        feed(&mut seen, &[(100, "stdout"), (300, "stdout")]);
        seen.resume();
        assert_eq!(feed(&mut seen, &[(100, "stdout"), (300, "stdout"), (290, "stderr")]), ["stderr"]);
    }

    #[test]
    fn a_log_that_no_longer_has_the_last_line_tells_so() {
        let mut seen = Seen::default();
        feed(&mut seen, &[(SECOND, "a")]);
        seen.resume();
        assert_eq!(seen.joined(), None);
        assert_eq!(feed(&mut seen, &[(9 * SECOND, "much later")]).len(), 1);
        assert_eq!(seen.joined(), Some(false));
        assert!(seen.is_new(None, b"remark") && seen.is_new(None, b"remark"));
    }

    #[test]
    fn of_a_flood_only_the_end_is_remembered_and_it_is_enough() {
        let mut seen = Seen::default();
        let all: Vec<(i64, String)> = (0..20_000).map(|n| (n, format!("{n}"))).collect();
        let all: Vec<(i64, &str)> = all.iter().map(|(t, x)| (*t, x.as_str())).collect();
        assert_eq!(feed(&mut seen, &all[..15_000]).len(), 15_000);
        seen.resume();
        assert_eq!(feed(&mut seen, &all).len(), 5_000);
    }
}
