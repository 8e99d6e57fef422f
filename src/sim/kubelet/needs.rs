//! What a pod needs from other objects before it can run: keys of Secrets and ConfigMaps, and claims.

use serde_json::Value;

use crate::sim::controllers::objects::items;
use crate::sim::kinds::{CONFIG_MAP, PVC, SECRET};
use crate::sim::object::text_at;
use crate::sim::store::Store;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum From {
    Secret,
    ConfigMap,
}

/// One reference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Need {
    from: From,
    name: Box<str>,
    /// Empty: the whole object.
    key: Box<str>,
    /// The volume that it is mounted by; empty for a container's environment.
    pub volume: Box<str>,
}

/// The references of a container's environment.
pub(super) fn of_container(container: &Value) -> Box<[Need]> {
    let keyed = items(container, &["env"]).iter().flat_map(|e| {
        let source = &e["valueFrom"];
        [
            need(From::Secret, &source["secretKeyRef"], "name", ""),
            need(From::ConfigMap, &source["configMapKeyRef"], "name", ""),
        ]
    });
    let whole = items(container, &["envFrom"]).iter().flat_map(|e| {
        [need(From::Secret, &e["secretRef"], "name", ""), need(From::ConfigMap, &e["configMapRef"], "name", "")]
    });
    keyed.chain(whole).flatten().collect()
}

/// The Secrets and ConfigMaps that a pod mounts.
pub(super) fn of_volumes(pod: &Value) -> Box<[Need]> {
    let mut needs = vec![];
    for volume in items(pod, &["spec", "volumes"]) {
        let name = text_at(volume, &["name"]);
        needs.extend(need(From::Secret, &volume["secret"], "secretName", name));
        needs.extend(need(From::ConfigMap, &volume["configMap"], "name", name));
        for source in items(volume, &["projected", "sources"]) {
            needs.extend(need(From::Secret, &source["secret"], "name", name));
            needs.extend(need(From::ConfigMap, &source["configMap"], "name", name));
        }
    }
    needs.into()
}

fn need(from: From, reference: &Value, name: &str, volume: &str) -> Option<Need> {
    if !reference.is_object() || reference["optional"] == true {
        return None;
    }
    Some(Need {
        from,
        name: text_at(reference, &[name]).into(),
        key: text_at(reference, &["key"]).into(),
        volume: volume.into(),
    })
}

impl Need {
    /// What is missing, in the kubelet's words.
    pub(super) fn missing(&self, store: &Store, namespace: &str) -> Option<String> {
        let (kind, word, word_for_key) = match self.from {
            From::Secret => (SECRET, "secret", "Secret"),
            From::ConfigMap => (CONFIG_MAP, "configmap", "ConfigMap"),
        };
        let Some(object) = store.get(kind, namespace, &self.name) else {
            return Some(format!("{word} \"{}\" not found", self.name));
        };
        let has = |field: &str| object[field].get(&*self.key).is_some();
        let found = self.key.is_empty() || has("data") || has("stringData") || has("binaryData");
        (!found).then(|| format!("couldn't find key {} in {word_for_key} {namespace}/{}", self.key, self.name))
    }
}

/// What is wrong with a claim that a pod mounts.
pub(super) fn claim_missing(store: &Store, namespace: &str, claim: &str) -> Option<String> {
    match store.get(PVC, namespace, claim) {
        None => Some(format!("error getting PVC \"{namespace}/{claim}\": persistentvolumeclaim \"{claim}\" not found")),
        Some(c) if text_at(&c, &["status", "phase"]) != "Bound" => {
            Some(format!("PVC \"{namespace}/{claim}\" is not bound"))
        }
        Some(_) => None,
    }
}
