//! Keys of the page of facets.

use crate::tui::{
    command::Id,
    state::{FacetKey, State, View},
    view,
};

fn keys(state: &State) -> Vec<FacetKey> {
    state.facets().into_iter().map(|f| (f.by, f.value)).collect()
}

/// Back to the fleet, narrowed to what is chosen.
pub(super) fn filter_by(state: &mut State) {
    let Some(View::Facets { pick }) = state.views.last() else { return };
    let Some((by, value)) = pick.key() else { return };
    let filter = by.narrow(&state.list.filter.text, value);
    state.views.clear();
    state.list.filter_by(&filter);
}

pub(super) fn travel(state: &mut State, id: Id) {
    let by = super::lines(id, view::facets::rows(state.inner()));
    let keys = keys(state);
    if let Some(View::Facets { pick }) = state.views.last_mut() {
        pick.step(&keys, by);
    }
}
