//! Quantities of resources: `250m`, `2Gi`, `1e3`. Exact arithmetic in billionths, printed as Kubernetes prints them.

use std::fmt;

use serde_json::Value;

const NANO: i128 = 1_000_000_000;

/// How a quantity is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Decimal,
    Binary,
    Exponent,
}

/// An amount, with the form in which it was given.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Quantity {
    nano: i128,
    format: Format,
}

impl Quantity {
    pub(crate) const ZERO: Quantity = Quantity { nano: 0, format: Format::Decimal };

    pub(crate) fn of(count: i64) -> Quantity {
        Quantity { nano: i128::from(count) * NANO, format: Format::Decimal }
    }

    pub(crate) fn parse(text: &str) -> Option<Quantity> {
        let end = text.find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | '+' | '-'))).unwrap_or(text.len());
        let (number, suffix) = text.split_at(end);
        let (factor, format) = factor(suffix)?;
        let (negative, digits) = match number.as_bytes().first()? {
            b'-' => (true, &number[1..]),
            b'+' => (false, &number[1..]),
            _ => (false, number),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        if (whole.is_empty() && fraction.is_empty())
            || !whole.chars().chain(fraction.chars()).all(|c| c.is_ascii_digit())
        {
            return None;
        }
        let whole: i128 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
        let mut nano = whole.checked_mul(factor)?;
        let mut unit = factor;
        for digit in fraction.bytes().take(24) {
            // Rounded up, as Kubernetes does with what is below its precision.
            let exact = i128::from(digit - b'0') * unit;
            nano += (exact + 9) / 10;
            unit = (unit + 9) / 10;
        }
        Some(Quantity { nano: if negative { -nano } else { nano }, format })
    }

    /// A JSON string or number.
    pub(crate) fn from_json(value: &Value) -> Option<Quantity> {
        match value {
            Value::String(text) => Quantity::parse(text),
            Value::Number(number) => Quantity::parse(&number.to_string()),
            _ => None,
        }
    }

    pub(crate) fn is_positive(self) -> bool {
        self.nano > 0
    }

    /// The sum, in the form of the left side unless that is zero.
    pub(crate) fn plus(self, other: Quantity) -> Quantity {
        let format = if self.nano == 0 { other.format } else { self.format };
        Quantity { nano: self.nano + other.nano, format }
    }

    pub(crate) fn minus(self, other: Quantity) -> Quantity {
        let format = if self.nano == 0 { other.format } else { self.format };
        Quantity { nano: self.nano - other.nano, format }
    }

    pub(crate) fn max(self, other: Quantity) -> Quantity {
        if other.nano > self.nano { other } else { self }
    }
}

impl PartialEq for Quantity {
    fn eq(&self, other: &Quantity) -> bool {
        self.nano == other.nano
    }
}

impl PartialOrd for Quantity {
    fn partial_cmp(&self, other: &Quantity) -> Option<std::cmp::Ordering> {
        self.nano.partial_cmp(&other.nano)
    }
}

/// What a suffix multiplies by, in billionths.
fn factor(suffix: &str) -> Option<(i128, Format)> {
    let decimal = |power: u32| Some((10_i128.pow(power), Format::Decimal));
    let binary = |power: u32| Some((NANO << (10 * power), Format::Binary));
    match suffix {
        "n" => decimal(0),
        "u" => decimal(3),
        "m" => decimal(6),
        "" => decimal(9),
        "k" => decimal(12),
        "M" => decimal(15),
        "G" => decimal(18),
        "T" => decimal(21),
        "P" => decimal(24),
        "E" => decimal(27),
        "Ki" => binary(1),
        "Mi" => binary(2),
        "Gi" => binary(3),
        "Ti" => binary(4),
        "Pi" => binary(5),
        "Ei" => binary(6),
        _ => {
            let power: i32 = suffix.strip_prefix(['e', 'E'])?.parse().ok()?;
            let power = u32::try_from(power + 9).ok().filter(|p| *p <= 27)?;
            Some((10_i128.pow(power), Format::Exponent))
        }
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.nano == 0 {
            return f.write_str("0");
        }
        if self.format == Format::Binary && self.nano % NANO == 0 && self.nano.abs() >= 1024 * NANO {
            let mut value = self.nano / NANO;
            let mut suffix = "";
            for next in ["Ki", "Mi", "Gi", "Ti", "Pi", "Ei"] {
                if value % 1024 != 0 {
                    break;
                }
                value /= 1024;
                suffix = next;
            }
            return write!(f, "{value}{suffix}");
        }
        let mut value = self.nano;
        let mut step = 0;
        let suffixes = ["n", "u", "m", "", "k", "M", "G", "T", "P", "E"];
        while value % 1000 == 0 && step + 1 < suffixes.len() {
            value /= 1000;
            step += 1;
        }
        match (self.format, step) {
            (Format::Exponent, 0..=2 | 4..) => write!(f, "{value}e{}", 3 * (i32::try_from(step).unwrap_or(0) - 3)),
            _ => write!(f, "{value}{}", suffixes[step]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_are_read_and_printed() {
        #[track_caller]
        fn check(text: &str, expect: &str) {
            assert_eq!(Quantity::parse(text).map(|q| q.to_string()).as_deref(), Some(expect), "{text}");
        }
        for (text, expect) in [
            ("1", "1"),
            ("1000m", "1"),
            ("1500m", "1500m"),
            ("0.5", "500m"),
            ("1000", "1k"),
            ("2Gi", "2Gi"),
            ("2048Mi", "2Gi"),
            ("1.5Gi", "1536Mi"),
            ("1024", "1024"),
            ("0", "0"),
            ("1e3", "1e3"),
            ("100Ki", "100Ki"),
            ("500", "500"),
            ("1536Mi", "1536Mi"),
        ] {
            check(text, expect);
        }
        for bad in ["", "x", "1x", "1.2.3", "Gi", "1e99"] {
            assert!(Quantity::parse(bad).is_none(), "{bad}");
        }
        let sum = Quantity::parse("1Gi").unwrap().plus(Quantity::parse("512Mi").unwrap());
        assert_eq!(sum.to_string(), "1536Mi");
        assert!(Quantity::parse("1").unwrap() > Quantity::parse("999m").unwrap());
    }
}
