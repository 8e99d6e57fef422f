//! One step on the cluster: read, decide, write. Done twice, each changes nothing the second time.

mod address;
mod asked;
mod drain;
mod ownership;
mod room;
mod secret;
pub(super) mod snapshot;
mod volumes;

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{Instant, sleep, sleep_until};

use super::{
    act::{Act, address, annotation, is_of, uid, version},
    claim::{Fence, guard},
    trouble::Trouble,
};
use crate::{
    cluster::{Address, Cluster, ClusterError, Fault, MANAGER, Mode, Only},
    fleet::{
        Quantity,
        name::{PURGE_ANNOTATION, RUN_ANNOTATION},
    },
    manifest::{Object, diff},
    plan::{Intent, Judged, Named, News, Piece, Step, Take, Until, What, Which},
};

/// Label by which the pods of a StatefulSet name their revision.
const REVISION: &str = "controller-revision-hash";

impl Act<'_> {
    /// Does one step; says what was done.
    pub(super) async fn exec(&mut self, number: usize, step: &Step) -> Result<String, Trouble> {
        // The plan was checked as a whole when it was read; a step that its intent forbids is asked about once more here.
        if !self.shared.plan.intent.allows(step) {
            return Err(Trouble::wrong(format!("`{}` is no part of {}", step.words(), self.shared.plan.intent.verb())));
        }
        match step {
            Step::Apply { kind } => self.apply(number, *kind).await,
            Step::Drain => self.drain().await,
            Step::Snapshot => self.snapshot().await,
            Step::TakeOwnership { kind } => self.take_over(*kind).await,
            Step::EnsureSecret { secret } => self.secret(*secret).await,
            Step::ReplaceSecret { secret } => self.replace_secret(*secret).await,
            Step::Delete { what: What::Tenant } => self.purge().await,
            Step::Delete { what } => self.delete(*what).await,
            Step::DeletePod { which } => self.delete_pod(*which).await,
            Step::Await { until: Until::Addressed, seconds } => self.addressed(*seconds).await,
            Step::Await { until: until @ (Until::Granted | Until::Grown | Until::Snapped), seconds } => {
                self.asked(*until, *seconds).await
            }
            Step::Await { until, seconds } => self.wait(*until, *seconds).await,
            Step::Note { text } => Ok(text.clone()),
            Step::Prepull { .. } => Err(Trouble::wrong("images are pulled before the first wave, for no tenant alone")),
        }
    }

    async fn apply(&mut self, number: usize, kind: Piece) -> Result<String, Trouble> {
        let cluster = self.shared.cluster;
        let plan = self.shared.plan;
        let run = format!("{}/{number}", plan.id);
        let mut said = Vec::new();
        for object in self.objects.iter().filter(|object| object.kind() == kind.kind()) {
            let at = Address::of(object.value()).map_err(Trouble::wrong)?;
            let fence = self.fence();
            let outcome = self.patience.insist(async || {
                let live = cluster.object(&at).await?;
                // Made by this run already, by an attempt whose answer was lost: it takes the place of the one that was seen.
                let remade = plan.intent.remakes() && live.as_ref().is_some_and(|live| is_of(live, &plan.id));
                let set = self.set.as_ref().filter(|_| !remade);
                // A Namespace that the plan did not know is one that this run makes, or somebody else's.
                if kind == Piece::Namespace
                    && self.turn.basis.namespace.is_none()
                    && live.as_ref().is_some_and(|live| !is_of(live, &plan.id))
                {
                    return Err(Trouble::Moved("a namespace of this name was made since".to_owned()));
                }
                let config = config(object, live.as_ref(), &run, set)?;
                let unchanged = live.as_ref().is_some_and(|live| diff(&config, live, MANAGER).is_empty());
                if unchanged {
                    return Ok((live, "as it is"));
                }
                guard(&fence, live.as_ref()).await?;
                let made = as_agreed(cluster, &config, &self.turn.takes, Mode::Live).await?;
                Ok((Some(made), if live.is_some() { "changed" } else { "made" }))
            });
            let (found, word) = outcome.await?;
            if kind == Piece::Namespace && self.home.is_none() {
                self.home = found.as_ref().and_then(uid);
            }
            if let Some(found) = &found
                && kind == Piece::StatefulSet
            {
                self.floor = generation(found);
                self.set = uid(found).map(|uid| Named { name: object.name().to_owned(), uid });
            }
            said.push(format!("{} {word}", object.name()));
        }
        // A tenant that is being made carries the claim as soon as it can.
        if kind == Piece::Namespace && self.claimed.is_empty() {
            let at = address("Namespace", "", &self.turn.namespace)?;
            let live = self.patience.insist(async || Ok(cluster.object(&at).await?)).await?;
            if let Some(live) = live {
                self.claim(&live).await?;
            }
        }
        Ok(format!("{}: {}", kind.kind(), said.join(", ")))
    }

    /// StatefulSet, Service or Ingress, by the UID of the basis.
    async fn delete(&mut self, what: What) -> Result<String, Trouble> {
        let basis = self.turn.basis.clone();
        let named = match what {
            What::StatefulSet => basis.set.clone(),
            _ => {
                let other = basis.others.iter().find(|other| other.kind == what.kind());
                other.map(|other| Named { name: other.name.clone(), uid: other.uid })
            }
        };
        let Some(named) = named else { return Ok(format!("there was no {}", what.kind())) };
        if what == What::StatefulSet {
            if self.is_remade() {
                return Ok(format!("StatefulSet {} is another one already", named.name));
            }
            self.volumes_stay(&named).await?;
        }
        let at = address(what.kind(), &self.turn.namespace, &named.name)?;
        let (cluster, fence) = (self.shared.cluster, self.fence());
        let word = self.patience.insist(async || delete_once(cluster, &fence, &at, named.uid).await).await?;
        if what == What::StatefulSet {
            self.down_since = Some(self.now());
        }
        Ok(format!("{} {} {word}", what.kind(), named.name))
    }

    /// The StatefulSet that is there was made by this run, in the place of the one that was seen.
    fn is_remade(&self) -> bool {
        self.shared.plan.intent.remakes() && self.set.as_ref().map(|s| s.uid) != self.turn.basis.set_uid()
    }

    /// Everything, with the Namespace. What the cluster's guard asks for is said first: claim by claim, the Namespace last.
    async fn purge(&mut self) -> Result<String, Trouble> {
        let Some(expected) = self.turn.basis.namespace else {
            return Err(Trouble::wrong("a purge is bound to the UID of a Namespace, and this plan has none"));
        };
        let (cluster, fence) = (self.shared.cluster, self.fence());
        let namespace = self.turn.namespace.clone();
        let at = address("Namespace", "", &namespace)?;
        let gone = self.patience.insist(async || is_gone(cluster, &at, expected).await).await?;
        if gone {
            return Ok(format!("Namespace {namespace} is gone already"));
        }
        let claims =
            self.patience.insist(async || Ok(cluster.objects("PersistentVolumeClaim", &namespace, "").await?)).await?;
        for claim in &claims {
            let name = claim.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default();
            let at = address("PersistentVolumeClaim", &namespace, name)?;
            let Some(claim) = uid(claim) else { return Err(Trouble::wrong(format!("{at} has no UID"))) };
            self.patience.insist(async || mark_for_purge(cluster, &fence, &at, claim).await).await?;
        }
        self.patience
            .insist(async || {
                if is_gone(cluster, &at, expected).await? {
                    return Ok(());
                }
                mark_for_purge(cluster, &fence, &at, expected).await?;
                delete_once(cluster, &fence, &at, expected).await.map(drop)
            })
            .await?;
        Ok(format!("Namespace {namespace} is being deleted, with {} volumes", claims.len()))
    }

    async fn delete_pod(&mut self, which: Which) -> Result<String, Trouble> {
        let cluster = self.shared.cluster;
        // Whoever came after the token was replaced has read the new one.
        let stale = match which {
            Which::Current if self.shared.plan.intent == Intent::RotateToken => self.replaced_before().await?,
            _ => None,
        };
        let namespace = self.turn.namespace.as_str();
        let basis = &self.turn.basis;
        let set = basis.set.as_ref().ok_or_else(|| Trouble::wrong("the plan names no StatefulSet"))?;
        let name = basis.pod.as_ref().map_or_else(|| format!("{}-0", set.name), |pod| pod.name.clone());
        let at = address("Pod", namespace, &name)?;
        let set_at = address("StatefulSet", namespace, &set.name)?;
        let fence = self.fence();
        let outcome = self
            .patience
            .insist(async || {
                let pod = cluster.object(&at).await?;
                let Some(pod) = &pod else { return Ok(("is gone already", false, None)) };
                let found = uid(pod).ok_or_else(|| Trouble::wrong("the pod has no UID"))?;
                match which {
                    Which::Seen if basis.pod_uid() != Some(found) => {
                        return Ok(("is another one already", false, None));
                    }
                    Which::Current if stale.as_ref().is_some_and(|stale| *stale != found.to_string()) => {
                        return Ok(("is another one already, which has read the new token", false, None));
                    }
                    Which::Seen | Which::Current => {}
                    Which::Outdated => {
                        let live = cluster.object(&set_at).await?;
                        if live.as_ref().and_then(uid) != Some(set.uid) {
                            return Err(Trouble::Moved("its StatefulSet is another one by now".to_owned()));
                        }
                        let revision =
                            live.as_ref().and_then(|s| s.pointer("/status/updateRevision")).and_then(Value::as_str);
                        let Some(revision) = revision else {
                            return Err(Trouble::Moved("its StatefulSet names no update revision".to_owned()));
                        };
                        let label = pod.pointer("/metadata/labels").and_then(|labels| labels.get(REVISION));
                        if label.and_then(Value::as_str) == Some(revision) {
                            return Ok(("is of the new revision already", false, None));
                        }
                    }
                }
                if pod.pointer("/metadata/deletionTimestamp").is_some() {
                    return Ok(("is stopping already", true, Some(found)));
                }
                guard(&fence, Some(pod)).await?;
                match cluster.remove(&at, Only { uid: found, version: version(pod) }, Mode::Live).await {
                    Ok(()) => Ok(("is deleted", true, Some(found))),
                    Err(error) if error.fault == Fault::NotFound => Ok(("is gone already", true, Some(found))),
                    Err(error) => Err(error.into()),
                }
            })
            .await?;
        let (word, down, gone) = outcome;
        if down {
            self.down_since = Some(self.now());
        }
        // The next one has to be another than this.
        if let Some(uid) = gone.filter(|_| which == Which::Current) {
            self.turn.basis.pod = Some(Named { name: name.clone(), uid });
        }
        Ok(format!("pod {name} {word}"))
    }

    async fn wait(&mut self, until: Until, seconds: u32) -> Result<String, Trouble> {
        let cluster = self.shared.cluster;
        let mut basis = self.turn.basis.clone();
        if until == Until::Removed && self.is_remade() {
            return Ok("the StatefulSet is another one already".to_owned());
        }
        if matches!(until, Until::Observed | Until::Served | Until::Replaced | Until::Stopped) {
            self.raise_floor(&mut basis).await?;
        }
        // Waits are counted on the cluster's clock, which the demo's is faster than ours.
        let limit = cluster.clock().real(seconds);
        let deadline = Instant::now() + limit;
        let mut told = self.shared.view.follow(&self.turn.namespace, until, &basis, self.floor).await;
        let mut orders = self.shared.orders.clone();
        let mut last = "nothing is known yet".to_owned();
        let mut asks = Instant::now() + cluster.clock().real(room::EVERY);
        loop {
            let judged = told.borrow_and_update().clone();
            let crowded = matches!(judged, Some(Judged::NoRoom(_)));
            match judged {
                Some(Judged::Met(said)) if until == Until::Kept => return self.kept(said).await,
                Some(Judged::Met(said)) => {
                    if matches!(until, Until::Served | Until::Replaced) {
                        self.back = Some(self.now());
                    }
                    return Ok(said);
                }
                Some(Judged::Never(said)) => return Err(Trouble::wrong(said)),
                Some(Judged::Failing(said)) => return self.no_worse(until, said),
                Some(Judged::NotYet(said) | Judged::NoRoom(said)) if said != last => {
                    last.clone_from(&said);
                    self.say(|tenant| News::Progress { tenant, said }).await;
                }
                _ => {}
            }
            tokio::select! {
                biased;
                () = orders.stopped() => return Err(Trouble::Stopped),
                changed = told.changed() => if changed.is_err() {
                    return Err(Trouble::wrong("the watches have ended"));
                },
                () = sleep_until(asks), if crowded => {
                    if let Some(said) = self.no_node_comes().await? {
                        return self.no_worse(until, said);
                    }
                    asks = Instant::now() + cluster.clock().real(room::EVERY);
                }
                () = sleep_until(deadline) => return self.no_worse(until, format!("not within {seconds} s: {last}")),
            }
        }
    }

    /// Until the next look: says what is in the way where that is news, and ends where a person stops.
    async fn rest(&mut self, said: String, last: &mut String, seconds: u32) -> Result<(), Trouble> {
        if said != *last {
            last.clone_from(&said);
            self.say(|tenant| News::Progress { tenant, said }).await;
        }
        let mut orders = self.shared.orders.clone();
        // However fast the cluster's clock is, it is not asked without a pause.
        let pause = self.shared.cluster.clock().real(seconds).max(Duration::from_millis(10));
        tokio::select! {
            biased;
            () = orders.stopped() => Err(Trouble::Stopped),
            () = sleep(pause) => Ok(()),
        }
    }

    /// A tenant that was unwell before is not our doing. Only for its health: that something stopped, went or was taken
    /// note of has nothing to do with it.
    fn no_worse(&self, until: Until, said: String) -> Result<String, Trouble> {
        match &self.turn.unwell {
            Some(before) if matches!(until, Until::Served | Until::Replaced) => {
                Ok(format!("no worse than before ({before}): {said}"))
            }
            _ => Err(Trouble::Unwell(said)),
        }
    }

    /// The index may lag behind our own writes; what it is to have seen at least comes from a read.
    async fn raise_floor(&mut self, basis: &mut crate::plan::Basis) -> Result<(), Trouble> {
        // A set that this run has made is what it waits for from now on.
        if self.set.is_some() {
            basis.set.clone_from(&self.set);
        }
        let named = basis.set.as_ref().map(|s| s.name.clone());
        let rendered = || self.objects.iter().find(|o| o.kind() == "StatefulSet").map(|o| o.name().to_owned());
        let Some(name) = named.or_else(rendered) else { return Ok(()) };
        let at = address("StatefulSet", &self.turn.namespace, &name)?;
        let cluster = self.shared.cluster;
        let live = self.patience.insist(async || Ok(cluster.object(&at).await?)).await?;
        if let Some(live) = &live {
            self.floor = self.floor.max(generation(live));
            if basis.set.is_none()
                && let Some(uid) = uid(live)
            {
                basis.set = Some(Named { name, uid });
            }
        }
        Ok(())
    }
}

