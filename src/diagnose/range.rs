//! Ranges of addresses, as network policies name them.

use std::net::IpAddr;

/// Addresses by their first bits, of one family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Range {
    v4: bool,
    /// The bits, from the highest on.
    bits: u128,
    length: u32,
}

impl Range {
    pub(super) fn parse(cidr: &str) -> Option<Self> {
        let (address, length) = cidr.split_once('/')?;
        let (v4, bits, most) = match address.parse().ok()? {
            IpAddr::V4(a) => (true, u128::from(a.to_bits()) << 96, 32),
            IpAddr::V6(a) => (false, a.to_bits(), 128),
        };
        let length = length.parse().ok().filter(|n| *n <= most)?;
        Some(Self { v4, bits: bits & Self::mask(length), length })
    }

    fn mask(length: u32) -> u128 {
        u128::MAX.checked_shl(128 - length).unwrap_or(0)
    }

    pub(super) fn covers(self, other: Self) -> bool {
        self.v4 == other.v4 && self.length <= other.length && other.bits & Self::mask(self.length) == self.bits
    }

    /// All of it, or a half: nobody writes more than that who means less.
    pub(super) fn is_world(self) -> bool {
        self.length <= 1
    }

    /// Each address of it is in one of these, whichever parts they are.
    pub(super) fn is_within(self, all: &[Self]) -> bool {
        if all.iter().any(|a| a.covers(self)) {
            return true;
        }
        if !all.iter().any(|a| self.covers(*a)) {
            return false;
        }
        // One that is smaller is in it, so that it has halves.
        let length = self.length + 1;
        let second = self.bits | 1_u128.checked_shl(128_u32.saturating_sub(length)).unwrap_or(0);
        [self.bits, second].into_iter().all(|bits| Self { bits, length, ..self }.is_within(all))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(cidr: &str) -> Range {
        Range::parse(cidr).unwrap()
    }

    #[test]
    fn a_range_covers_what_lies_in_it() {
        let check = |outer, inner, expect| assert_eq!(range(outer).covers(range(inner)), expect, "{outer} {inner}");
        check("10.0.0.0/8", "10.1.2.0/24", true);
        check("10.1.2.3/8", "10.0.0.0/8", true);
        check("10.1.2.0/24", "10.0.0.0/8", false);
        check("0.0.0.0/0", "255.255.255.255/32", true);
        check("::/0", "10.0.0.0/8", false);
        check("fc00::/7", "fd00:ec2::254/128", true);
        for wrong in ["10.0.0.0", "10.0.0.0/33", "::/129", "x/8", "10.0.0.0/-1"] {
            assert_eq!(Range::parse(wrong), None, "{wrong}");
        }
        assert!(range("::/0").is_world() && range("128.0.0.0/1").is_world() && !range("64.0.0.0/2").is_world());
    }

    #[test]
    fn parts_that_are_together_the_whole_hold_it() {
        let check = |whole, parts: &[&str], expect| {
            let parts: Vec<_> = parts.iter().map(|p| range(p)).collect();
            assert_eq!(range(whole).is_within(&parts), expect, "{whole}");
        };
        check("10.0.0.0/8", &["10.0.0.0/9", "10.128.0.0/10", "10.192.0.0/10"], true);
        check("10.0.0.0/8", &["10.0.0.0/9", "10.128.0.0/10"], false);
        check("::2/127", &["::2/128", "::3/128"], true);
        check("::2/127", &["::2/128"], false);
        check("::2/128", &[], false);
    }
}
