//! State changes: a message in, effects out. Nothing here touches the world.

mod act;
mod facets;
mod findings;
mod fleet;
pub(crate) mod logs;
mod overlay;
mod page;
pub(crate) mod pick;
mod runs;
mod seek;
mod tenant;
pub(crate) mod ways;

use crossterm::event::{KeyEvent, KeyEventKind};

use crate::{
    config::Alert,
    index::Delta,
    plan::{Intent, News},
};

use super::{
    command::{Command, Id, Place, Places},
    effect::Effect,
    keymap::Keymap,
    msg::Msg,
    state::{
        Page, State, View,
        form::Form,
        list::sort::Sort,
        overlay::{Overlay, Picker},
        pick::Pick,
        volumes::Volumes,
    },
    text, view,
};

/// Applies a message. Rows are put in order later, by [`State::settle`].
pub(crate) fn update(state: &mut State, keys: &Keymap, msg: Msg) -> Vec<Effect> {
    match msg {
        Msg::Key(event) if event.kind == KeyEventKind::Release => vec![],
        Msg::Key(event) => key(state, keys, event),
        Msg::Paste(text) => {
            overlay::paste(state, &text);
            vec![]
        }
        Msg::Mouse(event) => fleet::mouse(state, event),
        Msg::Resize(width, height) => {
            state.size = (width, height);
            vec![]
        }
        Msg::Delta(Delta::Said(why)) => {
            state.fail(why.to_string());
            vec![]
        }
        Msg::Delta(delta) => {
            state.apply(delta);
            state.alert()
        }
        Msg::Now(now) => {
            state.tick(now);
            state.alert()
        }
        Msg::Switched { context, banner } => {
            state.enter(context, banner);
            vec![]
        }
        Msg::NotSwitched(why) => {
            let to = state.switching.take().unwrap_or_default();
            state.fail(format!("not switched to {to}: {why}"));
            vec![]
        }
        Msg::Looked(ask, answer) => {
            state.looked(ask, answer);
            vec![]
        }
        Msg::Learnt(told) => {
            state.learn(told);
            vec![]
        }
        Msg::Log(news) => {
            if let Some(logs) = &mut state.logs {
                logs.take(news);
            }
            vec![]
        }
        Msg::Forward(change) => ways::changed(state, change),
        Msg::Said(Ok(text)) => {
            state.inform(text);
            vec![]
        }
        Msg::Said(Err(why)) => {
            state.fail(why);
            vec![]
        }
        Msg::Proposed(token, answer) => {
            act::answered(state, token, answer);
            vec![]
        }
        Msg::Begun(token, begun) => {
            act::begun(state, token, begun);
            vec![]
        }
        Msg::Ran(id, event) => {
            if let News::Noted { said } = &event.news {
                state.fail(said.clone());
            }
            state.runs.fold(&id, &event);
            vec![]
        }
        Msg::RunEnded(id) => {
            runs::ended(state, &id);
            vec![]
        }
        Msg::Remembered(answer) => {
            runs::told(state, answer);
            vec![]
        }
        Msg::FeedEnded => {
            state.fail("the readers have ended, nothing new will come: quit and start again");
            vec![]
        }
    }
}

fn key(state: &mut State, keys: &Keymap, event: KeyEvent) -> Vec<Effect> {
    state.uncover();
    match keys.get(state.place(), &event) {
        Some(id) => run(state, id, None),
        None => {
            if state.place().is_field() {
                overlay::typed(state, event);
            }
            vec![]
        }
    }
}

