//! suspend and resume: the number of replicas, in the stored spec, so that no later render wakes who sleeps.

use super::{
    Turn,
    refusal::{Refusal, Why},
    step::{Piece, Step},
    until::Until,
};
use crate::{fleet::Phase, index::Entry};

/// The spec first: whoever renders the tenant from now on renders it as it is to be.
fn applies() -> [Step; 2] {
    [Step::Apply { kind: Piece::Namespace }, Step::Apply { kind: Piece::StatefulSet }]
}

pub(super) fn suspend_recipes() -> Vec<Vec<Step>> {
    let [spec, set] = applies();
    vec![vec![spec, set, Step::Await { until: Until::Stopped, seconds: Until::STOP }]]
}

pub(super) fn resume_recipes() -> Vec<Vec<Step>> {
    let [spec, set] = applies();
    vec![vec![spec, set, Step::Await { until: Until::Served, seconds: Until::BOOT }]]
}

pub(super) fn suspend(entry: &Entry, refusal: &mut Refusal) -> Option<Turn> {
    let asleep = changeable(entry, refusal)?;
    if asleep {
        refusal.add(Some(&entry.tenant.id), Why::NothingToDo, "it is suspended already");
        return None;
    }
    let mut turn = Turn::for_entry(entry, 0, "stops, and stays stopped until `resume`; volumes stay".to_owned());
    // It is down because that was asked for; there is no downtime to promise an end of.
    turn.down = None;
    Some(turn)
}

pub(super) fn resume(entry: &Entry, refusal: &mut Refusal) -> Option<Turn> {
    let asleep = changeable(entry, refusal)?;
    if !asleep {
        refusal.add(Some(&entry.tenant.id), Why::NothingToDo, "it is not suspended");
        return None;
    }
    let mut turn = Turn::for_entry(entry, 0, "starts".to_owned());
    turn.down = None;
    Some(turn)
}

/// Whether the tenant sleeps, where its spec may be changed at all.
pub(super) fn changeable(entry: &Entry, refusal: &mut Refusal) -> Option<bool> {
    let tenant = &entry.tenant;
    let id = Some(tenant.id.as_str());
    if entry.verdict.phase == Phase::Terminating {
        refusal.add(id, Why::Terminating, "it is being deleted");
        return None;
    }
    let Some(set) = tenant.set() else {
        refusal.add(id, Why::Parked, "it has no StatefulSet; `create` revives a parked tenant");
        return None;
    };
    if set.deleting.is_some() {
        refusal.add(id, Why::Terminating, "its StatefulSet is being deleted");
        return None;
    }
    if tenant.namespace.as_ref().is_none_or(|n| n.spec.is_none()) {
        let said = "it carries no spec to render it from; `adopt` makes one from what is there";
        refusal.add(id, Why::NotAdopted, said);
        return None;
    }
    Some(set.wanted == 0)
}

#[cfg(test)]
mod tests {
    use super::super::situation_for_tests as with;
    use super::*;
    use crate::{
        fleet::fixture::*,
        plan::{Intent, Pace, Plan},
    };

    fn check(intent: &Intent, edit: impl Fn(&mut crate::fleet::Tenant), expect: Result<&str, (Why, &str)>) {
        let mut it = tenant("maria", Some(ready()));
        edit(&mut it);
        let entry = with::entry(it);
        let plan = with::situation(|seen| Plan::make(intent.clone(), Pace::default(), &[&entry], seen));
        match (plan, expect) {
            (Ok(plan), Ok(said)) => assert!(plan.turns().next().unwrap().said.contains(said)),
            (Err(refusal), Err((why, said))) => {
                assert_eq!(refusal.0.len(), 1, "{refusal}");
                assert!(refusal.0[0].why == why && refusal.0[0].said.contains(said), "{refusal}");
            }
            (got, _) => panic!("{got:?}"),
        }
    }

    #[test]
    fn only_what_changes_something_is_planned() {
        let asleep = |t: &mut crate::fleet::Tenant| t.sets[0].wanted = 0;
        check(&Intent::Suspend, |_| {}, Ok("volumes stay"));
        check(&Intent::Suspend, asleep, Err((Why::NothingToDo, "already")));
        check(&Intent::Resume, asleep, Ok("starts"));
        check(&Intent::Resume, |_| {}, Err((Why::NothingToDo, "not suspended")));
        check(&Intent::Resume, |t| t.sets = Box::default(), Err((Why::Parked, "create")));
        check(&Intent::Suspend, |t| t.namespace.as_mut().unwrap().spec = None, Err((Why::NotAdopted, "adopt")));
        check(&Intent::Suspend, |t| t.sets[0].deleting = Some(at(9)), Err((Why::Terminating, "being deleted")));
    }
}
