//! The console: keys and news in, frames and effects out.
//!
//! `run` is the loop. A key becomes a command of the one table (`command`), a command changes the `state` through
//! `update`, which asks for `effect`s; `view` draws the state. A key never touches a cluster: what changes one is a plan that a
//! person has seen and agreed to, and `deeds` hands it to the engine.
//! The only room that knows ratatui and crossterm.

mod ask;
mod attach;
mod clean;
mod command;
mod deeds;
mod effect;
mod glyph;
mod keymap;
mod msg;
mod pace;
mod run;
mod session;
mod signal;
mod state;
mod still;
mod term;
mod text;
mod theme;
mod update;
mod view;
mod ways;
mod widget;

#[cfg(test)]
mod fixture;
#[cfg(test)]
pub(crate) mod picture;
#[cfg(test)]
mod property;

#[cfg(test)]
pub(crate) use self::run::unseen::Unseen;
pub use self::{
    ask::{Answer, Ask, Refusal},
    attach::attach,
    command::key_table_markdown,
    glyph::GlyphSet,
    run::{check, run},
    session::{Connect, ContextChoice, ContextInfo, Feed, Learnt, Look, Options, Session, Unwatched, Ways},
    still::Still,
    theme::{ThemeError, ThemeFile, Themes},
};
