//! Rules 1 to 3 of the house, and its tree: what each room may name, read from the module graph of `src`.
//!
//! Code under `#[cfg(test)]` is exempt: a test may read files and ask the clock.

mod graph;
mod rules;
mod tree;

use std::path::Path;

/// The house holds.
#[test]
fn the_rooms_keep_to_their_rules() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let files = tree::rust_files(&root.join("src"));
    assert!(files.contains_key("lib.rs"), "no src/lib.rs");
    let mut wrong = tree::check_top_level(&tree::names(root));
    wrong.extend(tree::check_source_folder(&tree::names(&root.join("src"))));
    wrong.extend(tree::check_file_names(tree::rust_files(&root.join("tests")).keys()));
    wrong.extend(check(&files, &tree::crates(root)));
    assert!(wrong.is_empty(), "{} broken rules:\n{}", wrong.len(), wrong.join("\n"));
}

/// Everything wrong with these sources (paths relative to `src`), one line each.
fn check(files: &graph::Files, crates: &[String]) -> Vec<String> {
    let mut wrong = tree::check_file_names(files.keys());
    let graph = graph::read(files, crates);
    wrong.extend(graph.problems.iter().cloned());
    for reference in &graph.references {
        if let Some(why) = rules::broken_by(&reference.module, &reference.path) {
            let path = reference.path.join("::");
            wrong.push(format!("src/{}:{}: {path}: {why}", reference.file, reference.line));
        }
    }
    wrong.sort();
    wrong.dedup();
    wrong
}

#[cfg(test)]
mod tests;
