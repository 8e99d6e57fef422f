//! Which of the kept lines are shown: by words or an expression, their opposite, containers and level. The numbers of the
//! lines that pass are kept beside the ring and follow it, so that neither a page nor a count needs a walk over it all.

use std::collections::VecDeque;

use regex::bytes::{Regex, RegexBuilder};

use super::{
    block::{Block, Kind, Lane, Line},
    level::Level,
    ring::{Kept, Ring},
};

/// A pattern: words as they are, or an expression; small letters find large ones too.
#[derive(Clone, Debug)]
pub struct Pattern {
    text: String,
    regex: Regex,
    /// The same, where it is plain words: an expression costs several times as much per line.
    words: Option<Words>,
}

impl Pattern {
    /// # Errors
    /// No valid expression; says what is wrong with it.
    pub fn new(text: &str) -> Result<Self, String> {
        let any_upper = text.chars().any(char::is_uppercase);
        let built =
            RegexBuilder::new(text).case_insensitive(!any_upper).size_limit(4 << 20).dfa_size_limit(8 << 20).build();
        let regex = built.map_err(|e| {
            let all = e.to_string();
            let last = all.lines().rev().find(|l| !l.trim().is_empty()).unwrap_or("not understood");
            last.trim().trim_start_matches("error: ").to_owned()
        })?;
        Ok(Self { text: text.to_owned(), regex, words: Words::of(text, !any_upper) })
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    pub fn is_match(&self, line: &[u8]) -> bool {
        match &self.words {
            Some(words) => words.are_in(line),
            None => self.regex.is_match(line),
        }
    }

    /// Where in a line it matches; empty matches are none.
    pub fn find_all<'a>(&'a self, line: &'a [u8]) -> impl Iterator<Item = std::ops::Range<usize>> + 'a {
        self.regex.find_iter(line).map(|m| m.range()).filter(|r| !r.is_empty())
    }
}

/// ASCII words without any sign of an expression.
#[derive(Clone, Debug)]
struct Words {
    text: Vec<u8>,
    /// Where in it the letter is that lines have least of.
    rarest: usize,
    any_case: bool,
}

/// The commonest letters of lines last.
const RARE: &[u8] = b"qjxzkvwyfbghpumcldosnrita e";

impl Words {
    fn of(text: &str, any_case: bool) -> Option<Self> {
        let plain = |b: u8| b.is_ascii_alphanumeric() || b" -_:/=,;<>\"'%@&!~`".contains(&b);
        if text.is_empty() || !text.bytes().all(plain) {
            return None;
        }
        let rank = |b: u8| RARE.iter().position(|r| *r == b.to_ascii_lowercase()).map_or(0, |n| n + 1);
        let rarest = (0..text.len()).min_by_key(|at| rank(text.as_bytes()[*at]))?;
        Some(Self { text: text.as_bytes().to_vec(), rarest, any_case })
    }

    fn are_in(&self, line: &[u8]) -> bool {
        let (Some(last), rare) = (line.len().checked_sub(self.text.len()), self.text[self.rarest]) else {
            return false;
        };
        // Only where the whole would fit around it.
        let within = &line[self.rarest..=last + self.rarest];
        let fits = |at: usize| {
            let here = &line[at..at + self.text.len()];
            if self.any_case { here.eq_ignore_ascii_case(&self.text) } else { here == self.text }
        };
        if self.any_case {
            memchr::memchr2_iter(rare.to_ascii_lowercase(), rare.to_ascii_uppercase(), within).any(fits)
        } else {
            memchr::memchr_iter(rare, within).any(fits)
        }
    }
}

/// What is shown.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub only: Option<Pattern>,
    pub not: Option<Pattern>,
    /// Containers that are switched off.
    pub hidden: Vec<Lane>,
    pub least: Level,
}

impl Filter {
    /// Nothing is held back.
    pub fn is_open(&self) -> bool {
        self.only.is_none() && self.not.is_none() && self.hidden.is_empty() && self.least == Level::Unknown
    }

    /// Lets every line of the containers that it shows pass.
    fn passes_all(&self) -> bool {
        self.only.is_none() && self.not.is_none() && self.least == Level::Unknown
    }

    pub fn shows(&self, lane: Lane) -> bool {
        !self.hidden.contains(&lane)
    }

    /// Our own lines are not filtered by their words: where a gap is stays visible.
    fn passes(&self, kind: Kind, level: Level, text: &[u8]) -> bool {
        kind == Kind::Joint
            || (level >= self.least
                && self.only.as_ref().is_none_or(|p| p.is_match(text))
                && self.not.as_ref().is_none_or(|p| !p.is_match(text)))
    }

    pub fn passes_line(&self, block: &Block, line: &Line) -> bool {
        self.shows(line.lane) && self.passes(line.kind, line.level, block.text(line))
    }
}

