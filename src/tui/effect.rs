//! What a state change asks of the world. Data: the loop carries it out, tests look at it.

use super::ask::Ask;
use crate::{
    cluster::{
        Door, Errand, Room,
        logs::{Target, Wanted},
    },
    fleet::Text,
};

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Put into the clipboard of the terminal (OSC 52).
    Copy(String),
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
    /// Draw every cell anew.
    Repaint,
    Suspend,
    Quit,
}
