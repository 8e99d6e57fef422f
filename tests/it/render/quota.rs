//! The tier is the quota, and the pod's sums fit it exactly.

use super::{plain, rendered};
use fleetdeck::fleet::Quantity;
use serde_json::Value;

/// What a pod counts for: the sum over its containers, or the greatest init container where that is more.
fn effective(pod: &Value, kind: &str, resource: &str) -> Quantity {
    let of = |container: &Value| -> Quantity {
        let text = container["resources"][kind][resource].as_str();
        let name = &container["name"];
        text.unwrap_or_else(|| {
            panic!("container {name} states no {kind}.{resource}, so the quota would refuse the pod")
        })
        .parse()
        .unwrap()
    };
    let sum = pod["containers"].as_array().unwrap().iter().map(of).fold(Quantity::default(), Quantity::saturating_add);
    let greatest = pod["initContainers"].as_array().unwrap().iter().map(of).max().unwrap();
    sum.max(greatest)
}

fn check(tier: &str, options: &[&str], exact: bool, figures: [(&str, &str, &str); 4]) {
    let objects = rendered(&plain("maria-k", tier, options));
    let find = |kind: &str, name: &str| {
        objects.iter().find(|object| object.kind() == kind && object.name() == name).unwrap().value()
    };
    let hard = &find("ResourceQuota", "tenant")["spec"]["hard"];
    let pod = &find("StatefulSet", "openclaw")["spec"]["template"]["spec"];
    for (kind, resource, figure) in figures {
        let key = format!("{kind}.{resource}");
        let hard: Quantity = hard[&key].as_str().unwrap().parse().unwrap();
        assert_eq!(hard, figure.parse().unwrap(), "{tier} {key}");
        let pod = effective(pod, kind, resource);
        assert!(pod <= hard, "{tier} {options:?} {key}: the pod asks for {pod:?} of {hard:?}");
        assert!(!exact || pod == hard, "{tier} {key}: the pod asks for {pod:?}, the tier is {hard:?}");
    }
    assert_eq!(hard["pods"], "1");
}

#[test]
fn pro() {
    let figures = [
        ("requests", "cpu", "250m"),
        ("limits", "cpu", "1"),
        ("requests", "memory", "1Gi"),
        ("limits", "memory", "2Gi"),
    ];
    check("pro", &[], true, figures);
    check("pro", &["stand-in"], false, figures);
}

#[test]
fn max() {
    let figures = [
        ("requests", "cpu", "500m"),
        ("limits", "cpu", "2"),
        ("requests", "memory", "2Gi"),
        ("limits", "memory", "4Gi"),
    ];
    check("max", &[], true, figures);
    check("max", &["stand-in"], false, figures);
}
