//! What a tenant of another hand shows: the spec that can be read off it, and whose its fields are.

use serde_json::Value;

use super::trouble::Trouble;
use crate::{
    cluster::{Address, Cluster, MANAGER},
    index::Entry,
    manifest::{Base, Defaults, adopt, moved, others, render},
    plan::{Adoption, Owned},
};

/// Controllers write where it is theirs to write.
const CONTROLLERS: [&str; 3] = ["kube-controller-manager", "kube-scheduler", "kubelet"];

/// # Errors
/// As any read. `Ok(Err)` says why no spec can be read off it.
pub(super) async fn adoption(
    cluster: &Cluster,
    base: &Base,
    defaults: &Defaults,
    from: &[String],
    entry: &Entry,
) -> Result<Result<Adoption, String>, Trouble> {
    let namespace = entry.tenant.namespace_name.as_str();
    let mut live = Vec::new();
    let at = Address::kind("Namespace", "", namespace).map_err(Trouble::wrong)?;
    live.extend(cluster.object(&at).await?.map(|object| of_kind("Namespace", object)));
    for kind in ["StatefulSet", "PersistentVolumeClaim", "ResourceQuota", "Ingress"] {
        // Other hands may have labelled less than we do.
        let objects = cluster.objects(kind, namespace, "").await?;
        live.extend(objects.into_iter().map(|object| of_kind(kind, object)));
    }
    let adopted = match adopt(&live, base, defaults) {
        Ok(adopted) => adopted,
        Err(error) => return Ok(Err(error.to_string())),
    };
    let objects = match render(base, &adopted.spec) {
        Ok(objects) => objects,
        Err(error) => return Ok(Err(error.to_string())),
    };
    let mut known: Vec<String> = CONTROLLERS.map(str::to_owned).to_vec();
    known.extend_from_slice(from);
    let mut adoption = Adoption {
        spec: adopted.spec,
        unknown: adopted.unknown.into_iter().map(|unknown| format!("{}: {}", unknown.field, unknown.message)).collect(),
        owned: Vec::new(),
        others: Vec::new(),
    };
    for object in &objects {
        let at = Address::of(object.value()).map_err(Trouble::wrong)?;
        let Some(live) = cluster.object(&at).await? else { continue };
        let name = format!("{} {}", object.kind(), object.name());
        for (manager, fields) in
            moved(&live, object.value(), from, MANAGER).map(|(_, counts)| counts).unwrap_or_default()
        {
            adoption.owned.push(Owned { object: name.clone(), manager, fields });
        }
        adoption.others.extend(others(&live, &known).into_iter().map(|manager| format!("{manager} ({name})")));
    }
    adoption.others.sort();
    adoption.others.dedup();
    Ok(Ok(adoption))
}

/// Items of a list do not say what they are.
fn of_kind(kind: &str, mut object: Value) -> Value {
    object["kind"] = kind.into();
    object
}
