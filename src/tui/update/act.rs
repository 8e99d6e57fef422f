//! From a key to a plan, and from a plan to a yes. Nothing here changes a cluster: it ends in [`Effect::Begin`], and only after
//! a person has seen the plan and said what its danger asks for.

use std::sync::Arc;

use crate::{
    engine::Proposal,
    manifest::{Defaults, TierSize},
    plan::Intent,
    tui::{
        command::Id,
        effect::Effect,
        msg::Begun,
        state::{
            State,
            confirm::{Answer, Confirm},
            form::{Form, Said, Verb},
            overlay::Overlay,
            who::Who,
        },
        view,
        widget::field::Field,
    },
};

pub(super) fn create(state: &mut State) {
    let form = Form::create(&state.defaults, &state.tiers);
    state.overlays.push(Overlay::Form(Box::new(form)));
}

/// A form about those who are meant, who are frozen from here on.
pub(super) fn form(state: &mut State, of: fn(Vec<Who>, &Defaults, &[TierSize]) -> Form) {
    let form = of(state.targets(), &state.defaults, &state.tiers);
    state.overlays.push(Overlay::Form(Box::new(form)));
}

/// To the field below or above.
pub(super) fn step(state: &mut State, id: Id) {
    if let Some(Overlay::Form(form)) = state.overlays.last_mut() {
        form.step(if id == Id::NextField { 1 } else { -1 });
    }
}

/// Enter in a form: to the next field; at the last one it is all said.
pub(super) fn submit(state: &mut State) -> Vec<Effect> {
    let Some(Overlay::Form(form)) = state.overlays.last_mut() else { return vec![] };
    if !form.is_last() {
        form.step(1);
        return vec![];
    }
    if form.verb == Verb::Skip {
        return super::runs::leave_out(state);
    }
    match form.said() {
        Ok(said) => {
            let whom = form.whom.clone();
            ask(state, said, whom)
        }
        Err((slot, why)) => {
            form.at = form.lines.iter().position(|line| line.slot == slot).unwrap_or(form.at);
            state.fail(format!("{}: {why}", slot.label()));
            vec![]
        }
    }
}

/// Asks for the plan of a verb that needs nothing but its targets. Of many, one after another.
pub(super) fn propose(state: &mut State, intent: Intent) -> Vec<Effect> {
    let whom = state.targets();
    ask(state, Said::one_by_one(intent), whom)
}

/// Opens the dialog, whose targets are frozen from here on, and asks for the plan that it is about.
fn ask(state: &mut State, said: Said, whom: Vec<Who>) -> Vec<Effect> {
    let Said { intent, pace, care, secrets } = said;
    state.token += 1;
    let token = state.token;
    let what = match (&intent, &whom[..]) {
        (Intent::Create { spec }, _) => format!("create {}", spec.id),
        (_, [one]) => format!("{} {}", intent.verb(), one.id),
        (_, many) => format!("{} {} tenants", intent.verb(), many.len()),
    };
    state.overlays.push(Overlay::Confirm(Box::new(Confirm {
        token,
        what,
        context: state.context.name.clone(),
        protected: state.context.protected,
        answer: Answer::Waiting,
        field: Field::default(),
        typed: 0,
        details: false,
        scroll: 0,
        secrets,
        beginning: false,
    })));
    vec![Effect::Propose { token, intent, pace, care, whom }]
}

fn dialog(state: &mut State, token: u64) -> Option<&mut Confirm> {
    state.overlays.iter_mut().find_map(|overlay| match overlay {
        Overlay::Confirm(confirm) if confirm.token == token => Some(&mut **confirm),
        _ => None,
    })
}

/// The plan has come, or the reasons why there is none. An answer for a dialog that was closed is dropped.
pub(super) fn answered(state: &mut State, token: u64, answer: Result<Box<Proposal>, Vec<String>>) {
    if let Some(confirm) = dialog(state, token) {
        confirm.answer = match answer {
            Ok(proposal) => {
                let (intent, all) = (&proposal.plan.intent, proposal.plan.turns().count());
                // Whoever is left out is no longer counted.
                if !proposal.left_out.0.is_empty() && all > 1 {
                    confirm.what = format!("{} {all} tenants", intent.verb());
                }
                Answer::Ready(Arc::new(*proposal))
            }
            Err(reasons) => Answer::Refused(reasons),
        };
    }
}

