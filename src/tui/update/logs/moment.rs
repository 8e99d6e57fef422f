//! A moment as a person types it: a time of day in UTC (as the lines show it), how long ago, or date and time.

use crate::fleet::At;

const SECOND: i64 = 1_000_000_000;
const DAY: i64 = 86_400;

/// Nanoseconds since 1970: `14:05`, `14:05:30.250`, `10m`, `2026-11-26T14:05:30Z`. A time of day is the latest one that is
/// not to come.
///
/// # Errors
/// What would have been understood.
pub(super) fn parse(text: &str, now: At) -> Result<i64, String> {
    let text = text.trim();
    if let Some(of_day) = time_of_day(text) {
        let midnight = now.unix() - now.unix().rem_euclid(DAY);
        let today = midnight * SECOND + of_day;
        return Ok(if today > (now.unix() + 1) * SECOND { today - DAY * SECOND } else { today });
    }
    if let Some(ago) = ago(text) {
        return Ok((now.unix() - ago) * SECOND);
    }
    let with_zone = format!("{}Z", text.trim_end_matches('Z').replacen(' ', "T", 1));
    let stamp = with_zone.parse().or_else(|_| text.parse::<jiff::Timestamp>());
    let nanos = stamp.ok().and_then(|stamp: jiff::Timestamp| i64::try_from(stamp.as_nanosecond()).ok());
    nanos.ok_or_else(|| "a time such as 14:05, 14:05:30, 10m (ago) or 2026-11-26T14:05:30".to_owned())
}

/// Nanoseconds since midnight.
fn time_of_day(text: &str) -> Option<i64> {
    let (hour, rest) = text.split_once(':')?;
    let (minute, second) = rest.split_once(':').unwrap_or((rest, "0"));
    let (second, fraction) = second.split_once('.').unwrap_or((second, ""));
    let number = |text: &str, below: i64| {
        let digits = (1..=2).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
        digits.then(|| text.parse::<i64>().ok())?.filter(|n| *n < below)
    };
    if fraction.len() > 9 || !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let nanos = format!("{fraction:0<9}").parse::<i64>().ok()?;
    let seconds = number(hour, 24)? * 3_600 + number(minute, 60)? * 60 + number(second, 60)?;
    Some(seconds * SECOND + nanos)
}

/// Seconds: `90s`, `10m`, `2h`, `1d`.
fn ago(text: &str) -> Option<i64> {
    let text = text.trim_start_matches('-').trim_end_matches(" ago");
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let unit = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => DAY,
        _ => return None,
    };
    number.parse::<u32>().ok().map(|n| i64::from(n) * unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_read_as_people_write_them() {
        // 2026-09-21T14:15:00Z
        let now = At::from_unix(1_790_000_100).unwrap();
        let check = |text: &str, expect: Option<&str>| {
            let got = parse(text, now).ok().map(|nanos| crate::cluster::logs::stamp::rfc3339(nanos, 3));
            assert_eq!(got.as_deref(), expect, "{text:?}");
        };
        check("14:05", Some("2026-09-21T14:05:00.000Z"));
        check(" 9:05:07.25 ", Some("2026-09-21T09:05:07.250Z"));
        check("14:15:00", Some("2026-09-21T14:15:00.000Z"));
        check("14:16", Some("2026-09-20T14:16:00.000Z"));
        check("10m", Some("2026-09-21T14:05:00.000Z"));
        check("-90s", Some("2026-09-21T14:13:30.000Z"));
        check("2h ago", Some("2026-09-21T12:15:00.000Z"));
        check("2026-09-19T01:02:03Z", Some("2026-09-19T01:02:03.000Z"));
        check("2026-09-19 01:02:03", Some("2026-09-19T01:02:03.000Z"));
        check("2026-09-19T01:02:03+02:00", Some("2026-09-18T23:02:03.000Z"));
        for bad in ["", "25:00", "14:5x", "14", "m", "tomorrow", "12:60", "1:2:3.1234567890", "ü"] {
            check(bad, None);
        }
    }
}
