//! An order to a run that waits for a person's yes: what it brings about is for good, or acts on tenants.

use super::State;
use crate::{
    plan::Intent,
    tui::{command::Id, widget::field::Field},
};

#[derive(Clone, Debug)]
pub(crate) struct Asking {
    pub(crate) run: String,
    /// Where it acts: a run of ours may be another context's than the one that is looked at.
    pub(crate) context: String,
    /// [`Id::RunAbort`] or [`Id::RunRetry`].
    pub(crate) id: Id,
    /// What has to be typed, in order: whom the run deletes, then the context where it is protected.
    names: Vec<String>,
    typed: usize,
    pub(crate) field: Field,
}

impl Asking {
    pub(crate) fn of(state: &State, id: Id) -> Option<Self> {
        let run = state.run()?;
        let mut names = Vec::new();
        if id == Id::RunRetry {
            if let Some(seen) = state.runs.seen(&run)
                && matches!(seen.plan.intent, Intent::Delete { .. })
            {
                names = state.unfinished(&run);
            }
            if state.context.protected {
                names.push(state.context.name.clone());
            }
        }
        let context = state.runs.ours(&run).map_or(&state.context.name, |ours| &ours.plan.context).clone();
        Some(Self { run, context, id, names, typed: 0, field: Field::default() })
    }

    /// The name that has to be typed next.
    pub(crate) fn wanted(&self) -> Option<&str> {
        self.names.get(self.typed).map(String::as_str)
    }

    /// How many names there are, and which is wanted, from 1.
    pub(crate) fn progress(&self) -> (usize, usize) {
        (self.names.len(), self.typed + 1)
    }

    /// Takes what was typed; the name that it is not.
    ///
    /// # Errors
    /// It is another than the one that is wanted.
    pub(crate) fn take(&mut self) -> Result<(), String> {
        let typed = std::mem::take(&mut self.field);
        match self.wanted() {
            Some(wanted) if typed.text().trim() != wanted => Err(wanted.to_owned()),
            Some(_) => {
                self.typed += 1;
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// All names were typed, of which there were some.
    pub(crate) fn is_typed(&self) -> bool {
        !self.names.is_empty() && self.typed == self.names.len()
    }
}
