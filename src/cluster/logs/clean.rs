//! A line of a container, made safe: valid UTF-8 without anything that a terminal obeys or that hides or reorders text.
//!
//! Colours are taken out of the text and told apart from it, as runs, so that they can be drawn as colours and as
//! nothing else. Blanks and tabs stay as they are.

use crate::fleet::clean::is_hidden;

/// Marks without a width that may stand on one character: more is a flood that spoils the lines around it.
const MARKS: usize = 3;

/// A change of colour within a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// Byte of the text from where on it holds.
    pub at: u16,
    pub ink: Ink,
    pub bold: bool,
}

/// A colour as the container asked for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ink {
    #[default]
    Plain,
    /// Of the 256 colours of a terminal; the first 16 are its own.
    Indexed(u8),
    Rgb(u8, u8, u8),
}

impl Run {
    pub(super) const SIZE: usize = 7;

    pub(super) fn bytes(self) -> [u8; Self::SIZE] {
        let [a, b] = self.at.to_le_bytes();
        let (kind, x, y, z) = match self.ink {
            Ink::Plain => (0, 0, 0, 0),
            Ink::Indexed(n) => (1, n, 0, 0),
            Ink::Rgb(r, g, b) => (2, r, g, b),
        };
        [a, b, kind, x, y, z, u8::from(self.bold)]
    }

    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let [a, b, kind, x, y, z, bold] = *bytes.first_chunk::<{ Self::SIZE }>()?;
        let ink = match kind {
            0 => Ink::Plain,
            1 => Ink::Indexed(x),
            _ => Ink::Rgb(x, y, z),
        };
        Some(Self { at: u16::from_le_bytes([a, b]), ink, bold: bold != 0 })
    }
}

/// Appends the clean text of a line to `out`, and its colours to `runs`, counted from where `out` ended.
pub fn clean(line: &[u8], out: &mut Vec<u8>, runs: &mut Vec<Run>) {
    // A carriage return before the line's end is part of that end.
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    if line.iter().all(|b| (0x20..0x7f).contains(b) || *b == b'\t') {
        out.extend_from_slice(line);
        return;
    }
    let mut writer =
        Writer { start: out.len(), out, runs, now: (Ink::Plain, false), drawn: (Ink::Plain, false), marks: 0 };
    let mut pending = Escapes::default();
    for chunk in line.utf8_chunks() {
        pending.text(chunk.valid(), &mut writer);
        if !chunk.invalid().is_empty() {
            pending.text("\u{fffd}", &mut writer);
        }
    }
    pending.flush(&mut writer);
}

struct Writer<'a> {
    start: usize,
    out: &'a mut Vec<u8>,
    runs: &'a mut Vec<Run>,
    now: (Ink, bool),
    drawn: (Ink, bool),
    /// Marks without a width since the last character that has one.
    marks: usize,
}

impl Writer<'_> {
    fn put(&mut self, c: char) {
        let c = match c {
            '\t' => '\t',
            '\r' | '\u{2028}' | '\u{2029}' | '\u{85}' => ' ',
            c if hides(c) => return,
            c => c,
        };
        if !c.is_ascii() && unicode_width::UnicodeWidthChar::width(c) == Some(0) {
            // One at the very beginning would stand on what is drawn before the line.
            if self.marks == MARKS || self.out.len() == self.start {
                return;
            }
            self.marks += 1;
        } else {
            self.marks = 0;
        }
        if self.now != self.drawn {
            if let Ok(at) = u16::try_from(self.out.len() - self.start) {
                self.runs.push(Run { at, ink: self.now.0, bold: self.now.1 });
            }
            self.drawn = self.now;
        }
        self.out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
    }

    /// `ESC [ parameters m`: only colours of letters, and bold, count.
    fn select_graphics(&mut self, parameters: &str) {
        let mut numbers = parameters.split([';', ':']).map(|p| p.parse::<u8>().unwrap_or(0));
        while let Some(n) = numbers.next() {
            match n {
                0 => self.now = (Ink::Plain, false),
                1 => self.now.1 = true,
                22 => self.now.1 = false,
                30..=37 => self.now.0 = Ink::Indexed(n - 30),
                90..=97 => self.now.0 = Ink::Indexed(n - 90 + 8),
                39 => self.now.0 = Ink::Plain,
                38 | 48 => {
                    let ink = match numbers.next() {
                        Some(5) => numbers.next().map(Ink::Indexed),
                        Some(2) => {
                            let mut next = || numbers.next().unwrap_or(0);
                            Some(Ink::Rgb(next(), next(), next()))
                        }
                        _ => None,
                    };
                    // A ground could hide what is written on it.
                    if n == 38 {
                        self.now.0 = ink.unwrap_or_default();
                    }
                }
                _ => {}
            }
        }
    }
}

