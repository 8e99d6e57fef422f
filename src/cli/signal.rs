//! Being asked to end from outside: whoever holds something open must let go of it, and write that down, before it goes.

use std::path::Path;

use tokio::signal::unix::{SignalKind, signal};

use super::failure::Failure;
use crate::config::files;

/// Once somebody ends this program by SIGTERM, or its terminal goes. Ctrl-C is everybody's, and heard elsewhere.
pub(super) async fn ended() -> Failure {
    tokio::select! {
        () = heard(SignalKind::terminate()) => Failure::Exited(143),
        () = heard(SignalKind::hangup()), if !hangups_are_ignored() => Failure::Exited(129),
    }
}

async fn heard(kind: SignalKind) {
    match signal(kind) {
        Ok(mut stream) => drop(stream.recv().await),
        // Then it ends us as it always did.
        Err(_) => std::future::pending().await,
    }
}

/// Started under `nohup`: it is meant to outlive its terminal. Where the system does not tell, nobody did so.
fn hangups_are_ignored() -> bool {
    let status = files::read_text(Path::new("/proc/self/status")).unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_some_and(|mask| mask & 1 != 0)
}
