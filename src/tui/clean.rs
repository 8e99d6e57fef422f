//! Text from the cluster, made safe for a terminal. Names, messages and annotations are written by tenants.

use std::borrow::Cow;

/// Takes out control characters (escape sequences lose their start), bidirectional overrides, and what has no width but
/// could hide something. Line breaks and tabs become blanks.
pub(crate) fn clean(text: &str) -> Cow<'_, str> {
    if text.bytes().all(|b| (0x20..0x7f).contains(&b)) {
        return Cow::Borrowed(text);
    }
    if text.chars().all(|c| c != '\n' && c != '\t' && c != '\r' && shows(c)) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\t' | '\u{2028}' | '\u{2029}' => out.push(' '),
            c if shows(c) => out.push(c),
            _ => {}
        }
    }
    Cow::Owned(out)
}

fn shows(c: char) -> bool {
    !(c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_steers_a_terminal_comes_through() {
        let check = |text, expect| assert_eq!(clean(text), expect, "{text:?}");
        check("maria-k", "maria-k");
        check("müller 日本", "müller 日本");
        check("\x1b[31mred\x1b[0m", "[31mred[0m");
        check("\x1b]52;c;aGk=\x07", "]52;c;aGk=");
        check("a\u{9b}31mb", "a31mb");
        check("safe\u{202e}exe.txt", "safeexe.txt");
        check("a\u{200b}b\u{feff}c", "abc");
        check("one\r\ntwo\tthree", "one two three");
        assert!(matches!(clean("müller"), Cow::Borrowed(_)));
    }
}
