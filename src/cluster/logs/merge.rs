//! Many streams into one order, by time. A stream that is still reading what was written before may be behind the
//! others, so those wait for it; one that is up to date is never waited for. Within a stream the order stays as it came.
//!
//! Pure: the moment enters as `now`, in milliseconds of any clock.

use std::collections::{BTreeMap, VecDeque};

use super::block::{Block, Line};

/// A stream's number.
pub type Source = u32;

/// Streams that are up to date give lines of one moment at slightly different times: how long a line waits for others.
pub const WINDOW: u64 = 40;

/// Blocks that wait for their turn. `T` goes with a block and is given back when the block is used up.
#[derive(Debug)]
pub struct Merge<T> {
    streams: BTreeMap<Source, Stream<T>>,
    /// The longest that a stream which gives nothing keeps the others waiting.
    patience: u64,
}

#[derive(Debug)]
struct Stream<T> {
    blocks: VecDeque<(Block, T)>,
    /// The next line of the first block.
    at: usize,
    state: State,
    /// When it began to keep others waiting, or when its first waiting line came.
    since: u64,
    /// Never earlier than what it gave before.
    key: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Reading the past.
    Behind,
    Live,
    Ended,
}

/// Whose turn it is.
struct Turn {
    source: Source,
    /// Its lines come first as long as they are not later than this.
    until: i64,
}

impl<T> Merge<T> {
    pub fn new(patience: u64) -> Self {
        Self { streams: BTreeMap::new(), patience }
    }

    /// A stream begins to read the past. Others wait for it.
    pub fn open(&mut self, source: Source, now: u64) {
        let fresh = Stream { blocks: VecDeque::new(), at: 0, state: State::Behind, since: now, key: i64::MIN };
        let stream = self.streams.entry(source).or_insert(fresh);
        stream.state = State::Behind;
        stream.since = now;
    }

    pub fn push(&mut self, source: Source, block: Block, with: T, now: u64) {
        if block.is_empty() {
            return;
        }
        let stream = self.streams.entry(source).or_insert(Stream {
            blocks: VecDeque::new(),
            at: 0,
            state: State::Live,
            since: now,
            key: i64::MIN,
        });
        if stream.blocks.is_empty() {
            stream.since = now;
        }
        stream.blocks.push_back((block, with));
    }

    /// A stream has given all of the past.
    pub fn live(&mut self, source: Source) {
        if let Some(stream) = self.streams.get_mut(&source) {
            stream.state = State::Live;
        }
    }

    pub fn end(&mut self, source: Source) {
        if let Some(stream) = self.streams.get_mut(&source) {
            stream.state = State::Ended;
            if stream.blocks.is_empty() {
                self.streams.remove(&source);
            }
        }
    }

    /// Nothing more will come: what waits for others need not.
    pub fn close(&mut self) {
        self.streams.retain(|_, s| !s.blocks.is_empty());
        self.streams.values_mut().for_each(|s| s.state = State::Ended);
    }

    /// Nothing waits.
    pub fn is_empty(&self) -> bool {
        self.streams.values().all(|s| s.blocks.is_empty())
    }

    /// Appends to `out` the lines whose turn has come, at most so many.
    pub fn take(&mut self, out: &mut Block, most: usize, now: u64) {
        while out.len() < most {
            let Some(turn) = self.turn(now) else { return };
            let Some(stream) = self.streams.get_mut(&turn.source) else { return };
            let mut first = true;
            while let Some((block, _)) = stream.blocks.front() {
                let Some(line) = block.lines().get(stream.at) else { break };
                let key = stream.key_of(Some(line));
                if out.len() == most || (!first && key > turn.until) {
                    break;
                }
                first = false;
                out.copy(block, line);
                stream.key = key;
                stream.at += 1;
                if stream.at == block.len() {
                    break;
                }
            }
            self.tidy(turn.source, now);
        }
    }

    /// Puts away a block, and a stream, that is used up.
    fn tidy(&mut self, source: Source, now: u64) {
        let Some(stream) = self.streams.get_mut(&source) else { return };
        if stream.blocks.front().is_some_and(|(block, _)| stream.at >= block.len()) {
            stream.blocks.pop_front();
            stream.at = 0;
            stream.since = now;
            if stream.blocks.is_empty() && stream.state == State::Ended {
                self.streams.remove(&source);
            }
        }
    }

