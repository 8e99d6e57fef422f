//! The log of this program: to a file, when it is asked for, and never to the terminal.

use std::{
    io::{self, Write},
    path::PathBuf,
    sync::{Arc, Mutex, OnceLock},
};

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

/// The log that is being written, if any.
#[derive(Debug, Default)]
pub struct Log {
    path: PathBuf,
    cut: Arc<OnceLock<String>>,
}

impl Log {
    /// What a person should know of it when the program ends: lines that it lacks.
    pub fn lacks(&self) -> Option<String> {
        self.cut.get().map(|why| format!("the log {} lacks lines: {why}", self.path.display()))
    }
}

/// A file that may fill its disk: the program goes on without the line, for the terminal may be the console's.
struct Gentle {
    file: files::Appended,
    cut: Arc<OnceLock<String>>,
}

impl Write for Gentle {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if let Err(error) = self.file.write_all(line) {
            // The first reason is the one that tells.
            _ = self.cut.set(error.to_string());
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Starts the log if `FLEETDECK_LOG` names a filter.
///
/// # Errors
/// The filter makes no sense, or the file cannot be opened.
pub fn start() -> Result<Log, TelemetryError> {
    let Some(wanted) = std::env::var("FLEETDECK_LOG").ok().filter(|v| !v.trim().is_empty()) else {
        return Ok(Log::default());
    };
    let filter = EnvFilter::try_new(&wanted).map_err(|e| TelemetryError::Filter(e.to_string()))?;
    // kube logs whole answers that it cannot parse, whatever is in them.
    let quiet = "kube_client::client=error".parse().map_err(|_| TelemetryError::Filter(wanted))?;
    let path = path().ok_or(TelemetryError::NoHome)?;
    let file = files::append(&path).map_err(TelemetryError::File)?;
    let cut = Arc::default();
    let writer = Gentle { file, cut: Arc::clone(&cut) };
    let log = fmt().with_env_filter(filter.add_directive(quiet)).with_ansi(false).with_writer(Mutex::new(writer));
    log.init();
    Ok(Log { path, cut })
}
