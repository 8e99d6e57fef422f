//! What happens in a run. The console, the command line and the journal are told the same.

use serde::{Deserialize, Serialize};

use crate::fleet::At;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Event {
    pub at: At,
    #[serde(flatten)]
    pub news: News,
}

/// Tenants are named by their namespaces.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "news", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum News {
    /// The run begins, or goes on under somebody else.
    Began {
        by: String,
        resumed: bool,
    },
    /// How far it is with what comes before the first wave.
    Opening {
        said: String,
    },
    Wave {
        wave: String,
        tenants: usize,
    },
    /// What whoever looks on should know, and the run does not depend on.
    Noted {
        said: String,
    },
    /// A step begins.
    Step {
        tenant: String,
        step: usize,
        said: String,
    },
    /// Something failed and is tried again.
    Retry {
        tenant: String,
        attempt: u32,
        said: String,
        wait_ms: u64,
    },
    /// How a wait stands; each replaces the one before.
    Progress {
        tenant: String,
        said: String,
    },
    /// A step is done.
    Did {
        tenant: String,
        step: usize,
        said: String,
    },
    Done {
        tenant: String,
        said: String,
        /// Seconds from the deletion of the pod to the readiness of the next.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        down: Option<u32>,
    },
    Failed {
        tenant: String,
        said: String,
        advice: String,
    },
    /// Not begun, because what was agreed to is not what is there.
    Held {
        tenant: String,
        said: String,
    },
    Skipped {
        tenant: String,
        said: String,
    },
    Soak {
        seconds: u32,
    },
    Paused {
        by: String,
    },
    Resumed {
        by: String,
    },
    /// The last event of a run; there is exactly one.
    Ended {
        end: End,
        said: String,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum End {
    Done,
    /// Some tenants failed, or were held.
    Failed,
    /// A person stopped it; what was begun was finished.
    Stopped,
    /// Somebody else has taken the run over.
    Superseded,
}

impl News {
    pub fn tenant(&self) -> Option<&str> {
        match self {
            Self::Step { tenant, .. }
            | Self::Retry { tenant, .. }
            | Self::Progress { tenant, .. }
            | Self::Did { tenant, .. }
            | Self::Done { tenant, .. }
            | Self::Failed { tenant, .. }
            | Self::Held { tenant, .. }
            | Self::Skipped { tenant, .. } => Some(tenant),
            _ => None,
        }
    }

    /// One line for people.
    pub fn words(&self) -> String {
        match self {
            Self::Began { by, resumed: false } => format!("begun by {by}"),
            Self::Began { by, resumed: true } => format!("gone on with by {by}"),
            Self::Wave { wave, tenants } => format!("wave {wave}: {tenants} tenants"),
            Self::Opening { said }
            | Self::Noted { said }
            | Self::Step { said, .. }
            | Self::Progress { said, .. }
            | Self::Did { said, .. } => said.clone(),
            Self::Retry { attempt, said, wait_ms, .. } => {
                format!("{said}; again in {}.{} s (attempt {attempt})", wait_ms / 1_000, wait_ms % 1_000 / 100)
            }
            Self::Done { said, down: None, .. } => format!("done: {said}"),
            Self::Done { said, down: Some(down), .. } => format!("done after {down} s without the gateway: {said}"),
            Self::Failed { said, advice, .. } if advice.is_empty() => format!("failed: {said}"),
            Self::Failed { said, advice, .. } => format!("failed: {said}; {advice}"),
            Self::Held { said, .. } => format!("held: {said}"),
            Self::Skipped { said, .. } => format!("skipped: {said}"),
            Self::Soak { seconds } => format!("waits {seconds} s to see whether it stays well"),
            Self::Paused { by } => format!("paused by {by}"),
            Self::Resumed { by } => format!("resumed by {by}"),
            Self::Ended { said, .. } => said.clone(),
        }
    }
}
