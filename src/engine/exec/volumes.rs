//! What keeps the data: nothing that is deleted may take a claim with it, and claims are compared by UID.

use serde_json::Value;

use super::super::{
    act::{Act, address, uid},
    look::finalizers_of,
    trouble::Trouble,
};
use crate::{manifest::TenantSpec, plan::Named};

impl Act<'_> {
    /// Nothing that goes may take a volume with it.
    pub(in crate::engine) async fn volumes_stay(&mut self, set: &Named) -> Result<(), Trouble> {
        let cluster = self.shared.cluster;
        let at = address("StatefulSet", &self.turn.namespace, &set.name)?;
        let live = self.patience.insist(async || Ok(cluster.object(&at).await?)).await?;
        let retention = live.as_ref().and_then(|l| l.pointer("/spec/persistentVolumeClaimRetentionPolicy/whenDeleted"));
        if retention.is_some_and(|policy| policy == "Delete") {
            return Err(Trouble::wrong(
                "its retention policy would delete claims with the StatefulSet: nothing was deleted",
            ));
        }
        let finalizers = live.as_ref().map(finalizers_of).unwrap_or_default();
        if !finalizers.is_empty() {
            return Err(Trouble::wrong(format!(
                "its StatefulSet has finalizers ({}) and would be neither there nor gone: nothing was deleted",
                finalizers.join(", ")
            )));
        }
        for name in self.turn.basis.claims.keys() {
            let at = address("PersistentVolumeClaim", &self.turn.namespace, name)?;
            let claim = self.patience.insist(async || Ok(cluster.object(&at).await?)).await?;
            let owners = claim.as_ref().and_then(|c| c.pointer("/metadata/ownerReferences")).and_then(Value::as_array);
            let owned = owners.is_some_and(|list| list.iter().any(|o| o["uid"] == set.uid.to_string()));
            if owned {
                let said = format!("claim {name} belongs to the StatefulSet and would go with it: nothing was deleted");
                return Err(Trouble::wrong(said));
            }
        }
        Ok(())
    }

    /// The index says so; the server is asked as well.
    pub(super) async fn kept(&mut self, said: String) -> Result<String, Trouble> {
        let cluster = self.shared.cluster;
        for (name, expected) in &self.turn.basis.claims {
            let at = address("PersistentVolumeClaim", &self.turn.namespace, name)?;
            let claim = self.patience.insist(async || Ok(cluster.object(&at).await?)).await?;
            let there = claim
                .as_ref()
                .is_some_and(|c| uid(c) == Some(*expected) && c.pointer("/metadata/deletionTimestamp").is_none());
            if !there {
                return Err(Trouble::wrong(format!("claim {name} is not the one that was there before")));
            }
        }
        Ok(said)
    }

    /// A StatefulSet is made anew on the volumes that were there: one that is missing would come back empty.
    pub(in crate::engine) fn on_its_volumes(&self, spec: &TenantSpec) -> Result<(), Trouble> {
        for claim in [&spec.volumes.app, &spec.volumes.config] {
            if !self.turn.basis.claims.contains_key(&claim.name) {
                let said = format!("there is no claim {}: it would be made anew, and empty", claim.name);
                return Err(Trouble::wrong(said));
            }
        }
        Ok(())
    }
}
