//! Ways into tenants' pods: what may be entered, and which ports are forwarded. Whose they are is settled when a choice
//! opens, by UID: what happens to rows and selection meanwhile changes nothing.

use crate::{
    cluster::{Door, Room, Traffic, logs::Target},
    fleet::Right,
    tui::command::Why,
};

use super::{State, overlay::Picker};

/// Forwards that are open at once: more are forgotten ones.
pub(crate) const MOST: usize = 16;

/// The forwards of this console.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ways {
    pub(crate) open: Vec<Open>,
    /// Forwards that are on their way.
    pub(crate) opening: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Open {
    pub(crate) number: u64,
    pub(crate) target: Target,
    pub(crate) door: Door,
    pub(crate) url: String,
    pub(crate) traffic: Traffic,
}

impl Ways {
    pub(crate) fn is_full(&self) -> bool {
        self.open.len() + self.opening >= MOST
    }

    /// All have ended, with the cluster that they led to; what is to be said of it.
    pub(crate) fn leave(&mut self) -> &'static str {
        let said = match self.open.len() {
            0 => "",
            1 => "; the forward of before has ended",
            _ => "; the forwards of before have ended",
        };
        *self = Self::default();
        said
    }

    pub(crate) fn of(&self, target: &Target, door: Door) -> Option<&Open> {
        self.open.iter().find(|o| o.target.uid == target.uid && o.door == door)
    }
}

/// What became of a forward.
#[derive(Debug)]
pub(crate) enum Change {
    Opened(Open),
    Refused(String),
    Moved(u64, Traffic),
    Ended(u64),
}

/// A choice among the containers of a pod.
#[derive(Clone, Debug)]
pub(crate) struct Rooms {
    pub(crate) who: String,
    pub(crate) rooms: Vec<Room>,
    pub(crate) picker: Picker,
}

/// A choice among what of a tenant can be forwarded, and what is.
#[derive(Clone, Debug)]
pub(crate) struct Doors {
    /// `None`: nobody was selected, the open ones are listed all the same.
    pub(crate) target: Option<Target>,
    pub(crate) picker: Picker,
}

fn may_go_in(state: &State, right: Right, why: Why) -> Result<(), Why> {
    if state.context.read_only {
        return Err("this is read-only: there is no way into pods from here".into());
    }
    if state.subject().is_none() {
        return Err("no tenant is selected".into());
    }
    if state.may_not(right) { Err(why) } else { Ok(()) }
}

pub(crate) fn may_enter(state: &State) -> Result<(), Why> {
    may_go_in(state, Right::Shell, "you may open no shell in pods (needs pods/exec)".into())?;
    if state.stale().is_some() {
        return Err("what is shown is of the past: who runs now is not known".into());
    }
    let rooms = state.subject().and_then(|e| Some(Room::all(&e.tenant.namespace_name, e.tenant.pod()?)));
    if rooms.is_some_and(|rooms| !rooms.is_empty()) { Ok(()) } else { Err("no container of it runs".into()) }
}

pub(crate) fn may_forward(state: &State) -> Result<(), Why> {
    // What is open can be looked at and ended, whoever is selected.
    if !state.ways.open.is_empty() {
        return Ok(());
    }
    may_go_in(state, Right::Forward, "you may not forward ports (needs pods/portforward)".into())
}
