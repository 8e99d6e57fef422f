//! Stages that are killed, between any two of their commands and within those that take time.

use std::fs;

use super::blow::{Blow, at_every_command};
use super::seed::current;
use super::{Bench, Shell, under_both_shells};

under_both_shells!(
    seeding_is_killed,
    upgrading_is_killed,
    clearing_the_old_release_is_killed,
    workspace_is_killed,
    new_config_is_killed,
    config_merge_is_killed,
    restoring_config_is_killed,
    helper_is_killed,
    packages_are_killed,
    tools_are_killed,
    sudo_is_killed,
);

fn killed(shell: Shell, stage: &str, prepare: impl Fn(&mut Bench), between: impl Fn(&Bench)) {
    at_every_command(shell, Blow::Before, stage, &prepare, &between);
    at_every_command(shell, Blow::Within, stage, &prepare, &between);
}

/// Whatever `current` points to is an app of one of these versions, complete.
pub(crate) fn whole_app(bench: &Bench, versions: &[&str]) {
    if !bench.exists("app/current") {
        assert!(!versions.contains(&"2026.8.2") || versions.len() == 1, "there was an app before");
        return;
    }
    let copy = bench.app(&format!("app/releases/{}", current(bench)));
    let mut whole = false;
    for version in versions {
        bench.image(version);
        whole |= bench.app("image") == copy;
    }
    assert!(whole, "half an app: {copy:#?}");
}

fn seeding_is_killed(shell: Shell) {
    killed(shell, "seed-app", |_| {}, |bench| whole_app(bench, &["2026.8.2"]));
}

pub(crate) fn old_then_new_image(bench: &mut Bench) {
    bench.run("seed-app").done();
    bench.image("2026.9.1");
}

fn upgrading_is_killed(shell: Shell) {
    killed(shell, "seed-app", old_then_new_image, |bench| whole_app(bench, &["2026.8.2", "2026.9.1"]));
}

fn clearing_the_old_release_is_killed(shell: Shell) {
    let ready = |bench: &mut Bench| {
        old_then_new_image(bench);
        bench.run("seed-app").done();
        bench.write("config/.stages/ready", &current(bench));
    };
    killed(shell, "seed-app", ready, |bench| whole_app(bench, &["2026.9.1"]));
}

fn workspace_is_killed(shell: Shell) {
    killed(
        shell,
        "create-workspace",
        |_| {},
        |bench| {
            if bench.exists("config/workspace") {
                assert_eq!(bench.read("config/workspace/AGENTS.md"), bench.read("source/AGENTS.md"));
            }
        },
    );
}

const MINE: &str = "{\n  // mine\n  gateway: { bind: 'loopback' }\n}\n";

pub(crate) fn my_config(bench: &mut Bench) {
    bench.write("config/openclaw.json", MINE);
}

fn new_config_is_killed(shell: Shell) {
    killed(
        shell,
        "write-config",
        |_| {},
        |bench| {
            assert!(
                !bench.exists("config/openclaw.json")
                    || bench.read("config/openclaw.json") == bench.read("source/openclaw.json")
            );
        },
    );
}

pub(crate) fn my_config_or_the_new_one(bench: &Bench) {
    let text = bench.read("config/openclaw.json");
    assert!(
        text == MINE || (text.contains("// mine") && text.contains("bind: \"lan\"") && text.ends_with("}\n")),
        "{text:?}"
    );
}

fn config_merge_is_killed(shell: Shell) {
    killed(shell, "write-config", my_config, my_config_or_the_new_one);
}

fn restoring_config_is_killed(shell: Shell) {
    let emptied = |bench: &mut Bench| {
        bench.write("config/openclaw.json.before-boot", MINE);
        bench.write("config/openclaw.json", "");
    };
    killed(shell, "write-config", emptied, |bench| {
        let text = bench.read("config/openclaw.json");
        assert!(text.is_empty() || (text.contains("// mine") && text.ends_with("}\n")), "{text:?}");
        assert_eq!(bench.read("config/openclaw.json.before-boot"), MINE);
    });
}

fn helper_is_killed(shell: Shell) {
    let helper = fs::read_to_string(super::bench::stages().join("chrome-cdp.sh")).unwrap();
    killed(
        shell,
        "copy-chrome-cdp",
        |_| {},
        |bench| {
            assert!(
                !bench.exists("config/runtime/bin/chrome-cdp") || bench.read("config/runtime/bin/chrome-cdp") == helper
            );
        },
    );
}

pub(crate) fn asks_for_packages(bench: &mut Bench) {
    super::packages::with_apt(bench);
    // The real one has a process group of its own, which a blow at its command would not leave.
    bench.shim("timeout", "shift; exec \"$@\"");
    bench.write("config/runtime/apt/packages.list", "hello\n");
}

fn packages_are_killed(shell: Shell) {
    killed(shell, "rehydrate-runtime-apt", asks_for_packages, |bench| {
        if bench.exists("config/runtime/apt/current") {
            assert_eq!(bench.read("config/runtime/apt/current/usr/bin/hello"), "program hello\n");
        }
    });
}

fn tools_are_killed(shell: Shell) {
    killed(shell, "download-cli-tools", super::packages::with_tool, |bench| {
        if bench.exists("config/runtime/bin/greet") {
            assert_eq!(bench.read("config/runtime/bin/greet"), super::packages::TOOL);
        }
    });
}

fn sudo_is_killed(shell: Shell) {
    killed(shell, "setup-sudo", super::packages::with_root, |_| {});
}
