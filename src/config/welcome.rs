//! Whether this person has been here before: nothing is known of that but whether they have a configuration, or state.

use std::path::{Path, PathBuf};

use super::files::{self, FileError};

/// What any earlier use leaves behind in the state folder.
const TRACES: [&str; 4] = ["welcomed", "boots", "journal.jsonl", "fleetdeck.log"];

/// Whether neither a configuration nor any state is there. Where there is no home nothing can be remembered, and nobody is
/// welcomed again and again.
pub fn is_first() -> bool {
    let Some(state) = folder() else { return false };
    let config = super::usual_path().is_some_and(|path| path.exists());
    !config && std::env::var_os("FLEETDECK_CONFIG").is_none() && is_new(&state)
}

/// Remembers that they have been.
///
/// # Errors
/// The state folder cannot be written.
pub fn remember() -> Result<(), FileError> {
    folder()
        .map_or(Ok(()), |state| files::write_atomic(&state.join(TRACES[0]), "whoever sees this file has been here\n"))
}

fn folder() -> Option<PathBuf> {
    files::xdg("XDG_STATE_HOME", ".local/state").map(|dir| dir.join("fleetdeck"))
}

fn is_new(state: &Path) -> bool {
    !TRACES.iter().any(|trace| state.join(trace).exists())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_trace_is_one_of_somebody_who_was_here() {
        for trace in TRACES {
            let state = tempfile::tempdir().unwrap();
            assert!(is_new(state.path()) && is_new(&state.path().join("absent")));
            files::write_atomic(&state.path().join(trace), "").unwrap();
            assert!(!is_new(state.path()), "{trace}");
        }
    }
}
