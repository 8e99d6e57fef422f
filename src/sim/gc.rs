//! The garbage collector and the namespace controller: what follows from a deletion. It runs inside the store's lock
//! right after the write that caused it, so that a story on a paused clock needs no waiting.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::clock::stamp;
use super::delete::{DeleteOptions, Propagation, set_finalizers};
use super::kinds::{self, Kind};
use super::object::{finalizers, is_terminating, uid_of};
use super::store::Inner;

/// Something that a deletion has made due.
#[derive(Clone, Debug)]
pub(super) enum Work {
    /// An object is gone: its dependents follow.
    OwnerGone(Box<str>),
    /// A dependent is gone: an owner that waits for it (foreground) may go.
    DependentGone(Box<str>),
    /// An object is terminating with `orphan` or `foregroundDeletion`.
    Finalize(&'static Kind, Box<str>, Box<str>),
    /// Something left a namespace.
    Namespace(Box<str>),
}

impl Inner {
    /// Works off everything that is due.
    pub(super) fn settle(&mut self) {
        while let Some(work) = self.pending.pop_front() {
            match work {
                Work::OwnerGone(uid) => self.collect(&uid),
                Work::DependentGone(uid) => self.release_owner(&uid),
                Work::Finalize(kind, namespace, name) => self.finalize(kind, &namespace, &name),
                Work::Namespace(name) => self.empty_namespace(&name),
            }
        }
    }

    fn dependents_of(&self, uid: &str) -> Vec<(&'static Kind, Box<str>, Box<str>)> {
        let keys = self.dependents.get(uid).map(Vec::as_slice).unwrap_or_default();
        keys.iter()
            .filter_map(|(kind, key)| self.shelves[kind.id].objects.get(key))
            .map(|stored| (stored.kind, stored.namespace.clone(), stored.name.clone()))
            .collect()
    }

    /// Deletes the dependents of an owner that is gone, unless another owner still lives.
    fn collect(&mut self, uid: &str) {
        for (kind, namespace, name) in self.dependents_of(uid) {
            let Some(stored) = self.find(kind, &namespace, &name) else { continue };
            let others: Vec<_> = stored.owners.iter().filter(|o| &*o.uid != uid).map(|o| o.uid.clone()).collect();
            if others.iter().any(|other| self.places.contains_key(other)) {
                self.drop_owner(kind, &namespace, &name, uid);
            } else {
                let options = DeleteOptions { propagation: Some(Propagation::Background), ..DeleteOptions::default() };
                // Only a concurrent end could refuse it, and then there is nothing left to do.
                let _ = self.delete(kind, &namespace, &name, &options);
            }
        }
    }

    fn drop_owner(&mut self, kind: &'static Kind, namespace: &str, name: &str, uid: &str) {
        let Some(stored) = self.find(kind, namespace, name) else { return };
        let old = self.value(&stored);
        let mut new = (*old).clone();
        if let Some(list) = new["metadata"]["ownerReferences"].as_array_mut() {
            list.retain(|one| one["uid"] != uid);
            if list.is_empty()
                && let Some(meta) = new["metadata"].as_object_mut()
            {
                meta.remove("ownerReferences");
            }
        }
        self.replace(kind, &old, new);
    }

    fn finalize(&mut self, kind: &'static Kind, namespace: &str, name: &str) {
        let Some(stored) = self.find(kind, namespace, name) else { return };
        let object = self.value(&stored);
        if !is_terminating(&object) {
            return;
        }
        let has = |wanted: &str| finalizers(&object).any(|f| f == wanted);
        let uid = uid_of(&object).to_owned();
        if has("orphan") {
            for (kind, namespace, name) in self.dependents_of(&uid) {
                self.drop_owner(kind, &namespace, &name, &uid);
            }
            self.drop_finalizer(kind, namespace, name, "orphan");
        } else if has("foregroundDeletion") {
            for (kind, namespace, name) in self.dependents_of(&uid) {
                let terminating = self.find(kind, &namespace, &name).is_none_or(|s| is_terminating(&s.value()));
                if !terminating {
                    let has_dependents =
                        self.find(kind, &namespace, &name).is_some_and(|s| self.dependents.contains_key(&s.uid));
                    let propagation = if has_dependents { Propagation::Foreground } else { Propagation::Background };
                    let options = DeleteOptions { propagation: Some(propagation), ..DeleteOptions::default() };
                    let _ = self.delete(kind, &namespace, &name, &options);
                }
            }
            let blocked = self.dependents_of(&uid).iter().any(|(kind, namespace, name)| {
                self.find(kind, namespace, name).is_some_and(|s| s.owners.iter().any(|o| *o.uid == *uid && o.blocks))
            });
            if !blocked {
                self.drop_finalizer(kind, namespace, name, "foregroundDeletion");
            }
        }
    }

