//! What of a tenant is not as its stored spec renders it, and who has made it so.

use super::{
    act::address,
    exec::{config, without_run},
    trouble::Trouble,
};
use crate::{
    cluster::{Address, Cluster, Fault, MANAGER, Mode},
    manifest::{Base, ManifestError, Object, Owners, diff, render, stored_spec},
    plan::{Drift, Take},
};

/// How a tenant stands against its spec.
#[derive(Clone, Debug, Default)]
pub struct Compared {
    pub drift: Vec<Drift>,
    /// What an apply would have to take from others.
    pub takes: Vec<Take>,
}

/// Compares a tenant with its stored spec; `None` where it carries none. With `ask` the server is asked by dry runs which fields
/// belong to others.
///
/// # Errors
/// As any read; a stored spec that this program does not know, or cannot render.
pub async fn compare(cluster: &Cluster, base: &Base, namespace: &str, ask: bool) -> Result<Option<Compared>, Trouble> {
    let wrong = |error: ManifestError| Trouble::wrong(error.to_string());
    let live = cluster.object(&address("Namespace", "", namespace)?).await?;
    let Some(spec) = live.as_ref().and_then(stored_spec) else { return Ok(None) };
    let objects = render(base, &spec.map_err(wrong)?).map_err(wrong)?;
    let mut compared = Compared::default();
    for object in &objects {
        of_object(cluster, object, ask, &mut compared).await?;
    }
    Ok(Some(compared))
}

async fn of_object(cluster: &Cluster, object: &Object, ask: bool, compared: &mut Compared) -> Result<(), Trouble> {
    let at = Address::of(object.value()).map_err(Trouble::wrong)?;
    let name = format!("{} {}", object.kind(), object.name());
    let Some(live) = cluster.object(&at).await? else {
        compared.drift.push(Drift { object: name, ..Drift::default() });
        return Ok(());
    };
    let wanted = config(object, Some(&live), "-/-", None)?;
    let owners = Owners::of(&live);
    let before = compared.drift.len();
    for change in diff(&without_run(&wanted), &without_run(&live), MANAGER) {
        let owners = owners.of_field(&change.path);
        compared.drift.push(Drift {
            object: name.clone(),
            path: change.path,
            live: change.old,
            spec: change.new,
            owners,
        });
    }
    if !ask || compared.drift.len() == before {
        return Ok(());
    }
    match cluster.apply(&wanted, Mode::DryRun).await {
        Err(error) if error.fault == Fault::Owned => {
            let takes = error.conflicts.into_iter();
            compared.takes.extend(takes.map(|(from, field)| Take { object: name.clone(), field, from }));
            Ok(())
        }
        // Whatever else it refuses comes up where the plan is asked about.
        _ => Ok(()),
    }
}
