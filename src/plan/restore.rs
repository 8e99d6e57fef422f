//! restore: new claims from snapshots, and the tenant on them. The claims of before stay as they are.

use super::{
    Basis, Situation, Turn,
    found::Snap,
    refusal::{Refusal, Why},
    snapshot::NOT_SERVED,
    step::{Piece, Step, Which},
    suspend::changeable,
    until::Until,
};
use crate::{
    fleet::Age,
    index::Entry,
    manifest::{Claim, TenantSpec},
};

/// Stands for the newest snapshot of a volume that can be used.
pub const LATEST: &str = "latest";

const AWAKE: usize = 0;
const ASLEEP: usize = 1;

pub(super) fn recipes() -> Vec<Vec<Step>> {
    let kept = Step::Await { until: Until::Kept, seconds: 60 };
    let mut steps = vec![kept.clone(), Step::Apply { kind: Piece::Namespace }];
    let kinds = [Piece::ResourceQuota, Piece::ConfigMap, Piece::PersistentVolumeClaim, Piece::StatefulSet];
    steps.extend(kinds.map(|kind| Step::Apply { kind }));
    steps.push(Step::Await { until: Until::Observed, seconds: 120 });
    let (mut awake, mut asleep) = (steps.clone(), steps);
    awake.extend([
        Step::DeletePod { which: Which::Outdated },
        Step::Await { until: Until::Served, seconds: Until::FIRST_BOOT },
        kept.clone(),
    ]);
    asleep.extend([
        kept,
        Step::Note {
            text: "applied, not verified: it is suspended and was not woken; its next pod mounts them".to_owned(),
        },
    ]);
    vec![awake, asleep]
}

pub(super) fn turn(
    entry: &Entry,
    app: Option<&str>,
    config: Option<&str>,
    seen: &Situation<'_>,
    refusal: &mut Refusal,
) -> Option<Turn> {
    let asleep = changeable(entry, refusal)?;
    let tenant = &entry.tenant;
    let id = Some(tenant.id.as_str());
    let before = refusal.0.len();
    let found = seen.found.get(tenant.namespace_name.as_str());
    let Some(snapshots) = found.and_then(|found| found.snapshots.as_deref()) else {
        refusal.add(id, Why::NoSnapshots, NOT_SERVED);
        return None;
    };
    let Some(spec) = found.and_then(|found| found.spec.as_deref()) else {
        refusal.add(id, Why::NotAdopted, "its spec could not be read: which claims it has is not known");
        return None;
    };
    let mut wanted = spec.clone();
    let mut said = Vec::new();
    for (role, name) in [(Role::App, app), (Role::Config, config)] {
        let Some(name) = name else { continue };
        match usable(name, role, spec, snapshots) {
            Ok(snap) => {
                let claim = role.claim(&mut wanted);
                let was = std::mem::replace(&mut claim.name, format!("{}-{}", role.base(), stamp(seen)));
                claim.snapshot = Some(snap.name.clone());
                let gibibytes = snap.size.map_or(0, |size| (size.value().max(0) + (1 << 30) - 1) >> 30);
                claim.size_gi = claim.size_gi.max(u32::try_from(gibibytes).unwrap_or(u32::MAX));
                let age = snap.made.map_or_else(String::new, |made| format!(", {} old", Age(seen.now.since(made))));
                said.push(format!("{was} -> {} from {}{age}", claim.name, snap.name));
            }
            Err(why) => refusal.add(id, Why::BadInput, why),
        }
    }
    if let Err(error) = wanted.validate() {
        error.to_string().lines().for_each(|line| refusal.add(id, Why::BadInput, line));
    }
    if said.is_empty() && refusal.0.len() == before {
        refusal.add(id, Why::BadInput, format!("which snapshot? {}", listed(snapshots)));
    }
    if refusal.0.len() > before {
        return None;
    }
    let mut turn = Turn::for_entry(entry, if asleep { ASLEEP } else { AWAKE }, said.join(", "));
    turn.basis = Basis::of(entry).with_claims(tenant);
    turn.warnings
        .push("what was written since is not in it; the claims of before stay, and count in its quota".to_owned());
    if said.len() == 1 {
        turn.warnings.push("the other volume stays as it is: the two are of different times then".to_owned());
    }
    if asleep {
        turn.down = None;
    }
    turn.spec = Some(Box::new(wanted));
    Some(turn)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    App,
    Config,
}

impl Role {
    fn claim(self, spec: &mut TenantSpec) -> &mut Claim {
        match self {
            Self::App => &mut spec.volumes.app,
            Self::Config => &mut spec.volumes.config,
        }
    }

