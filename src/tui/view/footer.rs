//! One line: what was just said, or else the keys that work here.

use ratatui::layout::Rect;

use crate::tui::{
    command::{Command, Id, Place},
    keymap::Key,
    state::{Notice, State},
    theme::Role,
    widget::paint::Paint,
};

pub(crate) const HEIGHT: u16 = 1;

pub(crate) fn draw(paint: &mut Paint<'_>, state: &State, area: Rect) {
    let y = area.bottom() - 1;
    let (mut x, right) = (area.x + 1, area.right().saturating_sub(1));
    match &state.notice {
        Some(Notice::Info(text)) => {
            paint.text(x, y, right, text, Role::Title);
            return;
        }
        Some(Notice::Error(text)) => {
            let close = "  esc puts this away";
            let room = right.saturating_sub(20);
            x = paint.text(x, y, room, &format!("{} {text}", paint.glyphs.broken), Role::Error);
            paint.text(x, y, right, close, Role::Hint);
            return;
        }
        None => {}
    }
    let (width, height) = super::COMFORTABLE;
    let small = area.width < width || area.height < height;
    let note = format!("{}x{}: {width}x{height} shows more", area.width, area.height);
    let end = if small { paint.parts_right(x + 18, y, right, &[(&note, Role::Warn)]).unwrap_or(right) } else { right };
    hints(paint, state, x, y, end.saturating_sub(if end < right { 2 } else { 0 }));
}

/// Whole hints only: half a hint is none. Those that lead to all the others have their place before any other, and what cannot
/// be done now has none.
fn hints(paint: &mut Paint<'_>, state: &State, mut x: u16, y: u16, right: u16) {
    let place = state.place();
    // A dialog says its keys at its own foot.
    if matches!(place, Place::Form | Place::Confirm | Place::ConfirmNames | Place::Leave) {
        return;
    }
    let all = Command::at(place).filter(|c| !c.leads_to(place) && (c.enabled)(state).is_ok());
    let all: Vec<_> = all.filter_map(|c| Some((c.id, key_text(paint, c)?, c.hint?))).collect();
    let width =
        |key: &str, hint: &str| u16::try_from(key.chars().count() + hint.chars().count() + 3).unwrap_or(u16::MAX);
    let of = |wanted: Id| all.iter().find(|(id, ..)| *id == wanted).map_or(0, |(_, key, hint)| width(key, hint));
    let (help, palette) = (of(Id::Help), of(Id::Palette));
    for (id, key, hint) in &all {
        let kept_free = match id {
            Id::Help => 0,
            Id::Palette => help,
            _ => help + palette,
        };
        let room = right.saturating_sub(kept_free);
        if x + width(key, hint) > room + 2 {
            continue;
        }
        x = paint.parts(x, y, right, &[(key, Role::Key), (" ", Role::Text), (hint, Role::Text)]) + 2;
    }
}

fn key_text(paint: &Paint<'_>, command: &Command) -> Option<String> {
    let key = Key::parse(command.keys.first()?)?.to_string();
    Some(if key == "enter" { paint.glyphs.enter.to_owned() } else { key })
}

#[cfg(test)]
mod tests {
    use crate::tui::{fixture::*, state::State};

    #[test]
    fn a_first_start_says_which_keys_to_begin_with_until_one_is_pressed() {
        let mut state = with(mixed());
        let usual = screen(&mut state, 80, 24);
        state.welcome();
        insta::assert_snapshot!("welcome_80x24", screen(&mut state, 80, 24));
        press(&mut state, "down");
        press(&mut state, "up");
        assert_eq!(screen(&mut state, 80, 24), usual);
    }

    #[test]
    fn a_page_does_not_lead_to_itself_and_always_to_help_and_palette() {
        let mut state = with(mixed());
        let footer = |state: &mut State| screen(state, 80, 24).lines().last().unwrap_or_default().trim().to_owned();
        for (key, hint) in
            [("", "? help"), ("f", "f findings"), ("v", "v volumes"), ("N", "N capacity"), ("b", "b boots")]
        {
            press(&mut state, key);
            let text = footer(&mut state);
            assert!(text.ends_with("? help") && text.contains(": all commands"), "{text}");
            assert!(key.is_empty() || !text.contains(hint), "{text}");
        }
    }
}
