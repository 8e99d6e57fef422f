//! Stages that are killed, or that find a disk full, at each of their commands in turn: what they leave
//! must be the old state or the new one, and the next run must come to the same end as an undisturbed one.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::seed::current;
use super::{Bench, Run, Shell, under_both_shells};

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
    a_full_disk_keeps_the_old_app,
    a_full_disk_keeps_the_config,
    a_full_disk_does_not_stop_a_restart,
    a_really_full_disk,
);

/// The external commands of the stages. A stage that calls another one fails in the test: the shims are all that is
/// on its PATH.
const COMMANDS: &[&str] = &[
    "apt-get",
    "apt-mark",
    "awk",
    "cat",
    "chmod",
    "chown",
    "cmp",
    "cp",
    "curl",
    "df",
    "dpkg-deb",
    "du",
    "find",
    "grep",
    "id",
    "ln",
    "mkdir",
    "mv",
    "readlink",
    "rm",
    "sed",
    "sha256sum",
    "sort",
    "stat",
    "sync",
    "tail",
    "tar",
    "timeout",
    "tr",
    "uname",
];

#[derive(Clone, Copy, Debug, PartialEq)]
enum Blow {
    /// SIGKILL to the stage and all it started, just before the command.
    Before,
    /// SIGKILL when the command is half done.
    Within,
    /// The command fails as on a full disk, half done.
    Full,
}

impl Blow {
    /// Does it do to this command what no other blow does?
    fn concerns(self, command: &str) -> bool {
        let command = command.split_once(' ').map_or(command, |(tool, first)| if tool == "rm" { first } else { tool });
        match self {
            Self::Before => true,
            Self::Within => ["cp", "-rf", "awk", "sed", "cat"].contains(&command),
            Self::Full => ![
                "-rf",
                "-f",
                "cmp",
                "df",
                "du",
                "find",
                "grep",
                "id",
                "readlink",
                "sha256sum",
                "stat",
                "sync",
                "uname",
            ]
            .contains(&command),
        }
    }
}

/// Programs that count themselves, by files, because those of a pipeline run at once; and the $NTH meets $BLOW.
const DISTURBED: &str = r#"set -C
n=1
until { echo "$tool $1" >"$COUNT/$n"; } 2>/dev/null; do n=$((n + 1)); done
set +C
if [ "$n" = "$NTH" ]; then
    half() {
        for last; do :; done
        case $tool-$1 in
        cp--dR) "$real" -p "${2%/.}/package.json" "$last" ;;
        cp-*) for from; do [ "$from" = "$last" ] || [ ! -f "$from" ] || head -c 5 "$from" >"$last"; done ;;
        rm--rf) "$real" -f "$last/package.json" "$last/dist/index.js" ;;
        awk* | sed* | cat*) "$real" "$@" | head -c 5 ;;
        esac
    }
    case $BLOW in
    Before) kill -9 0 ;;
    Within) half "$@"; kill -9 0 ;;
    esac
    # Reading goes on on a full disk, and so do pipes.
    case $tool in awk | sed | cat) [ -p /dev/stdout ] || tool=$tool-to-disk ;; esac
    case $tool in
    cp | mv | ln | mkdir | *-to-disk | tar | apt-get | dpkg-deb | curl)
        half "$@"
        echo "$tool: write error: No space left on device" >&2
        exit 1
        ;;
    esac
fi
exec "$real" "$@""#;

fn make_disturbed(bench: &Bench) {
    for command in COMMANDS {
        let Some(real) = bench.tool(command) else { continue };
        bench.program(&format!("disturbed/{command}"), &format!("tool={command} real={}\n{DISTURBED}", real.display()));
    }
}

/// Runs the stage with its `nth` command disturbed (0: none); its commands, as far as it came, are returned too.
fn disturbed(bench: &mut Bench, stage: &str, blow: Blow, nth: usize) -> (Run, Vec<String>) {
    let _ = fs::remove_dir_all(bench.at("count"));
    fs::create_dir(bench.at("count")).unwrap();
    bench.set("COUNT", bench.at("count").to_str().unwrap());
    bench.set("BLOW", &format!("{blow:?}"));
    bench.set("NTH", &nth.to_string());
    bench.front = Some("disturbed");
    let run = bench.run(stage);
    bench.front = None;
    let commands = (1..).map(|n| format!("count/{n}")).take_while(|file| bench.exists(file));
    (run, commands.map(|file| bench.read(&file).trim().to_owned()).collect())
}

