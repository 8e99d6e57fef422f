//! The Lease of a run: who acts, and that nobody else does. A lease alone fences nobody; every write also carries the version
//! of a read that was made while the lease was surely ours, and a take-over touches what the run still writes.

use std::sync::Arc;

use serde_json::{Value, json};
use tokio::{
    sync::{Notify, watch as latest},
    time::{Instant, sleep, sleep_until},
};

use super::trouble::Trouble;
use crate::{
    cluster::{Address, Cluster, Fault},
    fleet::At,
};

/// Seconds that a lease holds without being renewed.
pub(super) const LASTS: u32 = 30;
const RENEWED_EVERY: u32 = 10;
/// A write that was begun in the last moment has to arrive in time.
const MARGIN: u32 = 5;

/// How long the lease is surely ours. Counted on two clocks: tokio's stands still while a laptop sleeps, the wall's may be
/// set back; whichever says later counts.
#[derive(Clone, Copy, Debug)]
pub(super) enum Held {
    /// Not recorded in the cluster: one tenant, bound to UIDs, by a user who may not write records.
    Unrecorded,
    Until {
        here: Instant,
        there: At,
    },
    /// Somebody else has it.
    Lost,
}

/// What the turns see of the lease.
#[derive(Clone, Debug)]
pub(super) struct Hold {
    cluster: Cluster,
    held: latest::Receiver<Held>,
    moved: Arc<Notify>,
    /// `<run>/<epoch>`, as it stands on what the run acts on.
    pub claim: Option<String>,
}

impl Hold {
    pub(super) fn is_lost(&self) -> bool {
        matches!(*self.held.borrow(), Held::Lost)
    }

    pub(super) fn unrecorded(cluster: &Cluster) -> Self {
        let held = latest::channel(Held::Unrecorded).1;
        Self { cluster: cluster.clone(), held, moved: Arc::default(), claim: None }
    }

    /// Whether the run may write now; waits while that is not sure. `Ok(false)`: it had to wait, so that what was read
    /// before may be old.
    pub(super) async fn sure(&self) -> Result<bool, Trouble> {
        let mut at_once = true;
        loop {
            // Heard from here on, whenever it is waited for.
            let moved = self.moved.notified();
            match *self.held.borrow() {
                Held::Unrecorded => return Ok(at_once),
                Held::Lost => return Err(Trouble::Superseded("somebody else has taken this run over".to_owned())),
                Held::Until { here, there } if Instant::now() < here && self.cluster.clock().now() < there => {
                    return Ok(at_once);
                }
                Held::Until { .. } => {}
            }
            at_once = false;
            if self.held.has_changed().is_err() {
                return Err(Trouble::Superseded("the lease of this run is not renewed any more".to_owned()));
            }
            moved.await;
        }
    }
}

/// Wakes the turns in the order in which they wait, so that one seed tells one story: a watch wakes them in any. The last time
/// when the lease itself is gone.
#[derive(Debug, Default)]
struct Moved(Arc<Notify>);

impl Drop for Moved {
    fn drop(&mut self) {
        self.0.notify_waiters();
    }
}

/// The lease itself; one task owns it.
#[derive(Debug)]
pub struct Lease {
    cluster: Cluster,
    at: Address,
    /// As the server last gave it.
    object: Value,
    holder: String,
    tell: latest::Sender<Held>,
    /// Kept so that nobody needs to listen yet.
    held: latest::Receiver<Held>,
    claim: String,
    /// The last that is dropped.
    moved: Moved,
}

/// Who holds a run, and since when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    pub who: String,
    pub since: String,
    /// It has renewed the lease within its time.
    pub alive: bool,
}

/// Reads who holds a run; `None` where nobody does.
///
/// # Errors
/// As any read.
pub async fn holder(
    cluster: &Cluster,
    control: &str,
    run: &str,
) -> Result<Option<Holder>, Box<crate::cluster::ClusterError>> {
    let Ok(at) = Address::kind("Lease", control, &name(run)) else { return Ok(None) };
    let lease = cluster.object(&at).await.map_err(Box::new)?;
    Ok(lease.as_ref().and_then(|lease| read(lease, cluster.clock().now())))
}

fn name(run: &str) -> String {
    format!("run-{run}")
}

fn read(lease: &Value, now: At) -> Option<Holder> {
    let text = |key: &str| lease["spec"][key].as_str().unwrap_or_default().to_owned();
    let who = text("holderIdentity");
    let renewed = At::parse(&text("renewTime"));
    let lasts = lease["spec"]["leaseDurationSeconds"].as_u64().and_then(|s| u32::try_from(s).ok()).unwrap_or(LASTS);
    let alive = renewed.is_some_and(|renewed| now.since(renewed) < lasts);
    (!who.is_empty()).then(|| Holder { who: shown(&who), since: text("acquireTime"), alive })
}

/// Without the part that only tells two programs of one user apart.
fn shown(holder: &str) -> String {
    holder.rsplit_once('/').map_or(holder, |(who, _)| who).to_owned()
}

