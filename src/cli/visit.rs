//! Who goes into tenants' pods from here: refused where this is read-only, and written down.

use std::sync::{Arc, Mutex, PoisonError};

use super::{act::author, failure::Failure, print};
use crate::{
    cluster::Cluster,
    config::Config,
    engine::journal::{self, Journal, Visit, Way},
};

/// Somebody who may go in, as far as this machine's settings say. Clones write into the same journal.
#[derive(Clone)]
pub(super) struct Visitor {
    cluster: Cluster,
    author: String,
    journal: Option<Arc<Mutex<Journal>>>,
}

impl Visitor {
    /// # Errors
    /// This is read-only.
    pub(super) fn new(config: &Config, cluster: &Cluster) -> Result<Self, Failure> {
        if config.of_context(cluster.context()).read_only {
            let said =
                "refused: this is read-only: --read-only, FLEETDECK_READ_ONLY or the configuration says so".to_owned();
            return Err(Failure::Refused(said));
        }
        let journal = match journal::usual_path().map(Journal::open) {
            Some(Ok(journal)) => Some(Arc::new(Mutex::new(journal))),
            Some(Err(error)) => {
                print::note(&format!("note: this is not written down on this machine: {error}"));
                None
            }
            None => None,
        };
        Ok(Self { cluster: cluster.clone(), author: author(), journal })
    }

    pub(super) fn note(&self, namespace: &str, way: Way<'_>) {
        let Some(journal) = &self.journal else { return };
        let (context, author) = (self.cluster.context(), self.author.as_str());
        let visit = Visit { at: self.cluster.clock().now(), context, author, tenant: namespace, way };
        journal.lock().unwrap_or_else(PoisonError::into_inner).visit(&visit);
    }
}
