//! The mark of a run on what it acts on, and the question that every write answers first: is it still ours?
//!
//! A tenant's Namespace carries the claim while its turn is taken. Whoever takes over (a run from a dead holder, or a tenant
//! from a dead run) writes the new claim on everything that is still written, so that a write of the one before, which
//! carries the version of an older read, is refused by the server.

use serde_json::{Value, json};

use super::{
    act::{Act, address, annotation, uid, version},
    hold::{Hold, holder},
    trouble::Trouble,
};
use crate::{
    cluster::{Address, Cluster, Fault, Only},
    fleet::{
        Uid,
        name::{CLAIM_ANNOTATION, DONE_ANNOTATION, TOKEN_ANNOTATION},
    },
    plan::{Intent, Step},
};

/// Claims are no part of what is rendered: a field manager of their own keeps applies from taking them away.
const MANAGER: &str = "fleetdeck-claim";

/// What each write of a turn is bound to: the lease of the run, and the Namespace that was agreed on.
#[derive(Clone, Debug)]
pub(super) struct Fence {
    cluster: Cluster,
    hold: Hold,
    home: Option<(Address, Uid)>,
}

impl Fence {
    /// Whether the tenant is still the one that was agreed on. To be asked after the object was read: where the Namespace is
    /// the same then, the object is one of it, and its own UID binds the write.
    async fn at_home(&self, live: Option<&Value>) -> Result<(), Trouble> {
        let Some((at, expected)) = &self.home else { return Ok(()) };
        let is_home = live.is_some_and(|live| live["kind"] == "Namespace");
        let there = if is_home { live.and_then(uid) } else { self.cluster.object(at).await?.as_ref().and_then(uid) };
        match there {
            Some(there) if there == *expected => Ok(()),
            Some(_) => Err(remade()),
            None => Err(Trouble::Moved("the tenant is gone".to_owned())),
        }
    }
}

fn remade() -> Trouble {
    Trouble::Moved("the tenant was deleted, and another of its name was made".to_owned())
}

/// Whether an object that was just read may be written as it was read.
pub(super) async fn guard(fence: &Fence, live: Option<&Value>) -> Result<(), Trouble> {
    let hold = &fence.hold;
    if let (Some(ours), Some(found)) = (&hold.claim, live.and_then(|l| annotation(l, CLAIM_ANNOTATION)))
        && found != ours
    {
        return Err(Trouble::Superseded(format!("the tenant was taken over by {found}")));
    }
    fence.at_home(live).await?;
    // The lease was ours after the read, so that a take-over comes after it, and moves what was read.
    if hold.sure().await? { Ok(()) } else { Err(Trouble::Again) }
}

