//! Colours, and what a terminal can show of them.

use ratatui::style::Color;

/// How many colours the terminal shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Depth {
    /// Attributes only: `NO_COLOR`, or a terminal without colours.
    None,
    Ansi16,
    Ansi256,
    True,
}

impl Depth {
    /// From the environment, asked through `env`.
    pub(crate) fn detect(env: impl Fn(&str) -> Option<String>) -> Self {
        let set = |name: &str| env(name).filter(|v| !v.is_empty());
        let term = set("TERM").unwrap_or_default();
        if set("NO_COLOR").is_some() || term == "dumb" || term.starts_with("vt1") || term.ends_with("-m") {
            return Self::None;
        }
        let says = |name: &str, words: &[&str]| set(name).is_some_and(|v| words.iter().any(|w| v.contains(w)));
        if says("COLORTERM", &["truecolor", "24bit"]) || term.ends_with("-direct") {
            Self::True
        } else if term.contains("256color") {
            Self::Ansi256
        } else {
            Self::Ansi16
        }
    }
}

/// A colour as a theme gives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ink {
    /// The terminal's own foreground or background.
    Default,
    /// One of the terminal's sixteen.
    Ansi(u8),
    /// Red, green, blue, and which of the sixteen stands in for it where there are no more.
    Rgb([u8; 3], Option<u8>),
}

const ANSI_NAMES: [&str; 16] = [
    "black",
    "red",
    "green",
    "yellow",
    "blue",
    "magenta",
    "cyan",
    "silver",
    "gray",
    "bright-red",
    "bright-green",
    "bright-yellow",
    "bright-blue",
    "bright-magenta",
    "bright-cyan",
    "white",
];

impl Ink {
    /// `#rrggbb`, `default`, or one of the sixteen names.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if text == "default" {
            return Some(Self::Default);
        }
        if let Some(hex) = text.strip_prefix('#') {
            let digits = hex.len() == 6 && hex.bytes().all(|b| b.is_ascii_hexdigit());
            let value = digits.then(|| u32::from_str_radix(hex, 16).ok()).flatten()?;
            let [_, r, g, b] = value.to_be_bytes();
            return Some(Self::Rgb([r, g, b], None));
        }
        ANSI_NAMES.iter().position(|n| *n == text).and_then(|i| u8::try_from(i).ok()).map(Self::Ansi)
    }

    /// One of a terminal's 256: those beyond the first sixteen are the same everywhere.
    pub(crate) fn of_256(n: u8) -> Self {
        if n < 16 { Self::Ansi(n) } else { Self::Rgb(palette(n), None) }
    }

    pub(crate) fn names() -> String {
        ANSI_NAMES.join(", ")
    }

    pub(crate) fn at(self, depth: Depth) -> Color {
        match (self, depth) {
            (_, Depth::None) | (Self::Default, _) => Color::Reset,
            (Self::Ansi(n), _) | (Self::Rgb(_, Some(n)), Depth::Ansi16) => ansi(n),
            (Self::Rgb([r, g, b], _), Depth::True) => Color::Rgb(r, g, b),
            (Self::Rgb(rgb, _), Depth::Ansi256) => Color::Indexed(nearest(rgb, 16..=255)),
            (Self::Rgb(rgb, None), Depth::Ansi16) => ansi(nearest(rgb, 0..=15)),
        }
    }

    /// Red, green and blue, where the theme and not the terminal decides them.
    #[cfg(test)]
    pub(crate) fn rgb(self) -> Option<[u8; 3]> {
        match self {
            Self::Rgb(rgb, _) => Some(rgb),
            _ => None,
        }
    }
}

/// The named variant prints as SGR 30-37 and 90-97, which every terminal knows.
fn ansi(n: u8) -> Color {
    match n {
        0 => Color::Black,
        1 => Color::Red,
        2 => Color::Green,
        3 => Color::Yellow,
        4 => Color::Blue,
        5 => Color::Magenta,
        6 => Color::Cyan,
        7 => Color::Gray,
        8 => Color::DarkGray,
        9 => Color::LightRed,
        10 => Color::LightGreen,
        11 => Color::LightYellow,
        12 => Color::LightBlue,
        13 => Color::LightMagenta,
        14 => Color::LightCyan,
        15 => Color::White,
        more => Color::Indexed(more),
    }
}

fn nearest(rgb: [u8; 3], among: std::ops::RangeInclusive<u8>) -> u8 {
    let distance = |n: &u8| -> i32 {
        let other = palette(*n);
        rgb.iter().zip(other).map(|(a, b)| (i32::from(*a) - i32::from(b)).pow(2)).sum()
    };
    among.min_by_key(distance).unwrap_or(7)
}

/// Xterm's 256 colours.
pub(crate) fn palette(n: u8) -> [u8; 3] {
    const FIRST: [[u8; 3]; 16] = [
        [0, 0, 0],
        [205, 0, 0],
        [0, 205, 0],
        [205, 205, 0],
        [0, 0, 238],
        [205, 0, 205],
        [0, 205, 205],
        [229, 229, 229],
        [127, 127, 127],
        [255, 0, 0],
        [0, 255, 0],
        [255, 255, 0],
        [92, 92, 255],
        [255, 0, 255],
        [0, 255, 255],
        [255, 255, 255],
    ];
    let level = |i: u8| if i == 0 { 0 } else { 55 + 40 * i };
    match n {
        0..=15 => FIRST[usize::from(n)],
        16..=231 => {
            let i = n - 16;
            [level(i / 36), level(i / 6 % 6), level(i % 6)]
        }
        232..=255 => [8 + 10 * (n - 232); 3],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depth_is_what_the_environment_says() {
        let check = |vars: &[(&str, &str)], expect| {
            let env = |name: &str| vars.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned());
            assert_eq!(Depth::detect(env), expect, "{vars:?}");
        };
        check(&[("TERM", "xterm-256color"), ("COLORTERM", "truecolor")], Depth::True);
        check(&[("TERM", "xterm-direct")], Depth::True);
        check(&[("TERM", "tmux-256color")], Depth::Ansi256);
        check(&[("TERM", "xterm"), ("COLORTERM", "")], Depth::Ansi16);
        check(&[("TERM", "linux")], Depth::Ansi16);
        check(&[], Depth::Ansi16);
        check(&[("TERM", "dumb")], Depth::None);
        check(&[("TERM", "vt100")], Depth::None);
        check(&[("TERM", "xterm-256color"), ("COLORTERM", "truecolor"), ("NO_COLOR", "1")], Depth::None);
        check(&[("TERM", "xterm-256color"), ("NO_COLOR", "")], Depth::Ansi256);
    }

    #[test]
    fn inks_degrade() {
        let check = |text: &str, depth, expect| assert_eq!(Ink::parse(text).unwrap().at(depth), expect, "{text}");
        check("#ff0000", Depth::True, Color::Rgb(255, 0, 0));
        check("#ff0000", Depth::Ansi256, Color::Indexed(196));
        check("#808080", Depth::Ansi256, Color::Indexed(244));
        check("#ff0000", Depth::Ansi16, Color::LightRed);
        check("#ff0000", Depth::None, Color::Reset);
        check("bright-blue", Depth::True, Color::LightBlue);
        check("default", Depth::True, Color::Reset);
        for bad in ["", "#fff", "#ggggggg", "#12345g", "#+12345", "purple", "Red"] {
            assert_eq!(Ink::parse(bad), None, "{bad}");
        }
    }
}
