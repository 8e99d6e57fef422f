//! The console in a terminal of 200x60, and somebody before it.

use std::{
    io::{Read as _, Write as _},
    path::Path,
    sync::mpsc::{Receiver, sync_channel},
    thread,
    time::{Duration, Instant},
};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

const SIZE: PtySize = PtySize { rows: 60, cols: 200, pixel_width: 0, pixel_height: 0 };
/// Columns in which a tenant is named.
const NAME: u16 = 32;
const PATIENCE: Duration = Duration::from_secs(120);

pub struct Seat {
    child: Box<dyn Child + Send + Sync>,
    keys: Box<dyn std::io::Write + Send>,
    output: Receiver<Vec<u8>>,
    screen: vt100::Parser,
    began: Instant,
    first_row: Option<Duration>,
    _terminal: Box<dyn MasterPty + Send>,
    _home: tempfile::TempDir,
}

impl Seat {
    pub fn take(kubeconfig: &Path) -> Self {
        let home = tempfile::tempdir().expect("a folder");
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_fleetdeck"));
        command.arg("--kubeconfig");
        command.arg(kubeconfig);
        command.env_clear();
        for (name, value) in [("TERM", "xterm-256color"), ("LANG", "C.UTF-8"), ("PATH", "/usr/bin:/bin")] {
            command.env(name, value);
        }
        command.env("HOME", home.path());
        let pair = native_pty_system().openpty(SIZE).expect("a terminal");
        let began = Instant::now();
        let child = pair.slave.spawn_command(command).expect("the console starts");
        let mut reader = pair.master.try_clone_reader().expect("a terminal");
        let (send, output) = sync_channel(1_024);
        thread::spawn(move || {
            let mut buffer = [0; 1 << 16];
            while let Ok(n) = reader.read(&mut buffer) {
                if n == 0 || send.send(buffer[..n].to_vec()).is_err() {
                    return;
                }
            }
        });
        let keys = pair.master.take_writer().expect("a terminal");
        let screen = vt100::Parser::new(SIZE.rows, SIZE.cols, 0);
        Self { child, keys, output, screen, began, first_row: None, _terminal: pair.master, _home: home }
    }

    pub fn pid(&self) -> u32 {
        self.child.process_id().expect("it runs")
    }

    /// Takes what comes within `patience`; its length.
    fn hear(&mut self, patience: Duration) -> usize {
        let Ok(bytes) = self.output.recv_timeout(patience) else { return 0 };
        self.screen.process(&bytes);
        if self.first_row.is_none() && self.pointer().is_some() {
            self.first_row = Some(self.began.elapsed());
        }
        bytes.len()
    }

    /// Bytes that came in `time`.
    pub fn listen(&mut self, time: Duration) -> usize {
        let until = Instant::now() + time;
        let mut bytes = 0;
        while let Some(left) = until.checked_duration_since(Instant::now()) {
            bytes += self.hear(left.min(Duration::from_millis(50)));
        }
        bytes
    }

    /// Since the process began, until `text` is on screen.
    pub fn wait(&mut self, text: &str) -> Duration {
        while !self.screen.screen().contents().contains(text) {
            assert!(self.began.elapsed() < PATIENCE, "{text:?} did not come:\n{}", self.screen.screen().contents());
            self.hear(Duration::from_millis(100));
        }
        self.began.elapsed()
    }

    pub fn first_row(&self) -> Duration {
        self.first_row.unwrap_or_default()
    }

    /// Line of the row that is selected.
    fn pointer(&self) -> Option<u16> {
        let screen = self.screen.screen();
        (0..SIZE.rows).find(|y| screen.cell(*y, 0).is_some_and(|c| c.contents() == "▸"))
    }

    /// The row that is selected: its line, and whose it is. At the screen's edge the list moves and the line does not.
    fn selected(&self) -> Option<(u16, String)> {
        let line = self.pointer()?;
        Some((line, self.screen.screen().contents_between(line, 0, line, NAME)))
    }

    /// Moves the selection, down and up in turns of twenty; how long until it is seen.
    pub fn press_and_wait(&mut self, turn: usize) -> Duration {
        // Whatever news was on its way is not the answer to the key.
        self.listen(Duration::from_millis(7 + (turn as u64 * 13) % 50));
        let before = self.selected();
        let key: &[u8] = if (turn / 20).is_multiple_of(2) { b"j" } else { b"k" };
        let start = Instant::now();
        self.keys.write_all(key).and_then(|()| self.keys.flush()).expect("the console reads");
        while self.selected() == before {
            assert!(start.elapsed() < PATIENCE, "the selection did not move:\n{}", self.screen.screen().contents());
            self.hear(Duration::from_millis(100));
        }
        start.elapsed()
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
