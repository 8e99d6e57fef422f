//! Values of Secrets, for as long as it takes to hand them to the cluster. They are in no plan, event, journal or error.

use std::{collections::BTreeMap, fmt};

/// What whoever asked has given: keys for the models' proxy, by namespace.
#[derive(Clone, Default, PartialEq)]
pub struct Secrets(BTreeMap<String, String>);

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secrets({})", self.0.len())
    }
}

impl Secrets {
    #[must_use]
    pub fn with(mut self, namespace: String, key: String) -> Self {
        self.0.insert(namespace, key);
        self
    }

    pub(super) fn litellm(&self, namespace: &str) -> Option<&str> {
        self.0.get(namespace).map(String::as_str)
    }
}

const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// A token that nobody can guess: 288 bits of the system's randomness. `None` where the system has none to give.
pub(super) fn token() -> Option<String> {
    let mut bytes = [0_u8; 48];
    getrandom::fill(&mut bytes).ok()?;
    Some(bytes.iter().map(|byte| char::from(LETTERS[usize::from(byte & 63)])).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_differ_and_secrets_are_not_shown() {
        let (a, b) = (token().unwrap(), token().unwrap());
        assert!(a.len() == 48 && a != b);
        let secrets = Secrets::default().with("tenant-a".to_owned(), "sk-very-secret".to_owned());
        assert!(!format!("{secrets:?}").contains("sk-very"));
        assert_eq!(secrets.litellm("tenant-a"), Some("sk-very-secret"));
    }
}
