//! What would delete a tenant's data: the StatefulSet's retention policy, a reclaim policy, and disks that nobody owns.

use std::collections::BTreeSet;

use super::{Case, Code, Evidence, Finding};
use crate::{
    fleet::{
        At, Tenant,
        detail::{Guard, PersistentVolume, Storage},
        name::TENANT_LABEL,
    },
    index::Fleet,
    manifest::GUARD,
};

pub(super) fn check(case: &mut Case<'_>) {
    if case.is_terminating() {
        return;
    }
    for set in &case.tenant().sets {
        if set.retention_deletes {
            let finding = Finding::warning(
                Code::RetentionDeletes,
                format!("StatefulSet {} would delete its claims when it is deleted or scaled down", set.name),
            )
            .about("retention policy")
            .advice("set persistentVolumeClaimRetentionPolicy to Retain for both before anything else is done to it")
            .proof(Evidence::field(
                format!("StatefulSet {} spec.persistentVolumeClaimRetentionPolicy", set.name),
                "Delete",
                None,
            ));
            case.find(finding);
        }
    }
    reclaim(case);
}

fn reclaim(case: &mut Case<'_>) {
    let Some(storage) = case.facts.storage else { return };
    for claim in &case.tenant().claims {
        let Some(volume) = claim.volume_name().and_then(|name| storage.volume(&name)) else { continue };
        if volume.reclaim != "Delete" {
            continue;
        }
        let class = volume.class.as_str();
        let finding = Finding::note(Code::ReclaimDeletes, format!("deleting claim {} deletes its disk: the reclaim policy of {} is Delete", claim.name, volume.name))
            .about(if class.is_empty() { "no class" } else { class })
            .advice("set the PersistentVolume's persistentVolumeReclaimPolicy to Retain, and use a class that retains for new tenants")
            .proof(Evidence::field(format!("PersistentVolume {} spec.persistentVolumeReclaimPolicy", volume.name), "Delete", None));
        case.find_once(finding);
    }
}

/// That the cluster lets anybody delete the tenants' data.
pub fn of_guard(guard: &Guard, fleet: &Fleet) -> Option<Finding> {
    let (sentence, proof) = match guard {
        Guard::Whole => return None,
        Guard::Labelled { namespaces, at } => return bare(fleet, namespaces, *at),
        Guard::Absent => {
            ("nothing in the cluster refuses to delete the tenants' volumes".to_owned(), "none".to_owned())
        }
        Guard::Unbound => (
            "the guard over the tenants' volumes is there, but no binding puts it in force".to_owned(),
            "no binding".to_owned(),
        ),
        Guard::Altered { fields } => (
            "the guard over the tenants' volumes is another than this fleetdeck's: what it refuses is not known"
                .to_owned(),
            fields.join(", "),
        ),
    };
    let finding = Finding::warning(Code::DataUnguarded, sentence)
        .advice("have an administrator apply manifests/guard: kubectl apply -k manifests/guard")
        .proof(Evidence::field(format!("ValidatingAdmissionPolicy {GUARD}"), proof, None));
    Some(finding)
}

/// Tenants that the guard does not know as such.
fn bare(fleet: &Fleet, labelled: &BTreeSet<String>, at: At) -> Option<Finding> {
    let came = |tenant: &Tenant| {
        let namespace = tenant.namespace.as_ref().and_then(|n| n.created);
        namespace.or_else(|| tenant.set().and_then(|set| set.created))
    };
    let names = fleet
        .iter()
        .map(|entry| &entry.tenant)
        .filter(|tenant| came(tenant).is_none_or(|came| came < at))
        .map(|tenant| tenant.namespace_name.as_str());
    let bare: Vec<&str> = names.filter(|name| !labelled.contains(*name)).collect();
    let first = bare.first()?;
    let who = match bare.len() {
        1 => format!("Namespace {first} does"),
        n => format!("{n} tenants' Namespaces, such as {first}, do"),
    };
    let finding = Finding::warning(
        Code::DataUnguarded,
        format!("the guard over the tenants' volumes goes by the label {TENANT_LABEL}, which {who} not carry"),
    )
    .advice(format!("label the Namespace of each tenant {TENANT_LABEL}=<its id>: what lies in it is guarded then"))
    .proof(Evidence::field(
        "Namespaces with that label",
        format!("{} of {}", fleet.len() - bare.len(), fleet.len()),
        None,
    ));
    Some(finding)
}

