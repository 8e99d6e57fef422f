//! What a request asks for: verb, kind, namespace, name and subresource, read from its path as the API server does.

use http::Method;

use super::kinds::{self, Kind};

/// A request for a resource or for a path that is none, as authorisation and dispatch see it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ask {
    /// `get list watch create update patch delete deletecollection`, or the method in small letters for a non-resource path.
    pub verb: &'static str,
    pub group: String,
    pub version: String,
    /// The plural; empty for a path that is no resource.
    pub resource: String,
    pub namespace: String,
    pub name: String,
    pub subresource: String,
    /// What follows the subresource (`nodes/x/proxy/REST`).
    pub rest: String,
    pub path: String,
}

impl Ask {
    pub(crate) fn parse(method: &Method, path: &str, query: &Query) -> Ask {
        let mut ask = Ask { verb: plain_verb(method), path: path.to_owned(), ..Ask::default() };
        let mut parts = path.trim_matches('/').split('/').filter(|p| !p.is_empty()).map(decode);
        match parts.next().as_deref() {
            Some("api") => ask.version = parts.next().unwrap_or_default(),
            Some("apis") => {
                ask.group = parts.next().unwrap_or_default();
                ask.version = parts.next().unwrap_or_default();
            }
            _ => return ask,
        }
        let mut parts: Vec<String> = parts.collect();
        if parts.is_empty() || ask.version.is_empty() {
            return ask;
        }
        if parts[0] == "namespaces" && parts.len() > 2 && !matches!(parts[2].as_str(), "status" | "finalize") {
            ask.namespace = parts[1].clone();
            parts.drain(..2);
        }
        let mut parts = parts.into_iter();
        ask.resource = parts.next().unwrap_or_default();
        ask.name = parts.next().unwrap_or_default();
        ask.subresource = parts.next().unwrap_or_default();
        ask.rest = parts.collect::<Vec<_>>().join("/");
        if ask.resource == "namespaces" && ask.group.is_empty() {
            ask.namespace = ask.name.clone();
        }
        ask.verb = match *method {
            Method::POST => "create",
            Method::PUT => "update",
            Method::PATCH => "patch",
            Method::DELETE if ask.name.is_empty() => "deletecollection",
            Method::DELETE => "delete",
            _ if query.truth("watch") => "watch",
            _ if ask.name.is_empty() => "list",
            _ => "get",
        };
        ask
    }

    pub(crate) fn is_resource(&self) -> bool {
        !self.resource.is_empty()
    }

    pub(crate) fn kind(&self) -> Option<&'static Kind> {
        kinds::by_plural(&self.group, &self.version, &self.resource)
    }

    /// The namespace as storage knows it: empty for cluster-scoped kinds.
    pub(crate) fn shelf<'a>(&'a self, kind: &Kind) -> &'a str {
        if kind.namespaced { &self.namespace } else { "" }
    }
}

fn plain_verb(method: &Method) -> &'static str {
    match *method {
        Method::POST => "post",
        Method::PUT => "put",
        Method::PATCH => "patch",
        Method::DELETE => "delete",
        Method::HEAD => "head",
        Method::OPTIONS => "options",
        _ => "get",
    }
}

/// The decoded query of a request; a key may occur more than once.
#[derive(Clone, Debug, Default)]
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    pub(crate) fn parse(text: &str) -> Query {
        let pairs = text.split('&').filter(|p| !p.is_empty());
        Query(
            pairs
                .map(|p| p.split_once('=').unwrap_or((p, "")))
                .map(|(k, v)| (decode(&k.replace('+', " ")), decode(&v.replace('+', " "))))
                .collect(),
        )
    }

    /// The first value of a key; empty if it is absent.
    pub(crate) fn get(&self, key: &str) -> &str {
        self.0.iter().find(|(k, _)| k == key).map_or("", |(_, v)| v.as_str())
    }

    pub(crate) fn all<'a>(&'a self, key: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(k, _)| k == key).map(|(_, v)| v.as_str())
    }

    /// This query with one more pair, which wins over those of the same key.
    pub(crate) fn with(&self, key: &str, value: &str) -> Query {
        let mut pairs = vec![(key.to_owned(), value.to_owned())];
        pairs.extend(self.0.iter().cloned());
        Query(pairs)
    }

    /// Go's notion of a true query value: there and neither `false` nor `0`.
    pub(crate) fn truth(&self, key: &str) -> bool {
        self.0.iter().find(|(k, _)| k == key).is_some_and(|(_, v)| !matches!(v.as_str(), "false" | "0"))
    }
}

/// Percent-decoding; bytes that are no UTF-8 become replacement characters.
fn decode(text: &str) -> String {
    if !text.contains('%') {
        return text.to_owned();
    }
    let bytes = text.as_bytes();
    let (mut out, mut at) = (Vec::with_capacity(bytes.len()), 0);
    while at < bytes.len() {
        let hex = bytes
            .get(at + 1..at + 3)
            .and_then(|h| std::str::from_utf8(h).ok())
            .and_then(|h| u8::from_str_radix(h, 16).ok());
        match (bytes[at], hex) {
            (b'%', Some(byte)) => {
                out.push(byte);
                at += 3;
            }
            (byte, _) => {
                out.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_become_asks() {
        #[track_caller]
        fn check(method: &Method, path: &str, expect: [&str; 6]) {
            let (path, query) = path.split_once('?').unwrap_or((path, ""));
            let ask = Ask::parse(method, path, &Query::parse(query));
            assert_eq!(
                [ask.verb, &ask.group, &ask.resource, &ask.namespace, &ask.name, &ask.subresource],
                expect,
                "{path}"
            );
        }
        check(&Method::GET, "/api/v1/pods?&limit=5", ["list", "", "pods", "", "", ""]);
        check(&Method::GET, "/api/v1/namespaces/a/pods?watch=1", ["watch", "", "pods", "a", "", ""]);
        check(&Method::GET, "/api/v1/namespaces/a", ["get", "", "namespaces", "a", "a", ""]);
        check(&Method::PUT, "/api/v1/namespaces/a/finalize", ["update", "", "namespaces", "a", "a", "finalize"]);
        check(
            &Method::PATCH,
            "/apis/apps/v1/namespaces/a/statefulsets/x/scale",
            ["patch", "apps", "statefulsets", "a", "x", "scale"],
        );
        check(&Method::DELETE, "/api/v1/namespaces/a/pods", ["deletecollection", "", "pods", "a", "", ""]);
        check(&Method::GET, "/api/v1/nodes/n/proxy/stats/summary", ["get", "", "nodes", "", "n", "proxy"]);
        check(&Method::GET, "/apis/apps/v1", ["get", "apps", "", "", "", ""]);
        check(&Method::POST, "/version", ["post", "", "", "", "", ""]);
        assert_eq!(Query::parse("labelSelector=a%3Db%2Cc+in").get("labelSelector"), "a=b,c in");
    }
}
