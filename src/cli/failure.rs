//! How a verb can fail, and the exit code of each way.

use std::process::ExitCode;

use super::print;
use crate::{cluster::ClusterError, fleet::clean::clean, plan::Refusal};

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
    /// All reasons, and where more is said of them.
    pub(super) fn refused(refusal: &Refusal) -> Self {
        let more = refusal.more().map_or_else(String::new, |more| format!("\n{more}"));
        Self::Refused(format!("refused: {}{more}", clean_lines(&refusal.to_string())))
    }

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

fn clean_lines(text: &str) -> String {
    text.lines().map(|line| clean(line).into_owned()).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Reason, Why};

    #[test]
    fn a_refusal_says_where_its_reasons_are_explained() {
        let reason = |tenant: &str, why| Reason { tenant: Some(tenant.to_owned()), why, said: "so it is".to_owned() };
        let refusal = Refusal(vec![reason("a", Why::Parked), reason("b", Why::Parked), reason("c", Why::NoSpace)]);
        assert_eq!(
            Failure::refused(&refusal).to_string(),
            "refused: a, b, c: so it is\nmore: `fleetdeck explain parked`, `fleetdeck explain no-space`"
        );
    }
}