/// As Kubernetes' MicroTime wants it.
fn micro(at: At) -> String {
    at.to_string().replace('Z', ".000000Z")
}

impl Lease {
    /// Takes the lease of a run: a new one, one that was let go, or one whose holder is dead.
    ///
    /// # Errors
    /// Somebody alive holds it; or the server refuses.
    pub async fn take(cluster: &Cluster, control: &str, run: &str, by: &str, nonce: u64) -> Result<Self, Trouble> {
        let at = Address::kind("Lease", control, &name(run)).map_err(Trouble::wrong)?;
        let holder = format!("{by}/{nonce:016x}");
        let (tell, held) = latest::channel(Held::Lost);
        let (claim, moved) = (String::new(), Moved::default());
        let mut lease = Self { cluster: cluster.clone(), at, object: Value::Null, holder, tell, held, claim, moved };
        let began = (Instant::now(), cluster.clock().now());
        lease.object = match cluster.object(&lease.at).await? {
            None => {
                let fresh = json!({
                    "apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
                    "metadata": { "name": name(run), "namespace": control },
                    "spec": lease.spec(0, began.1),
                });
                cluster.create(&fresh).await?
            }
            Some(mut found) => {
                if let Some(other) = read(&found, began.1) {
                    lease.watch_over(&other, &found).await?;
                }
                let epoch = found["spec"]["leaseTransitions"].as_u64().unwrap_or_default() + 1;
                found["spec"] = lease.spec(epoch, cluster.clock().now());
                cluster.replace(&found).await?
            }
        };
        let epoch = lease.object["spec"]["leaseTransitions"].as_u64().unwrap_or_default();
        lease.claim = format!("{run}/{epoch}");
        lease.renewed(began);
        Ok(lease)
    }

    /// A clock that is wrong must not bury the living: one who renews within a period is alive, whatever the time.
    async fn watch_over(&self, other: &Holder, found: &Value) -> Result<(), Trouble> {
        let busy = || Err(Trouble::Busy(format!("{} acts on it, since {}", other.who, other.since)));
        if other.alive {
            return busy();
        }
        sleep(self.cluster.clock().real(RENEWED_EVERY + 1)).await;
        let again = self.cluster.object(&self.at).await?;
        let version = |object: &Value| object["metadata"]["resourceVersion"].clone();
        if again.is_some_and(|again| version(&again) != version(found)) { busy() } else { Ok(()) }
    }

    fn spec(&self, epoch: u64, now: At) -> Value {
        json!({
            "holderIdentity": self.holder, "leaseDurationSeconds": LASTS,
            "acquireTime": micro(now), "renewTime": micro(now), "leaseTransitions": epoch,
        })
    }

    /// Counted from before the request: the server's answer may have been long on its way.
    fn renewed(&self, (here, there): (Instant, At)) {
        let safe = LASTS - MARGIN;
        let here = here + self.cluster.clock().real(safe);
        self.tell(Held::Until { here, there: there.plus(safe) });
    }

    fn tell(&self, held: Held) {
        self.tell.send_replace(held);
        self.moved.0.notify_waiters();
    }

    pub(super) fn hold(&self) -> Hold {
        Hold {
            cluster: self.cluster.clone(),
            held: self.held.clone(),
            moved: self.moved.0.clone(),
            claim: Some(self.claim.clone()),
        }
    }

    /// How often the run has changed hands.
    pub(super) fn epoch(&self) -> u64 {
        self.claim.rsplit_once('/').and_then(|(_, epoch)| epoch.parse().ok()).unwrap_or_default()
    }

    /// Until the next renewal is due.
    pub(super) async fn due(&self, last: Instant) {
        sleep_until(last + self.cluster.clock().real(RENEWED_EVERY)).await;
    }

    /// Renews it once; `false` where somebody else has it now. Trouble on the way is no loss: the next one may get through.
    pub(super) async fn renew(&mut self) -> bool {
        let began = (Instant::now(), self.cluster.clock().now());
        let mut wanted = self.object.clone();
        wanted["spec"]["renewTime"] = micro(began.1).into();
        match self.cluster.replace(&wanted).await {
            Ok(object) => {
                self.object = object;
                self.renewed(began);
                true
            }
            // Changed under our hands: by our own renewal whose answer was lost, or by another holder.
            Err(error) if error.fault == Fault::Conflict || error.fault == Fault::NotFound => {
                match self.cluster.object(&self.at).await {
                    Ok(Some(object)) if object["spec"]["holderIdentity"] == self.holder.as_str() => {
                        self.object = object;
                        true
                    }
                    Ok(_) => {
                        self.tell(Held::Lost);
                        false
                    }
                    Err(_) => true,
                }
            }
            Err(error) => {
                tracing::warn!(said = error.said, "the lease could not be renewed");
                true
            }
        }
    }

    /// Lets go, so that nobody has to wait for it to run out.
    pub async fn release(mut self) {
        self.object["spec"]["holderIdentity"] = "".into();
        self.tell(Held::Lost);
        if let Err(error) = self.cluster.replace(&self.object).await {
            tracing::info!(said = error.said, "the lease is left to run out");
        }
    }
}
