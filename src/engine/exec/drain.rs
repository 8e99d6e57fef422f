//! Drain: a gateway that can be asked finishes what it does and begins nothing new, for two minutes. One that cannot be asked is
//! said to be so: what follows is then cut as after a power cut.

use tokio::time::Instant;

use super::super::{act::Act, trouble::Trouble};
use crate::{
    cluster::{Asked, probe::Drained},
    fleet::Text,
};

/// Seconds that may be waited: the gateway goes on by itself after two minutes.
const PATIENCE: u32 = 60;
const EVERY: u32 = 3;

impl Act<'_> {
    pub(super) async fn drain(&mut self) -> Result<String, Trouble> {
        let cluster = self.shared.cluster;
        let namespace = Text::from(self.turn.namespace.as_str());
        let entry = self.shared.view.get(&self.turn.namespace).await;
        let asked = entry.as_ref().and_then(|(entry, _)| Asked::of(&namespace, entry.tenant.pod()?));
        let Some(asked) = asked else { return Ok("nothing runs that could be drained".to_owned()) };
        let began = Instant::now();
        let limit = cluster.clock().real(PATIENCE);
        let mut last = String::new();
        loop {
            let said = match cluster.drain(&asked, &self.shared.plan.id).await {
                Drained::Ready => return Ok("drained: nothing is under way in its gateway".to_owned()),
                Drained::Not(why) => return Ok(format!("not drained: {why}")),
                Drained::Busy(active) => format!("its gateway is still at work on {active}"),
            };
            if began.elapsed() >= limit {
                return Ok(format!("not drained within {PATIENCE} s: {said}"));
            }
            self.rest(said, &mut last, EVERY).await?;
        }
    }
}
