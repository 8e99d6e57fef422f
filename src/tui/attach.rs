//! This terminal, lent to a shell in a container: raw meanwhile, and as it was afterwards.

use std::{
    io::{self, PipeReader, PipeWriter, pipe},
    os::fd::{AsFd as _, OwnedFd},
    pin::Pin,
    task::{Context, Poll, ready},
    thread::{self, JoinHandle},
};

use bytes::Bytes;
use crossterm::terminal::{disable_raw_mode, enable_raw_mode, size};
use futures::stream;
use rustix::event::{PollFd, PollFlags, poll};
use tokio::{
    io::{AsyncRead, ReadBuf},
    signal::unix::{Signal as Winch, SignalKind, signal},
    sync::mpsc,
};

use super::signal::{Signal, Signals};
use crate::cluster::{ClusterError, Exit, shell::Shell};

/// Joins a shell with this terminal until it ends.
///
/// # Errors
/// No terminal, or a signal that ends this program meanwhile (of kind `Interrupted`).
pub async fn attach(shell: Shell) -> io::Result<Result<Exit, ClusterError>> {
    let keys = Keys::new()?;
    let winch = signal(SignalKind::window_change())?;
    let mut signals = Signals::new()?;
    let _raw = Raw::enter()?;
    let sizes = Box::pin(stream::unfold((winch, true), changed));
    let (mut screen, mut errors) = (tokio::io::stdout(), tokio::io::stderr());
    let joined = shell.join(keys, &mut screen, &mut errors, sizes);
    let ended = async {
        while signals.next().await != Signal::End {
            // Stopped and continued by others: the shell that started us has set the terminal as it likes it.
            _ = enable_raw_mode();
        }
    };
    tokio::select! {
        joined = joined => Ok(joined),
        () = ended => Err(io::ErrorKind::Interrupted.into()),
    }
}

/// The terminal's size at first, then each time it has changed.
async fn changed((mut winch, at_once): (Winch, bool)) -> Option<((u16, u16), (Winch, bool))> {
    if !at_once {
        winch.recv().await?;
    }
    Some((size().ok()?, (winch, false)))
}

struct Raw;

impl Raw {
    fn enter() -> io::Result<Self> {
        enable_raw_mode()?;
        Ok(Self)
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        // The terminal may be gone.
        _ = disable_raw_mode();
    }
}

/// Standard input, read on a thread of its own and only when something is there: no read stays behind that would take the
/// next key from whoever has the terminal afterwards.
struct Keys {
    read: mpsc::Receiver<Bytes>,
    /// What did not fit into the last read.
    rest: Bytes,
    /// The thread ends when this is dropped.
    wake: Option<PipeWriter>,
    thread: Option<JoinHandle<()>>,
}

impl Keys {
    fn new() -> io::Result<Self> {
        let stdin = io::stdin().as_fd().try_clone_to_owned()?;
        let (woken, wake) = pipe()?;
        let (send, read) = mpsc::channel(4);
        let thread = thread::Builder::new().name("keys".to_owned()).spawn(move || listen(&stdin, &woken, &send))?;
        Ok(Self { read, rest: Bytes::new(), wake: Some(wake), thread: Some(thread) })
    }
}

impl Drop for Keys {
    fn drop(&mut self) {
        self.read.close();
        self.wake = None;
        if let Some(thread) = self.thread.take() {
            // Nobody else may read before it has ended, which it does at once.
            _ = thread.join();
        }
    }
}

/// Until standard input ends, or nobody listens.
fn listen(stdin: &OwnedFd, woken: &PipeReader, to: &mpsc::Sender<Bytes>) {
    let mut buffer = [0; 4_096];
    loop {
        let mut fds = [PollFd::new(stdin, PollFlags::IN), PollFd::new(woken, PollFlags::IN)];
        match poll(&mut fds, None) {
            Ok(_) if !fds[1].revents().is_empty() => return,
            Ok(_) | Err(rustix::io::Errno::INTR) if fds[0].revents().is_empty() => continue,
            Ok(_) => {}
            Err(_) => return,
        }
        match rustix::io::read(stdin, &mut buffer) {
            Ok(0) => return,
            Ok(n) if to.blocking_send(Bytes::copy_from_slice(&buffer[..n])).is_err() => return,
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(_) => return,
        }
    }
}

impl AsyncRead for Keys {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, to: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.rest.is_empty() {
            match ready!(self.read.poll_recv(cx)) {
                Some(bytes) => self.rest = bytes,
                None => return Poll::Ready(Ok(())),
            }
        }
        let n = self.rest.len().min(to.remaining());
        to.put_slice(&self.rest.split_to(n));
        Poll::Ready(Ok(()))
    }
}
