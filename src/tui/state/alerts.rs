//! Who turned Failing while somebody may have looked away.

use std::collections::HashMap;

use crate::{
    config::Alert,
    diagnose::{Board, kept_down},
    fleet::{At, Phase, Text},
    index::{Entry, Fleet},
    tui::effect::Effect,
};

/// A tenant that fails again within this many seconds is no news: a crash loop comes back every few minutes.
const QUIET: u32 = 900;
/// Seconds between two alerts: what comes meanwhile is told in one.
const APART: u32 = 5;

/// Why it does not serve and will not by itself: by its phase, or by what keeps it down though its phase says that it is
/// on its way.
fn fails<'a>(entry: &'a Entry, board: &'a Board) -> Option<&'a str> {
    if entry.verdict.phase == Phase::Failing {
        return Some(&entry.verdict.why);
    }
    kept_down(&entry.verdict.phase, board.of(&entry.tenant.namespace_name)).map(|f| f.sentence.as_str())
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Alerts {
    pub(crate) how: Alert,
    /// By namespace: `None` while it fails, else when it stopped to.
    failed: HashMap<Text, Option<At>>,
    /// Not told yet.
    waiting: Vec<Text>,
    told: Option<At>,
}

impl Alerts {
    /// All that fail now are known, and no news.
    pub(crate) fn begin(&mut self, fleet: &Fleet, board: &Board) {
        self.failed.clear();
        let failing = fleet.iter().filter(|e| fails(e, board).is_some());
        self.failed.extend(failing.map(|e| (e.tenant.namespace_name.clone(), None)));
    }

    pub(crate) fn forget(&mut self) {
        *self = Self { how: self.how, ..Self::default() };
    }

    /// This tenant may have changed; `None` where it is gone.
    pub(crate) fn look(&mut self, namespace: &Text, entry: Option<&Entry>, board: &Board, now: At) {
        let failing = entry.is_some_and(|e| fails(e, board).is_some());
        match (failing, self.failed.get_mut(namespace)) {
            (true, None) => {
                self.failed.retain(|_, left| left.is_none_or(|at| now.since(at) < QUIET));
                self.failed.insert(namespace.clone(), None);
                self.waiting.push(namespace.clone());
            }
            (true, Some(left)) => {
                if left.is_some_and(|at| now.since(at) >= QUIET) {
                    self.waiting.push(namespace.clone());
                }
                *left = None;
            }
            (false, Some(left @ None)) => *left = Some(now),
            (false, _) => {}
        }
        if entry.is_none() {
            self.failed.remove(namespace);
        }
    }

    /// Somebody is to be called as soon as it is time.
    pub(crate) fn waits(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// What is to be told by now.
    pub(crate) fn due(&mut self, fleet: &Fleet, board: &Board, now: At) -> Option<Effect> {
        if self.waiting.is_empty() || self.told.is_some_and(|at| now.since(at) < APART) {
            return None;
        }
        let waiting = std::mem::take(&mut self.waiting);
        if self.how == Alert::None {
            return None;
        }
        let entries: Vec<(&Entry, &str)> =
            waiting.iter().filter_map(|ns| fleet.get(ns)).filter_map(|e| Some((e, fails(e, board)?))).collect();
        let text = match entries[..] {
            [] => return None,
            [(one, why)] => format!("{} is failing: {why}", one.tenant.id),
            [(first, _), ..] => format!("{} tenants are failing, among them {}", entries.len(), first.tenant.id),
        };
        self.told = Some(now);
        Some(Effect::Alert(self.how, text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        fleet::{Tenant, fixture::*},
        tui::{fixture::*, keymap::Keymap, msg::Msg, update::update},
    };

    fn failing(id: &str) -> Tenant {
        let mut pod = booting(3);
        pod.stages[3].state = waiting("ImagePullBackOff");
        tenant(id, Some(pod))
    }

    fn fleet(tenants: &[Tenant]) -> Fleet {
        let mut fleet = Fleet::default();
        for delta in first_lists(tenants.to_vec()) {
            fleet.apply(delta, at(NOW));
        }
        fleet
    }

    fn look(alerts: &mut Alerts, fleet: &Fleet, seconds: u32) -> Option<String> {
        let now = at(NOW + seconds);
        for ns in ["tenant-a", "tenant-b", "tenant-c"] {
            alerts.look(&text(ns), fleet.get(ns), &Board::default(), now);
        }
        alerts.due(fleet, &Board::default(), now).map(|effect| match effect {
            Effect::Alert(Alert::Bell, text) => text,
            other => panic!("{other:?}"),
        })
    }

    #[test]
    fn the_console_calls_for_news_and_not_for_what_it_found() {
        let mut state = with(vec![failing("a"), tenant("b", Some(ready()))]);
        press(&mut state, ": a l e r t space b e l l enter");
        assert_eq!(state.alerts.how, Alert::Bell);
        let keys = Keymap::new();
        let mut effects = Vec::new();
        for delta in first_lists(vec![failing("a"), failing("b")]) {
            effects.extend(update(&mut state, &keys, Msg::Delta(delta)));
        }
        let [Effect::Alert(Alert::Bell, text)] = &effects[..] else { panic!("{effects:?}") };
        assert!(text.starts_with("b is failing: "), "{text}");
    }

    #[test]
    fn who_fails_is_told_once_and_together() {
        let mut alerts = Alerts { how: Alert::Bell, ..Alerts::default() };
        let well = |id: &str| tenant(id, Some(ready()));
        alerts.begin(&fleet(&[failing("a"), well("b"), well("c")]), &Board::default());
        assert_eq!(look(&mut alerts, &fleet(&[failing("a"), well("b"), well("c")]), 0), None, "a was so before");
        let one = fleet(&[failing("a"), failing("b"), well("c")]);
        assert!(look(&mut alerts, &one, 1).unwrap().starts_with("b is failing: "));
        assert_eq!(look(&mut alerts, &one, 2), None);
        let all = fleet(&[failing("a"), failing("b"), failing("c")]);
        assert_eq!((look(&mut alerts, &all, 3), alerts.waits()), (None, true), "too soon after the last one");
        assert!(look(&mut alerts, &all, 1 + APART).unwrap().starts_with("c is failing"));
        let back = fleet(&[well("a"), well("b"), well("c")]);
        assert_eq!(look(&mut alerts, &back, 20), None);
        assert_eq!((look(&mut alerts, &all, 60), alerts.waits()), (None, false), "a crash loop is no news");
        assert_eq!(look(&mut alerts, &back, 70), None);
        assert_eq!(look(&mut alerts, &all, 70 + QUIET).unwrap(), "3 tenants are failing, among them a");
    }
}
