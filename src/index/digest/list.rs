//! One page of a list, or one object.

use std::{fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, Visitor},
};

use super::{
    super::delta::{Facet, Kind},
    DigestError, Digested, Labels, Object, by_kind, claim, event,
    lenient::{Each, Obj, Raw},
    namespace, node, pod, quota, stateful_set,
};

/// What one page of a list holds.
#[derive(Debug, Default, PartialEq)]
pub struct Page {
    pub facets: Vec<Facet>,
    /// The list's resourceVersion: where a watch goes on from.
    pub version: Option<String>,
    /// Token of the next page.
    pub next: Option<String>,
    /// Objects that could not be told apart, and are left out.
    pub unreadable: usize,
}

/// Reads one page of a list of `kind`.
pub fn page(kind: Kind, labels: &Labels, body: &[u8]) -> Result<Page, DigestError> {
    let read = by_kind!(kind, from_bytes(labels, body));
    match read {
        Ok(page) => page.ok_or_else(|| DigestError::Shape { expected: "a list", found: shape(body) }),
        Err(error) if error.is_eof() => Err(DigestError::of(&error)),
        // Such as a key that is there twice, or bytes that are no UTF-8: read at leisure, so that one object's oddity
        // does not cost the page.
        Err(error) => {
            let text = String::from_utf8_lossy(body);
            let value: serde_json::Value = serde_json::from_str(&text).map_err(|_| DigestError::of(&error))?;
            let read = by_kind!(kind, from_deserializer(labels, &value));
            match read {
                Ok(Some(page)) => Ok(page),
                Ok(None) => Err(DigestError::Shape { expected: "a list", found: shape(body) }),
                Err(_) => Err(DigestError::of(&error)),
            }
        }
    }
}

/// Reads one object of `kind`; `None` where it cannot be told apart.
pub fn single(kind: Kind, labels: &Labels, body: &[u8]) -> Result<Option<Facet>, DigestError> {
    fn read<'a, O: Object<'a>>(labels: &Labels, body: &'a [u8]) -> Result<Option<Facet>, serde_json::Error> {
        let object: Obj<O> = serde_json::from_slice(body)?;
        Ok(match object.0.map(|o| o.digest(labels)) {
            Some(Digested::Facet(facet)) => Some(facet),
            _ => None,
        })
    }
    by_kind!(kind, read(labels, body)).map_err(|e| DigestError::of(&e))
}

fn from_bytes<'a, O: Object<'a>>(labels: &Labels, body: &'a [u8]) -> Result<Option<Page>, serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let page = from_deserializer::<O>(labels, &mut deserializer)?;
    deserializer.end()?;
    Ok(page)
}

/// `None` where the answer is not a list.
fn from_deserializer<'a, O: Object<'a>>(
    labels: &Labels,
    deserializer: impl Deserializer<'a, Error = serde_json::Error>,
) -> Result<Option<Page>, serde_json::Error> {
    deserializer.deserialize_any(Reader::<O> { labels, object: PhantomData })
}

/// `{"kind": ..., "metadata": ...}` in short, for the error.
fn shape(body: &[u8]) -> String {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Head<'a> {
        #[serde(borrow)]
        kind: Raw<'a>,
    }
    match serde_json::from_slice::<Obj<Head<'_>>>(body) {
        Ok(Obj(Some(head))) => match head.kind.text() {
            Some(kind) => format!("an object of kind {kind}"),
            None => "an object without a kind".to_owned(),
        },
        _ => "something that is no object".to_owned(),
    }
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ListMeta<'a> {
    #[serde(borrow)]
    resource_version: Raw<'a>,
    #[serde(borrow, rename = "continue")]
    next: Raw<'a>,
}

struct Reader<'l, O> {
    labels: &'l Labels,
    object: PhantomData<O>,
}

