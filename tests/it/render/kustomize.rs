//! Equality with Kustomize: what we render is, object by object and byte by byte, what `kubectl kustomize` makes of the overlay we write.

use super::{base, kubectl, random, yaml};
use fleetdeck::manifest::{Object, TenantSpec, overlay, render};
use serde_json::Value;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

const SPECS: usize = 320;

#[test]
fn our_objects_are_those_of_kustomize() {
    let Some(kubectl) = kubectl() else { return };
    let seed = std::env::var("FLEETDECK_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(7);
    println!("FLEETDECK_SEED={seed}");
    let mut rng = fastrand::Rng::with_seed(seed);
    let specs: Vec<TenantSpec> = (0..SPECS).map(|n| random::spec(&mut rng, n)).collect();
    let base = base();
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let dir = tempfile::tempdir().unwrap();
                while let Some(spec) = specs.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let folder = dir.path().join(&spec.id);
                    let files = overlay(&base, spec).unwrap_or_else(|error| panic!("{error}\n{spec:#?}"));
                    write(&folder, &files);
                    let ours = render(&base, spec).unwrap();
                    compare(&kustomize(&kubectl, &folder), &ours, spec);
                    std::fs::remove_dir_all(&folder).unwrap();
                }
            });
        }
    });
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

fn compare(theirs: &str, ours: &[Object], spec: &TenantSpec) {
    // As values, read by a parser that shares nothing with our writer; then as text.
    let values = values(theirs);
    assert_eq!(values.len(), ours.len(), "{spec:#?}");
    for (theirs, ours) in values.iter().zip(ours) {
        assert_eq!(theirs, ours.value(), "{spec:#?}");
    }
    let ours = yaml(ours);
    // Kustomize folds texts at 80 columns, which we do not: a long script stays readable.
    for (theirs, ours) in
        theirs.split("---\n").zip(ours.split("---\n")).filter(|(_, ours)| ours.lines().all(|line| line.len() <= 80))
    {
        assert_eq!(theirs, ours, "the same object in other words\n{spec:#?}");
    }
}

fn values(text: &str) -> Vec<Value> {
    let options = serde_saphyr::options! { strict_booleans: true, with_snippet: false };
    serde_saphyr::from_multiple_with_options(text, options).unwrap()
}
