//! Moments and durations as Kubernetes gives them: whole seconds. Time never comes from a clock in here; it enters as `now`.

use std::{fmt, num::NonZeroU32};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// A moment, in whole seconds since 1970 (Kubernetes' own grain). Four bytes, also inside an `Option`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct At(NonZeroU32);

impl At {
    /// `None` outside 1970-01-01T00:00:01Z to 2106: no Kubernetes object was made then.
    pub fn from_unix(seconds: i64) -> Option<Self> {
        u32::try_from(seconds).ok().and_then(NonZeroU32::new).map(Self)
    }

    /// Parses RFC 3339 (`2026-11-24T19:40:00Z`, fractions are cut); `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let stamp: jiff::Timestamp = text.parse().ok()?;
        Self::from_unix(stamp.as_second())
    }

    pub fn unix(self) -> i64 {
        i64::from(self.0.get())
    }

    /// Seconds from `earlier` to here; 0 where a skewed clock puts `earlier` later.
    pub fn since(self, earlier: At) -> u32 {
        self.0.get().saturating_sub(earlier.0.get())
    }

    pub fn plus(self, seconds: u32) -> Self {
        Self(self.0.saturating_add(seconds))
    }
}

impl fmt::Display for At {
    /// RFC 3339 in UTC.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_second(self.unix()) {
            Ok(stamp) => write!(f, "{stamp}"),
            Err(_) => write!(f, "@{}", self.unix()),
        }
    }
}

impl fmt::Debug for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for At {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for At {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        Self::parse(&text).ok_or_else(|| D::Error::custom("expected a time such as 2026-11-24T19:40:00Z"))
    }
}

/// A short age: `42s`, `3m`, `5h`, `12d`. Shows one unit, rounded down, so that it never jumps back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Age(pub u32);

impl std::str::FromStr for Age {
    type Err = String;

    /// `90s`, `5m`, `1h`, `2d`; a bare number is seconds.
    fn from_str(text: &str) -> Result<Self, String> {
        let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
        let unit = match &text[digits.len()..] {
            "" | "s" => 1,
            "m" => 60,
            "h" => 3_600,
            "d" => 86_400,
            other => return Err(format!("unknown unit {other:?}; expected s, m, h or d")),
        };
        let count: u64 = digits.parse().map_err(|_| "expected e.g. 90s, 5m or 1h".to_owned())?;
        let seconds = count.checked_mul(unit).and_then(|s| u32::try_from(s).ok());
        seconds.map(Self).ok_or_else(|| "that is too long".to_owned())
    }
}

impl fmt::Display for Age {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let s = self.0;
        let text = match s {
            0..=119 => format!("{s}s"),
            120..=7_199 => format!("{}m", s / 60),
            7_200..=172_799 => format!("{}h", s / 3_600),
            _ => format!("{}d", s / 86_400),
        };
        f.pad(&text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_kubernetes_writes() {
        let at = At::parse("2026-11-24T19:40:00Z").unwrap();
        assert_eq!(At::parse("2026-11-24T19:40:00.123456Z"), Some(at));
        assert_eq!(at.to_string(), "2026-11-24T19:40:00Z");
        for bad in ["", "null", "yesterday", "1969-12-31T23:59:59Z", "2200-01-01T00:00:00Z"] {
            assert_eq!(At::parse(bad), None, "{bad}");
        }
        assert_eq!(size_of::<Option<At>>(), 4);
    }

    #[test]
    fn a_skewed_clock_gives_no_negative_age() {
        let at = At::from_unix(1_000).unwrap();
        assert_eq!(at.since(at.plus(5)), 0);
    }

    #[test]
    fn ages_are_short() {
        for (seconds, text) in [(0, "0s"), (119, "119s"), (120, "2m"), (7_199, "119m"), (7_200, "2h"), (172_800, "2d")]
        {
            assert_eq!(Age(seconds).to_string(), text);
        }
    }
}