impl<'a, O: Object<'a>> Visitor<'a> for Reader<'_, O> {
    type Value = Option<Page>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a Kubernetes list")
    }

    fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<Option<Page>, A::Error> {
        let mut page = Page::default();
        let mut is_list = false;
        while let Some(key) = map.next_key::<Raw<'a>>()? {
            match &*key {
                "kind" => is_list = map.next_value::<Raw<'a>>()?.ends_with("List"),
                "metadata" => {
                    let Obj(meta) = map.next_value::<Obj<ListMeta<'a>>>()?;
                    let meta = meta.unwrap_or_default();
                    let filled = |raw: &Raw<'_>| (!raw.is_empty()).then(|| raw.to_string());
                    page.version = filled(&meta.resource_version);
                    page.next = filled(&meta.next);
                }
                "items" => {
                    let Page { facets, unreadable, .. } = &mut page;
                    map.next_value_seed(Each::new(|item: Option<O>| match item.map(|o| o.digest(self.labels)) {
                        Some(Digested::Facet(facet)) => facets.push(facet),
                        Some(Digested::Ignored) => {}
                        Some(Digested::Unreadable) | None => *unreadable += 1,
                    }))?;
                }
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(is_list.then_some(page))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pods(body: &str) -> Result<Page, DigestError> {
        page(Kind::Pod, &Labels::default(), body.as_bytes())
    }

    fn pod(n: u32, rest: &str) -> String {
        format!(
            r#"{{"metadata":{{"name":"p{n}","namespace":"tenant-a","uid":"00000000-0000-0000-0000-00000000000{n}","resourceVersion":"{n}"}}{rest}}}"#
        )
    }

    fn list(items: &str) -> String {
        format!(
            r#"{{"kind":"PodList","apiVersion":"v1","metadata":{{"resourceVersion":"9","continue":"tok"}},"items":[{items}]}}"#
        )
    }

    #[test]
    fn a_bad_object_never_costs_the_others() {
        for bad in [
            "null".to_owned(),
            "7".to_owned(),
            r#""text""#.to_owned(),
            "[]".to_owned(),
            "{}".to_owned(),
            r#"{"metadata":"none"}"#.to_owned(),
            r#"{"metadata":{"name":"x"}}"#.to_owned(),
            r#"{"metadata":{"name":"x","namespace":"n","uid":"not a uid"}}"#.to_owned(),
        ] {
            let page = pods(&list(&format!("{},{bad},{}", pod(1, ""), pod(2, "")))).unwrap();
            assert_eq!((page.facets.len(), page.unreadable), (2, 1), "{bad}");
            assert_eq!((page.version.as_deref(), page.next.as_deref()), (Some("9"), Some("tok")));
        }
        // These are odd, but they are pods.
        for odd in [r#","spec":7,"status":[]"#, r#","spec":{},"spec":{}"#, r#","status":{"phase":{"a":1}}"#] {
            let page = pods(&list(&format!("{},{},{}", pod(1, ""), pod(3, odd), pod(2, "")))).unwrap();
            assert_eq!((page.facets.len(), page.unreadable), (3, 0), "{odd}");
        }
    }

    #[test]
    fn a_startup_probe_tells_how_long_a_start_may_take() {
        for (probe, expect) in [
            (r#","startupProbe":{"periodSeconds":5,"failureThreshold":120}"#, Some(600)),
            (r#","startupProbe":{"initialDelaySeconds":15}"#, Some(45)),
            (r#","startupProbe":{"periodSeconds":9999,"failureThreshold":9999}"#, Some(u16::MAX)),
            (r#","startupProbe":7"#, None),
            ("", None),
        ] {
            let spec = format!(r#","spec":{{"containers":[{{"name":"gateway"{probe}}}]}}"#);
            let page = pods(&list(&pod(1, &spec))).unwrap();
            let crate::index::Part::Pod(pod) = &page.facets[0].part else { panic!() };
            assert_eq!(pod.containers[0].startup.map(u16::from), expect, "{probe}");
        }
    }

    #[test]
    fn bytes_that_are_no_utf8_are_read_as_well_as_can_be() {
        let mut body = list(&format!("{},{}", pod(1, r#","status":{"phase":"Running","reason":"XX"}"#), pod(2, "")));
        let at = body.find("XX").unwrap();
        let mut bytes = std::mem::take(&mut body).into_bytes();
        bytes[at] = 0xff;
        let page = page(Kind::Pod, &Labels::default(), &bytes).unwrap();
        assert_eq!(page.facets.len(), 2);
    }

    #[test]
    fn what_is_no_list_is_refused_in_words() {
        let whole = list(&pod(1, ""));
        for (body, expect) in [
            ("", "the JSON ends early, at line 1 column 0"),
            (&whole[..whole.len() / 2], "the JSON ends early, at line 1 column 107"),
            ("<html>", "the answer is not JSON from line 1 column 1 on"),
            (r#"{"kind":"Pod"}"#, "expected a list, got an object of kind Pod"),
            (r#"{"a":1}"#, "expected a list, got an object without a kind"),
        ] {
            assert_eq!(pods(body).unwrap_err().to_string(), expect, "{body}");
        }
        assert!(pods("[]").is_err());
        assert!(pods(&format!("{whole}tail")).is_err());
    }

    #[test]
    fn an_empty_list_may_be_null() {
        assert_eq!(pods(r#"{"kind":"PodList","items":null}"#), Ok(Page::default()));
    }
}
