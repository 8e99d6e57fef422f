//! A search in the lines of a page.

use crate::cluster::logs::Pattern;

/// What is searched for, and the line of the match that was gone to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seek {
    pub(crate) pattern: Option<Pattern>,
    /// What is typed is no pattern.
    pub(crate) error: Option<String>,
    pub(crate) line: Option<usize>,
}

impl Seek {
    /// Takes what was typed; nothing typed searches for nothing.
    pub(crate) fn typed(&mut self, text: &str) {
        self.error = None;
        if text.is_empty() {
            (self.pattern, self.line) = (None, None);
            return;
        }
        match Pattern::new(text) {
            Ok(pattern) => self.pattern = Some(pattern),
            // While it is being typed a pattern is often half of one: what was found stays.
            Err(why) => self.error = Some(why),
        }
    }

    /// Lines that match, from the first.
    pub(crate) fn found(&self, lines: &[String]) -> Vec<usize> {
        let Some(pattern) = &self.pattern else { return Vec::new() };
        lines.iter().enumerate().filter(|(_, line)| pattern.is_match(line.as_bytes())).map(|(i, _)| i).collect()
    }

    /// The match at or after `from`, the first where there is none; before it, going back.
    pub(crate) fn next(found: &[usize], from: usize, back: bool) -> Option<usize> {
        if back {
            found.iter().rev().find(|line| **line < from).or(found.last()).copied()
        } else {
            found.iter().find(|line| **line >= from).or(found.first()).copied()
        }
    }
}
