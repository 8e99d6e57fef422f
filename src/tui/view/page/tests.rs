use ratatui::{buffer::Buffer, layout::Rect};

use crate::{
    cluster::{EventLine, Objects, Said},
    fleet::{Container, Pod, Right, Rights, State as Run, Warning, fixture::*},
    index::{Delta, Facet, Key, Part},
    tui::{
        ask::{Answer, Ask, Refusal},
        command::Place,
        effect::Effect,
        fixture::*,
        glyph::GlyphSet,
        keymap::Keymap,
        msg::Msg,
        state::{State, View},
        theme::Depth,
        update::update,
        widget::paint::Paint,
    },
};

/// The mixed fleet, in which six more tenants have booted, of whom one took long over its packages.
fn fleet() -> State {
    let mut all = mixed();
    for n in 0..6_u32 {
        let mut pod = later(ready(), 400 + n * 300);
        if n == 5 {
            let slow = |c: &mut Container| match &mut c.state {
                Run::Running { since } => *since = since.map(|at| at.plus(20)),
                Run::Terminated(t) => {
                    (t.started, t.finished) = (t.started.map(|at| at.plus(20)), t.finished.map(|at| at.plus(20)));
                }
                Run::Waiting(_) => {}
            };
            if let Run::Terminated(t) = &mut pod.stages[3].state {
                t.finished = t.finished.map(|at| at.plus(20));
            }
            pod.stages[4..].iter_mut().chain(&mut *pod.containers).for_each(slow);
            pod.ready.as_mut().unwrap().since = pod.ready.as_ref().unwrap().since.map(|at| at.plus(20));
        }
        all.push(tenant(&format!("zz-{n}"), Some(Pod { uid: uid(900 + u128::from(n)), ..pod })));
    }
    with(all)
}

fn refused(why: &str) -> Result<Answer, Refusal> {
    Err(Refusal { why: why.to_owned(), stands: true })
}

fn answer(state: &mut State, ask: Ask, answer: Result<Answer, Refusal>) {
    assert_eq!(update(state, &Keymap::new(), Msg::Looked(ask, answer)), []);
    state.settle();
}

fn look(effects: &[Effect]) -> Ask {
    let [Effect::Look(ask)] = effects else { panic!("{effects:?}") };
    ask.clone()
}

#[test]
fn the_boots_of_the_fleet() {
    let mut state = fleet();
    assert_eq!(press(&mut state, "b"), []);
    assert_eq!(state.place(), Place::Boots);
    insta::assert_snapshot!("boots_80x24", screen(&mut state, 80, 24));
    insta::assert_snapshot!("boots_120x40", screen(&mut state, 120, 40));
    insta::assert_snapshot!("boots_44x20", screen(&mut state, 44, 20));
    let looks = looks("mono", Depth::None, GlyphSet::Ascii);
    let colourful = std::mem::replace(&mut state.looks, looks);
    let plain = screen(&mut state, 80, 24);
    assert!(plain.is_ascii(), "{plain}");
    insta::assert_snapshot!("boots_80x24_ascii", plain);
    state.looks = colourful;
    press(&mut state, "?");
    insta::assert_snapshot!("boots_help_120x40", screen(&mut state, 120, 40));
    press(&mut state, "esc esc b");
    let mut nobody = with(vec![]);
    press(&mut nobody, "b");
    assert!(screen(&mut nobody, 80, 24).contains("nothing to compare with"));
    feed(&mut nobody, vec![Delta::Boots(Err(text("the history of boots is damaged")))]);
    assert!(screen(&mut nobody, 80, 24).contains("the history of boots is damaged"));
}

