//! Keys of the pages of findings.

use crate::tui::{
    command::Id,
    state::{State, View, pick::Pick, who::Who},
    view::findings,
};

/// Opens the fleet's findings; from a tenant's page too.
pub(super) fn enter(state: &mut State) {
    if !matches!(state.views.last(), Some(View::Findings { .. })) {
        let mut pick = Pick::default();
        pick.settle(&findings::keys(&state.board.causes()));
        state.views.push(View::Findings { pick });
    }
}

/// A cause's tenants, then the tenant.
pub(super) fn open(state: &mut State) {
    match state.views.last() {
        Some(View::Findings { pick }) => {
            let Some(cause) = pick.key().cloned() else { return };
            let mut tenants = Pick::default();
            let keys = findings::tenants(&state.board.causes(), &cause);
            tenants.settle(&keys);
            if keys.is_empty() {
                state.inform("this concerns no tenant in particular");
            } else {
                state.views.push(View::Cause { cause, pick: tenants });
            }
        }
        Some(View::Cause { pick, .. }) => {
            let Some(entry) = pick.key().and_then(|namespace| state.fleet.get(namespace)) else { return };
            let who = Who::of(&entry.tenant);
            state.list.select(who.clone());
            state.views.push(View::Tenant { who, scroll: 0 });
        }
        Some(_) | None => {}
    }
}

pub(super) fn travel(state: &mut State, id: Id) {
    let by = super::lines(id, findings::rows(state.inner()));
    let causes = state.board.causes();
    match state.views.last_mut() {
        Some(View::Findings { pick }) => pick.step(&findings::keys(&causes), by),
        Some(View::Cause { cause, pick }) => pick.step(&findings::tenants(&causes, cause), by),
        Some(_) | None => {}
    }
}
