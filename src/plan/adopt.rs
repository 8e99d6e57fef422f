//! adopt: a tenant that another hand has made gets a spec, read off its objects, and what that hand's manager owns of what is rendered becomes
//! fleetdeck's. Nothing of its pod changes; `diff` says what does not fit the spec, `apply` takes it back.

use std::collections::BTreeMap;

use super::{
    Situation, Turn,
    refusal::{Refusal, Why},
    step::{Piece, Step},
};
use crate::{
    fleet::{Phase, name::NAMESPACE_PREFIX},
    index::Entry,
};

/// The one name under which a StatefulSet is rendered.
const SET: &str = "openclaw";

pub(super) fn recipes() -> Vec<Vec<Step>> {
    let mut steps: Vec<Step> = Piece::ALL.into_iter().map(|kind| Step::TakeOwnership { kind }).collect();
    // The spec comes last: whoever finds one knows that the rest was done.
    steps.push(Step::Apply { kind: Piece::Namespace });
    steps.push(Step::Note {
        text: "its spec is stored; `diff` says what does not fit it, `apply` takes that back".to_owned(),
    });
    vec![steps]
}

pub(super) fn turn(entry: &Entry, seen: &Situation<'_>, refusal: &mut Refusal) -> Option<Turn> {
    let tenant = &entry.tenant;
    let id = Some(tenant.id.as_str());
    let before = refusal.0.len();
    if entry.verdict.phase == Phase::Terminating {
        refusal.add(id, Why::Terminating, "it is being deleted");
        return None;
    }
    let home = format!("{NAMESPACE_PREFIX}{}", tenant.id);
    if tenant.namespace_name != *home {
        let said = format!(
            "it lives in Namespace {}, and fleetdeck renders a tenant into {home}: it is watched, diagnosed, tailed and restarted \
             as it is",
            tenant.namespace_name
        );
        refusal.add(id, Why::NotAdopted, said);
        return None;
    }
    let Some(namespace) = &tenant.namespace else {
        refusal.add(id, Why::Stale, "its Namespace is not known");
        return None;
    };
    if namespace.spec.is_some() {
        refusal.add(id, Why::NothingToDo, "it carries a spec already");
        return None;
    }
    match &tenant.sets[..] {
        [set] if set.name == *SET => {}
        [set] => {
            let said = format!(
                "its StatefulSet is called {}, and fleetdeck's {SET}: the two would fight over its volumes",
                set.name
            );
            refusal.add(id, Why::NotAdopted, said);
        }
        [] => refusal.add(id, Why::Parked, "it has no StatefulSet to read a spec off"),
        _ => refusal.add(id, Why::NotAdopted, "it has several StatefulSets: which one is its own cannot be told"),
    }
    let found = seen.found.get(tenant.namespace_name.as_str()).and_then(|found| found.adoption.as_ref());
    let adoption = match found {
        Some(Ok(adoption)) => Some(adoption),
        Some(Err(said)) => {
            said.lines().for_each(|line| refusal.add(id, Why::NotAdopted, line));
            None
        }
        None => {
            refusal.add(id, Why::Stale, "its objects were not read");
            None
        }
    };
    if let Some(spec) = adoption.map(|adoption| &adoption.spec)
        && spec.namespace() != tenant.namespace_name.as_str()
    {
        let said = format!("its namespace is called {}, and fleetdeck's {}", tenant.namespace_name, spec.namespace());
        refusal.add(id, Why::NotAdopted, said);
    }
    if refusal.0.len() > before {
        return None;
    }
    let adoption = adoption?;
    let spec = &adoption.spec;
    let mut said = format!("{} tenant on {}, image {}", spec.tier, spec.host, spec.image);
    for (manager, fields) in whose(&adoption.owned) {
        said += &format!("; takes {fields} fields from {manager}");
    }
    let mut turn = Turn::for_entry(entry, 0, said);
    turn.warnings =
        adoption.owned.iter().map(|o| format!("{} fields of {} are {}'s", o.fields, o.object, o.manager)).collect();
    turn.warnings.extend(adoption.others.iter().map(|other| {
        format!("{other} has set fields too, and keeps them: where the spec says otherwise, `apply` will say so")
    }));
    turn.warnings.extend(adoption.unknown.iter().map(|line| format!("not certain: {line}")));
    turn.spec = Some(Box::new(spec.clone()));
    (turn.down, turn.unwell) = (None, None);
    Some(turn)
}