/// What is applied: the rendered object, with the run that writes it, bound to the object as it was read.
pub(super) fn config(object: &Object, live: Option<&Value>, run: &str, set: Option<&Named>) -> Result<Value, Trouble> {
    let mut config = object.value().clone();
    let records = matches!(object.kind(), "Namespace" | "StatefulSet");
    if records {
        config["metadata"]["annotations"][RUN_ANNOTATION] = run.into();
    }
    let Some(live) = live else { return Ok(config) };
    if live.pointer("/metadata/deletionTimestamp").is_some() {
        return Err(Trouble::Moved(format!("{} {} is being deleted", object.kind(), object.name())));
    }
    if object.kind() == "StatefulSet"
        && let Some(set) = set
        && uid(live) != Some(set.uid)
    {
        return Err(Trouble::Moved("its StatefulSet was replaced by somebody".to_owned()));
    }
    for field in ["uid", "resourceVersion"] {
        config["metadata"][field] = live["metadata"][field].clone();
    }
    // A volume never shrinks and never changes its class.
    if object.kind() == "PersistentVolumeClaim" {
        const SIZE: &str = "/spec/resources/requests/storage";
        let size = |of: &Value| of.pointer(SIZE).and_then(Value::as_str).and_then(|s| s.parse::<Quantity>().ok());
        if size(live) > size(&config)
            && let (Some(to), Some(from)) = (config.pointer_mut(SIZE), live.pointer(SIZE))
        {
            *to = from.clone();
        }
        let class = live.pointer("/spec/storageClassName").cloned();
        if let (Some(spec), Some(class)) = (config["spec"].as_object_mut(), class)
            && spec.contains_key("storageClassName")
        {
            spec.insert("storageClassName".to_owned(), class);
        }
    }
    Ok(config)
}

