//! Random keys, sizes and news, in any order: nothing panics, and the selection stays with its UID.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use proptest::{collection::vec, prelude::*};

use crate::{
    engine::{Order, Proposal, desk::runs::Summary},
    fleet::{fixture::*, *},
    index::{Delta, Facet, Kind, Link},
    plan::{self, End, Intent, Ledger, News},
};

use super::{
    effect::{Effect, Say},
    fixture::*,
    keymap::Keymap,
    msg::{Begun, Msg, Remembered},
    state::{State, overlay::Overlay, who::Found},
    update::{acting_tests::proposal, runs_tests::summary, update},
};

#[derive(Clone, Debug)]
enum Step {
    Key(KeyCode, bool),
    Paste(String),
    Resize(u16, u16),
    /// Tenant `.0` is (again) as pod number `.1` says, made by the generation `.2` of its objects.
    Tenant(u8, u8, u8),
    Remove(u8),
    Link(u8, u8),
    /// A run of ours begins, or ends; or another's is remembered so.
    Run(u8),
    Wait(u16),
    Draw,
}

fn step() -> impl Strategy<Value = Step> {
    let chars = "qjkgGhitoOSC?:/!<>.,-_ abcdeflmnrsuvwxyzLFMRTUXZ0123456789ü日@&".chars().collect::<Vec<_>>();
    let code = prop_oneof![
        8 => proptest::sample::select(chars).prop_map(KeyCode::Char),
        1 => Just(KeyCode::Enter),
        1 => Just(KeyCode::Esc),
        1 => Just(KeyCode::Up),
        1 => Just(KeyCode::Down),
        1 => Just(KeyCode::PageUp),
        1 => Just(KeyCode::PageDown),
        1 => Just(KeyCode::Home),
        1 => Just(KeyCode::End),
        1 => Just(KeyCode::Tab),
        1 => Just(KeyCode::Backspace),
        1 => Just(KeyCode::Delete),
        1 => Just(KeyCode::F(5)),
    ];
    prop_oneof![
        8 => (code, proptest::bool::weighted(0.1)).prop_map(|(code, ctrl)| Step::Key(code, ctrl)),
        1 => "[a-z:<\\PC\n]{0,12}".prop_map(Step::Paste),
        2 => (0_u16..220, 0_u16..70).prop_map(|(w, h)| Step::Resize(w, h)),
        4 => (0_u8..12, 0_u8..8, 0_u8..3).prop_map(|(n, pod, generation)| Step::Tenant(n, pod, generation)),
        2 => (0_u8..12).prop_map(Step::Remove),
        1 => (0_u8..6, 0_u8..5).prop_map(|(kind, link)| Step::Link(kind, link)),
        1 => (0_u8..5).prop_map(Step::Run),
        1 => (0_u16..400).prop_map(Step::Wait),
        4 => Just(Step::Draw),
    ]
}

fn member(n: u8, pod: u8) -> Tenant {
    let pod = match pod {
        0 => None,
        1 => Some(pod_with_fault()),
        2 => Some(starting()),
        3 => Some(ready()),
        n => Some(booting(usize::from(n))),
    };
    let mut tenant = tenant(&format!("t{n}"), pod);
    tenant.quotas = Box::new([quota("2Gi")]);
    tenant
}

fn pod_with_fault() -> Pod {
    let mut pod = booting(2);
    pod.stages[2].state = waiting("CrashLoopBackOff");
    pod
}

/// The parts of tenant `n`, with UIDs of this generation.
fn parts(n: u8, pod: u8, generation: u8) -> Vec<Facet> {
    facets(u128::from(n) * 10 + u128::from(generation) + 1, member(n, pod))
}

fn link(n: u8) -> Link {
    match n {
        0 => Link::Loading,
        1 => Link::Live,
        2 => Link::Polling { every: 30 },
        3 => Link::Broken { since: at(NOW), why: text("connection reset") },
        _ => Link::Forbidden { why: text("forbidden") },
    }
}

/// What is heard of runs: one of ours that begins or ends, or what the cluster remembers of another's.
fn run(what: u8) -> Vec<Msg> {
    let Proposal { plan, .. } = *proposal(&Intent::Delete { purge: true }, &["t1", "t2"]);
    let id = plan.id.clone();
    let summary = |state| Summary { run: id.clone(), state, ..summary() };
    let remembered = |state| vec![Msg::Remembered(Remembered::All(Ok(vec![summary(state)])))];
    match what {
        0 => {
            let ledger = Ledger::new(&plan);
            vec![Msg::Begun(None, Ok(Begun { plan: plan.into(), ledger, recorded: true }))]
        }
        1 => {
            let news = News::Ended { end: End::Failed, said: "1 failed".to_owned() };
            let event = plan::Event { at: at(NOW), news };
            vec![Msg::Ran(id.clone(), Box::new(event)), Msg::RunEnded(id)]
        }
        2 => remembered("running"),
        3 => remembered("left"),
        _ => remembered("failed"),
    }
}