fn hides(c: char) -> bool {
    is_hidden(c)
        || matches!(c,
            // Fillers that look like nothing, and selectors that change how wide a terminal draws what is before them.
            '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}' | '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}' | '\u{34f}'
            | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180d}' | '\u{180f}')
}

/// Where in an escape sequence we are. A sequence that has no end within its line loses its beginning only: the rest
/// would be invisible else.
#[derive(Default)]
struct Escapes {
    state: State,
    /// What would be text after all.
    held: String,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum State {
    #[default]
    Text,
    /// After ESC.
    Escape,
    /// After ESC and intermediates: one final character belongs to it.
    Final,
    /// After `ESC [`.
    Control,
    /// Inside of a sequence that carries a string.
    String,
    /// ESC inside of one: perhaps its end.
    StringEscape,
}

impl Escapes {
    fn text(&mut self, text: &str, to: &mut Writer<'_>) {
        for c in text.chars() {
            self.next(c, to);
        }
    }

    fn next(&mut self, c: char, to: &mut Writer<'_>) {
        match self.state {
            State::Text => match c {
                '\u{1b}' => self.state = State::Escape,
                '\u{9b}' => self.state = State::Control,
                '\u{90}' | '\u{98}' | '\u{9d}' | '\u{9e}' | '\u{9f}' => self.state = State::String,
                c => to.put(c),
            },
            State::Escape => match c {
                '[' => self.state = State::Control,
                ']' | 'P' | 'X' | '^' | '_' => self.state = State::String,
                ' '..='/' => self.state = State::Final,
                '0'..='~' => self.state = State::Text,
                c => self.again(c, to),
            },
            State::Final => match c {
                ' '..='/' => {}
                '0'..='~' => self.state = State::Text,
                c => self.again(c, to),
            },
            State::Control => match c {
                ' '..='?' => self.held.push(c),
                '@'..='~' => {
                    if c == 'm' && self.held.bytes().all(|b| b.is_ascii_digit() || b == b';' || b == b':') {
                        to.select_graphics(&self.held);
                    }
                    self.held.clear();
                    self.state = State::Text;
                }
                c => {
                    self.held.clear();
                    self.again(c, to);
                }
            },
            State::String => match c {
                '\u{7}' | '\u{9c}' => {
                    self.held.clear();
                    self.state = State::Text;
                }
                '\u{1b}' => self.state = State::StringEscape,
                c => self.held.push(c),
            },
            State::StringEscape => {
                self.held.clear();
                // Any other sequence ends the string too, and begins.
                self.state = State::Text;
                if c != '\\' {
                    self.state = State::Escape;
                    self.next(c, to);
                }
            }
        }
    }

    /// Not part of the sequence: it is text, or begins another one.
    fn again(&mut self, c: char, to: &mut Writer<'_>) {
        self.state = State::Text;
        self.next(c, to);
    }

