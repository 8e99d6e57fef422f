//! What is kept of a tail: at most so many bytes, shared fairly. When it is full, the container that holds the most gives
//! up its oldest lines, so that a chatty browser pushes out its own past and not the gateway's.
//!
//! Lines lie in chunks, each with its own index; a chunk that was given up is written anew. A line is known by its
//! number, which grows with every line and is never used again.

use std::collections::VecDeque;

use super::{
    LONGEST,
    block::{Block, Kind, Lane, Line},
    clean::Run,
    level::Level,
};

/// Bytes of text in a full-grown chunk: at least two of the longest lines.
const CHUNK: usize = 64 << 10;
/// A container's first chunk: most stages print little.
const FIRST_CHUNK: usize = 2 << 10;
/// Lines in a chunk, should they be very short.
const CHUNK_LINES: usize = 2_048;

#[derive(Clone, Copy, Debug)]
struct Entry {
    number: u64,
    time: i64,
    at: u32,
    cut: u32,
    len: u16,
    runs: u16,
    level: u8,
    flags: u8,
}

const TIMED: u8 = 1;
const JOINT: u8 = 2;
const MASKED: u8 = 4;

#[derive(Debug, Default)]
struct Chunk {
    bytes: Vec<u8>,
    entries: Vec<Entry>,
}

impl Chunk {
    fn size(&self) -> usize {
        self.bytes.capacity() + self.entries.capacity() * size_of::<Entry>()
    }
}

/// The lines of one container.
#[derive(Debug, Default)]
pub(super) struct Shelf {
    chunks: VecDeque<Chunk>,
    size: usize,
    lines: usize,
    /// Lines that were given up.
    dropped: u64,
}

/// A kept line.
#[derive(Clone, Copy, Debug)]
pub struct Kept<'a> {
    pub number: u64,
    pub lane: Lane,
    pub time: Option<i64>,
    pub text: &'a [u8],
    runs: &'a [u8],
    pub cut: u32,
    pub level: Level,
    pub kind: Kind,
    pub masked: bool,
}

impl Kept<'_> {
    pub fn runs(&self) -> impl Iterator<Item = Run> {
        self.runs.chunks_exact(Run::SIZE).filter_map(Run::read)
    }

    /// The text; what is kept is UTF-8.
    pub fn str(&self) -> &str {
        std::str::from_utf8(self.text).unwrap_or_default()
    }
}

/// The lines of one tail.
#[derive(Debug)]
pub struct Ring {
    shelves: Vec<Shelf>,
    cap: usize,
    used: usize,
    next: u64,
    /// The last chunk that was given up, to be written anew.
    spare: Option<Chunk>,
}

impl Ring {
    /// That keeps at most so many bytes.
    pub fn new(cap: usize) -> Self {
        Self { shelves: Vec::new(), cap, used: 0, next: 0, spare: None }
    }

    /// Bytes held, the index and what is not filled yet included.
    pub fn used(&self) -> usize {
        self.used
    }

    pub fn cap(&self) -> usize {
        self.cap
    }

    /// Lines kept.
    pub fn len(&self) -> usize {
        self.shelves.iter().map(|s| s.lines).sum()
    }

    pub fn is_empty(&self) -> bool {
        self.shelves.iter().all(|s| s.lines == 0)
    }

    /// Lines that ever came.
    pub fn seen(&self) -> u64 {
        self.next
    }

    /// Lines that were given up to stay within the cap, of one container.
    pub fn dropped(&self, lane: Lane) -> u64 {
        self.shelves.get(usize::from(lane.0)).map_or(0, |s| s.dropped)
    }

    /// The same, of all.
    pub fn dropped_in_all(&self) -> u64 {
        self.shelves.iter().map(|s| s.dropped).sum()
    }

    pub fn lanes(&self) -> impl Iterator<Item = Lane> {
        (0..self.shelves.len()).filter_map(|n| u16::try_from(n).ok().map(Lane))
    }

