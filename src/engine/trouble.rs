//! What can go wrong in a turn.

use crate::cluster::{ClusterError, Fault};

#[derive(Clone, Debug)]
pub enum Trouble {
    /// The server refused, or could not be asked.
    Cluster(Box<ClusterError>),
    /// What is there is not what was agreed on.
    Moved(String),
    /// The pod fails, or did not get there in time.
    Unwell(String),
    /// Going on would be wrong.
    Wrong(String),
    /// Somebody else acts on the tenant.
    Busy(String),
    /// Somebody else goes on with this run.
    Superseded(String),
    /// What was read may be old: read it again.
    Again,
    /// A person stopped the run.
    Stopped,
}

impl From<ClusterError> for Trouble {
    fn from(error: ClusterError) -> Self {
        Self::Cluster(Box::new(error))
    }
}

impl Trouble {
    pub(super) fn wrong(said: impl Into<String>) -> Self {
        Self::Wrong(said.into())
    }

    /// What happened, and what a person might do next.
    pub fn words(&self) -> (String, String) {
        match self {
            Self::Cluster(error) => {
                let advice = match error.fault {
                    Fault::Owned => "somebody else owns these fields: look at the conflict, and have their edit undone, or take it back with `apply --force`".to_owned(),
                    _ => error.advice.clone(),
                };
                (error.said.clone(), advice)
            }
            Self::Moved(said) => (said.clone(), "look at it and plan it anew".to_owned()),
            Self::Unwell(said) => (said.clone(), "it is left as it is: `show` and `logs` tell more".to_owned()),
            Self::Busy(said) | Self::Superseded(said) => (said.clone(), String::new()),
            Self::Again => ("what was read was old".to_owned(), String::new()),
            Self::Wrong(said) => (said.clone(), String::new()),
            Self::Stopped => ("stopped".to_owned(), String::new()),
        }
    }
}
