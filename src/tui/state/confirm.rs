//! A plan that waits for a person's yes. Its targets were frozen when the dialog opened.

use std::sync::Arc;

use crate::{
    engine::{Proposal, Secrets},
    plan::Danger,
    tui::widget::field::Field,
};

#[derive(Clone, Debug)]
pub(crate) struct Confirm {
    /// Tells the answer that is meant for this dialog from one for another that was closed.
    pub(crate) token: u64,
    /// `restart 3 tenants`: said before the plan is there, and after.
    pub(crate) what: String,
    pub(crate) context: String,
    /// The context's name has to be typed, too.
    pub(crate) protected: bool,
    pub(crate) answer: Answer,
    /// What is typed now.
    pub(crate) field: Field,
    /// How many of the names were typed.
    pub(crate) typed: usize,
    /// Steps, and what the server says to each.
    pub(crate) details: bool,
    pub(crate) scroll: usize,
    /// What goes straight into Secrets and is shown nowhere.
    pub(crate) secrets: Secrets,
    /// It was agreed to, and is being begun.
    pub(crate) beginning: bool,
}

/// What came of asking for a plan.
#[derive(Clone, Debug)]
pub(crate) enum Answer {
    Waiting,
    /// Every reason why not, a line each.
    Refused(Vec<String>),
    Ready(Arc<Proposal>),
}

impl Confirm {
    pub(crate) fn proposal(&self) -> Option<&Arc<Proposal>> {
        match &self.answer {
            Answer::Ready(proposal) => Some(proposal),
            Answer::Waiting | Answer::Refused(_) => None,
        }
    }

    /// Why the server would refuse a plan that is otherwise ready.
    pub(crate) fn refusal(&self) -> Option<Vec<String>> {
        match &self.answer {
            Answer::Refused(lines) => Some(lines.clone()),
            Answer::Ready(proposal) => {
                let refusal = proposal.refused_by_server();
                (!refusal.0.is_empty()).then(|| refusal.lines())
            }
            Answer::Waiting => None,
        }
    }

    /// It can be agreed to: the answers are in, and nobody refuses.
    pub(crate) fn is_open(&self) -> bool {
        self.proposal().is_some() && self.refusal().is_none() && !self.beginning
    }

    /// Everything that has to be typed, in order: the tenants that are destroyed, then the context where it is protected.
    pub(crate) fn names(&self) -> Vec<String> {
        let mut names = match self.proposal().map(|p| &p.preview.danger) {
            Some(Danger::Names { names }) => names.clone(),
            Some(Danger::Enter | Danger::Yes) | None => Vec::new(),
        };
        if self.protected {
            names.push(self.context.clone());
        }
        names
    }

    /// The name that has to be typed next.
    pub(crate) fn wanted(&self) -> Option<String> {
        if self.is_open() { self.names().get(self.typed).cloned() } else { None }
    }

    /// A `y` is asked for, not only Enter.
    pub(crate) fn wants_yes(&self) -> bool {
        self.proposal().is_some_and(|p| p.preview.danger == Danger::Yes)
    }
}
