//! The real binary in a real terminal: it gives the terminal back whatever ends it, and is silent when nothing happens.

use std::{
    io::{Read as _, Write as _},
    path::{Path, PathBuf},
    sync::mpsc::{Receiver, RecvTimeoutError, sync_channel},
    thread,
    time::{Duration, Instant},
};

use portable_pty::{Child, CommandBuilder, ExitStatus, MasterPty, PtySize, native_pty_system};
use rustix::process::{Pid, Signal, kill_process};

/// Longer than the slowest machine needs in a debug build; reached only by a failure.
const PATIENCE: Duration = Duration::from_secs(60);
const SIZE: PtySize = PtySize { rows: 24, cols: 80, pixel_width: 0, pixel_height: 0 };

/// A person at a terminal: sees its screen, presses keys.
struct Seat {
    master: Box<dyn MasterPty + Send>,
    keys: Box<dyn std::io::Write + Send>,
    child: Box<dyn Child + Send + Sync>,
    output: Receiver<Vec<u8>>,
    screen: vt100::Parser,
    /// The terminal's settings before anybody changed them.
    before: String,
    _home: tempfile::TempDir,
}

fn scenario() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/pty/quiet.toml")
}

fn demo() -> CommandBuilder {
    let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_fleetdeck"));
    command.args(["demo", "--scenario"]);
    command.arg(scenario());
    command
}

impl Seat {
    fn take(mut command: CommandBuilder) -> Self {
        let home = tempfile::tempdir().unwrap();
        command.env_clear();
        for (name, value) in [("TERM", "xterm-256color"), ("LANG", "C.UTF-8"), ("PATH", "/usr/bin:/bin")] {
            command.env(name, value);
        }
        command.env("HOME", home.path());
        Self::with(command, home)
    }

    fn with(command: CommandBuilder, home: tempfile::TempDir) -> Self {
        let pair = native_pty_system().openpty(SIZE).unwrap();
        let before = format!("{:?}", pair.master.get_termios().unwrap());
        let child = pair.slave.spawn_command(command).unwrap();
        let mut reader = pair.master.try_clone_reader().unwrap();
        let (send, output) = sync_channel(1_024);
        thread::spawn(move || {
            let mut buffer = [0; 1 << 14];
            while let Ok(n) = reader.read(&mut buffer) {
                if n == 0 || send.send(buffer[..n].to_vec()).is_err() {
                    return;
                }
            }
        });
        let keys = pair.master.take_writer().unwrap();
        let screen = vt100::Parser::new(SIZE.rows, SIZE.cols, 0);
        Self { master: pair.master, keys, child, output, screen, before, _home: home }
    }

    fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
        self.keys.flush().unwrap();
    }

    /// Takes what comes next, if it comes in time: the number of its bytes.
    fn hear(&mut self, patience: Duration) -> Option<usize> {
        match self.output.recv_timeout(patience) {
            Ok(bytes) => {
                self.screen.process(&bytes);
                Some(bytes.len())
            }
            Err(RecvTimeoutError::Timeout) => None,
            // The other side has closed: nothing more will come.
            Err(RecvTimeoutError::Disconnected) => {
                thread::sleep(Duration::from_millis(20));
                None
            }
        }
    }

    fn wait(&mut self, what: &str, met: impl Fn(&vt100::Screen) -> bool) {
        let until = Instant::now() + PATIENCE;
        while !met(self.screen.screen()) {
            assert!(Instant::now() < until, "{what} did not come; the screen:\n{}", self.screen.screen().contents());
            self.hear(Duration::from_millis(100));
        }
    }

    fn wait_for(&mut self, text: &str) {
        self.wait(&format!("{text:?}"), |screen| screen.contents().contains(text));
    }

    fn opened(command: CommandBuilder) -> Self {
        let mut seat = Self::take(command);
        seat.wait_for("3 tenants");
        let screen = seat.screen.screen();
        assert!(screen.alternate_screen() && screen.hide_cursor() && screen.bracketed_paste());
        assert_ne!(format!("{:?}", seat.master.get_termios().unwrap()), seat.before, "the terminal is in raw mode");
        seat
    }

    fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.child.process_id().unwrap()).unwrap();
        kill_process(Pid::from_raw(pid).unwrap(), signal).unwrap();
    }

    fn end(&mut self) -> ExitStatus {
        let until = Instant::now() + PATIENCE;
        loop {
            self.hear(Duration::from_millis(50));
            if let Some(status) = self.child.try_wait().unwrap() {
                while self.hear(Duration::from_millis(100)).is_some() {}
                return status;
            }
            assert!(Instant::now() < until, "it does not end; the screen:\n{}", self.screen.screen().contents());
        }
    }

    /// Everything that was changed about the terminal is as it was.
    fn assert_restored(&self, after: &str) {
        let screen = self.screen.screen();
        assert!(!screen.alternate_screen(), "{after}: still on the alternate screen");
        assert!(!screen.hide_cursor(), "{after}: no cursor");
        assert!(!screen.bracketed_paste(), "{after}: pastes are bracketed");
        assert_eq!(screen.mouse_protocol_mode(), vt100::MouseProtocolMode::None, "{after}");
        let now = format!("{:?}", self.master.get_termios().unwrap());
        assert_eq!(now, self.before, "{after}: the terminal's settings");
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        // Gone already where the test went well.
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

#[test]
fn quitting_gives_the_terminal_back() {
    for keys in ["q", "\x03", ":quit\r"] {
        let mut seat = Seat::opened(demo());
        seat.press(keys);
        let status = seat.end();
        assert!(status.success(), "{keys:?}: {status:?}");
        seat.assert_restored(keys);
    }
}

#[test]
fn signals_give_the_terminal_back() {
    for signal in [Signal::TERM, Signal::HUP, Signal::INT] {
        let mut seat = Seat::opened(demo());
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
    let mut seat = Seat::opened(demo());
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
    let mut seat = Seat::opened(demo());
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
        let text = std::fs::read_to_string(kept_boots(seat._home.path())).unwrap();
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