/// Which run wrote last is no part of what a tenant is.
pub(super) fn without_run(object: &Value) -> Value {
    let mut object = object.clone();
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut)
        && let Some(annotations) = metadata.get_mut("annotations").and_then(Value::as_object_mut)
    {
        annotations.remove(RUN_ANNOTATION);
        if annotations.is_empty() {
            metadata.remove("annotations");
        }
    }
    object
}

/// Applies; takes from others what was agreed to, where that is all that is in the way.
pub(super) async fn as_agreed(
    cluster: &Cluster,
    config: &Value,
    takes: &[Take],
    mode: Mode,
) -> Result<Value, ClusterError> {
    let error = match cluster.apply(config, mode).await {
        Err(error) if error.fault == Fault::Owned => error,
        other => return other,
    };
    let name = |pointer: &str| config.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let object = format!("{} {}", name("/kind"), name("/metadata/name"));
    let agreed = |(from, field): &(String, String)| {
        takes.iter().any(|take| take.object == object && take.from == *from && take.field == *field)
    };
    // The version of the read that is in the object keeps this from taking anything else.
    if error.conflicts.iter().all(agreed) { cluster.apply_over(config, mode).await } else { Err(error) }
}

fn generation(object: &Value) -> i64 {
    object.pointer("/metadata/generation").and_then(Value::as_i64).unwrap_or_default()
}

