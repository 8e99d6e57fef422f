//! Golden files: `UPDATE_GOLDEN=1` writes them anew; the diff is for a person to read.

use super::{base, plain, rendered, yaml};
use fleetdeck::manifest::{Base, overlay, stored_spec};
use std::path::Path;

fn check(name: &str, tier: &str, options: &[&str]) {
    let text = yaml(&rendered(&plain("maria-k", tier, options)));
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/golden").join(format!("{name}.yaml"));
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &text).unwrap();
    }
    let golden = std::fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("{}: {error}; UPDATE_GOLDEN=1 writes it", path.display()));
    let differs = golden
        .lines()
        .zip(text.lines())
        .position(|(a, b)| a != b)
        .or((golden.len() != text.len()).then_some(golden.lines().count()));
    if let Some(line) = differs {
        let near = |text: &str| text.lines().skip(line.saturating_sub(2)).take(5).collect::<Vec<_>>().join("\n");
        panic!("{} differs at line {}:\n{}\nrendered:\n{}", path.display(), line + 1, near(&golden), near(&text));
    }
}

#[test]
fn pro() {
    check("pro", "pro", &[]);
}

#[test]
fn max() {
    check("max", "max", &[]);
}

#[test]
fn stand_in() {
    check("stand-in", "pro", &["stand-in"]);
}

#[test]
fn the_same_spec_gives_the_same_bytes_whatever_the_order_of_the_trees_files() {
    let spec = plain("maria-k", "pro", &["stand-in"]);
    let first = overlay(&base(), &spec).unwrap();
    assert_eq!(first, overlay(&base(), &spec).unwrap());
    // A tree given backwards, and a spec that went through its stored form.
    let mut backwards: Vec<(&str, &str)> = first.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    backwards.reverse();
    let again = Base::load(backwards).unwrap();
    let namespace = rendered(&spec)[0].value().clone();
    let stored = stored_spec(&namespace).unwrap().unwrap();
    assert_eq!(stored, spec);
    assert_eq!(overlay(&again, &stored).unwrap(), first);
    assert_eq!(yaml(&rendered(&spec)), yaml(&rendered(&stored)));
}

#[test]
fn order_and_labels() {
    let objects = rendered(&plain("maria-k", "pro", &[]));
    let kinds: Vec<&str> = objects.iter().map(fleetdeck::manifest::Object::kind).collect();
    assert_eq!(kinds.first(), Some(&"Namespace"));
    assert_eq!(kinds.last(), Some(&"StatefulSet"));
    for object in &objects {
        let labels = &object.value()["metadata"]["labels"];
        assert_eq!(labels["openclaw.ai/tenant"], "maria-k", "{} {}", object.kind(), object.name());
        assert_eq!(labels["openclaw.ai/tier"], "pro");
        assert_eq!(labels["app.kubernetes.io/name"], "openclaw");
        assert_eq!(labels["app.kubernetes.io/instance"], "maria-k");
        assert_eq!(labels["app.kubernetes.io/managed-by"], "fleetdeck");
        let expected = if object.kind() == "Namespace" { "" } else { "tenant-maria-k" };
        assert_eq!(object.namespace(), expected);
        assert_ne!(object.kind(), "Secret");
    }
    let set = objects.last().unwrap().value();
    let selector = set["spec"]["selector"]["matchLabels"].as_object().unwrap();
    assert_eq!(selector.keys().collect::<Vec<_>>(), ["app.kubernetes.io/name", "openclaw.ai/tenant"]);
    assert_eq!(set["spec"]["template"]["metadata"]["labels"]["openclaw.ai/tier"], "pro");
    let stages: Vec<&str> = set["spec"]["template"]["spec"]["initContainers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| c["name"].as_str().unwrap())
        .collect();
    let expected = [
        "seed-app",
        "create-workspace",
        "write-config",
        "rehydrate-runtime-apt",
        "setup-sudo",
        "download-cli-tools",
        "copy-chrome-cdp",
    ];
    assert_eq!(stages, expected);
    // No peer of the network policy carries the tenant's own labels: a kube-dns pod has none of them.
    let policy = objects.iter().find(|object| object.kind() == "NetworkPolicy").unwrap();
    assert!(!policy.value()["spec"].to_string().contains("openclaw.ai/tenant"));
    assert!(!yaml(&objects).contains(".invalid"), "a placeholder was left");
}
