//! The StatefulSet controller: stable names, one pod after the other, revisions, OnDelete and RollingUpdate.

mod pod;
mod revision;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use self::revision::Revisions;
use super::events::Type;
use super::objects::{Key, controller_of, is_finished, is_ready, items, key_of};
use super::queue::{Queue, after, since};
use super::{Controller, Ctx, manager};
use crate::sim::delete::DeleteOptions;
use crate::sim::history::EventType;
use crate::sim::kinds::{POD, PVC, STATEFUL_SET};
use crate::sim::object::{is_terminating, name_of, namespace_of, text_at, uid_of};
use crate::sim::scenario::{Fault, Place};
use crate::sim::selector::Labels;
use crate::sim::status::Status;
use crate::sim::store::Change;

const NAME: &str = "statefulset-controller";
const MANAGER: &str = "kube-controller-manager";

pub(crate) struct StatefulSets {
    ctx: Ctx,
    queue: Queue<Key>,
    /// By UID: what of a pod matters to its set. Most changes of a booting pod do not.
    seen: HashMap<String, (String, bool, bool)>,
}

impl StatefulSets {
    pub(crate) fn new(ctx: Ctx) -> Self {
        Self { ctx, queue: Queue::new(), seen: HashMap::new() }
    }
}

impl StatefulSets {
    fn is_news(&mut self, pod: &Value, event: EventType) -> bool {
        if event == EventType::Deleted {
            self.seen.remove(uid_of(pod));
            return true;
        }
        let now = (text_at(pod, &["status", "phase"]).to_owned(), is_ready(pod), is_terminating(pod));
        let before = self.seen.insert(uid_of(pod).to_owned(), now.clone());
        before.as_ref() != Some(&now)
    }
}

impl Controller for StatefulSets {
    fn observe(&mut self, change: &Change) {
        let object = &change.object;
        let now = self.ctx.store.now();
        if change.kind == STATEFUL_SET {
            match change.event {
                EventType::Deleted => self.queue.remove(&key_of(object)),
                // An edit cuts a back-off short: the queue keeps the earlier time.
                _ => self.queue.add(key_of(object), now),
            }
        } else if change.kind == POD {
            let namespace = namespace_of(object).to_owned();
            match controller_of(object) {
                Some(owner) if owner["kind"] == "StatefulSet" => {
                    if !self.is_news(object, change.event) {
                        return;
                    }
                    let name = text_at(owner, &["name"]).to_owned();
                    self.queue.add((namespace, name), now);
                }
                Some(_) => {}
                // An orphan may be adopted by the set of its name.
                None => {
                    if let Some((set, _)) = name_of(object).rsplit_once('-')
                        && change.event != EventType::Deleted
                    {
                        self.queue.add((namespace, set.to_owned()), now);
                    }
                }
            }
        }
    }

    fn relist(&mut self) {
        let now = self.ctx.store.now();
        self.seen.clear();
        for set in self.ctx.store.list(STATEFUL_SET, None) {
            self.queue.add(key_of(&set), now);
        }
    }

    fn next_due(&mut self) -> Option<Timestamp> {
        self.queue.next_due()
    }

    fn step(&mut self) -> bool {
        let now = self.ctx.store.now();
        let Some(key) = self.queue.pop(now) else {
            return false;
        };
        let Some(set) = self.ctx.store.get(STATEFUL_SET, &key.0, &key.1) else {
            self.queue.remove(&key);
            return true;
        };
        if is_terminating(&set) || self.ctx.rules.at(&place_of(&set)).fault == Fault::Unattended {
            return true;
        }
        match sync(&self.ctx, &set) {
            Ok(again) => {
                self.queue.forget(&key);
                if let Some(wait) = again {
                    self.queue.add(key, after(now, wait));
                }
            }
            Err(_) => self.queue.retry(key, now),
        }
        true
    }
}

fn place_of(set: &Value) -> Place<'_> {
    Place { namespace: Some(namespace_of(set)), ..Place::default() }
}

/// What is known of one set while it is worked on.
struct Round<'a> {
    ctx: &'a Ctx,
    set: &'a Value,
    revisions: Revisions,
    /// By ordinal.
    pods: BTreeMap<i64, Arc<Value>>,
    now: Timestamp,
}

/// One round of work on a set; answers when to look again although nothing changes.
fn sync(ctx: &Ctx, set: &Value) -> Result<Option<Duration>, Status> {
    let revisions = revision::sync(&ctx.store, set)?;
    let pods = own_pods(ctx, set)?;
    let mut round = Round { ctx, set, revisions, pods, now: ctx.store.now() };
    let result = round.act();
    round.write_status()?;
    let in_use: Vec<&str> = round.pods.values().map(|p| revision_of(p)).collect();
    revision::truncate(&ctx.store, set, &round.revisions, &in_use);
    result.map(|()| round.look_again())
}

