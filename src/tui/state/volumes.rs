//! The page of all volumes: the fullest first, and a selection that stays with its claim.

use std::cmp::Reverse;

use crate::{
    fleet::{At, Claim, Text, Uid},
    index::{Entry, Fleet},
};

/// Rows are put in order anew at most this often, in seconds: they hold tens of thousands, and change by the minute.
const ORDERED_EVERY: u32 = 2;

#[derive(Clone, Debug, Default)]
pub(crate) struct Volumes {
    pub(crate) rows: Vec<Row>,
    /// The selected row.
    pub(crate) at: usize,
    /// First row on screen.
    pub(crate) offset: usize,
    selected: Option<Uid>,
    ordered: Option<At>,
    disturbed: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) namespace: Text,
    pub(crate) claim: Uid,
}

impl Row {
    pub(crate) fn find<'a>(&self, fleet: &'a Fleet) -> Option<(&'a Entry, &'a Claim)> {
        let entry = fleet.get(&self.namespace)?;
        Some((entry, entry.tenant.claims.iter().find(|c| c.uid == self.claim)?))
    }
}

/// The fullest first; then those whose figures are the node's disk, then those of which nothing is known.
fn rank(claim: &Claim) -> (u8, Reverse<u32>) {
    match claim.fullness() {
        Some(percent) => (0, Reverse(percent)),
        None if claim.usage.is_some() => (1, Reverse(0)),
        None => (2, Reverse(0)),
    }
}

impl Volumes {
    pub(crate) fn disturb(&mut self) {
        self.disturbed = true;
    }

    pub(crate) fn current(&self) -> Option<&Row> {
        self.rows.get(self.at)
    }

    pub(crate) fn settle(&mut self, fleet: &Fleet, now: At, page: usize) {
        let due = self.ordered.is_none_or(|at| self.disturbed && now.since(at) >= ORDERED_EVERY);
        if due {
            let all = fleet.iter().flat_map(|e| e.tenant.claims.iter().map(move |c| (&e.tenant, c)));
            let mut keyed: Vec<_> = all.map(|(t, c)| ((rank(c), &t.id, &c.name), &t.namespace_name, c.uid)).collect();
            keyed.sort_unstable();
            self.rows = keyed.into_iter().map(|(_, ns, uid)| Row { namespace: ns.clone(), claim: uid }).collect();
            self.ordered = Some(now);
            self.disturbed = false;
            // The selection goes where its claim went; a claim that is gone leaves it where it was.
            if let Some(at) = self.selected.and_then(|uid| self.rows.iter().position(|r| r.claim == uid)) {
                self.at = at;
            }
        }
        self.go(self.at, page, false);
    }

    pub(crate) fn step(&mut self, by: isize, page: usize) {
        self.go(self.at.saturating_add_signed(by), page, true);
    }

    fn go(&mut self, row: usize, page: usize, chosen: bool) {
        let page = page.max(1);
        self.at = row.min(self.rows.len().saturating_sub(1));
        if chosen {
            self.selected = self.current().map(|row| row.claim);
        }
        self.offset = self.offset.clamp(self.at.saturating_sub(page - 1), self.at);
        self.offset = self.offset.min(self.rows.len().saturating_sub(page));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{fleet::fixture::*, tui::fixture::*};

    #[test]
    fn the_fullest_come_first_and_a_chosen_row_keeps_its_claim() {
        let mut state = with(mixed());
        let mut page = Volumes::default();
        page.settle(&state.fleet, at(NOW), 10);
        let full = |page: &Volumes, state: &crate::tui::state::State| -> Vec<Option<u32>> {
            page.rows.iter().map(|r| r.find(&state.fleet).unwrap().1.fullness()).collect()
        };
        let shares = full(&page, &state);
        assert_eq!(shares[0], Some(97));
        let known: Vec<u32> = shares.iter().copied().flatten().collect();
        assert!(known.is_sorted_by(|a, b| a >= b), "{known:?}");
        assert!(shares[known.len()..].iter().all(Option::is_none), "what is not known stands last");
        assert!(page.rows.last().unwrap().find(&state.fleet).unwrap().1.usage.is_none());

        page.step(1, 10);
        let chosen = page.current().cloned().unwrap();
        // Its tenant is gone from the first place of the fleet, and others came.
        let mut tenants = mixed();
        tenants.retain(|t| t.id != *"tomas-v");
        let before = page.rows.len();
        feed(&mut state, first_lists(tenants));
        page.disturb();
        page.settle(&state.fleet, at(NOW + 1), 10);
        assert_eq!(page.rows.len(), before, "not put in order at every piece of news");
        page.settle(&state.fleet, at(NOW + 5), 10);
        assert_eq!(page.rows.len(), before - 2);
        assert!(page.current() == Some(&chosen) || chosen.find(&state.fleet).is_none());
    }
}
