//! What can be wrong with a manifest tree or a spec, said so that a person can mend it.

use std::fmt;

/// A line of a file of the manifest tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Path inside the tree, such as `base/ingress.yaml`.
    pub file: String,
    /// Counted from 1.
    pub line: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// One field of a tenant's spec that breaks a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError {
    /// The field's path in the spec, such as `volumes.app.size`.
    pub field: String,
    /// What is wrong and what would be right.
    pub message: String,
}

impl fmt::Display for FieldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, self.message)
    }
}

/// Why a tenant cannot be rendered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ManifestError {
    /// The manifest tree is wrong, or uses something the renderer does not know.
    At(Place, String),
    /// The spec breaks rules; all of them, not only the first.
    Spec(Vec<FieldError>),
    /// The spec asks for something that the base does not offer.
    Base(String),
}

impl ManifestError {
    pub(crate) fn at(place: &Place, message: impl Into<String>) -> Self {
        Self::At(place.clone(), message.into())
    }
}

impl fmt::Display for ManifestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::At(place, message) => write!(f, "{place}: {message}"),
            Self::Spec(errors) => {
                for (i, error) in errors.iter().enumerate() {
                    write!(f, "{}{error}", if i == 0 { "" } else { "\n" })?;
                }
                Ok(())
            }
            Self::Base(message) => f.write_str(message),
        }
    }
}

impl std::error::Error for ManifestError {}