    fn flush(&mut self, to: &mut Writer<'_>) {
        if matches!(self.state, State::String | State::StringEscape) {
            for c in std::mem::take(&mut self.held).chars() {
                to.put(c);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cleaned(line: &[u8]) -> (String, Vec<Run>) {
        let (mut out, mut runs) = (b"before".to_vec(), vec![]);
        clean(line, &mut out, &mut runs);
        (String::from_utf8(out.split_off(6)).unwrap(), runs)
    }

    #[test]
    fn nothing_that_a_terminal_obeys_is_left() {
        let check = |line: &[u8], expect: &str| assert_eq!(cleaned(line).0, expect, "{line:?}");
        check(b"plain\ttext  with blanks \r", "plain\ttext  with blanks ");
        check("Grüße, 漢字 🦞".as_bytes(), "Grüße, 漢字 🦞");
        check(b"\x1b[31mred\x1b[0m", "red");
        check(b"\x1b]52;c;aGk=\x07clip", "clip");
        check(b"\x1b]0;title\x1b\\after", "after");
        check("\u{9b}2Jcleared\u{85}.".as_bytes(), "cleared .");
        check("\u{90}q#0\u{9c}sixel".as_bytes(), "sixel");
        check(b"\x1b(0lq\x1bc\x1b7x", "lqx");
        check(b"a\x08\x7f\x00b", "ab");
        check(b"10%\r20%", "10% 20%");
        check(b"bad \xff\xfe\xe2\x82 utf8", "bad \u{fffd}\u{fffd}\u{fffd} utf8");
        check("abc\u{202e}gpj.exe\u{2066}".as_bytes(), "abcgpj.exe");
        check("zero\u{200b}width\u{feff}\u{ad}".as_bytes(), "zerowidth");
        // Half of a raw C1 byte inside of UTF-8 is no control: it is not valid.
        check(b"x\x9b31mred", "x\u{fffd}31mred");
    }

    #[test]
    fn a_sequence_without_an_end_hides_nothing() {
        let check = |line: &[u8], expect: &str| assert_eq!(cleaned(line).0, expect, "{line:?}");
        check(b"seen \x1b]0;and this too", "seen 0;and this too");
        check(b"\x1bPq the rest", "q the rest");
        check(b"\x1b", "");
        check(b"\x1b[12", "");
        check(b"\x1b]a\x1b[31mb", "b");
    }

    #[test]
    fn marks_do_not_pile_up() {
        let flood = format!("a{}b", "\u{301}".repeat(10_000));
        assert_eq!(cleaned(flood.as_bytes()).0, format!("a{}b", "\u{301}".repeat(MARKS)));
        assert_eq!(cleaned("\u{301}x".as_bytes()).0, "x", "it would stand on the prefix");
    }

    #[test]
    fn colours_are_runs_and_nothing_else() {
        let check = |line: &str, text: &str, expect: &[(u16, Ink, bool)]| {
            let (got, runs) = cleaned(line.as_bytes());
            let runs: Vec<_> = runs.iter().map(|r| (r.at, r.ink, r.bold)).collect();
            assert_eq!((got.as_str(), runs.as_slice()), (text, expect), "{line:?}");
        };
        check("\x1b[1;31mERR\x1b[0m ok", "ERR ok", &[(0, Ink::Indexed(1), true), (3, Ink::Plain, false)]);
        check(
            "a\x1b[38;5;200mb\x1b[38;2;1;2;3mc",
            "abc",
            &[(1, Ink::Indexed(200), false), (2, Ink::Rgb(1, 2, 3), false)],
        );
        check("\x1b[97mx\x1b[39my", "xy", &[(0, Ink::Indexed(15), false), (1, Ink::Plain, false)]);
        // Concealed, reversed, blinking and on a ground: not with us.
        check("\x1b[8;7;5;41;48;5;1mhidden?", "hidden?", &[]);
        check("\x1b[?31mx\x1b[>1mz", "xz", &[]);
        for run in [Run { at: 7, ink: Ink::Rgb(1, 2, 3), bold: true }, Run { at: 65_535, ink: Ink::Plain, bold: false }]
        {
            assert_eq!(Run::read(&run.bytes()), Some(run));
        }
    }
}
