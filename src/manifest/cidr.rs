//! Address ranges in `address/bits` form.

use std::net::IpAddr;

/// A range, its address as given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cidr {
    pub(crate) address: IpAddr,
    pub(crate) bits: u8,
}

impl Cidr {
    /// Reads `10.0.0.0/8` or `fd00::/8`; bits below the mask must be zero, as the API server warns of others.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is no address range: write 10.0.0.0/8 or fd00::/8");
        let (address, bits) = text.split_once('/').ok_or_else(wrong)?;
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let bits: u8 = bits.parse().map_err(|_| wrong())?;
        if matches!(address, IpAddr::V6(mapped) if mapped.to_ipv4_mapped().is_some()) {
            return Err(format!("{text:?}: the API server takes such a range for an IPv4 one; write it as that"));
        }
        let width = if address.is_ipv4() { 32 } else { 128 };
        if bits > width {
            return Err(wrong());
        }
        let low = width - bits;
        let value = match address {
            IpAddr::V4(address) => u128::from(u32::from(address)),
            IpAddr::V6(address) => u128::from(address),
        };
        if low > 0 && value & (u128::MAX >> (128 - u32::from(low))) != 0 {
            return Err(format!("{text:?} has bits set below its mask"));
        }
        Ok(Self { address, bits })
    }

    /// The range of one address.
    pub(crate) fn host(address: IpAddr) -> Self {
        Self { address, bits: if address.is_ipv4() { 32 } else { 128 } }
    }
}

impl std::fmt::Display for Cidr {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.address, self.bits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges() {
        for text in ["10.0.0.0/8", "0.0.0.0/0", "::/0", "fd00::/8", "1.2.3.4/32"] {
            assert_eq!(Cidr::parse(text).unwrap().to_string(), text);
        }
        for text in ["10.0.0.0", "10.0.0.1/8", "10.0.0.0/33", "x/8", "fd00::1/8", "::/129", "::ffff:0:0/96"] {
            assert!(Cidr::parse(text).is_err(), "{text}");
        }
    }
}
