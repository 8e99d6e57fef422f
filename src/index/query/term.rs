//! One term of a filter.

use std::{cmp::Ordering, net::IpAddr};

use crate::fleet::{At, ImageRef, Phase, Tenant, image::Version};

use super::{super::fleet::Entry, QueryError};

pub(super) const KEYS: &[(&str, &str)] = &[
    ("phase", "Failing, Degraded, Booting, Starting, Ready, Suspended, ..."),
    ("stage", "the stage it is booting through"),
    ("tier", "pro, max"),
    ("image", "wanted image: part of it, or a version: image:<2026.8.2"),
    ("node", "node of its pod; node:=tenants-1 is that one and not tenants-10"),
    ("host", "its host name"),
    ("owner", "its owner's handle"),
    ("ns", "its namespace"),
    ("why", "words of the reason"),
    ("age", "age of the tenant: age:<10m"),
    ("since", "time in the phase: since:>5m"),
    ("restarts", "restarts of its containers: restarts:>3"),
    ("disk", "percent used of its fullest volume: disk:>80"),
];

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Term {
    negated: bool,
    test: Test,
}

#[derive(Clone, Debug, PartialEq)]
enum Test {
    /// Any of the texts a person has in hand: id, host, owner, namespace, pod, address, image.
    Word(String),
    Phase(Vec<&'static str>),
    Part(Field, Vec<String>),
    Number(Measure, Ordering, u64),
    Version(Ordering, Version),
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Field {
    Stage,
    Tier,
    Image,
    Node,
    Host,
    Owner,
    Namespace,
    Why,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Measure {
    Age,
    Since,
    Restarts,
    Disk,
}

impl Term {
    pub(super) fn parse(text: &str) -> Result<Self, QueryError> {
        let Some((key, value)) = text.split_once(':').filter(|(key, _)| !key.is_empty()) else {
            let (negated, word) = negation(text);
            return Ok(Self { negated, test: Test::Word(word.to_lowercase()) });
        };
        let (negated, value) = negation(value);
        if value.is_empty() {
            return Err(QueryError(format!("{key}: needs a value")));
        }
        let test = typed(text, &key.to_lowercase(), value)?;
        Ok(Self { negated, test })
    }

    pub(super) fn holds(&self, entry: &Entry, now: At) -> bool {
        self.test.holds(entry, now) != self.negated
    }
}

fn negation(text: &str) -> (bool, &str) {
    text.strip_prefix('!').map_or((false, text), |rest| (true, rest))
}

fn typed(text: &str, key: &str, value: &str) -> Result<Test, QueryError> {
    let field = match key {
        "phase" => return phases(text, value),
        "age" => return number(text, Measure::Age, value),
        "since" => return number(text, Measure::Since, value),
        "restarts" => return number(text, Measure::Restarts, value),
        "disk" => return number(text, Measure::Disk, value),
        "image" => match comparison(value) {
            Some((order, version)) => {
                let version = Version::parse(version)
                    .ok_or_else(|| QueryError(format!("{text}: not a version (expected e.g. image:<2026.8.2)")))?;
                return Ok(Test::Version(order, version));
            }
            None => Field::Image,
        },
        "stage" => Field::Stage,
        "tier" => Field::Tier,
        "node" => Field::Node,
        "host" => Field::Host,
        "owner" => Field::Owner,
        "ns" | "namespace" => Field::Namespace,
        "why" => Field::Why,
        _ => {
            let known: Vec<_> = KEYS.iter().map(|(key, _)| *key).collect();
            return Err(QueryError(format!("{key}: is no key; known are {}", known.join(", "))));
        }
    };
    Ok(Test::Part(field, value.to_lowercase().split(',').map(str::to_owned).collect()))
}

fn phases(text: &str, value: &str) -> Result<Test, QueryError> {
    let word = |part: &str| {
        Phase::WORDS
            .into_iter()
            .find(|w| w.eq_ignore_ascii_case(part))
            .ok_or_else(|| QueryError(format!("{text}: no such phase; known are {}", Phase::WORDS.join(", "))))
    };
    value.split(',').map(word).collect::<Result<_, _>>().map(Test::Phase)
}

fn comparison(value: &str) -> Option<(Ordering, &str)> {
    let order = match value.as_bytes().first()? {
        b'<' => Ordering::Less,
        b'>' => Ordering::Greater,
        _ => return None,
    };
    Some((order, &value[1..]))
}

fn number(text: &str, measure: Measure, value: &str) -> Result<Test, QueryError> {
    let Some((order, rest)) = comparison(value) else {
        return Err(QueryError(format!("{text}: expected a comparison with < or >")));
    };
    let (parsed, what) = match measure {
        Measure::Age | Measure::Since => (seconds(rest), "not a duration (expected e.g. 90s, 10m, 5h, 2d)"),
        Measure::Restarts | Measure::Disk => (rest.trim_end_matches('%').parse().ok(), "not a number"),
    };
    let bound = parsed.ok_or_else(|| QueryError(format!("{text}: {what}")))?;
    Ok(Test::Number(measure, order, bound))
}

/// `90s`, `10m`, `5h`, `2d`; a bare number is seconds.
fn seconds(text: &str) -> Option<u64> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let size = match &text[digits.len()..] {
        "" | "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return None,
    };
    digits.parse::<u64>().ok()?.checked_mul(size)
}

impl Test {
    fn holds(&self, entry: &Entry, now: At) -> bool {
        let tenant = &entry.tenant;
        match self {
            Self::Word(word) => has_word(tenant, word),
            Self::Phase(words) => words.contains(&entry.verdict.phase.word()),
            Self::Part(field, parts) => {
                let text = field.of(entry);
                parts.iter().any(|part| match (part.strip_prefix('='), text) {
                    (Some(whole), text) => text.unwrap_or_default().eq_ignore_ascii_case(whole),
                    (None, Some(text)) if *field == Field::Tier => text.eq_ignore_ascii_case(part),
                    (None, Some(text)) => contains(text, part),
                    (None, None) => false,
                })
            }
            Self::Number(measure, order, bound) => {
                measure.of(entry, now).is_some_and(|value| value.cmp(bound) == *order)
            }
            Self::Version(order, bound) => {
                let version = tenant.wanted_image().and_then(|i| Version::parse(i.tag?));
                version.is_some_and(|v| v.cmp(bound) == *order)
            }
        }
    }
}

impl Field {
    fn of(self, entry: &Entry) -> Option<&str> {
        let tenant = &entry.tenant;
        let namespace = tenant.namespace.as_ref();
        match self {
            Self::Stage => match &entry.verdict.phase {
                Phase::Booting { stage, .. } => Some(stage),
                _ => None,
            },
            Self::Tier => tenant.tier.as_ref().map(crate::fleet::Tier::as_str),
            Self::Image => image_text(tenant),
            Self::Node => tenant.pod()?.node.as_deref(),
            Self::Host => namespace?.host.as_deref(),
            Self::Owner => namespace?.owner.as_deref(),
            Self::Namespace => Some(&tenant.namespace_name),
            Self::Why => Some(&entry.verdict.why),
        }
    }
}

impl Measure {
    fn of(self, entry: &Entry, now: At) -> Option<u64> {
        let tenant = &entry.tenant;
        match self {
            Self::Age => {
                let created = tenant.namespace.as_ref().and_then(|n| n.created);
                let created = created.or_else(|| tenant.set().and_then(|s| s.created))?;
                Some(u64::from(now.since(created)))
            }
            Self::Since => entry.verdict.since.map(|at| u64::from(now.since(at))),
            Self::Restarts => Some(u64::from(tenant.pod()?.restarts())),
            Self::Disk => tenant.fullest().map(|(_, percent)| u64::from(percent)),
        }
    }
}

pub(in crate::index) fn image_text(tenant: &Tenant) -> Option<&str> {
    let of_set = tenant.set().and_then(|s| s.image.as_deref());
    of_set.or_else(|| tenant.pod()?.gateway().map(|c| c.image.as_str()))
}

/// `part` is lower case already.
fn contains(text: &str, part: &str) -> bool {
    if text.is_ascii() && part.is_ascii() {
        let (text, part) = (text.as_bytes(), part.as_bytes());
        part.is_empty() || text.windows(part.len()).any(|w| w.eq_ignore_ascii_case(part))
    } else {
        text.to_lowercase().contains(part)
    }
}

fn has_word(tenant: &Tenant, word: &str) -> bool {
    let namespace = tenant.namespace.as_ref();
    let pod = tenant.pod();
    let texts = [
        Some(tenant.id.as_str()),
        Some(tenant.namespace_name.as_str()),
        namespace.and_then(|n| n.host.as_deref()),
        namespace.and_then(|n| n.owner.as_deref()),
        pod.map(|p| p.name.as_str()),
        image_text(tenant).map(|text| ImageRef::parse(text).short()),
    ];
    texts.into_iter().flatten().any(|text| contains(text, word))
        || pod.and_then(|p| p.ip).is_some_and(|ip| in_address(ip, word))
        || abbreviates(word, &tenant.id)
}

/// Writing an address costs more than looking whether `word` could be a piece of one.
fn in_address(ip: IpAddr, word: &str) -> bool {
    let could = word.bytes().all(|b| b.is_ascii_hexdigit() || matches!(b, b'.' | b':'));
    could && contains(&ip.to_string(), word)
}

/// The letters of `word` begin the id and stand in it in this order: `mk` for `maria-k`.
fn abbreviates(word: &str, id: &str) -> bool {
    if word.is_empty() || word.chars().next() != id.chars().next() {
        return false;
    }
    let mut rest = id.chars();
    word.chars().all(|c| rest.any(|other| other == c))
}
