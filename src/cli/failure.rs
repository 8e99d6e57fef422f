//! How a verb can fail, and the exit code of each way.

use std::process::ExitCode;

use super::print;
use crate::cluster::ClusterError;

#[derive(Debug)]
pub(super) enum Failure {
    /// The check failed, or what was to be done could not be.
    Failed(String),
    Usage(String),
    NoSuchTenant(String),
    /// By a planner's preflight, or by the server's.
    Refused(String),
    Cluster(Box<ClusterError>),
    Interrupted,
    /// A shell ended with this code, or a signal ended us (128 and its number, as shells count).
    Exited(u8),
    /// Whoever read our output has seen enough.
    PipeClosed,
}

impl From<ClusterError> for Failure {
    fn from(error: ClusterError) -> Self {
        Self::Cluster(Box::new(error))
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Failed(text) | Self::Usage(text) | Self::NoSuchTenant(text) | Self::Refused(text) => {
                f.write_str(text)
            }
            Self::Cluster(error) => error.fmt(f),
            Self::Interrupted => f.write_str("interrupted"),
            Self::Exited(code) => write!(f, "exit code {code}"),
            Self::PipeClosed => f.write_str("the pipe is closed"),
        }
    }
}

impl Failure {
    fn code(&self) -> u8 {
        match self {
            Self::Failed(_) => 1,
            Self::Usage(_) => 2,
            Self::NoSuchTenant(_) | Self::Refused(_) => 3,
            Self::Cluster(error) => error.exit_code(),
            Self::Interrupted => 130,
            Self::Exited(code) => *code,
            Self::PipeClosed => 0,
        }
    }

    /// Says it on standard error; the exit code.
    pub(super) fn report(&self) -> ExitCode {
        match self {
            Self::Interrupted | Self::Exited(_) | Self::PipeClosed => {}
            failure => print::note(&format!("error: {failure}")),
        }
        ExitCode::from(self.code())
    }
}