    fn release_owner(&mut self, uid: &str) {
        let waiting = self.places.get(uid).and_then(|(kind, key)| self.shelves[kind.id].objects.get(key));
        if let Some(stored) = waiting {
            let work = Work::Finalize(stored.kind, stored.namespace.clone(), stored.name.clone());
            self.pending.push_back(work);
        }
    }

    fn drop_finalizer(&mut self, kind: &'static Kind, namespace: &str, name: &str, finalizer: &str) {
        let Some(stored) = self.find(kind, namespace, name) else { return };
        let old = self.value(&stored);
        let mut new = (*old).clone();
        let left = finalizers(&old).filter(|f| *f != finalizer).map(Value::from).collect::<Vec<_>>();
        set_finalizers(&mut new, &left);
        self.replace(kind, &old, new);
    }

    /// One pass over a terminating namespace: deletes what is in it, tells what remains, and lets it go when it is empty.
    fn empty_namespace(&mut self, name: &str) {
        let Some(stored) = self.find(kinds::NAMESPACE, "", name) else { return };
        let old = self.value(&stored);
        if !is_terminating(&old) {
            return;
        }
        for kind in kinds::ALL.iter().copied().filter(|k| k.namespaced) {
            let doomed: Vec<Box<str>> = self.in_namespace(kind, Some(name)).map(|s| s.name.clone()).collect();
            for one in doomed {
                let terminating = self.find(kind, name, &one).is_none_or(|s| is_terminating(&s.value()));
                if !terminating {
                    let options =
                        DeleteOptions { propagation: Some(Propagation::Background), ..DeleteOptions::default() };
                    let _ = self.delete(kind, name, &one, &options);
                }
            }
        }
        let (remaining, holders) = self.remains(name);
        let mut new = (*old).clone();
        if remaining.is_empty() {
            new["spec"]["finalizers"] = json!([]);
        }
        set_conditions(&mut new, &remaining, &holders, &stamp(self.clock.now()));
        self.replace(kinds::NAMESPACE, &old, new);
    }

    /// What is left in a namespace: how many by resource, and how many by finalizer.
    fn remains(&self, namespace: &str) -> (BTreeMap<String, usize>, BTreeMap<String, usize>) {
        let (mut remaining, mut holders) = (BTreeMap::new(), BTreeMap::new());
        for kind in kinds::ALL.iter().copied().filter(|k| k.namespaced) {
            for stored in self.in_namespace(kind, Some(namespace)) {
                *remaining.entry(format!("{}.{}", kind.plural, kind.group)).or_insert(0) += 1;
                for finalizer in finalizers(&stored.value()) {
                    *holders.entry(finalizer.to_owned()).or_insert(0) += 1;
                }
            }
        }
        (remaining, holders)
    }
}

fn set_conditions(
    namespace: &mut Value,
    remaining: &BTreeMap<String, usize>,
    holders: &BTreeMap<String, usize>,
    now: &str,
) {
    let list = |map: &BTreeMap<String, usize>, join: &str| -> String {
        map.iter().map(|(what, n)| format!("{what}{join}{n} resource instances")).collect::<Vec<_>>().join(", ")
    };
    let wanted = [
        (
            "NamespaceDeletionDiscoveryFailure",
            false,
            "ResourcesDiscovered",
            "All resources successfully discovered".to_owned(),
        ),
        (
            "NamespaceDeletionGroupVersionParsingFailure",
            false,
            "ParsedGroupVersions",
            "All legacy kube types successfully parsed".to_owned(),
        ),
        (
            "NamespaceDeletionContentFailure",
            false,
            "ContentDeleted",
            "All content successfully deleted, may be waiting on finalization".to_owned(),
        ),
        if remaining.is_empty() {
            ("NamespaceContentRemaining", false, "ContentRemoved", "All content successfully removed".to_owned())
        } else {
            (
                "NamespaceContentRemaining",
                true,
                "SomeResourcesRemain",
                format!("Some resources are remaining: {}", list(remaining, " has ")),
            )
        },
        if holders.is_empty() {
            (
                "NamespaceFinalizersRemaining",
                false,
                "ContentHasNoFinalizers",
                "All content-preserving finalizers finished".to_owned(),
            )
        } else {
            (
                "NamespaceFinalizersRemaining",
                true,
                "SomeFinalizersRemain",
                format!("Some content in the namespace has finalizers remaining: {}", list(holders, " in ")),
            )
        },
    ];
    let before = namespace["status"]["conditions"].take();
    let conditions = wanted.into_iter().map(|(kind, on, reason, message)| {
        let status = if on { "True" } else { "False" };
        let same = before.as_array().into_iter().flatten().find(|c| c["type"] == kind && c["status"] == status);
        let since = same.and_then(|c| c["lastTransitionTime"].as_str()).unwrap_or(now);
        json!({"type": kind, "status": status, "reason": reason, "message": message, "lastTransitionTime": since})
    });
    namespace["status"]["conditions"] = conditions.collect();
}
