//! What is asked beside the watches because a page is open: once when it opens, then every so often, and no more once it
//! is closed.

use crate::{
    cluster::{Asked, Depth, Errand},
    fleet::{At, Right, Text, Uid},
    tui::effect::Effect,
};

use super::{State, View};

/// Between two probes of the tenant that is looked at.
const PROBE_EVERY: u32 = 60;
/// Between two lists of the pool while its page is open: they may be long.
const LIST_EVERY: u32 = 300;

#[derive(Clone, Debug, Default)]
pub(crate) struct Attention {
    /// The open tenant's namespace.
    namespace: Option<Text>,
    /// The pod that was probed last, and when.
    probed: Option<(Uid, At)>,
    /// When the pool was last listed for the page of capacity.
    listed: Option<At>,
}

impl State {
    /// The tenant whose page is on top.
    fn attended(&self) -> Option<&crate::index::Entry> {
        let Some(View::Tenant { who, .. }) = self.views.last() else { return None };
        who.find(&self.fleet).here()
    }

    /// The clock has to be looked at: a page wants something every so often.
    pub(crate) fn attends(&self) -> bool {
        self.attended().is_some()
            || self.attention.namespace.is_some()
            || matches!(self.views.last(), Some(View::Capacity { .. }))
    }

    /// The pod that a probe would ask.
    pub(crate) fn asked(&self) -> Option<Asked> {
        let tenant = &self.subject()?.tenant;
        Asked::of(&tenant.namespace_name, tenant.pod()?)
    }

    /// It is known that the user may not do this to the tenant at hand.
    pub(crate) fn may_not(&self, right: Right) -> bool {
        let namespace = self.subject().map(|entry| &entry.tenant.namespace_name);
        self.fleet.rights(namespace.map(Text::as_str)).get(right) == Some(false)
    }

    /// What the open page wants to know by now.
    pub(crate) fn errands(&mut self) -> Vec<Effect> {
        let mut effects = Vec::new();
        let namespace = self.attended().map(|entry| entry.tenant.namespace_name.clone());
        if namespace != self.attention.namespace {
            effects.extend(self.attention.namespace.take().map(Effect::Leave));
            self.attention.namespace.clone_from(&namespace);
            self.attention.probed = None;
            // What the whole cluster does not allow, this namespace may.
            let everywhere = self.fleet.rights(None);
            let closed = Right::ALL.iter().any(|r| r.is_namespaced() && everywhere.get(*r) == Some(false));
            if closed && let Some(namespace) = namespace {
                effects.push(Effect::Errand(Errand::Rights { namespace: Some(namespace) }));
            }
        }
        let due = self.attention.listed.is_none_or(|at| self.now.since(at) >= LIST_EVERY);
        if due && matches!(self.views.last(), Some(View::Capacity { .. })) && self.stale().is_none() {
            self.attention.listed = Some(self.now);
            effects.push(Effect::Errand(Errand::Pool));
        }
        // Who may not is not tried; who is not known to may not is.
        if self.attention.namespace.is_none() || self.may_not(Right::Forward) || self.stale().is_some() {
            return effects;
        }
        let Some(asked) = self.asked() else { return effects };
        let due = self.attention.probed.is_none_or(|(pod, at)| pod != asked.uid || self.now.since(at) >= PROBE_EVERY);
        if due {
            self.attention.probed = Some((asked.uid, self.now));
            effects.push(Effect::Errand(Errand::Probe(asked, Depth::Light)));
        }
        effects
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        fleet::{Rights, fixture::*},
        index::Delta,
        tui::fixture::*,
    };

    fn probes(effects: &[Effect]) -> usize {
        effects.iter().filter(|e| matches!(e, Effect::Errand(Errand::Probe(_, Depth::Light)))).count()
    }

    #[test]
    fn an_open_page_is_probed_once_and_then_every_minute() {
        let mut state = with(mixed());
        assert_eq!((state.errands(), state.attends()), (vec![], false), "the list asks nothing");
        press(&mut state, "/ \"chloe\" enter enter");
        assert_eq!(probes(&state.errands()), 1);
        assert!(state.attends());
        assert_eq!(state.errands(), vec![], "not again at the next second");
        state.tick(at(NOW + PROBE_EVERY));
        assert_eq!(probes(&state.errands()), 1);
        press(&mut state, "esc");
        assert_eq!(state.errands(), vec![Effect::Leave(text("tenant-chloe"))]);
        assert!(!state.attends());
    }

    #[test]
    fn whom_nobody_may_or_can_ask_is_not_asked() {
        let mut state = with(mixed());
        press(&mut state, "/ \"maria\" enter enter");
        assert_eq!(probes(&state.errands()), 0, "there is no pod");
        let effects = press(&mut state, "p");
        assert!(effects.is_empty());

        let mut state = with(mixed());
        let mut rights = Rights::default();
        rights.set(Right::Forward, false);
        feed(&mut state, vec![Delta::Rights { namespace: None, rights }]);
        press(&mut state, "/ \"chloe\" enter enter");
        assert_eq!(state.errands(), vec![Effect::Errand(Errand::Rights { namespace: Some(text("tenant-chloe")) })]);
        assert!(press(&mut state, "p").is_empty());
        assert!(screen(&mut state, 120, 40).contains("you may not forward ports"));
        // This namespace allows it after all.
        rights.set(Right::Forward, true);
        feed(&mut state, vec![Delta::Rights { namespace: Some(text("tenant-chloe")), rights }]);
        assert_eq!(probes(&state.errands()), 1);
        assert!(matches!(&press(&mut state, "p")[..], [Effect::Errand(Errand::Probe(_, Depth::Deep))]));
    }
}
