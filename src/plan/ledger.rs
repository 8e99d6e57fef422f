//! The fold of a run's events: where every tenant stands. Events that come twice change nothing.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    Plan, Wave,
    event::{End, Event, News},
};
use crate::fleet::At;

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Ledger {
    /// By namespace.
    pub turns: BTreeMap<String, State>,
    /// How far it is with what comes before the first wave.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub opening: Option<String>,
    pub wave: Option<String>,
    pub began: Option<At>,
    pub by: Option<String>,
    pub paused: Option<String>,
    pub end: Option<(End, String)>,
}

/// Where one tenant stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum State {
    #[default]
    Waiting,
    Acting {
        step: usize,
        since: At,
        said: String,
    },
    Done {
        said: String,
        down: Option<u32>,
    },
    Failed {
        said: String,
        advice: String,
    },
    Held {
        said: String,
    },
    Skipped {
        said: String,
    },
}

impl State {
    /// Nothing more happens to it in this run.
    pub fn is_final(&self) -> bool {
        !matches!(self, Self::Waiting | Self::Acting { .. })
    }
}

/// Tenants by where they stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    pub waiting: usize,
    pub acting: usize,
    pub done: usize,
    pub failed: usize,
    pub held: usize,
    pub skipped: usize,
}

impl Counts {
    pub fn total(&self) -> usize {
        self.waiting + self.acting + self.ended()
    }

    /// Nothing more happens to them in this run.
    pub fn ended(&self) -> usize {
        self.done + self.failed + self.held + self.skipped
    }
}

impl Ledger {
    /// Of a run that has not begun.
    pub fn new(plan: &Plan) -> Self {
        Self { turns: plan.turns().map(|t| (t.namespace.clone(), State::Waiting)).collect(), ..Self::default() }
    }

    /// Of a run that is gone on with: who failed, was held or is to be skipped stays so.
    pub fn resumed(plan: &Plan, began: At, states: &BTreeMap<String, State>) -> Self {
        let mut ledger = Self { began: Some(began), ..Self::new(plan) };
        for (tenant, state) in states {
            ledger.set(tenant, state.clone());
        }
        ledger
    }

    /// Takes from elsewhere how a tenant stands, where no event has told better.
    pub fn learn(&mut self, tenant: &str, state: State) {
        self.set(tenant, state);
    }

    /// The same from what a run notes on a tenant's Namespace: that it was done, or its claim while it acts.
    pub fn noted(&mut self, run: &str, tenant: &str, done: Option<&str>, claim: Option<&str>, now: At) {
        if done == Some(run) {
            self.learn(tenant, State::Done { said: "done".to_owned(), down: None });
        } else if claim.and_then(|claim| claim.split_once('/')).is_some_and(|(of, _)| of == run) {
            self.learn(tenant, State::Acting { step: 0, since: now, said: "acted on now".to_owned() });
        }
    }

    pub fn fold(&mut self, event: &Event) {
        // Nothing comes after the end.
        if self.end.is_some() {
            return;
        }
        match &event.news {
            News::Began { by, .. } => {
                self.began.get_or_insert(event.at);
                self.by = Some(by.clone());
            }
            News::Opening { said } => self.opening = Some(said.clone()),
            News::Wave { wave, .. } => self.wave = Some(wave.clone()),
            News::Paused { by } => self.paused = Some(by.clone()),
            News::Resumed { .. } => self.paused = None,
            News::Ended { end, said } => self.end = Some((*end, said.clone())),
            News::Soak { .. } | News::Retry { .. } | News::Noted { .. } => {}
            News::Progress { tenant, said } => {
                if let Some(State::Acting { said: old, .. }) = self.turns.get_mut(tenant) {
                    old.clone_from(said);
                }
            }
            News::Step { tenant, step, said } => {
                self.set(tenant, State::Acting { step: *step, since: event.at, said: said.clone() });
            }
            News::Did { .. } => {}
            News::Done { tenant, said, down } => self.set(tenant, State::Done { said: said.clone(), down: *down }),
            News::Failed { tenant, said, advice } => {
                self.set(tenant, State::Failed { said: said.clone(), advice: advice.clone() });
            }
            News::Held { tenant, said } => self.set(tenant, State::Held { said: said.clone() }),
            News::Skipped { tenant, said } => self.set(tenant, State::Skipped { said: said.clone() }),
        }
    }

    fn set(&mut self, tenant: &str, state: State) {
        if let Some(old) = self.turns.get_mut(tenant)
            && !old.is_final()
        {
            *old = state;
        }
    }

