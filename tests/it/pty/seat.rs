//! A person at a terminal of the real binary.

use std::{
    io::{Read as _, Write as _},
    path::Path,
    sync::mpsc::{Receiver, RecvTimeoutError, sync_channel},
    thread,
    time::{Duration, Instant},
};

use portable_pty::{Child, CommandBuilder, ExitStatus, MasterPty, PtySize, native_pty_system};
use rustix::process::{Pid, Signal, kill_process};

/// Longer than the slowest machine needs in a debug build; reached only by a failure.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
pub(crate) const SIZE: PtySize = PtySize { rows: 24, cols: 80, pixel_width: 0, pixel_height: 0 };

/// A person at a terminal: sees its screen, presses keys.
pub(crate) struct Seat {
    pub master: Box<dyn MasterPty + Send>,
    keys: Box<dyn std::io::Write + Send>,
    child: Box<dyn Child + Send + Sync>,
    output: Receiver<Vec<u8>>,
    pub screen: vt100::Parser,
    /// All that came, as it came.
    pub heard: Vec<u8>,
    /// The terminal's settings before anybody changed them.
    pub before: String,
    pub home: tempfile::TempDir,
}

impl Seat {
    pub(crate) fn take(command: CommandBuilder) -> Self {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().to_owned();
        Self::with(at_home(command, &path), home)
    }

    /// At home where others look too.
    pub(crate) fn take_at_home(command: CommandBuilder, home: &Path) -> Self {
        Self::with(at_home(command, home), tempfile::tempdir().unwrap())
    }

    pub(crate) fn with(command: CommandBuilder, home: tempfile::TempDir) -> Self {
        Self::sized(command, home, SIZE)
    }

    pub(crate) fn sized(command: CommandBuilder, home: tempfile::TempDir, size: PtySize) -> Self {
        let pair = native_pty_system().openpty(size).unwrap();
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
        let screen = vt100::Parser::new(size.rows, size.cols, 0);
        Self { master: pair.master, keys, child, output, screen, heard: Vec::new(), before, home }
    }

    pub(crate) fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
        self.keys.flush().unwrap();
    }

    /// Takes what comes next, if it comes in time: the number of its bytes.
    pub(crate) fn hear(&mut self, patience: Duration) -> Option<usize> {
        match self.output.recv_timeout(patience) {
            Ok(bytes) => {
                self.screen.process(&bytes);
                self.heard.extend_from_slice(&bytes);
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

    pub(crate) fn wait(&mut self, what: &str, met: impl Fn(&vt100::Screen) -> bool) {
        let until = Instant::now() + PATIENCE;
        while !met(self.screen.screen()) {
            assert!(Instant::now() < until, "{what} did not come; the screen:\n{}", self.screen.screen().contents());
            self.hear(Duration::from_millis(100));
        }
    }

    pub(crate) fn wait_for(&mut self, text: &str) {
        self.wait(&format!("{text:?}"), |screen| screen.contents().contains(text));
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.child.process_id().unwrap()).unwrap();
        kill_process(Pid::from_raw(pid).unwrap(), signal).unwrap();
    }

    pub(crate) fn end(&mut self) -> ExitStatus {
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
    pub(crate) fn assert_restored(&self, after: &str) {
        let screen = self.screen.screen();
        assert!(!screen.alternate_screen(), "{after}: still on the alternate screen");
        assert!(!screen.hide_cursor(), "{after}: no cursor");
        assert!(!screen.bracketed_paste(), "{after}: pastes are bracketed");
        assert_eq!(screen.mouse_protocol_mode(), vt100::MouseProtocolMode::None, "{after}");
        let now = format!("{:?}", self.master.get_termios().unwrap());
        assert_eq!(now, self.before, "{after}: the terminal's settings");
    }
}

fn at_home(mut command: CommandBuilder, home: &Path) -> CommandBuilder {
    command.env_clear();
    for (name, value) in [("TERM", "xterm-256color"), ("LANG", "C.UTF-8"), ("PATH", "/usr/bin:/bin")] {
        command.env(name, value);
    }
    command.env("HOME", home);
    command
}

impl Drop for Seat {
    fn drop(&mut self) {
        // Gone already where the test went well.
        _ = self.child.kill();
        _ = self.child.wait();
    }
}