impl Act<'_> {
    /// What a write is bound to now. Whoever may do no more than restart may not read Namespaces, and is bound to the pod alone.
    pub(super) fn fence(&self) -> Fence {
        let hold = self.shared.hold.clone();
        let blind = hold.claim.is_none() && self.shared.plan.intent == Intent::Restart;
        let home = self.turn.basis.namespace.or(self.home).filter(|_| !blind);
        let at = address("Namespace", "", &self.turn.namespace).ok();
        Fence { cluster: self.shared.cluster.clone(), hold, home: at.zip(home) }
    }

    /// Puts our claim on the tenant, whose Namespace was just read.
    pub(super) async fn claim(&mut self, namespace: &Value) -> Result<(), Trouble> {
        match self.turn.basis.namespace.or(self.home) {
            Some(known) if uid(namespace) != Some(known) => return Err(remade()),
            _ => self.home = uid(namespace),
        }
        let cluster = self.shared.cluster;
        let found = annotation(namespace, CLAIM_ANNOTATION).map(str::to_owned);
        let ours = self.shared.hold.claim.clone();
        if let Some(found) = &found {
            self.may_take(found, ours.as_deref()).await?;
        }
        let Some(ours) = ours else { return Ok(()) };
        let taken_over = found.as_ref().is_some_and(|f| *f != ours) || self.shared.epoch > 0;
        if taken_over {
            for at in self.written()? {
                self.mark(&at, &ours).await?;
                self.claimed.push(at);
            }
        }
        let at = address("Namespace", "", &self.turn.namespace)?;
        let fence = self.fence();
        self.patience
            .insist(async || {
                let Some(live) = cluster.object(&at).await? else {
                    return Err(Trouble::Moved("the tenant is gone".to_owned()));
                };
                fence.at_home(Some(&live)).await?;
                let now = annotation(&live, CLAIM_ANNOTATION);
                if now == Some(ours.as_str()) {
                    return Ok(());
                }
                // Somebody was faster.
                if now != found.as_deref() {
                    return Err(Trouble::Busy(format!("{} acts on it", now.unwrap_or("somebody"))));
                }
                if !fence.hold.sure().await? {
                    return Err(Trouble::Again);
                }
                annotate(cluster, &at, &live, &json!({ CLAIM_ANNOTATION: ours })).await
            })
            .await?;
        self.claimed.push(at);
        Ok(())
    }

    /// A claim that is there already: of this run's earlier holder, or of another run that is dead.
    async fn may_take(&mut self, found: &str, ours: Option<&str>) -> Result<(), Trouble> {
        if Some(found) == ours {
            return Ok(());
        }
        let (run, epoch) = found.rsplit_once('/').unwrap_or((found, "0"));
        if run == self.shared.plan.id {
            let newer = epoch.parse::<u64>().is_ok_and(|epoch| epoch > self.shared.epoch);
            return if newer {
                Err(Trouble::Superseded("somebody else has taken this run over".to_owned()))
            } else {
                Ok(())
            };
        }
        let (cluster, control) = (self.shared.cluster, self.shared.control);
        let who = self.patience.insist(async || holder(cluster, control, run).await.map_err(Trouble::Cluster)).await?;
        match who {
            Some(who) if who.alive => {
                Err(Trouble::Busy(format!("{} acts on it (run {run}, since {})", who.who, who.since)))
            }
            // Without the right to claim there is no way to keep the other out; who only asks changes nothing.
            _ if ours.is_none() && !self.shared.dry => {
                Err(Trouble::Busy(format!("run {run} was left in the middle of it: `runs resume {run}`")))
            }
            _ => Ok(()),
        }
    }

    /// Everything that this turn still writes, as far as it is there.
    fn written(&self) -> Result<Vec<Address>, Trouble> {
        let (basis, namespace) = (&self.turn.basis, self.turn.namespace.as_str());
        let mut all = Vec::new();
        for step in self.shared.plan.steps(&self.turn) {
            match step {
                Step::Apply { kind } | Step::TakeOwnership { kind } => {
                    for object in self.objects.iter().filter(|o| o.kind() == kind.kind() && o.kind() != "Namespace") {
                        all.push(address(object.kind(), namespace, object.name())?);
                    }
                }
                Step::DeletePod { .. } => {
                    let named = basis.pod.as_ref().map(|p| p.name.clone());
                    let name = named.or_else(|| basis.set.as_ref().map(|s| format!("{}-0", s.name)));
                    if let Some(name) = name {
                        all.push(address("Pod", namespace, &name)?);
                    }
                }
                Step::Delete { .. } => {
                    for other in &basis.others {
                        all.push(address(&other.kind, namespace, &other.name)?);
                    }
                    if let Some(set) = &basis.set {
                        all.push(address("StatefulSet", namespace, &set.name)?);
                    }
                }
                // Nothing fences what is never read but the lease itself.
                Step::Prepull { .. }
                | Step::Drain
                | Step::Snapshot
                | Step::EnsureSecret { .. }
                | Step::ReplaceSecret { .. }
                | Step::Await { .. }
                | Step::Note { .. } => {}
            }
        }
        Ok(all)
    }

    async fn mark(&mut self, at: &Address, ours: &str) -> Result<(), Trouble> {
        let cluster = self.shared.cluster;
        let fence = self.fence();
        self.patience
            .insist(async || {
                let Some(live) = cluster.object(at).await? else { return Ok(()) };
                if annotation(&live, CLAIM_ANNOTATION) == Some(ours) {
                    return Ok(());
                }
                fence.at_home(Some(&live)).await?;
                if !fence.hold.sure().await? {
                    return Err(Trouble::Again);
                }
                annotate(cluster, at, &live, &json!({ CLAIM_ANNOTATION: ours })).await
            })
            .await
    }

    /// Takes the claim away again, the Namespace's last; with it goes the record that the tenant is done.
    pub(super) async fn release(&mut self, done: bool) -> Result<(), Trouble> {
        let cluster = self.shared.cluster;
        let fence = self.fence();
        let run = self.shared.plan.id.clone();
        for at in std::mem::take(&mut self.claimed) {
            let mut wanted = json!({ CLAIM_ANNOTATION: null });
            if done && at.namespace().is_empty() {
                wanted[DONE_ANNOTATION] = run.as_str().into();
                if self.shared.plan.intent == Intent::RotateToken {
                    wanted[TOKEN_ANNOTATION] = Value::Null;
                }
            }
            self.patience
                .insist(async || {
                    let Some(live) = cluster.object(&at).await? else { return Ok(()) };
                    if annotation(&live, CLAIM_ANNOTATION) != fence.hold.claim.as_deref() {
                        return Ok(());
                    }
                    guard(&fence, Some(&live)).await?;
                    annotate(cluster, &at, &live, &wanted).await
                })
                .await?;
        }
        Ok(())
    }
}

pub(super) async fn annotate(
    cluster: &Cluster,
    at: &Address,
    live: &Value,
    annotations: &Value,
) -> Result<(), Trouble> {
    let Some(found) = uid(live) else { return Err(Trouble::wrong(format!("{at} has no UID"))) };
    match cluster.annotate(at, Only { uid: found, version: version(live) }, MANAGER, annotations).await {
        // Gone in between: nothing is left to be claimed.
        Err(error) if error.fault == Fault::NotFound => Ok(()),
        other => Ok(other.map(drop)?),
    }
}