#[test]
fn of_a_boot_that_waits_for_what_does_not_come_no_time_is_foretold() {
    let mut state = fleet();
    let mut keyless = booting(0);
    keyless.stages[0].state = waiting("PodInitializing");
    let mut keyless = member("keyless", Some(later(keyless, NOW - 500)), (12, 30));
    keyless.warnings = Box::new([Warning {
        last: Some(at(NOW - 20)),
        reason: text("FailedMount"),
        kind: text("Pod"),
        message: text("MountVolume.SetUp failed for volume \"x\" : secret \"x\" not found"),
        ..refusal(NOW - 400)
    }]);
    feed(&mut state, facets(70, keyless).into_iter().map(|f| Delta::Upsert(Box::new(f))).collect());
    press(&mut state, "b");
    let page = screen(&mut state, 80, 24);
    let under_way = page.lines().skip_while(|l| !l.contains("UNDER WAY")).nth(1).unwrap();
    assert!(under_way.contains("keyless") && under_way.contains("down: config-missing"), "{page}");
}

#[test]
fn a_slow_stage_is_marked_in_the_row_and_on_the_page() {
    let mut state = fleet();
    let row = screen(&mut state, 120, 40);
    assert!(row.contains("slow: 41s, usually 10s"), "{row}");
    press(&mut state, "/ \"nadia\" enter enter");
    let page = screen(&mut state, 120, 40);
    assert!(page.contains("slow: usually 10s, p95 30s"), "{page}");
    insta::assert_snapshot!("slow_120x40", page);
}

#[test]
fn what_changed_lately() {
    let mut state = fleet();
    let pod = Pod { uid: uid(7_011), ..later(booting(0), NOW) };
    let key = Key { namespace: text("tenant-petra"), uid: uid(7_011) };
    let facet = Facet { key, tenant: Some(text("petra")), tier: None, part: Part::Pod(pod) };
    feed(&mut state, vec![Delta::Upsert(Box::new(facet))]);
    press(&mut state, "n");
    assert_eq!(state.place(), Place::Changes);
    insta::assert_snapshot!("changes_80x24", screen(&mut state, 80, 24));
    insta::assert_snapshot!("changes_120x40", screen(&mut state, 120, 40));
}

fn event(second: u32, warning: bool, reason: &str, message: &str) -> EventLine {
    let object = "Pod/openclaw-0".to_owned();
    let (reason, message) = (reason.to_owned(), message.to_owned());
    EventLine {
        last: Some(at(second)),
        first: None,
        warning,
        reason,
        object,
        message,
        count: if warning { 9 } else { 1 },
    }
}

#[test]
fn events_of_the_fleet_and_of_one_tenant() {
    let mut state = fleet();
    assert_eq!(press(&mut state, "e"), [], "the fleet's warnings are watched");
    insta::assert_snapshot!("warnings_80x24", screen(&mut state, 80, 24));
    insta::assert_snapshot!("warnings_120x40", screen(&mut state, 120, 40));
    press(&mut state, "esc / \"maria\" enter enter");
    let ask = look(&press(&mut state, "e"));
    assert_eq!(ask, Ask::Events { namespace: "tenant-maria-k".to_owned() });
    assert!(screen(&mut state, 80, 24).contains("reading the events of tenant-maria-k"));
    let events = vec![
        event(NOW - 5, false, "Pulled", "Container image is there\u{1b}[2J already"),
        event(NOW - 60, true, "BackOff", "Back-off restarting failed container gateway"),
    ];
    answer(&mut state, ask.clone(), Ok(Answer::Events(events)));
    insta::assert_snapshot!("events_80x24", screen(&mut state, 80, 24));
    insta::assert_snapshot!("events_120x40", screen(&mut state, 120, 40));
    assert_eq!(look(&press(&mut state, "ctrl-r")), ask, "read again when asked");
    assert_eq!(press(&mut state, "ctrl-r"), [], "it is on its way already");
    answer(&mut state, ask, refused("listing events is forbidden"));
    let shown = screen(&mut state, 120, 24);
    assert!(shown.contains("only watched warnings are known") && shown.contains("FailedCreate"), "{shown}");
}