    /// Whose line comes next; nobody's while others are to be waited for.
    fn turn(&self, now: u64) -> Option<Turn> {
        let mut best: Option<(i64, Source, &Stream<T>)> = None;
        let mut second = i64::MAX;
        let mut window = false;
        for (source, stream) in &self.streams {
            match stream.blocks.front() {
                Some((block, _)) => {
                    let key = stream.key_of(block.lines().get(stream.at));
                    match best {
                        Some((least, ..)) if key >= least => second = second.min(key),
                        _ => {
                            second = best.map_or(second, |(least, ..)| least);
                            best = Some((key, *source, stream));
                        }
                    }
                }
                None => match stream.state {
                    State::Behind if now.saturating_sub(stream.since) < self.patience => return None,
                    State::Live => window = true,
                    _ => {}
                },
            }
        }
        let (_, source, stream) = best?;
        // A full queue has waited long enough, however little time has passed.
        if window && stream.blocks.len() < 2 && now.saturating_sub(stream.since) < WINDOW {
            return None;
        }
        Some(Turn { source, until: second })
    }

    /// How many milliseconds until [`Merge::take`] may give more without anything new; `None` where it would not.
    pub fn wait(&self, now: u64) -> Option<u64> {
        if self.is_empty() {
            return None;
        }
        let behind = self.streams.values().filter(|s| s.blocks.is_empty() && s.state == State::Behind);
        let patience = behind.map(|s| (s.since + self.patience).saturating_sub(now)).max().unwrap_or(0);
        Some(if patience == 0 { WINDOW } else { patience })
    }
}

impl<T> Stream<T> {
    fn key_of(&self, line: Option<&Line>) -> i64 {
        line.and_then(|l| l.time).map_or(self.key, |time| time.max(self.key))
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::block::{Lane, Pen},
        *,
    };

    const PATIENCE: u64 = 1_500;

    fn block(lines: &[(i64, &str)]) -> Block {
        let mut block = Block::default();
        for (time, text) in lines {
            block.write(&mut Pen::default(), Lane(0), (*time >= 0).then_some(*time), text.as_bytes(), 0);
        }
        block
    }

    fn take(merge: &mut Merge<()>, now: u64) -> Vec<String> {
        let mut out = Block::default();
        merge.take(&mut out, 1_000, now);
        out.lines().iter().map(|l| String::from_utf8(out.text(l).to_vec()).unwrap()).collect()
    }

    #[test]
    fn the_past_of_all_streams_comes_in_the_order_of_time() {
        let mut merge = Merge::new(PATIENCE);
        for source in [1, 2, 3] {
            merge.open(source, 0);
        }
        merge.push(1, block(&[(1, "a1"), (5, "a5"), (9, "a9")]), (), 0);
        assert_eq!(take(&mut merge, 1), [""; 0], "2 and 3 may have something older");
        merge.push(2, block(&[(2, "b2"), (-1, "b remark"), (6, "b6")]), (), 1);
        merge.end(3);
        assert_eq!(take(&mut merge, 2), ["a1", "b2", "b remark", "a5", "b6"]);
        merge.push(2, block(&[(7, "b7")]), (), 2);
        merge.end(2);
        assert_eq!(take(&mut merge, 3), ["b7", "a9"]);
        assert!(merge.is_empty());
    }

    #[test]
    fn a_stream_that_gives_nothing_is_waited_for_only_so_long() {
        let mut merge = Merge::new(PATIENCE);
        merge.open(1, 0);
        merge.open(2, 0);
        merge.push(1, block(&[(1, "a")]), (), 0);
        assert_eq!(take(&mut merge, PATIENCE - 1), [""; 0]);
        assert_eq!(merge.wait(PATIENCE - 1), Some(1));
        assert_eq!(take(&mut merge, PATIENCE), ["a"]);
        assert_eq!(merge.wait(PATIENCE), None);
    }

    #[test]
    fn live_streams_are_sorted_within_a_moment_and_never_waited_for_longer() {
        let mut merge = Merge::new(PATIENCE);
        for source in [1, 2] {
            merge.open(source, 0);
            merge.live(source);
        }
        merge.push(1, block(&[(20, "late")]), (), 100);
        assert_eq!(take(&mut merge, 100), [""; 0]);
        merge.push(2, block(&[(10, "early")]), (), 120);
        assert_eq!(take(&mut merge, 120), ["early"]);
        assert_eq!(take(&mut merge, 100 + WINDOW), ["late"]);
        // A clock that goes back does not turn a stream's own order round.
        merge.push(1, block(&[(15, "x"), (3, "y")]), (), 200);
        assert_eq!(take(&mut merge, 300), ["x", "y"]);
    }

    #[test]
    fn a_block_is_given_back_when_it_is_used_up() {
        let tokens = std::rc::Rc::new(());
        let mut merge = Merge::new(PATIENCE);
        merge.push(1, block(&[(1, "a"), (2, "b")]), tokens.clone(), 0);
        let mut out = Block::default();
        merge.take(&mut out, 1, 100);
        assert_eq!(std::rc::Rc::strong_count(&tokens), 2);
        merge.take(&mut out, 2, 100);
        assert_eq!(std::rc::Rc::strong_count(&tokens), 1);
    }
}
