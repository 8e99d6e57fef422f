//! Runs: what this console carries out, and what the cluster remembers; a line each.

use ratatui::layout::Rect;

use crate::{
    engine::Order,
    fleet::{Age, At},
    plan::End,
    tui::{
        state::{State, pick::Pick, runs::Ours},
        theme::Role,
        widget::paint::{Align, Paint},
    },
};

use super::{footer, header, run_line::trouble};

const HEAD: u16 = 1;
const VERB: u16 = 10;
const STATE: u16 = 11;
const DONE: u16 = 11;

/// Rows on a screen of this size.
pub(crate) fn rows(size: (u16, u16)) -> usize {
    usize::from(size.1.saturating_sub(header::HEIGHT + HEAD + footer::HEIGHT))
}

struct Row<'a> {
    verb: &'a str,
    state: &'a str,
    role: Role,
    done: String,
    age: Option<At>,
    /// Who, and what there is to say.
    about: String,
}

pub(crate) fn draw(paint: &mut Paint<'_>, state: &State, pick: &Pick<String>, area: Rect) {
    let columns = paint.style(Role::Columns);
    paint.buf.set_style(Rect { height: 1, ..area }, columns);
    line(paint, area, area.y, ["VERB", "STATE", "DONE", "AGE", "BY, AND HOW"], Role::Columns);
    let mut all: Vec<Row<'_>> = state.runs.ours.iter().map(|run| ours(run, state)).collect();
    all.extend(state.runs.others().map(|summary| Row {
        verb: &summary.verb,
        state: summary.state,
        role: role_of(summary.state),
        done: format!("of {}", summary.tenants),
        age: At::parse(&summary.made),
        about: {
            let holder = summary.holder.as_ref().map_or_else(
                || summary.author.clone(),
                |holder| format!("{holder} since {}", summary.since.as_deref().unwrap_or("an unknown time")),
            );
            let failed =
                if summary.failed > 0 { format!(", {} failed or held", summary.failed) } else { String::new() };
            let said = if summary.said.is_empty() { String::new() } else { format!(": {}", summary.said) };
            format!("{holder}{failed}{said}")
        },
    }));
    let page = usize::from(area.height.saturating_sub(HEAD));
    let first = (pick.at + 1).saturating_sub(page);
    if all.is_empty() {
        nothing(paint, state, area);
    }
    for (y, (number, row)) in (area.y + HEAD..area.bottom()).zip(all.iter().enumerate().skip(first)) {
        let age = row.age.map_or_else(|| "-".to_owned(), |at| paint.age(at));
        line(paint, area, y, [row.verb, row.state, &row.done, &age, &row.about], Role::Text);
        paint.cell(area.x + 1 + VERB, y, STATE, row.state, Align::Left, row.role);
        if number == pick.at {
            let selected = paint.style(Role::Selected);
            paint.buf.set_style(Rect { y, height: 1, ..area }, selected);
            paint.text(area.x, y, area.right(), paint.glyphs.pointer, Role::Key);
            paint.buf.set_style(Rect { y, height: 1, width: 1, ..area }, selected);
        }
    }
    if let Some(Err(refusal)) = state.runs.remembered.as_ref().map(|read| &read.answer) {
        let y = area.bottom().saturating_sub(1);
        let text = format!("what the cluster remembers is not known: {}", refusal.why);
        paint.text(area.x + 1, y, area.right(), &text, Role::Warn);
    }
}

fn line(paint: &mut Paint<'_>, area: Rect, y: u16, [verb, state, done, age, about]: [&str; 5], role: Role) {
    let mut x = area.x + 1;
    for (text, width, align) in
        [(verb, VERB, Align::Left), (state, STATE, Align::Left), (done, DONE, Align::Right), (age, 6, Align::Right)]
    {
        paint.cell(x, y, width, text, align, role);
        x += width;
    }
    paint.text(x + 2, y, area.right(), about, role);
}

fn ours<'a>(run: &'a Ours, state: &State) -> Row<'a> {
    let counts = run.ledger.counts();
    let word = match (&run.ledger.end, run.is_alive()) {
        (Some((End::Done, _)), _) => "done",
        (Some((End::Failed, _)), _) => "failed",
        (Some((End::Stopped, _)), _) => "stopped",
        (Some((End::Superseded, _)), _) => "taken over",
        (None, false) => "ended",
        (None, true) if run.order == Order::Stop => "stopping",
        (None, true) if run.ledger.paused.is_some() => "paused",
        (None, true) => "running",
    };
    let elsewhere =
        if run.plan.context == state.context.name { String::new() } else { format!("on {}, ", run.plan.context) };
    let mut about = format!("{elsewhere}this console");
    if let Some(text) = trouble(&counts) {
        about += &format!(", {text}");
    }
    match (&run.ledger.end, run.acting()) {
        (Some((_, said)), _) => about += &format!(": {said}"),
        (None, Some((namespace, said))) => {
            let who = run.plan.turn(namespace).map_or(namespace, |turn| turn.tenant.as_str());
            about += &format!(": {who}: {said}");
        }
        (None, None) => {}
    }
    if let Some(eta) = run.eta(state.now).filter(|_| run.is_alive()) {
        about += &format!(", {} left", Age(eta));
    }
    Row {
        verb: run.plan.intent.verb(),
        state: word,
        role: role_of(word),
        done: format!("{}/{}", counts.ended(), counts.total()),
        age: Some(run.began),
        about,
    }
}

pub(super) fn role_of(state: &str) -> Role {
    match state {
        "done" => Role::Ok,
        "failed" => Role::Error,
        "running" => Role::Progress,
        "paused" | "left" | "stopping" | "taken over" => Role::Warn,
        _ => Role::Dim,
    }
}

fn nothing(paint: &mut Paint<'_>, state: &State, area: Rect) {
    let y = area.y + area.height / 3;
    let text = match &state.runs.remembered {
        None => format!("{} asking what the cluster remembers", paint.glyphs.loading),
        Some(read) if read.answer.is_ok() => {
            "no runs: nothing was done by this console, and none is remembered".to_owned()
        }
        Some(_) => "no runs of this console".to_owned(),
    };
    paint.text(area.x + 2, y, area.right(), &text, Role::Title);
    paint.text(area.x + 2, y + 2, area.right(), "esc goes back", Role::Hint);
}