    fn base(self) -> &'static str {
        match self {
            Self::App => "app-data",
            Self::Config => "config-data",
        }
    }
}

fn usable<'s>(name: &str, role: Role, spec: &TenantSpec, snapshots: &'s [Snap]) -> Result<&'s Snap, String> {
    let named = snapshots.iter().find(|snap| snap.name == name);
    let own = if role == Role::App { &spec.volumes.app } else { &spec.volumes.config };
    let latest = || {
        let of = |snap: &&Snap| snap.ready && (snap.claim == own.name || snap.claim.starts_with(role.base()));
        snapshots.iter().filter(of).max_by_key(|snap| snap.made)
    };
    let Some(snap) = named.or_else(|| latest().filter(|_| name == LATEST)) else {
        return Err(format!("there is no snapshot {name}; {}", listed(snapshots)));
    };
    if !snap.ready {
        return Err(format!("snapshot {name} is not ready to use"));
    }
    let other = if role == Role::App { &spec.volumes.config } else { &spec.volumes.app };
    let foreign = if role == Role::App { Role::Config } else { Role::App };
    if snap.claim == other.name || snap.claim.starts_with(foreign.base()) {
        return Err(format!("snapshot {name} was cut from {}, which is the other volume", snap.claim));
    }
    Ok(snap)
}

fn listed(snapshots: &[Snap]) -> String {
    let ready: Vec<_> = snapshots.iter().filter(|s| s.ready).map(|s| s.name.as_str()).collect();
    if ready.is_empty() { "none is ready to use".to_owned() } else { format!("there are {}", ready.join(", ")) }
}

/// Tells claims of several restores apart, and names that Kubernetes takes.
fn stamp(seen: &Situation<'_>) -> String {
    let id = seen.id("");
    id.trim_start_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::situation_for_tests as with;
    use super::*;
    use crate::{
        fleet::{Quantity, fixture::*},
        plan::{Found, Intent, Pace, Plan},
    };

    fn plan(app: Option<&str>, config: Option<&str>) -> Result<Plan, Refusal> {
        let entry = with::entry(tenant("maria", Some(ready())));
        let snap = |name: &str, claim: &str, ready| Snap {
            name: name.to_owned(),
            claim: claim.to_owned(),
            ready,
            made: Some(at(400)),
            size: Some(Quantity::whole(25 << 30)),
        };
        let snapshots = vec![
            snap("app-1", "app-data", true),
            snap("app-2", "app-data", false),
            snap("config-1", "config-data", true),
        ];
        let found = Found { spec: Some(Box::new(with::spec("maria"))), snapshots: Some(snapshots), ..Found::default() };
        let found = BTreeMap::from([("tenant-maria".to_owned(), found)]);
        let intent = Intent::Restore { app: app.map(str::to_owned), config: config.map(str::to_owned) };
        with::situation(|seen| {
            Plan::make(intent.clone(), Pace::default(), &[&entry], &Situation { found: &found, ..*seen })
        })
    }

    #[test]
    fn the_spec_names_new_claims_and_where_they_come_from() {
        let both = plan(Some("app-1"), Some("config-1")).unwrap();
        let turn = both.turns().next().unwrap();
        let spec = turn.spec.as_deref().unwrap();
        assert_eq!((spec.volumes.app.snapshot.as_deref(), spec.volumes.app.size_gi), (Some("app-1"), 25));
        assert!(
            spec.volumes.app.name.starts_with("app-data-2026") && spec.volumes.config.name.starts_with("config-data-")
        );
        assert!(
            turn.said.starts_with("app-data -> app-data-2026") && turn.said.contains("from app-1, 10m old"),
            "{}",
            turn.said
        );
        assert_eq!((turn.basis.claims.len(), turn.warnings.len()), (2, 2));
        let steps = both.steps(turn);
        let at = |step: &Step| steps.iter().position(|s| s == step).unwrap();
        assert!(
            at(&Step::Apply { kind: Piece::PersistentVolumeClaim }) < at(&Step::Apply { kind: Piece::StatefulSet })
        );
        assert!(!steps.iter().any(|s| matches!(s, Step::Delete { .. })), "nothing of before is deleted");
        assert!(plan(None, Some("config-1")).unwrap().turns().next().unwrap().warnings[1].contains("different times"));
    }

    #[test]
    fn only_a_snapshot_of_that_volume_that_is_ready() {
        let said = |app, config| plan(app, config).unwrap_err().to_string();
        assert!(said(Some("app-2"), None).contains("not ready to use"));
        assert!(said(Some("config-1"), None).contains("the other volume"));
        assert!(said(None, Some("nothing")).contains("there are app-1, config-1"));
        assert!(said(None, None).contains("which snapshot?"));
    }
}