/// The set's pods by ordinal; orphans that it selects are adopted.
fn own_pods(ctx: &Ctx, set: &Value) -> Result<BTreeMap<i64, Arc<Value>>, Status> {
    let mut pods = BTreeMap::new();
    for pod in ctx.store.list(POD, Some(namespace_of(set))) {
        let Some(at) = pod::ordinal(name_of(set), name_of(&pod)) else {
            continue;
        };
        let pod = match controller_of(&pod) {
            Some(owner) if owner["uid"] == uid_of(set) => pod,
            Some(_) => continue,
            None => {
                let fits = Labels::from_object(&set["spec"]["selector"]).matches_object(&pod);
                if !fits || is_terminating(&pod) {
                    continue;
                }
                let owner = super::objects::owner_reference(STATEFUL_SET, set);
                ctx.store.modify(POD, namespace_of(set), name_of(&pod), |p| {
                    let mut owners = items(p, &["metadata", "ownerReferences"]).to_vec();
                    owners.push(owner);
                    p["metadata"]["ownerReferences"] = owners.into();
                })?
            }
        };
        pods.insert(at, pod);
    }
    Ok(pods)
}

fn revision_of(pod: &Value) -> &str {
    text_at(pod, &["metadata", "labels", "controller-revision-hash"])
}

fn is_healthy(pod: &Value) -> bool {
    is_running_and_ready(pod) && !is_terminating(pod)
}

fn is_running_and_ready(pod: &Value) -> bool {
    text_at(pod, &["status", "phase"]) == "Running" && is_ready(pod)
}

