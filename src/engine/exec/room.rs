//! A pod that no node has room for: an autoscaler makes one, which takes minutes, or says that it will not. That word is a
//! Normal event, and so it is in no watch: it is asked for while somebody waits.

use serde_json::Value;

use super::super::{act::Act, trouble::Trouble};
use crate::{cluster::Fault, fleet::clean::clean};

/// Seconds between two questions.
pub(super) const EVERY: u32 = 20;

impl Act<'_> {
    /// The autoscaler's word that no node will come for the tenant's pod; `None` as long as it has not said so last, or where
    /// that may not be read.
    pub(super) async fn no_node_comes(&mut self) -> Result<Option<String>, Trouble> {
        let Some(at) = self.pod_at()? else { return Ok(None) };
        let (cluster, namespace) = (self.shared.cluster, self.turn.namespace.clone());
        let asked = self.patience.insist(async || {
            let pod = cluster.object(&at).await?;
            Ok((pod, cluster.objects("Event", &namespace, "").await?))
        });
        match asked.await {
            Ok((Some(pod), events)) => Ok(refused(&pod, &events)),
            Ok((None, _)) => Ok(None),
            Err(Trouble::Cluster(error)) if error.fault == Fault::Forbidden => Ok(None),
            Err(trouble) => Err(trouble),
        }
    }
}

/// Of this very pod the last word counts: a group of nodes that is full now may have room later.
fn refused(pod: &Value, events: &[Value]) -> Option<String> {
    let words = events.iter().filter(|event| {
        event["involvedObject"]["uid"] == pod["metadata"]["uid"]
            && matches!(event["reason"].as_str(), Some("NotTriggerScaleUp" | "TriggeredScaleUp"))
    });
    let last = words.max_by_key(|event| when(event))?;
    let placed = pod.pointer("/spec/nodeName").is_some_and(|node| node != "");
    if placed || last["reason"] != "NotTriggerScaleUp" {
        return None;
    }
    let message = last["message"].as_str().unwrap_or_default();
    Some(format!("no node has room for its pod, and the autoscaler makes none: {}", clean(message)))
}

fn when(event: &Value) -> String {
    let at = ["lastTimestamp", "eventTime", "firstTimestamp"].iter().find_map(|field| event[field].as_str());
    at.unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_the_autoscalers_last_word_on_this_pod_counts() {
        let pod = json!({ "metadata": { "uid": "p1" }, "spec": {} });
        let event = |uid: &str, reason: &str, at: &str| {
            json!({
                "involvedObject": { "uid": uid }, "reason": reason, "lastTimestamp": at,
                "message": "pod didn't trigger scale-up: 1 max node group size reached",
            })
        };
        let no = event("p1", "NotTriggerScaleUp", "2026-11-26T10:00:10Z");
        assert!(refused(&pod, std::slice::from_ref(&no)).unwrap().ends_with("1 max node group size reached"));
        let later = event("p1", "TriggeredScaleUp", "2026-11-26T10:00:20Z");
        assert_eq!(refused(&pod, &[no.clone(), later]), None);
        let sooner = event("p1", "TriggeredScaleUp", "2026-11-26T10:00:00Z");
        assert!(refused(&pod, &[no.clone(), sooner]).is_some());
        assert_eq!(refused(&pod, &[event("p0", "NotTriggerScaleUp", "2026-11-26T10:00:10Z")]), None);
        assert_eq!(refused(&pod, &[]), None);
        let placed = json!({ "metadata": { "uid": "p1" }, "spec": { "nodeName": "n1" } });
        assert_eq!(refused(&placed, &[no]), None);
    }
}
