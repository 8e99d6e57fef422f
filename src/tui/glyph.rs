//! Glyphs: one set for terminals that show Unicode, one in ASCII. All are one cell wide.

use crate::fleet::Phase;

/// Which set of glyphs is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GlyphSet {
    Unicode,
    Ascii,
}

impl GlyphSet {
    /// By the locale (`LC_ALL`, `LC_CTYPE`, `LANG`; the first that is set counts), asked through `env`.
    pub fn detect(env: impl Fn(&str) -> Option<String>) -> Self {
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].iter().find_map(|name| env(name).filter(|v| !v.is_empty()));
        let utf8 = locale.is_some_and(|l| {
            let l = l.to_ascii_lowercase();
            l.contains("utf-8") || l.contains("utf8")
        });
        if utf8 { Self::Unicode } else { Self::Ascii }
    }

    pub(crate) fn other(self) -> Self {
        match self {
            Self::Unicode => Self::Ascii,
            Self::Ascii => Self::Unicode,
        }
    }

    pub(crate) fn glyphs(self) -> &'static Glyphs {
        match self {
            Self::Unicode => &UNICODE,
            Self::Ascii => &ASCII,
        }
    }
}

#[derive(Debug)]
pub(crate) struct Glyphs {
    /// By [`Phase::rank`].
    phases: [&'static str; Phase::WORDS.len()],
    pub(crate) live: &'static str,
    pub(crate) loading: &'static str,
    pub(crate) polling: &'static str,
    pub(crate) broken: &'static str,
    pub(crate) forbidden: &'static str,
    pub(crate) pointer: &'static str,
    pub(crate) mark: &'static str,
    pub(crate) stale: &'static str,
    pub(crate) done: &'static str,
    pub(crate) running: &'static str,
    pub(crate) waiting: &'static str,
    pub(crate) failed: &'static str,
    pub(crate) stage_done: &'static str,
    pub(crate) stage_todo: &'static str,
    pub(crate) meter_left: &'static str,
    pub(crate) meter_right: &'static str,
    /// Nothing, then rising parts of a cell, then a full one.
    pub(crate) meter: &'static [&'static str],
    /// Rising heights of a cell.
    pub(crate) course: &'static [&'static str],
    pub(crate) ellipsis: &'static str,
    pub(crate) restarts: &'static str,
    pub(crate) dot: &'static str,
    pub(crate) times: &'static str,
    pub(crate) arrow: &'static str,
    pub(crate) down: &'static str,
    pub(crate) enter: &'static str,
    pub(crate) line: &'static str,
    /// Top left, top right, bottom left, bottom right, horizontal, vertical.
    pub(crate) frame: [&'static str; 6],
}

impl Glyphs {
    pub(crate) fn phase(&self, phase: &Phase) -> &'static str {
        self.phases.get(phase.rank()).copied().unwrap_or("?")
    }

    /// By the word of a phase, as in [`Phase::WORDS`].
    pub(crate) fn phase_rank(&self, rank: usize) -> &'static str {
        self.phases.get(rank).copied().unwrap_or("?")
    }
}

// Failing, Degraded, Unknown, Creating, Booting, Starting, Updating, Terminating, Ready, Suspended, Parked
const UNICODE: Glyphs = Glyphs {
    phases: ["✖", "▲", "?", "◌", "▶", "◐", "↻", "↓", "●", "‖", "■"],
    live: "●",
    loading: "◌",
    polling: "◐",
    broken: "✖",
    forbidden: "⊘",
    pointer: "▸",
    mark: "◆",
    stale: "≈",
    done: "●",
    running: "▶",
    waiting: "◌",
    failed: "✖",
    stage_done: "▰",
    stage_todo: "▱",
    meter_left: "▕",
    meter_right: "▏",
    meter: &[" ", "▏", "▎", "▍", "▌", "▋", "▊", "▉", "█"],
    course: &["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"],
    ellipsis: "…",
    restarts: "↻",
    dot: "·",
    times: "×",
    arrow: "→",
    down: "↓",
    enter: "⏎",
    line: "─",
    frame: ["┌", "┐", "└", "┘", "─", "│"],
};

const ASCII: Glyphs = Glyphs {
    phases: ["X", "!", "?", ".", ">", "~", "@", "v", "o", "=", "_"],
    live: "o",
    loading: ".",
    polling: "~",
    broken: "X",
    forbidden: "-",
    pointer: ">",
    mark: "*",
    stale: "~",
    done: "o",
    running: ">",
    waiting: ".",
    failed: "X",
    stage_done: "#",
    stage_todo: "-",
    meter_left: "[",
    meter_right: "]",
    meter: &[" ", "=", "#"],
    course: &["_", ".", "-", "=", "^"],
    ellipsis: "~",
    restarts: "R",
    dot: "-",
    times: "x",
    arrow: ">",
    down: "v",
    enter: "Enter",
    line: "-",
    frame: ["+", "+", "+", "+", "-", "|"],
};

#[cfg(test)]
mod tests {
    use unicode_width::UnicodeWidthStr;

    use super::*;

    #[test]
    fn glyphs_are_one_cell_wide_and_phases_differ() {
        for set in [&UNICODE, &ASCII] {
            let singles = [set.live, set.loading, set.polling, set.broken, set.forbidden, set.pointer, set.stale];
            let more = [set.done, set.running, set.waiting, set.failed, set.stage_done, set.stage_todo, set.ellipsis];
            let rest =
                [set.meter_left, set.meter_right, set.restarts, set.dot, set.times, set.arrow, set.down, set.mark];
            let all = singles
                .iter()
                .chain(&more)
                .chain(&rest)
                .chain(&set.phases)
                .chain(set.meter)
                .chain(set.course)
                .chain(&set.frame);
            for glyph in all {
                assert_eq!(glyph.width(), 1, "{glyph:?}");
            }
            for (i, a) in set.phases.iter().enumerate() {
                assert!(!set.phases[i + 1..].contains(a), "{a} stands for two phases");
            }
        }
        let all_ascii =
            ASCII.phases.iter().chain(ASCII.meter).chain(ASCII.course).chain(&ASCII.frame).all(|g| g.is_ascii());
        assert!(all_ascii && ASCII.enter.is_ascii());
    }

    #[test]
    fn the_locale_decides() {
        let check = |vars: &[(&str, &str)], expect| {
            let env = |name: &str| vars.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned());
            assert_eq!(GlyphSet::detect(env), expect, "{vars:?}");
        };
        check(&[("LANG", "de_DE.UTF-8")], GlyphSet::Unicode);
        check(&[("LANG", "C.utf8"), ("LC_ALL", "")], GlyphSet::Unicode);
        check(&[("LANG", "de_DE.UTF-8"), ("LC_ALL", "C")], GlyphSet::Ascii);
        check(&[("LANG", "POSIX")], GlyphSet::Ascii);
        check(&[], GlyphSet::Ascii);
    }
}
