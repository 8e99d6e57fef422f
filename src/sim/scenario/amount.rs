//! Values of a scenario: spans of seconds and Kubernetes quantities.

use serde::de::{self, Deserializer, Visitor};
use serde::{Deserialize, de::SeqAccess};
use std::fmt;
use std::time::Duration;

/// A length of time drawn evenly between two bounds, in seconds of simulated time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Span {
    min: f64,
    max: f64,
}

impl Span {
    #[must_use]
    pub const fn new(min: f64, max: f64) -> Self {
        Self { min, max }
    }

    /// The point of the span that `unit` (0..1) names.
    #[must_use]
    pub fn at(&self, unit: f64) -> Duration {
        Duration::from_secs_f64(self.min + (self.max - self.min) * unit)
    }

    /// The same span, `factor` times as long.
    #[must_use]
    pub fn times(&self, factor: f64) -> Self {
        Self::new(self.min * factor, self.max * factor)
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct Bounds;
        impl<'de> Visitor<'de> for Bounds {
            type Value = Span;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("seconds, or [least, most] seconds")
            }
            fn visit_i64<E: de::Error>(self, n: i64) -> Result<Span, E> {
                self.visit_f64(n as f64)
            }
            fn visit_f64<E: de::Error>(self, n: f64) -> Result<Span, E> {
                checked(n, n).map_err(E::custom)
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Span, A::Error> {
                let mut bounds = [0.0; 2];
                for (i, b) in bounds.iter_mut().enumerate() {
                    *b = seq.next_element()?.ok_or_else(|| de::Error::invalid_length(i, &self))?;
                }
                if seq.next_element::<f64>()?.is_some() {
                    return Err(de::Error::invalid_length(3, &self));
                }
                checked(bounds[0], bounds[1]).map_err(de::Error::custom)
            }
        }
        d.deserialize_any(Bounds)
    }
}

/// A year: longer spans are slips of the pen, and would overflow clocks.
const LONGEST: f64 = 366.0 * 86_400.0;

fn checked(min: f64, max: f64) -> Result<Span, &'static str> {
    if !(0.0..=LONGEST).contains(&min) || !(0.0..=LONGEST).contains(&max) {
        return Err("seconds must lie between 0 and a year");
    }
    if max < min {
        return Err("a range must not end before it starts");
    }
    Ok(Span::new(min, max))
}

/// A Kubernetes quantity (`250m`, `2Gi`, `3`), held in thousandths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Amount(i128);

impl Amount {
    #[must_use]
    pub const fn whole(n: i128) -> Self {
        Self(n * 1000)
    }
    #[must_use]
    pub const fn milli(self) -> i128 {
        self.0
    }
    /// Rounded up, as the API server does where it needs an integer.
    #[must_use]
    pub const fn value(self) -> i128 {
        (self.0 + 999).div_euclid(1000)
    }

    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | '-' | '+'))).unwrap_or(text.len());
        let (number, suffix) = text.split_at(digits);
        let (whole, part) = number.split_once('.').unwrap_or((number, ""));
        let sign = if whole.starts_with('-') { -1 } else { 1 };
        let whole: i128 = match whole.strip_prefix(['-', '+']).unwrap_or(whole) {
            "" if !part.is_empty() => 0,
            digits if digits.bytes().all(|b| b.is_ascii_digit()) => digits.parse().ok()?,
            _ => return None,
        };
        let mut thousandths: i128 = whole.checked_mul(1_000_000_000_000)?;
        if !part.is_empty() {
            let kept = &part[..part.len().min(12)];
            if !kept.bytes().all(|b| b.is_ascii_digit()) {
                return None;
            }
            let value: i128 = kept.parse().ok()?;
            thousandths += value * 10_i128.pow(12 - kept.len() as u32);
        }
        // `thousandths` now counts 10^-12; scale it by the suffix and round up to thousandths.
        let (mul, div): (i128, i128) = match suffix {
            "" => (1, 1),
            "n" => (1, 1_000_000_000),
            "u" => (1, 1_000_000),
            "m" => (1, 1000),
            "k" => (1000, 1),
            "M" => (1_000_000, 1),
            "G" => (1_000_000_000, 1),
            "T" => (1_000_000_000_000, 1),
            "P" => (1_000_000_000_000_000, 1),
            "Ki" => (1 << 10, 1),
            "Mi" => (1 << 20, 1),
            "Gi" => (1 << 30, 1),
            "Ti" => (1 << 40, 1),
            "Pi" => (1 << 50, 1),
            _ => {
                let power: u32 = suffix.strip_prefix(['e', 'E'])?.parse().ok()?;
                (10_i128.checked_pow(power)?, 1)
            }
        };
        let scaled = thousandths.checked_mul(mul)? / div;
        Some(Self(sign * ((scaled + 999_999_999) / 1_000_000_000)))
    }
}

impl fmt::Display for Amount {
    /// The shortest exact form with a binary suffix, a plain number, or thousandths.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 % 1000 != 0 {
            return write!(f, "{}m", self.0);
        }
        let n = self.0 / 1000;
        for (shift, unit) in [(40, "Ti"), (30, "Gi"), (20, "Mi"), (10, "Ki")] {
            if n != 0 && n % (1_i128 << shift) == 0 {
                return write!(f, "{}{unit}", n >> shift);
            }
        }
        write!(f, "{n}")
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct Text;
        impl Visitor<'_> for Text {
            type Value = Amount;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a quantity such as \"250m\", \"2Gi\" or 3")
            }
            fn visit_i64<E: de::Error>(self, n: i64) -> Result<Amount, E> {
                Ok(Amount::whole(n.into()))
            }
            fn visit_str<E: de::Error>(self, s: &str) -> Result<Amount, E> {
                Amount::parse(s).ok_or_else(|| E::custom(format!("`{s}` is not a quantity")))
            }
        }
        d.deserialize_any(Text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities() {
        let check = |text: &str, milli: Option<i128>| {
            assert_eq!(Amount::parse(text).map(Amount::milli), milli, "{text}");
        };
        check("250m", Some(250));
        check("1", Some(1000));
        check("1.5", Some(1500));
        check("0.1", Some(100));
        check(".5", Some(500));
        check("2Gi", Some((2 << 30) * 1000));
        check("1500k", Some(1_500_000_000));
        check("2e3", Some(2_000_000));
        check("500u", Some(1)); // rounds up
        check("-1", Some(-1000));
        check("", None);
        check("1 Gi", None);
        check("abc", None);
        check("--1", None);
        check("1.-5", None);
    }

    #[test]
    fn shown_as_kubernetes_does() {
        let check = |text: &str, expect: &str| {
            assert_eq!(Amount::parse(text).expect(text).to_string(), expect);
        };
        check("1024Mi", "1Gi");
        check("1500Mi", "1500Mi");
        check("0.25", "250m");
        check("110", "110");
        check("0", "0");
    }

    #[test]
    fn a_span_is_drawn_between_its_bounds() {
        let s = Span::new(2.0, 4.0);
        assert_eq!(s.at(0.0), Duration::from_secs(2));
        assert_eq!(s.at(0.5), Duration::from_secs(3));
        assert_eq!(s.times(2.0).at(1.0), Duration::from_secs(8));
    }
}
