//! `metadata.managedFields`: who owns which field.

use serde_json::Value;

use super::kinds::Kind;
use super::write::Write;

/// Books what an update changed as owned by its manager.
pub(super) fn record(_kind: &'static Kind, _old: Option<&Value>, _new: &mut Value, _write: &Write, _now: &str) {}

/// Puts the time on entries that an apply has just made.
pub(super) fn stamp_times(_old: Option<&Value>, _new: &mut Value, _now: &str) {}
