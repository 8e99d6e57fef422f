//! Looks up what plans need to know besides the index: objects and fields that are not watched.

use std::collections::BTreeMap;

use futures::{StreamExt as _, TryStreamExt as _, stream};
use serde_json::Value;

use super::{adoption::adoption, drift::compare, trouble::Trouble};
use crate::{
    cluster::{Address, Cluster, ClusterError, Fault},
    fleet::{At, Text, detail::Storage},
    index::{Entry, digest::Labels},
    manifest::{Base, Defaults, TenantSpec, stored_spec},
    plan::{Behind, Found, Intent, Snap},
};

/// Tenants that are looked up at a time.
const AT_ONCE: usize = 4;
/// Of more tenants than so many it is not looked at what differs: each takes a dozen reads.
const COMPARED: usize = 200;
/// Of more tenants than so many, the snapshots of all are listed at once.
const LISTED: usize = 20;

/// What plans of this intent need to know of these tenants, by namespace. `defaults` stand in for what the objects of a
/// tenant of another hand do not show.
///
/// # Errors
/// As any read. What may not be read is left out: whoever plans on it says that it is not known, or asks for the right.
pub async fn look(
    cluster: &Cluster,
    base: &Base,
    intent: &Intent,
    entries: &[&Entry],
    defaults: &Defaults,
) -> Result<BTreeMap<String, Found>, Trouble> {
    let mut all = Box::pin(facts(cluster, base, intent, entries, defaults)).await?;
    if intent.needs_way_back() || matches!(intent, Intent::Snapshot { .. }) {
        for (namespace, snapshots) in snapshots(cluster, entries).await? {
            all.entry(namespace).or_default().snapshots = Some(snapshots);
        }
    }
    Ok(all)
}

/// The snapshots of each tenant; nothing where there is no such kind, or it may not be listed.
async fn snapshots(cluster: &Cluster, entries: &[&Entry]) -> Result<BTreeMap<String, Vec<Snap>>, ClusterError> {
    let mut all = BTreeMap::new();
    if entries.is_empty() || !known(cluster.serves_snapshots().await)?.unwrap_or_default() {
        return Ok(all);
    }
    if entries.len() > LISTED {
        let Some(list) = known(cluster.objects_of_all("VolumeSnapshot", "").await)? else { return Ok(all) };
        all.extend(entries.iter().map(|entry| (entry.tenant.namespace_name.to_string(), Vec::new())));
        for object in &list {
            let namespace = object.pointer("/metadata/namespace").and_then(Value::as_str).unwrap_or_default();
            if let Some(of) = all.get_mut(namespace) {
                of.push(snap(object));
            }
        }
        return Ok(all);
    }
    let mut lists = stream::iter(entries.iter().map(|entry| entry.tenant.namespace_name.to_string()))
        .map(|namespace| async move {
            let list = known(cluster.objects("VolumeSnapshot", &namespace, "").await);
            list.map(|list| (namespace, list))
        })
        .buffer_unordered(AT_ONCE);
    while let Some((namespace, list)) = lists.try_next().await? {
        if let Some(list) = list {
            all.insert(namespace, list.iter().map(snap).collect());
        }
    }
    Ok(all)
}

