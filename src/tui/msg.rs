//! Everything that can happen to the console, in one order.

use std::sync::Arc;

use crossterm::event::{KeyEvent, MouseEvent};

use crate::{
    cluster::logs::News,
    engine::{
        Proposal,
        desk::runs::{Shown, Summary},
    },
    fleet::At,
    index::Delta,
    plan::{Event, Ledger, Plan},
};

use super::{
    ask::{Answer, Ask, Refusal},
    session::{ContextInfo, Learnt},
    state::ways::Change,
};

#[derive(Debug)]
pub(crate) enum Msg {
    Key(KeyEvent),
    Paste(String),
    Mouse(MouseEvent),
    Resize(u16, u16),
    Delta(Delta),
    /// The cluster's present.
    Now(At),
    /// What a page asked for, or why not.
    Looked(Ask, Result<Answer, Refusal>),
    /// A new context is connected; its feed has replaced the old one.
    Switched {
        context: ContextInfo,
        banner: Option<String>,
    },
    /// It could not be; the old one goes on.
    NotSwitched(String),
    /// What was asked for on demand.
    Learnt(Learnt),
    /// Of the forwards.
    Forward(Change),
    /// Of the open tail.
    Log(News),
    /// What became of an effect, in words.
    Said(Result<String, String>),
    /// What came of asking for a plan: it, or every reason why not.
    Proposed(u64, Result<Box<Proposal>, Vec<String>>),
    /// A run goes: its plan and how it stands; or why it does not. The token is of the dialog, where there was one.
    Begun(Option<u64>, Result<Begun, String>),
    /// An event of a run of ours.
    Ran(String, Box<Event>),
    /// A run of ours says nothing more.
    RunEnded(String),
    /// What the cluster remembers of runs.
    Remembered(Remembered),
    /// The readers have ended: nothing new will come.
    FeedEnded,
}

#[derive(Debug)]
pub(crate) enum Remembered {
    All(Result<Vec<Summary>, Refusal>),
    One(String, Result<Arc<Shown>, Refusal>),
    /// What became of something that was said to a run.
    Heard(Result<String, String>),
}

/// A run that goes.
#[derive(Debug)]
pub(crate) struct Begun {
    pub(crate) plan: Arc<Plan>,
    pub(crate) ledger: Ledger,
    /// It is kept in the cluster.
    pub(crate) recorded: bool,
}
