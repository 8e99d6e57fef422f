//! The only place that writes to standard output and standard error.

use std::io::{self, BufWriter, IsTerminal as _, StdoutLock, Write};

use super::failure::Failure;

/// Standard output, for the time of one verb.
pub(super) struct Out {
    to: BufWriter<StdoutLock<'static>>,
    /// Columns, where it is a terminal.
    pub width: Option<usize>,
}

impl Out {
    pub(super) fn new() -> Self {
        let stdout = io::stdout();
        let width = stdout
            .is_terminal()
            .then(|| terminal_size::terminal_size().map(|(terminal_size::Width(columns), _)| usize::from(columns)))
            .flatten();
        Self { to: BufWriter::new(stdout.lock()), width }
    }

    pub(super) fn line(&mut self, text: &str) -> Result<(), Failure> {
        writeln!(self.to, "{text}").map_err(|e| failed(&e))
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.to.write_all(bytes).map_err(|e| failed(&e))
    }

    /// One JSON document, indented for people.
    pub(super) fn json(&mut self, value: &impl serde::Serialize) -> Result<(), Failure> {
        serde_json::to_writer_pretty(&mut self.to, value).map_err(|e| failed(&e.into()))?;
        self.line("")
    }

    /// One JSON document on one line.
    pub(super) fn json_line(&mut self, value: &impl serde::Serialize) -> Result<(), Failure> {
        serde_json::to_writer(&mut self.to, value).map_err(|e| failed(&e.into()))?;
        self.line("")
    }

    pub(super) fn flush(&mut self) -> Result<(), Failure> {
        self.to.flush().map_err(|e| failed(&e))
    }
}

/// Whether a console could be drawn here.
pub(super) fn to_terminal() -> bool {
    io::stdout().is_terminal() && io::stdin().is_terminal()
}

/// A whole text at once.
pub(super) fn out(text: &str) -> Result<(), Failure> {
    bytes(text.as_bytes())
}

pub(super) fn bytes(bytes: &[u8]) -> Result<(), Failure> {
    let mut out = Out::new();
    out.bytes(bytes)?;
    out.flush()
}

fn failed(error: &io::Error) -> Failure {
    if error.kind() == io::ErrorKind::BrokenPipe {
        Failure::PipeClosed
    } else {
        Failure::Failed(format!("standard output cannot be written: {error}"))
    }
}

/// A remark for people on standard error. Nobody there to read it is no failure.
pub(super) fn note(text: &str) {
    _ = writeln!(io::stderr().lock(), "{text}");
}

/// Whether whoever read our standard output has gone: a pipe or terminal without another end.
pub(super) fn is_hung_up() -> bool {
    use rustix::event::{PollFd, PollFlags, poll};
    let stdout = io::stdout();
    let mut fds = [PollFd::new(&stdout, PollFlags::empty())];
    let now = rustix::event::Timespec { tv_sec: 0, tv_nsec: 0 };
    matches!(poll(&mut fds, Some(&now)), Ok(1)) && fds[0].revents().intersects(PollFlags::ERR | PollFlags::HUP)
}
