//! Repeats what may pass by itself, and says so each time. The waits are drawn from a seed, so that a run can be replayed.

use std::time::Duration;

use tokio::{
    sync::mpsc,
    time::{Instant, sleep},
};

use super::trouble::Trouble;
use crate::{
    cluster::{ClusterError, Fault},
    plan::News,
};

const FIRST: Duration = Duration::from_millis(200);
const LONGEST: Duration = Duration::from_secs(20);
/// How long the server may be in trouble before the tenant is given up.
const ENOUGH: Duration = Duration::from_secs(600);
/// An object that changes under our hands so often is somebody else's.
const CONFLICTS: u32 = 30;

#[derive(Debug)]
pub(super) struct Patience {
    rng: fastrand::Rng,
    tenant: String,
    tell: mpsc::Sender<News>,
}

/// Whether the same request may go through later.
pub(super) fn passes(error: &ClusterError) -> bool {
    matches!(error.fault, Fault::Unreachable | Fault::Timeout | Fault::Answer | Fault::Busy | Fault::Gone)
}

impl Patience {
    pub(super) fn new(seed: u64, tenant: &str, tell: mpsc::Sender<News>) -> Self {
        // Tenants of one run do not come back in step.
        let mixed = tenant.bytes().fold(seed, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
        Self { rng: fastrand::Rng::with_seed(mixed), tenant: tenant.to_owned(), tell }
    }

    /// Calls `attempt` until it succeeds or fails for good. Each attempt reads anew: the one before may have got through
    /// though its answer did not.
    pub(super) async fn insist<T>(
        &mut self,
        mut attempt: impl AsyncFnMut() -> Result<T, Trouble>,
    ) -> Result<T, Trouble> {
        let began = Instant::now();
        let (mut attempts, mut conflicts) = (0, 0);
        loop {
            let error = match attempt().await {
                Err(Trouble::Cluster(error)) => error,
                // It has waited already.
                Err(Trouble::Again) => continue,
                other => return other,
            };
            let again = match error.fault {
                Fault::Conflict => {
                    conflicts += 1;
                    conflicts < CONFLICTS
                }
                _ => passes(&error) && began.elapsed() < ENOUGH,
            };
            if !again {
                return Err(Trouble::Cluster(error));
            }
            attempts += 1;
            let base = FIRST.saturating_mul(1 << attempts.min(10)).min(LONGEST);
            let wait = base.mul_f64(0.5 + 0.5 * self.rng.f64()).max(error.retry_after.unwrap_or_default().min(LONGEST));
            let news = News::Retry {
                tenant: self.tenant.clone(),
                attempt: attempts,
                said: error.said.clone(),
                wait_ms: u64::try_from(wait.as_millis()).unwrap_or(u64::MAX),
            };
            // Whoever listened has gone; the work goes on.
            _ = self.tell.send(news).await;
            sleep(wait).await;
        }
    }
}
