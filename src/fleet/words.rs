//! Why something is as it is, in the cluster's own words.

use std::sync::Arc;

use super::Text;

/// A reason such as `OOMKilled`, and a message; either may be absent. One pointer wide, and the same words are held once
/// for the whole fleet.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Words(pub(super) Option<Arc<Said>>);

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Said {
    pub reason: Option<Text>,
    pub message: Option<Text>,
}

impl Words {
    pub const NONE: Self = Self(None);

    pub fn new(reason: Option<Text>, message: Option<Text>) -> Self {
        let said = reason.is_some() || message.is_some();
        Self(said.then(|| Arc::new(Said { reason, message })))
    }

    /// A reason without a message.
    pub fn reason_only(reason: &str) -> Self {
        Self::new(Some(Text::from(reason)), None)
    }

    pub fn reason(&self) -> Option<&Text> {
        self.0.as_ref()?.reason.as_ref()
    }

    pub fn message(&self) -> Option<&Text> {
        self.0.as_ref()?.message.as_ref()
    }
}
