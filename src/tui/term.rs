//! The terminal: taken at the start, given back as it was, whatever happens.

use std::{
    cell::Cell,
    future::poll_fn,
    io::{self, BufWriter, IsTerminal as _, Stdout, Write},
    pin::pin,
    sync::atomic::{AtomicBool, Ordering},
};

use crate::config::Alert;
use crossterm::{
    clipboard::CopyToClipboard,
    cursor::Show,
    event::{DisableBracketedPaste, DisableMouseCapture, EnableBracketedPaste, EnableMouseCapture},
    execute, queue,
    style::{Print, ResetColor},
    terminal::{
        BeginSynchronizedUpdate, EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode,
        enable_raw_mode,
    },
};
use ratatui::{Terminal, backend::CrosstermBackend, buffer::Buffer, layout::Rect};

/// The terminal is ours at the moment. Global, as the terminal is: the panic hook must know too.
static TAKEN: AtomicBool = AtomicBool::new(false);

pub(crate) struct Term {
    terminal: Terminal<CrosstermBackend<BufWriter<Stdout>>>,
    mouse: bool,
}

impl Term {
    /// Takes the terminal. A panic inside of [`guarded`] gives it back.
    ///
    /// # Errors
    /// Standard output is no terminal, or refuses.
    pub(crate) fn enter(mouse: bool) -> io::Result<Self> {
        if !io::stdout().is_terminal() || !io::stdin().is_terminal() {
            let what = "the console needs a terminal; for programs there is `fleetdeck ls -o json`";
            return Err(io::Error::new(io::ErrorKind::Unsupported, what));
        }
        restore_on_panic();
        let terminal = Terminal::new(CrosstermBackend::new(BufWriter::with_capacity(1 << 16, io::stdout())))?;
        let mut term = Self { terminal, mouse };
        term.take()?;
        Ok(term)
    }

    fn take(&mut self) -> io::Result<()> {
        enable_raw_mode()?;
        TAKEN.store(true, Ordering::SeqCst);
        execute!(self.terminal.backend_mut(), EnterAlternateScreen, EnableBracketedPaste)?;
        if self.mouse {
            execute!(self.terminal.backend_mut(), EnableMouseCapture)?;
        }
        self.terminal.hide_cursor()?;
        self.repaint()
    }

    /// Gives the terminal back for a while.
    pub(crate) fn leave(&mut self) {
        restore();
    }

    /// Takes it again, and draws every cell at the next frame.
    pub(crate) fn take_again(&mut self) -> io::Result<()> {
        self.take()
    }

    /// Empties the screen, so that the next frame draws every cell. Ratatui's own `clear` asks the terminal where its
    /// cursor is and fails where nobody answers; a resize to the same size asks nothing.
    pub(crate) fn repaint(&mut self) -> io::Result<()> {
        let size = self.terminal.size()?;
        self.terminal.resize(Rect { x: 0, y: 0, width: size.width, height: size.height })
    }

    pub(crate) fn size(&self) -> io::Result<(u16, u16)> {
        self.terminal.size().map(|s| (s.width, s.height))
    }

    /// Draws a frame in one go: terminals that know synchronized updates show it whole, others ignore the marks.
    pub(crate) fn draw<T>(&mut self, view: impl FnOnce(&mut Buffer) -> T) -> io::Result<T> {
        queue!(self.terminal.backend_mut(), BeginSynchronizedUpdate)?;
        let mut drawn = None;
        self.terminal.draw(|frame| drawn = Some(view(frame.buffer_mut())))?;
        execute!(self.terminal.backend_mut(), EndSynchronizedUpdate)?;
        drawn.ok_or_else(|| io::Error::other("nothing was drawn"))
    }

    /// Puts text into the clipboard of whoever sits at the terminal, through SSH and tmux (OSC 52).
    pub(crate) fn copy(&mut self, text: &str) -> io::Result<()> {
        execute!(self.terminal.backend_mut(), CopyToClipboard::to_clipboard_from(text))
    }
}

impl Term {
    /// Rings, or asks the terminal for a notification.
    pub(crate) fn alert(&mut self, how: Alert, text: &str) -> io::Result<()> {
        execute!(self.terminal.backend_mut(), Print(call(how, text)))
    }
}

/// What calls somebody. Nothing in `text` may end the sequence early: names and reasons come from the cluster.
fn call(how: Alert, text: &str) -> String {
    match how {
        Alert::None => String::new(),
        Alert::Bell => "\x07".to_owned(),
        Alert::Notification => {
            let text: String = text.chars().filter(|c| !c.is_control()).take(200).collect();
            format!("\x1b]9;{text}\x07")
        }
    }
}

impl Drop for Term {
    fn drop(&mut self) {
        restore();
    }
}

/// Gives the terminal back, once. Errors are of no use here: the terminal may be gone.
fn restore() {
    if !TAKEN.swap(false, Ordering::SeqCst) {
        return;
    }
    let mut out = io::stdout();
    let _ = execute!(
        out,
        EndSynchronizedUpdate,
        ResetColor,
        DisableMouseCapture,
        DisableBracketedPaste,
        LeaveAlternateScreen,
        Show
    );
    let _ = out.flush();
    let _ = disable_raw_mode();
}

thread_local! {
    /// The console is being polled on this thread: what panics now is the console.
    static POLLED: Cell<bool> = const { Cell::new(false) };
}

/// Polls the console so that a panic of its own is told from one of another task on the same thread.
pub(crate) async fn guarded<F: Future>(console: F) -> F::Output {
    let mut console = pin!(console);
    poll_fn(|cx| {
        POLLED.set(true);
        let polled = console.as_mut().poll(cx);
        POLLED.set(false);
        polled
    })
    .await
}

/// A panic of the console gives the terminal back before it is reported. One of another task is only logged: the console
/// lives on, and its screen must not be written over.
fn restore_on_panic() {
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if POLLED.get() {
            restore();
        }
        if TAKEN.load(Ordering::SeqCst) {
            tracing::error!(%info, "a task panicked");
        } else {
            report(info);
        }
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_one_sequence_whatever_it_says() {
        let hostile = "leo\x07\x1b]52;c;aGk=\x07 is failing\u{9c}";
        assert_eq!(call(Alert::Notification, hostile), "\x1b]9;leo]52;c;aGk= is failing\x07");
        assert_eq!(call(Alert::Bell, hostile), "\x07");
        assert_eq!(call(Alert::None, hostile), "");
    }
}
