//! Whether a command can be used now, and if not, why.

use super::Why;
use crate::{
    fleet::{Phase, Right},
    plan::End,
    tui::state::{State, View, runs::Ours},
};

pub(super) const fn always(_: &State) -> Result<(), Why> {
    Ok(())
}

pub(super) fn selected(state: &State) -> Result<(), Why> {
    if state.subject().is_some() { Ok(()) } else { Err("no tenant is selected".into()) }
}

pub(super) fn probed(state: &State) -> Result<(), Why> {
    selected(state)?;
    if state.may_not(Right::Forward) {
        return Err("you may not forward ports (get pods/portforward)".into());
    }
    if state.asked().is_some() { Ok(()) } else { Err("no container of it runs: there is nobody to ask".into()) }
}

/// A row of the list on top: a tenant, or a cause.
pub(super) fn selected_row(state: &State) -> Result<(), Why> {
    match state.views.last() {
        Some(View::Findings { pick }) if pick.key().is_none() => Err("nothing is wrong".into()),
        Some(View::Facets { pick }) if pick.key().is_none() => Err("no tenant is shown".into()),
        Some(View::Findings { .. } | View::Cause { .. } | View::Facets { .. }) => Ok(()),
        _ => selected(state),
    }
}

pub(super) fn measured(state: &State) -> Result<(), Why> {
    selected(state)?;
    if state.may_not(Right::Shell) {
        return Err("you may run nothing inside pods (get pods/exec)".into());
    }
    if state.asked().is_some() { Ok(()) } else { Err("no container of it runs: df can run nowhere".into()) }
}

pub(super) fn other_contexts(state: &State) -> Result<(), Why> {
    if state.contexts.is_empty() { Err("there is no other context to switch to".into()) } else { Ok(()) }
}

/// Something can be changed at all: nothing forbids it, and what is shown is the present.
fn changeable(state: &State, right: Right) -> Result<(), Why> {
    if state.context.read_only {
        return Err("this console is read-only (--read-only, FLEETDECK_READ_ONLY or the configuration)".into());
    }
    if let Some((_, why)) = state.stale() {
        return Err(format!("what is shown is stale ({why}): nothing can be changed by it").into());
    }
    if !state.fleet.sources().settled() {
        return Err("not everything has been read yet".into());
    }
    if state.may_not(right) {
        return Err(format!("you may not {} ({})", right.words(), right.can_i()).into());
    }
    Ok(())
}

/// Somebody is meant, and may be changed.
fn act(state: &State, right: Right) -> Result<(), Why> {
    if state.targets().is_empty() {
        return Err("no tenant is selected or marked".into());
    }
    changeable(state, right)
}

pub(super) fn changed(state: &State) -> Result<(), Why> {
    act(state, Right::Change)
}

pub(super) fn restarted(state: &State) -> Result<(), Why> {
    act(state, Right::Restart)
}

pub(super) fn purged(state: &State) -> Result<(), Why> {
    act(state, Right::Purge)
}

pub(super) fn deleted(state: &State) -> Result<(), Why> {
    act(state, Right::Change)
}

pub(super) fn created(state: &State) -> Result<(), Why> {
    changeable(state, Right::Create)
}

/// Of the one that is meant the phase tells; of several the plan does.
fn in_phase(state: &State, asleep: bool) -> Result<(), Why> {
    changed(state)?;
    let [who] = &state.targets()[..] else { return Ok(()) };
    let Some(entry) = who.find(&state.fleet).here() else { return Ok(()) };
    match (entry.verdict.phase == Phase::Suspended, asleep) {
        (true, false) => Err("it is suspended already".into()),
        (false, true) => Err("it is not suspended".into()),
        _ => Ok(()),
    }
}

/// Snapshots are of one tenant.
pub(super) fn one(state: &State) -> Result<(), Why> {
    changed(state)?;
    if state.targets().len() > 1 { Err("one at a time: each has its own snapshots".into()) } else { Ok(()) }
}

