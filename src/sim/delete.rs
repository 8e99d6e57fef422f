//! Deletes: preconditions, grace, finalizers, and what happens to dependents.

use std::sync::Arc;

use serde_json::{Value, json};

use super::clock::stamp;
use super::gc::Work;
use super::kinds::{self, Kind};
use super::object::{finalizers, is_terminating, text_at, uid_of};
use super::status::Status;
use super::store::Inner;

/// What becomes of the objects that name the deleted one as their owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Propagation {
    Background,
    Foreground,
    Orphan,
}

/// `DeleteOptions` of a request. `grace` is in seconds.
#[derive(Clone, Debug, Default)]
pub(crate) struct DeleteOptions {
    pub grace: Option<u64>,
    pub propagation: Option<Propagation>,
    pub uid: Option<String>,
    pub resource_version: Option<String>,
    pub dry_run: bool,
}

/// How far a delete got.
#[derive(Clone, Debug)]
pub(crate) enum Deleted {
    /// The object is gone; this was its last state.
    Gone(Arc<Value>),
    /// The object is terminating: somebody has to confirm, or a finalizer holds it.
    Marked(Arc<Value>),
}

impl Deleted {
    pub(crate) fn object(&self) -> &Arc<Value> {
        match self {
            Deleted::Gone(object) | Deleted::Marked(object) => object,
        }
    }
}

/// Whether nothing holds a terminating object any more.
pub(super) fn is_finished(kind: &Kind, object: &Value) -> bool {
    is_terminating(object)
        && finalizers(object).next().is_none()
        && object["metadata"]["deletionGracePeriodSeconds"].as_i64().unwrap_or(0) == 0
        && (kind != kinds::NAMESPACE || object["spec"]["finalizers"].as_array().is_none_or(Vec::is_empty))
}

impl Inner {
    pub(super) fn delete(
        &mut self,
        kind: &'static Kind,
        namespace: &str,
        name: &str,
        options: &DeleteOptions,
    ) -> Result<Deleted, Status> {
        let stored = self.find(kind, namespace, name).ok_or_else(|| Status::not_found(kind, name))?;
        let old = self.value(&stored);
        check_preconditions(kind, name, &old, options)?;
        let mut new = (*old).clone();
        let was_terminating = is_terminating(&old);
        set_propagation_finalizer(&mut new, options.propagation);
        let grace = if kind == kinds::POD { pod_grace(&old, options.grace) } else { 0 };
        if was_terminating {
            let pending = old["metadata"]["deletionGracePeriodSeconds"].as_u64().unwrap_or(0);
            if options.grace.is_some() && grace < pending {
                self.mark(&mut new, grace);
            }
        } else {
            self.mark(&mut new, grace);
            if kind == kinds::NAMESPACE {
                if let Some(meta) = new["metadata"].as_object_mut() {
                    meta.remove("deletionGracePeriodSeconds");
                }
                new["status"]["phase"] = "Terminating".into();
            } else if kind.generation {
                let generation = old["metadata"]["generation"].as_i64().unwrap_or(0) + 1;
                new["metadata"]["generation"] = generation.into();
            }
        }
        if is_finished(kind, &new) {
            if options.dry_run {
                return Ok(Deleted::Gone(old));
            }
            let last = self.erase(kind, namespace, name).unwrap_or(old);
            return Ok(Deleted::Gone(last));
        }
        if options.dry_run {
            return Ok(Deleted::Marked(Arc::new(new)));
        }
        let marked = if new == *old { old } else { self.commit(kind, new) };
        self.pending.push_back(Work::Finalize(kind, namespace.into(), name.into()));
        if kind == kinds::NAMESPACE {
            self.pending.push_back(Work::Namespace(name.into()));
        }
        Ok(Deleted::Marked(marked))
    }

    fn mark(&mut self, object: &mut Value, grace: u64) {
        let at = self.clock.now() + jiff::SignedDuration::from_secs(i64::try_from(grace).unwrap_or(i64::MAX / 2));
        object["metadata"]["deletionTimestamp"] = stamp(at).into();
        object["metadata"]["deletionGracePeriodSeconds"] = grace.into();
    }
}

fn check_preconditions(kind: &Kind, name: &str, old: &Value, options: &DeleteOptions) -> Result<(), Status> {
    let uid = uid_of(old);
    if let Some(wanted) = options.uid.as_deref().filter(|wanted| *wanted != uid) {
        let why = format!(
            "the UID in the precondition ({wanted}) does not match the UID in record ({uid}). The object might have been deleted and then recreated"
        );
        return Err(Status::precondition(kind, name, &why));
    }
    let version = text_at(old, &["metadata", "resourceVersion"]);
    if let Some(wanted) = options.resource_version.as_deref().filter(|wanted| *wanted != version) {
        let why = format!(
            "the ResourceVersion in the precondition ({wanted}) does not match the ResourceVersion in record ({version}). The object might have been modified"
        );
        return Err(Status::precondition(kind, name, &why));
    }
    Ok(())
}

/// A pod that no kubelet runs, or that has ended, goes at once.
fn pod_grace(pod: &Value, asked: Option<u64>) -> u64 {
    let ended = matches!(text_at(pod, &["status", "phase"]), "Failed" | "Succeeded");
    if ended || text_at(pod, &["spec", "nodeName"]).is_empty() {
        return 0;
    }
    asked.unwrap_or_else(|| pod["spec"]["terminationGracePeriodSeconds"].as_u64().unwrap_or(30))
}

fn set_propagation_finalizer(object: &mut Value, propagation: Option<Propagation>) {
    let Some(propagation) = propagation else { return };
    let mut list: Vec<Value> =
        finalizers(object).filter(|f| *f != "orphan" && *f != "foregroundDeletion").map(Value::from).collect();
    match propagation {
        Propagation::Background => {}
        Propagation::Foreground => list.push("foregroundDeletion".into()),
        Propagation::Orphan => list.push("orphan".into()),
    }
    set_finalizers(object, &list);
}

pub(super) fn set_finalizers(object: &mut Value, list: &[Value]) {
    if list.is_empty() {
        if let Some(meta) = object["metadata"].as_object_mut() {
            meta.remove("finalizers");
        }
    } else {
        object["metadata"]["finalizers"] = json!(list);
    }
}
