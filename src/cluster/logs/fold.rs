//! A line of JSON, folded to what a reader looks for: its message, then its other fields.

use std::fmt::Write as _;

use serde_json::{Map, Value};

/// A folded line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folded {
    pub message: String,
    /// `key=value`, in the order of the keys; what is a time or a level is told elsewhere and left out.
    pub fields: Vec<(String, String)>,
}

const MESSAGES: [&str; 4] = ["msg", "message", "text", "event"];
const ELSEWHERE: [&str; 8] = ["time", "timestamp", "ts", "@timestamp", "level", "severity", "lvl", "v"];

/// Folds a line; `None` where it is no JSON object.
pub fn fold(line: &str) -> Option<Folded> {
    let object = object(line)?;
    let key = MESSAGES.iter().find(|k| object.get(**k).is_some_and(Value::is_string));
    let message = key.and_then(|k| object[*k].as_str()).unwrap_or_default();
    let fields = object.iter().filter(|(k, _)| Some(&k.as_str()) != key && !ELSEWHERE.contains(&k.as_str()));
    Some(Folded { message: flat(message), fields: fields.map(|(k, v)| (flat(k), value(v))).collect() })
}

/// The same line, opened: one field a line, objects within indented.
pub fn unfold(line: &str) -> Option<Vec<String>> {
    let object = object(line)?;
    let mut out = Vec::new();
    open(&object, 0, &mut out);
    Some(out)
}

fn object(line: &str) -> Option<Map<String, Value>> {
    let text = line.trim();
    if !text.starts_with('{') || !text.ends_with('}') {
        return None;
    }
    serde_json::from_str(text).ok()
}

fn open(object: &Map<String, Value>, depth: usize, out: &mut Vec<String>) {
    for (key, field) in object {
        let indent = "  ".repeat(depth);
        match field {
            Value::Object(inner) if !inner.is_empty() && depth < 8 => {
                out.push(format!("{indent}{}:", flat(key)));
                open(inner, depth + 1, out);
            }
            // A stack trace in a string is several lines.
            Value::String(text) if text.contains('\n') => {
                out.push(format!("{indent}{}:", flat(key)));
                out.extend(text.lines().map(|l| format!("{indent}  {}", flat(l))));
            }
            other => out.push(format!("{indent}{}: {}", flat(key), value(other))),
        }
    }
}

fn value(value: &Value) -> String {
    match value {
        Value::String(text) => flat(text),
        other => flat(&other.to_string()),
    }
}

/// Escapes of JSON may bring back what the line itself was cleaned of: text of one line, without controls.
fn flat(text: &str) -> String {
    let mut clean = Vec::with_capacity(text.len());
    super::clean::clean(text.replace('\n', " ").as_bytes(), &mut clean, &mut Vec::new());
    let mut pen = crate::fleet::mask::Masker::default();
    pen.line(&mut clean, 0);
    String::from_utf8(clean).unwrap_or_default()
}

impl std::fmt::Display for Folded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)?;
        for (i, (key, value)) in self.fields.iter().enumerate() {
            if i > 0 || !self.message.is_empty() {
                f.write_char(' ')?;
            }
            write!(f, "{key}={value}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_json_is_its_message_and_its_fields() {
        let check = |line: &str, expect: Option<&str>| {
            assert_eq!(fold(line).map(|f| f.to_string()).as_deref(), expect, "{line}");
        };
        check(
            r#"{"time":1,"level":30,"msg":"hello","port":18789,"who":{"a":1}}"#,
            Some(r#"hello port=18789 who={"a":1}"#),
        );
        check(r#"{"message":"m"}"#, Some("m"));
        check(r#"{"a":"b"}"#, Some("a=b"));
        check("plain", None);
        check("{not json}", None);
        check("[1]", None);
    }

    #[test]
    fn what_json_escapes_bring_back_is_taken_out_again() {
        let folded = fold(r#"{"msg":"a\u001b[31mb\u202ec","k\u0007":"x\ny"}"#).unwrap();
        assert_eq!(folded.to_string(), "abc k=x y");
        let folded = fold(r#"{"msg":"tok\u0065n=abcdef"}"#).unwrap();
        assert_eq!(folded.message, "token=***");
    }

    #[test]
    fn an_opened_line_has_a_field_a_line() {
        let lines = unfold(r#"{"msg":"m","err":{"stack":"Error: x\n  at y"},"n":1}"#).unwrap();
        assert_eq!(lines, ["err:", "  stack:", "    Error: x", "      at y", "msg: m", "n: 1"]);
    }
}
