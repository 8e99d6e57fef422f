//! A tail on screen: what is kept, what of it is shown, and where its reader stands. One at a time.
//!
//! The reader either follows, and the last line is at the bottom, or stands on a line: then nothing moves, and what comes
//! is only counted.

use std::collections::{BTreeMap, BTreeSet};

use unicode_width::UnicodeWidthStr as _;

use crate::cluster::logs::{
    Channel, Filter, Kept, Kind, Lane, Level, News, Pattern, Ring, Shown, Stream, Target, Wanted, fold, unfold,
};

/// How the time of a line is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Times {
    #[default]
    Off,
    /// The time of day, in UTC.
    Clock,
    /// How long ago.
    Age,
    /// Since the line before.
    Gap,
}

impl Times {
    pub(crate) fn next(self) -> Self {
        match self {
            Self::Off => Self::Clock,
            Self::Clock => Self::Age,
            Self::Age => Self::Gap,
            Self::Gap => Self::Off,
        }
    }
}

/// Lines of each container when a tail is opened.
pub(crate) const TAIL: u64 = 500;
/// The same, of several tenants.
const TAIL_OF_MANY: u64 = 50;
/// Reaches that the digits choose: the last lines, or minutes.
pub(crate) const REACHES: [(&str, Option<u64>, Option<u64>); 6] = [
    ("the last 500 lines", Some(TAIL), None),
    ("1 minute", None, Some(60)),
    ("5 minutes", None, Some(300)),
    ("15 minutes", None, Some(900)),
    ("1 hour", None, Some(3_600)),
    ("all that is there", None, None),
];

#[derive(Debug)]
pub(crate) struct Logs {
    pub(crate) targets: Vec<Target>,
    /// How many tenants were asked for: more than are read, where there were too many.
    pub(crate) asked: usize,
    pub(crate) wanted: Wanted,
    pub(crate) ring: Ring,
    pub(crate) shown: Shown,
    pub(crate) channels: BTreeMap<Lane, Channel>,
    /// What stands before each container's lines, and how wide the widest is that is shown, in cells: made when a container
    /// comes or goes, not with every frame.
    names: BTreeMap<Lane, String>,
    pub(crate) widest: usize,
    pub(crate) streams: BTreeMap<Lane, Stream>,
    /// The line that the reader stands on; `None` while following.
    pub(crate) at: Option<u64>,
    /// The line at the top of the screen.
    pub(crate) top: u64,
    /// Lines shown when the reader stopped following.
    pub(crate) left_at: u64,
    pub(crate) search: Option<Pattern>,
    /// Why a pattern that is being typed is none.
    pub(crate) error: Option<String>,
    pub(crate) wrap: bool,
    pub(crate) times: Times,
    /// JSON as message and fields.
    pub(crate) folded: bool,
    /// The containers' own colours.
    pub(crate) colours: bool,
    pub(crate) full: bool,
    /// Cells that are scrolled past to the right.
    pub(crate) shift: usize,
    pub(crate) marks: BTreeSet<u64>,
    /// Lines of JSON that are opened.
    pub(crate) opened: BTreeSet<u64>,
    pub(crate) done: bool,
}

impl Logs {
    pub(crate) fn new(targets: Vec<Target>, asked: usize, cap: usize) -> Self {
        let tail = if targets.len() > 1 { TAIL_OF_MANY } else { TAIL };
        let wanted = Wanted { follow: true, tail: Some(tail), ..Wanted::default() };
        Self {
            targets,
            asked,
            wanted,
            ring: Ring::new(cap),
            shown: Shown::default(),
            channels: BTreeMap::new(),
            names: BTreeMap::new(),
            widest: 0,
            streams: BTreeMap::new(),
            at: None,
            top: 0,
            left_at: 0,
            search: None,
            error: None,
            wrap: false,
            times: Times::Off,
            folded: true,
            colours: false,
            full: false,
            shift: 0,
            marks: BTreeSet::new(),
            opened: BTreeSet::new(),
            done: false,
        }
    }

    /// The same reader with another reach: what was read is read anew.
    pub(crate) fn again(&mut self, wanted: Wanted) {
        let filter = self.shown.filter().clone();
        *self = Self {
            wanted,
            search: self.search.take(),
            wrap: self.wrap,
            times: self.times,
            folded: self.folded,
            colours: self.colours,
            full: self.full,
            ..Self::new(std::mem::take(&mut self.targets), self.asked, self.ring.cap())
        };
        self.shown.set(Filter { hidden: vec![], ..filter }, &self.ring);
    }

    pub(crate) fn take(&mut self, news: News) {
        match news {
            News::Channel(channel) => {
                self.names.insert(channel.lane, self.name(&channel));
                self.channels.insert(channel.lane, channel);
                self.measure();
            }
            News::Stream(lane, stream) => drop(self.streams.insert(lane, stream)),
            News::Lines(block) => {
                let first = self.ring.push(&block);
                self.shown.pushed(&block, first, &self.ring);
                // What was given up can be neither marked nor opened.
                if let Some(oldest) = self.oldest() {
                    self.marks = self.marks.split_off(&oldest);
                    self.opened = self.opened.split_off(&oldest);
                }
            }
            // It stands among the lines.
            News::Failed(..) => {}
            News::Done => self.done = true,
        }
    }

    fn oldest(&self) -> Option<u64> {
        self.ring.lanes().filter_map(|lane| self.ring.first(lane)).min()
    }

