//! The pod that runs the stages: what statefulset.yaml, the tiers' shares, the ConfigMap and the scripts must agree on.

use std::collections::BTreeSet;
use std::fs;

use serde_json::Value;

use super::bench::{config_map, manifests, stages, yaml};

const STAGES: [&str; 7] = [
    "seed-app",
    "create-workspace",
    "write-config",
    "rehydrate-runtime-apt",
    "setup-sudo",
    "download-cli-tools",
    "copy-chrome-cdp",
];

fn pod(path: &str) -> Value {
    yaml(path)["spec"]["template"]["spec"].clone()
}

fn list(value: &Value) -> &Vec<Value> {
    value.as_array().unwrap_or_else(|| panic!("a list: {value}"))
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("a text: {value}"))
}

/// In thousandths of a core, or MiB.
fn quantity(value: &Value) -> u64 {
    let value = text(value);
    let number = |end: &str| value.strip_suffix(end).map(|n| n.parse::<u64>().unwrap());
    number("m").or(number("Mi")).or(number("Gi").map(|n| n * 1024)).unwrap_or_else(|| panic!("{value}"))
}

#[test]
fn the_stages_stand_in_order_and_each_has_its_script() {
    let pod = pod("base/statefulset.yaml");
    let names: Vec<_> = list(&pod["initContainers"]).iter().map(|c| text(&c["name"])).collect();
    assert_eq!(names, STAGES);
    let mains: Vec<_> = list(&pod["containers"]).iter().map(|c| text(&c["name"])).collect();
    assert_eq!(mains, ["gateway", "browser", "browser-ui"]);
    for container in list(&pod["initContainers"]).iter().chain(&list(&pod["containers"])[..1]) {
        // The gateway's PATH begins with the tenant's folders, so the shell is named in full.
        let script = format!("/stages/{}.sh", text(&container["name"]));
        assert_eq!(container["command"], serde_json::json!(["/bin/sh", script]));
        assert!(stages().join(format!("{}.sh", text(&container["name"]))).exists());
    }
}

#[test]
fn the_shares_of_each_tier_add_up_to_it() {
    let base = pod("base/statefulset.yaml");
    for (tier, figures) in [("pro", [250, 1024, 1000, 2048]), ("max", [500, 2048, 2000, 4096])] {
        let patch = pod(&format!("tiers/{tier}/statefulset.yaml"));
        let containers = list(&patch["containers"]);
        assert_eq!(containers.len(), list(&base["containers"]).len());
        let rows = [("requests", "cpu"), ("requests", "memory"), ("limits", "cpu"), ("limits", "memory")];
        for ((kind, what), figure) in rows.into_iter().zip(figures) {
            let sum: u64 = containers.iter().map(|c| quantity(&c["resources"][kind][what])).sum();
            assert_eq!(sum, figure, "{tier} {kind} {what}");
            for stage in list(&base["initContainers"]) {
                assert!(
                    quantity(&stage["resources"][kind][what]) <= figure,
                    "{tier}: {} would raise the pod's {kind}",
                    stage["name"]
                );
            }
        }
        let heap = text(&containers[0]["env"][0]["value"])
            .strip_prefix("--max-old-space-size=")
            .unwrap()
            .parse::<u64>()
            .unwrap();
        assert_eq!(
            heap * 4,
            quantity(&containers[0]["resources"]["limits"]["memory"]) * 3,
            "{tier}: three quarters of the gateway's memory"
        );
    }
}

#[test]
fn only_sudo_runs_as_root_and_never_beside_a_tenants_files() {
    let pod = pod("base/statefulset.yaml");
    for container in list(&pod["initContainers"]).iter().chain(list(&pod["containers"])) {
        let name = text(&container["name"]);
        let security = &container["securityContext"];
        assert_eq!(security["capabilities"]["drop"], serde_json::json!(["ALL"]), "{name}");
        assert_eq!(security["runAsNonRoot"], name != "setup-sudo", "{name}");
        let mounts: BTreeSet<_> =
            container["volumeMounts"].as_array().into_iter().flatten().map(|m| text(&m["name"])).collect();
        if name == "setup-sudo" {
            assert_eq!(mounts, BTreeSet::from(["stages", "system", "tmp"]));
        }
        let secrets = container["env"]
            .as_array()
            .into_iter()
            .flatten()
            .filter(|e| !e["valueFrom"]["secretKeyRef"].is_null())
            .count();
        assert_eq!(secrets, if name == "gateway" { 2 } else { 0 }, "{name}");
    }
}

#[test]
fn the_seed_has_the_fleets_values_already() {
    let data = config_map();
    let seed: Value = serde_json::from_str(&data["openclaw.json"]).unwrap();
    let mut set = 0;
    for (key, value) in data.iter().filter(|(key, value)| key.starts_with("set.") && !value.is_empty()) {
        let pointer = format!("/{}", key["set.".len()..].replace('.', "/"));
        let value: Value = serde_json::from_str(value).unwrap_or_else(|e| panic!("{key}: {e}"));
        assert_eq!(
            seed.pointer(&pointer),
            Some(&value),
            "{key}: a new tenant's first boot would change what it just wrote"
        );
        set += 1;
    }
    assert!(set >= 8);
}

#[test]
fn the_stand_in_reaches_every_container_and_every_script() {
    let (base, patch) = (pod("base/statefulset.yaml"), pod("options/stand-in/statefulset.yaml"));
    for kind in ["initContainers", "containers"] {
        let names = |pod: &Value| list(&pod[kind]).iter().map(|c| text(&c["name"]).to_owned()).collect::<Vec<_>>();
        assert_eq!(names(&base), names(&patch));
        for container in list(&patch[kind]) {
            assert_eq!(container["image"], "docker.io/library/busybox:1.36", "{}", container["name"]);
            assert!(container["resources"]["requests"]["cpu"].is_string(), "{}", container["name"]);
        }
    }
    assert!(patch["nodeSelector"].is_null());
    let folder = manifests().join("options/stand-in");
    let kustomization = yaml("options/stand-in/kustomization.yaml");
    let listed: BTreeSet<_> =
        list(&kustomization["configMapGenerator"][0]["files"]).iter().map(|f| text(f).to_owned()).collect();
    let there: BTreeSet<_> = fs::read_dir(folder.join("stages"))
        .unwrap()
        .map(|e| format!("stages/{}", e.unwrap().file_name().to_str().unwrap()))
        .collect();
    assert_eq!(listed, there);
    // Exactly these four stages are not the real ones.
    let replaced: Vec<_> = STAGES.iter().filter(|s| there.contains(&format!("stages/{s}.sh"))).collect();
    assert_eq!(replaced, [&"rehydrate-runtime-apt", &"setup-sudo", &"download-cli-tools", &"copy-chrome-cdp"]);
}
