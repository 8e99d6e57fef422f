//! The one place through which lines of tenants go before a person sees them.

use crate::fleet::clean::clean;

/// What a secret's value follows, in lower case.
const BEFORE: [&str; 8] = ["token=", "token: ", "bearer ", "password=", "secret=", "api_key=", "api-key=", "apikey="];
/// What a secret's value begins with.
const BEGINS: [&str; 4] = ["sk-", "ghp_", "xoxb-", "eyj"];
const HIDDEN: &str = "***";

/// A line as it may be shown: cleaned, and without what looks like a secret.
pub fn masked(line: &str) -> String {
    let line = clean(line);
    let mut out = String::with_capacity(line.len());
    let mut rest = &*line;
    while !rest.is_empty() {
        match hit(rest) {
            Some((kept, end)) => {
                out.push_str(&rest[..kept]);
                out.push_str(HIDDEN);
                rest = &rest[end..];
            }
            None => {
                let next = rest.chars().next().map_or(1, char::len_utf8);
                out.push_str(&rest[..next]);
                rest = &rest[next..];
            }
        }
    }
    out
}

/// A secret that `text` begins with: how much of it may stay, and where it ends.
fn hit(text: &str) -> Option<(usize, usize)> {
    let starts = |what: &&&str| text.get(..what.len()).is_some_and(|head| head.eq_ignore_ascii_case(what));
    let value = |from: usize| {
        let value = &text[from..];
        let quote = usize::from(value.starts_with(['"', '\'']));
        let end = value[quote..].find(|c: char| c.is_whitespace() || "\"'&,;)}".contains(c));
        (from + quote, end.map_or(text.len(), |end| from + quote + end))
    };
    if let Some(before) = BEFORE.iter().find(starts) {
        let (from, end) = value(before.len());
        return (end > from).then_some((from, end));
    }
    let begin = BEGINS.iter().find(starts)?;
    let (_, end) = value(0);
    // A word such as `sk-` alone, or "eyjafjallajökull", is none.
    (end >= begin.len() + 16).then_some((0, end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_shown_without_secrets_and_without_what_steers_a_terminal() {
        for (line, expect) in [
            ("plain line, 100%", "plain line, 100%"),
            ("GET /?token=abc123&x=1", "GET /?token=***&x=1"),
            ("Authorization: Bearer abc.def", "Authorization: Bearer ***"),
            ("TOKEN=\"a b\" next", "TOKEN=\"*** b\" next"),
            ("token: tok_1, done", "token: ***, done"),
            ("key sk-0123456789abcdefghij used", "key *** used"),
            ("ask-me sk-1", "ask-me sk-1"),
            ("jwt eyJhbGciOiJIUzI1NiJ9.eyJzdWIi.sig!", "jwt ***"),
            ("password=", "password="),
            ("\u{1b}[31mtoken=x\u{1b}[0m", "token=***"),
            ("größe token=ü日", "größe token=***"),
        ] {
            assert_eq!(masked(line), expect, "{line:?}");
        }
    }
}
