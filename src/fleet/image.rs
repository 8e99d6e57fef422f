//! Image references, and the order of OpenClaw's calendar versions.

use std::{cmp::Ordering, fmt};

/// The parts of an image reference such as `ghcr.io/openclaw/openclaw:2026.8.2@sha256:…`, borrowed from its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImageRef<'a> {
    pub repository: &'a str,
    pub tag: Option<&'a str>,
    pub digest: Option<&'a str>,
}

impl<'a> ImageRef<'a> {
    pub fn parse(text: &'a str) -> Self {
        let (name, digest) = match text.split_once('@') {
            Some((name, digest)) => (name, Some(digest)),
            None => (text, None),
        };
        // A colon before the last slash is a registry's port.
        let tag_at = name.rfind(':').filter(|colon| name.rfind('/').is_none_or(|slash| slash < *colon));
        match tag_at {
            Some(colon) => Self { repository: &name[..colon], tag: Some(&name[colon + 1..]), digest },
            None => Self { repository: name, tag: None, digest },
        }
    }

    /// What a person calls this image: its tag, else the head of its digest, else `latest`, which is what runs then.
    pub fn short(&self) -> &'a str {
        match (self.tag, self.digest) {
            (Some(tag), _) => tag,
            (None, Some(digest)) => {
                let hex = digest.strip_prefix("sha256:").unwrap_or(digest);
                hex.get(..12).unwrap_or(hex)
            }
            (None, None) => "latest",
        }
    }
}

/// An OpenClaw version `YYYY.M.P`, ordered as its makers do: `-2` is a later rebuild, `-beta.1` comes before the release.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    numbers: [u32; 3],
    suffix: Suffix,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Suffix {
    Beta(u32),
    Rebuild(u32),
}

impl Version {
    /// Reads a tag; variants (`-slim`, `-amd64`) are the same version. `None` for moving tags and foreign schemes.
    pub fn parse(tag: &str) -> Option<Self> {
        let mut parts = tag.split('-');
        let mut numbers = [0; 3];
        let mut found = 0;
        for text in parts.next()?.split('.') {
            *numbers.get_mut(found)? = text.parse().ok()?;
            found += 1;
        }
        if found != 3 || numbers[0] < 2_000 {
            return None;
        }
        let mut suffix = Suffix::Rebuild(0);
        for part in parts {
            if let Some(n) = part.strip_prefix("beta.") {
                suffix = Suffix::Beta(n.parse().ok()?);
            } else if let Ok(n) = part.parse() {
                suffix = Suffix::Rebuild(n);
            }
        }
        Some(Self { numbers, suffix })
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        (&self.numbers, &self.suffix).cmp(&(&other.numbers, &other.suffix))
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [y, m, p] = self.numbers;
        write!(f, "{y}.{m}.{p}")?;
        match self.suffix {
            Suffix::Beta(n) => write!(f, "-beta.{n}"),
            Suffix::Rebuild(0) => Ok(()),
            Suffix::Rebuild(n) => write!(f, "-{n}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_references_apart() {
        let check = |text, repository, tag, digest, short| {
            let image = ImageRef::parse(text);
            assert_eq!(image, ImageRef { repository, tag, digest }, "{text}");
            assert_eq!(image.short(), short, "{text}");
        };
        check("ghcr.io/openclaw/openclaw:2026.8.2", "ghcr.io/openclaw/openclaw", Some("2026.8.2"), None, "2026.8.2");
        check("localhost:5000/a", "localhost:5000/a", None, None, "latest");
        check("a:1@sha256:0123456789abcdef", "a", Some("1"), Some("sha256:0123456789abcdef"), "1");
        check("a@sha256:0123456789abcdef", "a", None, Some("sha256:0123456789abcdef"), "0123456789ab");
    }

    #[test]
    fn orders_versions_as_their_makers_do() {
        let order = ["2026.7.1", "2026.7.1-2", "2026.8.1-beta.1", "2026.8.1", "2026.8.2", "2026.10.1"];
        for pair in order.windows(2) {
            assert!(Version::parse(pair[0]).unwrap() < Version::parse(pair[1]).unwrap(), "{pair:?}");
        }
        assert_eq!(Version::parse("2026.8.2-slim"), Version::parse("2026.8.2"));
        for moving in ["latest", "main", "slim", "1.2", "1.2.3"] {
            assert_eq!(Version::parse(moving), None, "{moving}");
        }
    }
}
