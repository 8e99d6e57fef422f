//! Values -> YAML text, laid out as `kubectl kustomize` lays it out: sorted keys, lists level with their key, literal blocks for
//! text of several lines, quotes only where a plain word would be read as something else. The same value always gives the same bytes.
//! Unlike kubectl's, long lines are not folded and keys are in the order of their bytes, `b10` before `b9`.

use serde_json::{Map, Value};

/// The documents as one YAML stream.
pub fn to_yaml<'a>(documents: impl IntoIterator<Item = &'a Value>) -> String {
    let mut out = String::new();
    for value in documents {
        if !out.is_empty() {
            out.push_str("---\n");
        }
        match value {
            Value::Object(map) if !map.is_empty() => write_map(&mut out, map, 0),
            Value::Array(list) if !list.is_empty() => write_list(&mut out, list, 0),
            other => {
                write_scalar(&mut out, other, 0);
                out.push('\n');
            }
        }
    }
    out
}

fn write_map(out: &mut String, map: &Map<String, Value>, indent: usize) {
    let mut keys: Vec<&String> = map.keys().collect();
    keys.sort();
    for (i, key) in keys.into_iter().enumerate() {
        if i > 0 {
            pad(out, indent);
        }
        write_key(out, key);
        out.push(':');
        write_value(out, &map[key], indent);
    }
}

/// Writes what follows `key:`, with its line end.
fn write_value(out: &mut String, value: &Value, indent: usize) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            out.push('\n');
            pad(out, indent + 2);
            write_map(out, map, indent + 2);
        }
        Value::Array(list) if !list.is_empty() => {
            out.push('\n');
            pad(out, indent);
            write_list(out, list, indent);
        }
        other => {
            out.push(' ');
            write_scalar(out, other, indent);
            out.push('\n');
        }
    }
}

fn write_list(out: &mut String, list: &[Value], indent: usize) {
    for (i, item) in list.iter().enumerate() {
        if i > 0 {
            pad(out, indent);
        }
        out.push_str("- ");
        match item {
            Value::Object(map) if !map.is_empty() => write_map(out, map, indent + 2),
            Value::Array(list) if !list.is_empty() => write_list(out, list, indent + 2),
            other => {
                write_scalar(out, other, indent);
                out.push('\n');
            }
        }
    }
}

fn pad(out: &mut String, indent: usize) {
    out.extend(std::iter::repeat_n(' ', indent));
}

fn write_key(out: &mut String, key: &str) {
    match style(key) {
        Style::Literal | Style::Double => double(out, key),
        Style::Plain => out.push_str(key),
        Style::Single => single(out, key),
    }
}

fn write_scalar(out: &mut String, value: &Value, indent: usize) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(b) => out.push_str(if *b { "true" } else { "false" }),
        Value::Number(n) => out.push_str(&n.to_string()),
        Value::Object(_) => out.push_str("{}"),
        Value::Array(_) => out.push_str("[]"),
        Value::String(text) => match style(text) {
            Style::Plain => out.push_str(text),
            Style::Single => single(out, text),
            Style::Double => double(out, text),
            Style::Literal => literal(out, text, indent + 2),
        },
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Style {
    Plain,
    Single,
    Double,
    Literal,
}

fn style(text: &str) -> Style {
    let chars: Vec<char> = text.chars().collect();
    let space_before_break = chars.windows(2).any(|pair| pair[0] == ' ' && is_break(pair[1]));
    let special = chars.iter().any(|&c| !is_printable(c));
    let space_after_break = chars.windows(2).any(|pair| is_break(pair[0]) && pair[1] == ' ');
    if text.contains('\n') {
        let ends_in_space = text.ends_with(' ');
        return if space_before_break || special || ends_in_space { Style::Double } else { Style::Literal };
    }
    if resolves_to_other_type(text) {
        return Style::Double;
    }
    if special || space_before_break || space_after_break {
        return Style::Double;
    }
    if plain_allowed(&chars) { Style::Plain } else { Style::Single }
}

