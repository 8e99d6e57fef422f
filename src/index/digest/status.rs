//! The API server's own error object.

use serde::Deserialize;

use super::lenient::{Int, List, Obj, Raw};

/// What a `Status` says, in clean text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    pub code: u16,
    pub reason: String,
    pub message: String,
    /// `details.retryAfterSeconds`.
    pub retry_after: Option<u32>,
    /// Other field managers, each with a field of theirs that was to be applied: `kubectl-edit`, `.spec.replicas`.
    pub conflicts: Vec<(String, String)>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct RawStatus<'a> {
    #[serde(borrow)]
    kind: Raw<'a>,
    code: Int,
    #[serde(borrow)]
    reason: Raw<'a>,
    #[serde(borrow)]
    message: Raw<'a>,
    #[serde(borrow)]
    details: Obj<Details<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Details<'a> {
    retry_after_seconds: Int,
    #[serde(borrow)]
    causes: List<Cause<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Cause<'a> {
    #[serde(borrow)]
    reason: Raw<'a>,
    #[serde(borrow)]
    message: Raw<'a>,
    #[serde(borrow)]
    field: Raw<'a>,
}

impl Cause<'_> {
    fn conflict(&self) -> Option<(String, String)> {
        let message = self.message.text().filter(|_| &*self.reason == "FieldManagerConflict")?;
        let manager = message.split('"').nth(1).unwrap_or("somebody").to_owned();
        Some((manager, self.field.text().map_or_else(String::new, |t| t.to_string())))
    }
}

impl From<RawStatus<'_>> for Status {
    fn from(raw: RawStatus<'_>) -> Self {
        let details = raw.details.or_default();
        let retry_after = details.retry_after_seconds.count();
        Self {
            code: u16::try_from(raw.code.count()).unwrap_or(0),
            reason: raw.reason.text().map_or_else(String::new, |t| t.to_string()),
            message: raw.message.text().map_or_else(String::new, |t| t.to_string()),
            retry_after: (retry_after > 0).then_some(retry_after),
            conflicts: details.causes.0.iter().filter_map(Cause::conflict).collect(),
        }
    }
}

/// Reads an error answer's body; `None` where it is no `Status`.
pub fn status(body: &[u8]) -> Option<Status> {
    let Obj(raw) = serde_json::from_slice::<Obj<RawStatus<'_>>>(body).ok()?;
    raw.filter(|s| &*s.kind == "Status").map(Status::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_status_is_one() {
        let text = br#"{"kind":"Status","status":"Failure","message":"slow\ndown","reason":"TooManyRequests","details":{"retryAfterSeconds":3},"code":429}"#;
        let read = status(text).unwrap();
        assert_eq!((read.code, read.message.as_str(), read.retry_after), (429, "slow down", Some(3)));
        let text = br#"{"kind":"Status","reason":"Conflict","details":{"causes":[{"reason":"FieldManagerConflict","message":"conflict with \"kubectl-edit\" using apps/v1","field":".spec"}]},"code":409}"#;
        assert_eq!(status(text).unwrap().conflicts, [("kubectl-edit".to_owned(), ".spec".to_owned())]);
        assert!(read.conflicts.is_empty());
        for other in ["<html>502</html>", "{}", "[]", r#"{"kind":"Pod"}"#, ""] {
            assert_eq!(status(other.as_bytes()), None, "{other}");
        }
    }
}
