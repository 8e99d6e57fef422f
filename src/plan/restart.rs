//! restart: the pod goes, its StatefulSet makes a new one.

use super::{
    Basis, Situation, Turn,
    refusal::{Refusal, Why},
    step::{Step, Which},
    until::Until,
};
use crate::{fleet::Phase, index::Entry};

pub(super) fn recipes() -> Vec<Vec<Step>> {
    vec![vec![Step::DeletePod { which: Which::Seen }, Step::Await { until: Until::Replaced, seconds: Until::BOOT }]]
}

pub(super) fn turn(entry: &Entry, _: &Situation<'_>, refusal: &mut Refusal) -> Option<Turn> {
    let tenant = &entry.tenant;
    let id = tenant.id.as_str();
    let mut refuse = |why, said: &str| {
        refusal.add(Some(id), why, said);
        None
    };
    let Some(set) = tenant.set() else {
        return refuse(
            Why::Parked,
            "there is no StatefulSet that would make a new pod; `create` revives a parked tenant",
        );
    };
    if entry.verdict.phase == Phase::Terminating || set.deleting.is_some() {
        return refuse(Why::Terminating, "it is being deleted");
    }
    if set.wanted == 0 {
        return refuse(Why::Suspended, "it is suspended and has no pod; `resume` starts it");
    }
    match tenant.pod() {
        None => refuse(
            Why::NoPod,
            &match entry.verdict.why.as_str() {
                "" => "there is no pod to restart; `show` says more".to_owned(),
                why => format!("there is no pod to restart ({why}); `show` says more"),
            },
        ),
        Some(pod) if pod.deleting.is_some() => refuse(Why::NoPod, "its pod is stopping already"),
        Some(pod) => {
            let mut turn = Turn::for_entry(entry, 0, format!("pod {} is replaced", pod.name));
            if set.update_revision.is_some() && pod.revision != set.update_revision {
                let image = set.image.as_deref().unwrap_or("another image");
                turn.warnings
                    .push(format!("its StatefulSet has changed since the pod started: the new pod runs {image}"));
            }
            Some(turn)
        }
    }
}

impl Turn {
    /// A turn with what every one says of its tenant.
    pub(super) fn for_entry(entry: &Entry, recipe: usize, said: String) -> Self {
        Self {
            tenant: entry.tenant.id.to_string(),
            namespace: entry.tenant.namespace_name.to_string(),
            recipe,
            said,
            basis: Basis::of(entry),
            down: super::preview::downtime(entry),
            unwell: unwell(entry),
            warnings: Vec::new(),
            takes: Vec::new(),
            spec: None,
        }
    }
}

/// A tenant that does not serve, with the reason. One that sleeps is not unwell.
fn unwell(entry: &Entry) -> Option<String> {
    let phase = &entry.verdict.phase;
    let well = matches!(phase, Phase::Ready | Phase::Suspended | Phase::Parked);
    (!well).then(|| match &*entry.verdict.why {
        "" => phase.to_string(),
        why => format!("{phase}: {why}"),
    })
}

#[cfg(test)]
mod tests {
    use super::super::situation_for_tests as with;
    use crate::{
        fleet::{Pod, fixture::*},
        plan::{Intent, Pace, Plan},
    };

    #[test]
    fn only_a_pod_that_is_there_is_replaced() {
        let check = |edit: &dyn Fn(&mut crate::fleet::Tenant), expect: Result<&str, &str>| {
            let mut it = tenant("maria", Some(ready()));
            edit(&mut it);
            let entry = with::entry(it);
            let plan = with::situation(|seen| Plan::make(Intent::Restart, Pace::default(), &[&entry], seen));
            match (plan, expect) {
                (Ok(plan), Ok(said)) => assert_eq!(plan.turns().next().unwrap().said, said),
                (Err(refusal), Err(said)) => assert!(refusal.to_string().contains(said), "{refusal}"),
                (got, _) => panic!("{got:?}"),
            }
        };
        check(&|_| {}, Ok("pod openclaw-0 is replaced"));
        check(&|t| t.pods = Box::default(), Err("maria: there is no pod to restart"));
        check(&|t| t.pods = Box::new([Pod { deleting: Some(at(200)), ..ready() }]), Err("stopping already"));
        check(&|t| t.sets[0].wanted = 0, Err("it is suspended"));
        check(&|t| t.sets = Box::default(), Err("no StatefulSet"));
        check(&|t| t.namespace.as_mut().unwrap().deleting = Some(at(1)), Err("being deleted"));
    }

    /// Something else of the tenant has changed since, and its pod was replaced on that occasion: twice is no restart.
    #[test]
    fn the_pod_that_was_seen_is_meant_and_not_its_successor() {
        let seen = with::entry(tenant("maria", Some(ready())));
        let mut it = tenant("maria", Some(Pod { uid: uid(99), ..ready() }));
        it.sets[0].generation += 1;
        it.sets[0].observed_generation += 1;
        let now = with::entry(it);
        with::situation(|situation| {
            let plan = Plan::make(Intent::Restart, Pace::default(), &[&seen], situation).unwrap();
            let agreed = plan.turns().next().unwrap();
            let again = agreed.again(&Intent::Restart, &now, situation).unwrap();
            assert_ne!(again.basis, agreed.basis, "the rest is as it is now");
            assert_eq!(again.basis.pod, agreed.basis.pod);
        });
    }

    #[test]
    fn a_set_that_changed_is_said() {
        let mut it = tenant("maria", Some(ready()));
        it.sets[0].update_revision = Some(text("openclaw-2"));
        let entry = with::entry(it);
        let plan = with::situation(|seen| Plan::make(Intent::Restart, Pace::default(), &[&entry], seen)).unwrap();
        assert!(plan.turns().next().unwrap().warnings[0].contains("the new pod runs"));
    }
}
