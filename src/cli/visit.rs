//! Who goes into tenants' pods from here: refused where this is read-only, and written down.

use super::{act::author, failure::Failure, may_change, print};
use crate::{
    cluster::Cluster,
    config::Config,
    engine::journal::{Journal, Visit, Way},
};

/// Somebody who may go in, as far as this machine's settings say.
pub(super) struct Visitor {
    cluster: Cluster,
    author: String,
    journal: Option<Journal>,
    /// The terminal is ours to say on it that nothing can be written down.
    may_speak: bool,
}

impl Visitor {
    /// # Errors
    /// This is read-only.
    pub(super) fn new(config: &Config, cluster: &Cluster) -> Result<Self, Failure> {
        let mut visitor = Self::unwritten(config, cluster)?;
        visitor.journal = Journal::usual();
        Ok(visitor)
    }

    /// Of whom no journal tells.
    ///
    /// # Errors
    /// This is read-only.
    pub(super) fn unwritten(config: &Config, cluster: &Cluster) -> Result<Self, Failure> {
        may_change(config, cluster)?;
        Ok(Self { cluster: cluster.clone(), author: author(), journal: None, may_speak: true })
    }

    /// One who says nothing, for the console has the terminal.
    pub(super) fn silent(mut self) -> Self {
        self.may_speak = false;
        self
    }

    pub(super) fn note(&mut self, namespace: &str, way: Way<'_>) {
        let Some(journal) = &mut self.journal else { return };
        let (context, author) = (self.cluster.context(), self.author.as_str());
        let visit = Visit { at: self.cluster.clock().now(), context, author, tenant: namespace, way };
        if let Some(why) = journal.visit(&visit) {
            tracing::warn!("{why}");
            if self.may_speak {
                print::note(&why);
            }
        }
    }
}
