//! ControllerRevisions: the templates that a StatefulSet has had.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::sim::controllers::objects::{controller_of, owner_reference};
use crate::sim::kinds::{CONTROLLER_REVISION, STATEFUL_SET};
use crate::sim::object::{name_of, namespace_of, text_at, uid_of};
use crate::sim::selector::Labels;
use crate::sim::status::Status;
use crate::sim::store::Store;

/// No vowels and no look-alikes, as Kubernetes' own hashes.
const LETTERS: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";

/// The revisions of one set, oldest first, and which of them are wanted.
pub(super) struct Revisions {
    pub all: Vec<Arc<Value>>,
    pub current: String,
    pub update: String,
}

impl Revisions {
    /// The template of a revision.
    pub(super) fn template(&self, name: &str) -> Option<Value> {
        let revision = self.all.iter().find(|r| name_of(r) == name)?;
        let mut template = revision["data"]["spec"]["template"].clone();
        template.as_object_mut()?.remove("$patch");
        Some(template)
    }
}

/// Finds the revision of the set's template, makes it if there is none, and tells it from the current one.
pub(super) fn sync(store: &Store, set: &Value) -> Result<Revisions, Status> {
    let namespace = namespace_of(set);
    let mut all = vec![];
    for revision in store.list(CONTROLLER_REVISION, Some(namespace)) {
        match controller_of(&revision) {
            Some(owner) if owner["uid"] == uid_of(set) => all.push(revision),
            Some(_) => {}
            // A set that was deleted without its dependents left these for its successor.
            None if Labels::from_object(&set["spec"]["selector"]).matches_object(&revision) => {
                let owner = owner_reference(STATEFUL_SET, set);
                let adopted = store.modify(CONTROLLER_REVISION, namespace, name_of(&revision), |r| {
                    r["metadata"]["ownerReferences"] = json!([owner]);
                })?;
                all.push(adopted);
            }
            None => {}
        }
    }
    all.sort_by_key(|r| (number(r), name_of(r).to_owned()));
    let next = all.last().map_or(1, |r| number(r) + 1);
    let same = all.iter().rposition(|r| is_of(r, set));
    let update = match same {
        // A template that comes back keeps its revision's name and becomes the newest.
        Some(at) if at + 1 < all.len() => {
            let revision = all.remove(at);
            all.push(store.modify(CONTROLLER_REVISION, namespace, name_of(&revision), |r| {
                r["revision"] = next.into();
            })?);
            at_end(&all)
        }
        Some(_) => at_end(&all),
        None => {
            let revision = make(set, &data_of(set), next);
            all.push(store.create(CONTROLLER_REVISION, revision, "kube-controller-manager")?);
            at_end(&all)
        }
    };
    let current = text_at(set, &["status", "currentRevision"]);
    let current = if all.iter().any(|r| name_of(r) == current) { current.to_owned() } else { update.clone() };
    Ok(Revisions { all, current, update })
}

/// Deletes old revisions that no pod has, beyond `revisionHistoryLimit`.
pub(super) fn truncate(store: &Store, set: &Value, revisions: &Revisions, in_use: &[&str]) {
    let limit = set["spec"]["revisionHistoryLimit"].as_u64().unwrap_or(10);
    let idle: Vec<&Arc<Value>> = revisions
        .all
        .iter()
        .filter(|r| {
            let name = name_of(r);
            name != revisions.current && name != revisions.update && !in_use.contains(&name)
        })
        .collect();
    let keep = usize::try_from(limit).unwrap_or(usize::MAX);
    for revision in idle.iter().take(idle.len().saturating_sub(keep)) {
        store.remove(CONTROLLER_REVISION, namespace_of(set), name_of(revision), uid_of(revision));
    }
}

fn at_end(all: &[Arc<Value>]) -> String {
    all.last().map(|r| name_of(r)).unwrap_or_default().to_owned()
}

fn number(revision: &Value) -> i64 {
    revision["revision"].as_i64().unwrap_or(0)
}

/// Whether a revision keeps the set's template, as [`data_of`] would write it; nothing is copied for that.
fn is_of(revision: &Value, set: &Value) -> bool {
    let (kept, wanted) = (&revision["data"]["spec"]["template"], &set["spec"]["template"]);
    let (Some(kept), Some(wanted)) = (kept.as_object(), wanted.as_object()) else { return false };
    kept.get("$patch").is_some_and(|p| p == "replace")
        && kept.len() == wanted.len() + usize::from(!wanted.contains_key("$patch"))
        && wanted.iter().filter(|(key, _)| *key != "$patch").all(|(key, value)| kept.get(key) == Some(value))
}

fn data_of(set: &Value) -> Value {
    let mut template = set["spec"]["template"].clone();
    if let Some(map) = template.as_object_mut() {
        map.insert("$patch".into(), "replace".into());
    }
    json!({"spec": {"template": template}})
}

fn make(set: &Value, data: &Value, number: i64) -> Value {
    let hash = hash(&data.to_string());
    let mut labels = set["spec"]["template"]["metadata"]["labels"].clone();
    if !labels.is_object() {
        labels = json!({});
    }
    labels["controller.kubernetes.io/hash"] = hash.as_str().into();
    json!({
        "metadata": {
            "name": format!("{}-{hash}", name_of(set)),
            "namespace": namespace_of(set),
            "labels": labels,
            "annotations": set["metadata"]["annotations"],
            "ownerReferences": [owner_reference(STATEFUL_SET, set)],
        },
        "data": data,
        "revision": number,
    })
}

fn hash(text: &str) -> String {
    let hash = text.bytes().fold(0x811c_9dc5_u32, |h, b| (h ^ u32::from(b)).wrapping_mul(0x0100_0193));
    hash.to_string().bytes().map(|digit| char::from(LETTERS[usize::from(digit) % LETTERS.len()])).collect()
}
