//! One line of a watch.

use std::{fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, Visitor},
};

use super::{
    super::delta::{Facet, Key, Kind},
    DigestError, Digested, Labels, Object, Status, by_kind, claim, event,
    lenient::{Obj, Raw},
    namespace, node, pod, quota, stateful_set,
    status::RawStatus,
};

/// What one line of a watch says. The version is where a watch that breaks now goes on from.
#[derive(Debug, PartialEq)]
pub enum Line {
    Upsert {
        facet: Box<Facet>,
        version: Option<String>,
    },
    Remove {
        key: Key,
        version: Option<String>,
    },
    /// Nothing to apply: a bookmark, or an object that is not kept.
    Quiet {
        version: Option<String>,
        unreadable: bool,
    },
    Error(Status),
}

/// Reads one line of a watch of `kind`.
pub fn line(kind: Kind, labels: &Labels, line: &[u8]) -> Result<Line, DigestError> {
    let read = by_kind!(kind, from_bytes(labels, line));
    let error = match read {
        Ok(Read::Line(line)) => return Ok(line),
        Ok(Read::Strange(found)) => return Err(DigestError::Shape { expected: "a watch event", found }),
        Ok(Read::ObjectFirst) => None,
        Err(error) if error.is_eof() => return Err(DigestError::of(&error)),
        Err(error) => Some(error),
    };
    // Keys in another order than the server's, or there twice: read at leisure.
    let text = String::from_utf8_lossy(line);
    let value: serde_json::Value =
        serde_json::from_str(&text).map_err(|e| DigestError::of(error.as_ref().unwrap_or(&e)))?;
    let ordered = serde_json::json!({ "a": value.get("type"), "b": value.get("object") });
    let read = by_kind!(kind, from_deserializer(labels, &ordered));
    match read {
        Ok(Read::Line(line)) => Ok(line),
        Ok(Read::Strange(found)) => Err(DigestError::Shape { expected: "a watch event", found }),
        Ok(Read::ObjectFirst) => Err(DigestError::Shape { expected: "a watch event", found: "no type".to_owned() }),
        Err(e) => Err(DigestError::of(error.as_ref().unwrap_or(&e))),
    }
}

enum Read {
    Line(Line),
    Strange(String),
    /// The object came before the type that says what it is.
    ObjectFirst,
}

fn from_bytes<'a, O: Object<'a>>(labels: &Labels, line: &'a [u8]) -> Result<Read, serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_slice(line);
    let read = from_deserializer::<O>(labels, &mut deserializer)?;
    deserializer.end()?;
    Ok(read)
}

fn from_deserializer<'a, O: Object<'a>>(
    labels: &Labels,
    deserializer: impl Deserializer<'a, Error = serde_json::Error>,
) -> Result<Read, serde_json::Error> {
    deserializer.deserialize_any(Reader::<O> { labels, object: PhantomData })
}

struct Reader<'l, O> {
    labels: &'l Labels,
    object: PhantomData<O>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Bookmark<'a> {
    #[serde(borrow)]
    metadata: Obj<super::meta::Meta<'a>>,
}

fn filled(version: &str) -> Option<String> {
    (!version.is_empty()).then(|| version.to_owned())
}

