//! The log of this program: to a file, when it is asked for, and never to the terminal.

use std::{path::PathBuf, sync::Mutex};

use tracing_subscriber::{EnvFilter, fmt};

use super::files::{self, FileError};

/// Where the log goes: `$XDG_STATE_HOME/fleetdeck/fleetdeck.log`.
pub fn path() -> Option<PathBuf> {
    files::xdg("XDG_STATE_HOME", ".local/state").map(|dir| dir.join("fleetdeck/fleetdeck.log"))
}

/// Why there is no log though one was asked for.
#[derive(Debug)]
pub enum TelemetryError {
    Filter(String),
    File(FileError),
    NoHome,
}

impl std::fmt::Display for TelemetryError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Filter(why) => {
                write!(f, "FLEETDECK_LOG is not a log filter: {why}; expected e.g. debug, or fleetdeck=debug")
            }
            Self::File(e) => write!(f, "the log {e}"),
            Self::NoHome => f.write_str("there is no folder for the log: neither XDG_STATE_HOME nor HOME is set"),
        }
    }
}

impl std::error::Error for TelemetryError {}

/// Starts the log if `FLEETDECK_LOG` names a filter.
///
/// # Errors
/// The filter makes no sense, or the file cannot be opened.
pub fn start() -> Result<(), TelemetryError> {
    let Some(wanted) = std::env::var("FLEETDECK_LOG").ok().filter(|v| !v.trim().is_empty()) else {
        return Ok(());
    };
    let filter = EnvFilter::try_new(&wanted).map_err(|e| TelemetryError::Filter(e.to_string()))?;
    // kube logs whole answers that it cannot parse, whatever is in them.
    let quiet = "kube_client::client=error".parse().map_err(|_| TelemetryError::Filter(wanted))?;
    let path = path().ok_or(TelemetryError::NoHome)?;
    let file = files::append(&path).map_err(TelemetryError::File)?;
    let log = fmt().with_env_filter(filter.add_directive(quiet)).with_ansi(false).with_writer(Mutex::new(file));
    log.init();
    Ok(())
}
