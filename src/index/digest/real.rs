//! What a real API server (1.34) wrote about tenants that were not made by this program.

use super::*;
use crate::{
    fleet::{At, Phase, Quantity, State},
    index::{Delta, Fleet, Part},
};

const NAMESPACES: &str = include_str!("real/namespaces.json");
const PODS: &str = include_str!("real/pods.json");
const SETS: &str = include_str!("real/statefulsets.json");
const CLAIMS: &str = include_str!("real/claims.json");
const QUOTAS: &str = include_str!("real/quotas.json");
const EVENTS: &str = include_str!("real/events.json");

const ALL: [(Kind, &str); 6] = [
    (Kind::Namespace, NAMESPACES),
    (Kind::Pod, PODS),
    (Kind::StatefulSet, SETS),
    (Kind::Claim, CLAIMS),
    (Kind::Quota, QUOTAS),
    (Kind::Warning, EVENTS),
];

fn read(kind: Kind, text: &str) -> Page {
    page(kind, &Labels::default(), text.as_bytes()).unwrap()
}

#[test]
fn every_kind_is_read_whole() {
    for (kind, text) in ALL {
        let page = read(kind, text);
        assert_eq!(page.unreadable, 0, "{kind:?}");
        assert!(!page.facets.is_empty(), "{kind:?}");
        assert!(page.version.is_some(), "{kind:?}");
        assert!(page.facets.iter().all(|f| f.part.kind() == kind));
        if kind != Kind::Warning {
            assert!(page.facets.iter().all(|f| f.tenant.is_some() && f.tier.is_some()), "{kind:?}");
        }
    }
}

#[test]
fn a_pod_has_its_stages_and_times() {
    let page = read(Kind::Pod, PODS);
    let Part::Pod(pod) = &page.facets[0].part else { panic!() };
    assert_eq!(
        (&*pod.name, pod.owner.as_deref(), pod.stages.len(), pod.containers.len()),
        ("openclaw-0", Some("openclaw"), 7, 3)
    );
    assert_eq!(pod.stages[3].name, *"rehydrate-runtime-apt");
    assert!(pod.is_ready() && pod.ip.is_some() && pod.node.is_some() && pod.revision.is_some());
    for stage in &pod.stages {
        let State::Terminated(t) = &stage.state else { panic!("{stage:?}") };
        assert_eq!(t.exit_code, 0);
        assert!(t.started.unwrap() <= t.finished.unwrap());
    }
    let gateway = pod.gateway().unwrap();
    assert_eq!((&*gateway.image, gateway.ready), ("registry.example/openclaw:1.4.2", true));

    let Part::Pod(stuck) = &page.facets[1].part else { panic!() };
    assert_eq!(stuck.all().find_map(|c| c.trouble()), Some("ImagePullBackOff"));
    assert!(!stuck.is_ready());
}

#[test]
fn sets_claims_and_quotas_tell_their_numbers() {
    let Part::StatefulSet(set) = &read(Kind::StatefulSet, SETS).facets[0].part.clone() else { panic!() };
    assert_eq!((set.wanted, set.ready, set.updated, set.generation, set.observed_generation), (1, 1, 1, 1, 1));
    assert_eq!(
        (set.image.as_deref(), set.on_delete, set.retention_deletes),
        (Some("registry.example/openclaw:1.4.2"), false, false)
    );
    assert!(set.update_revision.is_some());

    let claims = read(Kind::Claim, CLAIMS).facets;
    assert_eq!(claims.len(), 2);
    let Part::Claim(claim) = &claims[0].part else { panic!() };
    assert_eq!((claim.phase, claim.requested), (crate::fleet::ClaimPhase::Bound, "1Gi".parse::<Quantity>().ok()));
    assert!(claim.volume_name() == Some(format!("pvc-{}", claim.uid)) && claim.class.is_some());

    let Part::Quota(quota) = &read(Kind::Quota, QUOTAS).facets[0].part.clone() else { panic!() };
    let pods = quota.entry("pods").unwrap();
    assert_eq!((pods.hard, pods.used), (Quantity::whole(4), Some(Quantity::whole(1))));
}

