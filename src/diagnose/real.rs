//! What a real API server, scheduler and controllers (1.34) wrote about tenants that another hand than ours had made and
//! broken, one in each way.

use super::{Board, Code, Severity, Tiers};
use crate::{
    fleet::{
        At, Text,
        detail::{Opened, Storage},
    },
    index::{
        Delta, Fleet, Kind,
        digest::{Labels, detail, page},
    },
    manifest::Base,
};

const LISTS: [(Kind, &str); 7] = [
    (Kind::Namespace, include_str!("real/namespaces.json")),
    (Kind::Pod, include_str!("real/pods.json")),
    (Kind::StatefulSet, include_str!("real/statefulsets.json")),
    (Kind::Claim, include_str!("real/claims.json")),
    (Kind::Quota, include_str!("real/quotas.json")),
    (Kind::Warning, include_str!("real/events.json")),
    (Kind::Node, include_str!("real/nodes.json")),
];

fn now() -> At {
    At::parse("2026-11-26T02:08:00Z").unwrap()
}

fn fleet() -> Fleet {
    let mut fleet = Fleet::default();
    for (kind, text) in LISTS {
        let read = page(kind, &Labels::default(), text.as_bytes()).unwrap();
        assert_eq!(read.unreadable, 0, "{kind:?}");
        fleet.apply(Delta::Resync { kind, namespace: None, facets: read.facets }, now());
    }
    fleet
}

fn board(fleet: &Fleet) -> Board {
    let mut board = Board::new(Tiers::of(&Base::embedded().unwrap()));
    board.update_all(fleet, now());
    board
}

#[test]
fn the_first_finding_is_what_was_broken() {
    let fleet = fleet();
    let board = board(&fleet);
    for (tenant, code, about) in [
        ("t0002", Code::GatewayOom, "gateway memory"),
        ("t0003", Code::ImageMissing, "registry.example/openclaw:1.4.2"),
        ("t0005", Code::GatewayNotReady, "HTTP probe failed with statuscode: 503"),
        ("t0006", Code::NamespaceStuck, "finalizer backup.example.com/upload"),
        ("t0007", Code::QuotaRefused, "limits.memory, requests.memory"),
        ("t0009", Code::NoNodeMatches, "node selector"),
        ("t0010", Code::NoRoom, "memory"),
        ("t0011", Code::ClassMissing, "nowhere"),
        ("t0012", Code::ClaimMissing, "absent"),
        ("t0013", Code::ServiceAccountMissing, "nobody"),
        ("t0014", Code::LimitRangeRefused, "maximum memory usage per Container is 100Mi, but limit is 2Gi"),
    ] {
        let findings = board.of(&format!("tenant-{tenant}"));
        let first = findings.first().unwrap_or_else(|| panic!("{tenant}: nothing was found"));
        assert_eq!((first.code, first.about.as_str(), first.down), (code, about, true), "{tenant}: {findings:#?}");
    }
    let wrong: Vec<_> = board.of("tenant-t0001").iter().filter(|f| f.severity != Severity::Note).collect();
    assert!(wrong.is_empty(), "the one that nobody broke: {wrong:#?}");
}

#[test]
fn another_hands_doors_are_seen_when_they_are_looked_at() {
    fn of<T>(read: Result<detail::Placed<T>, crate::index::digest::DigestError>) -> Vec<T> {
        read.unwrap().into_iter().map(|(_, item)| item).collect()
    }
    let fleet = fleet();
    let mut board = board(&fleet);
    let sets = detail::set_details(LISTS[2].1.as_bytes()).unwrap();
    let opened = Opened {
        set: sets.into_iter().find(|(namespace, _)| namespace == "tenant-t0001").map(|(_, set)| set),
        policies: Some(of(detail::network_policies(include_bytes!("real/networkpolicies.json")))),
        services: Some(of(detail::services(include_bytes!("real/services.json")))),
        ingresses: Some(of(detail::ingresses(include_bytes!("real/ingresses.json")))),
        limits: Some(vec![]),
        ..Opened::default()
    };
    board.opened(&fleet, &Text::from("tenant-t0001"), opened, now());
    let storage = Storage {
        volumes: of(detail::persistent_volumes(include_bytes!("real/persistentvolumes.json"), &Labels::default())),
        classes: of(detail::storage_classes(include_bytes!("real/storageclasses.json"))),
    };
    assert!(storage.classes.iter().any(|c| c.is_default));
    board.stored(&fleet, storage, now());
    let codes: Vec<_> = board.of("tenant-t0001").iter().map(|f| f.code).collect();
    for code in [Code::IngressNoTls, Code::NetworkWide, Code::LimitRangeMissing, Code::ReclaimDeletes] {
        assert!(codes.contains(&code), "{code} is not among {codes:?}");
    }
    assert!(!codes.contains(&Code::ServiceMissing) && !codes.contains(&Code::OrphanClaim), "{codes:?}");
}

#[test]
fn many_tenants_of_one_cause_are_one() {
    let fleet = fleet();
    let board = board(&fleet);
    let causes = board.causes();
    let down: usize = causes.0.iter().filter(|c| c.down).map(|c| c.tenants.len()).sum();
    assert!(down >= 11, "{causes:#?}");
    let pending = causes.0.iter().find(|c| c.code == Code::ClassMissing).unwrap();
    assert_eq!(pending.title(), "storage class is missing: nowhere");
}
