//! The timestamp that a kubelet puts before a line: RFC 3339 with nanoseconds, in UTC or with an offset.

const SECOND: i64 = 1_000_000_000;

/// Nanoseconds since 1970, and where the line's text begins; `None` where no timestamp stands (the kubelet's own
/// remarks carry none).
pub fn parse(line: &[u8]) -> Option<(i64, usize)> {
    let number = |from: usize, digits: usize| -> Option<i64> {
        line.get(from..from + digits)?
            .iter()
            .try_fold(0_i64, |n, b| b.is_ascii_digit().then(|| n * 10 + i64::from(b - b'0')))
    };
    let is = |at: usize, byte: u8| line.get(at) == Some(&byte);
    if !(is(4, b'-') && is(7, b'-') && is(10, b'T') && is(13, b':') && is(16, b':')) {
        return None;
    }
    let (year, month, day) = (number(0, 4)?, number(5, 2)?, number(8, 2)?);
    let (hour, minute, second) = (number(11, 2)?, number(14, 2)?, number(17, 2)?);
    let sane = (1970..2200).contains(&year) && (1..=12).contains(&month) && (1..=31).contains(&day);
    if !sane || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let mut at = 19;
    let mut nanos = 0;
    if is(at, b'.') {
        at += 1;
        let mut unit = SECOND / 10;
        while let Some(digit) = line.get(at).filter(|b| b.is_ascii_digit()) {
            nanos += i64::from(digit - b'0') * unit;
            unit /= 10;
            at += 1;
        }
    }
    let offset = match line.get(at)? {
        b'Z' => {
            at += 1;
            0
        }
        sign @ (b'+' | b'-') => {
            let minutes = number(at + 1, 2)? * 60 + number(at + 4, 2)?;
            if !is(at + 3, b':') {
                return None;
            }
            at += 6;
            if *sign == b'+' { minutes * 60 } else { minutes * -60 }
        }
        _ => return None,
    };
    // One blank ends it; an empty line may have lost even that.
    let text = match line.get(at) {
        Some(b' ') => at + 1,
        None => at,
        Some(_) => return None,
    };
    let seconds = days(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second - offset;
    Some((seconds * SECOND + nanos, text))
}

/// Days since 1970 (Hinnant's civil calendar).
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year - era * 400;
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// RFC 3339 in UTC, with `digits` of a second.
pub fn rfc3339(nanos: i64, digits: usize) -> String {
    let stamp = jiff::Timestamp::from_nanosecond(nanos.into()).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    let whole = stamp.strftime("%Y-%m-%dT%H:%M:%S");
    if digits == 0 {
        return format!("{whole}Z");
    }
    let fraction = format!("{:09}", nanos.rem_euclid(SECOND));
    format!("{whole}.{}Z", &fraction[..digits.min(9)])
}

/// The whole second, for `sinceTime`: the API server cuts fractions off.
pub(super) fn floor(nanos: i64) -> i64 {
    nanos.div_euclid(SECOND) * SECOND
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_kubelets_write() {
        let check = |line: &str, expect: Option<(&str, &str)>| {
            let got = parse(line.as_bytes()).map(|(nanos, at)| (nanos, &line[at..]));
            let expect = expect.map(|(time, text)| {
                let stamp: jiff::Timestamp = time.parse().unwrap();
                (i64::try_from(stamp.as_nanosecond()).unwrap(), text)
            });
            assert_eq!(got, expect, "{line}");
        };
        check("2026-11-26T01:02:03.123456789Z hello", Some(("2026-11-26T01:02:03.123456789Z", "hello")));
        check("2026-11-26T01:02:03.5+02:00  two", Some(("2026-11-26T01:02:03.5+02:00", " two")));
        check("2024-02-29T23:59:59-05:30 x", Some(("2024-02-29T23:59:59-05:30", "x")));
        check("2026-11-26T01:02:03Z ", Some(("2026-11-26T01:02:03Z", "")));
        check("2026-11-26T01:02:03Z", Some(("2026-11-26T01:02:03Z", "")));
        check("2026-11-26T01:02:03Zhello", None);
        check("2026-11-26T01:02:03.1", None);
        check("2026-13-26T01:02:03Z x", None);
        check("failed to try resolving symlinks in path", None);
        check("", None);
    }

    #[test]
    fn prints_what_it_read() {
        for text in
            ["2026-11-26T01:02:03.000000007Z", "1999-12-31T23:59:59.999999999Z", "2000-03-01T00:00:00.100000000Z"]
        {
            let (nanos, _) = parse(text.as_bytes()).unwrap();
            assert_eq!(rfc3339(nanos, 9), text);
            assert_eq!(rfc3339(nanos, 0), format!("{}Z", &text[..19]));
            assert_eq!(rfc3339(floor(nanos), 3), format!("{}.000Z", &text[..19]));
        }
    }
}
