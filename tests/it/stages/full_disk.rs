//! Stages that find a disk full: pretended at each of their writing commands, and a real one.

use std::path::Path;
use std::process::{Command, Stdio};

use super::blow::{Blow, at_every_command, state};
use super::interrupted::{asks_for_packages, my_config, my_config_or_the_new_one, old_then_new_image, whole_app};
use super::{Bench, Shell, under_both_shells};

under_both_shells!(
    a_full_disk_keeps_the_old_app,
    a_full_disk_keeps_the_config,
    a_full_disk_does_not_stop_a_restart,
    a_really_full_disk,
);

fn a_full_disk_keeps_the_old_app(shell: Shell) {
    at_every_command(shell, Blow::Full, "seed-app", |_| {}, |bench| whole_app(bench, &["2026.8.2"]));
    at_every_command(shell, Blow::Full, "seed-app", old_then_new_image, |bench| {
        whole_app(bench, &["2026.8.2", "2026.9.1"]);
    });
}

fn a_full_disk_keeps_the_config(shell: Shell) {
    at_every_command(shell, Blow::Full, "write-config", my_config, my_config_or_the_new_one);
    at_every_command(shell, Blow::Full, "create-workspace", |_| {}, |_| {});
    at_every_command(shell, Blow::Full, "rehydrate-runtime-apt", asks_for_packages, |_| {});
    at_every_command(shell, Blow::Full, "download-cli-tools", super::packages::with_tool, |_| {});
}

fn a_full_disk_does_not_stop_a_restart(shell: Shell) {
    let Some(mut bench) = Bench::new(shell) else { return };
    asks_for_packages(&mut bench);
    super::packages::with_tool(&mut bench);
    let stages = [
        "seed-app",
        "create-workspace",
        "write-config",
        "rehydrate-runtime-apt",
        "download-cli-tools",
        "copy-chrome-cdp",
    ];
    for stage in stages {
        bench.run(stage).done();
    }
    for name in ["cp", "mv", "ln", "mkdir", "apt-get", "curl"] {
        bench.shim(name, &format!("echo '{name}: No space left on device' >&2; exit 1"));
    }
    let before = state(&bench);
    for stage in stages {
        let run = bench.run(stage).done();
        assert_eq!(run.err, "", "{stage}");
    }
    assert_eq!(before, state(&bench));
}

/// On a real file system of 256 KiB, in a mount namespace that ends with the script.
fn a_really_full_disk(shell: Shell) {
    let Some(bench) = Bench::new(shell) else { return };
    let mount = ["unshare", "--map-root-user", "--mount"];
    let can = Command::new(mount[0]).args(&mount[1..]).arg("true").stderr(Stdio::null()).status();
    if !can.is_ok_and(|s| s.success()) {
        assert!(std::env::var_os("CI").is_none(), "no mount namespace here, and CI must not skip");
        eprintln!("SKIPPED: this user may not make a mount namespace, so no really full disk is tried");
        return;
    }
    bench.write("image/node_modules/big", &"x".repeat(100_000));
    bench.program(
        "lies/df",
        "exec echo 'Filesystem 1024-blocks Used Available Capacity Mounted on\nnone 1 1 999999 1% /'",
    );
    let script = r#"set -u
mount -t tmpfs -o size=256k none "$STAGE_APP_VOLUME"
mount -t tmpfs -o size=8k none "$STAGE_CONFIG_VOLUME"
run() { echo "== $1"; shift; "$@" 2>&1; echo "exit $?"; }
run first $SH "$STAGES/seed-app.sh"
readlink "$STAGE_APP_VOLUME/current" >"$STAGE_WORK/old"
sed -i s/2026.8.2/2026.9.1/ "$STAGE_IMAGE_APP/package.json"
head -c 200000 /dev/zero >"$STAGE_IMAGE_APP/node_modules/big"
run short $SH "$STAGES/seed-app.sh"
run unforeseen env PATH="$LIES:$PATH" $SH "$STAGES/seed-app.sh"
ls -A "$STAGE_APP_VOLUME/releases"
[ "$(readlink "$STAGE_APP_VOLUME/current")" = "$(cat "$STAGE_WORK/old")" ] && grep -q 2026.8.2 "$STAGE_APP_VOLUME/current/package.json" && echo "old app usable"
mount -o remount,size=1m "$STAGE_APP_VOLUME"
run space $SH "$STAGES/seed-app.sh"
grep -q 2026.9.1 "$STAGE_APP_VOLUME/current/package.json" && echo "new app in place"
printf '{ /* mine */ }\n' >"$STAGE_CONFIG_VOLUME/openclaw.json"
head -c 9000 /dev/zero >"$STAGE_CONFIG_VOLUME/filler" 2>/dev/null
run config $SH "$STAGES/write-config.sh"
cat "$STAGE_CONFIG_VOLUME/openclaw.json"; ls -A "$STAGE_CONFIG_VOLUME"
rm "$STAGE_CONFIG_VOLUME/filler"; mount -o remount,size=64k "$STAGE_CONFIG_VOLUME"
run roomy $SH "$STAGES/write-config.sh"
grep -q '"lan"' "$STAGE_CONFIG_VOLUME/openclaw.json" && grep -q mine "$STAGE_CONFIG_VOLUME/openclaw.json" && echo "config in place"
"#;
    bench.write("story.sh", script);
    let stage = bench.command(Path::new("-"), &[]);
    let mut command = Command::new(mount[0]);
    command.args(&mount[1..]).arg("sh").arg(bench.at("story.sh")).env_clear();
    command.envs(stage.get_envs().filter_map(|(k, v)| Some((k, v?))));
    let sh: Vec<_> =
        std::iter::once(stage.get_program()).chain(stage.get_args()).map(|a| a.to_str().unwrap()).collect();
    // mount and unshare are the machine's own, the stages' tools the shell's.
    let path = format!("{}:/usr/sbin:/usr/bin:/sbin:/bin", bench.shell.tools().unwrap().path);
    command
        .env("SH", sh[..sh.len() - 1].join(" "))
        .env("STAGES", super::bench::stages())
        .env("LIES", bench.at("lies"))
        .env("PATH", path);
    let output = command.output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    let part = |name: &str| {
        let from = told.find(&format!("== {name}\n")).unwrap_or_else(|| panic!("{name}: {told}"));
        let rest = &told[from + 3..];
        &rest[..rest.find("== ").unwrap_or(rest.len())]
    };
    assert!(part("first").contains("exit 0"), "{told}");
    assert!(part("short").contains("exit 28") && part("short").contains("untouched"), "{told}");
    assert!(part("unforeseen").contains("exit 28") && part("unforeseen").contains("did not fit"), "{told}");
    assert!(part("unforeseen").contains("old app usable") && !part("unforeseen").contains(".incoming"), "{told}");
    assert!(part("space").contains("exit 0") && part("space").contains("new app in place"), "{told}");
    assert!(part("config").contains("exit 28") && part("config").contains("{ /* mine */ }"), "{told}");
    assert!(!part("config").lines().any(|name| name == "openclaw.json.stage-new"), "{told}");
    assert!(part("roomy").contains("exit 0") && part("roomy").contains("config in place"), "{told}");
}