    /// Lines kept of one container.
    pub fn lines(&self, lane: Lane) -> usize {
        self.shelves.get(usize::from(lane.0)).map_or(0, |s| s.lines)
    }

    /// Keeps the lines of a block, in its order; the number of the first.
    pub fn push(&mut self, block: &Block) -> u64 {
        let first = self.next;
        for line in block.lines() {
            self.keep(line, block.text(line), block.runs(line));
        }
        first
    }

    fn keep(&mut self, line: &Line, text: &[u8], runs: &[u8]) {
        let lane = usize::from(line.lane.0);
        while self.shelves.len() <= lane {
            self.shelves.push(Shelf::default());
        }
        let need = text.len() + runs.len();
        debug_assert!(text.len() <= LONGEST);
        let fits = self.shelves[lane].chunks.back().is_some_and(|chunk| {
            chunk.bytes.len() + need <= chunk.bytes.capacity().max(need) && chunk.entries.len() < CHUNK_LINES && {
                // A small chunk is not stretched.
                chunk.bytes.len() + need <= chunk.bytes.capacity()
            }
        });
        if !fits {
            self.grow(lane, need);
        }
        let number = self.next;
        self.next += 1;
        let shelf = &mut self.shelves[lane];
        let Some(chunk) = shelf.chunks.back_mut() else { return };
        let before = chunk.size();
        let at = u32::try_from(chunk.bytes.len()).unwrap_or(u32::MAX);
        chunk.bytes.extend_from_slice(text);
        chunk.bytes.extend_from_slice(runs);
        if chunk.entries.len() == chunk.entries.capacity() {
            chunk.entries.reserve_exact((chunk.entries.len() / 2).clamp(16, CHUNK_LINES));
        }
        let small = |n: usize| u16::try_from(n).unwrap_or(u16::MAX);
        let flag = |on: bool, flag: u8| if on { flag } else { 0 };
        chunk.entries.push(Entry {
            number,
            time: line.time.unwrap_or_default(),
            at,
            cut: line.cut,
            len: small(text.len()),
            runs: small(runs.len()),
            level: line.level as u8,
            flags: flag(line.time.is_some(), TIMED) | flag(line.kind == Kind::Joint, JOINT) | flag(line.masked, MASKED),
        });
        let grown = chunk.size() - before;
        shelf.size += grown;
        shelf.lines += 1;
        self.used += grown;
        self.shrink(0);
    }

    /// A new chunk at the end of a lane, with room for `need`.
    fn grow(&mut self, lane: usize, need: usize) {
        let last = self.shelves[lane].chunks.back().map_or(0, |c| c.bytes.capacity());
        let wanted = (last * 2).clamp(FIRST_CHUNK, CHUNK).max(need);
        self.shrink(wanted);
        let mut chunk = match self.spare.take() {
            Some(spare) if spare.bytes.capacity() >= wanted => spare,
            _ => Chunk { bytes: Vec::with_capacity(wanted), entries: Vec::new() },
        };
        chunk.bytes.clear();
        chunk.entries.clear();
        let size = chunk.size();
        let shelf = &mut self.shelves[lane];
        shelf.size += size;
        self.used += size;
        shelf.chunks.push_back(chunk);
    }

    /// Gives up the oldest chunks of whoever holds most, until `more` bytes fit. Nobody's last chunk is taken.
    fn shrink(&mut self, more: usize) {
        while self.used + more > self.cap {
            let biggest = self.shelves.iter_mut().filter(|s| s.chunks.len() > 1).max_by_key(|s| s.size);
            let Some(shelf) = biggest else { return };
            let Some(chunk) = shelf.chunks.pop_front() else { return };
            shelf.size -= chunk.size();
            shelf.lines -= chunk.entries.len();
            shelf.dropped += chunk.entries.len() as u64;
            self.used -= chunk.size();
            // One that stands by is no more than what is on its way.
            if self.spare.as_ref().is_none_or(|s| s.bytes.capacity() < chunk.bytes.capacity()) {
                self.spare = Some(chunk);
            }
        }
    }

