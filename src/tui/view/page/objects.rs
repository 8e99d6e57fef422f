//! The objects of a tenant, and one of them as YAML.

use super::{Content, Line, field, plain};
use crate::{
    cluster::{ObjectName, logs::Pattern},
    tui::{
        ask::{Answer, Ask, Told},
        state::{State, who::Who},
        theme::Role,
        widget::paint::Paint,
    },
};

pub(super) fn list(paint: &mut Paint<'_>, state: &State, who: &Who, at: usize) -> Content {
    let ask = Ask::Objects { namespace: who.namespace.to_string() };
    let mut chosen = None;
    let mut lines = Vec::new();
    match state.answers.told(&ask) {
        Some(Told { answer: Ok(Answer::Objects(objects)), .. }) => {
            for object in &objects.names {
                lines.push(vec![(field(paint, object.kind.kind, 24), Role::Dim), (object.name.clone(), Role::Text)]);
            }
            chosen = Some(at.min(objects.names.len().saturating_sub(1)));
            lines.extend(objects.missing.iter().map(|why| plain(format!("not listed: {why}"), Role::Warn)));
            lines.push(plain("Secrets are never read, and so not listed.", Role::Dim));
        }
        told => lines.extend(silence(paint, state, &ask, told)),
    }
    Content { title: format!("OBJECTS of {} in {}", who.id, who.namespace), lines, chosen }
}

pub(super) fn yaml(paint: &mut Paint<'_>, state: &State, who: &Who, object: &ObjectName) -> Content {
    let ask = Ask::Yaml { namespace: who.namespace.to_string(), object: object.clone() };
    let mut read = String::new();
    let lines = match state.answers.told(&ask) {
        Some(Told { at, answer: Ok(Answer::Lines(lines)) }) => {
            read = format!(", read {} ago", paint.age(*at));
            lines.iter().map(|line| found(yaml_line(line), line, state.seek.pattern.as_ref())).collect()
        }
        told => silence(paint, state, &ask, told),
    };
    let title = format!("{}/{} of {}{read}", object.kind.kind, object.name, who.id);
    Content { title, lines, chosen: state.seek.line }
}

/// The parts of a line that match, told apart from the rest of it.
fn found(line: Line, text: &str, pattern: Option<&Pattern>) -> Line {
    let matches: Vec<_> = pattern.iter().flat_map(|p| p.find_all(text.as_bytes())).collect();
    if matches.is_empty() {
        return line;
    }
    let mut out: Line = Vec::new();
    let mut at = 0;
    for (part, role) in line {
        for (i, c) in part.char_indices() {
            let hit = matches.iter().any(|m| m.contains(&(at + i)));
            let role = if hit { Role::Selected } else { role };
            match out.last_mut().filter(|(_, last)| *last == role) {
                Some((text, _)) => text.push(c),
                None => out.push((c.to_string(), role)),
            }
        }
        at += part.len();
    }
    out
}

/// Key and value apart.
fn yaml_line(line: &str) -> Line {
    let body = line.trim_start_matches([' ', '-']);
    let is_key = |key: &str| !key.is_empty() && !key.contains([' ', '"', '\'']);
    match body.split_once(':').filter(|(key, rest)| is_key(key) && (rest.is_empty() || rest.starts_with(' '))) {
        Some((_, rest)) => {
            let (key, rest) = line.split_at(line.len() - rest.len());
            vec![(key.to_owned(), Role::Key), (rest.to_owned(), Role::Text)]
        }
        None => plain(line, Role::Text),
    }
}

/// There is no answer: why.
fn silence(paint: &Paint<'_>, state: &State, ask: &Ask, told: Option<&Told>) -> Vec<Line> {
    match told {
        _ if state.answers.waits_for(ask) => vec![plain(format!("{} reading", paint.glyphs.loading), Role::Progress)],
        Some(Told { answer: Err(refusal), .. }) => {
            vec![plain(refusal.why.clone(), Role::Error), plain("ctrl-r tries again", Role::Hint)]
        }
        _ => vec![plain("not read yet: ctrl-r reads it", Role::Dim)],
    }
}
