//! What a state change asks of the world. Data: the loop carries it out, tests look at it.

use std::sync::Arc;

use super::{
    ask::Ask,
    state::{runs, who::Who},
};
use crate::{
    cluster::{
        Door, Errand, Room,
        logs::{Target, Wanted},
    },
    config::Alert,
    engine::{Order, Proposal, Secrets},
    fleet::Text,
    plan::{Care, Intent, Pace},
};

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Effect {
    /// Put into the clipboard of the terminal (OSC 52).
    Copy(String),
    /// Call whoever looks elsewhere.
    Alert(Alert, String),
    /// Connect to this context, and drop any earlier attempt.
    Connect(String),
    /// Find something out.
    Errand(Errand),
    /// Nobody looks at this namespace any more.
    Leave(Text),
    /// Read this; the answer comes as a message.
    Look(Ask),
    /// Try now what waits for its time or for rights.
    Retry,
    /// Read logs, and no longer those that were read before.
    Tail {
        wanted: Wanted,
        targets: Vec<Target>,
    },
    /// Write a file of this name into the folder that we were started in.
    Save {
        name: String,
        text: String,
    },
    /// Lend the terminal to a shell in this container; the others run beside it.
    Enter {
        room: Room,
        others: Vec<String>,
    },
    /// Open a port of a tenant on this machine.
    Forward {
        target: Target,
        door: Door,
    },
    /// By its number.
    EndForward(u64),
    /// Plan this for whom it is about; the answer comes as a message with the token.
    Propose {
        token: u64,
        intent: Intent,
        pace: Pace,
        care: Care,
        whom: Vec<Who>,
    },
    /// Carry out what was agreed to.
    Begin {
        token: u64,
        proposal: Arc<Proposal>,
        secrets: Secrets,
    },
    /// Say this to a run of ours.
    Order(String, Order),
    /// Say this to a run that others hold, or that nobody holds.
    Say(String, Say),
    /// Read what the cluster remembers of runs.
    Remember(runs::Ask),
    /// Draw every cell anew.
    Repaint,
    Suspend,
    Quit,
}

/// What can be said to a run from anywhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Say {
    Pause,
    Go,
    Abort,
    /// Go on with it, and try those again that failed.
    TakeUp,
    /// Leave this tenant out.
    Skip(String),
}