impl<'a, O: Object<'a>> Visitor<'a> for Reader<'_, O> {
    type Value = Read;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a watch event")
    }

    fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<Read, A::Error> {
        let mut verb = None;
        let mut read = None;
        while let Some(key) = map.next_key::<Raw<'a>>()? {
            match (&*key, verb.as_deref()) {
                // `a` and `b` stand for them in the second, ordered reading: Value sorts its keys.
                ("type" | "a", _) => verb = Some(map.next_value::<Raw<'a>>()?),
                ("object" | "b", None) => {
                    map.next_value::<IgnoredAny>()?;
                    read = Some(Read::ObjectFirst);
                }
                ("object" | "b", Some("ADDED" | "MODIFIED" | "DELETED")) => {
                    let Obj(object) = map.next_value::<Obj<O>>()?;
                    let gone = verb.as_deref() == Some("DELETED");
                    read = Some(Read::Line(self.object(object, gone)));
                }
                ("object" | "b", Some("BOOKMARK")) => {
                    let Obj(bookmark) = map.next_value::<Obj<Bookmark<'a>>>()?;
                    let meta = bookmark.unwrap_or_default().metadata.or_default();
                    let version = filled(&meta.resource_version);
                    read = Some(Read::Line(Line::Quiet { version, unreadable: false }));
                }
                ("object" | "b", Some("ERROR")) => {
                    let Obj(status) = map.next_value::<Obj<RawStatus<'a>>>()?;
                    read = Some(Read::Line(Line::Error(status.unwrap_or_default().into())));
                }
                ("object" | "b", Some(other)) => {
                    let found = format!("type {:?}", crate::fleet::clean::clean(other));
                    map.next_value::<IgnoredAny>()?;
                    read = Some(Read::Strange(found));
                }
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(read.unwrap_or_else(|| Read::Strange("no object".to_owned())))
    }
}

impl<'a, O: Object<'a>> Reader<'_, O> {
    fn object(&self, object: Option<O>, gone: bool) -> Line {
        let Some(object) = object else {
            return Line::Quiet { version: None, unreadable: true };
        };
        let version = filled(object.version());
        match object.digest(self.labels) {
            Digested::Facet(facet) if gone => Line::Remove { key: facet.key, version },
            Digested::Facet(facet) => Line::Upsert { facet: Box::new(facet), version },
            Digested::Ignored => Line::Quiet { version, unreadable: false },
            Digested::Unreadable => Line::Quiet { version, unreadable: true },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Line, DigestError> {
        line(Kind::Pod, &Labels::default(), text.as_bytes())
    }

    const POD: &str = r#"{"metadata":{"name":"p","namespace":"tenant-a","uid":"00000000-0000-0000-0000-000000000001","resourceVersion":"5"}}"#;

    #[test]
    fn reads_each_type_in_either_order() {
        for text in
            [format!(r#"{{"type":"ADDED","object":{POD}}}"#), format!(r#"{{"object":{POD},"type":"MODIFIED"}}"#)]
        {
            assert!(matches!(read(&text), Ok(Line::Upsert { version: Some(v), .. }) if v == "5"), "{text}");
        }
        let gone = read(&format!(r#"{{"type":"DELETED","object":{POD}}}"#));
        assert!(matches!(gone, Ok(Line::Remove { ref key, .. }) if &*key.namespace == "tenant-a"), "{gone:?}");
        let mark = read(r#"{"type":"BOOKMARK","object":{"kind":"Pod","metadata":{"resourceVersion":"77"}}}"#);
        assert_eq!(mark, Ok(Line::Quiet { version: Some("77".to_owned()), unreadable: false }));
        let error =
            read(r#"{"type":"ERROR","object":{"kind":"Status","code":410,"reason":"Expired","message":"too old"}}"#);
        assert!(matches!(error, Ok(Line::Error(ref s)) if s.code == 410 && s.message == "too old"), "{error:?}");
    }

    #[test]
    fn strange_lines_are_errors_and_strange_objects_are_not() {
        for (text, expect) in [
            (r#"{"type":"ADDED","object":{"met"#, "the JSON ends early, at line 1 column 30"),
            ("<html>", "the answer is not JSON from line 1 column 1 on"),
            (r#"{"type":"FROBBED","object":{}}"#, r#"expected a watch event, got type "FROBBED""#),
            (r#"{"kind":"PodList"}"#, "expected a watch event, got no object"),
        ] {
            assert_eq!(read(text).unwrap_err().to_string(), expect);
        }
        for object in ["7", "{}", r#"{"metadata":[]}"#] {
            let line = read(&format!(r#"{{"type":"ADDED","object":{object}}}"#));
            assert!(matches!(line, Ok(Line::Quiet { unreadable: true, .. })), "{object}: {line:?}");
        }
    }
}