/// Runs a command, if it can be used now; says why where it cannot.
pub(crate) fn run(state: &mut State, id: Id, argument: Option<&str>) -> Vec<Effect> {
    if let Some(Err(why)) = Command::of(id).map(|c| (c.enabled)(state)) {
        state.inform(why);
        return vec![];
    }
    match id {
        Id::Quit => return act::quit(state),
        Id::Create => act::create(state),
        Id::Upgrade => act::form(state, Form::upgrade),
        Id::Restart => return act::propose(state, Intent::Restart),
        Id::Reprovision => act::form(state, Form::reprovision),
        Id::Snapshot => return act::propose(state, Intent::Snapshot { class: None }),
        Id::Restore => act::form(state, Form::restore),
        Id::Apply => return act::propose(state, Intent::Apply { force: false, image: None }),
        Id::ApplyForce => return act::propose(state, Intent::Apply { force: true, image: None }),
        Id::SetTier => act::form(state, Form::tier),
        Id::Resize => act::form(state, Form::resize),
        Id::Adopt => act::form(state, Form::adopt),
        Id::RotateToken => return act::propose(state, Intent::RotateToken),
        Id::SuspendTenant => return act::propose(state, Intent::Suspend),
        Id::ResumeTenant => return act::propose(state, Intent::Resume),
        Id::Delete => act::form(state, Form::delete),
        Id::Purge => return act::propose(state, Intent::Delete { purge: true }),
        Id::Agree => return act::agree(state, false),
        Id::AgreeYes => return act::agree(state, true),
        Id::Details => act::details(state),
        Id::NextField | Id::PreviousField => act::step(state, id),
        Id::Mark => fleet::mark(state),
        Id::MarkAll => fleet::mark_all(state),
        Id::Unmark => state.marks.clear(),
        Id::Runs => return runs::enter(state),
        Id::RunOpen => return runs::open(state),
        Id::RunSkip => runs::skip(state),
        Id::RunPause | Id::RunAbort | Id::RunRetry => return runs::say(state, id),
        Id::Suspend => return vec![Effect::Suspend],
        Id::Redraw => return vec![Effect::Repaint],
        Id::Retry => {
            state.want_again();
            state.answers.forgive();
            state.runs.forgive();
            return page::again(state).unwrap_or_else(|| {
                state.inform("trying again what is broken or was forbidden");
                vec![Effect::Retry]
            });
        }
        Id::Accept => return overlay::accept(state),
        Id::Logs => return logs::whose::of_subject(state),
        Id::LogsShown => return logs::whose::of_all_shown(state),
        Id::Shell => return ways::shell(state, argument),
        Id::Forward => return ways::forward(state),
        Id::LogReach(n) => return logs::reach(state, usize::from(n)),
        id if is_of_logs(id) => return logs::run(state, id),
        Id::Contexts => match argument {
            Some(name) => return connect(state, name),
            None => state.overlays.push(Overlay::Contexts(Picker::default())),
        },
        Id::Find => seek::ask(state),
        Id::FindNext | Id::FindPrevious => seek::step(state, id),
        Id::CopyTenant => return copy_id(state),
        Id::CopyHandOver => return copy_hand_over(state),
        Id::Probe => return tenant::probe(state),
        Id::Measure => return tenant::measure(state),
        Id::Capacity => page::above(state, |v| matches!(v, View::Capacity { .. }), View::Capacity { scroll: 0 }),
        Id::Facets => page::above(state, |v| matches!(v, View::Facets { .. }), View::Facets { pick: Pick::default() }),
        Id::Volumes => page::above(state, |v| matches!(v, View::Volumes(_)), View::Volumes(Volumes::default())),
        Id::Back => back(state),
        Id::Close if state.overlays.pop().is_none() => {
            state.views.pop();
        }
        Id::Close => {}
        Id::Help => match state.place() {
            Place::Help => drop(state.overlays.pop()),
            _ => state.overlays.push(Overlay::Help { scroll: 0 }),
        },
        Id::Sources => state.overlays.push(Overlay::Sources),
        Id::Palette => state.overlays.push(Overlay::Palette(Picker::default())),
        Id::Filter => overlay::open_filter(state),
        Id::Open => return open(state),
        Id::FilterBy => facets::filter_by(state),
        Id::Boots => return page::go(state, Page::Boots),
        Id::Changes => return page::go(state, Page::Changes),
        Id::Events => return page::events(state),
        Id::Objects => return page::objects(state),
        Id::Findings => findings::enter(state),
        Id::Proofs => state.proofs = !state.proofs,
        Id::Sort => {
            let sort = argument.and_then(Sort::by_word).unwrap_or_else(|| state.list.sort.next());
            fleet::sort(state, sort);
        }
        Id::Reverse => fleet::reverse(state),
        Id::Theme => theme(state, argument),
        Id::Alert => alert(state, argument),
        Id::Glyphs => state.looks.glyphs = state.looks.glyphs.other(),
        Id::PickUp | Id::PickDown => overlay::pick(state, id),
        Id::Up | Id::Down | Id::PageUp | Id::PageDown | Id::Top | Id::Bottom => travel(state, id),
        // Those of the logs, above.
        _ => {}
    }
    vec![]
}

/// Opens what is chosen; a tenant's page begins to read what it shows.
fn open(state: &mut State) -> Vec<Effect> {
    if matches!(state.place(), Place::Objects) {
        return page::open(state);
    }
    match state.views.last() {
        Some(View::Findings { .. } | View::Cause { .. }) => findings::open(state),
        _ => fleet::open(state),
    }
    let now = state.now;
    state.wonder(now).map(Effect::Look).into_iter().collect()
}