/// Disks that are kept, and billed, for tenants' claims that are gone. `namespaces` tells a tenant's volume from others'.
pub fn of_storage(storage: &Storage, fleet: &Fleet) -> Vec<Finding> {
    let known: BTreeSet<&str> = fleet.iter().map(|e| e.tenant.namespace_name.as_str()).collect();
    let ours = |v: &&PersistentVolume| v.tenant || known.contains(v.namespace.as_str());
    let left = storage.volumes.iter().filter(|v| matches!(v.phase.as_str(), "Released" | "Failed")).filter(ours);
    let finding = |v: &PersistentVolume| {
        let failed = v.phase == "Failed";
        let why = if failed { ", and could not be deleted" } else { "" };
        let size = v.capacity.map_or_else(|| "of unknown size".to_owned(), |q| q.bytes().to_string());
        let code = Code::ReleasedVolume;
        let sentence = format!(
            "volume {} ({size}) of claim {}/{} is {}{why}: its claim is gone, its disk is not",
            v.name, v.namespace, v.claim, v.phase
        );
        let finding = if failed { Finding::warning(code, sentence) } else { Finding::note(code, sentence) };
        finding
            .about(v.namespace.as_str())
            .since(v.changed)
            .advice("if the tenant is gone for good, delete the PersistentVolume and its disk; if not, bind it to a new claim by clearing spec.claimRef's uid")
            .proof(Evidence::field(format!("PersistentVolume {} status.phase", v.name), v.phase.as_str(), v.changed))
    };
    left.map(finding).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        diagnose::{Facts, Severity, fixture::*},
        fleet::fixture::*,
    };

    fn volume(name: &str, namespace: &str, phase: &str, reclaim: &str) -> PersistentVolume {
        PersistentVolume {
            name: name.into(),
            phase: phase.into(),
            reclaim: reclaim.into(),
            class: "managed-csi".into(),
            namespace: namespace.into(),
            claim: "app-data".into(),
            ..PersistentVolume::default()
        }
    }

    #[test]
    fn a_retention_policy_that_deletes() {
        let mut t = tenant("a", Some(ready()));
        assert!(codes(&diagnose(&t, 200)).is_empty());
        t.sets[0].retention_deletes = true;
        assert_eq!(codes(&diagnose(&t, 200)), [Code::RetentionDeletes]);
    }

    #[test]
    fn a_reclaim_policy_that_deletes_is_one_cause_by_class() {
        let t = tenant("a", Some(ready()));
        let found = |reclaim: &str| {
            let storage =
                Storage { volumes: vec![volume("pvc-1", "tenant-a", "Bound", reclaim)], ..Storage::default() };
            let fleet = fleet_of(&t, None, at(200));
            let entry = fleet.get(&t.namespace_name).unwrap();
            super::super::tenant(&Facts { storage: Some(&storage), ..Facts::of(entry, &fleet) }, at(200)).findings
        };
        let both = found("Delete");
        assert_eq!(
            (both.len(), both[0].code, both[0].severity, both[0].about.as_str()),
            (1, Code::ReclaimDeletes, Severity::Note, "managed-csi")
        );
        assert!(found("Retain").is_empty());
    }

    #[test]
    fn a_guard_that_is_not_in_force_is_found() {
        let t = tenant("a", Some(ready()));
        let fleet = &fleet_of(&t, None, at(200));
        assert_eq!(of_guard(&Guard::Whole, fleet), None);
        let read =
            |names: &[&str], at| Guard::Labelled { namespaces: names.iter().map(|n| (*n).to_owned()).collect(), at };
        let labelled = |names: &[&str]| read(names, at(200));
        assert_eq!(of_guard(&labelled(&["tenant-a", "x"]), fleet), None);
        let bare = of_guard(&labelled(&["x"]), fleet).unwrap();
        assert!(bare.code == Code::DataUnguarded && bare.sentence.contains("tenant-a does not carry"), "{bare:?}");
        let came = fleet.iter().next().and_then(|e| e.tenant.namespace.as_ref()?.created).unwrap();
        assert_eq!(of_guard(&read(&["x"], came), fleet), None, "who came later is not judged by an earlier list");
        for guard in [Guard::Absent, Guard::Unbound, Guard::Altered { fields: vec!["spec.failurePolicy".to_owned()] }] {
            let found = of_guard(&guard, fleet).unwrap();
            assert_eq!((found.code, found.severity), (Code::DataUnguarded, Severity::Warning), "{guard:?}");
        }
    }

    #[test]
    fn released_volumes_of_tenants_are_found_and_others_are_not() {
        let t = tenant("a", Some(ready()));
        let fleet = fleet_of(&t, None, at(200));
        let volumes = vec![
            PersistentVolume { tenant: true, ..volume("v1", "tenant-gone", "Released", "Retain") },
            volume("v2", "monitoring", "Released", "Retain"),
            volume("v3", "tenant-a", "Bound", "Retain"),
            volume("v4", "tenant-a", "Failed", "Delete"),
        ];
        let found = of_storage(&Storage { volumes, ..Storage::default() }, &fleet);
        assert_eq!(
            found.iter().map(|f| (f.about.as_str(), f.severity)).collect::<Vec<_>>(),
            [("tenant-gone", Severity::Note), ("tenant-a", Severity::Warning)]
        );
    }
}