    /// A line by its number; `None` once it was given up.
    pub fn get(&self, lane: Lane, number: u64) -> Option<Kept<'_>> {
        let shelf = self.shelves.get(usize::from(lane.0))?;
        let at = shelf.chunks.partition_point(|c| c.entries.last().is_some_and(|e| e.number < number));
        let chunk = shelf.chunks.get(at)?;
        let index = chunk.entries.binary_search_by_key(&number, |e| e.number).ok()?;
        Some(kept(lane, chunk, &chunk.entries[index]))
    }

    /// The lines of one container from a number on, oldest first.
    pub fn from(&self, lane: Lane, number: u64) -> impl Iterator<Item = Kept<'_>> {
        let shelf = self.shelves.get(usize::from(lane.0));
        shelf.into_iter().flat_map(move |shelf| {
            let first = shelf.chunks.partition_point(|c| c.entries.last().is_some_and(|e| e.number < number));
            shelf.chunks.range(first..).flat_map(move |chunk| {
                let from = chunk.entries.partition_point(|e| e.number < number);
                chunk.entries[from..].iter().map(move |e| kept(lane, chunk, e))
            })
        })
    }

    /// The lines of one container before a number, newest first.
    pub fn before(&self, lane: Lane, number: u64) -> impl Iterator<Item = Kept<'_>> {
        let shelf = self.shelves.get(usize::from(lane.0));
        shelf.into_iter().flat_map(move |shelf| {
            let last = shelf.chunks.partition_point(|c| c.entries.first().is_some_and(|e| e.number < number));
            shelf.chunks.range(..last).rev().flat_map(move |chunk| {
                let to = chunk.entries.partition_point(|e| e.number < number);
                chunk.entries[..to].iter().rev().map(move |e| kept(lane, chunk, e))
            })
        })
    }

    /// How many lines of one container come before a number.
    pub fn count_before(&self, lane: Lane, number: u64) -> usize {
        let Some(shelf) = self.shelves.get(usize::from(lane.0)) else { return 0 };
        let chunks = shelf.chunks.partition_point(|c| c.entries.last().is_some_and(|e| e.number < number));
        let whole: usize = shelf.chunks.range(..chunks).map(|c| c.entries.len()).sum();
        whole + shelf.chunks.get(chunks).map_or(0, |c| c.entries.partition_point(|e| e.number < number))
    }

    /// The number of the oldest line kept of one container.
    pub fn first(&self, lane: Lane) -> Option<u64> {
        let shelf = self.shelves.get(usize::from(lane.0))?;
        shelf.chunks.iter().find_map(|c| c.entries.first()).map(|e| e.number)
    }
}

fn kept<'a>(lane: Lane, chunk: &'a Chunk, entry: &Entry) -> Kept<'a> {
    let start = entry.at as usize;
    let middle = start + usize::from(entry.len);
    let end = middle + usize::from(entry.runs);
    Kept {
        number: entry.number,
        lane,
        time: (entry.flags & TIMED != 0).then_some(entry.time),
        text: chunk.bytes.get(start..middle).unwrap_or_default(),
        runs: chunk.bytes.get(middle..end).unwrap_or_default(),
        cut: entry.cut,
        level: Level::from_u8(entry.level),
        kind: if entry.flags & JOINT == 0 { Kind::Log } else { Kind::Joint },
        masked: entry.flags & MASKED != 0,
    }
}

#[cfg(test)]
mod tests {
    use super::{super::block::Pen, *};

    fn block(lines: &[(u16, &str)]) -> Block {
        let mut block = Block::default();
        for (lane, text) in lines {
            block.write(&mut Pen::default(), Lane(*lane), Some(1), text.as_bytes(), 0);
        }
        block
    }

    /// What is held, counted anew from the chunks themselves.
    fn counted(ring: &Ring) -> (usize, usize, u64) {
        let chunks = || ring.shelves.iter().flat_map(|s| &s.chunks);
        let lines = chunks().map(|c| c.entries.len()).sum();
        (chunks().map(Chunk::size).sum(), lines, ring.dropped_in_all())
    }

