//! PersistentVolumeClaims: provisioning, binding, growth and protection, and what becomes of the volumes afterwards.

pub(crate) mod attachment;
mod grow;
pub(crate) mod pv;

pub(crate) use grow::mounted;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::events::Type;
use super::objects::{Key, claims_of, is_finished, items, key_of, node_of};
use super::queue::{Queue, after};
use super::{Controller, Ctx, manager};
use crate::sim::history::EventType;
use crate::sim::kinds::{POD, PV, PVC, STORAGE_CLASS, VOLUME_SNAPSHOT};
use crate::sim::object::{is_terminating, name_of, namespace_of, text_at, uid_of};
use crate::sim::scenario::{Behaviour, Binding, Fault, Place, Reclaim, StorageClass};
use crate::sim::store::Change;

const CONTROLLER: &str = "persistentvolume-controller";
const PROTECTION: &str = "kubernetes.io/pvc-protection";
const DEFAULT_CLASS: &str = "storageclass.kubernetes.io/is-default-class";

/// Makes the scenario's StorageClasses.
pub(crate) fn create_classes(ctx: &Ctx) {
    for class in &ctx.scenario.storage_class {
        let mut object = json!({
            "metadata": {"name": class.name},
            "provisioner": class.provisioner,
            "reclaimPolicy": match class.reclaim { Reclaim::Delete => "Delete", Reclaim::Retain => "Retain" },
            "volumeBindingMode": match class.binding {
                Binding::WaitForFirstConsumer => "WaitForFirstConsumer",
                Binding::Immediate => "Immediate",
            },
            "allowVolumeExpansion": class.expansion,
        });
        if class.default {
            object["metadata"]["annotations"] = json!({DEFAULT_CLASS: "true"});
        }
        // One that is there already is kept as it is.
        let _ = ctx.store.create(STORAGE_CLASS, object, "sim");
    }
}

pub(crate) struct Volumes {
    ctx: Ctx,
    queue: Queue<Key>,
    /// When the step that a claim is in will be done.
    busy: HashMap<Key, Timestamp>,
    attempts: HashMap<Key, u32>,
}

impl Volumes {
    pub(crate) fn new(ctx: Ctx) -> Self {
        Self { ctx, queue: Queue::new(), busy: HashMap::new(), attempts: HashMap::new() }
    }

    fn sync(&mut self, key: &Key) {
        let Some(claim) = self.ctx.store.get(PVC, &key.0, &key.1) else { return };
        if is_terminating(&claim) {
            self.unprotect(key, &claim);
            return;
        }
        let protected = items(&claim, &["metadata", "finalizers"]).iter().any(|f| *f == PROTECTION);
        if !protected {
            let _ = self.ctx.store.modify(PVC, &key.0, &key.1, |c| {
                let mut list = items(c, &["metadata", "finalizers"]).to_vec();
                list.push(PROTECTION.into());
                c["metadata"]["finalizers"] = list.into();
            });
        }
        match text_at(&claim, &["status", "phase"]) {
            "Bound" => self.grow(key, &claim),
            // For ever: whoever brings the volume back has to bind it.
            "Lost" => {}
            _ => self.provision(key, &claim),
        }
    }

    /// True once the step that was begun is done; begins it otherwise.
    fn done(&mut self, key: &Key, takes: impl FnOnce() -> Duration) -> bool {
        let now = self.ctx.store.now();
        match self.busy.get(key).copied() {
            Some(at) if at <= now => {
                self.busy.remove(key);
                true
            }
            Some(at) => {
                self.queue.set(key.clone(), at);
                false
            }
            None => {
                let takes = if self.ctx.scenario.instant { Duration::ZERO } else { takes() };
                if takes.is_zero() {
                    return true;
                }
                self.busy.insert(key.clone(), after(now, takes));
                self.queue.set(key.clone(), after(now, takes));
                false
            }
        }
    }

    fn behaviour(&self, key: &Key) -> Behaviour {
        self.ctx.rules.at(&Place { namespace: Some(&key.0), claim: Some(&key.1), ..Place::default() })
    }