/// The lines of a ring that a filter shows.
#[derive(Debug, Default)]
pub struct Shown {
    filter: Filter,
    /// Numbers by lane; unused while the filter lets all pass.
    numbers: Vec<VecDeque<u64>>,
}

impl Shown {
    pub fn filter(&self) -> &Filter {
        &self.filter
    }

    /// Another filter: walks over all that is kept.
    pub fn set(&mut self, filter: Filter, ring: &Ring) {
        self.filter = filter;
        self.numbers.clear();
        if self.filter.passes_all() {
            return;
        }
        for lane in ring.lanes() {
            // A container that is switched off is filtered too, so that switching it on costs nothing.
            let passing = ring.from(lane, 0).filter(|k| self.filter.passes(k.kind, k.level, k.text));
            self.numbers.push(passing.map(|k| k.number).collect());
        }
    }

    /// Only switches containers on and off.
    pub fn hide(&mut self, hidden: Vec<Lane>) {
        self.filter.hidden = hidden;
    }

    /// Takes note of a block that the ring has kept from the number `first` on.
    pub fn pushed(&mut self, block: &Block, first: u64, ring: &Ring) {
        if self.filter.passes_all() {
            return;
        }
        for (number, line) in (first..).zip(block.lines()) {
            let lane = usize::from(line.lane.0);
            while self.numbers.len() <= lane {
                self.numbers.push(VecDeque::new());
            }
            if self.filter.passes(line.kind, line.level, block.text(line)) {
                self.numbers[lane].push_back(number);
            }
        }
        // What the ring has given up is not shown.
        for (lane, numbers) in ring.lanes().zip(&mut self.numbers) {
            let first = ring.first(lane).unwrap_or(u64::MAX);
            while numbers.front().is_some_and(|n| *n < first) {
                numbers.pop_front();
            }
        }
    }

    /// Lines shown.
    pub fn len(&self, ring: &Ring) -> usize {
        self.count_before(ring, u64::MAX)
    }

    pub fn is_empty(&self, ring: &Ring) -> bool {
        self.len(ring) == 0
    }

    /// How many lines are shown before a number.
    pub fn count_before(&self, ring: &Ring, number: u64) -> usize {
        let count = |lane: Lane| {
            if self.filter.passes_all() {
                return ring.count_before(lane, number);
            }
            self.numbers.get(usize::from(lane.0)).map_or(0, |n| n.partition_point(|m| *m < number))
        };
        self.lanes(ring).map(count).sum()
    }

    fn lanes<'a>(&'a self, ring: &'a Ring) -> impl Iterator<Item = Lane> + 'a {
        ring.lanes().filter(|l| self.filter.shows(*l))
    }

    /// The lines shown from a number on, all containers together, oldest first.
    pub fn from<'a>(&'a self, ring: &'a Ring, number: u64) -> impl Iterator<Item = Kept<'a>> + 'a {
        let lanes = self.lanes(ring).map(|lane| -> Box<dyn Iterator<Item = Kept<'a>> + 'a> {
            if self.filter.passes_all() {
                return Box::new(ring.from(lane, number));
            }
            let numbers = self.numbers.get(usize::from(lane.0));
            let numbers = numbers.into_iter().flat_map(move |n| n.range(n.partition_point(|m| *m < number)..));
            Box::new(numbers.filter_map(move |n| ring.get(lane, *n)))
        });
        Zip::new(lanes.collect(), |a, b| a < b)
    }

    /// The lines shown before a number, newest first.
    pub fn before<'a>(&'a self, ring: &'a Ring, number: u64) -> impl Iterator<Item = Kept<'a>> + 'a {
        let lanes = self.lanes(ring).map(|lane| -> Box<dyn Iterator<Item = Kept<'a>> + 'a> {
            if self.filter.passes_all() {
                return Box::new(ring.before(lane, number));
            }
            let numbers = self.numbers.get(usize::from(lane.0));
            let numbers = numbers.into_iter().flat_map(move |n| n.range(..n.partition_point(|m| *m < number)).rev());
            Box::new(numbers.filter_map(move |n| ring.get(lane, *n)))
        });
        Zip::new(lanes.collect(), |a, b| a > b)
    }
}

/// Several orders of lines as one.
struct Zip<'a> {
    lanes: Vec<std::iter::Peekable<Box<dyn Iterator<Item = Kept<'a>> + 'a>>>,
    comes_first: fn(u64, u64) -> bool,
}

impl<'a> Zip<'a> {
    fn new(lanes: Vec<Box<dyn Iterator<Item = Kept<'a>> + 'a>>, comes_first: fn(u64, u64) -> bool) -> Self {
        Self { lanes: lanes.into_iter().map(Iterator::peekable).collect(), comes_first }
    }
}

impl<'a> Iterator for Zip<'a> {
    type Item = Kept<'a>;

    fn next(&mut self) -> Option<Kept<'a>> {
        let mut best: Option<(usize, u64)> = None;
        for (i, lane) in self.lanes.iter_mut().enumerate() {
            if let Some(kept) = lane.peek()
                && best.is_none_or(|(_, number)| (self.comes_first)(kept.number, number))
            {
                best = Some((i, kept.number));
            }
        }
        self.lanes[best?.0].next()
    }
}

