//! rotate-token: a new gateway token that nobody has seen, and a new pod that reads it. The old one is never read.

use super::{
    Situation, Turn,
    refusal::{Refusal, Why},
    step::{Secret, Step, Which},
    until::Until,
};
use crate::{fleet::Phase, index::Entry};

const AWAKE: usize = 0;
const ASLEEP: usize = 1;

pub(super) fn recipes() -> Vec<Vec<Step>> {
    let replace = Step::ReplaceSecret { secret: Secret::GatewayToken };
    let awake = vec![
        replace.clone(),
        // Whichever is there by now: it may have read the old one.
        Step::DeletePod { which: Which::Current },
        Step::Await { until: Until::Replaced, seconds: Until::BOOT },
    ];
    let asleep = vec![replace, Step::Note { text: "replaced: its next pod reads it".to_owned() }];
    vec![awake, asleep]
}

pub(super) fn turn(entry: &Entry, _: &Situation<'_>, refusal: &mut Refusal) -> Option<Turn> {
    let tenant = &entry.tenant;
    let id = Some(tenant.id.as_str());
    if entry.verdict.phase == Phase::Terminating || tenant.set().is_some_and(|set| set.deleting.is_some()) {
        refusal.add(id, Why::Terminating, "it is being deleted");
        return None;
    }
    let asleep = tenant.set().is_none_or(|set| set.wanted == 0);
    let (recipe, then) = if asleep { (ASLEEP, "its next pod reads it") } else { (AWAKE, "its pod is replaced") };
    let mut turn = Turn::for_entry(entry, recipe, format!("a new gateway token; {then}"));
    if asleep {
        turn.down = None;
    }
    turn.warnings.push(
        "the old token is worth nothing afterwards: whoever uses it has to be given the new one, which is shown to nobody \
         and stands in Secret gateway-token"
            .to_owned(),
    );
    Some(turn)
}

#[cfg(test)]
mod tests {
    use super::super::situation_for_tests as with;
    use super::*;
    use crate::{
        fleet::{Tenant, fixture::*},
        plan::{Intent, Pace, Plan},
    };

    fn plan(edit: impl Fn(&mut Tenant)) -> Result<Plan, Refusal> {
        let mut it = tenant("maria", Some(ready()));
        edit(&mut it);
        let entry = with::entry(it);
        with::situation(|seen| Plan::make(Intent::RotateToken, Pace::default(), &[&entry], seen))
    }

    #[test]
    fn the_pod_goes_after_the_token() {
        let awake = plan(|_| {}).unwrap();
        let turn = awake.turns().next().unwrap();
        let replace = Step::ReplaceSecret { secret: Secret::GatewayToken };
        assert_eq!(awake.steps(turn)[..2], [replace, Step::DeletePod { which: Which::Current }]);
        assert!(turn.down == Some(110) && turn.warnings[0].contains("worth nothing"));
        assert!(awake.needs().contains(&("patch", "", "secrets:gateway-token")), "of this name only");
        for asleep in [|t: &mut Tenant| t.sets[0].wanted = 0, |t: &mut Tenant| t.sets = Box::default()] {
            let plan = plan(asleep).unwrap();
            let turn = plan.turns().next().unwrap();
            assert!(turn.down.is_none() && !plan.steps(turn).iter().any(Step::interrupts));
        }
        assert_eq!(plan(|t| t.sets[0].deleting = Some(at(1))).unwrap_err().0[0].why, Why::Terminating);
    }

    #[test]
    fn no_other_intent_may_replace_a_secret() {
        let replace = Step::ReplaceSecret { secret: Secret::GatewayToken };
        let spec = Box::new(with::spec("maria"));
        for other in [
            Intent::Create { spec },
            Intent::Restart,
            Intent::Reprovision { image: None },
            Intent::Apply { force: true, image: None },
            Intent::SetTier { tier: "max".to_owned() },
            Intent::Delete { purge: true },
        ] {
            assert!(!other.allows(&replace), "{}", other.verb());
        }
        assert!(Intent::RotateToken.allows(&replace));
        assert!(!Intent::RotateToken.allows(&Step::ReplaceSecret { secret: Secret::Litellm }));
    }
}