fn is_of_logs(id: Id) -> bool {
    Command::of(id).is_some_and(|c| c.places == Places::of(&[Place::Logs])) && id != Id::Close
}

/// Esc: puts away one thing, the topmost. Never quits.
fn back(state: &mut State) {
    if let Some(overlay) = state.overlays.pop() {
        match overlay {
            Overlay::Filter { before, .. } => state.list.filter_by(&before),
            Overlay::Pattern { before, .. } if seek::is_here(state) => seek::typed(state, &before),
            Overlay::Pattern { asked, before, .. } => logs::typed(state, asked, &before),
            _ => {}
        }
    } else if state.notice.take().is_some() {
    } else if state.views.pop().is_none() && !state.list.filter.text.is_empty() {
        state.list.filter_by("");
    }
}

/// Moves through whatever is on top.
fn travel(state: &mut State, id: Id) {
    let size = state.inner();
    match (state.overlays.last(), state.views.last_mut()) {
        (Some(_), _) => overlay::scroll(state, id),
        (None, Some(View::Logs)) => logs::travel(state, id),
        (None, Some(View::Tenant { .. })) => tenant::scroll(state, id),
        (None, Some(View::Page { .. })) => page::scroll(state, id),
        (None, Some(View::Volumes(page))) => {
            let rows = view::volumes::rows(size);
            page.step(lines(id, rows), rows);
        }
        (None, Some(View::Capacity { .. })) => {
            let last = view::capacity::last(state);
            let page = usize::from(size.1);
            if let Some(View::Capacity { scroll }) = state.views.last_mut() {
                *scroll = scroll.saturating_add_signed(lines(id, page)).min(last);
            }
        }
        (None, Some(View::Facets { .. })) => facets::travel(state, id),
        (None, Some(View::Runs { .. } | View::Run { .. })) => runs::travel(state, id),
        (None, Some(_)) => findings::travel(state, id),
        (None, None) => fleet::travel(state, id),
    }
}

/// Lines to move within `page` lines: up to all of them.
fn lines(id: Id, page: usize) -> isize {
    let page = isize::try_from(page.max(1)).unwrap_or(isize::MAX);
    match id {
        Id::Up | Id::PickUp => -1,
        Id::Down | Id::PickDown => 1,
        Id::PageUp => -page,
        Id::PageDown => page,
        Id::Top => isize::MIN,
        _ => isize::MAX,
    }
}

fn theme(state: &mut State, argument: Option<&str>) {
    let next = argument.or_else(|| state.looks.themes.after(&state.looks.theme)).unwrap_or_default().to_owned();
    match state.looks.wear(&next) {
        Ok(()) => state.inform(format!("theme {next}")),
        Err(why) => state.fail(why),
    }
}

fn alert(state: &mut State, argument: Option<&str>) {
    let how = argument.and_then(Alert::by_word).unwrap_or_else(|| state.alerts.how.next());
    state.alerts.how = how;
    state.inform(match how {
        Alert::None => "nobody is called when a tenant turns Failing",
        Alert::Bell => "the terminal's bell rings when a tenant turns Failing",
        Alert::Notification => "a notification (OSC 9) comes when a tenant turns Failing, if your terminal takes it",
    });
}

fn connect(state: &mut State, name: &str) -> Vec<Effect> {
    state.overlays.clear();
    if name == state.context.name && state.switching.is_none() {
        state.inform(format!("{name} is the context already"));
        return vec![];
    }
    state.switching = Some(name.to_owned());
    vec![Effect::Connect(name.to_owned())]
}

fn copy_id(state: &mut State) -> Vec<Effect> {
    let Some(id) = state.subject().map(text::id) else { return vec![] };
    state.inform(format!("copied {id} (if your terminal takes OSC 52)"));
    vec![Effect::Copy(id)]
}

fn copy_hand_over(state: &mut State) -> Vec<Effect> {
    let Some(entry) = state.subject() else { return vec![] };
    let findings = state.board.of(&entry.tenant.namespace_name);
    let text = crate::diagnose::HandOver {
        entry,
        findings,
        fleet: &state.fleet,
        context: &state.context.name,
        now: state.now,
    }
    .text();
    let id = text::id(entry);
    state.inform(format!("copied a hand-over text about {id} (if your terminal takes OSC 52)"));
    vec![Effect::Copy(text)]
}

#[cfg(test)]
pub(super) mod acting_tests;
#[cfg(test)]
pub(super) mod runs_tests;
#[cfg(test)]
mod tests;
