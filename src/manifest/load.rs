//! YAML text -> values, each document with its place.

use super::error::{ManifestError, Place};
use serde::de::DeserializeOwned;
use serde_json::Value;

/// `path` as seen from folder `dir`, without `.` and `..`; `None` where it leaves the tree or is absolute.
pub(crate) fn resolve(dir: &str, path: &str) -> Option<String> {
    if path.starts_with('/') {
        return None;
    }
    let mut parts: Vec<&str> = dir.split('/').filter(|part| !part.is_empty()).collect();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            name => parts.push(name),
        }
    }
    Some(parts.join("/"))
}

/// One document of a YAML file and the line of its first content.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Document {
    pub(crate) place: Place,
    pub(crate) value: Value,
}

/// The documents of a file. Numbers and booleans are read as kubectl reads them: `0644` is octal, `yes` is a string.
pub(crate) fn documents(file: &str, text: &str) -> Result<Vec<Document>, ManifestError> {
    let mut found = Vec::new();
    for (offset, part) in split(text) {
        let Some(first) = part.lines().position(|line| !line.trim().is_empty() && !line.trim_start().starts_with('#'))
        else {
            continue;
        };
        let value: Value = parse(file, offset, &part)?;
        found.push(Document { place: Place { file: file.to_owned(), line: offset + first + 1 }, value });
    }
    Ok(found)
}

/// Parses one document that begins `offset` lines below the start of `file`.
pub(crate) fn parse<T: DeserializeOwned>(file: &str, offset: usize, text: &str) -> Result<T, ManifestError> {
    let options = serde_saphyr::options! {
        legacy_octal_numbers: true,
        strict_booleans: true,
        with_snippet: false,
        merge_keys: serde_saphyr::MergeKeyPolicy::Error,
        reject_unsupported_tags: true,
    };
    serde_saphyr::from_str_with_options(text, options).map_err(|error| {
        let line = error.location().map_or(1, |at| usize::try_from(at.line()).unwrap_or(1));
        ManifestError::At(Place { file: file.to_owned(), line: offset + line }, message(&error))
    })
}

/// The parser's message without its own idea of the place, which counts from the document's start.
fn message(error: &serde_saphyr::Error) -> String {
    let text = error.without_snippet().to_string();
    let text = text.lines().next().unwrap_or_default();
    let end = [" at line ", ", line ", ", set "].iter().filter_map(|tail| text.find(tail)).min();
    text[..end.unwrap_or(text.len())].trim_start_matches("error: ").to_owned()
}

/// Splits a stream at its `---` lines into (lines before, text).
fn split(text: &str) -> Vec<(usize, String)> {
    let mut parts = vec![(0, String::new())];
    for (number, line) in text.split_inclusive('\n').enumerate() {
        let bare = line.trim_end();
        if bare == "---" || bare.starts_with("--- ") {
            let rest = bare.strip_prefix("---").unwrap_or_default().trim();
            if rest.is_empty() || rest.starts_with('#') {
                parts.push((number + 1, String::new()));
                continue;
            }
        }
        if let Some((_, last)) = parts.last_mut() {
            last.push_str(line);
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(text: &str, expect: &Value) {
        assert_eq!(&documents("f.yaml", text).unwrap()[0].value, expect, "{text}");
    }

    #[test]
    fn scalars_are_read_as_kubectl_reads_them() {
        check("a: 0644", &json!({"a": 420}));
        check("a: 0555", &json!({"a": 365}));
        check("a: 0o17", &json!({"a": 15}));
        check("a: 0x10", &json!({"a": 16}));
        check("a: yes", &json!({"a": "yes"}));
        check("a: on", &json!({"a": "on"}));
        check("a: TRUE", &json!({"a": true}));
        check("a: ~", &json!({"a": null}));
        check("a: '010'", &json!({"a": "010"}));
        check("a: 1:30", &json!({"a": "1:30"}));
        check("a: 1.50", &json!({"a": 1.5}));
        check("a: 250m", &json!({"a": "250m"}));
        check("a: 2026.8.2", &json!({"a": "2026.8.2"}));
        check("a: |\n  x\n  y\n", &json!({"a": "x\ny\n"}));
    }

    #[test]
    fn every_document_knows_its_line() {
        let text = "# head\na: 1\n---\n\n# more\nb: 2\n--- # end\n";
        let lines: Vec<usize> = documents("f.yaml", text).unwrap().iter().map(|doc| doc.place.line).collect();
        assert_eq!(lines, [2, 6]);
    }

    #[test]
    fn errors_name_file_and_line_of_the_file_not_of_the_document() {
        for (text, line) in [("a: 1\n---\nb: 1\nb: 2\n", 4), ("a: 1\n---\n- x\ny: [\n", 4), ("a: !!set {x}\n", 1)] {
            match documents("base/f.yaml", text) {
                Err(ManifestError::At(place, message)) => {
                    assert_eq!(place.file, "base/f.yaml");
                    assert!(place.line >= line, "{place}: {message}");
                    assert!(!message.contains(" line "), "{message}");
                }
                other => panic!("{text}: {other:?}"),
            }
        }
    }

    #[test]
    fn paths_stay_inside_the_tree() {
        assert_eq!(resolve("tiers/pro", "../../base").as_deref(), Some("base"));
        assert_eq!(resolve("a", "./b/../c").as_deref(), Some("a/c"));
        assert_eq!(resolve("a", "../../b"), None);
        assert_eq!(resolve("a", "/b"), None);
    }
}
