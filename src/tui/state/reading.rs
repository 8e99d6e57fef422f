//! What a page reads because it is on screen: the end of a log, and objects that are not watched.

use super::{State, View};
use crate::{
    cluster::Said,
    diagnose::{LogLine, Telling, awaited_volumes},
    fleet::{At, Right, Text},
    index::Entry,
    tui::{
        ask::{Answer, Ask, Refusal},
        session::{Learnt, Unwatched},
    },
};

/// How long what was read on demand is taken for the present.
const READ_AGAIN: u32 = 120;
/// Seconds between two looks at the end of a log.
const LOG_EVERY: u32 = 3;
/// The same, of a container that is in trouble while nothing is under way.
const LOG_AT_REST: u32 = 30;

/// The question for the last lines of the stage, or of the gateway, that a tenant's boot is at.
pub(crate) fn log_end(entry: &Entry) -> Option<Ask> {
    Telling::of_boot(entry).map(|of| of_telling(entry, &of))
}

fn of_telling(entry: &Entry, of: &Telling) -> Ask {
    let namespace = entry.tenant.namespace_name.to_string();
    Ask::LogEnd { namespace, pod: of.pod.to_string(), pod_uid: of.pod_uid, container: of.container.to_string() }
}

impl State {
    /// What the page on screen would read again by itself, now and then: the end of the log of a stage that runs.
    pub(crate) fn wonder(&mut self, now: At) -> Option<Ask> {
        let Some(View::Tenant { who, .. }) = self.views.last() else { return None };
        let entry = who.find(&self.fleet).here()?;
        let ask = of_telling(entry, &Telling::first(entry)?);
        let every = if entry.verdict.phase.in_progress() { LOG_EVERY } else { LOG_AT_REST };
        if self.may_not(Right::Logs) || self.stale().is_some() {
            return None;
        }
        let again = self.answers.told(&ask).is_none_or(|told| now.since(told.at) >= every);
        (again && !self.answers.logs_are_refused(&who.namespace) && self.answers.begin(&ask)).then_some(ask)
    }

    /// What should be read now, because a page on screen stands on it; each once in a while, and what could not be read
    /// only when a person asks again.
    pub(crate) fn wants(&mut self) -> Vec<Unwatched> {
        let mut asks = match self.views.last() {
            Some(View::Tenant { who, .. }) => match who.find(&self.fleet).here() {
                Some(entry) => vec![Unwatched::Tenant(who.namespace.clone(), awaited_volumes(&entry.tenant))],
                None => vec![],
            },
            Some(View::Findings { .. }) => vec![Unwatched::Storage, Unwatched::Guard],
            _ => vec![],
        };
        asks.retain(|ask| {
            let refused = match ask {
                Unwatched::Tenant(namespace, _) => self.board.read(namespace).is_some_and(|o| !o.unread.is_empty()),
                Unwatched::Storage => !self.board.has_storage(),
                Unwatched::Guard => !self.board.has_guard(),
            };
            let asked = self.wanted.get(ask);
            !asked.is_some_and(|at| refused || self.now.since(*at) < READ_AGAIN)
        });
        self.wanted.extend(asks.iter().map(|ask| (ask.clone(), self.now)));
        asks
    }

    /// Forgets what was asked for, so that it is asked again.
    pub(crate) fn want_again(&mut self) {
        self.wanted.clear();
    }

    /// What a page asked for was read; last lines of a log are evidence too.
    pub(crate) fn looked(&mut self, ask: Ask, answer: Result<Answer, Refusal>) {
        if let (Ask::LogEnd { namespace, pod, pod_uid, container }, Ok(Answer::Log(lines))) = (&ask, &answer)
            && self.answers.waits_for(&ask)
        {
            let [pod, container] = [pod, container].map(|text| Text::from(text.as_str()));
            let line = |said: &Said| LogLine { container: container.to_string(), text: said.text.clone(), at: said.at };
            let lines = lines.iter().map(line).collect();
            let of = Telling { pod, pod_uid: *pod_uid, container };
            self.board.heard(&self.fleet, &Text::from(namespace.as_str()), &of, lines, self.now);
        }
        self.answers.end(ask, answer, self.now);
    }

    /// An answer has come.
    pub(crate) fn learn(&mut self, told: Learnt) {
        match told {
            Learnt::Tenant(namespace, opened) => self.board.opened(&self.fleet, &namespace, *opened, self.now),
            Learnt::Storage(Some(storage)) => self.board.stored(&self.fleet, storage, self.now),
            Learnt::Guard(Some(guard)) => self.board.guarded(&self.fleet, guard, self.now),
            Learnt::Storage(None) | Learnt::Guard(None) => {}
        }
    }
}
