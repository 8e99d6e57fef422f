//! Being asked to end from outside: whoever holds something open must let go of it, and write that down, before it goes.

use std::path::Path;

use tokio::signal::unix::{Signal, SignalKind, signal};

use super::failure::Failure;
use crate::config::files;

/// SIGTERM, and the end of our terminal. Ctrl-C is everybody's, and heard elsewhere.
pub(super) struct End {
    term: Option<Signal>,
    hangup: Option<Signal>,
}

impl End {
    /// Listens from now on: what comes before anybody waits is not lost.
    pub(super) fn listen() -> Self {
        // Without a listener a signal ends us as it always did.
        let listen = |kind| signal(kind).ok();
        let hangup = if hangups_are_ignored() { None } else { listen(SignalKind::hangup()) };
        Self { term: listen(SignalKind::terminate()), hangup }
    }

    /// Once we are to end.
    pub(super) async fn comes(&mut self) -> Failure {
        tokio::select! {
            () = heard(&mut self.term) => Failure::Exited(143),
            () = heard(&mut self.hangup) => Failure::Exited(129),
        }
    }
}

async fn heard(signal: &mut Option<Signal>) {
    match signal {
        Some(stream) => drop(stream.recv().await),
        None => std::future::pending().await,
    }
}

/// Started under `nohup`: it is meant to outlive its terminal. Where the system does not tell, nobody did so.
fn hangups_are_ignored() -> bool {
    let status = files::read_text(Path::new("/proc/self/status")).unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_some_and(|mask| mask & 1 != 0)
}
