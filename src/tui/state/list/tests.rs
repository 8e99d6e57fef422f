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