#[test]
fn objects_and_their_yaml() {
    let mut state = fleet();
    press(&mut state, "/ \"leo\" enter");
    let ask = look(&press(&mut state, "y"));
    assert_eq!((state.place(), press(&mut state, "enter")), (Place::Objects, vec![]), "nothing to open yet");
    let names = crate::cluster::look::KINDS.iter().take(4);
    let names = names.map(|kind| crate::cluster::ObjectName { kind, name: "openclaw".to_owned() }).collect();
    let objects = Objects { names, missing: vec!["listing ingresses is forbidden".to_owned()] };
    answer(&mut state, ask, Ok(Answer::Objects(objects)));
    press(&mut state, "j j k");
    insta::assert_snapshot!("objects_80x24", screen(&mut state, 80, 24));
    insta::assert_snapshot!("objects_120x40", screen(&mut state, 120, 40));
    let ask = look(&press(&mut state, "enter"));
    let Ask::Yaml { object, .. } = &ask else { panic!("{ask:?}") };
    assert_eq!((object.kind.kind, state.place()), ("Pod", Place::Yaml));
    let yaml = "apiVersion: v1\nkind: Pod\nmetadata:\n  managedFields: (folded)\n  name: openclaw-0\nspec:\n  containers:\n  - name: gateway";
    answer(&mut state, ask, Ok(Answer::Lines(yaml.lines().map(str::to_owned).collect())));
    insta::assert_snapshot!("yaml_80x24", screen(&mut state, 80, 24));
    insta::assert_snapshot!("yaml_120x40", screen(&mut state, 120, 40));
    press(&mut state, "esc esc");
    assert_eq!(state.place(), Place::Fleet);
}

#[test]
fn yaml_is_searched_while_typing_and_from_match_to_match() {
    let mut state = fleet();
    press(&mut state, "/ \"leo\" enter");
    let ask = look(&press(&mut state, "y"));
    let names = crate::cluster::look::KINDS.iter().take(1);
    let names = names.map(|kind| crate::cluster::ObjectName { kind, name: "openclaw".to_owned() }).collect();
    answer(&mut state, ask, Ok(Answer::Objects(Objects { names, missing: vec![] })));
    let ask = look(&press(&mut state, "enter"));
    let line = |n: usize| if n % 50 == 7 { format!("  name: gateway-{n}") } else { format!("  other: {n}") };
    answer(&mut state, ask, Ok(Answer::Lines((0..120).map(line).collect())));
    let top = |state: &State| match state.views.last() {
        Some(View::Page { scroll, .. }) => *scroll,
        other => panic!("{other:?}"),
    };
    press(&mut state, "n");
    assert!(screen(&mut state, 80, 24).contains("nothing is searched for: / asks what"));
    press(&mut state, "/ \"GATEWAY-\"");
    assert!(screen(&mut state, 80, 24).contains("0 of 0 lines"), "large letters are meant");
    press(&mut state, "esc / \"gateway\"");
    assert_eq!((state.place(), state.seek.line, top(&state)), (Place::Filter, Some(7), 0));
    press(&mut state, "enter n");
    assert_eq!((state.seek.line, top(&state)), (Some(57), 51), "a third of the screen above it");
    let shown = screen(&mut state, 80, 24);
    assert!(shown.contains("/gateway 2 of 3 lines") && shown.contains("name: gateway-57"), "{shown}");
    press(&mut state, "n n");
    assert_eq!(state.seek.line, Some(7));
    assert!(screen(&mut state, 80, 24).contains("from the beginning again"));
    press(&mut state, "N");
    assert_eq!(state.seek.line, Some(107));
    press(&mut state, "/ \"[\" enter");
    assert!(screen(&mut state, 80, 24).contains("no pattern"));
    press(&mut state, "esc esc");
    assert_eq!(state.place(), Place::Objects);
}

