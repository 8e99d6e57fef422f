//! Text from the cluster is hostile: what a terminal would obey is taken out before anything else sees it.

use std::borrow::Cow;

/// The longest text kept from any one field; what is longer ends in `…`.
pub const LONGEST: usize = 1_024;

/// Takes out escape sequences, control characters, bidi and invisible marks; line ends and tabs become one space, so
/// that a text stays on its line. Cuts at [`LONGEST`] characters.
pub fn clean(text: &str) -> Cow<'_, str> {
    if text.len() <= LONGEST && text.bytes().all(|b| (0x20..0x7f).contains(&b)) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len().min(LONGEST * 4));
    let mut kept = 0;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let c = match c {
            '\n' | '\r' | '\t' | '\u{2028}' | '\u{2029}' => {
                if out.ends_with(' ') {
                    continue;
                }
                ' '
            }
            '\u{1b}' => {
                skip_escape(&mut chars);
                continue;
            }
            // The one-character forms of "ESC [" and of the sequences that carry a string.
            '\u{9b}' => {
                skip_control_sequence(&mut chars);
                continue;
            }
            '\u{90}' | '\u{98}' | '\u{9d}' | '\u{9e}' | '\u{9f}' => {
                skip_string(&mut chars);
                continue;
            }
            c if is_hidden(c) => continue,
            c => c,
        };
        if kept == LONGEST {
            out.push('…');
            break;
        }
        out.push(c);
        kept += 1;
    }
    Cow::Owned(out)
}

/// Controls, and marks that take no cell or change the order of what is drawn.
pub fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

type Chars<'a> = std::iter::Peekable<std::str::Chars<'a>>;

/// After ESC.
fn skip_escape(chars: &mut Chars<'_>) {
    match chars.peek() {
        Some('[') => {
            chars.next();
            skip_control_sequence(chars);
        }
        Some(']' | 'P' | 'X' | '^' | '_') => {
            chars.next();
            skip_string(chars);
        }
        // Intermediates, then one final character; anything else is not part of a sequence and stays.
        Some(' '..='/') => {
            while chars.next_if(|c| (' '..='/').contains(c)).is_some() {}
            chars.next_if(|c| ('0'..='~').contains(c));
        }
        Some('0'..='~') => {
            chars.next();
        }
        _ => {}
    }
}

/// Parameters and intermediates, then one final character.
fn skip_control_sequence(chars: &mut Chars<'_>) {
    while chars.next_if(|c| (' '..='?').contains(c)).is_some() {}
    chars.next_if(|c| ('@'..='~').contains(c));
}

/// Up to the string's terminator: BEL, ST or `ESC \`. One without an end swallows the rest, as it would in a terminal.
fn skip_string(chars: &mut Chars<'_>) {
    while let Some(c) = chars.next() {
        match c {
            '\u{7}' | '\u{9c}' => return,
            '\u{1b}' => {
                chars.next_if_eq(&'\\');
                return;
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_a_terminal_obeys_is_left() {
        for (text, expect) in [
            ("plain text, 100% ~ok", "plain text, 100% ~ok"),
            ("Grüße, 漢字 🦞", "Grüße, 漢字 🦞"),
            ("\u{1b}[31mred\u{1b}[0m", "red"),
            ("\u{1b}]52;c;aGk=\u{7}clip", "clip"),
            ("\u{1b}]0;title\u{1b}\\after", "after"),
            ("\u{9b}2Jcleared\u{85}", "cleared"),
            ("\u{1b}Pq#0\u{9c}sixel", "sixel"),
            ("\u{1b}(0lq\u{1b}c\u{1b}7x", "lqx"),
            ("\u{1b}", ""),
            ("\u{1b}[", ""),
            ("a\u{8}\u{7f}b\0c", "abc"),
            ("two\r\n\tlines", "two lines"),
            ("abc\u{202e}gpj.exe", "abcgpj.exe"),
            ("zero\u{200b}width\u{feff}", "zerowidth"),
            ("tag\u{e0041}s", "tags"),
        ] {
            assert_eq!(clean(text), expect, "{text:?}");
        }
    }

    #[test]
    fn what_is_clean_is_not_copied_and_what_is_long_is_cut() {
        assert!(matches!(clean("openclaw-0"), Cow::Borrowed(_)));
        let long = "x".repeat(LONGEST + 1);
        let cut = clean(&long);
        assert_eq!(cut.chars().count(), LONGEST + 1);
        assert!(cut.ends_with('…'));
        assert_eq!(clean(&long[..LONGEST]).len(), LONGEST);
    }
}