    /// Failures that may stop the run, whoever held it when they happened.
    pub fn failures(&self, plan: &Plan) -> u32 {
        let counting = plan.waves.iter().filter(|wave| wave.counts()).flat_map(|wave| &wave.turns);
        let failed = counting.filter(|turn| matches!(self.turns.get(&turn.namespace), Some(State::Failed { .. })));
        u32::try_from(failed.count()).unwrap_or(u32::MAX)
    }

    /// Somebody of the wave was held and nobody is done: no canary has shown that it goes well.
    pub fn proves_nothing(&self, wave: &Wave) -> bool {
        let any = |is: fn(&State) -> bool| wave.turns.iter().any(|t| self.turns.get(&t.namespace).is_some_and(is));
        any(|state| matches!(state, State::Held { .. })) && !any(|state| matches!(state, State::Done { .. }))
    }

    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for state in self.turns.values() {
            *match state {
                State::Waiting => &mut counts.waiting,
                State::Acting { .. } => &mut counts.acting,
                State::Done { .. } => &mut counts.done,
                State::Failed { .. } => &mut counts.failed,
                State::Held { .. } => &mut counts.held,
                State::Skipped { .. } => &mut counts.skipped,
            } += 1;
        }
        counts
    }
}

#[cfg(test)]
mod tests {
    use super::super::situation_for_tests as with;
    use super::*;
    use crate::{
        fleet::{Pod, fixture::*},
        plan::{Intent, Pace},
    };

    fn events() -> Vec<Event> {
        let tenant = || "tenant-a".to_owned();
        let said = || "x".to_owned();
        [
            News::Began { by: "dana".to_owned(), resumed: false },
            News::Step { tenant: tenant(), step: 0, said: said() },
            News::Progress { tenant: tenant(), said: "half".to_owned() },
            News::Done { tenant: tenant(), said: said(), down: Some(90) },
            News::Ended { end: End::Done, said: said() },
        ]
        .into_iter()
        .zip(0..)
        .map(|(news, n)| Event { at: at(n), news })
        .collect()
    }

    #[test]
    fn events_twice_change_nothing() {
        let blank = Ledger { turns: [("tenant-a".to_owned(), State::Waiting)].into(), ..Ledger::default() };
        let (mut once, mut twice) = (blank.clone(), blank);
        for event in events() {
            once.fold(&event);
            twice.fold(&event);
            twice.fold(&event);
        }
        assert_eq!(once, twice);
        assert_eq!(once.counts(), Counts { done: 1, ..Counts::default() });
        // A straggler after the end, and one about somebody who is no part of it.
        once.fold(&events()[1]);
        let stranger = News::Held { tenant: "tenant-z".to_owned(), said: String::new() };
        once.fold(&Event { at: at(9), news: stranger });
        assert_eq!(once, twice);
    }

    #[test]
    fn what_an_earlier_holder_saw_fail_counts_and_a_held_canary_proves_nothing() {
        let mut entries: Vec<_> = ["a", "b", "c"].map(|id| with::entry(tenant(id, Some(ready())))).into();
        let crashed = Pod { ready: condition(false, 300), ..ready() };
        entries.push(with::entry(tenant("d", Some(crashed))));
        let entries: Vec<_> = entries.iter().collect();
        let pace = Pace { canary: 1, ..Pace::default() };
        let plan = with::situation(|seen| Plan::make(Intent::Restart, pace, &entries, seen)).unwrap();
        let [canary, _, unwell] = &plan.waves[..] else { panic!("{:?}", plan.waves) };

        let failed = || State::Failed { said: String::new(), advice: String::new() };
        let resumed = |of: &[(&str, State)]| {
            let states = of.iter().map(|(tenant, state)| ((*tenant).to_owned(), state.clone())).collect();
            Ledger::resumed(&plan, at(1), &states)
        };
        let (first, last) = (canary.turns[0].namespace.as_str(), unwell.turns[0].namespace.as_str());
        assert_eq!(last, "tenant-d");
        assert_eq!(resumed(&[(first, failed()), ("tenant-c", failed()), (last, failed())]).failures(&plan), 2);

        let held = State::Held { said: String::new() };
        assert!(resumed(&[(first, held)]).proves_nothing(canary));
        assert!(!resumed(&[(first, State::Done { said: String::new(), down: None })]).proves_nothing(canary));
        assert!(!resumed(&[(first, State::Skipped { said: String::new() })]).proves_nothing(canary), "a person's word");
    }

    #[test]
    fn an_event_reads_as_it_was_written() {
        for event in events() {
            let line = serde_json::to_string(&event).unwrap();
            assert_eq!(serde_json::from_str::<Event>(&line).unwrap(), event, "{line}");
        }
    }
}
