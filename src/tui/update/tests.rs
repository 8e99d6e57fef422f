use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use crate::{
    fleet::{fixture::*, *},
    index::{Delta, Facet, Key, Kind, Part},
    tui::{
        command::Place,
        effect::Effect,
        fixture::*,
        keymap::Keymap,
        msg::Msg,
        session::ContextInfo,
        state::{Notice, State},
        update::update,
    },
};

fn selected(state: &State) -> &str {
    state.list.current().map_or("", |w| w.id.as_str())
}

fn said(state: &State) -> String {
    match &state.notice {
        Some(Notice::Info(text) | Notice::Error(text)) => text.clone(),
        None => String::new(),
    }
}

fn say(state: &mut State, msg: Msg) -> Vec<Effect> {
    let effects = update(state, &Keymap::new(), msg);
    state.settle();
    effects
}

#[test]
fn overlays_open_close_and_show() {
    let mut state = with(mixed());
    press(&mut state, "?");
    insta::assert_snapshot!("help_120x60", screen(&mut state, 120, 60));
    insta::assert_snapshot!("help_80x24", screen(&mut state, 80, 24));
    press(&mut state, "G");
    assert!(screen(&mut state, 80, 24).contains("disk:"));
    press(&mut state, "? :");
    insta::assert_snapshot!("palette_80x24", screen(&mut state, 80, 24));
    press(&mut state, "\"theme\"");
    insta::assert_snapshot!("palette_120x40", screen(&mut state, 120, 40));
    press(&mut state, "esc C");
    insta::assert_snapshot!("contexts_80x24", screen(&mut state, 80, 24));
    press(&mut state, "esc S");
    insta::assert_snapshot!("sources_80x24", screen(&mut state, 80, 24));
    insta::assert_snapshot!("sources_120x40", screen(&mut state, 120, 40));
    press(&mut state, "esc");
    assert_eq!(state.place(), Place::Fleet);
    press(&mut state, "enter ?");
    insta::assert_snapshot!("help_tenant_120x40", screen(&mut state, 120, 40));
}

#[test]
fn the_palette_runs_what_it_shows() {
    let mut state = with(mixed());
    press(&mut state, ": \"theme\" space \"light\" enter");
    assert_eq!(state.looks.theme, "light");
    press(&mut state, ": \"sort\" space \"disk\" enter");
    assert_eq!(state.list.sort.word(), "disk");
    assert_eq!(press(&mut state, ": \"q\" enter"), [Effect::Quit]);
    assert_eq!(press(&mut state, ": \"ctx\" space \"lab\" enter"), [Effect::Connect("lab".into())]);
    press(&mut state, ": \"qqqq\" enter");
    assert!(said(&state).contains("nothing here is called"), "{}", said(&state));
}

#[test]
fn escape_puts_away_one_thing_at_a_time_and_never_quits() {
    let mut state = with(mixed());
    press(&mut state, "/ \"leo\" enter enter ?");
    state.fail("something went wrong");
    for (place, text) in [(Place::Tenant, "leo"), (Place::Tenant, "leo"), (Place::Fleet, "leo"), (Place::Fleet, "")] {
        assert_eq!(press(&mut state, "esc"), []);
        assert_eq!((state.place(), state.list.filter.text.as_str()), (place, text));
    }
    assert_eq!(press(&mut state, "esc esc esc"), []);
}

#[test]
fn the_filter_is_live_and_escape_brings_back_what_was() {
    let mut state = with(mixed());
    press(&mut state, "/ \"phase:failing\"");
    assert_eq!(state.list.order.len(), 3);
    press(&mut state, "enter / space \"tier:max\"");
    assert_eq!(state.list.order.len(), 1);
    press(&mut state, "esc");
    assert_eq!((state.list.filter.text.as_str(), state.list.order.len()), ("phase:failing", 3));
}

#[test]
fn a_wrong_filter_is_said_in_place_and_changes_nothing() {
    let mut state = with(mixed());
    press(&mut state, "/ \"phase:failing\" space \"phase:sleeping\"");
    assert_eq!(state.list.order.len(), 3);
    let shown = screen(&mut state, 120, 24);
    assert!(shown.lines().nth(1).unwrap().contains("no such phase"), "{shown}");
    insta::assert_snapshot!("filter_error_80x24", screen(&mut state, 80, 24));
}

/// Else `M` would mark whom the rest of the filter lets in.
#[test]
fn a_wrong_filter_is_not_left_standing() {
    let mut state = with(mixed());
    press(&mut state, "/ \"phase:sleeping\" enter M");
    assert_eq!((state.place(), state.marks.len()), (Place::Filter, 0), "its field stays open, and letters are typed");
    press(&mut state, "esc");
    assert_eq!((state.place(), state.list.filter.text.as_str()), (Place::Fleet, ""));
}