/// Whether the object of this UID is there no more.
async fn is_gone(cluster: &Cluster, at: &Address, expected: crate::fleet::Uid) -> Result<bool, Trouble> {
    let live = cluster.object(at).await?;
    Ok(live.as_ref().is_none_or(|live| uid(live) != Some(expected)))
}

/// Deletes the object of this UID, as it was just read.
async fn delete_once(
    cluster: &Cluster,
    fence: &Fence,
    at: &Address,
    expected: crate::fleet::Uid,
) -> Result<&'static str, Trouble> {
    let Some(live) = cluster.object(at).await? else { return Ok("is gone already") };
    if uid(&live) != Some(expected) {
        return Ok("is gone; another of its name was made since and is left alone");
    }
    if live.pointer("/metadata/deletionTimestamp").is_some() {
        return Ok("is being deleted already");
    }
    guard(fence, Some(&live)).await?;
    match cluster.remove(at, Only { uid: expected, version: version(&live) }, Mode::Live).await {
        Ok(()) => Ok("is deleted"),
        Err(error) if error.fault == Fault::NotFound => Ok("is gone already"),
        Err(error) => Err(error.into()),
    }
}

/// Names the object's own UID on it: the word without which the cluster's guard refuses its deletion.
/// Another object of that name, made since, is left alone.
async fn mark_for_purge(
    cluster: &Cluster,
    fence: &Fence,
    at: &Address,
    expected: crate::fleet::Uid,
) -> Result<(), Trouble> {
    let Some(live) = cluster.object(at).await? else { return Ok(()) };
    if uid(&live) != Some(expected) {
        return Ok(());
    }
    let text = expected.to_string();
    if annotation(&live, PURGE_ANNOTATION) == Some(&text) {
        return Ok(());
    }
    guard(fence, Some(&live)).await?;
    let only = Only { uid: expected, version: version(&live) };
    cluster.annotate(at, only, MANAGER, &json!({ PURGE_ANNOTATION: text })).await?;
    Ok(())
}