    fn provision(&mut self, key: &Key, claim: &Value) {
        let wanted = text_at(claim, &["spec", "storageClassName"]);
        if wanted.is_empty() {
            let default = self.default_class().filter(|_| claim["spec"]["storageClassName"].is_null());
            if let Some(default) = default {
                // Comes back as a change.
                let _ = self.ctx.store.modify(PVC, &key.0, &key.1, |c| c["spec"]["storageClassName"] = default.into());
                return;
            }
        }
        if pv::bind_existing(&self.ctx, claim) {
            return;
        }
        if wanted.is_empty() {
            let message = "no persistent volumes available for this claim and no storage class is set";
            self.say(claim, Type::Normal, "FailedBinding", message.into());
            return;
        }
        let Some(class) = self.ctx.store.get(STORAGE_CLASS, "", wanted) else {
            let message = format!("storageclass.storage.k8s.io \"{wanted}\" not found");
            self.say(claim, Type::Warning, "ProvisioningFailed", message);
            self.queue.add(key.clone(), after(self.ctx.store.now(), Duration::from_secs(15)));
            return;
        };
        let provisioner = text_at(&class, &["provisioner"]).to_owned();
        let node = text_at(claim, &["metadata", "annotations", "volume.kubernetes.io/selected-node"]);
        if class["volumeBindingMode"] == "WaitForFirstConsumer" && node.is_empty() {
            let message = "waiting for first consumer to be created before binding".into();
            self.say(claim, Type::Normal, "WaitForFirstConsumer", message);
            return;
        }
        if claim["spec"]["dataSource"]["kind"] == "VolumeSnapshot" {
            let name = text_at(claim, &["spec", "dataSource", "name"]);
            let ready =
                self.ctx.store.get(VOLUME_SNAPSHOT, &key.0, name).is_some_and(|s| s["status"]["readyToUse"] == true);
            if !ready {
                let message = format!(
                    "failed to provision volume with StorageClass \"{wanted}\": error getting handle for DataSource Type VolumeSnapshot by Name {name}: snapshot {name} is not Ready"
                );
                self.say(claim, Type::Warning, "ProvisioningFailed", message);
                self.queue.add(key.clone(), after(self.ctx.store.now(), Duration::from_secs(5)));
                return;
            }
        }
        if !self.busy.contains_key(key) {
            self.say(claim, Type::Normal, "ExternalProvisioning", format!("Waiting for a volume to be created either by the external provisioner '{provisioner}' or manually by the system administrator. If volume creation is delayed, please verify that the provisioner is running and correctly registered."));
            let message = format!("External provisioner is provisioning volume for claim \"{}/{}\"", key.0, key.1);
            self.say(claim, Type::Normal, "Provisioning", message);
            let _ = self.ctx.store.modify(PVC, &key.0, &key.1, |c| {
                for key in ["volume.beta.kubernetes.io/storage-provisioner", "volume.kubernetes.io/storage-provisioner"]
                {
                    c["metadata"]["annotations"][key] = provisioner.as_str().into();
                }
            });
        }
        let unit = self.ctx.dice.unit(&["provision", &key.0, &key.1]);
        let span = self.class(wanted).map(|c| c.provision_seconds);
        if !self.done(key, || span.map_or(Duration::ZERO, |s| s.at(unit))) {
            return;
        }
        let behaviour = self.behaviour(key);
        let attempts = self.attempts.entry(key.clone()).or_default();
        if behaviour.strikes(Fault::ProvisionFail, u64::from(*attempts)) {
            *attempts += 1;
            let wait = Duration::from_secs(1 << (*attempts).min(8)).min(Duration::from_secs(300));
            let why =
                behaviour.message.as_deref().unwrap_or("rpc error: code = ResourceExhausted desc = no capacity left");
            let message = format!("failed to provision volume with StorageClass \"{wanted}\": {why}");
            self.say(claim, Type::Warning, "ProvisioningFailed", message);
            let at = after(self.ctx.store.now(), wait);
            self.busy.insert(key.clone(), at);
            self.queue.set(key.clone(), at);
            return;
        }
        self.attempts.remove(key);
        let zonal = self.class(wanted).is_some_and(|c| c.zonal);
        if let Some(volume) = pv::provision(&self.ctx, claim, &class, zonal.then_some(node)) {
            let message = format!("Successfully provisioned volume {volume}");
            self.say(claim, Type::Normal, "ProvisioningSucceeded", message);
        }
    }

