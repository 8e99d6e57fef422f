//! Striking a stage at each of its commands in turn: what it leaves must be the old state or the new one, and the
//! next run must come to the same end as an undisturbed one.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{Bench, Run, Shell};

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
pub(crate) enum Blow {
    /// SIGKILL to the stage and all it started, just before the command.
    Before,
    /// SIGKILL when the command is half done.
    Within,
    /// The command fails as on a full disk, half done.
    Full,
}

/// What never changes a volume: the stages only read with them.
const READERS: [&str; 13] =
    ["cmp", "df", "du", "find", "grep", "id", "readlink", "sha256sum", "sort", "stat", "sync", "tail", "uname"];

impl Blow {
    /// Which of a stage's commands to strike, counted from 1. A command that follows only readers finds the
    /// volumes as the one before did, so dying there is dying before: it is left out.
    fn targets(self, commands: &[String]) -> Vec<usize> {
        let mut changed = true;
        let mut targets = Vec::new();
        for (index, command) in commands.iter().enumerate() {
            let tool = command.split(' ').next().unwrap_or_default();
            let hit = match self {
                Self::Before => changed,
                Self::Within => ["cp", "awk", "sed", "cat"].contains(&tool) || command == "rm -rf",
                Self::Full => tool != "rm" && !READERS.contains(&tool),
            };
            if hit {
                targets.push(index + 1);
                changed = false;
            }
            changed |= !READERS.contains(&tool);
        }
        targets
    }
}

/// Programs that count themselves, by files, because those of a pipeline run at once; the $NTH is struck.
const COUNTED: &str = r#"set -C
n=1
until { printf '%s %.5s\n' "$tool" "${1:-}" >"$COUNT/$n"; } 2>/dev/null; do n=$((n + 1)); done
set +C
if [ "$n" = "$NTH" ]; then . "$STRIKE"; fi
exec "$real" "$@""#;

const STRIKE: &str = r#"half() {
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
"#;

fn make_disturbed(bench: &Bench) {
    for command in COMMANDS {
        let Some(real) = bench.tool(command) else { continue };
        bench.program(&format!("disturbed/{command}"), &format!("tool={command} real={}\n{COUNTED}", real.display()));
    }
}

/// Runs the stage with its `nth` command disturbed (0: none); its commands, as far as it came, are returned too.
fn disturbed(bench: &mut Bench, stage: &str, blow: Blow, nth: usize) -> (Run, Vec<String>) {
    let _ = fs::remove_dir_all(bench.at("count"));
    fs::create_dir(bench.at("count")).unwrap();
    bench.set("COUNT", bench.at("count").to_str().unwrap());
    bench.write("strike", STRIKE);
    bench.set("STRIKE", bench.at("strike").to_str().unwrap());
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
pub(crate) fn state(bench: &Bench) -> BTreeMap<PathBuf, String> {
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
pub(crate) fn at_every_command(
    shell: Shell,
    blow: Blow,
    stage: &str,
    prepare: impl Fn(&mut Bench),
    between: impl Fn(&Bench),
) {
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
    let nths = blow.targets(&commands);
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
    if blow != Blow::Before || !["seed-app", "write-config"].contains(&stage) {
        return;
    }
    // Where most is at stake: the same volumes through one blow after another.
    restore(&bench);
    for &nth in &nths {
        disturbed(&mut bench, stage, blow, nth);
        between(&bench);
    }
    bench.run(stage).done();
    assert_eq!(state(&bench), expect, "{blow:?} at every command of {stage} in turn");
}
