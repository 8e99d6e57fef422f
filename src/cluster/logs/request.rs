//! The URL of one container's log.

use super::{super::http::encode, stamp};

/// Which stretch of a log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Stretch {
    pub follow: bool,
    /// The instance before the present one.
    pub previous: bool,
    /// Nanoseconds; whole seconds only reach the kubelet.
    pub since: Option<i64>,
    pub since_seconds: Option<u64>,
    pub tail: Option<u64>,
}

pub(super) fn path(namespace: &str, pod: &str, container: &str, stretch: &Stretch) -> String {
    let mut path = format!(
        "/api/v1/namespaces/{}/pods/{}/log?container={}&timestamps=true",
        encode(namespace),
        encode(pod),
        encode(container)
    );
    for (on, key) in [(stretch.follow, "follow"), (stretch.previous, "previous")] {
        if on {
            path += &format!("&{key}=true");
        }
    }
    match (stretch.since, stretch.since_seconds) {
        (Some(at), _) => path += &format!("&sinceTime={}", encode(&stamp::rfc3339(at, 0))),
        (None, Some(seconds)) => path += &format!("&sinceSeconds={}", seconds.max(1)),
        (None, None) => {}
    }
    if let Some(tail) = stretch.tail {
        path += &format!("&tailLines={tail}");
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_kubernetes_own() {
        let check = |stretch: Stretch, expect: &str| {
            let got = path("tenant-a", "openclaw-0", "gateway", &stretch);
            let head = "/api/v1/namespaces/tenant-a/pods/openclaw-0/log?container=gateway&timestamps=true";
            assert_eq!(got.strip_prefix(head), Some(expect));
        };
        check(Stretch::default(), "");
        check(Stretch { follow: true, tail: Some(0), ..Stretch::default() }, "&follow=true&tailLines=0");
        check(
            Stretch { previous: true, since_seconds: Some(0), ..Stretch::default() },
            "&previous=true&sinceSeconds=1",
        );
        let since = Some(1_790_000_000_500_000_000);
        check(Stretch { since, since_seconds: Some(9), ..Stretch::default() }, "&sinceTime=2026-09-21T14%3A13%3A20Z");
    }
}
