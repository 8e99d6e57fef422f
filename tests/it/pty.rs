//! The real binary in a real terminal: it gives the terminal back whatever ends it, and is silent when nothing happens.

mod acting;
mod cast;
pub(crate) mod seat;
mod tour;

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use portable_pty::{CommandBuilder, PtySize};
use rustix::process::Signal;

use self::seat::{PATIENCE, SIZE, Seat};

fn scenario() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/pty/quiet.toml")
}

fn demo() -> CommandBuilder {
    let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_fleetdeck"));
    command.args(["demo", "--scenario"]);
    command.arg(scenario());
    command
}

fn opened(command: CommandBuilder) -> Seat {
    let mut seat = Seat::take(command);
    seat.wait_for("3 tenants");
    let screen = seat.screen.screen();
    assert!(screen.alternate_screen() && screen.hide_cursor() && screen.bracketed_paste());
    assert_ne!(format!("{:?}", seat.master.get_termios().unwrap()), seat.before, "the terminal is in raw mode");
    seat
}

#[test]
fn quitting_gives_the_terminal_back() {
    for keys in ["q", "\x03", ":quit\r"] {
        let mut seat = opened(demo());
        seat.press(keys);
        let status = seat.end();
        assert!(status.success(), "{keys:?}: {status:?}");
        seat.assert_restored(keys);
    }
}

#[test]
fn only_a_first_start_says_which_keys_to_begin_with() {
    const HINT: &str = "first time here?";
    let home = tempfile::tempdir().unwrap();
    let start = || {
        let mut seat = Seat::take_at_home(demo(), home.path());
        seat.wait_for("3 tenants");
        seat
    };
    let mut seat = start();
    seat.wait_for(HINT);
    // It stands where the keys stand, and makes way for them.
    seat.press("j");
    seat.wait("the keys", |s| !s.contents().contains(HINT) && s.contents().contains("? help"));
    seat.press("q");
    assert!(seat.end().success());

    let mut seat = start();
    seat.wait_for("? help");
    assert!(!seat.screen.screen().contents().contains(HINT));
    seat.press("q");
    assert!(seat.end().success());
    assert!(!String::from_utf8_lossy(&seat.heard).contains(HINT), "not for a moment");

    // A configuration is of somebody who knows the way.
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join(".config/fleetdeck");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("config.toml"), "theme = \"light\"\n").unwrap();
    let mut seat = Seat::take_at_home(demo(), home.path());
    seat.wait_for("? help");
    assert!(!seat.screen.screen().contents().contains(HINT));
    seat.press("q");
    assert!(seat.end().success());
}

#[test]
fn signals_give_the_terminal_back() {
    for signal in [Signal::TERM, Signal::HUP, Signal::INT] {
        let mut seat = opened(demo());
        seat.signal(signal);
        seat.end();
        seat.assert_restored(&format!("{signal:?}"));
    }
}

#[test]
fn a_panic_gives_the_terminal_back_and_is_reported_on_it() {
    let mut command = demo();
    command.env_clear();
    let home = tempfile::tempdir().unwrap();
    for (name, value) in [("TERM", "xterm"), ("LANG", "C.UTF-8"), ("FLEETDECK_TEST_PANIC", "1")] {
        command.env(name, value);
    }
    command.env("HOME", home.path());
    let mut seat = Seat::with(command, home);
    let status = seat.end();
    assert!(!status.success(), "{status:?}");
    seat.assert_restored("a panic");
    let shown = seat.screen.screen().contents();
    assert!(shown.contains("asked to panic"), "{shown}");
}