    /// Lets a claim go that no pod uses any more.
    fn unprotect(&mut self, key: &Key, claim: &Value) {
        if self.user_of(key).is_some() {
            return;
        }
        let uid = uid_of(claim);
        let _ = self.ctx.store.modify(PVC, &key.0, &key.1, |c| {
            if uid_of(c) == uid {
                let mut list = items(c, &["metadata", "finalizers"]).to_vec();
                list.retain(|f| *f != PROTECTION);
                c["metadata"]["finalizers"] = list.into();
            }
        });
    }

    /// A pod that has the claim on a node.
    fn user_of(&self, key: &Key) -> Option<Arc<Value>> {
        let pods = self.ctx.store.list(POD, Some(&key.0));
        pods.into_iter().find(|p| !node_of(p).is_empty() && !is_finished(p) && claims_of(p).any(|c| c == key.1))
    }

    fn default_class(&self) -> Option<String> {
        let classes = self.ctx.store.list(STORAGE_CLASS, None);
        let default = classes.iter().find(|c| c["metadata"]["annotations"][DEFAULT_CLASS] == "true")?;
        Some(name_of(default).to_owned())
    }

    fn class(&self, name: &str) -> Option<&StorageClass> {
        self.ctx.scenario.storage_class.iter().find(|c| c.name == name)
    }

    fn say(&self, claim: &Value, r#type: Type, reason: &'static str, message: String) {
        self.ctx.events.note(manager(CONTROLLER), PVC, claim, r#type, reason, message);
    }
}

/// The claim that a volume names before it is bound: that of a provisioner always does. To look through all claims for each
/// new volume would make a fleet's making quadratic.
fn reserved_for(volume: &Value) -> Option<Key> {
    let name = text_at(volume, &["spec", "claimRef", "name"]);
    (!name.is_empty()).then(|| (text_at(volume, &["spec", "claimRef", "namespace"]).to_owned(), name.to_owned()))
}

impl Controller for Volumes {
    fn observe(&mut self, change: &Change) {
        let object = &change.object;
        let now = self.ctx.store.now();
        if change.kind == PVC {
            let key = key_of(object);
            if change.event == EventType::Deleted {
                self.queue.remove(&key);
                self.busy.remove(&key);
                self.attempts.remove(&key);
                pv::release(&self.ctx, object);
            } else {
                self.queue.add(key, now);
            }
        } else if change.kind == POD && (change.event == EventType::Deleted || is_finished(object)) {
            for claim in claims_of(object) {
                self.queue.add((namespace_of(object).to_owned(), claim.to_owned()), now);
            }
        } else if change.kind == PV && change.event == EventType::Deleted {
            pv::lost(&self.ctx, object);
        } else if change.kind == PV {
            pv::unprotect(&self.ctx, object);
            if change.event == EventType::Added && text_at(object, &["status", "phase"]) != "Bound" {
                match reserved_for(object) {
                    Some(claim) => self.queue.add(claim, now),
                    // A volume made by hand may be what anybody waits for.
                    None => self.rules_changed(),
                }
            }
        } else if change.kind == STORAGE_CLASS && change.event == EventType::Added {
            self.rules_changed();
        }
    }

    fn relist(&mut self) {
        let now = self.ctx.store.now();
        for claim in self.ctx.store.list(PVC, None) {
            self.queue.add(key_of(&claim), now);
        }
    }

    fn rules_changed(&mut self) {
        let now = self.ctx.store.now();
        for claim in self.ctx.store.list(PVC, None) {
            let settled = text_at(&claim, &["status", "phase"]) == "Bound" && grow::wanted(&claim).is_none();
            if !settled {
                let key = key_of(&claim);
                // A failed step may be tried again at once.
                if self.attempts.remove(&key).is_some() {
                    self.busy.insert(key.clone(), now);
                }
                self.queue.add(key, now);
            }
        }
    }

    fn next_due(&mut self) -> Option<Timestamp> {
        self.queue.next_due()
    }

    fn step(&mut self) -> bool {
        let Some(key) = self.queue.pop(self.ctx.store.now()) else {
            return false;
        };
        self.sync(&key);
        true
    }
}
