//! The fleet's list: filter, order, and a selection that stays with its tenant.

pub(crate) mod sort;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet};

use crate::{
    diagnose::{Board, standing},
    fleet::{At, Phase, Text},
    index::{Entry, Fleet, Query},
};

use self::sort::Sort;
use super::who::{Found, Who};

#[derive(Clone, Debug, Default)]
pub(crate) struct List {
    /// Namespaces of the rows, in order.
    pub(crate) order: Vec<Text>,
    /// Tenants that the filter hides.
    pub(crate) hidden: usize,
    /// Tenants per phase, by [`Phase::rank`], hidden ones too.
    pub(crate) counts: [usize; Phase::WORDS.len()],
    /// Those of them that a critical finding keeps down though their phase says that they are on their way.
    pub(crate) kept_down: usize,
    pub(crate) selected: Option<Who>,
    /// Row of the selected tenant.
    pub(crate) at: usize,
    /// First row on screen.
    pub(crate) offset: usize,
    pub(crate) sort: Sort,
    pub(crate) reverse: bool,
    pub(crate) filter: Filter,
    /// A person has chosen the selected row.
    chosen: bool,
    /// The rows were in order once since the first lists are whole.
    whole: bool,
    /// The order is older than filter or sort: all of it is made anew.
    disturbed: bool,
    /// Tenants that changed since the rows were put in order: only these are moved.
    touched: HashSet<Text>,
    /// Each tenant's phase when it was counted, and whether it was kept down.
    ranks: HashMap<Text, (usize, bool)>,
    /// A person is typing the filter: that it hides the selected row is no news to them.
    refiltered: bool,
}

/// The filter as typed; of a wrong one, the terms that are right are in force.
#[derive(Clone, Debug, Default)]
pub(crate) struct Filter {
    pub(crate) text: String,
    pub(crate) error: Option<String>,
    query: Query,
}

impl Filter {
    pub(crate) fn set(&mut self, text: &str) {
        text.clone_into(&mut self.text);
        match Query::parse(text) {
            Ok(query) => {
                self.query = query;
                self.error = None;
            }
            Err(error) => {
                let right: Vec<_> = text.split_whitespace().filter(|term| Query::parse(term).is_ok()).collect();
                self.query = Query::parse(&right.join(" ")).unwrap_or_default();
                self.error = Some(error.to_string());
            }
        }
    }
}

/// How badly it stands with a tenant.
fn rank(entry: &Entry, board: &Board) -> usize {
    standing(&entry.verdict.phase, board.of(&entry.tenant.namespace_name))
}

impl List {
    pub(crate) fn disturb(&mut self) {
        self.disturbed = true;
    }

    /// These tenants have changed.
    pub(crate) fn touch(&mut self, touched: impl IntoIterator<Item = Text>) {
        self.touched.extend(touched);
    }

    /// A list for another fleet: only the order of the rows is kept.
    pub(crate) fn emptied(&self) -> Self {
        Self { sort: self.sort, reverse: self.reverse, ..Self::default() }
    }

    pub(crate) fn filter_by(&mut self, text: &str) {
        self.filter.set(text);
        self.refiltered = true;
        self.disturbed = true;
    }

    /// The selected tenant, if it is among the rows.
    pub(crate) fn current(&self) -> Option<&Who> {
        self.selected.as_ref().filter(|who| self.order.get(self.at) == Some(&who.namespace))
    }

    /// Terms such as `age:<10m` let tenants in and out by time alone.
    pub(crate) fn depends_on_time(&self) -> bool {
        let text = &self.filter.text;
        text.contains("age:") || text.contains("since:")
    }

    /// Selects this tenant, wherever it stands.
    pub(crate) fn select(&mut self, who: Who) {
        self.selected = Some(who);
        self.chosen = true;
        self.disturbed = true;
    }

    /// Moves the selection by rows; `page` is how many rows are on screen.
    pub(crate) fn step(&mut self, fleet: &Fleet, by: isize, page: usize) {
        self.go(fleet, self.at.saturating_add_signed(by), page);
    }

    pub(crate) fn go(&mut self, fleet: &Fleet, row: usize, page: usize) {
        let Some(last) = self.order.len().checked_sub(1) else { return };
        self.at = row.min(last);
        self.chosen = true;
        self.selected = self.order.get(self.at).and_then(|ns| fleet.get(ns)).map(|e| Who::of(&e.tenant));
        self.scroll_to_selected(page);
    }

    fn scroll_to_selected(&mut self, page: usize) {
        let page = page.max(1);
        self.offset = self.offset.clamp(self.at.saturating_sub(page - 1), self.at);
        self.offset = self.offset.min(self.order.len().saturating_sub(page));
    }

    /// Puts the rows in order if anything disturbed them. Returns what a person must be told about the selection.
    pub(crate) fn settle(
        &mut self,
        fleet: &Fleet,
        board: &Board,
        now: At,
        page: usize,
        settled: bool,
    ) -> Option<String> {
        // Moving rows one by one pays while they are few.
        let many = self.touched.len() > 16 + self.order.len() / 16;
        if self.disturbed || many {
            self.rebuild(fleet, board, now);
        } else if !self.touched.is_empty() {
            self.mend(fleet, board, now);
        } else {
            self.whole |= settled;
            self.scroll_to_selected(page);
            return None;
        }
        self.disturbed = false;
        self.touched.clear();
        // What came with the last of the first lists belongs to them, too.
        let first = !self.whole;
        self.whole |= settled;
        self.follow(fleet, page, first)
    }

