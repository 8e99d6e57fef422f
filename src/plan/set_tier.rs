//! set-tier: another tier. Who grows gets the room first, so that no pod is refused by the quota; who shrinks gives it back last.
//! The StatefulSet is written after a quota that grew: its controller, once refused, would wait out a back-off of up to a
//! thousand seconds, and a write wakes it.

use super::{
    Situation, Turn,
    refusal::{Refusal, Why},
    step::{Piece, Step, Which},
    suspend::changeable,
    until::Until,
};
use crate::{
    fleet::{Tenant, Tier},
    index::Entry,
    manifest::{TierSize, tier_sizes},
};

const GROW: usize = 0;
const SHRINK: usize = 1;
const ASLEEP: usize = 2;

pub(super) fn recipes() -> Vec<Vec<Step>> {
    let others = Piece::ALL.into_iter().filter(|k| !matches!(k, Piece::Namespace | Piece::ResourceQuota));
    let others: Vec<Step> = others.map(|kind| Step::Apply { kind }).collect();
    let namespace = Step::Apply { kind: Piece::Namespace };
    let quota = [Step::Apply { kind: Piece::ResourceQuota }, Step::Await { until: Until::Granted, seconds: 120 }];
    let observed = Step::Await { until: Until::Observed, seconds: 120 };
    let replaced =
        [Step::DeletePod { which: Which::Outdated }, Step::Await { until: Until::Served, seconds: Until::BOOT }];
    let note = Step::Note { text: "applied, not verified: it is suspended and was not woken".to_owned() };
    let list = |parts: &[&[Step]]| parts.concat();
    let one = std::slice::from_ref;
    vec![
        list(&[one(&namespace), &quota, &others, one(&observed), &replaced]),
        list(&[one(&namespace), &others, one(&observed), &replaced, &quota]),
        list(&[one(&namespace), &quota, &others, one(&observed), one(&note)]),
    ]
}

pub(super) fn turn(entry: &Entry, tier: &str, seen: &Situation<'_>, refusal: &mut Refusal) -> Option<Turn> {
    let asleep = changeable(entry, refusal)?;
    let tenant = &entry.tenant;
    let id = Some(tenant.id.as_str());
    let sizes = tier_sizes(seen.base);
    let Some(to) = sizes.iter().position(|size| size.tier == *tier) else {
        let known: Vec<&str> = sizes.iter().map(|size| size.tier.as_str()).collect();
        refusal.add(id, Why::BadInput, format!("there is no tier {tier}; there are {}", known.join(", ")));
        return None;
    };
    let was = tenant.tier.as_ref().map(Tier::as_str);
    if was == Some(tier) {
        refusal.add(id, Why::NothingToDo, format!("it is of tier {tier} already; `apply` brings back what differs"));
        return None;
    }
    let from = was.and_then(|was| sizes.iter().position(|size| size.tier == *was));
    // Where it is not known what it has, room comes first: that refuses nobody.
    let shrinks = from.is_some_and(|from| to < from);
    let recipe = match (asleep, shrinks) {
        (true, _) => ASLEEP,
        (false, true) => SHRINK,
        (false, false) => GROW,
    };
    let mut said = format!("tier {} -> {tier}", was.unwrap_or("unknown"));
    if asleep {
        said += ", applied without being woken";
    }
    let mut turn = Turn::for_entry(entry, recipe, said);
    if asleep {
        turn.down = None;
    }
    if shrinks {
        turn.warnings.extend(tight(tenant, &sizes[to]));
    }
    Some(turn)
}

/// What it uses now that it will not be given any more.
fn tight(tenant: &Tenant, to: &TierSize) -> Option<String> {
    let limit = to.amount("limits.memory")?;
    let Some(usage) = tenant.usage else {
        return Some("how much memory it uses is not known: it may not get along with less".to_owned());
    };
    let percent = usage.memory().percent_of(limit)?;
    (percent >= 80).then(|| format!("it uses {percent} % of the memory that it will have at most"))
}

#[cfg(test)]
mod tests {
    use super::super::situation_for_tests as with;
    use super::*;
    use crate::{
        fleet::{Quantity, Usage, fixture::*},
        plan::{Intent, Pace, Plan},
    };

    fn plan(tier: &str, edit: impl Fn(&mut Tenant)) -> Result<Plan, Refusal> {
        let mut it = tenant("maria", Some(ready()));
        edit(&mut it);
        let entry = with::entry(it);
        let intent = Intent::SetTier { tier: tier.to_owned() };
        with::situation(|seen| Plan::make(intent.clone(), Pace::default(), &[&entry], seen))
    }

    fn order(plan: &Plan) -> (usize, usize, Option<usize>) {
        let steps = plan.steps(plan.turns().next().unwrap());
        let at = |wanted: &dyn Fn(&Step) -> bool| steps.iter().position(wanted);
        let applies = |kind| move |s: &Step| *s == Step::Apply { kind };
        (
            at(&applies(Piece::ResourceQuota)).unwrap(),
            at(&applies(Piece::StatefulSet)).unwrap(),
            at(&|s| matches!(s, Step::Await { until: Until::Served, .. })),
        )
    }

    #[test]
    fn room_comes_first_and_goes_last() {
        let max = plan("max", |_| {}).unwrap();
        let (quota, set, served) = order(&max);
        assert!(quota < set && served.is_some_and(|served| set < served));
        let turn = max.turns().next().unwrap();
        assert_eq!((turn.said.as_str(), turn.down), ("tier pro -> max", Some(110)));

        let is_max = |t: &mut Tenant| t.tier = Some(Tier::Max);
        let pro = plan("pro", is_max).unwrap();
        let (quota, set, served) = order(&pro);
        assert!(set < quota && served.is_some_and(|served| served < quota));
        assert!(pro.turns().next().unwrap().warnings[0].contains("not known"));
        let busy = |memory: i64| {
            move |t: &mut Tenant| {
                is_max(t);
                t.usage = Usage::new(Quantity::whole(1), Quantity::whole(memory), at(1));
            }
        };
        let warned = |memory| plan("pro", busy(memory)).unwrap().turns().next().unwrap().warnings.join("");
        assert!(warned(1_900 << 20).starts_with("it uses 92 % of the memory that it will have at most"));
        assert!(!warned(900 << 20).contains("memory"));

        let asleep = plan("max", |t| t.sets[0].wanted = 0).unwrap();
        assert!(order(&asleep).2.is_none() && asleep.turns().next().unwrap().down.is_none());
    }

    #[test]
    fn only_another_tier_that_there_is() {
        let why = |tier: &str| plan(tier, |_| {}).unwrap_err().0[0].why;
        assert_eq!((why("pro"), why("gold")), (Why::NothingToDo, Why::BadInput));
    }
}
