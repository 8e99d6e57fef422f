//! Keys of the pages of runs.

use std::sync::Arc;

use crate::{
    engine::{Order, desk::runs::Shown},
    plan::{State as Stands, Turn},
    tui::{
        command::Id,
        effect::{Effect, Say},
        msg::Remembered,
        state::{
            Notice, State, View,
            asking::Asking,
            form::Form,
            overlay::Overlay,
            pick::Pick,
            runs::{Ask, Ours},
        },
        view,
    },
};

use super::page;

pub(super) fn enter(state: &mut State) -> Vec<Effect> {
    let mut pick = Pick::default();
    pick.settle(&state.runs.keys());
    page::above(state, |v| matches!(v, View::Runs { .. }), View::Runs { pick });
    watched(state)
}

pub(super) fn open(state: &mut State) -> Vec<Effect> {
    let Some(id) = state.run() else { return vec![] };
    state.views.push(View::Run { id, scroll: 0 });
    watched(state)
}

/// What the open page of runs wants to read by now.
pub(super) fn watched(state: &mut State) -> Vec<Effect> {
    state.run_ask().into_iter().map(Effect::Remember).collect()
}

impl State {
    /// Who of a run is done and who is acted on stands on the Namespaces, which are watched anyway.
    fn stand(&self, mut shown: Arc<Shown>) -> Arc<Shown> {
        let plan = shown.plan.clone();
        let ledger = &mut Arc::make_mut(&mut shown).ledger;
        for turn in plan.turns() {
            let noted = self.fleet.get(&turn.namespace).and_then(|entry| entry.tenant.namespace.as_ref());
            if let Some(noted) = noted {
                ledger.noted(&plan.id, &turn.namespace, noted.done.as_deref(), noted.claim.as_deref(), self.now);
            }
        }
        shown
    }

    /// What ends it here ends it for all: it is written down, in the context that is looked at.
    pub(crate) fn is_ended_for_good(&self, run: &str) -> bool {
        let here = |ours: &Ours| ours.recorded && ours.plan.context == self.context.name;
        self.runs.ours(run).is_none_or(here)
    }

    /// Tenants that a run has still to do, if its plan is known: also those that failed or were held.
    pub(crate) fn unfinished(&self, run: &str) -> Vec<String> {
        let Some(seen) = self.runs.seen(run) else { return Vec::new() };
        let done = |turn: &&Turn| {
            matches!(seen.ledger.turns.get(&turn.namespace), Some(Stands::Done { .. } | Stands::Skipped { .. }))
        };
        seen.plan.turns().filter(|turn| !done(turn)).map(|turn| turn.tenant.clone()).collect()
    }

    /// Tenants of the open run that were not begun.
    pub(crate) fn waiting(&self) -> Vec<String> {
        let Some(seen) = self.run().and_then(|id| self.runs.seen(&id).map(|seen| (seen.plan, seen.ledger))) else {
            return Vec::new();
        };
        let (plan, ledger) = seen;
        let waits = |turn: &&Turn| matches!(ledger.turns.get(&turn.namespace), None | Some(Stands::Waiting));
        plan.turns().filter(waits).map(|turn| turn.tenant.clone()).collect()
    }

    /// What the open page of runs wants to read by now. What is ours needs no reading.
    pub(crate) fn run_ask(&mut self) -> Option<Ask> {
        let ask = match self.views.last()? {
            View::Runs { .. } => Ask::List,
            View::Run { id, .. } if self.runs.ours(id).is_none() => Ask::Show(id.clone(), self.runs.plan_shown(id)),
            _ => return None,
        };
        let now = self.now;
        self.runs.due(&ask, now).then_some(ask)
    }
}

