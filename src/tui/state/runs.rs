//! Runs: ours, which this console carries out whatever context it looks at, and those that the cluster remembers.

use std::sync::Arc;

use crate::{
    engine::{
        Order,
        desk::runs::{Shown, Summary},
    },
    fleet::At,
    plan::{Event, Ledger, News, Plan, State as Turn, ledger::Counts},
    tui::{ask::Refusal, msg::Begun},
};

/// Seconds between two looks at what the cluster remembers, while a page shows it.
const LOOK_EVERY: u32 = 5;
/// Runs of ours that are kept on screen after their end.
const KEPT: usize = 20;

/// A run that this console carries out, or did.
#[derive(Clone, Debug)]
pub(crate) struct Ours {
    pub(crate) plan: Arc<Plan>,
    pub(crate) ledger: Ledger,
    /// What was said to it last.
    pub(crate) order: Order,
    /// It is kept in the cluster, where others see it.
    pub(crate) recorded: bool,
    /// When it began here.
    pub(crate) began: At,
    /// How many were at their end when it began here: what goes on from an earlier holder tells nothing of its pace.
    done_before: usize,
    /// The latest trouble that is waited out, with its tenant's namespace.
    pub(crate) trouble: Option<(String, String)>,
    /// When its last event came.
    pub(crate) ended: Option<At>,
    /// It was ended for good, where others see it.
    pub(crate) is_given_up: bool,
}

/// What the cluster remembers, and when it was read.
#[derive(Clone, Debug)]
pub(crate) struct Read<T> {
    pub(crate) at: At,
    pub(crate) answer: Result<T, Refusal>,
}

impl<T> Read<T> {
    /// When to ask again; never by itself where a right is missing.
    fn next(&self) -> Option<At> {
        let stands = matches!(&self.answer, Err(refusal) if refusal.stands);
        (!stands).then(|| self.at.plus(LOOK_EVERY))
    }
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Runs {
    /// The latest first.
    pub(crate) ours: Vec<Ours>,
    pub(crate) remembered: Option<Read<Vec<Summary>>>,
    /// The one whose page is open, as the cluster has it.
    pub(crate) shown: Option<(String, Read<Arc<Shown>>)>,
    /// A read is on its way.
    asking: bool,
}

/// What is to be read from the cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ask {
    List,
    /// With its plan, where that is known.
    Show(String, Option<Arc<Plan>>),
}

/// How a run's downtimes were, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Downtime {
    pub(crate) median: u32,
    pub(crate) p95: u32,
    pub(crate) max: u32,
}

impl Ours {
    pub(crate) fn is_alive(&self) -> bool {
        self.ended.is_none()
    }

    /// Whom it acts on now, by namespace, and what it does; of several the one that it has acted on for longest.
    pub(crate) fn acting(&self) -> Option<(&str, &str)> {
        let acting = self.ledger.turns.iter().filter_map(|(namespace, turn)| match turn {
            Turn::Acting { since, said, .. } => Some((since, namespace, said)),
            _ => None,
        });
        acting.min().map(|(_, namespace, said)| (namespace.as_str(), said.as_str()))
    }

    /// Seconds until it is through, by the pace it had so far; `None` before anybody is done, and while it is paused.
    pub(crate) fn eta(&self, now: At) -> Option<u32> {
        let counts = self.ledger.counts();
        let left = counts.waiting + counts.acting;
        let here = counts.ended().checked_sub(self.done_before).filter(|n| *n > 0)?;
        if self.ledger.paused.is_some() {
            return None;
        }
        let seconds = u64::from(now.since(self.began)) * left as u64 / here as u64;
        u32::try_from(seconds).ok()
    }
}

/// Of the tenants that were without their gateway by this run's doing.
pub(crate) fn downtime(ledger: &Ledger) -> Option<Downtime> {
    let down = |turn: &Turn| match turn {
        Turn::Done { down, .. } => *down,
        _ => None,
    };
    let mut all: Vec<u32> = ledger.turns.values().filter_map(down).collect();
    all.sort_unstable();
    let rank = |percent: usize| all.get((all.len() * percent).div_ceil(100).saturating_sub(1)).copied();
    Some(Downtime { median: rank(50)?, p95: rank(95)?, max: rank(100)? })
}

impl Runs {
    pub(crate) fn begin(&mut self, begun: Begun, now: At) {
        let Begun { plan, ledger, recorded } = begun;
        self.ours.retain(|run| run.plan.id != plan.id);
        let done_before = ledger.counts().ended();
        let order = Order::Go;
        let (trouble, ended) = (None, None);
        self.ours.insert(
            0,
            Ours { plan, ledger, order, recorded, began: now, done_before, trouble, ended, is_given_up: false },
        );
        let mut kept = 0;
        self.ours.retain(|run| {
            kept += usize::from(!run.is_alive());
            run.is_alive() || kept <= KEPT
        });
    }

