//! Wakes whoever listens, in the order in which they came: tokio's `watch` picks one at random, and then the same seed
//! does not tell the same story.

use tokio::sync::broadcast::{self, error::RecvError};

/// Cheap to clone; all clones are the same bell.
#[derive(Clone, Debug)]
pub(crate) struct Bell(broadcast::Sender<()>);

impl Default for Bell {
    fn default() -> Self {
        Self(broadcast::Sender::new(1))
    }
}

impl Bell {
    pub(crate) fn ring(&self) {
        // Nobody listens: nobody waits.
        let _ = self.0.send(());
    }

    pub(crate) fn listen(&self) -> Ear {
        Ear(self.0.subscribe())
    }
}

#[derive(Debug)]
pub(crate) struct Ear(broadcast::Receiver<()>);

impl Ear {
    /// Until it has rung since the last time; false where it never will again.
    pub(crate) async fn heard(&mut self) -> bool {
        !matches!(self.0.recv().await, Err(RecvError::Closed))
    }

    /// What has rung until now does not count.
    pub(crate) fn forget(&mut self) {
        self.0 = self.0.resubscribe();
    }
}