/// What is for good, or acts on tenants, is asked for; a pause is an order at once.
pub(super) fn say(state: &mut State, id: Id) -> Vec<Effect> {
    if id != Id::RunPause {
        state.overlays.extend(Asking::of(state, id).map(|asking| Overlay::Asking(Box::new(asking))));
        return vec![];
    }
    state.run().map_or_else(Vec::new, |run| ordered(state, run, id))
}

/// Says it to the run, whosever it is.
pub(super) fn ordered(state: &mut State, run: String, id: Id) -> Vec<Effect> {
    if let Some(ours) = state.runs.ours_mut(&run).filter(|run| run.is_alive()) {
        let order = match (id, ours.order) {
            (Id::RunAbort, _) => Order::Stop,
            (_, Order::Pause) => Order::Go,
            _ => Order::Pause,
        };
        ours.order = order;
        state.inform(match order {
            Order::Stop => "stopping before the next step",
            Order::Pause => "paused: who was begun is finished",
            Order::Go => "goes on",
        });
        // An end for good is written down where others see it; one that only stops is left to be gone on with.
        let mut effects = vec![Effect::Order(run.clone(), order)];
        if order == Order::Stop && state.is_ended_for_good(&run) {
            if let Some(ours) = state.runs.ours_mut(&run) {
                ours.is_given_up = true;
            }
            effects.push(Effect::Say(run, Say::Abort));
        }
        return effects;
    }
    let paused = state.runs.others().any(|other| other.run == run && other.state == "paused");
    let said = match id {
        Id::RunAbort => Say::Abort,
        Id::RunRetry => Say::TakeUp,
        _ if paused => Say::Go,
        _ => Say::Pause,
    };
    vec![Effect::Say(run, said)]
}

/// Asks whom to leave out.
pub(super) fn skip(state: &mut State) {
    let form = Form::skip(state.waiting());
    state.overlays.push(Overlay::Form(Box::new(form)));
}

/// It was said whom.
pub(super) fn leave_out(state: &mut State) -> Vec<Effect> {
    let (Some(run), Some(Overlay::Form(form))) = (state.run(), state.overlays.last()) else { return vec![] };
    match form.left_out() {
        Ok(tenant) => {
            state.overlays.pop();
            vec![Effect::Say(run, Say::Skip(tenant))]
        }
        Err((slot, why)) => {
            state.fail(format!("{}: {why}", slot.label()));
            vec![]
        }
    }
}

pub(super) fn told(state: &mut State, told: Remembered) {
    let now = state.now;
    match told {
        Remembered::All(answer) => state.runs.listed(answer, now),
        Remembered::One(id, answer) => {
            let answer = answer.map(|shown| state.stand(shown));
            state.runs.showed(id, answer, now);
        }
        Remembered::Heard(Ok(said)) => {
            state.runs.again();
            state.inform(said);
        }
        Remembered::Heard(Err(why)) => state.fail(why),
    }
}

/// How it ended is said wherever one is; an end that is no success stays.
pub(super) fn ended(state: &mut State, id: &str) {
    let now = state.now;
    let Some(said) = state.runs.end(id, now) else { return };
    let well = state
        .runs
        .ours(id)
        .is_some_and(|run| matches!(run.ledger.end, Some((crate::plan::End::Done | crate::plan::End::Stopped, _))));
    state.runs.again();
    if !well {
        state.fail(said);
    } else if !matches!(state.notice, Some(Notice::Error(_))) {
        state.notice = Some(Notice::Info(said));
    }
}

pub(super) fn travel(state: &mut State, id: Id) {
    let size = state.inner();
    let (page, keys, lines) = (view::runs::rows(size), state.runs.keys(), view::run::lines(state));
    let by = super::lines(id, page);
    match state.views.last_mut() {
        Some(View::Runs { pick }) => pick.step(&keys, by),
        Some(View::Run { scroll, .. }) => {
            let inside = usize::from(size.1.saturating_sub(3));
            *scroll = scroll.saturating_add_signed(by).min(lines.saturating_sub(inside));
        }
        _ => {}
    }
}
