//! Snapshots of a tenant's claims, under names that follow from the run: made again they are found.

use serde_json::Value;

use super::super::{
    act::{Act, address, uid},
    claim::guard,
    trouble::Trouble,
};
use crate::{
    cluster::{Cluster, Fault},
    plan::{Intent, Judged},
};

impl Act<'_> {
    /// Claims of the basis, each with the name of its snapshot.
    pub(in crate::engine) fn snapshots(&self) -> Vec<(String, String)> {
        let plan = self.shared.plan;
        let suffix = plan.id.strip_prefix("snapshot-").unwrap_or(&plan.id);
        self.turn.basis.claims.keys().map(|claim| (claim.clone(), format!("{claim}-{suffix}"))).collect()
    }

    pub(super) async fn snapshot(&mut self) -> Result<String, Trouble> {
        let (cluster, fence) = (self.shared.cluster, self.fence());
        let class = match &self.shared.plan.intent {
            Intent::Snapshot { class } => class.as_deref(),
            _ => None,
        };
        let (namespace, tenant) = (self.turn.namespace.clone(), self.turn.tenant.clone());
        let (mut asked, mut without) = (Vec::new(), Vec::new());
        for (claim, name) in self.snapshots() {
            let expected = self.turn.basis.claims.get(&claim).copied();
            let at = address("PersistentVolumeClaim", &namespace, &claim)?;
            let object = Cluster::snapshot_of(&namespace, &claim, &name, &tenant, class);
            let is_asked = self
                .patience
                .insist(async || {
                    let live = cluster.object(&at).await?;
                    if live.as_ref().and_then(uid) != expected {
                        return Err(Trouble::Moved(format!("claim {claim} is not the one that was there")));
                    }
                    if live.as_ref().is_some_and(has_no_volume) {
                        return Ok(false);
                    }
                    guard(&fence, live.as_ref()).await?;
                    match cluster.create(&object).await {
                        Err(error) if error.fault != Fault::Exists => Err(error.into()),
                        _ => Ok(true),
                    }
                })
                .await?;
            if is_asked {
                self.asked.insert(name.clone());
                asked.push(name);
            } else {
                without.push(claim);
            }
        }
        let without = without.join(" and ");
        Ok(match (asked.join(" and "), without.is_empty()) {
            (asked, true) => format!("asked for {asked}"),
            (asked, false) if asked.is_empty() => format!("nothing to cut: {without} has no volume yet"),
            (asked, false) => format!("asked for {asked}; {without} has no volume yet"),
        })
    }

    pub(super) async fn snapped(&mut self) -> Result<Judged, Trouble> {
        let mut ready = Vec::new();
        for (claim, name) in self.snapshots() {
            let Some(live) = self.live("VolumeSnapshot", &name).await? else {
                match self.live("PersistentVolumeClaim", &claim).await? {
                    Some(live) if has_no_volume(&live) => continue,
                    // It has got one since: what is written from now on is not lost either.
                    Some(_) if !self.asked.contains(&name) => {
                        let said = self.snapshot().await?;
                        return Ok(Judged::NotYet(said));
                    }
                    _ => return Ok(Judged::Never(format!("snapshot {name} is gone"))),
                }
            };
            let status = &live["status"];
            if status["readyToUse"] != true {
                let why = status["error"]["message"].as_str().unwrap_or("it is being cut");
                return Ok(Judged::NotYet(format!("{name}: {why}")));
            }
            ready.push(format!("{name} ({})", status["restoreSize"].as_str().unwrap_or("of unknown size")));
        }
        Ok(Judged::Met(match ready.join(" and ") {
            none if none.is_empty() => "there was nothing to cut".to_owned(),
            ready => format!("{ready} can be used"),
        }))
    }
}

/// It waits for its first pod: what was never there cannot be cut, and cannot be lost.
pub(in crate::engine) fn has_no_volume(claim: &Value) -> bool {
    claim.pointer("/spec/volumeName").and_then(Value::as_str).is_none_or(str::is_empty)
}
