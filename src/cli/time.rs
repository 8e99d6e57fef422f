//! Durations as people write them.

use std::time::Duration;

use crate::fleet::Age;

/// `90s`, `5m`, `1h`, `2d`; a bare number is seconds.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    text.parse::<Age>().map(|age| Duration::from_secs(age.0.into()))
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