fn whose(owned: &[super::found::Owned]) -> BTreeMap<&str, usize> {
    let mut all = BTreeMap::new();
    for one in owned {
        *all.entry(one.manager.as_str()).or_default() += one.fields;
    }
    all
}

#[cfg(test)]
mod tests {
    use super::super::situation_for_tests as with;
    use super::*;
    use crate::{
        fleet::{Tenant, fixture::*},
        plan::{
            Found, Intent, Pace, Plan,
            found::{Adoption, Owned},
        },
    };

    fn plan(adoption: Result<Adoption, String>, edit: impl Fn(&mut Tenant)) -> Result<Plan, Refusal> {
        let mut it = tenant("maria", Some(ready()));
        it.namespace.as_mut().unwrap().spec = None;
        edit(&mut it);
        let entry = with::entry(it);
        let found = Found { adoption: Some(adoption), ..Found::default() };
        let found = BTreeMap::from([("tenant-maria".to_owned(), found)]);
        let intent = Intent::Adopt { from: vec!["kubectl-client-side-apply".to_owned()] };
        with::situation(|seen| {
            Plan::make(intent.clone(), Pace::default(), &[&entry], &Situation { found: &found, ..*seen })
        })
    }

    fn adoption() -> Adoption {
        let owned = |object: &str, fields| Owned {
            object: object.to_owned(),
            manager: "kubectl-client-side-apply".to_owned(),
            fields,
        };
        Adoption {
            spec: with::spec("maria"),
            unknown: vec!["owner: left empty".to_owned()],
            owned: vec![owned("StatefulSet openclaw", 40), owned("Service openclaw", 5)],
            others: vec!["kubectl-edit".to_owned()],
        }
    }

    #[test]
    fn what_is_taken_and_what_is_not_certain_is_said() {
        let plan = plan(Ok(adoption()), |_| {}).unwrap();
        let turn = plan.turns().next().unwrap();
        assert!(turn.said.ends_with("; takes 45 fields from kubectl-client-side-apply"), "{}", turn.said);
        assert_eq!(turn.spec.as_deref(), Some(&with::spec("maria")));
        assert_eq!(turn.warnings.len(), 4);
        let steps = plan.steps(turn);
        assert!(!steps.iter().any(Step::interrupts) && turn.down.is_none());
        assert_eq!(steps[steps.len() - 2], Step::Apply { kind: Piece::Namespace });
    }

    #[test]
    fn a_tenant_that_would_be_doubled_is_refused() {
        let why = |adoption, edit: &dyn Fn(&mut Tenant)| plan(adoption, edit).unwrap_err().0[0].why;
        assert_eq!(why(Ok(adoption()), &|t| t.sets[0].name = text("app")), Why::NotAdopted);
        assert_eq!(why(Ok(adoption()), &|t| t.sets = Box::default()), Why::Parked);
        assert_eq!(why(Err("image: none".to_owned()), &|_| {}), Why::NotAdopted);
        let spec = |t: &mut Tenant| t.namespace.as_mut().unwrap().spec = Some(crate::fleet::SpecDigest::of("x"));
        assert_eq!(why(Ok(adoption()), &spec), Why::NothingToDo);
        let other = Adoption { spec: with::spec("jo"), ..adoption() };
        assert!(plan(Ok(other), |_| {}).unwrap_err().to_string().contains("fleetdeck's tenant-jo"));
    }
}
