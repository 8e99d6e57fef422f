//! Names with one `*` in them.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// A name in which one `*` stands for something: `oc-tenant-*`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Pattern {
    head: String,
    tail: String,
}

/// Why a text is no pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PatternError(String);

impl fmt::Display for PatternError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is no pattern: a name with one `*`, which stands for the tenant's id", self.0)
    }
}

impl std::error::Error for PatternError {}

impl Pattern {
    /// What the `*` stands for in this name; never nothing.
    pub fn part<'n>(&self, name: &'n str) -> Option<&'n str> {
        between(name, &self.head, &self.tail).filter(|part| !part.is_empty())
    }
}

/// What is between the two, which may be nothing.
pub(super) fn between<'n>(name: &'n str, head: &str, tail: &str) -> Option<&'n str> {
    name.strip_prefix(head)?.strip_suffix(tail)
}

impl FromStr for Pattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        match text.split_once('*') {
            Some((head, tail)) if !tail.contains('*') => Ok(Self { head: head.to_owned(), tail: tail.to_owned() }),
            _ => Err(PatternError(text.chars().take(80).collect())),
        }
    }
}

impl TryFrom<String> for Pattern {
    type Error = PatternError;

    fn try_from(text: String) -> Result<Self, PatternError> {
        text.parse()
    }
}

impl From<Pattern> for String {
    fn from(pattern: Pattern) -> Self {
        pattern.to_string()
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}*{}", self.head, self.tail)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_star_stands_for_something() {
        let part = |pattern: &str, name: &'static str| pattern.parse::<Pattern>().unwrap().part(name);
        assert_eq!(part("oc-tenant-*", "oc-tenant-ada"), Some("ada"));
        assert_eq!(part("*-data", "ada-data"), Some("ada"));
        assert_eq!(part("oc-*-prod", "oc-ada-prod"), Some("ada"));
        assert_eq!(part("*", "ada"), Some("ada"));
        for (pattern, name) in
            [("oc-tenant-*", "oc-tenant-"), ("oc-*-prod", "oc-prod"), ("oc-*", "openclaw"), ("ab*ba", "aba"), ("*", "")]
        {
            assert_eq!(part(pattern, name), None, "{pattern} {name}");
        }
        for bad in ["", "tenant", "a*b*c", "**"] {
            assert!(bad.parse::<Pattern>().unwrap_err().to_string().contains("one `*`"), "{bad}");
        }
        assert_eq!("oc-*-x".parse::<Pattern>().unwrap().to_string(), "oc-*-x");
    }
}