#[cfg(test)]
mod tests {
    use super::{super::block::Pen, *};

    fn block(lines: &[(u16, &str)]) -> Block {
        let mut block = Block::default();
        for (lane, text) in lines {
            block.write(&mut Pen::default(), Lane(*lane), None, text.as_bytes(), 0);
        }
        block
    }

    fn texts(shown: &Shown, ring: &Ring) -> Vec<String> {
        let forth: Vec<_> = shown.from(ring, 0).map(|k| k.str().to_owned()).collect();
        let mut back: Vec<_> = shown.before(ring, u64::MAX).map(|k| k.str().to_owned()).collect();
        back.reverse();
        assert_eq!(forth, back);
        assert_eq!(forth.len(), shown.len(ring));
        forth
    }

    fn pattern(text: &str) -> Option<Pattern> {
        Some(Pattern::new(text).unwrap())
    }

    #[test]
    fn a_filter_holds_for_what_is_kept_and_for_what_comes() {
        let mut ring = Ring::new(32 << 20);
        let mut shown = Shown::default();
        let push = |ring: &mut Ring, shown: &mut Shown, lines: &[(u16, &str)]| {
            let block = block(lines);
            let first = ring.push(&block);
            shown.pushed(&block, first, ring);
        };
        push(&mut ring, &mut shown, &[(0, "one ok"), (1, "two error"), (0, "three Error")]);
        assert_eq!(texts(&shown, &ring).len(), 3);
        shown.set(Filter { only: pattern("error"), ..Filter::default() }, &ring);
        push(&mut ring, &mut shown, &[(2, "four error"), (0, "five")]);
        assert_eq!(texts(&shown, &ring), ["two error", "three Error", "four error"]);
        assert_eq!(shown.count_before(&ring, 2), 1);
        shown.hide(vec![Lane(1)]);
        assert_eq!(texts(&shown, &ring), ["three Error", "four error"]);
        shown.set(Filter { not: pattern("Error"), least: Level::Error, ..Filter::default() }, &ring);
        assert_eq!(texts(&shown, &ring), ["two error", "four error"]);
    }

    #[test]
    fn our_own_lines_stay_whatever_the_words() {
        let mut ring = Ring::new(32 << 20);
        let mut joint = block(&[(0, "a")]);
        joint.joint(Lane(0), None, "pod replaced");
        ring.push(&joint);
        let mut shown = Shown::default();
        shown.set(Filter { only: pattern("nothing"), ..Filter::default() }, &ring);
        assert_eq!(texts(&shown, &ring), ["pod replaced"]);
    }

    #[test]
    fn what_the_ring_gives_up_is_not_counted() {
        let mut ring = Ring::new(300_000);
        let mut shown = Shown::default();
        shown.set(Filter { only: pattern("y"), ..Filter::default() }, &ring);
        for _ in 0..100 {
            let block = block(&vec![(0, "yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy"); 100]);
            let first = ring.push(&block);
            shown.pushed(&block, first, &ring);
        }
        assert!(ring.dropped_in_all() > 0);
        assert_eq!(texts(&shown, &ring).len(), ring.len());
    }

    proptest::proptest! {
        #[test]
        fn plain_words_are_found_as_the_expression_would(words in "[ -~]{1,6}", line in "[a-cA-C \\-_:=.x]{0,24}", at in 0_usize..24) {
            let Ok(pattern) = Pattern::new(&words) else { return Ok(()) };
            // Often it is in there, in another case.
            let mut line = line.into_bytes();
            if at % 3 == 0 {
                let at = at.min(line.len());
                line.splice(at..at, words.to_ascii_uppercase().into_bytes());
            }
            proptest::prop_assert_eq!(pattern.is_match(&line), pattern.regex.is_match(&line));
        }
    }

    #[test]
    fn words_are_told_from_expressions() {
        for (text, words) in
            [("error", true), ("ERR: x", true), ("a.b", false), ("e$", false), ("ü", false), ("", false)]
        {
            assert_eq!(Words::of(text, true).is_some(), words, "{text}");
        }
        let found = |words: &str, line: &str| Pattern::new(words).unwrap().is_match(line.as_bytes());
        assert!(
            found("error", "an ERROR")
                && found("error", "error")
                && !found("error", "erro")
                && !found("Error", "error")
        );
    }

    #[test]
    fn a_pattern_says_what_is_wrong_with_it() {
        assert!(Pattern::new("(").unwrap_err().contains("unclosed group"), "{:?}", Pattern::new("("));
        assert!(Pattern::new("a{9999999}").is_err());
        let found: Vec<_> = Pattern::new("o+|x*").unwrap().find_all(b"foo bo").collect();
        assert_eq!(found, [1..3, 5..6]);
    }
}
