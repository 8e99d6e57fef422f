//! The commercial tier of a tenant.

use std::fmt;

use super::Text;

/// Pro or Max; a label that other hands wrote is kept as it is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tier {
    Pro,
    Max,
    Other(Text),
}

impl Tier {
    /// Reads a label's value; every text is a tier, if only somebody else's.
    pub fn from_label(text: &str) -> Self {
        match text {
            "pro" => Self::Pro,
            "max" => Self::Max,
            other => Self::Other(Text::from(other)),
        }
    }

    pub fn as_str(&self) -> &str {
        match self {
            Self::Pro => "pro",
            Self::Max => "max",
            Self::Other(text) => text,
        }
    }
}

impl fmt::Display for Tier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
