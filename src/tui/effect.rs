//! What a state change asks of the world. Data: the loop carries it out, tests look at it.

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Put into the clipboard of the terminal (OSC 52).
    Copy(String),
    /// Connect to this context, and drop any earlier attempt.
    Connect(String),
    /// Try now what waits for its time or for rights.
    Retry,
    /// Draw every cell anew.
    Repaint,
    Suspend,
    Quit,
}