fn is_break(c: char) -> bool {
    matches!(c, '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

fn is_printable(c: char) -> bool {
    matches!(c, '\n' | ' '..='~' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}') && c != '\u{feff}'
}

fn plain_allowed(chars: &[char]) -> bool {
    let text: String = chars.iter().take(3).collect();
    let (Some(&first), Some(&last)) = (chars.first(), chars.last()) else { return true };
    if text == "---" || text == "..." || first == ' ' || last == ' ' || is_break(first) || is_break(last) {
        return false;
    }
    let blank_at = |i: usize| chars.get(i).is_none_or(|c| matches!(c, ' ' | '\t') || is_break(*c));
    if "#,[]{}&*!|>'\"%@`".contains(first) || ("?:-".contains(first) && blank_at(1)) {
        return false;
    }
    !chars.iter().any(|&c| is_break(c))
        && (1..chars.len()).all(|i| match chars[i] {
            ':' => !blank_at(i + 1),
            '#' => !(chars[i - 1] == ' ' || chars[i - 1] == '\t'),
            _ => true,
        })
}

/// Words that YAML 1.1 readers would take for a boolean, null, number or time.
pub(crate) fn resolves_to_other_type(text: &str) -> bool {
    const WORDS: [&str; 40] = [
        "", "~", "null", "Null", "NULL", "y", "Y", "yes", "Yes", "YES", "on", "On", "ON", "n", "N", "no", "No", "NO",
        "off", "Off", "OFF", "true", "True", "TRUE", "false", "False", "FALSE", ".nan", ".NaN", ".NAN", ".inf", ".Inf",
        ".INF", "+.inf", "+.Inf", "+.INF", "-.inf", "-.Inf", "-.INF", "<<",
    ];
    WORDS.contains(&text) || is_number(text) || is_timestamp(text)
}

fn is_number(text: &str) -> bool {
    let Some(first) = text.chars().next() else { return false };
    if !(first.is_ascii_digit() || "+-.".contains(first)) {
        return false;
    }
    if is_base_60(text) {
        return true;
    }
    let plain = text.replace('_', "");
    let unsigned = plain.strip_prefix(['+', '-']).unwrap_or(&plain);
    let radix = |prefixes: [&str; 2], radix: u32| {
        prefixes.iter().any(|p| {
            unsigned
                .strip_prefix(p)
                .is_some_and(|digits| !digits.is_empty() && digits.chars().all(|c| c.is_digit(radix)))
        })
    };
    if radix(["0x", "0X"], 16) || radix(["0b", "0B"], 2) || radix(["0o", "0O"], 8) {
        return true;
    }
    if !unsigned.is_empty() && unsigned.chars().all(|c| c.is_ascii_digit()) {
        return true;
    }
    is_float(unsigned)
}

/// `[digits][.digits][e[sign]digits]` with at least one digit before the exponent.
fn is_float(text: &str) -> bool {
    let (mantissa, exponent) = match text.find(['e', 'E']) {
        Some(at) => (&text[..at], Some(&text[at + 1..])),
        None => (text, None),
    };
    if let Some(exponent) = exponent {
        let digits = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        if digits.is_empty() || !digits.chars().all(|c| c.is_ascii_digit()) {
            return false;
        }
    }
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    !(whole.is_empty() && fraction.is_empty()) && whole.chars().chain(fraction.chars()).all(|c| c.is_ascii_digit())
}

/// `1:30` and the like, numbers to readers of YAML 1.1.
fn is_base_60(text: &str) -> bool {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (body, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let mut parts = body.split(':');
    let first = parts.next().unwrap_or_default();
    let rest: Vec<&str> = parts.collect();
    !rest.is_empty()
        && first.starts_with(|c: char| c.is_ascii_digit())
        && first.chars().all(|c| c.is_ascii_digit() || c == '_')
        && fraction.chars().all(|c| c.is_ascii_digit() || c == '_')
        && rest.iter().all(|part| {
            let digits: Vec<char> = part.chars().collect();
            match digits.as_slice() {
                [one] => one.is_ascii_digit(),
                [ten, one] => ('0'..='5').contains(ten) && one.is_ascii_digit(),
                _ => false,
            }
        })
}

/// `2026-08-02`, with or without a time of day.
fn is_timestamp(text: &str) -> bool {
    let digits =
        |part: &str, most: usize| !part.is_empty() && part.len() <= most && part.chars().all(|c| c.is_ascii_digit());
    let mut parts = text.splitn(3, '-');
    let (Some(year), Some(month), Some(rest)) = (parts.next(), parts.next(), parts.next()) else { return false };
    let day = rest.split(['T', 't', ' ']).next().unwrap_or_default();
    year.len() == 4
        && digits(year, 4)
        && digits(month, 2)
        && digits(day, 2)
        && (rest.len() == day.len() || rest.contains(':'))
}

fn single(out: &mut String, text: &str) {
    out.push('\'');
    out.push_str(&text.replace('\'', "''"));
    out.push('\'');
}

fn double(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            '\0' => out.push_str("\\0"),
            '\u{7}' => out.push_str("\\a"),
            '\u{8}' => out.push_str("\\b"),
            '\u{b}' => out.push_str("\\v"),
            '\u{c}' => out.push_str("\\f"),
            '\u{1b}' => out.push_str("\\e"),
            '\u{85}' => out.push_str("\\N"),
            '\u{2028}' => out.push_str("\\L"),
            '\u{2029}' => out.push_str("\\P"),
            c if is_printable(c) => out.push(c),
            c if (c as u32) <= 0xff => out.push_str(&format!("\\x{:02X}", c as u32)),
            c if (c as u32) <= 0xffff => out.push_str(&format!("\\u{:04X}", c as u32)),
            c => out.push_str(&format!("\\U{:08X}", c as u32)),
        }
    }
    out.push('"');
}

fn literal(out: &mut String, text: &str, indent: usize) {
    out.push('|');
    if text.starts_with([' ', '\n']) {
        out.push('2');
    }
    let body = match text.strip_suffix('\n') {
        None => {
            out.push('-');
            text
        }
        Some("") => {
            out.push('+');
            ""
        }
        Some(rest) if rest.ends_with('\n') => {
            out.push('+');
            rest
        }
        Some(rest) => rest,
    };
    for line in body.split('\n') {
        out.push('\n');
        if !line.is_empty() {
            pad(out, indent);
            out.push_str(line);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(value: &Value, expect: &str) {
        let text = to_yaml([value]);
        assert_eq!(text, expect);
        let back: Value = super::super::load::parse("back.yaml", 0, &text).unwrap();
        assert_eq!(&back, value, "reads back as itself");
    }

    #[test]
    fn layout() {
        check(
            &json!({"b": [1, {"y": 2, "x": []}], "a": {"c": {}, "d": [["n"]]}, "n": null, "t": true}),
            "a:\n  c: {}\n  d:\n  - - \"n\"\nb:\n- 1\n- x: []\n  \"y\": 2\n\"n\": null\nt: true\n",
        );
    }

    #[test]
    fn strings_are_quoted_only_where_needed() {
        for (text, expect) in [
            ("word", "word"),
            ("", "\"\""),
            ("yes", "\"yes\""),
            ("0644", "\"0644\""),
            ("1", "\"1\""),
            ("1e3", "\"1e3\""),
            ("1:30", "\"1:30\""),
            ("2026-08-02", "\"2026-08-02\""),
            ("2026.8.2", "2026.8.2"),
            ("250m", "250m"),
            ("http://a:80/b", "http://a:80/b"),
            ("a: b", "'a: b'"),
            ("a #b", "'a #b'"),
            ("{\"a\":1}", "'{\"a\":1}'"),
            ("it's", "it's"),
            ("'q'", "'''q'''"),
            ("*", "'*'"),
            ("- x", "'- x'"),
            ("-x", "-x"),
            (" x", "' x'"),
            ("tab\there", "\"tab\\there\""),
            ("esc\u{1b}[0m", "\"esc\\e[0m\""),
            ("smile \u{1f600}", "\"smile \\U0001F600\""),
            ("grün", "grün"),
            ("0x1f", "\"0x1f\""),
            ("sha256:0123", "sha256:0123"),
            ("::/0", "::/0"),
            ("64:ff9b::/96", "64:ff9b::/96"),
        ] {
            check(&json!({ "k": text }), &format!("k: {expect}\n"));
        }
    }

    #[test]
    fn text_of_several_lines() {
        for (text, expect) in [
            ("a\nb\n", "|\n  a\n  b"),
            ("a\nb", "|-\n  a\n  b"),
            ("a\n\n", "|+\n  a\n"),
            ("  a\nb\n", "|2\n    a\n  b"),
            ("a\n\n  b\n", "|\n  a\n\n    b"),
            ("a \nb\n", "\"a \\nb\\n\""),
            ("\ta\n", "\"\\ta\\n\""),
        ] {
            check(&json!({ "k": text }), &format!("k: {expect}\n"));
        }
    }
}