pub(super) fn suspended(state: &State) -> Result<(), Why> {
    in_phase(state, false)
}

pub(super) fn resumed(state: &State) -> Result<(), Why> {
    in_phase(state, true)
}

pub(super) fn marked(state: &State) -> Result<(), Why> {
    if state.marks.is_empty() { Err("nobody is marked".into()) } else { Ok(()) }
}

pub(super) fn visible(state: &State) -> Result<(), Why> {
    match state.views.last() {
        None if state.list.order.is_empty() => Err("no tenant is shown".into()),
        None | Some(View::Cause { .. }) => Ok(()),
        _ => Err("open the tenants of a cause first".into()),
    }
}

pub(super) fn run_selected(state: &State) -> Result<(), Why> {
    if state.run().is_some() { Ok(()) } else { Err("no run is remembered".into()) }
}

/// A run that goes on, ours or another's.
pub(super) fn pausable(state: &State) -> Result<(), Why> {
    run_selected(state)?;
    let id = state.run().unwrap_or_default();
    match state.runs.ours(&id) {
        Some(run) if run.is_alive() => Ok(()),
        Some(_) => Err("it is at its end".into()),
        None => {
            may_order(state)?;
            let state = state.runs.others().find(|run| run.run == id).map(|run| run.state);
            match state {
                Some("running" | "paused") => Ok(()),
                Some("left") => Err("nobody holds it: take it up".into()),
                _ => Err("it is at its end".into()),
            }
        }
    }
}

pub(super) fn stoppable(state: &State) -> Result<(), Why> {
    run_selected(state)?;
    let id = state.run().unwrap_or_default();
    match state.runs.ours(&id) {
        Some(run) if run.is_alive() => Ok(()),
        Some(_) => Err("it is at its end".into()),
        None => {
            may_order(state)?;
            let open = state.runs.others().any(|r| r.run == id && matches!(r.state, "running" | "paused" | "left"));
            if open { Ok(()) } else { Err("it is at its end".into()) }
        }
    }
}

pub(super) fn retriable(state: &State) -> Result<(), Why> {
    run_selected(state)?;
    may_order(state)?;
    let id = state.run().unwrap_or_default();
    let ours = state.runs.ours(&id);
    if ours.is_some_and(Ours::is_alive) {
        return Err("it is under way".into());
    }
    if ours.is_some_and(|run| run.plan.context != state.context.name) {
        return Err("it is a run of another context: switch to it first".into());
    }
    let for_good = Err("it is at its end, for good".into());
    match state.runs.others().find(|run| run.run == id).map(|run| run.state) {
        Some("running" | "paused") => return Err("somebody acts on it".into()),
        Some("done" | "aborted") => return for_good,
        _ => {}
    }
    if ours.is_some_and(|run| run.is_given_up || matches!(run.ledger.end, Some((End::Done, _)))) {
        return for_good;
    }
    let Some(seen) = state.runs.seen(&id) else {
        return Err("open it first, to see whom it acts on".into());
    };
    if seen.plan.intent.is_purge() {
        return Err("nobody takes up a purge: delete them anew".into());
    }
    if state.unfinished(&id).is_empty() {
        return Err("nobody of it is left to act on".into());
    }
    Ok(())
}

/// A run with tenants that it has not begun, and that is written down where its holder reads it.
pub(super) fn skippable(state: &State) -> Result<(), Why> {
    pausable(state)?;
    let id = state.run().unwrap_or_default();
    if let Some(ours) = state.runs.ours(&id)
        && (!ours.recorded || ours.plan.context != state.context.name)
    {
        return Err("it is not recorded in this cluster: nobody can be left out".into());
    }
    if state.waiting().is_empty() { Err("everybody in it was begun already".into()) } else { Ok(()) }
}

fn may_order(state: &State) -> Result<(), Why> {
    if state.context.read_only {
        return Err("this console is read-only (--read-only, FLEETDECK_READ_ONLY or the configuration)".into());
    }
    Ok(())
}
