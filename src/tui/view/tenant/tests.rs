use crate::{fleet::fixture::*, tui::fixture::*};

fn page(id: &str) -> crate::tui::state::State {
    let mut state = with(mixed());
    press(&mut state, &format!("/ \"{id}\" enter enter"));
    state
}

#[test]
fn a_page_for_each_kind_of_day() {
    for id in ["nadia", "maria-k", "tomas-v", "jun", "petra", "chloe", "ivo"] {
        let mut state = page(id);
        let small = screen(&mut state, 80, 24);
        assert!(!small.contains("more lines"), "{small}");
        for section in ["BOOT", "QUOTA", "DISK", "WEB", "POD"] {
            assert!(small.contains(section), "{section}: {small}");
        }
        insta::assert_snapshot!(format!("tenant_{id}_80x24"), small);
        insta::assert_snapshot!(format!("tenant_{id}_120x40"), screen(&mut state, 120, 40));
    }
}

#[test]
fn a_long_page_scrolls_to_its_end_and_no_further() {
    let mut state = page("tomas-v");
    state.size = (80, 24);
    // With its proofs a page tells everything, and not on one screen.
    press(&mut state, "enter");
    let top = screen(&mut state, 80, 24);
    assert!(top.contains("more lines"), "{top}");
    press(&mut state, "G");
    let end = screen(&mut state, 80, 24);
    assert!(end.contains("IMAGE") && !end.contains("more lines"), "{end}");
    press(&mut state, "pgdn down end");
    assert_eq!(screen(&mut state, 80, 24), end);
    press(&mut state, "g");
    assert_eq!(screen(&mut state, 80, 24), top);
}

#[test]
fn a_page_whose_tenant_goes_says_so_and_never_shows_another() {
    use crate::index::Delta;
    let mut state = with(vec![tenant("maria", Some(later(ready(), 100))), tenant("leo", Some(later(ready(), 100)))]);
    press(&mut state, "/ \"maria\" enter enter");
    assert!(screen(&mut state, 80, 24).contains("Ready for"));
    let without: Vec<_> = first_lists(vec![tenant("zoe", None), tenant("leo", Some(later(ready(), 100)))]);
    feed(&mut state, without);
    let shown = screen(&mut state, 80, 24);
    assert!(shown.contains("maria is gone"), "{shown}");

    // The same name again, by new objects.
    let again: Vec<_> = facets(99, tenant("maria", Some(later(ready(), NOW - 300))));
    feed(&mut state, again.into_iter().map(|f| Delta::Upsert(Box::new(f))).collect());
    let shown = screen(&mut state, 80, 24);
    assert!(shown.contains("made anew"), "{shown}");
    press(&mut state, "esc");
    assert!(screen(&mut state, 80, 24).contains("TENANT"));
}
