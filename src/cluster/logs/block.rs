//! A handful of lines in one piece of memory: what streams hand on, so that no line costs an allocation of its own.

use super::{
    LONGEST,
    clean::{self, Run},
    level::Level,
    split::AHEAD,
};
use crate::fleet::mask::Masker;

/// Which container's lines these are, across restarts and pods: a number that the tail gives out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Lane(pub u16);

/// One line: where its bytes lie in the block, and what is known of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    pub lane: Lane,
    /// Nanoseconds since 1970; `None` for what the kubelet itself remarked.
    pub time: Option<i64>,
    start: u32,
    len: u16,
    /// Bytes of colour runs behind the text.
    runs: u16,
    /// Bytes that were cut off its end.
    pub cut: u32,
    pub level: Level,
    pub kind: Kind,
    pub masked: bool,
}

/// Who wrote a line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    /// The container.
    #[default]
    Log,
    /// We did: a joint between two streams, a failure, a gap. No container can write one.
    Joint,
}

/// Lines and their bytes.
#[derive(Clone, Debug, Default)]
pub struct Block {
    bytes: Vec<u8>,
    lines: Vec<Line>,
}

/// What is needed to write a container's raw lines into blocks.
#[derive(Debug, Default)]
pub struct Pen {
    masker: Masker,
    runs: Vec<Run>,
}

impl Block {
    pub fn len(&self) -> usize {
        self.lines.len()
    }

    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// Bytes of text and colours.
    pub fn size(&self) -> usize {
        self.bytes.len()
    }

    pub fn clear(&mut self) {
        self.bytes.clear();
        self.lines.clear();
    }

    pub fn lines(&self) -> &[Line] {
        &self.lines
    }

    /// The clean text of a line of this block. It is UTF-8.
    pub fn text(&self, line: &Line) -> &[u8] {
        let start = line.start as usize;
        self.bytes.get(start..start + usize::from(line.len)).unwrap_or_default()
    }

    /// The colours of a line, as [`Run`]s one after another.
    pub fn runs(&self, line: &Line) -> &[u8] {
        let start = line.start as usize + usize::from(line.len);
        self.bytes.get(start..start + usize::from(line.runs)).unwrap_or_default()
    }

    /// Cleans, masks and cuts a raw line of a container, and appends it.
    pub fn write(&mut self, pen: &mut Pen, lane: Lane, time: Option<i64>, raw: &[u8], over: u64) {
        let start = self.bytes.len();
        pen.runs.clear();
        clean::clean(raw, &mut self.bytes, &mut pen.runs);
        let masked = pen.masker.line(&mut self.bytes, start);
        let whole = self.bytes.len() - start;
        // The end of a line that was longer still may be half a secret.
        let most = if over > 0 { LONGEST.min(whole.saturating_sub(AHEAD)) } else { LONGEST };
        let kept = floor_char(&self.bytes[start..], most);
        self.bytes.truncate(start + kept);
        let cut = u32::try_from(over + (whole - kept) as u64).unwrap_or(u32::MAX);
        let level = Level::of(&self.bytes[start..]);
        let mut runs = 0;
        // Where something was masked, the runs no longer know their places.
        if !masked {
            for run in pen.runs.iter().take(MOST_RUNS).filter(|r| usize::from(r.at) < kept) {
                self.bytes.extend_from_slice(&run.bytes());
                runs += Run::SIZE;
            }
        }
        self.put(
            Line { lane, time, start: 0, len: 0, runs: 0, cut, level, kind: Kind::Log, masked },
            start,
            kept,
            runs,
        );
    }

    /// Appends a line of our own.
    pub fn joint(&mut self, lane: Lane, time: Option<i64>, text: &str) {
        let start = self.bytes.len();
        clean::clean(text.as_bytes(), &mut self.bytes, &mut Vec::new());
        let kept = floor_char(&self.bytes[start..], LONGEST);
        self.bytes.truncate(start + kept);
        let line = Line {
            lane,
            time,
            start: 0,
            len: 0,
            runs: 0,
            cut: 0,
            level: Level::Unknown,
            kind: Kind::Joint,
            masked: false,
        };
        self.put(line, start, kept, 0);
    }

    /// Appends a line of another block.
    pub fn copy(&mut self, from: &Self, line: &Line) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(from.text(line));
        self.bytes.extend_from_slice(from.runs(line));
        self.put(*line, start, line.len.into(), line.runs.into());
    }

    fn put(&mut self, line: Line, start: usize, len: usize, runs: usize) {
        let small = |n: usize| u16::try_from(n).expect("lines are cut, and their runs counted, well below 64 KiB");
        let start = u32::try_from(start).expect("blocks are handed on long before 4 GiB");
        self.lines.push(Line { start, len: small(len), runs: small(runs), ..line });
    }
}

/// A line whose every letter has another colour says nothing by them.
const MOST_RUNS: usize = 256;

/// The longest whole characters of valid UTF-8 within `most` bytes.
fn floor_char(text: &[u8], most: usize) -> usize {
    if text.len() <= most {
        return text.len();
    }
    let mut at = most;
    while at > 0 && text[at] & 0xc0 == 0x80 {
        at -= 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(raw: &[u8], over: u64) -> (String, Line) {
        let mut block = Block::default();
        block.write(&mut Pen::default(), Lane(3), Some(7), b"earlier", 0);
        block.write(&mut Pen::default(), Lane(3), Some(7), raw, over);
        let line = block.lines()[1];
        (String::from_utf8(block.text(&line).to_vec()).unwrap(), line)
    }

    #[test]
    fn a_line_is_cut_at_the_bound_between_characters_and_says_so() {
        let (text, line) = one("ü".repeat(LONGEST).as_bytes(), 0);
        assert_eq!((text.len(), line.cut), (LONGEST, u32::try_from(LONGEST).unwrap()));
        let (text, line) = one(format!("x{}", "ü".repeat(LONGEST)).as_bytes(), 5);
        assert_eq!((text.len(), line.cut as usize), (LONGEST - 1, LONGEST + 2 + 5));
        assert!(text.ends_with('ü'));
        assert_eq!(one(b"short", 0).1.cut, 0);
    }

    #[test]
    fn half_a_secret_at_the_cut_is_not_shown() {
        // It begins just within what is shown, and ends far behind it.
        let raw = format!("{} sk-{}", "x".repeat(LONGEST - 8), "a".repeat(600));
        let (text, _) = one(raw.as_bytes(), 0);
        assert!(text.ends_with(" ***") && !text.contains("sk-"), "{}", &text[LONGEST - 20..]);
        // It goes on where nothing was kept: colours before it have made room for its beginning.
        let raw = format!("{}sk-abc", "\x1b[m".repeat((super::super::split::KEPT - 6) / 3));
        let (text, line) = one(raw.as_bytes(), 100);
        assert_eq!((text.as_str(), line.cut), ("", 106));
    }

    #[test]
    fn colours_go_with_the_line_unless_it_was_masked() {
        let mut block = Block::default();
        let mut pen = Pen::default();
        block.write(&mut pen, Lane(0), None, b"\x1b[31mred", 0);
        block.write(&mut pen, Lane(0), None, b"\x1b[31mtoken=abc", 0);
        let mut copy = Block::default();
        for line in block.lines() {
            copy.copy(&block, line);
        }
        assert_eq!(Run::read(copy.runs(&copy.lines()[0])).unwrap().at, 0);
        assert_eq!((copy.text(&copy.lines()[1]), copy.runs(&copy.lines()[1])), (&b"token=***"[..], &b""[..]));
        assert!(copy.lines()[1].masked && !copy.lines()[0].masked);
    }
}
