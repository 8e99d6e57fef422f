//! An Event on the StatefulSet for each step that changes something: `kubectl describe` tells who did what. Nothing depends on
//! them, so one that cannot be written costs nothing but itself.

use serde_json::json;

use super::act::Act;
use crate::{
    cluster::Fault,
    plan::{News, Step},
};

impl Act<'_> {
    /// Notes a step that was done.
    pub(super) async fn notice(&mut self, number: usize, step: &Step, said: &str) {
        let looks = matches!(step, Step::Await { .. } | Step::Note { .. });
        let Some(set) = self.set.clone().filter(|_| !looks && !self.mute) else { return };
        let plan = self.shared.plan;
        let (now, namespace) = (self.now(), &self.turn.namespace);
        let verb = plan.intent.verb();
        let reason = verb[..1].to_ascii_uppercase() + &verb[1..];
        let event = json!({
            "apiVersion": "v1", "kind": "Event",
            // The same step of the same run is noted once, however often it is done.
            "metadata": { "name": format!("{}.{}.{number}", set.name, plan.id), "namespace": namespace },
            "involvedObject": {
                "apiVersion": "apps/v1", "kind": "StatefulSet",
                "namespace": namespace, "name": set.name, "uid": set.uid.to_string(),
            },
            "type": "Normal", "reason": reason, "action": reason,
            "message": format!("{said} (run {} by {})", plan.id, self.shared.by),
            "source": { "component": "fleetdeck" },
            "reportingComponent": "fleetdeck", "reportingInstance": self.shared.by,
            "firstTimestamp": now, "lastTimestamp": now, "count": 1,
        });
        match self.shared.cluster.create(&event).await {
            Ok(_) => {}
            Err(error) if error.fault == Fault::Exists => {}
            Err(error) => {
                // What may not be done is not tried again; it is said once.
                self.mute = error.fault == Fault::Forbidden;
                let said = format!("no Event was written: {}", error.said);
                self.say(|tenant| News::Progress { tenant, said }).await;
            }
        }
    }
}