#[test]
fn of_events_only_warnings_are_kept() {
    let page = read(Kind::Warning, EVENTS);
    let written = EVENTS.matches(r#""type":"Warning""#).count();
    assert_eq!(page.facets.len(), written);
    let Part::Warning(w) = &page.facets[0].part else { panic!() };
    assert!(w.count >= 1 && w.first.is_some() && w.last >= w.first && w.object_uid.is_some() && !w.message.is_empty());
}

#[test]
fn together_they_are_a_fleet() {
    let mut fleet = Fleet::default();
    let now = At::parse("2026-11-24T20:05:00Z").unwrap();
    for (kind, text) in ALL {
        fleet.apply(Delta::Resync { kind, namespace: None, facets: read(kind, text).facets }, now);
    }
    fleet.apply(Delta::Resync { kind: Kind::Node, namespace: None, facets: vec![] }, now);
    assert!(fleet.sources().settled());
    assert_eq!(fleet.get("tenant-t0001").unwrap().verdict.phase, Phase::Ready);
    let stuck = &fleet.get("tenant-t0002").unwrap().verdict;
    assert_eq!(stuck.phase, Phase::Failing);
    assert!(stuck.why.contains("ImagePullBackOff"), "{}", stuck.why);
}

/// Cuts every field of every real object, or makes it another type, one at a time: nothing may panic, and a fault below
/// `metadata` never costs the object.
#[test]
fn no_missing_or_wrong_field_costs_an_object() {
    fn paths(value: &serde_json::Value, at: &str, out: &mut Vec<String>) {
        match value {
            serde_json::Value::Object(map) => {
                for (key, inner) in map {
                    let path = format!("{at}/{}", key.replace('~', "~0").replace('/', "~1"));
                    out.push(path.clone());
                    paths(inner, &path, out);
                }
            }
            serde_json::Value::Array(list) => {
                list.iter().enumerate().for_each(|(i, v)| paths(v, &format!("{at}/{i}"), out));
            }
            _ => {}
        }
    }
    let wrong = [
        serde_json::json!(null),
        serde_json::json!(-1),
        serde_json::json!("\u{1b}x"),
        serde_json::json!([{}]),
        serde_json::json!({"a": []}),
    ];
    for (kind, text) in ALL {
        let whole: serde_json::Value = serde_json::from_str(text).unwrap();
        // Take a Warning where there are Normal events too.
        let items = whole["items"].as_array().unwrap();
        let item = items.iter().find(|i| i["type"] == "Warning").unwrap_or(&items[0]);
        let mut all = Vec::new();
        paths(item, "", &mut all);
        // Of many alike (seven stages), one will do.
        let mut seen = std::collections::BTreeSet::new();
        all.retain(|p| {
            let pattern: String = p.split('/').map(|s| if s.parse::<u32>().is_ok() { "/*" } else { s }).collect();
            !p.contains("managedFields") && seen.insert(pattern)
        });
        for path in all {
            for value in &wrong {
                let mut broken = item.clone();
                *broken.pointer_mut(&path).unwrap() = value.clone();
                let list = serde_json::json!({"kind": "XList", "metadata": {}, "items": [broken, item]}).to_string();
                let page = read(kind, &list);
                let identity = ["/metadata", "/metadata/name", "/metadata/namespace", "/metadata/uid", "/type"];
                let expect = if identity.contains(&path.as_str()) { 1.. } else { 2.. };
                assert!(expect.contains(&page.facets.len()), "{kind:?} {path} = {value}");
                let mut fleet = Fleet::default();
                let now = At::parse("2026-11-24T20:05:00Z").unwrap();
                fleet.apply(Delta::Resync { kind, namespace: None, facets: page.facets }, now);
            }
        }
    }
}

#[test]
fn the_laps_of_a_real_boot_sum_to_its_wall_time() {
    use crate::fleet::boot::Laps;
    let page = read(Kind::Pod, PODS);
    let Part::Pod(pod) = &page.facets[0].part else { panic!() };
    let laps = Laps::of(pod).unwrap();
    let wall = pod.ready.as_ref().unwrap().since.unwrap().since(pod.created.unwrap());
    let parts: u32 = (0..laps.ends.len()).map(|i| laps.seconds(i).unwrap()).sum();
    assert_eq!((parts, wall, laps.whole()), (9, 9, Some(9)));
    let Part::Pod(stuck) = &page.facets[1].part else { panic!() };
    assert_eq!(Laps::of(stuck).unwrap().current(), Some(16), "the gateway's image does not come");
}

/// Three boots on a node with a real kubelet (1.34), cut down to what is read of them.
const BOOTS: &str = include_str!("real/boots.json");

#[test]
fn boots_on_a_real_node_sum_to_their_wall_time() {
    use crate::fleet::boot::{Lap, Laps, is_cold};
    let page = read(Kind::Pod, BOOTS);
    let pods: Vec<_> = page
        .facets
        .iter()
        .map(|f| match &f.part {
            Part::Pod(pod) => pod,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(pods.len(), 3);
    for pod in &pods {
        let laps = Laps::of(pod).unwrap();
        let wall = pod.ready.as_ref().unwrap().since.unwrap().since(pod.created.unwrap());
        let parts: u32 = (0..laps.ends.len()).map(|i| laps.seconds(i).unwrap()).sum();
        assert!(is_cold(pod) && parts.abs_diff(wall) <= 2, "{parts} of {wall}");
        for step in 2..9 {
            let seconds = laps.seconds(Lap::at_work(step)).unwrap();
            assert!((2..=3).contains(&seconds), "its stages sleep for two seconds: {seconds}");
        }
    }
    // This kubelet told of the sandbox a second after the first stage had begun.
    let laps = Laps::of(pods[1]).unwrap();
    let sandbox = pods[1].sandbox.as_ref().unwrap().since;
    assert!(sandbox > laps.ends[2], "{sandbox:?} {laps:?}");
    assert_eq!([laps.seconds(1), laps.seconds(2), laps.seconds(3)], [Some(1), Some(0), Some(2)]);
}
