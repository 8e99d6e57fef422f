//! Durations as people write them.

use std::time::Duration;

/// `90s`, `5m`, `1h`, `2d`; a bare number is seconds.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match &text[digits.len()..] {
        "" | "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        other => return Err(format!("unknown unit {other:?}; expected s, m, h or d")),
    };
    let count: u64 = digits.parse().map_err(|_| "expected e.g. 90s, 5m or 1h".to_owned())?;
    count.checked_mul(unit).map(Duration::from_secs).ok_or_else(|| "that is too long".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        for (text, seconds) in [("90", 90), ("90s", 90), ("5m", 300), ("1h", 3_600), ("2d", 172_800), ("0s", 0)] {
            assert_eq!(duration(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for wrong in ["", "m", "-5m", "5 m", "5w", "1.5h", "99999999999999999999", "99999999999999999d"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }
}
