//! Waits for what the index does not hold: the server itself is asked, every two seconds.

use serde_json::Value;
use tokio::time::Instant;

use super::super::{
    act::{Act, address},
    trouble::Trouble,
};
use crate::{
    fleet::Quantity,
    plan::{Judged, Until},
};

/// Seconds between two looks.
const EVERY: u32 = 2;
/// For so long a filesystem may wait to grow while its pod runs: where that is possible at all it takes seconds.
const WAITS_FOR_POD: u32 = 90;

impl Act<'_> {
    pub(super) async fn asked(&mut self, until: Until, seconds: u32) -> Result<String, Trouble> {
        let cluster = self.shared.cluster;
        let began = Instant::now();
        let (limit, waits) = (cluster.clock().real(seconds), cluster.clock().real(WAITS_FOR_POD));
        let mut last = String::new();
        let mut failing: Option<Instant> = None;
        loop {
            let judged = match until {
                Until::Grown => self.grown().await?,
                Until::Snapped => self.snapped().await?,
                _ => self.granted().await?,
            };
            let said = match judged {
                Judged::Met(said) => return Ok(said),
                Judged::Never(said) => return Err(Trouble::wrong(said)),
                Judged::Failing(said) => {
                    if failing.get_or_insert_with(Instant::now).elapsed() >= waits {
                        return Err(Trouble::Unwell(said));
                    }
                    said
                }
                Judged::NotYet(said) | Judged::NoRoom(said) => {
                    failing = None;
                    said
                }
            };
            if began.elapsed() >= limit {
                return Err(Trouble::Unwell(format!("not within {seconds} s: {said}")));
            }
            self.rest(said, &mut last, EVERY).await?;
        }
    }

    pub(super) async fn live(&mut self, kind: &str, name: &str) -> Result<Option<Value>, Trouble> {
        let (cluster, at) = (self.shared.cluster, address(kind, &self.turn.namespace, name)?);
        self.patience.insist(async || Ok(cluster.object(&at).await?)).await
    }

    pub(super) fn rendered(&self, kind: &str) -> Vec<String> {
        self.objects.iter().filter(|o| o.kind() == kind).map(|o| o.name().to_owned()).collect()
    }

    /// A pod is judged by the limits that a quota's controller has taken note of.
    async fn granted(&mut self) -> Result<Judged, Trouble> {
        let names = self.rendered("ResourceQuota");
        for name in &names {
            let live = self.live("ResourceQuota", name).await?;
            let Some(live) = live else { return Ok(Judged::Never(format!("there is no ResourceQuota {name}"))) };
            let noted = |(resource, limit): (&String, &Value)| {
                quantity(Some(limit)).is_some_and(|limit| Some(limit) == quantity(live["status"]["hard"].get(resource)))
            };
            if !live["spec"]["hard"].as_object().into_iter().flatten().all(noted) {
                return Ok(Judged::NotYet(format!("ResourceQuota {name} does not count its new limits yet")));
            }
        }
        Ok(Judged::Met(format!("{} quotas count as rendered", names.len())))
    }

    async fn grown(&mut self) -> Result<Judged, Trouble> {
        let mut sizes = Vec::new();
        let mut pending = Vec::new();
        for name in self.rendered("PersistentVolumeClaim") {
            let Some(live) = self.live("PersistentVolumeClaim", &name).await? else {
                return Ok(Judged::Never(format!("claim {name} is gone")));
            };
            let wanted = live.pointer("/spec/resources/requests/storage");
            let has = live.pointer("/status/capacity/storage");
            if quantity(has).is_some_and(|has| quantity(wanted).is_some_and(|wanted| has >= wanted)) {
                sizes.push(format!("{name} has {}", has.and_then(Value::as_str).unwrap_or_default()));
                continue;
            }
            let conditions = live.pointer("/status/conditions").and_then(Value::as_array);
            let met = conditions.into_iter().flatten().filter(|c| c["status"] == "True");
            let of: Vec<&Value> = met.collect();
            if of.iter().any(|c| c["type"] == "FileSystemResizePending") {
                pending.push(name);
                continue;
            }
            let text = |c: &&Value| {
                let (kind, message) =
                    (c["type"].as_str().unwrap_or_default(), c["message"].as_str().unwrap_or_default());
                if message.is_empty() { kind.to_owned() } else { format!("{kind}: {message}") }
            };
            let why = of.first().map_or_else(|| "nobody has begun to grow it yet".to_owned(), text);
            return Ok(Judged::NotYet(format!("{name}: {why}")));
        }
        if pending.is_empty() {
            return Ok(Judged::Met(sizes.join(", ")));
        }
        let pending = pending.join(" and ");
        // Nobody has it mounted: it grows as soon as somebody does.
        if self.turn.basis.pod.is_none() {
            return Ok(Judged::Met(format!(
                "the disk of {pending} has grown; its filesystem follows with the next pod"
            )));
        }
        Ok(Judged::Failing(format!(
            "the disk of {pending} has grown; its filesystem waits for a new pod, which `restart` brings"
        )))
    }
}

fn quantity(value: Option<&Value>) -> Option<Quantity> {
    value?.as_str()?.parse().ok()
}
