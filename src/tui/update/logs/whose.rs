//! Whose logs: one tenant's, or those of all that a list shows; and which of their containers are looked at.

use std::collections::BTreeSet;

use crate::{
    cluster::logs::{Channel, Lane, MOST_TENANTS, Target},
    tui::{
        effect::Effect,
        state::{State, View, logs::Logs},
        view::findings,
    },
};

/// Opens the logs of the tenant that is selected or open.
pub(crate) fn of_subject(state: &mut State) -> Vec<Effect> {
    let targets = state.subject().and_then(Target::of).into_iter().collect();
    open(state, targets)
}

/// Opens the logs of all tenants that are marked, or else that the list on top shows: of the fleet, or of a cause.
pub(crate) fn of_all_shown(state: &mut State) -> Vec<Effect> {
    let of_cause = |cause| findings::tenants(&state.board.causes(), cause);
    let namespaces = match state.views.last() {
        Some(View::Cause { cause, .. }) => of_cause(cause),
        Some(View::Findings { pick }) => pick.key().map(of_cause).unwrap_or_default(),
        None if !state.marks.is_empty() => state.marks.iter().map(|who| who.namespace.clone()).collect(),
        _ => state.list.order.clone(),
    };
    let targets = namespaces.iter().filter_map(|ns| state.fleet.get(ns)).filter_map(Target::of).collect();
    open(state, targets)
}

/// Opens a tail of these tenants, or of as many as one tail takes.
pub(crate) fn open(state: &mut State, mut targets: Vec<Target>) -> Vec<Effect> {
    let asked = targets.len();
    if asked == 0 {
        state.inform("there is no tenant whose logs could be read");
        return vec![];
    }
    targets.truncate(MOST_TENANTS);
    let logs = Logs::new(targets, asked, state.logs_cap);
    let effect = super::tail(&logs);
    if logs.targets.len() < asked {
        state.inform(format!("the first {MOST_TENANTS} of {asked} tenants: no more are read at once"));
    }
    state.logs = Some(Box::new(logs));
    state.views.retain(|view| !matches!(view, View::Logs));
    state.views.push(View::Logs);
    vec![effect]
}

/// All containers, then those of each name alone.
pub(super) fn next_container(logs: &mut Logs) -> String {
    next(logs, |_, channel| channel.container.to_string())
}

/// All tenants, then each alone.
pub(super) fn next_tenant(logs: &mut Logs) -> String {
    if logs.targets.len() < 2 {
        return "these are the logs of one tenant".to_owned();
    }
    next(logs, |logs, channel| logs.targets.get(channel.tenant).map_or_else(String::new, |t| t.id.to_string()))
}

/// Goes round through groups of containers, each shown alone, and all.
fn next(logs: &mut Logs, group: impl Fn(&Logs, &Channel) -> String) -> String {
    let all: Vec<(Lane, String)> = logs.containers().map(|c| (c.lane, group(logs, c))).collect();
    let mut names: Vec<&String> = Vec::new();
    for (_, name) in &all {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let shown: BTreeSet<Lane> = all.iter().map(|(l, _)| *l).filter(|l| logs.shown.filter().shows(*l)).collect();
    let of = |name: &str| all.iter().filter(|(_, n)| n == name).map(|(l, _)| *l).collect::<BTreeSet<_>>();
    let now = names.iter().position(|name| of(name) == shown).filter(|_| names.len() > 1);
    match names.get(now.map_or(0, |n| n + 1)) {
        Some(name) => {
            let hidden = all.iter().filter(|(_, n)| n != *name).map(|(l, _)| *l).collect();
            let said = format!("only {name}");
            logs.hide(hidden);
            said
        }
        None => {
            logs.hide(vec![]);
            "all containers are shown".to_owned()
        }
    }
}
