//! Long texts over several lines.

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

use crate::tui::{clean::clean, theme::Role};

use super::paint::Paint;

/// Writes a long text over at most `most` lines.
pub(crate) fn wrap(paint: &mut Paint<'_>, x: u16, y: u16, right: u16, text: &str, role: Role, most: u16) -> u16 {
    let lines = split(&clean(text), usize::from(right.saturating_sub(x)), usize::from(most));
    let mut at = y;
    for line in &lines {
        paint.text(x, at, right, line, role);
        at += 1;
    }
    at
}

/// All of a text in lines of `width` cells; what it is indented by, each of its lines is.
pub(crate) fn hang(text: &str, width: usize) -> Vec<String> {
    let text = clean(text);
    let rest = text.trim_start_matches(' ');
    let indent = " ".repeat((text.len() - rest.len()).min(width / 2));
    let lines = split(rest, width.saturating_sub(indent.len()), usize::MAX);
    lines.into_iter().map(|line| format!("{indent}{line}")).collect()
}

/// Breaks at blanks where there are any; the last line keeps all the rest, for the pen to cut.
pub(crate) fn split(text: &str, width: usize, most: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let used = lines.last().map_or(0, |l| l.width());
        let fits = used + usize::from(used > 0) + word.width() <= width;
        if fits || used == 0 || lines.len() >= most {
            if let Some(last) = lines.last_mut() {
                if !last.is_empty() {
                    last.push(' ');
                }
                last.push_str(word);
            }
        } else {
            lines.push(word.to_owned());
        }
        // A word longer than a line is broken inside.
        while let Some(last) = lines.last().filter(|l| l.width() > width && width > 0 && lines.len() < most) {
            let mut room = width;
            let cut = last
                .char_indices()
                .find(|(_, c)| {
                    let w = c.width().unwrap_or(0);
                    let full = w > room;
                    room = room.saturating_sub(w);
                    full
                })
                .map_or(last.len(), |(i, _)| i)
                .max(1);
            let Some((head, rest)) = last.split_at_checked(cut) else { break };
            let (head, rest) = (head.to_owned(), rest.to_owned());
            if let Some(last) = lines.last_mut() {
                *last = head;
            }
            lines.push(rest);
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_break_at_blanks_and_lose_nothing() {
        let check = |text: &str, width, most, expect: &[&str]| assert_eq!(split(text, width, most), expect, "{text}");
        check("one two three", 8, 9, &["one two", "three"]);
        check("one two three", 8, 1, &["one two three"]);
        check("abcdefghij", 4, 9, &["abcd", "efgh", "ij"]);
        check("日本語日本語", 4, 9, &["日本", "語日", "本語"]);
        check("", 4, 2, &[""]);
        check("日", 1, 3, &["日"]);
    }
}
