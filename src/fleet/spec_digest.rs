//! Tells whether a tenant's stored spec is still the one that was seen, without holding it.

use std::{fmt, num::NonZeroU64, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use sha2::{Digest as _, Sha256};

/// The head of the SHA-256 of the annotation's text; the same in every version of this program.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SpecDigest(NonZeroU64);

impl SpecDigest {
    pub fn of(text: &str) -> Self {
        let [a, b, c, d, e, f, g, h, ..] = <[u8; 32]>::from(Sha256::digest(text.as_bytes()));
        Self::of_bits(u64::from_be_bytes([a, b, c, d, e, f, g, h]))
    }
}

impl SpecDigest {
    /// Of 2^64 digests two are one: an `Option` of it takes no more room.
    fn of_bits(bits: u64) -> Self {
        Self(NonZeroU64::new(bits).unwrap_or(NonZeroU64::MIN))
    }
}

impl fmt::Display for SpecDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl fmt::Debug for SpecDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for SpecDigest {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = text.len() == 16 && text.bytes().all(|b| b.is_ascii_hexdigit());
        let bits = u64::from_str_radix(text, 16).ok().filter(|_| digits);
        bits.map(Self::of_bits).ok_or("expected 16 hexadecimal digits")
    }
}

impl Serialize for SpecDigest {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for SpecDigest {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differs_with_the_text_and_reads_what_it_prints() {
        let digest = SpecDigest::of("{}");
        assert_eq!(digest.to_string(), "44136fa355b3678a");
        assert_eq!(digest.to_string().parse(), Ok(digest));
        assert_ne!(digest, SpecDigest::of("{ }"));
        for wrong in ["", "44136fa355b3678", "+4136fa355b3678a", "44136fa355b3678g"] {
            assert!(wrong.parse::<SpecDigest>().is_err(), "{wrong}");
        }
    }
}
