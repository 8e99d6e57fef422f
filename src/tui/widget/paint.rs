//! The pen: writes clipped, cleaned text in the styles of roles, and notes when the first age drawn will read differently.

use ratatui::{buffer::Buffer, layout::Rect, style::Style};
use unicode_width::UnicodeWidthStr;

use crate::{
    fleet::{Age, At},
    tui::{
        clean::clean,
        glyph::Glyphs,
        theme::{Role, Skin},
    },
};

pub(crate) struct Paint<'a> {
    pub(crate) buf: &'a mut Buffer,
    pub(crate) skin: &'a Skin,
    pub(crate) glyphs: &'static Glyphs,
    pub(crate) now: At,
    /// When the first age drawn so far will read differently.
    pub(crate) wake: Option<At>,
}

/// Where on its line a text stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Align {
    Left,
    Right,
}

impl<'a> Paint<'a> {
    pub(crate) fn new(buf: &'a mut Buffer, skin: &'a Skin, glyphs: &'static Glyphs, now: At) -> Self {
        Self { buf, skin, glyphs, now, wake: None }
    }

    pub(crate) fn style(&self, role: Role) -> Style {
        self.skin.style(role)
    }

    /// Fills an area with blanks in the style of ordinary text.
    pub(crate) fn blank(&mut self, area: Rect) {
        let area = area.intersection(self.buf.area);
        let style = Style::reset().patch(self.style(Role::Text));
        for y in area.top()..area.bottom() {
            for x in area.left()..area.right() {
                self.buf[(x, y)].reset();
            }
        }
        self.buf.set_style(area, style);
    }

    /// Writes from `x` to at most `right`; what does not fit ends in an ellipsis. Returns where the text ended.
    pub(crate) fn text(&mut self, x: u16, y: u16, right: u16, text: &str, role: Role) -> u16 {
        let right = right.min(self.buf.area.right());
        if y < self.buf.area.top() || y >= self.buf.area.bottom() || x >= right {
            return x;
        }
        let text = clean(text);
        let style = self.style(role);
        let room = right - x;
        if text.width() <= usize::from(room) {
            return self.buf.set_stringn(x, y, &text, usize::from(room), style).0;
        }
        let (end, _) = self.buf.set_stringn(x, y, &text, usize::from(room - 1), style);
        self.buf.set_stringn(end, y, self.glyphs.ellipsis, 1, style).0
    }

    /// Writes into a field of `width` cells at `x`.
    pub(crate) fn cell(&mut self, x: u16, y: u16, width: u16, text: &str, align: Align, role: Role) {
        let used = u16::try_from(clean(text).width()).unwrap_or(u16::MAX);
        let start = match align {
            Align::Right if used < width => x + (width - used),
            _ => x,
        };
        self.text(start, y, x.saturating_add(width), text, role);
    }

    /// Writes parts one after another; each is told apart by its role.
    pub(crate) fn parts(&mut self, mut x: u16, y: u16, right: u16, parts: &[(&str, Role)]) -> u16 {
        for (text, role) in parts {
            x = self.text(x, y, right, text, *role);
        }
        x
    }

    /// Writes parts so that they end before `right`; nothing at all if they would begin before `left`.
    pub(crate) fn parts_right(&mut self, left: u16, y: u16, right: u16, parts: &[(&str, Role)]) -> Option<u16> {
        let width: usize = parts.iter().map(|(text, _)| clean(text).width()).sum();
        let start = right.checked_sub(u16::try_from(width).ok()?)?;
        (start >= left).then(|| {
            self.parts(start, y, right, parts);
            start
        })
    }

    /// The age of `since` as text; the frame is drawn again when it reads differently.
    pub(crate) fn age(&mut self, since: At) -> String {
        let age = self.now.since(since);
        let grain = match age {
            0..=119 => 1,
            120..=7_199 => 60,
            7_200..=172_799 => 3_600,
            _ => 86_400,
        };
        self.wake_at(since.plus((age / grain + 1) * grain));
        Age(age).to_string()
    }

    pub(crate) fn wake_at(&mut self, at: At) {
        self.wake = Some(self.wake.map_or(at, |wake| wake.min(at)));
    }
}
