use super::sort::Sort;
use crate::{fleet::fixture::*, tui::fixture::*};

/// The ids in the order of the rows.
fn order(sort: Sort, reverse: bool) -> Vec<String> {
    let mut state = with(mixed());
    state.list.sort = sort;
    state.list.reverse = reverse;
    state.list.disturb();
    state.settle();
    state.list.order.iter().map(|ns| ns.trim_start_matches("tenant-").to_owned()).collect()
}

#[test]
fn the_worst_stand_first_and_within_a_phase_the_newest() {
    let rows = order(Sort::Severity, false);
    assert_eq!(rows[..6], ["leo", "maria-k", "tomas-v", "jun", "oskar", "nadia"]);
    assert_eq!(rows[rows.len() - 2..], ["hana", "ivo"]);
}

#[test]
fn what_is_unknown_stands_last_whichever_way_round() {
    let memory = order(Sort::Memory, false);
    let reversed = order(Sort::Memory, true);
    assert_eq!(memory[..3], reversed[..3], "equal, then by name");
    assert_eq!(memory[3..], reversed[3..], "unknown ones stay where they are");
    let restarts = order(Sort::Restarts, false);
    assert_eq!(restarts[..2], ["tomas-v", "jun"]);
    assert_eq!(order(Sort::Disk, false)[0], "tomas-v");
    assert_eq!(order(Sort::Image, false).last().unwrap(), "kai", "no image is known of it");
}

#[test]
fn the_top_row_is_selected_while_the_first_lists_come_in() {
    let mut state = console();
    for delta in first_lists(mixed()) {
        feed(&mut state, vec![delta]);
        assert_eq!((state.list.at, state.list.offset), (0, 0));
    }
    assert_eq!(state.list.current().unwrap().id, *"leo");
}

#[test]
fn what_comes_with_the_last_of_the_first_lists_is_seen_before_anybody_is_selected_for_good() {
    let mut state = console();
    let mut lists = first_lists(mixed());
    let rest = lists.split_off(1);
    feed(&mut state, lists);
    assert_ne!(state.list.current().unwrap().id, *"leo");
    feed(&mut state, rest);
    assert_eq!((state.list.at, &*state.list.current().unwrap().id), (0, "leo"));
}

#[test]
fn counts_are_of_the_whole_fleet() {
    let mut state = with(mixed());
    press(&mut state, "/ \"leo\" enter");
    assert_eq!(state.list.counts.iter().sum::<usize>(), 15);
    assert_eq!(state.list.hidden, 14);
}

#[test]
fn a_page_is_never_left_half_empty() {
    let mut state = with((0..100).map(|i| tenant(&format!("t{i:03}"), None)).collect());
    press(&mut state, "end");
    let rows = crate::tui::view::fleet::rows(state.size);
    assert_eq!((state.list.at, state.list.offset), (99, 100 - rows));
    state.size = (80, 60);
    state.settle();
    assert_eq!(state.list.offset, 100 - crate::tui::view::fleet::rows(state.size));
}

#[test]
fn whom_a_finding_keeps_down_stands_with_those_who_fail_and_rings_though_their_phase_says_that_they_boot() {
    use crate::{
        config::Alert,
        fleet::Warning,
        tui::{effect::Effect, keymap::Keymap, msg::Msg, update::update},
    };
    let mut keyless = booting(0);
    keyless.stages[0].state = waiting("PodInitializing");
    let mut keyless = tenant("keyless", Some(later(keyless, NOW - 500)));
    let mut fine = booting(0);
    fine.stages[0].state = waiting("PodInitializing");
    let fine = tenant("fine", Some(later(fine, NOW - 5)));
    let ready = tenant("ready", Some(later(ready(), 100)));
    let mut state = with(vec![keyless.clone(), fine.clone(), ready.clone()]);
    state.alerts.how = Alert::Bell;
    let shown = screen(&mut state, 120, 24);
    assert!(!shown.contains("down"), "{shown}");
    keyless.warnings = Box::new([Warning {
        last: Some(at(NOW - 20)),
        reason: text("FailedMount"),
        kind: text("Pod"),
        message: text("MountVolume.SetUp failed for volume \"x\" : secret \"x\" not found"),
        ..refusal(NOW - 400)
    }]);
    let (keys, mut effects) = (Keymap::new(), Vec::new());
    for delta in first_lists(vec![keyless.clone(), fine.clone(), ready.clone()]) {
        effects.extend(update(&mut state, &keys, Msg::Delta(delta)));
    }
    state.settle();
    assert_eq!((&*state.list.order[0], state.list.kept_down), ("tenant-keyless", 1));
    let [Effect::Alert(Alert::Bell, said)] = &effects[..] else { panic!("{effects:?}") };
    assert!(said.starts_with("keyless is failing: "), "{said}");
    let shown = screen(&mut state, 120, 24);
    let row = shown.lines().find(|l| l.contains("keyless")).unwrap();
    assert!(shown.contains("1 down") && row.contains("Booting") && row.contains("there is no Secret"), "{shown}");
    // Mended.
    keyless.warnings = Box::default();
    feed(&mut state, first_lists(vec![keyless, fine, ready]));
    assert_eq!((&*state.list.order[0], state.list.kept_down), ("tenant-fine", 0));
}

#[test]
fn whoever_serves_with_something_critical_stands_above_those_who_are_well() {
    let well = |id: &str| member(id, Some(later(ready(), NOW - 100)), (12, 30));
    let full = member("full", Some(later(ready(), 200)), (12, 98));
    let mut all: Vec<_> = ["a", "b", "z"].map(well).into();
    all.push(full.clone());
    let mut state = with(all.clone());
    assert_eq!(&*state.list.order[0], "tenant-full", "{:?}", state.list.order);
    let degraded = |state: &crate::tui::state::State| -> usize {
        state.facets().iter().filter(|f| f.by == crate::index::facets::By::Tier).map(|f| f.degraded).sum()
    };
    assert_eq!((degraded(&state), state.list.kept_down, state.list.counts[0]), (1, 0, 0), "it serves: it is not down");
    // Mended: among its like again, the longest Ready at the end.
    all[3] = member("full", Some(later(ready(), 200)), (12, 40));
    feed(&mut state, first_lists(all));
    assert_eq!((&**state.list.order.last().unwrap(), degraded(&state)), ("tenant-full", 0));
}