const VOLUMES: [&str; 3] = ["app", "config", "system"];

/// The state of all volumes, without times.
fn state(bench: &Bench) -> BTreeMap<PathBuf, String> {
    let parts = VOLUMES
        .into_iter()
        .flat_map(|volume| bench.app(volume).into_iter().map(move |(path, what)| (Path::new(volume).join(path), what)));
    parts.collect()
}

fn copy(bench: &Bench, from: &str, to: &str) {
    let volumes = VOLUMES.map(|volume| bench.at(from).join(volume));
    let copied = Command::new("cp").arg("-a").args(volumes).arg(bench.at(to)).status().unwrap();
    assert!(copied.success());
}

/// Runs `stage` once for each of its commands that `blow` concerns, with that one disturbed, each time on volumes as
/// `prepare` left them. `between` looks at what was left, then an undisturbed run must reach the state of a run
/// that never was disturbed.
fn at_every_command(shell: Shell, blow: Blow, stage: &str, prepare: impl Fn(&mut Bench), between: impl Fn(&Bench)) {
    let Some(mut bench) = Bench::new(shell) else { return };
    prepare(&mut bench);
    fs::create_dir(bench.at("saved")).unwrap();
    copy(&bench, ".", "saved");
    make_disturbed(&bench);
    let restore = |bench: &Bench| {
        for volume in VOLUMES {
            fs::remove_dir_all(bench.at(volume)).unwrap();
        }
        copy(bench, "saved", ".");
    };

    let (run, commands) = disturbed(&mut bench, stage, blow, 0);
    run.done();
    let expect = state(&bench);
    let nths: Vec<_> = (1..=commands.len()).filter(|nth| blow.concerns(&commands[nth - 1])).collect();
    assert!(!nths.is_empty(), "{stage} runs nothing to disturb: {commands:?}");

    for &nth in &nths {
        restore(&bench);
        let (run, _) = disturbed(&mut bench, stage, blow, nth);
        let at = format!("{blow:?} at command {nth} of {stage}, {}", commands[nth - 1]);
        if blow == Blow::Full {
            let (line, says) = if run.code == Some(0) {
                (run.out.lines().last(), "] done: ")
            } else {
                (run.err.lines().last(), "] failed: ")
            };
            assert!(
                matches!(run.code, Some(0 | 1 | 28)) && line.is_some_and(|line| line.contains(says)),
                "{at}: {run:#?}"
            );
        } else {
            assert_eq!(run.code, None, "{at}: {run:#?}");
        }
        between(&bench);
        bench.run(stage).done();
        assert_eq!(state(&bench), expect, "{at}");
    }
    if blow == Blow::Within {
        return;
    }
    // And the same volumes through one blow after another.
    restore(&bench);
    for &nth in &nths {
        disturbed(&mut bench, stage, blow, nth);
        between(&bench);
    }
    bench.run(stage).done();
    assert_eq!(state(&bench), expect, "{blow:?} at every command of {stage} in turn");
}

fn killed(shell: Shell, stage: &str, prepare: impl Fn(&mut Bench), between: impl Fn(&Bench)) {
    at_every_command(shell, Blow::Before, stage, &prepare, &between);
    at_every_command(shell, Blow::Within, stage, &prepare, &between);
}

/// Whatever `current` points to is an app of one of these versions, complete.
fn whole_app(bench: &Bench, versions: &[&str]) {
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

fn old_then_new_image(bench: &mut Bench) {
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

fn my_config(bench: &mut Bench) {
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

fn my_config_or_the_new_one(bench: &Bench) {
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

fn asks_for_packages(bench: &mut Bench) {
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

fn a_full_disk_keeps_the_old_app(shell: Shell) {
    at_every_command(shell, Blow::Full, "seed-app", |_| {}, |bench| whole_app(bench, &["2026.8.2"]));
    at_every_command(shell, Blow::Full, "seed-app", old_then_new_image, |bench| {
        whole_app(bench, &["2026.8.2", "2026.9.1"])
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
        crate::skip::without("right to make a mount namespace", "no really full disk is tried");
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
