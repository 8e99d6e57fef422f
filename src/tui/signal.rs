//! Signals that concern the terminal.

use std::io;

use tokio::{
    select,
    signal::unix::{Signal as Stream, SignalKind, signal},
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signal {
    /// To be ended: SIGTERM, SIGHUP, SIGINT, SIGQUIT.
    End,
    /// SIGCONT: the shell has had the terminal meanwhile.
    Continued,
}

pub(crate) struct Signals {
    term: Stream,
    hangup: Stream,
    interrupt: Stream,
    quit: Stream,
    cont: Stream,
}

impl Signals {
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self {
            term: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
            interrupt: signal(SignalKind::interrupt())?,
            quit: signal(SignalKind::quit())?,
            cont: signal(SignalKind::from_raw(rustix::process::Signal::CONT.as_raw()))?,
        })
    }

    pub(crate) async fn next(&mut self) -> Signal {
        select! {
            _ = self.term.recv() => Signal::End,
            _ = self.hangup.recv() => Signal::End,
            _ = self.interrupt.recv() => Signal::End,
            _ = self.quit.recv() => Signal::End,
            _ = self.cont.recv() => Signal::Continued,
        }
    }

    pub(crate) async fn continued(&mut self) {
        self.cont.recv().await;
    }
}
