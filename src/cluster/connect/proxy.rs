//! Which proxy to go through. kube matches NO_PROXY against the proxy's own name instead of the server's, so the choice is
//! made here, as kubectl makes it.

use std::net::IpAddr;

use http::Uri;

/// The proxy variables; their lower-case forms come first.
#[derive(Debug, Default)]
pub(super) struct Environment {
    https: Option<String>,
    http: Option<String>,
    no: Option<String>,
}

impl Environment {
    pub(super) fn read() -> Self {
        let get = |name: &str| {
            let set = |n: &str| std::env::var(n).ok().filter(|v| !v.trim().is_empty());
            set(&name.to_ascii_lowercase()).or_else(|| set(name))
        };
        Self { https: get("HTTPS_PROXY"), http: get("HTTP_PROXY"), no: get("NO_PROXY") }
    }
}

/// The kubeconfig's own `proxy-url` always counts; the environment's unless NO_PROXY names the server or it is this
/// machine.
pub(super) fn choose(own: Option<&str>, server: &Uri, environment: &Environment) -> Result<Option<Uri>, String> {
    let parse = |text: &str| {
        let full = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
        full.parse::<Uri>().map(Some).map_err(|e| format!("the proxy address cannot be read: {e}"))
    };
    if let Some(own) = own {
        return parse(own);
    }
    let host = server.host().unwrap_or_default();
    let https = server.scheme_str() == Some("https");
    let proxy = if https { &environment.https } else { &environment.http };
    let Some(proxy) = proxy else { return Ok(None) };
    let port = server.port_u16().unwrap_or(if https { 443 } else { 80 });
    let spared =
        environment.no.as_deref().is_some_and(|no| no.split(',').any(|entry| matches(entry.trim(), host, port)));
    if spared || is_loopback(host) { Ok(None) } else { parse(proxy) }
}

pub(super) fn is_loopback(host: &str) -> bool {
    host == "localhost" || address(host).is_some_and(|ip| ip.is_loopback())
}

fn address(host: &str) -> Option<IpAddr> {
    host.trim_start_matches('[').trim_end_matches(']').parse().ok()
}

/// One entry of NO_PROXY: `*`, a name and all below it, `.below.only`, an address or a range of them; with or without a
/// port.
fn matches(entry: &str, host: &str, port: u16) -> bool {
    if entry.is_empty() {
        return false;
    }
    if entry == "*" {
        return true;
    }
    if let Some((network, bits)) = entry.split_once('/') {
        return match (address(network), bits.parse(), address(host)) {
            (Some(network), Ok(bits), Some(ip)) => in_network(ip, network, bits),
            _ => false,
        };
    }
    if let Some(ip) = address(entry) {
        return address(host) == Some(ip);
    }
    let name = match entry.rsplit_once(':') {
        Some((name, wanted)) if wanted.bytes().all(|b| b.is_ascii_digit()) => {
            if wanted.parse() != Ok(port) {
                return false;
            }
            name
        }
        _ => entry,
    };
    let (host, name) = (host.to_ascii_lowercase(), name.to_ascii_lowercase());
    let below = name.trim_start_matches('*').trim_start_matches('.');
    let is_below = host.strip_suffix(below).is_some_and(|rest| rest.ends_with('.'));
    if name.starts_with(['.', '*']) { is_below } else { host == below || is_below }
}

fn in_network(ip: IpAddr, network: IpAddr, bits: u32) -> bool {
    match (ip, network) {
        (IpAddr::V4(ip), IpAddr::V4(net)) if bits <= 32 => {
            let mask = u32::MAX.checked_shl(32 - bits).unwrap_or(0);
            ip.to_bits() & mask == net.to_bits() & mask
        }
        (IpAddr::V6(ip), IpAddr::V6(net)) if bits <= 128 => {
            let mask = u128::MAX.checked_shl(128 - bits).unwrap_or(0);
            ip.to_bits() & mask == net.to_bits() & mask
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_proxy_is_about_the_server() {
        let check = |no: &str, server: &str, proxied: bool| {
            let proxy = Some("http://proxy.corp:3128".to_owned());
            let environment = Environment { https: proxy.clone(), http: proxy, no: Some(no.to_owned()) };
            let server: Uri = server.parse().unwrap();
            let chosen = choose(None, &server, &environment).unwrap();
            assert_eq!(chosen.is_some(), proxied, "{no} {server}");
        };
        check("", "https://api.prod.example:6443", true);
        check("proxy.corp", "https://api.prod.example:6443", true);
        check("api.prod.example", "https://api.prod.example:6443", false);
        check("prod.example", "https://api.prod.example:6443", false);
        check(".prod.example", "https://prod.example", true);
        check("*.prod.example", "https://api.prod.example", false);
        check("od.example", "https://api.prod.example", true);
        check("API.prod.example:6443", "https://api.prod.example:6443", false);
        check("api.prod.example:443", "https://api.prod.example:6443", true);
        check("10.0.0.0/8, x", "https://10.1.2.3:6443", false);
        check("10.0.0.0/8", "https://11.1.2.3", true);
        check("10.1.2.3", "https://10.1.2.3", false);
        check("*", "http://anything", false);
        check("", "https://127.0.0.1:6443", false);
        check("", "https://[::1]:6443", false);
    }

    #[test]
    fn the_kubeconfigs_own_proxy_always_counts() {
        let environment = Environment { no: Some("*".to_owned()), ..Environment::default() };
        let server = Uri::from_static("https://api.example");
        let chosen = choose(Some("proxy:3128"), &server, &environment).unwrap();
        assert_eq!(chosen, Some(Uri::from_static("http://proxy:3128")));
        assert!(choose(Some("http://a b"), &server, &environment).is_err());
    }
}
