//! Everything that can happen to the console, in one order.

use crossterm::event::{KeyEvent, MouseEvent};

use crate::{cluster::logs::News, fleet::At, index::Delta};

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
    /// The readers have ended: nothing new will come.
    FeedEnded,
}
