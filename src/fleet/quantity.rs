//! Kubernetes quantities (`250m`, `2Gi`, `1e3`), exact to a thousandth, as the API server's own `MilliValue`.

use std::{fmt, num::NonZeroU64, str::FromStr};

/// A quantity in thousandths of its unit: milli-cores, milli-bytes, milli-pieces. Finer parts round up, as in Kubernetes.
/// Eight bytes, also inside an `Option`: the value is moved up by 2^63, so that order is kept and only -2^63, which no
/// quantity reaches, would be 0.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Quantity(NonZeroU64);

const ZERO: u64 = 1 << 63;

impl Default for Quantity {
    fn default() -> Self {
        Self::from_milli(0)
    }
}

impl fmt::Debug for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The text is no Kubernetes quantity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuantityError(pub String);

impl fmt::Display for QuantityError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is not a quantity (expected e.g. 250m, 2Gi, 20)", self.0)
    }
}

impl std::error::Error for QuantityError {}

impl Quantity {
    pub const fn from_milli(milli: i64) -> Self {
        match NonZeroU64::new((milli as u64) ^ ZERO) {
            Some(moved) => Self(moved),
            None => Self(NonZeroU64::MIN),
        }
    }

    pub const fn whole(value: i64) -> Self {
        Self::from_milli(value.saturating_mul(1_000))
    }

    pub const fn milli(self) -> i64 {
        (self.0.get() ^ ZERO) as i64
    }

    /// Whole units, rounded up.
    pub const fn value(self) -> i64 {
        let milli = self.milli();
        if milli > 0 { (milli - 1) / 1_000 + 1 } else { milli / 1_000 }
    }

    pub const fn saturating_add(self, other: Self) -> Self {
        Self::from_milli(self.milli().saturating_add(other.milli()))
    }

    pub const fn saturating_sub(self, other: Self) -> Self {
        Self::from_milli(self.milli().saturating_sub(other.milli()))
    }

    /// This as a share of `whole`, in percent rounded down; `None` where there is no whole to share.
    pub fn percent_of(self, whole: Self) -> Option<u32> {
        if whole.milli() <= 0 || self.milli() < 0 {
            return None;
        }
        let percent = i128::from(self.milli()) * 100 / i128::from(whole.milli());
        Some(u32::try_from(percent).unwrap_or(u32::MAX))
    }

    /// As a person reads bytes: `8.3Gi`, `512Mi`, `2Gi`.
    pub fn bytes(self) -> Bytes {
        Bytes(self.value())
    }
}

/// Suffix -> (numerator, denominator) against a thousandth of the unit.
fn scale(suffix: &str) -> Option<(i128, i128)> {
    const K: i128 = 1_024;
    Some(match suffix {
        "n" => (1, 1_000_000),
        "u" => (1, 1_000),
        "m" => (1, 1),
        "" => (1_000, 1),
        "k" => (1_000_000, 1),
        "M" => (1_000_000_000, 1),
        "G" => (1_000_000_000_000, 1),
        "T" => (1_000_000_000_000_000, 1),
        "P" => (1_000_000_000_000_000_000, 1),
        "E" => (1_000_000_000_000_000_000_000, 1),
        "Ki" => (1_000 * K, 1),
        "Mi" => (1_000 * K * K, 1),
        "Gi" => (1_000 * K * K * K, 1),
        "Ti" => (1_000 * K * K * K * K, 1),
        "Pi" => (1_000 * K * K * K * K * K, 1),
        "Ei" => (1_000 * K * K * K * K * K * K, 1),
        _ => return None,
    })
}

impl FromStr for Quantity {
    type Err = QuantityError;

    fn from_str(text: &str) -> Result<Self, QuantityError> {
        parse(text).ok_or_else(|| QuantityError(text.to_owned()))
    }
}