pub(super) fn details(state: &mut State) {
    if let Some(Overlay::Confirm(confirm)) = state.overlays.last_mut() {
        confirm.details = !confirm.details;
        confirm.scroll = 0;
    }
}

pub(super) fn scroll(state: &mut State, id: Id) {
    let (lines, page) = view::confirm::extent(state);
    if let Some(Overlay::Confirm(confirm)) = state.overlays.last_mut() {
        confirm.scroll = confirm.scroll.saturating_add_signed(super::lines(id, page)).min(lines.saturating_sub(page));
    }
}

/// A yes: as strong as the danger asks. `yes`: it was a `y`, and no Enter.
pub(super) fn agree(state: &mut State, yes: bool) -> Vec<Effect> {
    match state.overlays.last_mut() {
        Some(Overlay::Leave) if yes => vec![Effect::Quit],
        Some(Overlay::Leave) => {
            state.inform("y leaves, esc stays");
            vec![]
        }
        Some(Overlay::Asking(asking)) => {
            if asking.wanted().is_some() {
                if let Err(wanted) = asking.take() {
                    state.inform(format!("that is not {wanted}: nothing was done"));
                    return vec![];
                }
                if asking.wanted().is_some() {
                    return vec![];
                }
            }
            if !yes && !asking.is_typed() {
                state.inform("y does it, esc leaves it");
                return vec![];
            }
            let (run, id) = (asking.run.clone(), asking.id);
            state.overlays.pop();
            super::runs::ordered(state, run, id)
        }
        Some(Overlay::Confirm(confirm)) => {
            let Some(proposal) = confirm.proposal().cloned().filter(|_| confirm.is_open()) else { return vec![] };
            if let Some(wanted) = confirm.wanted() {
                let typed = confirm.field.text().trim().to_owned();
                confirm.field = Field::default();
                if typed != wanted {
                    state.inform(format!("that is not {wanted}: nothing was done"));
                    return vec![];
                }
                confirm.typed += 1;
                if confirm.wanted().is_some() {
                    return vec![];
                }
            } else if confirm.wants_yes() && !yes {
                state.inform("many tenants are meant: y begins it");
                return vec![];
            }
            confirm.beginning = true;
            let (token, secrets) = (confirm.token, confirm.secrets.clone());
            vec![Effect::Begin { token, proposal, secrets }]
        }
        _ => vec![],
    }
}

/// It goes, or it does not and the dialog says why.
pub(super) fn begun(state: &mut State, token: Option<u64>, begun: Result<Begun, String>) {
    match begun {
        Ok(begun) => {
            let plan = &begun.plan;
            let verb = plan.intent.verb();
            state.inform(format!("{verb} has begun: R shows how it goes"));
            // Whoever was marked for this is no longer marked for the next thing.
            for turn in plan.turns() {
                state.marks.take_off(&turn.namespace.as_str().into());
            }
            state.runs.begin(begun, state.now);
            if token.is_some_and(|token| dialog(state, token).is_some()) {
                state.overlays.retain(|o| !matches!(o, Overlay::Confirm(_) | Overlay::Form(_)));
            }
        }
        Err(why) => match token.and_then(|token| dialog(state, token)) {
            Some(confirm) => confirm.answer = Answer::Refused(vec![why]),
            None => state.fail(why),
        },
    }
}

/// Leaves; where runs of ours are under way it asks.
pub(super) fn quit(state: &mut State) -> Vec<Effect> {
    if state.runs.alive().next().is_none() {
        return vec![Effect::Quit];
    }
    match state.overlays.last() {
        // Pressed once more: meant.
        Some(Overlay::Leave) => vec![Effect::Quit],
        _ => {
            state.overlays.push(Overlay::Leave);
            vec![]
        }
    }
}
