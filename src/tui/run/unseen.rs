//! The console without a terminal, for pictures of it: the same loop, keys from a script, and what wants the terminal left out.

use std::time::Duration;

use crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers};
use ratatui::{buffer::Buffer, layout::Rect};
use tokio::{
    select,
    time::{interval, sleep},
};

use super::{BATCH, Console};
use crate::tui::{
    glyph::GlyphSet,
    session::Session,
    state::Looks,
    theme::{Depth, Themes},
    view,
};

pub(crate) struct Unseen(Console);

impl Unseen {
    pub(crate) fn new(session: Session, size: (u16, u16)) -> Self {
        let themes = Themes::load(&[]).unwrap();
        let looks = Looks::new(themes, Themes::DEFAULT, Depth::True, GlyphSet::Unicode).unwrap();
        Self(Console::new(session, looks, size))
    }

    /// Lets the world go on for so long.
    pub(crate) async fn watch(&mut self, span: Duration) {
        let mut batch = Vec::with_capacity(BATCH);
        let mut second = interval(Duration::from_secs(1));
        // As often as news are drawn.
        let mut frame = interval(Duration::from_millis(100));
        let end = sleep(span);
        tokio::pin!(end);
        loop {
            select! {
                biased;
                effects = self.0.hear(&mut batch, &mut second) => {
                    effects.into_iter().for_each(|effect| drop(self.0.set_off(effect)));
                }
                _ = frame.tick() => self.0.settle(),
                () = &mut end => return,
            }
        }
    }

    /// Types these characters, `\r` and `\u{1b}` as the keys that they are.
    pub(crate) async fn press(&mut self, keys: &str) {
        for c in keys.chars() {
            let code = match c {
                '\r' => KeyCode::Enter,
                '\u{1b}' => KeyCode::Esc,
                c => KeyCode::Char(c),
            };
            let effects = self.0.obey(Event::Key(KeyEvent::new(code, KeyModifiers::NONE)));
            effects.into_iter().for_each(|effect| drop(self.0.set_off(effect)));
            // A person's pace: what a key asks for comes before the next one.
            self.watch(Duration::from_millis(500)).await;
        }
    }

    /// The frame, in this theme.
    pub(crate) fn frame(&mut self, theme: &str) -> Buffer {
        self.0.state.looks.wear(theme).unwrap();
        self.0.settle();
        let (width, height) = self.0.state.size;
        let mut buffer = Buffer::empty(Rect { x: 0, y: 0, width, height });
        view::draw(&self.0.state, &mut buffer);
        buffer
    }
}
