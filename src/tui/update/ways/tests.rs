use std::net::Ipv4Addr;

use crate::{
    cluster::{Door, Traffic, logs::Target},
    fleet::{Right, Rights, fixture::*},
    index::Delta,
    tui::{
        effect::Effect,
        fixture::*,
        keymap::Keymap,
        msg::Msg,
        state::{
            State,
            ways::{Change, Open},
        },
        update::update,
    },
};

fn chloe() -> State {
    let mut state = with(mixed());
    press(&mut state, "/ \"chloe\" enter");
    state
}

fn say(state: &mut State, change: Change) -> Vec<Effect> {
    let effects = update(state, &Keymap::new(), Msg::Forward(change));
    state.settle();
    effects
}

fn open(number: u64, target: Target, door: Door) -> Open {
    let url = format!("http://{}:4{number}/", Ipv4Addr::LOCALHOST);
    Open { number, target, door, url, traffic: Traffic::default() }
}

#[test]
fn a_shell_asks_which_container_and_its_target_is_settled_then() {
    let mut state = chloe();
    assert!(press(&mut state, "x").is_empty());
    insta::assert_snapshot!("shell_80x24", screen(&mut state, 80, 24));
    // Whatever happens to the rows, who is meant stays: here another tenant takes the selection.
    let pod = state.subject().unwrap().tenant.pod().unwrap().uid;
    state.list.filter_by("nadia");
    state.settle();
    let effects = press(&mut state, "\"browser\" enter");
    let [Effect::Enter { room, others }] = &effects[..] else { panic!("{effects:?}") };
    assert_eq!((room.uid, room.container.as_str(), &*room.namespace), (pod, "browser", "tenant-chloe"));
    assert_eq!(*others, ["gateway", "browser-ui"]);
}

#[test]
fn the_palette_opens_a_shell_in_the_container_that_is_named() {
    let mut state = chloe();
    let effects = press(&mut state, ": \"shell\" space \"browser-ui\" enter");
    let [Effect::Enter { room, others }] = &effects[..] else { panic!("{effects:?}") };
    assert_eq!(
        (room.container.as_str(), &others[..]),
        ("browser-ui", &["gateway".to_owned(), "browser".to_owned()][..])
    );
    assert!(state.overlays.is_empty());
}

#[test]
fn in_the_logs_it_begins_with_the_container_whose_line_is_read() {
    use crate::cluster::logs::{Block, Channel, Lane, News, Pen};
    let mut state = chloe();
    press(&mut state, "l");
    let logs = state.logs.as_mut().unwrap();
    let container = text("browser-ui");
    logs.take(News::Channel(Channel { lane: Lane(1), tenant: 0, container, stage: false }));
    let mut block = Block::default();
    block.write(&mut Pen::default(), Lane(1), Some(1), b"a page", 0);
    logs.take(News::Lines(block));
    let effects = press(&mut state, "x enter");
    assert!(matches!(&effects[..], [Effect::Enter { room, .. }] if *room.container == *"browser-ui"), "{effects:?}");
}

#[test]
fn who_may_not_is_told_why_and_nothing_opens() {
    let why = |state: &mut State, key: &str| {
        assert!(press(state, key).is_empty() && state.overlays.is_empty());
        screen(state, 120, 40).lines().last().unwrap().trim().to_owned()
    };
    let mut state = chloe();
    state.context.read_only = true;
    for key in ["x", "F"] {
        assert!(why(&mut state, key).starts_with("this is read-only"), "{}", why(&mut state, key));
    }
    let mut state = chloe();
    let mut rights = Rights::default();
    rights.set(Right::Shell, false);
    rights.set(Right::Forward, false);
    feed(&mut state, vec![Delta::Rights { namespace: None, rights }]);
    assert!(why(&mut state, "x").contains("pods/exec"));
    assert!(why(&mut state, "F").contains("pods/portforward"));
    let mut state = with(mixed());
    press(&mut state, "/ \"maria\" enter");
    assert_eq!(why(&mut state, "x"), "no container of it runs");
}

#[test]
fn a_forward_is_opened_shown_copied_and_ended() {
    let mut state = chloe();
    press(&mut state, "F");
    insta::assert_snapshot!("forward_80x24", screen(&mut state, 80, 24));
    let effects = press(&mut state, "\"open\" space \"gateway\" enter");
    let [Effect::Forward { target, door: Door::Gateway }] = &effects[..] else { panic!("{effects:?}") };
    let target = target.clone();
    let effects = say(&mut state, Change::Opened(open(1, target.clone(), Door::Gateway)));
    assert_eq!(effects, [Effect::Copy("http://127.0.0.1:41/".to_owned())]);
    let shown = screen(&mut state, 120, 40);
    assert!(shown.contains("http://127.0.0.1:41/ is gateway of chloe") && shown.contains("1 forward F"), "{shown}");

    let trouble = Some("nothing listens on port 18789 in the pod".to_owned());
    say(&mut state, Change::Moved(1, Traffic { open: 1, all: 3, trouble }));
    assert!(screen(&mut state, 120, 40).contains("gateway of chloe: nothing listens"));
    // Whoever is selected, what is open is listed; a door that is open is not opened twice.
    press(&mut state, "F");
    insta::assert_snapshot!("forwards_120x40", screen(&mut state, 120, 40));
    press(&mut state, "\"copy\" enter");
    let effects = press(&mut state, "F \"end\" space \"gateway\" enter");
    assert_eq!(effects, [Effect::EndForward(1)]);
    say(&mut state, Change::Ended(1));
    assert!(screen(&mut state, 120, 40).contains("gateway of chloe is forwarded no more"));
    assert!(state.ways.open.is_empty());
    assert!(press(&mut state, "F \"end\" enter").is_empty());
}

#[test]
fn there_is_a_bound_and_a_refusal_is_said() {
    let mut state = chloe();
    let target = Target::of(state.subject().unwrap()).unwrap();
    for n in 0..crate::tui::state::ways::MOST as u64 {
        let mut other = target.clone();
        other.uid = uid(9_000 + u128::from(n));
        say(&mut state, Change::Opened(open(n, other, Door::Browser)));
    }
    assert!(press(&mut state, "F enter").is_empty());
    assert!(screen(&mut state, 120, 40).contains("as many as can be are open"));
    let mut state = chloe();
    press(&mut state, "F enter");
    assert_eq!(state.ways.opening, 1);
    say(&mut state, Change::Refused("dana may not forward ports".to_owned()));
    assert_eq!(state.ways.opening, 0);
    assert!(screen(&mut state, 120, 40).contains("dana may not forward ports"));
}

#[test]
fn another_context_takes_no_forward_along() {
    let mut state = chloe();
    let target = Target::of(state.subject().unwrap()).unwrap();
    say(&mut state, Change::Opened(open(1, target, Door::Browser)));
    let context = context();
    update(&mut state, &Keymap::new(), Msg::Switched { context, banner: None });
    assert!(state.ways.open.is_empty());
    assert!(screen(&mut state, 120, 40).contains("now on prod-weu; the forward of before has ended"));
}
