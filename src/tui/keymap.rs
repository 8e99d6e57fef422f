//! Keys: how they are written, and which command they mean where. Built from the command table alone.

use std::{collections::HashMap, fmt};

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::command::{Id, Place, commands};

/// A key with its modifiers. Shift is part of a letter, and a modifier only of the other keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    code: KeyCode,
    ctrl: bool,
    alt: bool,
    shift: bool,
}

const NAMED: [(&str, KeyCode); 13] = [
    ("up", KeyCode::Up),
    ("down", KeyCode::Down),
    ("left", KeyCode::Left),
    ("right", KeyCode::Right),
    ("home", KeyCode::Home),
    ("end", KeyCode::End),
    ("pgup", KeyCode::PageUp),
    ("pgdn", KeyCode::PageDown),
    ("enter", KeyCode::Enter),
    ("esc", KeyCode::Esc),
    ("tab", KeyCode::Tab),
    ("backspace", KeyCode::Backspace),
    ("space", KeyCode::Char(' ')),
];

impl Key {
    /// Reads `j`, `G`, `ctrl-c`, `pgdn`, `shift-tab`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut key = Self { code: KeyCode::Null, ctrl: false, alt: false, shift: false };
        let mut rest = text;
        while let Some((modifier, more)) = rest.split_once('-').filter(|(m, more)| !m.is_empty() && !more.is_empty()) {
            match modifier {
                "ctrl" => key.ctrl = true,
                "alt" => key.alt = true,
                "shift" => key.shift = true,
                _ => return None,
            }
            rest = more;
        }
        let named = NAMED.iter().find(|(name, _)| *name == rest).map(|(_, code)| *code);
        let mut chars = rest.chars();
        key.code = match (named, chars.next(), chars.next()) {
            (Some(code), ..) => code,
            (None, Some(c), None) => KeyCode::Char(c),
            _ => return None,
        };
        Some(key)
    }

    pub(crate) fn of(event: &KeyEvent) -> Self {
        let ctrl = event.modifiers.contains(KeyModifiers::CONTROL);
        let is_char = matches!(event.code, KeyCode::Char(_));
        let code = match event.code {
            KeyCode::Char(c) if ctrl => KeyCode::Char(c.to_ascii_lowercase()),
            KeyCode::BackTab => KeyCode::Tab,
            other => other,
        };
        Self {
            code,
            ctrl,
            alt: event.modifiers.contains(KeyModifiers::ALT),
            shift: event.code == KeyCode::BackTab || (!is_char && event.modifiers.contains(KeyModifiers::SHIFT)),
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (on, name) in [(self.ctrl, "ctrl-"), (self.alt, "alt-"), (self.shift, "shift-")] {
            if on {
                f.write_str(name)?;
            }
        }
        match (NAMED.iter().find(|(_, code)| *code == self.code), self.code) {
            (Some((name, _)), _) => f.write_str(name),
            (None, KeyCode::Char(c)) => write!(f, "{c}"),
            (None, other) => write!(f, "{other}"),
        }
    }
}

/// Which command a key means in which place.
#[derive(Clone, Debug)]
pub(crate) struct Keymap(HashMap<(Place, Key), Id>);

impl Keymap {
    pub(crate) fn new() -> Self {
        let mut map = HashMap::new();
        for command in commands() {
            for place in command.places.iter() {
                for key in command.keys.iter().filter_map(|k| Key::parse(k)) {
                    map.insert((place, key), command.id);
                }
            }
        }
        Self(map)
    }

    pub(crate) fn get(&self, place: Place, event: &KeyEvent) -> Option<Id> {
        let key = Key::of(event);
        // Esc and Ctrl-C in one go arrive as Alt-Ctrl-C: nobody who wants to leave may be held by that.
        let bare = Key { alt: key.alt && !key.ctrl, ..key };
        self.0.get(&(place, key)).or_else(|| self.0.get(&(place, bare))).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_read_as_they_print() {
        for text in
            ["j", "G", "/", "?", ":", "-", "ctrl-c", "ctrl-z", "up", "pgdn", "shift-tab", "space", "esc", "alt-x"]
        {
            assert_eq!(Key::parse(text).unwrap().to_string(), text);
        }
        for bad in ["", "jj", "hyper-x", "ctrl-", "escape"] {
            assert_eq!(Key::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn events_are_the_keys_they_mean() {
        let check = |code, modifiers, text| {
            assert_eq!(Key::of(&KeyEvent::new(code, modifiers)), Key::parse(text).unwrap(), "{text}");
        };
        check(KeyCode::Char('G'), KeyModifiers::SHIFT, "G");
        check(KeyCode::Char('C'), KeyModifiers::CONTROL | KeyModifiers::SHIFT, "ctrl-c");
        check(KeyCode::BackTab, KeyModifiers::SHIFT, "shift-tab");
        check(KeyCode::Up, KeyModifiers::NONE, "up");
    }

    #[test]
    fn every_default_key_is_readable_and_unique_in_its_place() {
        let mut seen = HashMap::new();
        for command in commands() {
            for text in command.keys {
                let key = Key::parse(text).unwrap_or_else(|| panic!("{}: {text:?} is no key", command.name));
                for place in command.places.iter() {
                    let other = seen.insert((place, key), command.name);
                    assert_eq!(other, None, "{text} means {} and {} in {place:?}", command.name, other.unwrap_or(""));
                }
            }
        }
    }

    #[test]
    fn fields_keep_their_letters() {
        for command in commands() {
            for place in command.places.iter().filter(|p| p.is_field()) {
                for text in command.keys {
                    let key = Key::parse(text).unwrap();
                    let types = matches!(key.code, KeyCode::Char(_)) && !key.ctrl && !key.alt;
                    assert!(!types, "{text} of {} could not be typed in {place:?}", command.name);
                }
            }
        }
    }
}