#[test]
fn ctrl_z_stops_the_job_and_fg_brings_it_back() {
    let mut shell = CommandBuilder::new("sh");
    shell.arg("-i");
    let mut seat = Seat::take(shell);
    seat.press("PS1='ready> '\r");
    // Once as typed, once as the prompt.
    seat.wait("the prompt", |s| s.contents().matches("ready> ").count() == 2);
    let command = format!("{} demo --scenario {}\r", env!("CARGO_BIN_EXE_fleetdeck"), scenario().display());
    seat.press(&command);
    seat.wait("the console", |s| s.alternate_screen() && s.contents().contains("3 tenants"));
    seat.press("\x1a");
    let prompted = |s: &vt100::Screen| s.contents().trim_end().ends_with("ready>");
    seat.wait("the shell", |s| {
        !s.alternate_screen() && !s.hide_cursor() && s.contents().contains("topped") && prompted(s)
    });
    // The shell's own commands are echoed: the terminal is no longer raw.
    seat.press("echo still $((40+2))\r");
    seat.wait_for("still 42");
    seat.press("fg\r");
    seat.wait("the console again", |s| {
        s.alternate_screen() && s.hide_cursor() && s.bracketed_paste() && s.contents().contains("3 tenants")
    });
    seat.press("q");
    seat.wait("the shell again", |s| !s.alternate_screen() && !s.hide_cursor() && prompted(s));
    seat.press("echo gone $((6*7))\r");
    seat.wait_for("gone 42");
    seat.press("exit\r");
    assert!(seat.end().success());
}

#[test]
fn a_screen_on_which_nothing_changes_is_not_drawn() {
    let mut seat = opened(demo());
    // No rows, no ages: what is left is the header.
    seat.press("/nobody-is-called-so\r");
    seat.wait_for("all hidden by the filter");
    // Ages of the header may change once a minute, and a meter may report: between them there is silence. Were the
    // screen drawn once a second, no stretch of it would last so long.
    let quiet = Duration::from_secs(5);
    let until = Instant::now() + PATIENCE;
    while let Some(bytes) = seat.hear(quiet) {
        assert!(Instant::now() < until, "never silent for {quiet:?}: {bytes} bytes just now");
    }
    // It is not dead either.
    seat.press("?");
    seat.wait_for("help: fleet");
    seat.press("\x03");
    assert!(seat.end().success());
}

#[test]
fn keys_and_sizes_reach_the_screen() {
    let mut seat = opened(demo());
    seat.press("/phase:ready\r");
    seat.wait_for("of 3 shown");
    seat.press("\x1b");
    seat.wait("the whole fleet", |s| !s.contents().contains("shown"));
    seat.press("\r");
    seat.wait_for("BOOT");
    let size = PtySize { rows: 40, cols: 120, ..SIZE };
    seat.screen.screen_mut().set_size(size.rows, size.cols);
    seat.master.resize(size).unwrap();
    seat.wait("the wider page", |s| s.contents().lines().count() > 30 && s.contents().contains("fleetdeck"));
    seat.press("q");
    seat.wait_for("TENANT");
    seat.press("q");
    assert!(seat.end().success());
}

#[test]
fn boots_that_one_console_has_seen_are_there_for_the_next() {
    use crate::headless::{kept_boots, kept_fleet};
    for leave in ["q", "a signal"] {
        let (server, home) = kept_fleet();
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_fleetdeck"));
        command.env_clear();
        for (name, value) in [("TERM", "xterm-256color"), ("LANG", "C.UTF-8"), ("PATH", "/usr/bin:/bin")] {
            command.env(name, value);
        }
        command.env("HOME", home.path());
        let mut seat = Seat::with(command, home);
        seat.wait_for("2 tenants");
        seat.press("b");
        seat.wait_for("the latest 1 are remembered");
        seat.press("\x1b");
        seat.wait_for("TENANT");
        match leave {
            "q" => seat.press("q"),
            _ => seat.signal(Signal::TERM),
        }
        seat.end();
        seat.assert_restored(leave);
        let text = std::fs::read_to_string(kept_boots(seat.home.path())).unwrap();
        let kept: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!((&kept["version"], kept["boots"].as_array().unwrap().len()), (&1.into(), 1), "{leave}: {text}");
        assert!(!text.contains("t0001"), "no tenant is named: {text}");
        assert!(!server.asked().iter().any(|p| p.contains("secrets")));
    }
}

#[test]
fn without_a_terminal_it_says_what_to_use_instead() {
    let run = std::process::Command::new(env!("CARGO_BIN_EXE_fleetdeck"))
        .args(["demo", "--scenario"])
        .arg(scenario())
        .stdin(std::process::Stdio::null())
        .output()
        .unwrap();
    assert_eq!(run.status.code(), Some(1));
    let said = String::from_utf8(run.stderr).unwrap();
    assert!(said.contains("needs a terminal") && said.contains("fleetdeck ls"), "{said}");
    assert!(run.stdout.is_empty(), "no escape sequence goes into a pipe");
}
