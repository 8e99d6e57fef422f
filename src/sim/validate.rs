//! Validation: names, immutable fields, and the causes of a 422.

use serde_json::Value;

use super::kinds::Kind;
use super::status::{Cause, Status};

pub(super) fn required(field: &str, detail: &str) -> Cause {
    let message = if detail.is_empty() { "Required value".to_owned() } else { format!("Required value: {detail}") };
    Cause::new("FieldValueRequired", message, field)
}

pub(super) fn invalid_value(field: &str, value: &Value, detail: &str) -> Cause {
    Cause::new("FieldValueInvalid", format!("Invalid value: {value}: {detail}"), field)
}

pub(super) fn create(_kind: &'static Kind, _object: &Value) -> Result<(), Status> {
    Ok(())
}

pub(super) fn update(_kind: &'static Kind, _old: &Value, _new: &Value, _subresource: &str) -> Result<(), Status> {
    Ok(())
}
