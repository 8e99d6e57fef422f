//! One frame without a terminal: for benchmarks, and for looking at a fleet as text.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::{buffer::Buffer, layout::Rect};

use crate::{
    cluster::logs::{News, Target},
    fleet::At,
    index::Fleet,
};

use super::{
    glyph::GlyphSet,
    keymap::Keymap,
    msg::Msg,
    session::ContextInfo,
    state::{Looks, State},
    theme::{Depth, Themes},
    update::{self, update},
    view,
};

/// The console's fleet view of a fleet that stands still.
pub struct Still {
    state: State,
    keys: Keymap,
    buffer: Buffer,
}

impl Still {
    /// # Errors
    /// An embedded theme is broken; the text names it.
    pub fn new(fleet: Fleet, context: ContextInfo, now: At, size: (u16, u16)) -> Result<Self, String> {
        let themes = Themes::load(&[]).map_err(|e| e.to_string())?;
        let looks = Looks::new(themes, Themes::DEFAULT, Depth::True, GlyphSet::Unicode)?;
        let mut state = State::new(context, looks, size, now);
        state.fleet = fleet;
        state.list.disturb();
        state.settle();
        let buffer = Buffer::empty(Rect { x: 0, y: 0, width: size.0, height: size.1 });
        Ok(Self { state, keys: Keymap::new(), buffer })
    }

    /// Builds a frame, as after a key.
    pub fn draw(&mut self) {
        view::draw(&self.state, &mut self.buffer);
    }

    /// Puts `changed` rows, spread over the fleet, in their places and builds a frame, as after news.
    pub fn draw_after_news(&mut self, changed: usize) {
        let order = &self.state.list.order;
        let touched: Vec<_> = order.iter().step_by((order.len() / changed.max(1)).max(1)).cloned().collect();
        self.state.list.touch(touched);
        self.state.settle();
        self.draw();
    }

    /// Puts all rows in order anew and builds a frame, as after a change of filter or sort.
    pub fn draw_anew(&mut self) {
        self.state.list.disturb();
        self.state.settle();
        self.draw();
    }

    /// Types these characters; whatever they ask of the world is not done.
    pub fn press(&mut self, keys: &str) {
        for c in keys.chars() {
            let code = match c {
                '\r' => KeyCode::Enter,
                '\u{1b}' => KeyCode::Esc,
                c => KeyCode::Char(c),
            };
            self.state.settle_for_key();
            drop(update(&mut self.state, &self.keys, Msg::Key(KeyEvent::new(code, KeyModifiers::NONE))));
        }
    }

    /// Opens the page of logs of these tenants, to which [`Still::hear`] tells what a tail says.
    pub fn open_logs(&mut self, targets: Vec<Target>) {
        drop(update::logs::whose::open(&mut self.state, targets));
    }

    /// What a tail tells, for the page of logs.
    pub fn hear(&mut self, news: News) {
        drop(update(&mut self.state, &self.keys, Msg::Log(news)));
    }

    /// Brings the page in line with its news and builds a frame.
    pub fn draw_settled(&mut self) {
        self.state.settle();
        self.draw();
    }

    /// The frame as text.
    pub fn text(&self) -> String {
        let mut out = String::new();
        for y in 0..self.buffer.area.height {
            let line: String = (0..self.buffer.area.width).map(|x| self.buffer[(x, y)].symbol()).collect();
            out.push_str(line.trim_end());
            out.push('\n');
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::fixture;

    #[test]
    fn a_still_shows_the_fleet() {
        let state = fixture::with(fixture::mixed());
        let mut still = Still::new(state.fleet, fixture::context(), state.now, (120, 24)).unwrap();
        still.draw();
        let first = still.text();
        assert!(first.contains("15 tenants") && first.contains("nadia"), "{first}");
        still.draw_after_news(3);
        assert_eq!(still.text(), first);
        still.draw_anew();
        assert_eq!(still.text(), first);
    }
}
