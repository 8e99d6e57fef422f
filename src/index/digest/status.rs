//! The API server's own error object.

use serde::Deserialize;

use super::lenient::{Int, Obj, Raw};

/// What a `Status` says, in clean text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    pub code: u16,
    pub reason: String,
    pub message: String,
    /// `details.retryAfterSeconds`.
    pub retry_after: Option<u32>,
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
    details: Obj<Details>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Details {
    retry_after_seconds: Int,
}

impl From<RawStatus<'_>> for Status {
    fn from(raw: RawStatus<'_>) -> Self {
        let retry_after = raw.details.or_default().retry_after_seconds.count();
        Self {
            code: u16::try_from(raw.code.count()).unwrap_or(0),
            reason: raw.reason.text().map_or_else(String::new, |t| t.to_string()),
            message: raw.message.text().map_or_else(String::new, |t| t.to_string()),
            retry_after: (retry_after > 0).then_some(retry_after),
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
        for other in ["<html>502</html>", "{}", "[]", r#"{"kind":"Pod"}"#, ""] {
            assert_eq!(status(other.as_bytes()), None, "{other}");
        }
    }
}
