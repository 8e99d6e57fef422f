//! resize: larger volumes. A claim grows and never shrinks; done is when the filesystem has grown too.

use super::{
    Basis, Situation, Turn,
    refusal::{Refusal, Why},
    step::{Piece, Step},
    suspend::changeable,
    until::Until,
};
use crate::{fleet::Quantity, index::Entry, manifest::Claim};

/// Seconds that a disk may take to grow, and its filesystem after it.
const GROWS: u32 = 900;

pub(super) fn recipes() -> Vec<Vec<Step>> {
    vec![vec![
        Step::Apply { kind: Piece::Namespace },
        Step::Apply { kind: Piece::ResourceQuota },
        Step::Await { until: Until::Granted, seconds: 120 },
        Step::Apply { kind: Piece::PersistentVolumeClaim },
        Step::Await { until: Until::Grown, seconds: GROWS },
        Step::Await { until: Until::Kept, seconds: 60 },
    ]]
}

pub(super) fn turn(
    entry: &Entry,
    app: Option<u32>,
    config: Option<u32>,
    seen: &Situation<'_>,
    refusal: &mut Refusal,
) -> Option<Turn> {
    changeable(entry, refusal)?;
    let tenant = &entry.tenant;
    let id = Some(tenant.id.as_str());
    let before = refusal.0.len();
    let found = seen.found.get(tenant.namespace_name.as_str());
    let Some(spec) = found.and_then(|found| found.spec.as_deref()) else {
        refusal.add(id, Why::NotAdopted, "its spec could not be read: which claims it has is not known");
        return None;
    };
    let mut wanted = spec.clone();
    wanted.volumes.app.size_gi = app.unwrap_or(wanted.volumes.app.size_gi);
    wanted.volumes.config.size_gi = config.unwrap_or(wanted.volumes.config.size_gi);
    if let Err(error) = wanted.validate() {
        error.to_string().lines().for_each(|line| refusal.add(id, Why::BadInput, line));
    }
    let mut said = Vec::new();
    let mut warnings = Vec::new();
    for (size, claim) in [(app, &spec.volumes.app), (config, &spec.volumes.config)] {
        if let Some(size) = size {
            said.extend(grows(entry, claim, size, seen, refusal, &mut warnings));
        }
    }
    if refusal.0.len() == before && said.is_empty() {
        refusal.add(id, Why::NothingToDo, "its volumes are that large already");
    }
    if refusal.0.len() > before {
        return None;
    }
    let mut turn = Turn::for_entry(entry, 0, said.join(", "));
    turn.basis = Basis::of(entry).with_claims(tenant);
    turn.warnings = warnings;
    turn.down = None;
    Some(turn)
}

/// `app-data 20Gi -> 30Gi`; nothing where it is that large.
fn grows(
    entry: &Entry,
    claim: &Claim,
    size: u32,
    seen: &Situation<'_>,
    refusal: &mut Refusal,
    warnings: &mut Vec<String>,
) -> Option<String> {
    let tenant = &entry.tenant;
    let id = Some(tenant.id.as_str());
    let name = claim.name.as_str();
    let Some(live) = tenant.claim(name) else {
        refusal.add(id, Why::DataAtRisk, format!("there is no claim {name}"));
        return None;
    };
    let Some(has) = live.requested else {
        refusal.add(id, Why::Stale, format!("how large {name} is, is not known"));
        return None;
    };
    let wanted = Quantity::whole(i64::from(size) << 30);
    if wanted < has {
        refusal.add(id, Why::BadInput, format!("{name} has {} Gi: a volume never shrinks", has.value() >> 30));
        return None;
    }
    if wanted == has {
        return None;
    }
    if let Some(resize) = live.resize() {
        warnings.push(format!("{name} is being resized already: {resize}"));
    }
    let behind = seen.found.get(tenant.namespace_name.as_str()).and_then(|found| found.volumes.as_ref());
    match behind.map(|all| all.get(name)) {
        Some(Some(behind)) if !behind.expands => {
            let class = live.class.as_deref().unwrap_or("without a name");
            let said = format!("the storage class {class} of {name} does not let volumes grow");
            refusal.add(id, Why::Immutable, said);
        }
        Some(Some(_)) => {}
        _ => warnings.push(format!("whether the storage class of {name} lets it grow is not known")),
    }
    Some(format!("{name} {} Gi -> {size} Gi", has.value() >> 30))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::situation_for_tests as with;
    use super::*;
    use crate::{
        fleet::{Tenant, fixture::*},
        plan::{Behind, Found, Intent, Pace, Plan},
    };

    fn plan(sizes: (Option<u32>, Option<u32>), expands: bool, edit: impl Fn(&mut Tenant)) -> Result<Plan, Refusal> {
        let mut it = tenant("maria", Some(ready()));
        edit(&mut it);
        let entry = with::entry(it);
        let behind = Behind { expands, ..Behind::default() };
        let volumes = ["app-data", "config-data"].map(|name| (name.to_owned(), behind.clone())).into();
        let found = Found { spec: Some(Box::new(with::spec("maria"))), volumes: Some(volumes), ..Found::default() };
        let found = BTreeMap::from([("tenant-maria".to_owned(), found)]);
        let intent = Intent::Resize { app: sizes.0, config: sizes.1 };
        with::situation(|seen| {
            Plan::make(intent.clone(), Pace::default(), &[&entry], &Situation { found: &found, ..*seen })
        })
    }

    #[test]
    fn volumes_grow_only_where_they_can() {
        let grown = plan((Some(30), None), true, |_| {}).unwrap();
        let turn = grown.turns().next().unwrap();
        assert_eq!((turn.said.as_str(), turn.down, turn.basis.claims.len()), ("app-data 20 Gi -> 30 Gi", None, 2));
        assert!(!grown.steps(turn).iter().any(Step::interrupts));
        let both = plan((Some(20), Some(40)), true, |_| {}).unwrap();
        assert_eq!(both.turns().next().unwrap().said, "config-data 20 Gi -> 40 Gi");

        let why = |sizes, expands| plan(sizes, expands, |_| {}).unwrap_err().0[0].why;
        assert_eq!(why((Some(20), Some(20)), true), Why::NothingToDo);
        assert_eq!(why((Some(30), None), false), Why::Immutable);
        assert_eq!(why((Some(60), None), true), Why::BadInput);
        let large = |t: &mut Tenant| t.claims[0].requested = Some(Quantity::whole(40 << 30));
        let shrunk = plan((Some(30), None), true, large).unwrap_err();
        assert!(shrunk.to_string().contains("app-data has 40 Gi: a volume never shrinks"), "{shrunk}");
        assert_eq!(plan((Some(30), None), true, |t| t.claims = Box::default()).unwrap_err().0[0].why, Why::DataAtRisk);
    }
}
