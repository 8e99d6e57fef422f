//! The files of the repository: what lies where.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::graph::Files;
use super::rules;

/// Design section 4; files that start with a dot, and what cargo builds, come on top.
const TOP_LEVEL: [&str; 11] = [
    "CHANGELOG.md",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE",
    "README.md",
    "demo",
    "manifests",
    "rust-toolchain.toml",
    "src",
    "tests",
    "themes",
];

pub(super) fn check_top_level(names: &[String]) -> Vec<String> {
    names
        .iter()
        .filter(|name| !TOP_LEVEL.contains(&name.as_str()) && !name.starts_with('.') && *name != "target")
        .map(|name| format!("{name}: the design's top level has no such entry"))
        .collect()
}

pub(super) fn check_source_folder(names: &[String]) -> Vec<String> {
    names
        .iter()
        .filter(|name| !["lib.rs", "main.rs"].contains(&name.as_str()))
        .filter(|name| !rules::is_room(name.strip_suffix(".rs").unwrap_or(name)))
        .map(|name| format!("src/{name}: the design has no such room"))
        .collect()
}

pub(super) fn check_file_names<'a>(files: impl Iterator<Item = &'a String>) -> Vec<String> {
    files
        .filter(|file| *file == "mod.rs" || file.ends_with("/mod.rs"))
        .map(|file| format!("{file}: a module `x` lives in x.rs beside x/, never in x/mod.rs"))
        .collect()
}

pub(super) fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut names: Vec<_> = entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// Every Rust file below `folder`, by its path from there.
pub(super) fn rust_files(folder: &Path) -> Files {
    let mut files = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for name in names(&next) {
            let path = next.join(&name);
            if path.is_dir() {
                folders.push(path);
            } else if name.ends_with(".rs") {
                let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
                let path = path.strip_prefix(folder).expect("found below it").display().to_string();
                files.insert(path, text);
            }
        }
    }
    files
}

/// What the dependencies of Cargo.toml are called in paths.
pub(super) fn crates(root: &Path) -> Vec<String> {
    let text = fs::read_to_string(root.join("Cargo.toml")).expect("every package has one");
    let manifest: toml::Table = text.parse().expect("cargo has read it");
    ["dependencies", "dev-dependencies"]
        .iter()
        .filter_map(|section| manifest.get(*section)?.as_table())
        .flat_map(|section| section.keys())
        .map(|name| name.replace('-', "_"))
        .collect()
}
