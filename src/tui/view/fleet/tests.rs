use crate::{
    fleet::{Text, fixture::*},
    index::{Delta, Kind, Link},
    tui::{fixture::*, glyph::GlyphSet, state::State, theme::Depth},
};

fn link(kind: Kind, link: Link) -> Vec<Delta> {
    vec![Delta::Link(kind, link)]
}

fn broken(why: &str) -> Link {
    Link::Broken { since: at(NOW - 14), why: Text::from(why) }
}

#[test]
fn mixed_phases_at_80_and_120_and_200() {
    let mut state = with(mixed());
    insta::assert_snapshot!("fleet_80x24", screen(&mut state, 80, 24));
    insta::assert_snapshot!("fleet_120x40", styled(&mut state, 120, 40));
    insta::assert_snapshot!("fleet_200x24", screen(&mut state, 200, 24));
}

#[test]
fn small_terminals_keep_working() {
    let mut state = with(mixed());
    insta::assert_snapshot!("fleet_40x10", screen(&mut state, 40, 10));
    insta::assert_snapshot!("fleet_39x9", screen(&mut state, 39, 9));
    for (width, height) in [(1, 1), (0, 0), (3, 200), (200, 3), (40, 9)] {
        frame(&mut state, width, height);
    }
}

#[test]
fn every_theme_and_ascii() {
    let mut state = with(mixed());
    for theme in ["dark", "light", "colorblind", "mono"] {
        state.looks = looks(theme, Depth::True, GlyphSet::Unicode);
        insta::assert_snapshot!(format!("fleet_80x24_{theme}"), styled(&mut state, 80, 24));
    }
    state.looks = looks("light", Depth::Ansi16, GlyphSet::Ascii);
    insta::assert_snapshot!("fleet_80x24_ansi16_ascii", styled(&mut state, 80, 24));
    assert!(screen(&mut state, 120, 40).is_ascii());
    state.looks = looks("dark", Depth::None, GlyphSet::Unicode);
    let without = styled(&mut state, 80, 24);
    assert!(!without.contains("Rgb") && !without.contains("Indexed"), "{without}");
}

#[test]
fn a_booting_tenant_is_progress_and_never_looks_like_a_fault() {
    use crate::tui::theme::Role;
    let mut state = with(vec![tenant("nadia", Some(later(booting(3), NOW - 76)))]);
    let buffer = frame(&mut state, 120, 24);
    let skin = &state.looks.skin;
    let faults = [skin.style(Role::Error).fg, skin.style(Role::Warn).fg];
    for cell in buffer.content() {
        assert!(!faults.contains(&Some(cell.fg)), "{}", cell.symbol());
    }
    assert!(lines(&buffer).contains("Booting  ▰▰▰▱▱▱▱ rehydrate-apt"), "{}", lines(&buffer));
}

#[test]
fn stale_rows_are_marked_and_the_header_says_since_when() {
    let mut state = with(mixed());
    feed(&mut state, link(Kind::Pod, broken("connection refused")));
    let shown = styled(&mut state, 80, 24);
    insta::assert_snapshot!("fleet_80x24_stale", shown);
    for id in ["maria-k", "chloe", "nadia"] {
        assert!(shown.contains(&format!("≈{id}")), "{id} is not marked");
    }
}

#[test]
fn an_empty_screen_says_why() {
    let check = |name: &str, state: &mut State| {
        insta::assert_snapshot!(format!("empty_{name}_80x24"), screen(state, 80, 24));
        insta::assert_snapshot!(format!("empty_{name}_120x40"), screen(state, 120, 40));
    };

    let mut loading = console();
    feed(&mut loading, vec![Delta::Resync { kind: Kind::Quota, namespace: None, facets: vec![] }]);
    check("loading", &mut loading);

    check("none", &mut with(vec![]));

    let mut filtered = with(mixed());
    press(&mut filtered, "/ \"zzz\" enter");
    check("filtered", &mut filtered);

    let mut forbidden = console();
    for kind in Kind::ALL {
        let why = format!("{} is forbidden: User \"oncall\" cannot list resource at the cluster scope", kind.plural());
        feed(&mut forbidden, link(kind, Link::Forbidden { why: why.into() }));
    }
    check("forbidden", &mut forbidden);

    let mut disconnected = console();
    for kind in Kind::ALL {
        feed(&mut disconnected, link(kind, broken("connection refused (10.0.0.1:6443)")));
    }
    check("disconnected", &mut disconnected);
}

#[test]
fn what_is_unknown_is_never_zero() {
    let mut bare = tenant("bare", None);
    bare.tier = None;
    bare.claims = Box::default();
    let mut state = with(vec![bare]);
    let shown = screen(&mut state, 200, 24);
    let row = shown.lines().find(|l| l.contains("bare")).unwrap();
    assert!(!row.contains("0%") && !row.contains(" 0 "), "{row}");
}

#[test]
fn hostile_names_draw_nothing_but_themselves() {
    let mut evil = tenant("x", Some(later(ready(), 100)));
    evil.id = text("evil\u{1b}[2J\u{202e}\u{200b}");
    evil.pods[0].containers[1].ready = false;
    evil.pods[0].containers[1].state = waiting("Boom\u{7}\u{9b}2J");
    let mut state = with(vec![evil]);
    let buffer = frame(&mut state, 200, 24);
    for cell in buffer.content() {
        assert!(cell.symbol().chars().all(|c| !c.is_control() && c != '\u{202e}'), "{:?}", cell.symbol());
    }
    assert!(lines(&buffer).contains("evil[2J"));
}

#[test]
fn the_banner_and_rights_are_on_screen() {
    let mut state = with(mixed());
    state.banner = Some("simulation: nothing here is a real cluster".into());
    state.context.read_only = true;
    state.context.protected = true;
    insta::assert_snapshot!("fleet_120x24_banner", screen(&mut state, 120, 24));
    press(&mut state, "/ \"phase:!ready\" enter");
    let shown = screen(&mut state, 80, 24);
    assert!(
        shown.contains("simulation") && shown.contains("[read-only]") && shown.contains("/phase:!ready"),
        "{shown}"
    );
}
