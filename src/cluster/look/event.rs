//! Events as a person reads them.

use serde_json::Value;

use super::masked;
use crate::fleet::At;

/// One event, its repetitions counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventLine {
    pub last: Option<At>,
    pub first: Option<At>,
    pub warning: bool,
    pub reason: String,
    /// `Pod/openclaw-0`.
    pub object: String,
    pub message: String,
    pub count: u32,
}

/// The events of a list, the latest first; `None` where it is no list.
pub(super) fn lines(body: &[u8]) -> Option<Vec<EventLine>> {
    let list: Value = serde_json::from_slice(body).ok()?;
    let mut lines: Vec<_> = list.get("items")?.as_array()?.iter().map(line).collect();
    lines.sort_by_key(|line| std::cmp::Reverse(line.last));
    Some(lines)
}

fn line(event: &Value) -> EventLine {
    let text = |pointer: &str| event.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let at = |pointer: &str| At::parse(text(pointer));
    let last = ["/series/lastObservedTime", "/lastTimestamp", "/eventTime", "/metadata/creationTimestamp"];
    let first = ["/firstTimestamp", "/eventTime", "/metadata/creationTimestamp"];
    let count = ["/series/count", "/count"].iter().find_map(|p| event.pointer(p)?.as_u64());
    EventLine {
        last: last.into_iter().find_map(at),
        first: first.into_iter().find_map(at),
        warning: text("/type") == "Warning",
        reason: masked(text("/reason")),
        object: masked(&format!("{}/{}", text("/involvedObject/kind"), text("/involvedObject/name"))),
        message: masked(text("/message")),
        count: count.and_then(|n| u32::try_from(n).ok()).unwrap_or(1).max(1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_of_either_api_have_their_times_and_the_latest_is_first() {
        let real = include_bytes!("../../index/digest/real/events.json");
        let lines = lines(real).unwrap();
        assert!(!lines.is_empty() && lines.iter().all(|l| l.last.is_some() && !l.reason.is_empty()), "{lines:?}");
        assert!(lines.is_sorted_by_key(|l| std::cmp::Reverse(l.last)));
        assert_eq!(super::lines(b"{}"), None);
        assert_eq!(super::lines(b"<html>"), None);
    }

    #[test]
    fn what_a_server_leaves_out_is_not_made_up() {
        let line = line(
            &serde_json::json!({ "eventTime": "2026-11-24T20:00:00.5Z", "series": { "count": 7 }, "message": "\u{1b}[2Jx" }),
        );
        assert_eq!((line.last, line.count, line.warning), (At::parse("2026-11-24T20:00:00Z"), 7, false));
        assert_eq!((line.message.as_str(), line.object.as_str()), ("x", "/"));
        assert_eq!(super::line(&serde_json::json!({})).last, None);
    }
}
