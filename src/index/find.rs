//! Finds the tenant that a person means by whatever they have in hand.

use super::fleet::{Entry, Fleet};

/// What a text names.
#[derive(Clone, Debug, PartialEq)]
pub enum Found<'a> {
    One(&'a Entry),
    /// Several tenants answer to it, by namespace.
    Many(Vec<&'a Entry>),
    /// Nobody; these come close.
    Nobody(Vec<&'a Entry>),
}

/// Ways to name a tenant, the surest first: the first that anybody answers to decides.
const WAYS: [fn(&Entry, &str) -> bool; 7] = [
    |e, text| e.tenant.namespace_name == *text,
    |e, text| e.tenant.id == *text,
    |e, text| e.tenant.uid().is_some_and(|uid| uid.to_string() == text),
    |e, text| namespace(e, |n| n.host.as_deref()).is_some_and(|host| host.eq_ignore_ascii_case(text)),
    |e, text| e.tenant.pods.iter().any(|p| p.ip.is_some_and(|ip| text.parse() == Ok(ip))),
    |e, text| e.tenant.pods.iter().any(|p| is_pod(e, &p.name, text)),
    |e, text| {
        namespace(e, |n| n.owner.as_deref())
            .is_some_and(|owner| owner.trim_start_matches('@').eq_ignore_ascii_case(text.trim_start_matches('@')))
    },
];

fn namespace<'a>(entry: &'a Entry, get: impl Fn(&'a crate::fleet::Namespace) -> Option<&'a str>) -> Option<&'a str> {
    entry.tenant.namespace.as_ref().and_then(get)
}

/// `openclaw-0`, or `tenant-a/openclaw-0`.
fn is_pod(entry: &Entry, pod: &str, text: &str) -> bool {
    match text.split_once('/') {
        Some((namespace, name)) => entry.tenant.namespace_name == *namespace && name == pod,
        None => text == pod,
    }
}

/// Looks a text up: namespace, id, UID, host, IP, pod, owner's handle.
pub fn find<'a>(fleet: &'a Fleet, text: &str) -> Found<'a> {
    let text = text.trim();
    for way in WAYS {
        let mut hits: Vec<_> = fleet.iter().filter(|e| way(e, text)).collect();
        match hits.len() {
            0 => {}
            1 => return Found::One(hits.remove(0)),
            _ => return Found::Many(hits),
        }
    }
    let needle = text.to_lowercase();
    let near = fleet.iter().filter(|e| {
        let host = namespace(e, |n| n.host.as_deref()).unwrap_or_default().to_lowercase();
        !needle.is_empty() && (e.tenant.namespace_name.contains(&needle) || host.contains(&needle))
    });
    Found::Nobody(near.take(5).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        fleet::{Text, fixture::*},
        index::{Delta, Facet, Key, Part},
    };

    fn fleet() -> Fleet {
        let mut fleet = Fleet::default();
        let mut facets = Vec::new();
        let mut add = |n: u128, namespace: &str, id: &str, part: Part| {
            let key = Key { namespace: text(namespace), uid: uid(n) };
            facets.push(Facet { key, tenant: Some(Text::from(id)), tier: None, part });
        };
        for (n, namespace, id) in [(1, "tenant-maria", "maria"), (2, "tenant-leo", "leo"), (3, "old-leo", "leo")] {
            let mut pod = ready();
            pod.uid = uid(n);
            pod.ip = Some(format!("10.0.0.{n}").parse().unwrap());
            add(n, namespace, id, Part::Pod(pod));
        }
        let mut ns = tenant("maria", None).namespace.unwrap();
        (ns.uid, ns.host, ns.owner) = (uid(9), Some(text("maria.example")), Some(text("@maria_k")));
        add(9, "tenant-maria", "maria", Part::Namespace(ns));
        for facet in facets {
            fleet.apply(Delta::Upsert(Box::new(facet)), at(0));
        }
        fleet
    }

    #[test]
    fn by_whatever_is_in_hand() {
        let fleet = fleet();
        for text in [
            "maria",
            "tenant-maria",
            " Maria.Example",
            "10.0.0.1",
            "maria_k",
            "@Maria_K",
            "tenant-maria/openclaw-0",
            &uid(9).to_string(),
        ] {
            let Found::One(entry) = find(&fleet, text) else { panic!("{text}") };
            assert_eq!(entry.tenant.id, *"maria", "{text}");
        }
    }

    #[test]
    fn several_and_nobody_are_told_apart() {
        let fleet = fleet();
        assert!(matches!(find(&fleet, "leo"), Found::Many(hits) if hits.len() == 2));
        assert!(matches!(find(&fleet, "openclaw-0"), Found::Many(hits) if hits.len() == 3));
        assert!(matches!(find(&fleet, "old-leo"), Found::One(_)));
        assert!(matches!(find(&fleet, "mari"), Found::Nobody(near) if near.len() == 1));
        assert!(matches!(find(&fleet, "zoe"), Found::Nobody(near) if near.is_empty()));
        assert!(matches!(find(&fleet, ""), Found::Nobody(near) if near.is_empty()));
    }
}
