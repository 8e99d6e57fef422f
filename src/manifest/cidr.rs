//! Address ranges in `address/bits` form.

use std::net::IpAddr;

use ipnet::IpNet;

/// Reads `10.0.0.0/8` or `fd00::/8`; bits below the mask must be zero, as the API server warns of others.
pub(crate) fn parse(text: &str) -> Result<IpNet, String> {
    let range: IpNet =
        text.parse().map_err(|_| format!("{text:?} is no address range: write 10.0.0.0/8 or fd00::/8"))?;
    if matches!(range.addr(), IpAddr::V6(mapped) if mapped.to_ipv4_mapped().is_some()) {
        return Err(format!("{text:?}: the API server takes such a range for an IPv4 one; write it as that"));
    }
    if range.trunc() != range {
        return Err(format!("{text:?} has bits set below its mask"));
    }
    Ok(range)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges() {
        for text in ["10.0.0.0/8", "0.0.0.0/0", "::/0", "fd00::/8", "1.2.3.4/32"] {
            assert_eq!(parse(text).unwrap().to_string(), text);
        }
        for text in
            ["10.0.0.0", "10.0.0.1/8", "10.0.0.0/33", "10.0.0.0/-1", "x/8", "fd00::1/8", "::/129", "::ffff:0:0/96"]
        {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
