//! What the palette and the context picker offer, best match first.

use nucleo_matcher::{
    Config, Matcher, Utf32Str,
    pattern::{CaseMatching, Normalization, Pattern},
};

use super::ways;
use crate::config::Alert;
use crate::tui::{
    command::{Command, Id, Why},
    keymap::Key,
    state::{State, list::sort::Sort},
};

/// One row that can be chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pick {
    pub(crate) id: Id,
    pub(crate) argument: Option<String>,
    /// What would be typed for it.
    pub(crate) name: String,
    pub(crate) about: String,
    /// Keys that do the same.
    pub(crate) keys: String,
    /// Why it cannot be used now.
    pub(crate) why_not: Option<Why>,
}

/// The commands of the view below, each with its arguments.
pub(crate) fn commands(state: &State, typed: &str) -> Vec<Pick> {
    let mut all = Vec::new();
    for command in Command::at(state.ground()).filter(|c| c.listed) {
        let pick = |argument: Option<&str>, about: &str| Pick {
            id: command.id,
            argument: argument.map(str::to_owned),
            name: argument.map_or_else(|| command.name.to_owned(), |a| format!("{} {a}", command.name)),
            about: about.to_owned(),
            keys: if argument.is_none() { keys(command) } else { String::new() },
            why_not: (command.enabled)(state).err(),
        };
        all.push(pick(None, command.help));
        // Each with its arguments, once there is something to tell them apart by.
        match command.id {
            _ if typed.trim().is_empty() => {}
            Id::Theme => {
                all.extend(
                    state
                        .looks
                        .themes
                        .names()
                        .map(|name| pick(Some(name), state.looks.themes.get(name).map_or("", |t| t.about.as_str()))),
                );
            }
            Id::Alert => all.extend(Alert::ALL.iter().map(|a| pick(Some(a.word()), "when a tenant turns Failing"))),
            Id::Shell => all
                .extend(ways::rooms_here(state).iter().map(|r| pick(Some(&r.container), "a shell in this container"))),
            Id::Sort => all.extend(Sort::ALL.iter().map(|s| pick(Some(s.word()), "order of the rows"))),
            Id::Contexts => all.extend(state.contexts.iter().map(|c| pick(Some(&c.name), &c.about))),
            _ => {}
        }
    }
    ranked(all, typed)
}

pub(crate) fn contexts(state: &State, typed: &str) -> Vec<Pick> {
    let pick = |c: &crate::tui::session::ContextChoice| Pick {
        id: Id::Contexts,
        argument: Some(c.name.clone()),
        name: c.name.clone(),
        about: if c.name == state.context.name { format!("{} (this one)", c.about) } else { c.about.clone() },
        keys: String::new(),
        why_not: None,
    };
    ranked(state.contexts.iter().map(pick).collect(), typed)
}

fn keys(command: &Command) -> String {
    let keys: Vec<_> = command.keys.iter().filter_map(|k| Key::parse(k)).map(|k| k.to_string()).collect();
    keys.join(" ")
}

/// Those that match, the best first: a name that is or begins with what was typed stands above any fuzzy match.
pub(super) fn ranked(picks: Vec<Pick>, typed: &str) -> Vec<Pick> {
    let typed = typed.trim();
    if typed.is_empty() {
        return picks;
    }
    let mut matcher = Matcher::new(Config::DEFAULT);
    let pattern = Pattern::parse(typed, CaseMatching::Smart, Normalization::Smart);
    let mut buffer = Vec::new();
    let mut scored: Vec<_> = picks
        .into_iter()
        .filter_map(|pick| {
            let key = pick.keys == typed;
            let rank = if pick.name == typed {
                0
            } else if key {
                1
            } else if pick.name.starts_with(typed) {
                2
            } else {
                3
            };
            let mut score = |text: &str| pattern.score(Utf32Str::new(text, &mut buffer), &mut matcher);
            let (in_name, score) = match score(&pick.name) {
                Some(score) => (0, score),
                None if key => (0, 0),
                None => (1, score(&pick.about)?),
            };
            Some(((rank, in_name, std::cmp::Reverse(score)), pick))
        })
        .collect();
    scored.sort_by_key(|(a, _)| *a);
    scored.into_iter().map(|(_, pick)| pick).collect()
}
