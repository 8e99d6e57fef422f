//! The pages of runs for who may not list them: said, and not asked for again in a loop.

use super::update;
use crate::tui::{
    ask::Refusal,
    effect::Effect,
    fixture::*,
    keymap::Keymap,
    msg::{Msg, Remembered},
    state::{State, runs::Ask},
};

fn say(state: &mut State, msg: Msg) {
    assert_eq!(update(state, &Keymap::new(), msg), []);
    state.settle();
}

fn refused(stands: bool) -> Refusal {
    Refusal { why: "viewer may not list configmaps in namespace fleetdeck".to_owned(), stands }
}

/// Whether the page asks by itself after so many seconds.
fn asks_again(state: &mut State, seconds: u32) -> bool {
    state.now = state.now.plus(seconds);
    state.run_ask().is_some()
}

#[test]
fn who_may_not_list_runs_is_told_so_once() {
    let mut state = with(mixed());
    assert_eq!(press(&mut state, "R"), [Effect::Remember(Ask::List)]);
    say(&mut state, Msg::Remembered(Remembered::All(Err(refused(true)))));
    let shown = screen(&mut state, 120, 40);
    assert!(shown.contains("what the cluster remembers is not known: viewer may not list configmaps"), "{shown}");
    assert!(shown.contains("no runs of this console"), "{shown}");
    assert!(!asks_again(&mut state, 3_600), "a missing right is not asked for in a loop");
    press(&mut state, "ctrl-r");
    assert!(asks_again(&mut state, 0), "a person wants it tried again");
    // What is only broken mends itself.
    say(&mut state, Msg::Remembered(Remembered::All(Err(refused(false)))));
    assert!(!asks_again(&mut state, 1) && asks_again(&mut state, 5));
}

#[test]
fn a_run_that_may_not_be_read_says_why_on_its_page() {
    let mut state = with(mixed());
    press(&mut state, "R");
    say(&mut state, Msg::Remembered(Remembered::All(Ok(vec![summary()]))));
    let asked = press(&mut state, "enter");
    let [Effect::Remember(Ask::Show(id, None))] = &asked[..] else { panic!("{asked:?}") };
    say(&mut state, Msg::Remembered(Remembered::One(id.clone(), Err(refused(true)))));
    let shown = screen(&mut state, 120, 40);
    assert!(shown.contains(&format!("{id} cannot be shown: viewer may not list configmaps")), "{shown}");
    assert!(!asks_again(&mut state, 3_600));
}

pub(in crate::tui) fn summary() -> crate::engine::desk::runs::Summary {
    crate::engine::desk::runs::Summary {
        run: "restart-20261126-010203-4f2a".to_owned(),
        verb: "restart".to_owned(),
        author: "erin@elsewhere".to_owned(),
        made: "2026-11-26T01:02:03Z".to_owned(),
        tenants: 3,
        state: "running",
        holder: Some("erin@elsewhere".to_owned()),
        since: None,
        said: String::new(),
        failed: 0,
    }
}