    /// The tenant that commands are about: of several, the one whose line is read.
    pub(crate) fn target(&self) -> Option<&Target> {
        let lane = self.current().map(|line| line.lane);
        let of_line = lane.and_then(|lane| self.targets.get(self.channels.get(&lane)?.tenant));
        of_line.or(self.targets.first())
    }

    /// The line that commands are about.
    pub(crate) fn current(&self) -> Option<Kept<'_>> {
        match self.at {
            Some(number) => self.shown.from(&self.ring, number).next(),
            None => self.last(),
        }
    }

    pub(crate) fn last(&self) -> Option<Kept<'_>> {
        self.shown.before(&self.ring, u64::MAX).next()
    }

    /// Lines that came since the reader stands.
    pub(crate) fn unread(&self) -> usize {
        match self.at {
            Some(_) => self.shown.len(&self.ring).saturating_sub(self.shown.count_before(&self.ring, self.left_at)),
            None => 0,
        }
    }

    /// Stands on a line, and follows no more.
    pub(crate) fn stand(&mut self, number: u64) {
        if self.at.is_none() {
            self.left_at = self.ring.seen();
        }
        self.at = Some(number);
    }

    pub(crate) fn follow(&mut self) {
        self.at = None;
    }

    /// Moves by lines that are shown; past the last one it follows.
    pub(crate) fn step(&mut self, by: isize) {
        let from = match self.at {
            Some(number) => number,
            None if by >= 0 => return,
            None => match self.last() {
                Some(last) => last.number,
                None => return,
            },
        };
        let count = by.unsigned_abs();
        let to = if by < 0 {
            let mut before = self.shown.before(&self.ring, from).take(count);
            before.by_ref().last().map(|k| k.number)
        } else {
            self.shown.from(&self.ring, from.saturating_add(1)).take(count).last().map(|k| k.number)
        };
        match to {
            Some(number) => self.stand(number),
            None if by > 0 => self.follow(),
            None => self.stand(from),
        }
    }

    /// The next line, in a direction, that is as wanted.
    pub(crate) fn seek(&self, forward: bool, wanted: impl Fn(&Kept<'_>) -> bool) -> Option<u64> {
        let from = self.at.unwrap_or(u64::MAX);
        if forward {
            // Whoever follows is at the end: the first one of all.
            let from = self.at.map_or(0, |n| n.saturating_add(1));
            self.shown.from(&self.ring, from).find(|k| wanted(k)).map(|k| k.number)
        } else {
            self.shown.before(&self.ring, from).find(|k| wanted(k)).map(|k| k.number)
        }
    }

    pub(crate) fn set_filter(&mut self, filter: Filter) {
        self.shown.set(filter, &self.ring);
    }

    /// Switches off these containers, and all others on.
    pub(crate) fn hide(&mut self, hidden: Vec<Lane>) {
        self.shown.hide(hidden);
        self.measure();
    }

    fn measure(&mut self) {
        let shown = self.containers().filter(|c| self.shown.filter().shows(c.lane));
        self.widest = shown.map(|c| self.who(c.lane).width()).max().unwrap_or(0);
    }

    pub(crate) fn least(&self) -> Level {
        self.shown.filter().least
    }

    /// A line as it reads on screen, and the lines below it where it is opened.
    pub(crate) fn text(&self, line: &Kept<'_>) -> Vec<String> {
        let cut = if line.cut > 0 { format!(" [{} bytes cut]", line.cut) } else { String::new() };
        if line.kind == Kind::Joint {
            return vec![line.str().to_owned()];
        }
        let plain = || format!("{}{cut}", line.str());
        if self.opened.contains(&line.number)
            && let Some(fields) = unfold(line.str())
        {
            let mut all = vec![plain()];
            all.extend(fields.into_iter().map(|f| format!("  {f}")));
            return all;
        }
        match fold(line.str()).filter(|_| self.folded) {
            Some(folded) => vec![format!("{folded}{cut}")],
            None => vec![plain()],
        }
    }

    /// What stands before a line: its container, and its tenant where there are several.
    pub(crate) fn who(&self, lane: Lane) -> &str {
        self.names.get(&lane).map_or("", String::as_str)
    }

    fn name(&self, channel: &Channel) -> String {
        let tenant = self.targets.get(channel.tenant).filter(|_| self.targets.len() > 1);
        match (tenant, channel.container.is_empty()) {
            (Some(target), true) => target.id.to_string(),
            (Some(target), false) => format!("{}/{}", target.id, channel.container),
            (None, _) => channel.container.to_string(),
        }
    }

    /// The containers that lines come from, our own words left out.
    pub(crate) fn containers(&self) -> impl Iterator<Item = &Channel> {
        self.channels.values().filter(|c| !c.container.is_empty())
    }

    /// A text of lines, for the clipboard or a file: with time and container.
    pub(crate) fn export<'a>(&self, lines: impl Iterator<Item = Kept<'a>>) -> String {
        let mut out = String::new();
        for line in lines {
            if let Some(time) = line.time {
                out += &crate::cluster::logs::stamp::rfc3339(time, 3);
                out.push(' ');
            }
            let who = self.who(line.lane);
            let colon = if who.is_empty() { "" } else { ": " };
            if line.kind == Kind::Joint {
                // Before any name: what a container writes comes after its own.
                out += &format!("-- {who}{colon}{} --\n", line.str());
                continue;
            }
            let cut = if line.cut > 0 { format!(" [{} bytes cut]", line.cut) } else { String::new() };
            let who = if who.is_empty() { "?" } else { who };
            out += &format!("{who} {}{cut}\n", line.str());
        }
        out
    }
}
