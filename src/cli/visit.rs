//! Who goes into tenants' pods from here: refused where this is read-only, and written down.

use super::{act::author, failure::Failure, may_change, print};
use crate::{
    cluster::Cluster,
    config::Config,
    engine::journal::{self, Journal, Visit, Way},
};

/// Somebody who may go in, as far as this machine's settings say.
pub(super) struct Visitor {
    cluster: Cluster,
    author: String,
    journal: Option<Journal>,
    /// Why nothing is written down, where it should be.
    trouble: Option<String>,
}

impl Visitor {
    /// # Errors
    /// This is read-only.
    pub(super) fn new(config: &Config, cluster: &Cluster) -> Result<Self, Failure> {
        let mut visitor = Self::unwritten(config, cluster)?;
        match journal::usual_path().map(Journal::open) {
            Some(Ok(journal)) => visitor.journal = Some(journal),
            Some(Err(error)) => visitor.trouble = Some(error.to_string()),
            None => {}
        }
        Ok(visitor)
    }

    /// Of whom no journal tells.
    ///
    /// # Errors
    /// This is read-only.
    pub(super) fn unwritten(config: &Config, cluster: &Cluster) -> Result<Self, Failure> {
        may_change(config, cluster)?;
        Ok(Self { cluster: cluster.clone(), author: author(), journal: None, trouble: None })
    }

    /// Says so where nothing can be written down.
    pub(super) fn warn(&self) {
        if let Some(error) = &self.trouble {
            print::note(&format!("note: this is not written down on this machine: {error}"));
        }
    }

    pub(super) fn note(&mut self, namespace: &str, way: Way<'_>) {
        let Some(journal) = &mut self.journal else { return };
        let (context, author) = (self.cluster.context(), self.author.as_str());
        let visit = Visit { at: self.cluster.clock().now(), context, author, tenant: namespace, way };
        journal.visit(&visit);
    }
}
