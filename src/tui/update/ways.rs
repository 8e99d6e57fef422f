//! Ways into a tenant's pod: choices, and what is chosen.

use crate::{
    cluster::{Door, Room, logs::Target},
    fleet::clean::clean,
    tui::{
        command::{Id, Why},
        effect::Effect,
        state::{
            State,
            overlay::{Overlay, Picker},
            ways::{Change, Doors, Open, Rooms, may_forward},
        },
    },
};

use super::pick::{Pick, ranked};

/// The containers of the tenant that is chosen.
pub(super) fn rooms_here(state: &State) -> Vec<Room> {
    let tenant = state.subject().map(|entry| &entry.tenant);
    tenant.and_then(|t| Some(Room::all(&t.namespace_name, t.pod()?))).unwrap_or_default()
}

/// The container that is named. Without a name, which? The one whose line is read, else the first.
pub(super) fn shell(state: &mut State, named: Option<&str>) -> Vec<Effect> {
    let rooms = rooms_here(state);
    let Some(entry) = state.subject().filter(|_| !rooms.is_empty()) else { return vec![] };
    if let Some(container) = named {
        return enter(state, rooms, Some(container));
    }
    let here = state.logs.as_ref().and_then(|l| Some(l.channels.get(&l.current()?.lane)?.container.clone()));
    let at = rooms.iter().position(|r| Some(&r.container) == here.as_ref()).unwrap_or(0);
    let who = entry.tenant.id.to_string();
    let picker = Picker { at, ..Picker::default() };
    state.overlays.push(Overlay::Rooms(Rooms { who, rooms, picker }));
    vec![]
}

pub(super) fn forward(state: &mut State) -> Vec<Effect> {
    let target = state.subject().and_then(Target::of);
    state.overlays.push(Overlay::Doors(Doors { target, picker: Picker::default() }));
    vec![]
}

pub(crate) fn rooms(of: &Rooms, typed: &str) -> Vec<Pick> {
    let pick = |room: &Room| Pick {
        id: Id::Shell,
        argument: Some(room.container.to_string()),
        name: room.container.to_string(),
        about: format!("a shell in pod {}/{}", room.namespace, room.pod),
        keys: String::new(),
        why_not: None,
    };
    ranked(of.rooms.iter().map(pick).collect(), typed)
}

/// The doors that are closed, then those that are open, of whomever.
pub(crate) fn doors(state: &State, of: &Doors, typed: &str) -> Vec<Pick> {
    let pick = |what: &str, door: Door, argument: String, about: String| Pick {
        id: Id::Forward,
        argument: Some(argument),
        name: format!("{what} {}", door.name()),
        about,
        keys: String::new(),
        why_not: None,
    };
    let mut all = Vec::new();
    if let Some(target) = &of.target {
        let full: Option<Why> = state.ways.is_full().then(|| "as many as can be are open".into());
        for door in Door::ALL.into_iter().filter(|d| state.ways.of(target, *d).is_none()) {
            let about = format!("of {} on a free port of 127.0.0.1", target.id);
            all.push(Pick { why_not: full.clone(), ..pick("open", door, format!("open {}", door.name()), about) });
        }
    }
    for open in &state.ways.open {
        all.push(pick("copy", open.door, format!("copy {}", open.number), about(open)));
        all.push(pick("end", open.door, format!("end {}", open.number), about(open)));
    }
    ranked(all, typed)
}

/// `http://127.0.0.1:4312/ of maria-k, 3 connections, 1 open now`.
fn about(open: &Open) -> String {
    let traffic = &open.traffic;
    let mut text = format!("{} of {}, {} connections", open.url, open.target.id, traffic.all);
    if traffic.open > 0 {
        text += &format!(", {} open now", traffic.open);
    }
    if let Some(trouble) = &traffic.trouble {
        text += &format!("; {}", clean(trouble));
    }
    text
}

pub(super) fn enter(state: &mut State, rooms: Vec<Room>, container: Option<&str>) -> Vec<Effect> {
    let (room, others): (Vec<_>, Vec<_>) = rooms.into_iter().partition(|r| Some(r.container.as_str()) == container);
    let Some(room) = room.into_iter().next() else {
        state.inform("that container is not among those that ran");
        return vec![];
    };
    vec![Effect::Enter { room, others: others.iter().map(|r| r.container.to_string()).collect() }]
}

pub(super) fn choose(state: &mut State, of: Doors, chosen: &Pick) -> Vec<Effect> {
    let argument = chosen.argument.as_deref().unwrap_or_default();
    let (what, rest) = argument.split_once(' ').unwrap_or((argument, ""));
    let open = rest.parse().ok().and_then(|n: u64| state.ways.open.iter().find(|o| o.number == n));
    match (what, of.target, open) {
        ("open", Some(target), _) => {
            // Rights may have become known since the choice was opened.
            if state.ways.open.is_empty()
                && let Err(why) = may_forward(state)
            {
                state.inform(why);
                return vec![];
            }
            let Some(door) = Door::ALL.into_iter().find(|d| d.name() == rest) else { return vec![] };
            state.ways.opening += 1;
            state.inform(format!("opening {} of {}", door.name(), target.id));
            vec![Effect::Forward { target, door }]
        }
        ("copy", _, Some(open)) => {
            let url = open.url.clone();
            state.inform(format!("copied {url} (if your terminal takes OSC 52)"));
            vec![Effect::Copy(url)]
        }
        ("end", _, Some(open)) => {
            let number = open.number;
            vec![Effect::EndForward(number)]
        }
        _ => {
            state.inform("that forward has ended by itself");
            vec![]
        }
    }
}

pub(super) fn changed(state: &mut State, change: Change) -> Vec<Effect> {
    match change {
        Change::Opened(open) => {
            state.ways.opening = state.ways.opening.saturating_sub(1);
            let (url, door, id) = (open.url.clone(), open.door.name(), open.target.id.clone());
            state.ways.open.push(open);
            state.inform(format!(
                "{url} is {door} of {id}, and copied (if your terminal takes OSC 52); F lists and ends it"
            ));
            return vec![Effect::Copy(url)];
        }
        Change::Refused(why) => {
            state.ways.opening = state.ways.opening.saturating_sub(1);
            state.fail(why);
        }
        Change::Moved(number, traffic) => {
            let open = state.ways.open.iter_mut().find(|o| o.number == number);
            let Some(open) = open else { return vec![] };
            let fresh = traffic.trouble.clone().filter(|why| open.traffic.trouble.as_ref() != Some(why));
            let who = format!("{} of {}", open.door.name(), open.target.id);
            open.traffic = traffic;
            if let Some(why) = fresh {
                state.inform(format!("{who}: {}", clean(&why)));
            }
        }
        Change::Ended(number) => {
            let Some(at) = state.ways.open.iter().position(|o| o.number == number) else { return vec![] };
            let open = state.ways.open.remove(at);
            state.inform(format!("{} of {} is forwarded no more", open.door.name(), open.target.id));
        }
    }
    vec![]
}

#[cfg(test)]
mod tests;
