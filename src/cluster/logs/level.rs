//! How bad a line says it is: by the first word of a level in it, or by the field `level` of a line of JSON.

/// Only what the line itself says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    #[default]
    Unknown,
    Trace,
    Debug,
    Info,
    Warn,
    Error,
    Fatal,
}

/// Levels stand at the beginning of a line.
const LOOK: usize = 160;

impl Level {
    pub const ALL: [Self; 7] =
        [Self::Unknown, Self::Trace, Self::Debug, Self::Info, Self::Warn, Self::Error, Self::Fatal];

    /// The level of a clean line.
    pub fn of(line: &[u8]) -> Self {
        let head = &line[..line.len().min(LOOK)];
        if head.first() == Some(&b'{')
            && let Some(level) = of_json(line)
        {
            return level;
        }
        head.split(|b| !b.is_ascii_alphabetic()).find_map(word).unwrap_or_default()
    }

    pub fn word(self) -> &'static str {
        match self {
            Self::Unknown => "",
            Self::Trace => "trace",
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
            Self::Fatal => "fatal",
        }
    }

    pub(super) fn from_u8(n: u8) -> Self {
        Self::ALL.get(usize::from(n)).copied().unwrap_or_default()
    }
}

fn word(word: &[u8]) -> Option<Level> {
    if !(3..=9).contains(&word.len()) {
        return None;
    }
    let is = |name: &str| word.eq_ignore_ascii_case(name.as_bytes());
    match word[0] | 0x20 {
        b'e' if is("error") || is("err") || is("exception") => Some(Level::Error),
        b'f' if is("fatal") => Some(Level::Fatal),
        b'f' if is("failed") || is("failure") => Some(Level::Error),
        b'p' if is("panic") => Some(Level::Fatal),
        b'c' if is("critical") => Some(Level::Fatal),
        b'w' if is("warn") || is("warning") => Some(Level::Warn),
        b'i' if is("info") => Some(Level::Info),
        b'n' if is("notice") => Some(Level::Info),
        b'd' if is("debug") => Some(Level::Debug),
        b't' if is("trace") => Some(Level::Trace),
        _ => None,
    }
}

/// `"level":"warn"`, or the numbers of pino and bunyan: `"level":40`.
fn of_json(line: &[u8]) -> Option<Level> {
    let at = [&b"\"level\":"[..], b"\"severity\":", b"\"lvl\":"]
        .iter()
        .find_map(|key| memchr::memmem::find(line, key).map(|at| at + key.len()))?;
    let value = line[at..].trim_ascii_start();
    if let Some(text) = value.strip_prefix(b"\"") {
        return word(text.split(|b| *b == b'"').next()?);
    }
    let digits =
        value.iter().take_while(|b| b.is_ascii_digit()).take(3).fold(0_u32, |n, b| n * 10 + u32::from(b - b'0'));
    match digits {
        0 => None,
        1..20 => Some(Level::Trace),
        20..30 => Some(Level::Debug),
        30..40 => Some(Level::Info),
        40..50 => Some(Level::Warn),
        50..60 => Some(Level::Error),
        _ => Some(Level::Fatal),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_word_of_a_level_decides() {
        let check = |line: &str, expect| assert_eq!(Level::of(line.as_bytes()), expect, "{line}");
        check("2026-11-26 [ERROR] no disk", Level::Error);
        check("[INFO] 0 errors, last error: none", Level::Info);
        check("WARNING: slow", Level::Warn);
        check("gateway: fatal: giving up", Level::Fatal);
        check("gateway: tick 3 errors=0", Level::Unknown);
        check("terror and informants", Level::Unknown);
        check("", Level::Unknown);
        check(r#"{"time":1,"level":"warn","msg":"error"}"#, Level::Warn);
        check(r#"{"level":50,"msg":"x"}"#, Level::Error);
        check(r#"{"level": 30,"msg":"x"}"#, Level::Info);
        check(r#"{"msg":"error here"}"#, Level::Error);
        assert!(Level::Error > Level::Info && Level::from_u8(Level::Error as u8) == Level::Error);
    }
}
