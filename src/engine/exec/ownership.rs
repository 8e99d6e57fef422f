//! Fields of another manager become ours, under the version of the read that showed whose they are.

use super::super::{
    act::{Act, uid, version},
    claim::guard,
    trouble::Trouble,
};
use crate::{
    cluster::{Address, MANAGER, Mode, Only},
    manifest::{Object, moved},
    plan::{Intent, Piece},
};

impl Act<'_> {
    pub(super) async fn take_over(&mut self, kind: Piece) -> Result<String, Trouble> {
        let mut said = Vec::new();
        for object in self.rendered_of(kind) {
            let fields = self.take_fields(&object, Mode::Live).await?;
            let name = object.name();
            said.push(if fields == 0 {
                format!("{name} as it is")
            } else {
                format!("{fields} fields of {name} are ours")
            });
        }
        Ok(format!("{}: {}", kind.kind(), said.join(", ")))
    }

    pub(in crate::engine) fn rendered_of(&self, kind: Piece) -> Vec<Object> {
        self.objects.iter().filter(|object| object.kind() == kind.kind()).cloned().collect()
    }

    /// How many fields were taken, or would be.
    pub(in crate::engine) async fn take_fields(&mut self, object: &Object, mode: Mode) -> Result<usize, Trouble> {
        let plan = self.shared.plan;
        let Intent::Adopt { from } = &plan.intent else { return Ok(0) };
        let (cluster, fence) = (self.shared.cluster, self.fence());
        let at = Address::of(object.value()).map_err(Trouble::wrong)?;
        self.patience
            .insist(async || {
                let Some(live) = cluster.object(&at).await? else { return Ok(0) };
                let Some((managed, counts)) = moved(&live, object.value(), from, MANAGER) else { return Ok(0) };
                let uid = uid(&live).ok_or_else(|| Trouble::wrong(format!("{at} has no UID")))?;
                guard(&fence, Some(&live)).await?;
                cluster.set_managed(&at, Only { uid, version: version(&live) }, &managed, mode).await?;
                Ok(counts.values().sum())
            })
            .await
    }
}
