//! Random specs, every field in every shape; the same seed gives the same specs.

use fastrand::Rng;
use fleetdeck::manifest::{Defaults, Issuer, IssuerKind, KeyRef, LiteLlmTarget, TenantDraft, TenantSpec, Toleration};
use std::collections::{BTreeMap, BTreeSet};

pub(super) fn spec(rng: &mut Rng, n: usize) -> TenantSpec {
    let hex = |rng: &mut Rng| (0..64).map(|_| char::from_digit(rng.u32(0..16), 16).unwrap()).collect::<String>();
    let image = match rng.u8(0..4) {
        0 => "2026.8.2-1".to_owned(),
        1 => format!("sha256:{}", hex(rng)),
        2 => format!("registry.example.com:5000/team/openclaw:2026.9.{}@sha256:{}", rng.u8(0..9), hex(rng)),
        _ => format!("ghcr.io/openclaw/openclaw:2026.9.{}-slim", rng.u8(0..9)),
    };
    let draft = TenantDraft {
        id: id(rng, n),
        tier: pick(rng, &["pro", "max"]),
        image,
        browser_image: maybe(rng, |_| "docker.io/browserless/chrome:1.61.1".to_owned()),
        browser_ui_image: maybe(rng, |rng| format!("kasmweb/chrome@sha256:{}", hex(rng))),
        host: Some(format!("{}.{}", word(rng), pick(rng, &["oclaw.example.com", "example.org", "a.b.c.d.example"]))),
        owner: maybe(rng, |rng| {
            pick(
                rng,
                &[
                    "@maria",
                    "Jörg \"J\" O'Neil",
                    "yes",
                    "0644",
                    "# not: a comment",
                    "名前 😀",
                    "<&>",
                    "{a: b}",
                    " padded ",
                ],
            )
        }),
        suspended: rng.bool(),
        app_claim: maybe(rng, |rng| format!("app-data-{}", word(rng))),
        config_claim: maybe(rng, |rng| format!("config-data-{}", word(rng))),
        app_size_gi: maybe(rng, |rng| rng.u32(20..=50)),
        config_size_gi: maybe(rng, |rng| rng.u32(20..=50)),
        storage_class: maybe(rng, |rng| pick(rng, &["managed-csi", "standard", "yes", "1e3"])),
        ingress_class: maybe(rng, |rng| pick(rng, &["nginx", "n", "0x1f"])),
        issuer: maybe(rng, |rng| Issuer {
            kind: if rng.bool() { IssuerKind::ClusterIssuer } else { IssuerKind::Issuer },
            name: pick(rng, &["letsencrypt-prod", "null", "on"]),
        }),
        litellm: maybe(rng, litellm),
        litellm_key: maybe(rng, |rng| KeyRef {
            secret: pick(rng, &["litellm", "proxy-key"]),
            key: pick(rng, &["api-key", "KEY_1", "007"]),
        }),
        node_selector: pairs(rng),
        tolerations: (0..rng.usize(0..3)).map(|_| toleration(rng)).collect(),
        image_pull_secrets: set(rng, &["ghcr", "mirror", "a.b"]),
        labels: pairs(rng),
        options: if rng.u8(0..3) == 0 { BTreeSet::from(["stand-in".to_owned()]) } else { BTreeSet::new() },
    };
    let defaults = Defaults {
        ingress_namespace: maybe(rng, |rng| pick(rng, &["ingress", "traefik", "true"])),
        control_namespace: maybe(rng, |rng| pick(rng, &["bots", "123"])),
        trusted_proxies: set(rng, &["10.244.7.0/28", "fd00::7", "10.0.0.7"]),
        node_local_dns: set(rng, &["169.254.20.10", "fd00::10"]).iter().map(|text| text.parse().unwrap()).collect(),
        excluded_cidrs: set(rng, &["20.0.0.0/14", "2603:1000::/24", "10.0.0.0/8"]),
        tolerations: vec![toleration(rng)],
        node_selector: pairs(rng),
        ..Defaults::default()
    };
    draft.resolve(&defaults).unwrap_or_else(|error| panic!("the generator made a spec that breaks a rule: {error}"))
}

fn id(rng: &mut Rng, n: usize) -> String {
    match rng.u8(0..4) {
        0 => format!("{n}"),
        1 => format!("{}{n}", "x".repeat(36)),
        2 => format!("1e{}", n % 300),
        _ => format!("t-{n}"),
    }
}

fn litellm(rng: &mut Rng) -> LiteLlmTarget {
    match rng.u8(0..4) {
        0 => LiteLlmTarget::Url { url: "https://llm.example.com/".to_owned(), cidrs: BTreeSet::new() },
        1 => LiteLlmTarget::Url { url: "http://10.1.2.3:4001/v1".to_owned(), cidrs: set_of(&["10.1.2.3/32"]) },
        2 => LiteLlmTarget::Url {
            url: "https://llm.internal:8443".to_owned(),
            cidrs: set_of(&["10.9.0.0/16", "fd09::/64"]),
        },
        _ => LiteLlmTarget::Service {
            name: "proxy".to_owned(),
            namespace: pick(rng, &["models", "off"]),
            port: rng.u16(1..=65535),
            pods: pairs(rng),
        },
    }
}

fn toleration(rng: &mut Rng) -> Toleration {
    let exists = rng.bool();
    let effect = pick(rng, &["NoSchedule", "NoExecute", "PreferNoSchedule"]);
    Toleration {
        key: if exists && rng.bool() { None } else { Some(pick(rng, &["openclaw.ai/workload", "dedicated"])) },
        operator: if exists { Some("Exists".to_owned()) } else { maybe(rng, |_| "Equal".to_owned()) },
        value: if exists { None } else { Some(pick(rng, &["tenant", "true", "1", ""])) },
        toleration_seconds: if effect == "NoExecute" { maybe(rng, |rng| rng.i64(0..4000)) } else { None },
        effect: Some(effect),
    }
}

fn pairs(rng: &mut Rng) -> BTreeMap<String, String> {
    let keys = ["team", "example.com/zone", "b1e3", "tier", "5.x/y"];
    let values = ["blue", "", "true", "1.0", "0x1f", "2026-08-02", "a_b.c-d", "1_000"];
    (0..rng.usize(0..4)).map(|_| (pick(rng, &keys), pick(rng, &values))).collect()
}

fn set(rng: &mut Rng, from: &[&str]) -> BTreeSet<String> {
    from.iter().filter(|_| rng.bool()).map(|text| (*text).to_owned()).collect()
}

fn set_of(from: &[&str]) -> BTreeSet<String> {
    from.iter().map(|text| (*text).to_owned()).collect()
}

fn maybe<T>(rng: &mut Rng, make: impl FnOnce(&mut Rng) -> T) -> Option<T> {
    if rng.bool() { Some(make(rng)) } else { None }
}

fn pick(rng: &mut Rng, from: &[&str]) -> String {
    from[rng.usize(0..from.len())].to_owned()
}

fn word(rng: &mut Rng) -> String {
    (0..rng.usize(1..8)).map(|_| char::from(b'a' + rng.u8(0..26))).collect()
}