    /// The same before a key acts: it is meant for the row that was on screen as the selected one, not for another that
    /// has come to the top since.
    pub(crate) fn settle_for_key(&mut self, fleet: &Fleet, board: &Board, now: At, page: usize) -> Option<String> {
        let before = (self.chosen, self.whole);
        self.chosen |= self.selected.is_some();
        let said = self.settle(fleet, board, now, page, true);
        (self.chosen, self.whole) = before;
        said
    }

    /// Takes out the touched rows and puts them where they belong now; all others are in order among themselves.
    fn mend(&mut self, fleet: &Fleet, board: &Board, now: At) {
        let touched = std::mem::take(&mut self.touched);
        self.order.retain(|ns| !touched.contains(ns));
        for ns in &touched {
            if let Some((rank, kept)) = self.ranks.remove(ns)
                && let Some(count) = self.counts.get_mut(rank)
            {
                *count -= 1;
                self.kept_down -= usize::from(kept);
            }
            let Some(entry) = fleet.get(ns) else { continue };
            self.count(entry, board);
            if !self.filter.query.is_empty() && !self.filter.query.matches(entry, now) {
                continue;
            }
            let key = self.sort.key(entry, rank(entry, board));
            let place = self.order.partition_point(|other| {
                fleet.get(other).is_none_or(|other| {
                    let order = self.sort.key(other, rank(other, board)).compare(&key, self.reverse);
                    order.then_with(|| other.tenant.namespace_name.cmp(ns)).is_lt()
                })
            });
            self.order.insert(place, ns.clone());
        }
        self.hidden = fleet.len() - self.order.len();
    }

    fn count(&mut self, entry: &Entry, board: &Board) {
        let failing = Phase::Failing.rank();
        let (rank, kept) = (entry.verdict.phase.rank(), rank(entry, board) == failing);
        let kept = kept && rank != failing;
        if let Some(count) = self.counts.get_mut(rank) {
            *count += 1;
            self.kept_down += usize::from(kept);
            self.ranks.insert(entry.tenant.namespace_name.clone(), (rank, kept));
        }
    }

    fn rebuild(&mut self, fleet: &Fleet, board: &Board, now: At) {
        self.counts = [0; Phase::WORDS.len()];
        self.kept_down = 0;
        self.ranks.clear();
        let mut rows = Vec::with_capacity(fleet.len());
        for entry in fleet.iter() {
            self.count(entry, board);
            if self.filter.query.is_empty() || self.filter.query.matches(entry, now) {
                rows.push((self.sort.key(entry, rank(entry, board)), &entry.tenant.namespace_name));
            }
        }
        let reverse = self.reverse;
        rows.sort_unstable_by(|(a, a_name), (b, b_name)| a.compare(b, reverse).then_with(|| a_name.cmp(b_name)));
        self.hidden = fleet.len() - rows.len();
        self.order.clear();
        self.order.extend(rows.into_iter().map(|(_, name)| name.clone()));
    }

    /// Finds the selected tenant in the new order, and keeps its line on screen where it was.
    fn follow(&mut self, fleet: &Fleet, page: usize, first: bool) -> Option<String> {
        let line = self.at.saturating_sub(self.offset);
        let refiltered = std::mem::take(&mut self.refiltered);
        let mut said = None;
        let mut row = None;
        if let Some(who) = &mut self.selected {
            who.rebind(fleet);
            let found = who.find(fleet);
            if found.here().is_some() {
                let still = self.order.get(self.at) == Some(&who.namespace);
                row = if still { Some(self.at) } else { self.order.iter().position(|ns| *ns == who.namespace) };
            }
            if row.is_none() {
                said = Some(match found {
                    Found::Gone => format!("{} is gone", who.id),
                    Found::Replaced => format!("{} was deleted and made anew", who.id),
                    Found::Here(_) => format!("{} is filtered out", who.id),
                })
                .filter(|_| found.here().is_none() || !refiltered);
            }
        }
        // Until a person has chosen, and while the first lists come in, the top row is the selected one. Later it is so
        // again once the selected one has sunk out of sight: whoever looks up from something else finds the worst.
        let sunk = row.is_some_and(|row| row >= page.max(1));
        if !self.chosen && (first || self.selected.is_none() || sunk) {
            row = (!self.order.is_empty()).then_some(0);
            said = None;
            self.offset = 0;
        }
        match row {
            Some(row) => {
                let at_top = self.offset == 0 && row < page;
                self.at = row;
                self.offset = if at_top { 0 } else { row.saturating_sub(line) };
            }
            None => self.at = self.at.min(self.order.len().saturating_sub(1)),
        }
        self.scroll_to_selected(page);
        let next = self.order.get(self.at).and_then(|ns| fleet.get(ns)).map(|e| Who::of(&e.tenant));
        let said = match (said, &next) {
            (Some(said), Some(next)) => Some(format!("{said}; selected is {} now", next.id)),
            // An empty list says itself why it is empty.
            _ => None,
        };
        // Somebody whom only the filter hides is selected again once it lets them pass.
        if next.is_some() || self.selected.as_ref().is_none_or(|who| who.find(fleet).here().is_none()) {
            self.selected = next;
        }
        said
    }
}
