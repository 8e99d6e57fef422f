//! A one-line text field.

use ratatui::{layout::Rect, style::Modifier, widgets::Widget as _};
use tui_textarea::{Input, Key, TextArea};

use crate::tui::{clean::clean, theme::Role};

use super::paint::Paint;

#[derive(Clone, Debug, Default)]
pub(crate) struct Field(TextArea<'static>);

impl Field {
    /// No text that a person types in here is longer.
    pub(crate) const MAX: usize = 200;

    pub(crate) fn with(text: &str) -> Self {
        let mut area = TextArea::default();
        area.insert_str(line_of(text));
        Self(area)
    }

    pub(crate) fn text(&self) -> &str {
        self.0.lines().first().map_or("", String::as_str)
    }

    /// Feeds a key; tells whether the text changed. Enter and its doubles never make a second line.
    pub(crate) fn input(&mut self, key: Input) -> bool {
        let breaks = matches!(key.key, Key::Enter) || (key.ctrl && matches!(key.key, Key::Char('m')));
        let too_long =
            matches!(key.key, Key::Char(_)) && !key.ctrl && !key.alt && self.text().chars().count() >= Self::MAX;
        if breaks || too_long || matches!(key.key, Key::Tab) {
            return false;
        }
        let before = self.text().to_owned();
        self.0.input(key);
        if self.0.lines().len() > 1 {
            *self = Self::with(&self.0.lines().join(" "));
        }
        self.text() != before
    }

    pub(crate) fn paste(&mut self, text: &str) {
        let room = Self::MAX.saturating_sub(self.text().chars().count());
        let line: String = line_of(text).chars().take(room).collect();
        self.0.insert_str(line);
    }

    /// A dot in the stead of each letter.
    pub(crate) fn draw_hidden(&self, paint: &mut Paint<'_>, area: Rect) {
        let dots = paint.glyphs.dot.repeat(self.text().chars().count());
        Self::with(&dots).draw(paint, area);
    }

    pub(crate) fn draw(&self, paint: &mut Paint<'_>, area: Rect) {
        let mut area_of_text = self.0.clone();
        let style = paint.style(Role::Text).patch(paint.style(Role::Field));
        area_of_text.set_style(style);
        area_of_text.set_cursor_line_style(style);
        area_of_text.set_cursor_style(style.add_modifier(Modifier::REVERSED));
        (&area_of_text).render(area.intersection(paint.buf.area), paint.buf);
    }
}

fn line_of(text: &str) -> String {
    clean(text.lines().next().unwrap_or_default()).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(key: Key) -> Input {
        Input { key, ctrl: false, alt: false, shift: false }
    }

    #[test]
    fn a_field_stays_one_line_whatever_is_typed_or_pasted() {
        let mut field = Field::with("ab");
        assert!(field.input(key(Key::Char('c'))));
        assert!(!field.input(key(Key::Enter)));
        assert!(!field.input(Input { key: Key::Char('m'), ctrl: true, alt: false, shift: false }));
        field.paste("d\x1b[2Je\nsecond line");
        assert_eq!(field.text(), "abcd[2Je");
        field.paste(&"x".repeat(1_000));
        assert_eq!(field.text().chars().count(), Field::MAX);
        assert!(!field.input(key(Key::Char('y'))));
        assert!(field.input(key(Key::Backspace)));
    }
}