#[test]
fn the_selection_stays_with_its_tenant_when_rows_move() {
    let mut state = with(mixed());
    press(&mut state, "/ \"nadia\" enter esc");
    assert_eq!(selected(&state), "nadia");
    press(&mut state, "o");
    assert_eq!((state.list.sort.word(), selected(&state)), ("name", "nadia"));
    press(&mut state, "O");
    assert_eq!(selected(&state), "nadia");
    assert_eq!(state.list.order[state.list.at], *"tenant-nadia");
}

#[test]
fn a_tenant_that_goes_leaves_the_nearest_row_and_is_named() {
    let mut state = with(mixed());
    press(&mut state, "o / \"hana\" enter esc");
    let row = state.list.at;
    let gone: Vec<_> = facets(13, tenant("hana", None))
        .into_iter()
        .map(|f| Delta::Remove(f.part.kind(), f.key))
        .chain([Delta::Remove(Kind::Quota, Key { namespace: text("tenant-hana"), uid: uid(13_050) })])
        .collect();
    feed(&mut state, gone);
    assert_eq!((selected(&state), state.list.at), ("ivo", row));
    assert_eq!(said(&state), "hana is gone; selected is ivo now");
}

#[test]
fn a_tenant_made_anew_is_not_the_selected_one() {
    let mut state = with(vec![tenant("leo", None), tenant("maria", Some(later(ready(), 100)))]);
    press(&mut state, "/ \"maria\" enter esc");
    let before = state.list.current().cloned().unwrap();
    let old = facets(2, tenant("maria", Some(ready())));
    feed(&mut state, old.into_iter().map(|f| Delta::Remove(f.part.kind(), f.key)).collect());
    assert_eq!(said(&state), "maria is gone; selected is leo now");
    let new = facets(9, tenant("maria", Some(later(ready(), 9_900))));
    feed(&mut state, new.into_iter().map(|f| Delta::Upsert(Box::new(f))).collect());
    assert_eq!(selected(&state), "leo", "the old name does not bring the selection back");
    press(&mut state, "/ \"maria\" enter esc");
    assert_ne!(state.list.current().unwrap().uid, before.uid);
}

#[test]
fn the_screen_line_of_the_selected_row_stays_when_rows_come_above_it() {
    let ids = |prefix: &str, n: usize| (0..n).map(|i| tenant(&format!("{prefix}{i:02}"), None)).collect::<Vec<_>>();
    let mut state = with(ids("m", 60));
    press(&mut state, "o pgdn pgdn down");
    let (who, line) = (selected(&state).to_owned(), state.list.at - state.list.offset);
    let more: Vec<_> = (100..).zip(ids("a", 5)).flat_map(|(n, t)| facets(n, t)).collect();
    feed(&mut state, more.into_iter().map(|f: Facet| Delta::Upsert(Box::new(f))).collect());
    assert_eq!((selected(&state), state.list.at - state.list.offset), (who.as_str(), line));
}

#[test]
fn copies_say_what_they_did() {
    let mut state = with(mixed());
    press(&mut state, "/ \"tomas\" enter");
    assert_eq!(press(&mut state, "i"), [Effect::Copy("tomas-v".into())]);
    assert!(said(&state).starts_with("copied tomas-v"));
    press(&mut state, "enter");
    let effects = press(&mut state, "h");
    let [Effect::Copy(text)] = &effects[..] else { panic!("{effects:?}") };
    insta::assert_snapshot!("hand_over", text);
}

#[test]
fn nothing_can_be_done_to_a_row_that_is_not_shown() {
    let mut state = with(mixed());
    press(&mut state, "/ \"zzzz\" enter");
    assert_eq!(press(&mut state, "i h enter"), []);
    assert_eq!(state.place(), Place::Fleet);
    assert_eq!(said(&state), "no tenant is selected");
}

#[test]
fn switching_the_context_leaves_nothing_of_the_old_one() {
    let mut state = with(mixed());
    press(&mut state, "o enter");
    assert_eq!(press(&mut state, "C \"eus\" enter"), [Effect::Connect("prod-eus".into())]);
    assert!(screen(&mut state, 120, 24).contains("connecting to prod-eus"));
    assert_eq!(state.fleet.len(), 15, "the old one is looked at until the new one is there");
    say(&mut state, Msg::NotSwitched("the server does not answer".into()));
    assert_eq!(said(&state), "not switched to prod-eus: the server does not answer");
    assert_eq!(state.fleet.len(), 15);

    press(&mut state, "esc C \"eus\" enter");
    let context = ContextInfo { name: "prod-eus".into(), ..context() };
    say(&mut state, Msg::Switched { context, banner: None });
    assert_eq!((state.fleet.len(), state.place(), state.list.selected.as_ref()), (0, Place::Fleet, None));
    assert_eq!(state.list.sort.word(), "name");
    let shown = screen(&mut state, 80, 24);
    assert!(shown.contains("reading the fleet of prod-eus"), "{shown}");
}

