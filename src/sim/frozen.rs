//! A cluster as it stood at a moment. Others can begin from it, at the cost of sharing what is stored.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use super::object::Stored;

/// One object under its key.
pub(super) type Kept = (Box<str>, Arc<Stored>, Arc<Value>);

/// All that was stored, and when that was.
#[derive(Clone)]
pub struct Frozen {
    pub(super) at: Timestamp,
    pub(super) version: u64,
    /// By kind, in the order of lists; their trees with them, which nobody has to parse again then.
    pub(super) objects: Vec<Vec<Kept>>,
}

impl std::fmt::Debug for Frozen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} objects at {}", self.objects.iter().map(Vec::len).sum::<usize>(), self.at)
    }
}
