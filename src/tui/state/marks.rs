//! Tenants that a person has marked, by UID: what is done next is done to them, whatever the filter hides.

use std::collections::BTreeMap;

use super::who::{Found, Who};
use crate::{
    fleet::{Tenant, Text},
    index::Fleet,
};

/// Names of tenants that are said in one line.
const SAID: usize = 3;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Marks(BTreeMap<Text, Who>);

impl Marks {
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn has(&self, tenant: &Tenant) -> bool {
        self.0.get(&tenant.namespace_name).is_some_and(|who| who.is(tenant))
    }

    pub(crate) fn toggle(&mut self, who: Who) {
        if self.0.remove(&who.namespace).is_none() {
            self.0.insert(who.namespace.clone(), who);
        }
    }

    pub(crate) fn put(&mut self, who: Who) {
        self.0.insert(who.namespace.clone(), who);
    }

    pub(crate) fn take_off(&mut self, namespace: &Text) {
        self.0.remove(namespace);
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Who> {
        self.0.values()
    }

    /// Binds to the best UIDs known, and drops whoever is gone or was made anew; returns what a person must be told.
    pub(crate) fn settle(&mut self, fleet: &Fleet) -> Option<String> {
        if self.0.is_empty() {
            return None;
        }
        let mut gone = Vec::new();
        self.0.retain(|_, who| {
            who.rebind(fleet);
            let here = matches!(who.find(fleet), Found::Here(_));
            if !here {
                gone.push(who.id.to_string());
            }
            here
        });
        let said = some_of(&gone);
        (!gone.is_empty()).then(|| format!("no longer marked, for it is gone or was made anew: {said}"))
    }
}

/// `ada, ben, chloe and 9 more`.
pub(crate) fn some_of(names: &[String]) -> String {
    let rest = names.len().saturating_sub(SAID);
    let shown = names.iter().take(SAID).map(String::as_str).collect::<Vec<_>>().join(", ");
    if rest > 0 { format!("{shown} and {rest} more") } else { shown }
}

#[cfg(test)]
mod tests {
    use crate::{
        fleet::fixture::*,
        index::{Delta, Kind},
        tui::fixture::*,
    };

    #[test]
    fn marks_stay_with_their_tenants_and_go_with_them() {
        let mut state = with(vec![tenant("ada", Some(ready())), tenant("ben", Some(ready()))]);
        press(&mut state, "space");
        let marked: Vec<_> = state.marks.iter().map(|w| w.id.to_string()).collect();
        assert_eq!(marked, ["ada"]);
        assert!(screen(&mut state, 80, 24).contains("1 marked"));
        press(&mut state, "/ \"ben\" enter");
        assert_eq!(state.marks.len(), 1, "a filter hides rows and takes no mark off");
        press(&mut state, "esc M");
        assert_eq!(state.marks.len(), 2);
        press(&mut state, "M");
        assert!(state.marks.is_empty(), "all that is shown was marked");
        press(&mut state, "M");
        let gone: Vec<_> =
            facets(1, tenant("ada", Some(ready()))).into_iter().map(|f| Delta::Remove(f.part.kind(), f.key)).collect();
        feed(&mut state, gone);
        assert_eq!(state.marks.iter().map(|w| w.id.as_str()).collect::<Vec<_>>(), ["ben"]);
        assert!(screen(&mut state, 120, 40).contains("no longer marked"), "{}", screen(&mut state, 120, 40));
        feed(&mut state, vec![Delta::Resync { kind: Kind::Namespace, namespace: None, facets: vec![] }]);
    }
}
