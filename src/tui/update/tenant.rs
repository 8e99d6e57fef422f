//! Keys of the tenant's page.

use crate::{
    cluster::{Depth, Errand},
    tui::{
        command::Id,
        effect::Effect,
        state::{State, View},
        view,
    },
};

/// Asks everything, now.
pub(super) fn probe(state: &mut State) -> Vec<Effect> {
    let Some(asked) = state.asked() else { return vec![] };
    state.inform("asking gateway and browser");
    vec![Effect::Errand(Errand::Probe(asked, Depth::Deep))]
}

/// `df` inside the pod.
pub(super) fn measure(state: &mut State) -> Vec<Effect> {
    let Some(asked) = state.asked() else { return vec![] };
    state.inform("running df in the tenant's pod");
    vec![Effect::Errand(Errand::Disks(asked))]
}

pub(super) fn scroll(state: &mut State, id: Id) {
    let page = usize::from(state.inner().1).saturating_sub(view::tenant::CHROME);
    let last = view::tenant::lines(state).saturating_sub(page);
    if let Some(View::Tenant { scroll, .. }) = state.views.last_mut() {
        *scroll = scroll.saturating_add_signed(super::lines(id, page)).min(last);
    }
}
