//! The identity of an object. Selection, marks, plans and deletes are bound to it, never to a name alone.

use std::{fmt, num::NonZeroU64, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// A Kubernetes UID (a UUID), 16 bytes, aligned as a pointer so that the facets need no padding; prints as the API server wrote it.
/// The second half of a UUID begins with its variant's bits and is never zero: an `Option` of it takes no more room.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Uid(u64, NonZeroU64);

/// The text is no UUID.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UidError(String);

impl fmt::Display for UidError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is not a UID", self.0)
    }
}

impl std::error::Error for UidError {}

impl Uid {
    /// A second half of zero is taken for one of one: no UUID has it.
    pub const fn from_u128(bits: u128) -> Self {
        let low = match NonZeroU64::new(bits as u64) {
            Some(low) => low,
            None => NonZeroU64::MIN,
        };
        Self((bits >> 64) as u64, low)
    }
}

impl FromStr for Uid {
    type Err = UidError;

    fn from_str(text: &str) -> Result<Self, UidError> {
        let wrong = || UidError(text.chars().take(64).collect());
        let hyphens = [8, 13, 18, 23];
        if text.len() != 36 || hyphens.iter().any(|i| text.as_bytes()[*i] != b'-') {
            return Err(wrong());
        }
        let mut bits = 0_u128;
        for (i, byte) in text.bytes().enumerate() {
            if !hyphens.contains(&i) {
                let digit = char::from(byte).to_digit(16).ok_or_else(wrong)?;
                bits = bits << 4 | u128::from(digit);
            }
        }
        if bits as u64 == 0 {
            return Err(wrong());
        }
        Ok(Self::from_u128(bits))
    }
}

impl fmt::Display for Uid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let h = format!("{:016x}{:016x}", self.0, self.1);
        write!(f, "{}-{}-{}-{}-{}", &h[..8], &h[8..12], &h[12..16], &h[16..20], &h[20..])
    }
}

impl fmt::Debug for Uid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Uid {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Uid {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_one_takes_no_room() {
        assert_eq!(size_of::<Option<Uid>>(), 16);
        assert!("00000000-0000-0000-0000-000000000000".parse::<Uid>().is_err());
    }

    #[test]
    fn prints_what_it_read() {
        let text = "0a1b2c3d-0000-4000-8000-00000000000f";
        assert_eq!(text.parse::<Uid>().unwrap().to_string(), text);
        for bad in ["", "0a1b2c3d00004000800000000000000f", "0a1b2c3d-0000-4000-8000-00000000000g", "ü"] {
            assert!(bad.parse::<Uid>().is_err(), "{bad}");
        }
    }
}