impl Round<'_> {
    fn replicas(&self) -> i64 {
        self.set["spec"]["replicas"].as_i64().unwrap_or(1)
    }

    fn start(&self) -> i64 {
        self.set["spec"]["ordinals"]["start"].as_i64().unwrap_or(0)
    }

    fn partition(&self) -> i64 {
        self.set["spec"]["updateStrategy"]["rollingUpdate"]["partition"].as_i64().unwrap_or(0)
    }

    fn on_delete(&self) -> bool {
        self.set["spec"]["updateStrategy"]["type"] == "OnDelete"
    }

    fn min_ready(&self) -> Duration {
        Duration::from_secs(self.set["spec"]["minReadySeconds"].as_u64().unwrap_or(0))
    }

    fn wanted(&self) -> std::ops::Range<i64> {
        self.start()..self.start() + self.replicas()
    }

    fn available_at(&self, pod: &Value) -> Option<Timestamp> {
        if !is_running_and_ready(pod) {
            return None;
        }
        let ready = items(pod, &["status", "conditions"]).iter().find(|c| c["type"] == "Ready")?;
        let since: Timestamp = text_at(ready, &["lastTransitionTime"]).parse().ok()?;
        Some(after(since, self.min_ready()))
    }

    fn is_available(&self, pod: &Value) -> bool {
        self.min_ready().is_zero() && is_running_and_ready(pod)
            || self.available_at(pod).is_some_and(|at| at <= self.now)
    }

    /// A pod that is ready and not yet available needs another look.
    fn look_again(&self) -> Option<Duration> {
        let waits = self.pods.values().filter_map(|p| self.available_at(p));
        waits.filter(|at| *at > self.now).map(|at| since(self.now, at)).min()
    }

    fn act(&mut self) -> Result<(), Status> {
        let in_order = self.set["spec"]["podManagementPolicy"] != "Parallel";
        for ordinal in self.wanted() {
            if !self.bring_up(ordinal)? && in_order {
                return Ok(());
            }
        }
        let wanted = self.wanted();
        let condemned: Vec<i64> = self.pods.keys().rev().copied().filter(|o| !wanted.contains(o)).collect();
        for ordinal in condemned {
            let pod = self.pods[&ordinal].clone();
            if !is_terminating(&pod) {
                self.delete_pod(&pod)?;
            }
            if in_order {
                return Ok(());
            }
        }
        if self.on_delete() { Ok(()) } else { self.roll() }
    }

    /// Makes the pod of an ordinal be there; false while it is not available.
    fn bring_up(&mut self, ordinal: i64) -> Result<bool, Status> {
        let Some(pod) = self.pods.get(&ordinal).cloned() else {
            self.create_pod(ordinal)?;
            return Ok(false);
        };
        if is_finished(&pod) && !is_terminating(&pod) {
            self.delete_pod(&pod)?;
            return Ok(false);
        }
        Ok(!is_terminating(&pod) && self.is_available(&pod))
    }

    fn create_pod(&mut self, ordinal: i64) -> Result<(), Status> {
        let set = self.set;
        let revision = if !self.on_delete() && ordinal < self.start() + self.partition() {
            self.revisions.current.clone()
        } else {
            self.revisions.update.clone()
        };
        let template =
            self.revisions.template(&revision).ok_or_else(|| Status::internal(format!("no revision {revision}")))?;
        let pod_name = format!("{}-{ordinal}", name_of(set));
        for claim in pod::claims(set, ordinal) {
            let name = name_of(&claim).to_owned();
            match self.ctx.store.get(PVC, namespace_of(set), &name) {
                Some(there) if is_terminating(&there) => {
                    return Err(Status::internal(format!("pvc {name} is being deleted")));
                }
                Some(_) => {}
                None => {
                    let made = self.ctx.store.create(PVC, claim, MANAGER);
                    self.report(
                        &made,
                        &format!("Claim {name} Pod {pod_name} in StatefulSet {} success", name_of(set)),
                        &format!("Claim {name} for Pod {pod_name} in StatefulSet {}", name_of(set)),
                    );
                    made?;
                }
            }
        }
        let wanted = pod::of_template(set, &template, &revision, ordinal);
        let behaviour = self.ctx.rules.at(&place_of(set));
        let made = match behaviour.fault {
            Fault::Refuse => {
                let why = behaviour.message.unwrap_or_else(|| "it is not wanted here".into());
                Err(Status::forbidden(POD, &pod_name, why))
            }
            _ => self.ctx.store.create(POD, wanted, MANAGER),
        };
        self.report(
            &made,
            &format!("Pod {pod_name} in StatefulSet {} successful", name_of(set)),
            &format!("Pod {pod_name} in StatefulSet {}", name_of(set)),
        );
        self.pods.insert(ordinal, made?);
        Ok(())
    }

    fn report(&self, made: &Result<Arc<Value>, Status>, done: &str, failed: &str) {
        match made {
            Ok(_) => self.event(Type::Normal, "SuccessfulCreate", format!("create {done}")),
            Err(status) => {
                self.event(Type::Warning, "FailedCreate", format!("create {failed} failed error: {}", status.message));
            }
        }
    }

    fn delete_pod(&self, pod: &Value) -> Result<(), Status> {
        let options = DeleteOptions { uid: Some(uid_of(pod).to_owned()), ..DeleteOptions::default() };
        let (pod_name, set) = (name_of(pod), name_of(self.set));
        match self.ctx.store.delete(POD, namespace_of(pod), pod_name, &options) {
            Ok(_) => {
                let message = format!("delete Pod {pod_name} in StatefulSet {set} successful");
                self.event(Type::Normal, "SuccessfulDelete", message);
                Ok(())
            }
            Err(status) if status.is_not_found() => Ok(()),
            Err(status) => {
                let message = format!("delete Pod {pod_name} in StatefulSet {set} failed error: {}", status.message);
                self.event(Type::Warning, "FailedDelete", message);
                Err(status)
            }
        }
    }

    /// Replaces one pod of an old revision, from the last ordinal down, when all after it are well.
    fn roll(&self) -> Result<(), Status> {
        let from = self.start() + self.partition();
        for ordinal in self.wanted().rev().take_while(|o| *o >= from) {
            let Some(pod) = self.pods.get(&ordinal) else {
                return Ok(());
            };
            if revision_of(pod) != self.revisions.update && !is_terminating(pod) {
                return self.delete_pod(pod);
            }
            if !is_healthy(pod) {
                return Ok(());
            }
        }
        Ok(())
    }

    fn write_status(&mut self) -> Result<(), Status> {
        let count = |holds: &dyn Fn(&Value) -> bool| self.pods.values().filter(|p| holds(p)).count() as i64;
        let replicas = count(&|p| !text_at(p, &["status", "phase"]).is_empty() || !is_terminating(p));
        let ready = count(&is_running_and_ready);
        let updated = count(&|p| !is_terminating(p) && revision_of(p) == self.revisions.update);
        let mut current = count(&|p| !is_terminating(p) && revision_of(p) == self.revisions.current);
        if !self.on_delete() && updated == self.replicas() && ready == self.replicas() && replicas == self.replicas() {
            self.revisions.current.clone_from(&self.revisions.update);
            current = updated;
        }
        let mut status = json!({
            "observedGeneration": self.set["metadata"]["generation"],
            "replicas": replicas,
            "availableReplicas": count(&|p| self.is_available(p)),
            "currentRevision": self.revisions.current,
            "updateRevision": self.revisions.update,
            "collisionCount": self.set["status"]["collisionCount"].as_i64().unwrap_or(0),
        });
        for (field, n) in [("readyReplicas", ready), ("currentReplicas", current), ("updatedReplicas", updated)] {
            if n != 0 {
                status[field] = n.into();
            }
        }
        if self.set["status"] == status {
            return Ok(());
        }
        let (namespace, name, uid) = (namespace_of(self.set), name_of(self.set), uid_of(self.set));
        let written = self.ctx.store.modify(STATEFUL_SET, namespace, name, |live| {
            if uid_of(live) == uid {
                live["status"] = status;
            }
        });
        match written {
            Err(status) if !status.is_not_found() => Err(status),
            _ => Ok(()),
        }
    }

    fn event(&self, r#type: Type, reason: &'static str, message: String) {
        self.ctx.events.note(manager(NAME), STATEFUL_SET, self.set, r#type, reason, message);
    }
}
