//! Image references: `name:tag`, `name@sha256:...`, or both.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// An image that is pinned to a tag, a digest or both; never to nothing.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PinnedImage {
    name: String,
    tag: Option<String>,
    digest: Option<String>,
}

impl PinnedImage {
    /// Registry and repository, such as `ghcr.io/openclaw/openclaw`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Such as `2026.8.2`.
    pub fn tag(&self) -> Option<&str> {
        self.tag.as_deref()
    }

    /// Such as `sha256:` and 64 hexadecimal digits.
    pub fn digest(&self) -> Option<&str> {
        self.digest.as_deref()
    }

    /// Reads what a person gives: a whole reference, or only a tag or digest of `repository`.
    ///
    /// # Errors
    /// A sentence that says what is wrong and what would be right.
    pub fn given(text: &str, repository: Option<&str>) -> Result<Self, String> {
        let whole = text.contains(['/', '@']) || (text.contains(':') && !text.starts_with("sha256:"));
        match repository {
            _ if whole => text.parse(),
            Some(name) if text.starts_with("sha256:") => format!("{name}@{text}").parse(),
            Some(name) => format!("{name}:{text}").parse(),
            None => Err(format!(
                "{text:?} is only a tag or digest; give name:tag or name@sha256:..., or set the fleet's image repository in the config file"
            )),
        }
    }
}

impl fmt::Display for PinnedImage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        if let Some(digest) = &self.digest {
            write!(f, "@{digest}")?;
        }
        Ok(())
    }
}

impl From<PinnedImage> for String {
    fn from(image: PinnedImage) -> Self {
        image.to_string()
    }
}

impl TryFrom<String> for PinnedImage {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl FromStr for PinnedImage {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (rest, digest) = match text.split_once('@') {
            Some((rest, digest)) => (rest, Some(digest)),
            None => (text, None),
        };
        let (name, tag) = match rest.rsplit_once(':') {
            Some((name, tag)) if !tag.contains('/') => (name, Some(tag)),
            _ => (rest, None),
        };
        if !is_name(name) {
            return Err(format!(
                "{text:?} is no image reference: write name:tag or name@sha256:..., the name in lower case"
            ));
        }
        if tag.is_some_and(|tag| !is_tag(tag)) {
            return Err(format!(
                "{text:?} has a malformed tag: at most 128 letters, digits, `_`, `.` and `-`, beginning with none of `.` and `-`"
            ));
        }
        if digest.is_some_and(|digest| !is_digest(digest)) {
            return Err(format!("{text:?} has a malformed digest: it is sha256: and 64 hexadecimal digits"));
        }
        if tag.is_none() && digest.is_none() {
            return Err(format!("{text:?} is pinned to nothing: add :tag or @sha256:..."));
        }
        Ok(Self { name: name.to_owned(), tag: tag.map(str::to_owned), digest: digest.map(str::to_owned) })
    }
}

/// True for a registry and repository without tag or digest.
pub(crate) fn is_name(name: &str) -> bool {
    let mut parts = name.split('/');
    let first = parts.next().unwrap_or_default();
    let rest: Vec<&str> = parts.collect();
    let component = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
            && part.ends_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
            && part.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-".contains(c))
    };
    let host = |part: &str| {
        let (host, port) = part.split_once(':').map_or((part, None), |(host, port)| (host, Some(port)));
        !host.is_empty()
            && host.chars().all(|c| c.is_ascii_alphanumeric() || ".-".contains(c))
            && !host.starts_with(['.', '-'])
            && !host.ends_with(['.', '-'])
            && port.is_none_or(|port| port.parse::<u16>().is_ok())
    };
    name.len() <= 255
        && if rest.is_empty() {
            component(first)
        } else {
            (component(first) || host(first)) && rest.iter().all(|part| component(part))
        }
}

fn is_tag(tag: &str) -> bool {
    (1..=128).contains(&tag.len())
        && !tag.starts_with(['.', '-'])
        && tag.chars().all(|c| c.is_ascii_alphanumeric() || "_.-".contains(c))
}

fn is_digest(digest: &str) -> bool {
    digest
        .strip_prefix("sha256:")
        .is_some_and(|hex| hex.len() == 64 && hex.chars().all(|c| matches!(c, '0'..='9' | 'a'..='f')))
}

/// Tag and digest of `image` where its name is exactly `name`, as Kustomize's image transformer compares them.
pub(crate) fn matches_name<'a>(image: &'a str, name: &str) -> Option<(Option<&'a str>, Option<&'a str>)> {
    let rest = image.strip_prefix(name)?;
    let word = |text: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || "_.{}-".contains(c));
    let (tag, digest) = match rest.split_once('@') {
        Some((tag, digest)) => (tag, Some(digest)),
        None => (rest, None),
    };
    let tag = match tag {
        "" => None,
        tag => Some(tag.strip_prefix(':').filter(|tag| word(tag))?),
    };
    if digest.is_some_and(|digest| !digest.strip_prefix("sha256:").is_some_and(word)) {
        return None;
    }
    Some((tag.filter(|tag| !tag.is_empty()), digest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references() {
        let digest = format!("sha256:{}", "a".repeat(64));
        for text in [
            "openclaw:1",
            "ghcr.io/openclaw/openclaw:2026.8.2-slim",
            "localhost:5000/a/b:x",
            &format!("a/b@{digest}"),
            &format!("a/b:t@{digest}"),
        ] {
            assert_eq!(text.parse::<PinnedImage>().unwrap().to_string(), *text);
        }
        for (text, message) in [
            ("openclaw", "pinned to nothing"),
            ("localhost:5000/a", "pinned to nothing"),
            ("", "no image reference"),
            ("UPPER:1", "no image reference"),
            ("a/b:", "malformed tag"),
            ("a/b:.x", "malformed tag"),
            ("a/b@sha256:12", "malformed digest"),
            ("a b:1", "no image reference"),
        ] {
            let error = text.parse::<PinnedImage>().unwrap_err();
            assert!(error.contains(message), "{text}: {error}");
        }
    }

    #[test]
    fn a_bare_tag_is_one_of_the_fleets_repository() {
        let digest = format!("sha256:{}", "a".repeat(64));
        let given = |text: &str| PinnedImage::given(text, Some("ghcr.io/o/o")).unwrap().to_string();
        assert_eq!(given("2026.8.2"), "ghcr.io/o/o:2026.8.2");
        assert_eq!(given(&digest), format!("ghcr.io/o/o@{digest}"));
        assert_eq!(given("busybox:1.36"), "busybox:1.36");
        assert!(PinnedImage::given("2026.8.2", None).unwrap_err().contains("only a tag"));
    }

    #[test]
    fn placeholders_match_by_whole_name() {
        assert_eq!(matches_name("browser", "browser"), Some((None, None)));
        assert_eq!(matches_name("browser:1", "browser"), Some((Some("1"), None)));
        assert_eq!(matches_name("browser-ui", "browser"), None);
        assert_eq!(matches_name("x/browser", "browser"), None);
    }
}
