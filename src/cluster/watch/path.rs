//! The URLs of lists and watches.

use super::super::http::encode;
use crate::index::Kind;

/// What to list, and where.
#[derive(Clone, Debug)]
pub(super) struct Source {
    pub kind: Kind,
    /// `None` is the whole cluster.
    pub namespace: Option<String>,
    /// Selects tenants' objects, or the nodes of their pool; empty selects all.
    pub label: String,
}

impl Source {
    /// `list pods in namespace a`: for people.
    pub(super) fn what(&self, verb: &str) -> String {
        match &self.namespace {
            Some(namespace) => format!("{verb} {} in namespace {namespace}", self.kind.plural()),
            None => format!("{verb} {}", self.kind.plural()),
        }
    }

    pub(super) fn list(&self, limit: Option<u32>, next: Option<&str>) -> String {
        let mut path = self.base();
        if let Some(limit) = limit {
            path += &format!("&limit={limit}");
        }
        if let Some(next) = next {
            path += &format!("&continue={}", encode(next));
        }
        path
    }

    pub(super) fn watch(&self, version: &str, seconds: u64) -> String {
        format!(
            "{}&watch=true&allowWatchBookmarks=true&timeoutSeconds={seconds}&resourceVersion={}",
            self.base(),
            encode(version)
        )
    }

    fn base(&self) -> String {
        let group = match self.kind {
            Kind::StatefulSet => "/apis/apps/v1",
            _ => "/api/v1",
        };
        let within = match &self.namespace {
            Some(namespace) => format!("/namespaces/{}", encode(namespace)),
            None => String::new(),
        };
        // Events carry no labels.
        let selector = match self.kind {
            Kind::Warning => format!("fieldSelector={}", encode("type=Warning")),
            _ => format!("labelSelector={}", encode(&self.label)),
        };
        format!("{group}{within}/{}?{selector}", self.kind.plural())
    }

    /// Objects per page: a page is held in memory, and a pod takes 20 to 40 KB.
    pub(super) fn page_size(&self) -> u32 {
        match self.kind {
            Kind::Pod | Kind::StatefulSet => 100,
            _ => 500,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_kubernetes_own() {
        let source = |kind, namespace: Option<&str>| Source {
            kind,
            namespace: namespace.map(str::to_owned),
            label: "openclaw.ai/tenant".to_owned(),
        };
        let pods = source(Kind::Pod, None);
        assert_eq!(
            pods.list(Some(100), Some("a=b&c")),
            "/api/v1/pods?labelSelector=openclaw.ai/tenant&limit=100&continue=a%3Db%26c"
        );
        assert_eq!(
            source(Kind::Warning, Some("tenant-a")).watch("7", 120),
            "/api/v1/namespaces/tenant-a/events?fieldSelector=type%3DWarning&watch=true&allowWatchBookmarks=true&timeoutSeconds=120&resourceVersion=7"
        );
        assert!(source(Kind::StatefulSet, None).list(None, None).starts_with("/apis/apps/v1/statefulsets?"));
        assert_eq!(source(Kind::Pod, Some("a")).what("list"), "list pods in namespace a");
    }
}