#[test]
fn the_end_of_a_stages_log_is_read_for_the_open_tenant_alone() {
    let mut state = fleet();
    assert_eq!(state.wonder(at(NOW)), None, "no tenant is open");
    let ask = look(&press(&mut state, "/ \"nadia\" enter enter"));
    let Ask::LogEnd { pod, container, pod_uid, .. } = &ask else { panic!("{ask:?}") };
    assert_eq!((pod.as_str(), container.as_str(), *pod_uid), ("openclaw-0", "rehydrate-runtime-apt", uid(5_010)));
    assert_eq!(state.wonder(at(NOW + 9)), None, "it is on its way");
    answer(
        &mut state,
        ask.clone(),
        Ok(Answer::Log(vec![Said { at: None, text: "Get:7 http://deb.debian.org".to_owned() }])),
    );
    let shown = screen(&mut state, 80, 24);
    assert!(shown.contains("log Get:7 http://deb.debian.org"), "{shown}");
    assert_eq!(state.wonder(at(NOW + 2)), None);
    assert_eq!(state.wonder(at(NOW + 3)), Some(ask.clone()));
    answer(&mut state, ask.clone(), refused("reading the pod's log is forbidden"));
    assert!(screen(&mut state, 80, 24).contains("its log is not known: reading the pod's log is forbidden"));
    assert_eq!(state.wonder(at(NOW + 60)), None, "what is forbidden is not asked for again");
    press(&mut state, "ctrl-r");
    assert_eq!(state.wonder(at(NOW + 60)), Some(ask), "unless somebody wants it");
    // Another pod of that name: nothing of the old one's log is shown beside it.
    let pod = Pod { uid: uid(5_011), ..later(booting(3), NOW - 76) };
    let key = Key { namespace: text("tenant-nadia"), uid: uid(5_010) };
    let new = Key { uid: uid(5_011), ..key.clone() };
    let facet = Facet { key: new, tenant: Some(text("nadia")), tier: None, part: Part::Pod(pod) };
    feed(&mut state, vec![Delta::Remove(crate::index::Kind::Pod, key), Delta::Upsert(Box::new(facet))]);
    assert!(!screen(&mut state, 80, 24).contains("log"));
    press(&mut state, "esc / \"chloe\" enter enter");
    assert_eq!(state.wonder(at(NOW + 60)), None, "a tenant that is ready boots nothing");
}

#[test]
fn logs_that_may_not_be_read_are_not_asked_for() {
    let mut state = fleet();
    let mut rights = Rights::default();
    rights.set(Right::Logs, false);
    feed(&mut state, vec![Delta::Rights { namespace: None, rights }]);
    let effects = press(&mut state, "/ \"nadia\" enter enter");
    assert!(!effects.iter().any(|e| matches!(e, Effect::Look(_))), "{effects:?}");
    let shown = screen(&mut state, 80, 24);
    assert!(shown.contains("its log may not be read (get pods/log)"), "{shown}");
}

#[test]
fn texts_of_any_script_fit_their_fields() {
    let mut nothing = Buffer::empty(Rect::ZERO);
    let looks = looks("dark", Depth::True, GlyphSet::Unicode);
    let paint = Paint::new(&mut nothing, &looks.skin, looks.glyphs.glyphs(), at(NOW));
    let check = |text, expect| assert_eq!(super::field(&paint, text, 6), expect, "{text:?}");
    check("", "       ");
    check("abcdef", "abcdef ");
    check("abcdefg", "abcde… ");
    check("日本語", "日本語 ");
    check("日本語a", "日本…  ");
    check("a\u{1b}[2Jb", "a[2Jb  ");
}

#[test]
fn a_page_of_a_tenant_that_goes_says_so() {
    let mut state = with(vec![tenant("maria", Some(later(ready(), 100)))]);
    press(&mut state, "enter e");
    feed(&mut state, first_lists(vec![]));
    let shown = screen(&mut state, 80, 24);
    assert!(shown.contains("maria is gone"), "{shown}");
    // A late answer changes nothing.
    answer(&mut state, Ask::Events { namespace: "tenant-maria".to_owned() }, Ok(Answer::Events(vec![])));
    assert!(screen(&mut state, 80, 24).contains("maria is gone"));
}
