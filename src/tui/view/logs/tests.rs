use insta::assert_snapshot;

use crate::{
    cluster::logs::{Block, Channel, Lane, News, Pen, Stream},
    fleet::Text,
    tui::{
        effect::Effect,
        fixture::*,
        state::{State, View, logs::Logs},
    },
};

/// A tenant whose stages are over and whose containers go on, with what is hostile in it.
fn tailing() -> State {
    let mut state = with(mixed());
    press(&mut state, "/ \"tomas\" enter");
    let effects = press(&mut state, "l");
    assert!(matches!(&effects[..], [Effect::Tail { targets, .. }] if *targets[0].id == *"tomas-v"), "{effects:?}");
    let logs = state.logs.as_mut().unwrap();
    for (n, name) in ["", "seed-app", "rehydrate-runtime-apt", "gateway", "browser"].into_iter().enumerate() {
        let lane = Lane(u16::try_from(n).unwrap());
        logs.take(News::Channel(Channel { lane, tenant: 0, container: Text::from(name), stage: n < 3 && n > 0 }));
        if n > 0 {
            logs.take(News::Stream(lane, if n < 3 { Stream::Ended } else { Stream::Live }));
        }
    }
    for (second, lane, text) in [
        (0, 1, "seed-app: done"),
        (9, 2, "Get:1 https://deb.debian.org/debian bookworm InRelease [151 kB]"),
        (31, 0, "pod replaced, revision 7d9f -> 8aaa, 41s gap"),
        (72, 3, "\x1b[32mINFO\x1b[0m listening on 0.0.0.0:18789"),
        (73, 3, r#"{"level":"warn","time":1,"msg":"slow provider","ms":2100,"authorization":"Bearer abcdef"}"#),
        (73, 4, "\x1b]0;evil\x07\x1b[2J-- pod replaced --\u{202e}"),
        (
            75,
            3,
            "ERROR failed to reach LiteLLM: http://litellm:4000/v1?api_key=sk-12345678901234567890 answered 502 after three attempts, giving up for now",
        ),
        (75, 4, "日本語 browser page loaded"),
    ] {
        say(logs, second, lane, text);
    }
    state.settle();
    state
}

fn say(logs: &mut Logs, second: i64, lane: u16, text: &str) {
    let mut block = Block::default();
    let time = Some((1_790_000_000 + second) * 1_000_000_000);
    if lane == 0 {
        block.joint(Lane(lane), time, text);
    } else {
        block.write(&mut Pen::default(), Lane(lane), time, text.as_bytes(), 0);
    }
    logs.take(News::Lines(block));
}

#[test]
fn a_tail() {
    let mut state = tailing();
    assert_snapshot!("logs_80x24", screen(&mut state, 80, 24));
    assert_snapshot!("logs_44x12", screen(&mut state, 44, 12));
    press(&mut state, "t w /");
    press(&mut state, "\"li[ts]\" enter");
    assert_snapshot!("logs_120x40_search", styled(&mut state, 120, 40));
    press(&mut state, ":");
    press(&mut state, "\"glyphs\" enter f");
    assert_snapshot!("logs_80x24_ascii_full", screen(&mut state, 80, 24));
}

#[test]
fn whoever_stands_is_never_moved_and_new_lines_are_counted() {
    let mut state = tailing();
    for n in 0..100 {
        say(state.logs.as_mut().unwrap(), 100 + n, 3, &format!("line {n}"));
    }
    let before = screen(&mut state, 80, 24);
    assert!(before.contains("following") && before.contains("line 99"), "{before}");
    press(&mut state, "up up");
    let body = |screen: &str| screen.lines().skip(3).take(20).map(str::to_owned).collect::<Vec<_>>();
    let still = body(&screen(&mut state, 80, 24));
    for n in 0..50 {
        say(state.logs.as_mut().unwrap(), 300 + n, 3, &format!("more {n}"));
        assert_eq!(body(&screen(&mut state, 80, 24)), still);
    }
    assert!(screen(&mut state, 80, 24).contains("standing, 50 new below"));
    press(&mut state, "G");
    assert!(screen(&mut state, 80, 24).contains("more 49"));
    press(&mut state, "g");
    assert!(screen(&mut state, 80, 24).contains("seed-app: done"));

    press(&mut state, "G s");
    say(state.logs.as_mut().unwrap(), 400, 3, "the latest");
    let standing = screen(&mut state, 80, 24);
    assert!(standing.contains("standing, 1 new below") && !standing.contains("the latest"), "{standing}");
    press(&mut state, "s");
    let following = screen(&mut state, 80, 24);
    assert!(following.contains("following") && following.contains("the latest"), "{following}");
}

#[test]
fn filters_hold_for_what_is_there_and_what_comes() {
    let mut state = tailing();
    press(&mut state, "&");
    press(&mut state, "\"error|slow\" enter");
    say(state.logs.as_mut().unwrap(), 80, 3, "another error");
    say(state.logs.as_mut().unwrap(), 81, 3, "all fine");
    let shown = screen(&mut state, 120, 40);
    assert!(
        shown.contains("4 of 10 lines") && shown.contains("another error") && !shown.contains("all fine"),
        "{shown}"
    );
    assert!(shown.contains("pod replaced, revision"), "a joint stays: {shown}");
    press(&mut state, "!");
    press(&mut state, "\"another\" enter");
    let shown = screen(&mut state, 120, 40);
    assert!(shown.contains("&error|slow  !another  3 of 10 lines") && !shown.contains("another error"), "{shown}");
    press(&mut state, "& ctrl-u enter");
    let shown = screen(&mut state, 120, 40);
    assert!(shown.contains("all fine") && !shown.contains("another error"), "{shown}");
    press(&mut state, "! ctrl-u esc");
    assert!(screen(&mut state, 120, 40).contains("!another"), "esc brings back what was");
    press(&mut state, "! ctrl-u enter");
    press(&mut state, "& \"(\"");
    assert!(screen(&mut state, 120, 40).contains("unclosed group"));
    press(&mut state, "esc L L");
    let shown = screen(&mut state, 120, 40);
    assert!(shown.contains("error or worse"), "{shown}");
}

#[test]
fn a_time_leads_to_the_first_line_that_is_not_before_it() {
    let mut state = tailing();
    // The console's clock is not that of these lines: a whole date.
    let at = |state: &State| state.logs.as_ref().unwrap().current().unwrap().str().to_owned();
    press(&mut state, "@");
    press(&mut state, "\"2026-09-21T14:14:32\" enter");
    assert!(at(&state).contains("listening on"), "{}", at(&state));
    let shown = screen(&mut state, 120, 40);
    assert!(shown.contains("14:14:32.000") && shown.contains("standing"), "times are shown: {shown}");
    press(&mut state, "@ \"2026-09-20T00:00:00\" enter");
    assert_eq!(at(&state), "seed-app: done");
    assert!(screen(&mut state, 120, 40).contains("shown begin at 2026-09-21T14:13:20Z: digits read further back"));
    press(&mut state, "@ \"2026-09-22T00:00:00\" enter");
    assert!(at(&state).contains("page loaded"));
    press(&mut state, "@ \"soon\"");
    assert!(screen(&mut state, 120, 40).contains("a time such as 14:05"));
    press(&mut state, "enter");
    assert!(screen(&mut state, 120, 40).contains("\"soon\" is no time"));
}

/// Two containers of each of three tenants.
fn many() -> State {
    let mut state = with(mixed());
    press(&mut state, "/ \"phase:ready\" enter");
    let effects = press(&mut state, "L");
    let [Effect::Tail { targets, wanted }] = &effects[..] else { panic!("{effects:?}") };
    assert!(targets.len() > 2 && wanted.tail == Some(50), "{wanted:?}");
    let logs = state.logs.as_mut().unwrap();
    for tenant in 0..3_u16 {
        for (n, name) in [(1, "gateway"), (2, "browser")] {
            let lane = Lane(tenant * 32 + n);
            let channel = Channel { lane, tenant: tenant.into(), container: Text::from(name), stage: false };
            logs.take(News::Channel(channel));
            say(logs, i64::from(tenant), lane.0, &format!("line of {name}"));
        }
    }
    state
}

#[test]
fn many_tenants_are_one_page() {
    let mut state = many();
    assert_snapshot!("logs_many_80x24", screen(&mut state, 80, 24));
    let ids: Vec<_> = state.logs.as_ref().unwrap().targets.iter().map(|t| t.id.to_string()).collect();
    press(&mut state, "c");
    let shown = screen(&mut state, 120, 40);
    assert!(shown.contains("only gateway") && shown.matches("line of gateway").count() == 3, "{shown}");
    assert!(!shown.contains("line of browser"), "{shown}");
    press(&mut state, "T T");
    let shown = screen(&mut state, 120, 40);
    assert!(shown.contains(&format!("only {}", ids[1])) && shown.matches("line of ").count() == 2, "{shown}");
    // What is asked of one is asked of the one whose line is read.
    assert_eq!(state.subject().unwrap().tenant.id, *ids[1].as_str());
    press(&mut state, "T T");
    assert!(screen(&mut state, 120, 40).contains("all containers are shown"));
    press(&mut state, "g");
    assert_eq!(state.subject().unwrap().tenant.id, *ids[0].as_str());
}

#[test]
fn there_is_a_bound_and_it_is_said() {
    let mut all = Vec::new();
    for n in 0..60 {
        all.push(crate::fleet::fixture::tenant(&format!("t{n:02}"), Some(crate::fleet::fixture::ready())));
    }
    let mut state = with(all);
    let effects = press(&mut state, "L");
    assert!(matches!(&effects[..], [Effect::Tail { targets, .. }] if targets.len() == 50), "{effects:?}");
    let shown = screen(&mut state, 120, 40);
    assert!(shown.contains("the first 50 of 60 tenants") && shown.contains("t00 and 49 more of 60"), "{shown}");
}

#[test]
fn a_line_of_more_rows_than_are_shown_says_so() {
    let mut state = tailing();
    press(&mut state, "w");
    say(state.logs.as_mut().unwrap(), 90, 3, &"x".repeat(16_000));
    let shown = screen(&mut state, 80, 60);
    assert!(shown.contains(" more rows: y copies the whole line]"), "{shown}");
}

#[test]
fn containers_are_switched_and_errors_found() {
    let mut state = tailing();
    press(&mut state, "c c c");
    let shown = screen(&mut state, 120, 40);
    assert!(shown.contains("only gateway") && !shown.contains("page loaded"), "{shown}");
    press(&mut state, "=");
    press(&mut state, "G e");
    let at = |state: &State| state.logs.as_ref().unwrap().current().unwrap().str().to_owned();
    assert!(at(&state).starts_with("ERROR failed"), "{}", at(&state));
    press(&mut state, "G up up -");
    let shown = screen(&mut state, 120, 40);
    assert!(shown.contains("browser is hidden") && !shown.contains("page loaded"), "{shown}");
}

#[test]
fn copies_and_files_are_masked_and_say_what_they_are() {
    let mut state = tailing();
    press(&mut state, "e space up up space");
    let [Effect::Copy(text)] = &press(&mut state, "y")[..] else { panic!() };
    assert_eq!(text.lines().count(), 2);
    assert!(
        text.contains("api_key=***")
            && text.contains("Bearer ***")
            && !text.contains("sk-1")
            && !text.contains("abcdef"),
        "{text}"
    );
    let [Effect::Save { name, text }] = &press(&mut state, "ctrl-s")[..] else { panic!() };
    assert!(name.starts_with("fleetdeck-tomas-v-") && name.ends_with(".log"), "{name}");
    assert_snapshot!("logs_saved", text);
}

#[test]
fn a_line_of_json_opens_and_closes() {
    let mut state = tailing();
    assert!(screen(&mut state, 120, 40).contains("slow provider authorization=Bearer *** ms=2100"));
    press(&mut state, "up up up enter");
    let shown = screen(&mut state, 120, 40);
    assert!(shown.contains("  ms: 2100"), "{shown}");
    press(&mut state, "enter J");
    assert!(screen(&mut state, 120, 40).contains(r#""msg":"slow provider""#));
}

#[test]
fn leaving_ends_the_tail_and_digits_read_anew() {
    let mut state = tailing();
    let effects = press(&mut state, "3");
    assert!(matches!(&effects[..], [Effect::Tail { wanted, .. }] if wanted.since == Some(900)), "{effects:?}");
    assert!(state.logs.as_ref().unwrap().ring.is_empty());
    let effects = press(&mut state, "p");
    assert!(matches!(&effects[..], [Effect::Tail { wanted, .. }] if wanted.previous && !wanted.follow), "{effects:?}");
    press(&mut state, "q");
    assert!(state.logs.is_none() && !state.views.iter().any(|v| matches!(v, View::Logs)));
}
