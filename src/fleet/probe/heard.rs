//! What came of one request to a pod's port.

use serde_json::Value;

use crate::fleet::{Text, clean::clean};

/// Longer texts of an answer are cut.
const LONGEST: usize = 160;
/// More items of a list are left out.
pub(super) const MOST: usize = 16;

/// An HTTP answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    /// The header Content-Type, as it came.
    pub kind: String,
    pub body: Vec<u8>,
    /// The body went on beyond what is read.
    pub cut: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    Answer(Answer),
    /// Nothing listens on the port.
    Refused,
    /// No answer in time.
    Silent,
    /// What came is no HTTP, or the connection broke.
    Broken(String),
    /// We did not get as far as the pod; `forbidden` where rights are missing.
    Unasked {
        why: String,
        forbidden: bool,
    },
}

impl Heard {
    pub(super) fn answer(&self) -> Option<&Answer> {
        match self {
            Self::Answer(answer) => Some(answer),
            _ => None,
        }
    }

    pub(super) fn status(&self) -> Option<u16> {
        self.answer().map(|a| a.status)
    }

    /// The JSON of an answer that says it is JSON. A page of HTML with status 200 is what the control UI answers to any path
    /// that it does not know.
    pub(super) fn json(&self) -> Option<Value> {
        let answer = self.answer().filter(|a| !a.cut)?;
        let kind = answer.kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        let may_be = kind.is_empty() || kind == "application/json" || kind.ends_with("+json");
        let value: Value = serde_json::from_slice(&answer.body).ok().filter(|_| may_be)?;
        (value.is_object() || value.is_array()).then_some(value)
    }

    pub(super) fn is_html(&self) -> bool {
        self.answer().is_some_and(|a| {
            a.kind.to_ascii_lowercase().starts_with("text/html")
                || a.body.iter().find(|b| !b.is_ascii_whitespace()) == Some(&b'<')
        })
    }

    /// `404, not JSON`: for an answer that means nothing to us.
    pub(super) fn odd(&self) -> Text {
        match self {
            Self::Answer(Answer { cut: true, .. }) => Text::from("an answer that does not end"),
            Self::Answer(answer) if self.is_html() => Text::from(format!("a web page with status {}", answer.status)),
            Self::Answer(answer) if self.json().is_some() => {
                Text::from(format!("status {} with JSON of another kind", answer.status))
            }
            Self::Answer(answer) => Text::from(format!("status {} without JSON", answer.status)),
            Self::Refused => Text::from("nothing listens"),
            Self::Silent => Text::from("no answer in time"),
            Self::Broken(why) | Self::Unasked { why, .. } => short(why),
        }
    }
}

/// A text from a pod, safe to keep and to show.
pub(super) fn short(text: &str) -> Text {
    let cleaned = clean(text);
    let trimmed = cleaned.trim();
    match trimmed.char_indices().nth(LONGEST) {
        Some((end, _)) => Text::from(&trimmed[..end]),
        None => Text::from(trimmed),
    }
}

pub(super) fn text_of(value: &Value, key: &str) -> Option<Text> {
    let text = value.get(key)?.as_str().filter(|t| !t.trim().is_empty())?;
    Some(short(text))
}

pub(super) fn number_of(value: &Value, key: &str) -> Option<u32> {
    let number = value.get(key)?;
    // Some builds write percentages with a fraction.
    let whole = number.as_u64().or_else(|| number.as_f64().filter(|f| (0.0..4e9).contains(f)).map(|f| f as u64))?;
    u32::try_from(whole).ok()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// An answer as a test writes it: status, a space, and `json`, `html` or `text` before the body.
    pub(crate) fn heard(text: &str) -> Heard {
        match text {
            "refused" => return Heard::Refused,
            "silent" => return Heard::Silent,
            "broken" => return Heard::Broken("reset".to_owned()),
            "forbidden" => return Heard::Unasked { why: "dana may not forward ports".to_owned(), forbidden: true },
            _ => {}
        }
        let mut parts = text.splitn(3, ' ');
        let status = parts.next().unwrap().parse().unwrap();
        let kind = match parts.next().unwrap() {
            "json" => "application/json; charset=utf-8",
            "html" => "text/html",
            "text" => "text/plain",
            "none" => "",
            other => panic!("{other}"),
        };
        let body = parts.next().unwrap_or_default().as_bytes().to_vec();
        Heard::Answer(Answer { status, kind: kind.to_owned(), body, cut: false })
    }

    #[test]
    fn only_json_that_says_so_is_json() {
        for (text, is_json) in [
            ("200 json {}", true),
            ("503 json []", true),
            ("200 none {\"a\":1}", true),
            ("200 html {}", false),
            ("200 text {}", false),
            ("200 json <html>", false),
            ("200 json 7", false),
            ("200 json {\"a\":", false),
            ("silent", false),
        ] {
            assert_eq!(heard(text).json().is_some(), is_json, "{text}");
        }
        let Heard::Answer(answer) = heard("200 json {}") else { panic!() };
        assert_eq!(Heard::Answer(Answer { cut: true, ..answer }).json(), None);
    }

    #[test]
    fn texts_of_a_pod_are_cleaned_and_cut() {
        assert_eq!(short("a\u{1b}[2Jb"), "ab");
        assert_eq!(short(&"é".repeat(1_000)).chars().count(), LONGEST);
        let value: Value = serde_json::from_str(r#"{"a":1.9,"b":-1,"c":1e30,"d":"7","e":12}"#).unwrap();
        assert_eq!(["a", "b", "c", "d", "e"].map(|k| number_of(&value, k)), [Some(1), None, None, None, Some(12)]);
    }
}
