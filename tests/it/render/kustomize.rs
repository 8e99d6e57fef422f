//! Equality with Kustomize: what we render is, object by object and byte by byte, what `kubectl kustomize` makes of the overlay we write.

use super::{base, kubectl, random, yaml};
use fleetdeck::manifest::{Base, Object, TenantSpec, overlay, render};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Specs that kubectl gets alone, so that the order of objects and the text are compared too.
const ALONE: usize = 40;
/// All others go in batches, one kustomization of many overlays: most of kubectl's time is its start.
const BATCHES: usize = 28;
const BATCH: usize = 10;

#[test]
fn our_objects_are_those_of_kustomize() {
    let Some(kubectl) = kubectl() else { return };
    let seed = std::env::var("FLEETDECK_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(7);
    println!("FLEETDECK_SEED={seed}");
    let mut rng = fastrand::Rng::with_seed(seed);
    let specs: Vec<TenantSpec> = (0..ALONE + BATCHES * BATCH).map(|n| random::spec(&mut rng, n)).collect();
    let (alone, rest) = specs.split_at(ALONE);
    let work: Vec<&[TenantSpec]> = alone.chunks(1).chain(rest.chunks(BATCH)).collect();
    let base = base();
    let (next, compared) = (AtomicUsize::new(0), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some(specs) = work.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let dir = tempfile::tempdir().unwrap();
                    match specs {
                        [spec] => drop(compare_alone(&kubectl, dir.path(), &base, spec)),
                        specs => compare_batch(&kubectl, dir.path(), &base, specs),
                    }
                    compared.fetch_add(specs.len(), Ordering::Relaxed);
                }
            });
        }
    });
    assert_eq!(compared.into_inner(), 320);
}

/// Our objects, once they are Kustomize's too.
pub(super) fn compare_alone(kubectl: &Path, dir: &Path, base: &Base, spec: &TenantSpec) -> Vec<Object> {
    write(dir, &overlay(base, spec).unwrap_or_else(|error| panic!("{error}\n{spec:#?}")));
    let theirs = kustomize(kubectl, dir);
    let ours = render(base, spec).unwrap();
    // As values, read by a parser that shares nothing with our writer; then as text.
    let values = values(&theirs);
    assert_eq!(values.len(), ours.len(), "{spec:#?}");
    for (theirs, ours) in values.iter().zip(&ours) {
        assert_eq!(theirs, ours.value(), "{spec:#?}");
    }
    let text = yaml(&ours);
    // Kustomize folds texts at 80 columns, which we do not: a long script stays readable.
    for (theirs, ours) in
        theirs.split("---\n").zip(text.split("---\n")).filter(|(_, ours)| ours.lines().all(|line| line.len() <= 80))
    {
        assert_eq!(theirs, ours, "the same object in other words\n{spec:#?}");
    }
    ours
}

fn compare_batch(kubectl: &Path, dir: &Path, base: &Base, specs: &[TenantSpec]) {
    let mut root = "resources:\n".to_owned();
    let mut ours = BTreeMap::new();
    for spec in specs {
        write(&dir.join(&spec.id), &overlay(base, spec).unwrap_or_else(|error| panic!("{error}\n{spec:#?}")));
        root.push_str(&format!("- \"{}\"\n", spec.id));
        for object in render(base, spec).unwrap() {
            assert!(ours.insert(key(object.value()), (spec, object)).is_none(), "{spec:#?}");
        }
    }
    std::fs::write(dir.join("kustomization.yaml"), root).unwrap();
    for theirs in values(&kustomize(kubectl, dir)) {
        let (spec, object) =
            ours.remove(&key(&theirs)).unwrap_or_else(|| panic!("Kustomize gives {theirs}, which we do not"));
        assert_eq!(&theirs, object.value(), "{spec:#?}");
    }
    assert!(ours.is_empty(), "we give {:?}, which Kustomize does not", ours.keys());
}

fn key(object: &Value) -> [String; 3] {
    [&object["kind"], &object["metadata"]["namespace"], &object["metadata"]["name"]].map(ToString::to_string)
}

fn write(folder: &Path, files: &[(String, String)]) {
    for (path, text) in files {
        let path = folder.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
}

fn kustomize(kubectl: &Path, folder: &Path) -> String {
    let output = Command::new(kubectl).arg("kustomize").arg(folder).output().unwrap();
    assert!(output.status.success(), "kubectl kustomize: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn values(text: &str) -> Vec<Value> {
    let options = serde_saphyr::options! { strict_booleans: true, with_snippet: false };
    serde_saphyr::from_multiple_with_options(text, options).unwrap()
}