    #[test]
    fn lines_are_found_by_number_and_read_both_ways() {
        let mut ring = Ring::new(32 << 20);
        ring.push(&block(&[(0, "a"), (1, "b"), (0, "c"), (1, ""), (0, "token=xyz")]));
        let texts = |kept: Vec<Kept<'_>>| kept.iter().map(|k| (k.number, k.str().to_owned())).collect::<Vec<_>>();
        let of = |n: u64, text: &str| (n, text.to_owned());
        assert_eq!(texts(ring.from(Lane(0), 1).collect()), [of(2, "c"), of(4, "token=***")]);
        assert_eq!(texts(ring.before(Lane(0), 4).collect()), [of(2, "c"), of(0, "a")]);
        assert_eq!(ring.get(Lane(1), 3).unwrap().str(), "");
        assert!(ring.get(Lane(1), 2).is_none() && ring.get(Lane(9), 0).is_none());
        assert_eq!((ring.count_before(Lane(0), 4), ring.count_before(Lane(0), 99), ring.len()), (2, 3, 5));
        assert!(ring.get(Lane(0), 4).unwrap().masked);
    }

    #[test]
    fn a_chatty_container_pushes_out_its_own_past_only() {
        let mut ring = Ring::new(1 << 20);
        ring.push(&block(&[(0, "gateway: starting")]));
        let chat = "x".repeat(300);
        for n in 0..20_000 {
            ring.push(&block(&[(1, &chat)]));
            if n % 100 == 0 {
                ring.push(&block(&[(0, "gateway: tick")]));
            }
        }
        assert_eq!((ring.dropped(Lane(0)), ring.lines(Lane(0))), (0, 201));
        assert!(ring.dropped(Lane(1)) > 15_000, "{}", ring.dropped(Lane(1)));
        assert_eq!(ring.dropped(Lane(1)) + ring.lines(Lane(1)) as u64, 20_000);
        assert_eq!(ring.get(Lane(0), 0).unwrap().str(), "gateway: starting");
        assert!(ring.used() <= ring.cap(), "{}", ring.used());
        assert!(ring.used() > ring.cap() * 8 / 10, "{} of {} used", ring.used(), ring.cap());
    }

    #[test]
    fn two_that_chat_alike_get_alike() {
        let mut ring = Ring::new(4 << 20);
        let line = "y".repeat(120);
        // One of them says three times as much.
        let lines: Vec<_> = (0..300_u32).map(|n| (u16::from(n % 4 == 0), line.as_str())).collect();
        let block = block(&lines);
        for _ in 0..300 {
            ring.push(&block);
        }
        let (a, b) = (ring.lines(Lane(0)), ring.lines(Lane(1)));
        assert!(a.abs_diff(b) * 10 < a, "{a} and {b}");
    }

    proptest::proptest! {
        #[test]
        fn the_account_is_exact(lines in proptest::collection::vec((0_u16..5, 0_usize..2_000), 1..400), cap in 20_000_usize..200_000) {
            let mut ring = Ring::new(cap);
            for (before, (lane, len)) in lines.into_iter().enumerate() {
                ring.push(&block(&[(lane, &"z".repeat(len))]));
                let (size, kept, dropped) = counted(&ring);
                proptest::prop_assert_eq!((ring.used(), ring.len()), (size, kept));
                proptest::prop_assert_eq!(kept as u64 + dropped, before as u64 + 1);
                let last_chunks: usize = ring.shelves.iter().filter(|s| s.chunks.len() == 1).map(|s| s.size).sum();
                proptest::prop_assert!(ring.used() <= cap.max(last_chunks + 3 * CHUNK), "{} of {}", ring.used(), cap);
            }
            let walked: u64 = ring.lanes().map(|l| ring.from(l, 0).count() as u64).sum();
            proptest::prop_assert_eq!(walked, ring.len() as u64);
        }
    }
}
