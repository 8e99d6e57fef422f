//! Shell-like patterns: `*` any run of characters (also `/`), `?` one character.

use serde::Deserialize;

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(from = "String")]
pub struct Glob(String);

impl Default for Glob {
    /// Matches everything.
    fn default() -> Self {
        Self("*".into())
    }
}

impl From<String> for Glob {
    fn from(s: String) -> Self {
        Self(s)
    }
}

impl From<&str> for Glob {
    fn from(s: &str) -> Self {
        Self(s.into())
    }
}

impl std::fmt::Display for Glob {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl Glob {
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        if self.0 == "*" {
            return true;
        }
        let (pat, txt) = (self.0.as_bytes(), text.as_bytes());
        // On a mismatch go back to the last star and let it swallow one byte more.
        let (mut p, mut t, mut star) = (0, 0, None);
        while t < txt.len() {
            match pat.get(p) {
                Some(b'*') => {
                    star = Some((p, t));
                    p += 1;
                }
                Some(&c) if c == b'?' || c == txt[t] => {
                    p += 1;
                    t += 1;
                }
                _ => match star {
                    Some((at, from)) => {
                        star = Some((at, from + 1));
                        p = at + 1;
                        t = from + 1;
                    }
                    None => return false,
                },
            }
        }
        pat[p..].iter().all(|&c| c == b'*')
    }

    pub(crate) fn is_any(&self) -> bool {
        self.0 == "*"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matches() {
        let check = |pat: &str, text: &str, expect: bool| {
            assert_eq!(Glob::from(pat).matches(text), expect, "{pat} on {text}");
        };
        check("*", "", true);
        check("tenant-*", "tenant-ada", true);
        check("tenant-*", "other", false);
        check("*apt", "rehydrate-runtime-apt", true);
        check("*apt", "apt-cache", false);
        check("ghcr.io/*:2026.*", "ghcr.io/o/o:2026.8.2", true);
        check("a?c", "abc", true);
        check("a?c", "ac", false);
        check("*a*b", "xaab", true);
        check("", "", true);
        check("", "x", false);
    }
}
