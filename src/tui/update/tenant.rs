//! Keys of the tenant's page.

use crate::tui::{
    command::Id,
    state::{State, View},
    view,
};

pub(super) fn scroll(state: &mut State, id: Id) {
    let page = usize::from(state.size.1).saturating_sub(view::tenant::CHROME);
    let last = view::tenant::lines(state).saturating_sub(page);
    if let Some(View::Tenant { scroll, .. }) = state.views.last_mut() {
        *scroll = scroll.saturating_add_signed(super::lines(id, page)).min(last);
    }
}