    pub(crate) fn fold(&mut self, id: &str, event: &Event) {
        let Some(run) = self.ours.iter_mut().find(|run| run.plan.id == id) else { return };
        match &event.news {
            News::Retry { tenant, .. } => run.trouble = Some((tenant.clone(), event.news.words())),
            other if run.trouble.as_ref().is_some_and(|(who, _)| other.tenant() == Some(who)) => run.trouble = None,
            _ => {}
        }
        run.ledger.fold(event);
    }

    /// Its last event has come; returns how it ended, in words.
    pub(crate) fn end(&mut self, id: &str, now: At) -> Option<String> {
        let run = self.ours.iter_mut().find(|run| run.plan.id == id)?;
        run.ended = Some(now);
        let said = run.ledger.end.as_ref().map_or("it has ended", |(_, said)| said.as_str());
        Some(format!("{}: {said}", run.plan.id))
    }

    pub(crate) fn ours(&self, id: &str) -> Option<&Ours> {
        self.ours.iter().find(|run| run.plan.id == id)
    }

    pub(crate) fn ours_mut(&mut self, id: &str) -> Option<&mut Ours> {
        self.ours.iter_mut().find(|run| run.plan.id == id)
    }

    pub(crate) fn alive(&self) -> impl Iterator<Item = &Ours> {
        self.ours.iter().filter(|run| run.is_alive())
    }

    /// Those that others carry out, or did: what is ours is known better.
    pub(crate) fn others(&self) -> impl Iterator<Item = &Summary> {
        let all = self.remembered.iter().filter_map(|read| read.answer.as_ref().ok()).flatten();
        all.filter(|summary| self.ours(&summary.run).is_none())
    }

    /// The ids of the rows, in order.
    pub(crate) fn keys(&self) -> Vec<String> {
        let ours = self.ours.iter().map(|run| run.plan.id.clone());
        ours.chain(self.others().map(|summary| summary.run.clone())).collect()
    }

    /// Whether to read now what a page shows: each few seconds, and once at a time.
    pub(crate) fn due(&mut self, ask: &Ask, now: At) -> bool {
        let next = match ask {
            Ask::List => self.remembered.as_ref().map(Read::next),
            Ask::Show(id, _) => self.shown.as_ref().filter(|(shown, _)| shown == id).map(|(_, read)| read.next()),
        };
        // Nothing was read yet; or it was, and is old.
        let due = !self.asking && next.is_none_or(|next| next.is_some_and(|next| next <= now));
        self.asking |= due;
        due
    }

    /// The plan of the run that is shown, where it was read.
    pub(crate) fn plan_shown(&self, id: &str) -> Option<Arc<Plan>> {
        let (_, read) = self.shown.as_ref().filter(|(shown, _)| shown == id)?;
        read.answer.as_ref().ok().map(|shown| shown.plan.clone())
    }

    /// Forgets what was refused: a person wants it tried again.
    pub(crate) fn forgive(&mut self) {
        self.remembered = self.remembered.take().filter(|read| read.answer.is_ok());
        self.shown = self.shown.take().filter(|(_, read)| read.answer.is_ok());
    }

    /// What was read is old: read it again at once.
    pub(crate) fn again(&mut self) {
        self.remembered = None;
        self.shown = None;
    }

    pub(crate) fn listed(&mut self, answer: Result<Vec<Summary>, Refusal>, now: At) {
        self.asking = false;
        self.remembered = Some(Read { at: now, answer });
    }

    pub(crate) fn showed(&mut self, id: String, answer: Result<Arc<Shown>, Refusal>, now: At) {
        self.asking = false;
        self.shown = Some((id, Read { at: now, answer }));
    }

    /// Another cluster is looked at: what the old one remembers is gone from the screen; what we carry out there goes on.
    pub(crate) fn leave(&mut self) {
        self.remembered = None;
        self.shown = None;
        self.asking = false;
    }
}

/// A run as a page draws it, whoever carries it out.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) ledger: &'a Ledger,
    pub(crate) counts: Counts,
    pub(crate) ours: Option<&'a Ours>,
    pub(crate) summary: Option<&'a Summary>,
}

impl Runs {
    /// What is known of a run, if its plan is.
    pub(crate) fn seen(&self, id: &str) -> Option<Seen<'_>> {
        if let Some(ours) = self.ours(id) {
            let counts = ours.ledger.counts();
            return Some(Seen { plan: &ours.plan, ledger: &ours.ledger, counts, ours: Some(ours), summary: None });
        }
        let (_, read) = self.shown.as_ref().filter(|(shown, _)| shown == id)?;
        let shown = read.answer.as_ref().ok()?;
        let (plan, ledger) = (&*shown.plan, &shown.ledger);
        Some(Seen { plan, ledger, counts: ledger.counts(), ours: None, summary: Some(&shown.summary) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn downtimes_are_ranked() {
        let done = |down| Turn::Done { said: String::new(), down };
        let turns = (1..=20).map(|n| (format!("t{n}"), done(Some(n * 10))));
        let mut ledger = Ledger { turns: turns.collect(), ..Ledger::default() };
        ledger.turns.insert("asleep".to_owned(), done(None));
        assert_eq!(downtime(&ledger), Some(Downtime { median: 100, p95: 190, max: 200 }));
        assert_eq!(downtime(&Ledger::default()), None);
    }
}