fn take(state: &mut State, keys: &Keymap, step: Step) {
    let now = state.now;
    let mut say = |msg| drop(update(state, keys, msg));
    match step {
        Step::Key(code, ctrl) => {
            let modifiers = if ctrl { KeyModifiers::CONTROL } else { KeyModifiers::NONE };
            state.settle_for_key();
            let yes = matches!(state.overlays.last(), Some(Overlay::Asking(_)))
                && matches!(code, KeyCode::Char('y') | KeyCode::Enter);
            let effects = update(state, keys, Msg::Key(KeyEvent::new(code, modifiers)));
            // No plan was ever shown here: nothing can have been begun. A run that goes on is paused at once; it is given
            // up or taken up where that was asked and answered.
            let wrong = |e: &Effect| match e {
                Effect::Begin { .. } => true,
                Effect::Order(_, Order::Stop) | Effect::Say(_, Say::Abort | Say::TakeUp) => !yes,
                _ => false,
            };
            assert!(!effects.iter().any(wrong), "{effects:?}");
        }
        Step::Paste(text) => say(Msg::Paste(text)),
        Step::Resize(width, height) => say(Msg::Resize(width, height)),
        Step::Tenant(n, pod, generation) => {
            // A new generation replaces the old one's objects, as a delete and a create do.
            for old in (0..3).filter(|g| *g != generation) {
                parts(n, pod, old).into_iter().for_each(|f| say(Msg::Delta(Delta::Remove(f.part.kind(), f.key))));
            }
            parts(n, pod, generation).into_iter().for_each(|f| say(Msg::Delta(Delta::Upsert(Box::new(f)))));
        }
        Step::Remove(n) => {
            for generation in 0..3 {
                let all = parts(n, 3, generation);
                all.into_iter().for_each(|f| say(Msg::Delta(Delta::Remove(f.part.kind(), f.key))));
            }
        }
        Step::Link(kind, n) => say(Msg::Delta(Delta::Link(Kind::ALL[usize::from(kind)], link(n)))),
        Step::Run(what) => run(what).into_iter().for_each(say),
        Step::Wait(seconds) => {
            let now = now.plus(u32::from(seconds));
            say(Msg::Now(now));
        }
        Step::Draw => {
            let (width, height) = state.size;
            frame(state, width, height);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_panics_whatever_is_pressed_and_whatever_comes(steps in vec(step(), 1..120)) {
        let keys = Keymap::new();
        let mut state = with((0..6).map(|n| member(n, n)).collect());
        for step in steps {
            take(&mut state, &keys, step);
        }
        state.settle();
        for (width, height) in [(80, 24), (40, 10), (7, 3), (200, 60)] {
            frame(&mut state, width, height);
        }
    }

    #[test]
    fn the_selection_follows_its_uid_through_any_news(
        first in 0_usize..12,
        news in vec((0_u8..12, proptest::option::of((0_u8..8, 0_u8..3))), 1..60),
        sorts in vec(any::<bool>(), 1..60),
    ) {
        let keys = Keymap::new();
        let mut state = console();
        for n in 0..12 {
            take(&mut state, &keys, Step::Tenant(n, 3, 0));
        }
        state.settle();
        for _ in 0..=first {
            press(&mut state, "j");
        }
        for ((n, what), sort) in news.into_iter().zip(sorts.into_iter().cycle()) {
            let before = state.list.selected.clone();
            take(&mut state, &keys, what.map_or(Step::Remove(n), |(pod, g)| Step::Tenant(n, pod, g)));
            if sort {
                press(&mut state, "o");
            }
            state.settle();
            let mended = (state.list.order.clone(), (state.list.counts, state.list.kept_down), state.list.hidden);
            let mut anew = state.list.clone();
            anew.disturb();
            anew.settle(&state.fleet, &state.board, state.now, 20, true);
            prop_assert_eq!(mended, (anew.order, (anew.counts, anew.kept_down), anew.hidden));
            let Some(before) = before else { continue };
            let current = state.list.current();
            match before.find(&state.fleet) {
                Found::Here(entry) => {
                    let current = current.expect("who is there stays selected");
                    prop_assert_eq!(current.uid, entry.tenant.uid());
                    prop_assert_eq!(&current.namespace, &before.namespace);
                }
                _ => prop_assert!(current.is_none_or(|c| c.uid != before.uid)),
            }
            if let Some(current) = current {
                prop_assert_eq!(&state.list.order[state.list.at], &current.namespace);
            }
        }
    }
}
