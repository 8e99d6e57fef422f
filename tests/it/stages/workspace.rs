//! create-workspace and copy-chrome-cdp.

use std::fs;

use super::{Bench, Shell, under_both_shells};

under_both_shells!(
    it_is_made_once,
    a_deleted_file_stays_deleted,
    what_is_in_the_way_is_named_and_kept,
    the_helper_is_put_on_the_path,
);

fn it_is_made_once(shell: Shell) {
    let Some(bench) = Bench::new(shell) else { return };
    bench.run("create-workspace").done();
    for folder in ["workspace", "home", "browser", "runtime/bin", ".stages"] {
        assert!(bench.at("config").join(folder).is_dir(), "{folder}");
    }
    assert!(bench.read("config/workspace/AGENTS.md").contains("packages.list"));
    let before = bench.snapshot("config");
    bench.run("create-workspace").done();
    assert_eq!(before, bench.snapshot("config"));
}

fn a_deleted_file_stays_deleted(shell: Shell) {
    let Some(bench) = Bench::new(shell) else { return };
    bench.run("create-workspace").done();
    fs::remove_file(bench.at("config/workspace/AGENTS.md")).unwrap();
    bench.write("config/workspace/notes.md", "mine");
    bench.run("create-workspace").done();
    assert_eq!(bench.list("config/workspace"), ["notes.md"]);
}

fn what_is_in_the_way_is_named_and_kept(shell: Shell) {
    let Some(bench) = Bench::new(shell) else { return };
    bench.write("config/workspace", "a file");
    bench.run("create-workspace").failed(65, "workspace is in the way");
    assert_eq!(bench.read("config/workspace"), "a file");
}

fn the_helper_is_put_on_the_path(shell: Shell) {
    let Some(bench) = Bench::new(shell) else { return };
    bench.run("copy-chrome-cdp").done();
    let before = bench.snapshot("config");
    assert_eq!(
        bench.read("config/runtime/bin/chrome-cdp"),
        fs::read_to_string(super::bench::stages().join("chrome-cdp.sh")).unwrap()
    );
    bench.run("copy-chrome-cdp").done();
    assert_eq!(before, bench.snapshot("config"));
    bench.write("config/runtime/bin/chrome-cdp", "an older one");
    bench.run("copy-chrome-cdp").done();
    assert!(bench.read("config/runtime/bin/chrome-cdp").starts_with("#!/bin/sh"));
}
