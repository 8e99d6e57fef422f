//! The `Status` object: every refusal of the API server, with its code and its reason.

use serde_json::{Value, json};

use super::kinds::Kind;

/// One cause in `details.causes`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cause {
    pub reason: String,
    pub message: String,
    pub field: String,
}

impl Cause {
    pub(crate) fn new(reason: &str, message: impl Into<String>, field: impl Into<String>) -> Cause {
        Cause { reason: reason.into(), message: message.into(), field: field.into() }
    }
}

/// `details` of a Status.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Details {
    pub name: String,
    pub group: String,
    pub kind: String,
    pub uid: String,
    pub causes: Vec<Cause>,
    pub retry_after: Option<u32>,
}

/// A failure as the API server words it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Status {
    pub code: u16,
    pub reason: String,
    pub message: String,
    pub details: Option<Box<Details>>,
}

impl Status {
    pub(crate) fn new(code: u16, reason: &str, message: impl Into<String>) -> Status {
        Status { code, reason: reason.into(), message: message.into(), details: None }
    }

    fn about(mut self, kind: &Kind, name: &str) -> Status {
        self.details = Some(Box::new(Details {
            name: name.into(),
            group: kind.group.into(),
            kind: kind.plural.into(),
            ..Details::default()
        }));
        self
    }

    pub(crate) fn with_causes(mut self, causes: Vec<Cause>) -> Status {
        self.details.get_or_insert_default().causes = causes;
        self
    }

    pub(crate) fn not_found(kind: &Kind, name: &str) -> Status {
        Status::new(404, "NotFound", format!("{} \"{name}\" not found", kind.resource())).about(kind, name)
    }

    pub(crate) fn already_exists(kind: &Kind, name: &str) -> Status {
        Status::new(409, "AlreadyExists", format!("{} \"{name}\" already exists", kind.resource())).about(kind, name)
    }

    pub(crate) fn conflict(kind: &Kind, name: &str, why: &str) -> Status {
        let message = format!("Operation cannot be fulfilled on {} \"{name}\": {why}", kind.resource());
        Status::new(409, "Conflict", message).about(kind, name)
    }

    /// A delete's precondition did not hold; the API server names the kind here, not the resource.
    pub(crate) fn precondition(kind: &Kind, name: &str, why: &str) -> Status {
        let message = format!("Operation cannot be fulfilled on {} \"{name}\": {why}", kind.qualified());
        let mut status = Status::new(409, "Conflict", message).about(kind, name);
        status.details.get_or_insert_default().kind = kind.kind.into();
        status
    }

    /// The write named an old resourceVersion.
    pub(crate) fn stale(kind: &Kind, name: &str) -> Status {
        Status::conflict(
            kind,
            name,
            "the object has been modified; please apply your changes to the latest version and try again",
        )
    }

    pub(crate) fn forbidden(kind: &Kind, name: &str, why: impl AsRef<str>) -> Status {
        let named = if name.is_empty() { String::new() } else { format!(" \"{name}\"") };
        let message = format!("{}{named} is forbidden: {}", kind.resource(), why.as_ref());
        Status::new(403, "Forbidden", message).about(kind, name)
    }

    /// Field errors of validation. The message lists them, `details.causes` holds them one by one.
    pub(crate) fn invalid(kind: &Kind, name: &str, causes: Vec<Cause>) -> Status {
        let texts: Vec<String> = causes.iter().map(|c| format!("{}: {}", c.field, c.message)).collect();
        let text = match texts.as_slice() {
            [one] => one.clone(),
            many => format!("[{}]", many.join(", ")),
        };
        let mut status = Status::new(422, "Invalid", format!("{} \"{name}\" is invalid: {text}", kind.qualified()));
        status.details = Some(Box::new(Details {
            name: name.into(),
            group: kind.group.into(),
            kind: kind.kind.into(),
            causes,
            ..Details::default()
        }));
        status
    }

    pub(crate) fn bad_request(message: impl Into<String>) -> Status {
        Status::new(400, "BadRequest", message)
    }

    /// The list or watch starts before what is remembered.
    pub(crate) fn expired(message: impl Into<String>) -> Status {
        Status::new(410, "Expired", message)
    }

    pub(crate) fn internal(message: impl std::fmt::Display) -> Status {
        let mut status = Status::new(500, "InternalError", format!("Internal error occurred: {message}"));
        status.details =
            Some(Box::new(Details { causes: vec![Cause::new("", message.to_string(), "")], ..Details::default() }));
        status
    }

    /// A path that is served by nobody.
    pub(crate) fn no_such_path() -> Status {
        let mut status = Status::new(404, "NotFound", "the server could not find the requested resource");
        status.details = Some(Box::default());
        status
    }

    pub(crate) fn method_not_allowed() -> Status {
        let mut status =
            Status::new(405, "MethodNotAllowed", "the server does not allow this method on the requested resource");
        status.details = Some(Box::default());
        status
    }

    pub(crate) fn is_not_found(&self) -> bool {
        self.code == 404
    }

    pub(crate) fn to_json(&self) -> Value {
        let mut out = json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": self.message, "code": self.code,
        });
        if !self.reason.is_empty() {
            out["reason"] = self.reason.clone().into();
        }
        if let Some(details) = &self.details {
            out["details"] = details.to_json();
        }
        out
    }
}

impl Details {
    fn to_json(&self) -> Value {
        let mut out = serde_json::Map::new();
        for (key, value) in [("name", &self.name), ("group", &self.group), ("kind", &self.kind), ("uid", &self.uid)] {
            if !value.is_empty() {
                out.insert(key.into(), value.clone().into());
            }
        }
        if !self.causes.is_empty() {
            let causes = self.causes.iter().map(|cause| {
                let mut one = serde_json::Map::new();
                for (key, value) in [("reason", &cause.reason), ("message", &cause.message), ("field", &cause.field)] {
                    if !value.is_empty() {
                        one.insert(key.into(), value.clone().into());
                    }
                }
                Value::Object(one)
            });
            out.insert("causes".into(), causes.collect());
        }
        if let Some(seconds) = self.retry_after {
            out.insert("retryAfterSeconds".into(), seconds.into());
        }
        Value::Object(out)
    }
}

impl std::fmt::Display for Status {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}: {}", self.code, self.reason, self.message)
    }
}

/// The answer to a delete that left nothing behind.
pub(crate) fn deleted(kind: &Kind, name: &str, uid: &str) -> Value {
    let details = Details {
        name: name.into(),
        group: kind.group.into(),
        kind: kind.plural.into(),
        uid: uid.into(),
        ..Details::default()
    };
    json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details.to_json(),
    })
}