async fn facts(
    cluster: &Cluster,
    base: &Base,
    intent: &Intent,
    entries: &[&Entry],
    defaults: &Defaults,
) -> Result<BTreeMap<String, Found>, Trouble> {
    let mut all = BTreeMap::new();
    if let Intent::Adopt { from } = intent {
        for entry in entries.iter().filter(|e| e.tenant.namespace.as_ref().is_some_and(|n| n.spec.is_none())) {
            match adoption(cluster, base, defaults, from, entry).await {
                Err(Trouble::Cluster(error)) if error.fault == Fault::Forbidden => {}
                found => {
                    let found = Found { adoption: Some(found?), ..Found::default() };
                    all.insert(entry.tenant.namespace_name.to_string(), found);
                }
            }
        }
        return Ok(all);
    }
    if matches!(intent, Intent::Apply { .. }) && entries.len() <= COMPARED {
        let namespaces = entries.iter().map(|entry| entry.tenant.namespace_name.to_string());
        let mut compared = stream::iter(namespaces)
            .map(|namespace| async move {
                let compared = compare(cluster, base, &namespace, true).await;
                (namespace, compared)
            })
            .buffer_unordered(AT_ONCE);
        while let Some((namespace, compared)) = compared.next().await {
            let compared = match compared {
                Err(Trouble::Cluster(error)) if error.fault == Fault::Forbidden => continue,
                other => other?,
            };
            if let Some(compared) = compared {
                let found = Found { drift: Some(compared.drift), takes: compared.takes, ..Found::default() };
                all.insert(namespace, found);
            }
        }
        return Ok(all);
    }
    if matches!(intent, Intent::Restore { .. }) {
        for entry in entries {
            let found = Found { spec: spec(cluster, entry).await?, ..Found::default() };
            all.insert(entry.tenant.namespace_name.to_string(), found);
        }
        return Ok(all);
    }
    if !matches!(intent, Intent::Reprovision { .. } | Intent::Resize { .. } | Intent::Delete { purge: false }) {
        return Ok(all);
    }
    let storage = known(cluster.storage(&Labels::default()).await)?;
    let mut finalizers = stream::iter(entries.iter().copied())
        .map(|entry| async move { Ok::<_, ClusterError>((entry, finalizers(cluster, entry).await?)) })
        .buffer_unordered(AT_ONCE);
    while let Some((entry, finalizers)) = finalizers.try_next().await? {
        let volumes = storage.as_ref().map(|storage| behind(entry, storage));
        let spec = if matches!(intent, Intent::Resize { .. }) { spec(cluster, entry).await? } else { None };
        let found = Found { finalizers, volumes, spec, ..Found::default() };
        all.insert(entry.tenant.namespace_name.to_string(), found);
    }
    Ok(all)
}

/// `None` where it may not be read.
fn known<T>(answer: Result<T, ClusterError>) -> Result<Option<T>, ClusterError> {
    match answer {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.fault == Fault::Forbidden => Ok(None),
        Err(error) => Err(error),
    }
}

async fn finalizers(cluster: &Cluster, entry: &Entry) -> Result<Vec<String>, ClusterError> {
    let Some(set) = entry.tenant.set() else { return Ok(Vec::new()) };
    let Ok(at) = Address::kind("StatefulSet", &entry.tenant.namespace_name, &set.name) else { return Ok(Vec::new()) };
    let live = known(cluster.object(&at).await)?.flatten();
    Ok(live.as_ref().map(finalizers_of).unwrap_or_default())
}

/// The stored spec; `None` where there is none, or none that is understood.
async fn spec(cluster: &Cluster, entry: &Entry) -> Result<Option<Box<TenantSpec>>, ClusterError> {
    let Ok(at) = Address::kind("Namespace", "", &entry.tenant.namespace_name) else { return Ok(None) };
    let live = known(cluster.object(&at).await)?.flatten();
    Ok(live.as_ref().and_then(stored_spec).and_then(Result::ok).map(Box::new))
}

fn snap(object: &Value) -> Snap {
    let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    Snap {
        name: text("/metadata/name").to_owned(),
        claim: text("/spec/source/persistentVolumeClaimName").to_owned(),
        ready: object.pointer("/status/readyToUse").and_then(Value::as_bool).unwrap_or_default(),
        made: At::parse(text("/status/creationTime")),
        size: text("/status/restoreSize").parse().ok(),
    }
}

pub(super) fn finalizers_of(object: &Value) -> Vec<String> {
    let list = object.pointer("/metadata/finalizers").and_then(Value::as_array);
    list.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

fn behind(entry: &Entry, storage: &Storage) -> BTreeMap<String, Behind> {
    let claims = entry.tenant.claims.iter().filter_map(|claim| {
        let volume = storage.volume(&claim.volume_name()?)?;
        let class = claim.class.as_ref().map_or("", Text::as_str);
        let expands = storage.classes.iter().any(|c| c.name == class && c.expands);
        Some((claim.name.to_string(), Behind { volume: volume.name.clone(), reclaim: volume.reclaim.clone(), expands }))
    });
    claims.collect()
}