fn parse(text: &str) -> Option<Quantity> {
    let (negative, rest) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let digits_end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
    let (number, suffix) = rest.split_at(digits_end);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if (whole.is_empty() && fraction.is_empty()) || fraction.contains('.') || fraction.len() > 18 || whole.len() > 19 {
        return None;
    }
    let (mut numerator, mut denominator) = exponent(suffix).or_else(|| scale(suffix))?;
    let digits: i128 = format!("{whole}{fraction}").parse().ok()?;
    denominator = denominator.checked_mul(10_i128.checked_pow(u32::try_from(fraction.len()).ok()?)?)?;
    numerator = numerator.checked_mul(digits)?;
    // Kubernetes rounds away from zero and caps at what an i64 holds.
    let milli = (numerator + denominator - 1) / denominator;
    let milli = i64::try_from(milli).unwrap_or(i64::MAX);
    Some(Quantity::from_milli(if negative { -milli } else { milli }))
}

/// `e3`, `E-2`: a decimal exponent. A lone `E` is the suffix for 10^18.
fn exponent(suffix: &str) -> Option<(i128, i128)> {
    let power: i32 = suffix.strip_prefix(['e', 'E'])?.parse().ok()?;
    let power = power + 3;
    let size = 10_i128.checked_pow(power.unsigned_abs())?;
    Some(if power >= 0 { (size, 1) } else { (1, size) })
}

impl fmt::Display for Quantity {
    /// The shortest exact form: `250m`, `2`, `2Gi`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let milli = self.milli();
        if milli % 1_000 != 0 {
            return write!(f, "{milli}m");
        }
        let value = milli / 1_000;
        for (size, suffix) in [(1_i64 << 40, "Ti"), (1 << 30, "Gi"), (1 << 20, "Mi"), (1 << 10, "Ki")] {
            if value != 0 && value % size == 0 {
                return write!(f, "{}{suffix}", value / size);
            }
        }
        write!(f, "{value}")
    }
}

/// Bytes for reading, not for computing: one decimal below ten.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Bytes(pub i64);

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut value = self.0 as f64;
        let mut unit = "";
        for next in ["Ki", "Mi", "Gi", "Ti", "Pi"] {
            if value.abs() < 1_024.0 {
                break;
            }
            value /= 1_024.0;
            unit = next;
        }
        let text = if unit.is_empty() || value.abs() >= 9.95 || value.fract() == 0.0 {
            format!("{value:.0}{unit}")
        } else {
            format!("{value:.1}{unit}")
        };
        f.pad(&text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_kubernetes_writes() {
        for (text, milli) in [
            ("250m", 250),
            ("1", 1_000),
            ("0.5", 500),
            (".5", 500),
            ("1.5Gi", 1_610_612_736_000),
            ("2Gi", 2_147_483_648_000),
            ("1e3", 1_000_000),
            ("1E3", 1_000_000),
            ("5e-3", 5),
            ("1E", i64::MAX),
            ("100n", 1),
            ("1500u", 2),
            ("-1", -1_000),
            ("0", 0),
        ] {
            assert_eq!(text.parse(), Ok(Quantity::from_milli(milli)), "{text}");
        }
        for bad in ["", "Gi", "1gb", "1.2.3", "1 Gi", "0x10", "--1", "1Gi ", "."] {
            assert!(bad.parse::<Quantity>().is_err(), "{bad}");
        }
    }

    #[test]
    fn is_eight_bytes_and_ordered_as_numbers() {
        assert_eq!(size_of::<Option<Quantity>>(), 8);
        let q = Quantity::from_milli;
        assert!(q(i64::MIN) < q(-1) && q(-1) < q(0) && q(0) < q(1) && q(1) < q(i64::MAX));
        for milli in [-5, 0, 5, i64::MAX, i64::MIN + 1] {
            assert_eq!(q(milli).milli(), milli);
        }
        assert_eq!((Quantity::default(), q(i64::MIN).milli()), (q(0), i64::MIN + 1));
    }

    #[test]
    fn prints_exactly() {
        for text in ["250m", "2Gi", "20Gi", "1", "1100Mi", "0"] {
            assert_eq!(text.parse::<Quantity>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn shares_and_bytes() {
        let q = |s: &str| s.parse::<Quantity>().unwrap();
        assert_eq!(q("8.3Gi").percent_of(q("20Gi")), Some(41));
        assert_eq!(q("1").percent_of(q("0")), None);
        assert_eq!(q("8.3Gi").bytes().to_string(), "8.3Gi");
        assert_eq!(q("512Mi").bytes().to_string(), "512Mi");
        assert_eq!(q("100").bytes().to_string(), "100");
    }
}