#[test]
fn a_tenant_named_on_the_command_line_opens_when_it_is_seen() {
    let mut state = console();
    state.awaited = Some("nadia.oclawbox.com".into());
    state.settle();
    assert_eq!(state.place(), Place::Fleet);
    feed(&mut state, first_lists(mixed()));
    assert_eq!(state.place(), Place::Tenant);
    assert_eq!(state.subject().unwrap().tenant.id, *"nadia");

    let mut state = console();
    state.awaited = Some("nobody".into());
    feed(&mut state, first_lists(mixed()));
    assert_eq!(state.place(), Place::Fleet);
    assert!(said(&state).contains("no tenant answers to \"nobody\""));
    assert_eq!(state.list.filter.text, "nobody");
}

#[test]
fn pasted_text_is_typed_into_fields_and_never_run() {
    let mut state = with(mixed());
    assert_eq!(say(&mut state, Msg::Paste("q:quit\n".into())), []);
    assert_eq!(state.place(), Place::Fleet);
    press(&mut state, "/");
    say(&mut state, Msg::Paste("maria\nq".into()));
    assert_eq!(state.list.filter.text, "maria");
}

#[test]
fn released_keys_do_nothing() {
    let mut state = with(mixed());
    let mut event = KeyEvent::new(KeyCode::Char('q'), KeyModifiers::NONE);
    event.kind = KeyEventKind::Release;
    assert_eq!(say(&mut state, Msg::Key(event)), []);
}

#[test]
fn errors_stay_until_they_are_put_away() {
    let mut state = with(mixed());
    say(&mut state, Msg::FeedEnded);
    press(&mut state, "j k t");
    assert!(said(&state).contains("nothing new will come"));
    assert!(screen(&mut state, 80, 24).contains("esc puts this away"));
    // Whoever is asked sees the answer, and after the next key the error again.
    press(&mut state, "/ \"phase:sleeping\" enter");
    assert!(said(&state).contains("no filter yet"), "{}", said(&state));
    press(&mut state, "esc");
    assert!(said(&state).contains("nothing new will come"));
    press(&mut state, "esc");
    assert_eq!(said(&state), "");
}

#[test]
fn ages_ask_for_the_next_frame_only_when_they_will_read_differently() {
    let wake = |state: &mut State| {
        state.size = (120, 24);
        state.settle();
        let area = ratatui::layout::Rect { x: 0, y: 0, width: 120, height: 24 };
        crate::tui::view::draw(state, &mut ratatui::buffer::Buffer::empty(area))
    };
    // A boot's seconds run.
    assert_eq!(wake(&mut with(mixed())), Some(at(NOW + 1)));
    // Ready for 2 h 41 min 30 s: reads differently in 18 min 30 s; the header's own age does sooner, in a minute.
    let mut state = with(vec![tenant("chloe", Some(later(ready(), 200)))]);
    assert_eq!(wake(&mut state), Some(at(NOW + 60)));
    say(&mut state, Msg::Now(at(NOW + 60)));
    assert_eq!(wake(&mut state), Some(at(NOW + 120)));
}

#[test]
fn a_key_is_meant_for_the_row_that_was_drawn_as_selected() {
    // While the first lists come in, the worst of them stands at the top and is selected.
    let mut state = console();
    let news = |n, tenant| facets(n, tenant).into_iter().map(|f| Delta::Upsert(Box::new(f))).collect::<Vec<_>>();
    feed(&mut state, news(1, tenant("leo", Some(later(ready(), 100)))));
    assert_eq!(selected(&state), "leo");
    let mut pod = later(booting(0), NOW - 300);
    pod.stages[0].state = waiting("ImagePullBackOff");
    for delta in news(2, tenant("zoe", Some(pod))) {
        update(&mut state, &Keymap::new(), Msg::Delta(delta));
    }
    let mut undrawn = state;
    press(&mut undrawn, "enter");
    assert_eq!(undrawn.subject().unwrap().tenant.id, *"leo");
    press(&mut undrawn, "esc");
    assert_eq!((selected(&undrawn), undrawn.list.at), ("leo", 1), "a person has chosen now");
}

#[test]
fn a_vanished_pod_keeps_the_selection() {
    let mut state = with(mixed());
    press(&mut state, "/ \"petra\" enter esc");
    feed(&mut state, vec![Delta::Remove(Kind::Pod, Key { namespace: text("tenant-petra"), uid: uid(7_010) })]);
    assert_eq!(selected(&state), "petra");
    let pod = Pod { uid: uid(7_011), ..later(booting(0), NOW) };
    let key = Key { namespace: text("tenant-petra"), uid: uid(7_011) };
    let facet = Facet { key, tenant: Some(text("petra")), tier: None, part: Part::Pod(pod) };
    feed(&mut state, vec![Delta::Upsert(Box::new(facet))]);
    assert_eq!((selected(&state), said(&state).as_str()), ("petra", ""));
}
