//! The dialog before anything is changed: the words first, every tenant, what it costs its user, what the server says.

use ratatui::layout::Rect;

use crate::{
    engine::{Proposal, dry::Verdict},
    plan::Danger,
    tui::{
        glyph::Glyphs,
        state::{
            State,
            confirm::{Answer, Confirm},
            overlay::Overlay,
        },
        theme::Role,
        widget::{boxed, paint::Paint, wrap::hang},
    },
};

const WIDTH: u16 = 100;
/// Lines that the box has besides its text: frame, and what is asked for.
const CHROME: u16 = 4;

type Line = (String, Role);

/// Lines in all, and lines on screen, of the dialog on top.
pub(crate) fn extent(state: &State) -> (usize, usize) {
    let screen = Rect { x: 0, y: 0, width: state.size.0, height: state.size.1 };
    let Some(Overlay::Confirm(confirm)) = state.overlays.last() else { return (0, 0) };
    let lines = content(confirm, state.looks.glyphs.glyphs(), inside(screen));
    (lines.len(), usize::from(area(screen, lines.len()).height.saturating_sub(CHROME)))
}

fn area(screen: Rect, lines: usize) -> Rect {
    let wanted = u16::try_from(lines).unwrap_or(u16::MAX).saturating_add(CHROME);
    boxed::centred(screen, WIDTH, wanted.min(screen.height.saturating_sub(2)))
}

/// Cells of a line of text in the box.
fn inside(screen: Rect) -> usize {
    usize::from(WIDTH.min(screen.width).saturating_sub(4))
}

pub(crate) fn draw(paint: &mut Paint<'_>, confirm: &Confirm, screen: Rect) {
    let lines = content(confirm, paint.glyphs, inside(screen));
    let area = area(screen, lines.len());
    let title = format!("{} on {}", confirm.what, confirm.context);
    let room = usize::from(area.height.saturating_sub(CHROME));
    let more = lines.len().saturating_sub(confirm.scroll + room);
    let foot = foot(confirm, more);
    let foot: Vec<_> = foot.iter().map(|(text, role)| (text.as_str(), *role)).collect();
    let inner = boxed::draw(paint, area, &title, &foot);
    let text_end = inner.bottom().saturating_sub(2);
    for (y, (text, role)) in (inner.y..text_end).zip(lines.iter().skip(confirm.scroll)) {
        paint.text(inner.x, y, inner.right(), text, *role);
    }
    question(paint, confirm, Rect { y: inner.bottom().saturating_sub(1), height: 1, ..inner });
}

/// What has to be done to say yes, in the last line.
fn question(paint: &mut Paint<'_>, confirm: &Confirm, line: Rect) {
    let dots = paint.glyphs.ellipsis;
    let (text, role) = match (&confirm.answer, confirm.wanted()) {
        _ if confirm.beginning => (format!("beginning{dots}"), Role::Progress),
        (Answer::Waiting, _) => (format!("asking the cluster; nothing is changed yet{dots}"), Role::Progress),
        (Answer::Refused(_), _) => ("refused: nothing was done".to_owned(), Role::Error),
        (Answer::Ready(_), _) if confirm.refusal().is_some() => {
            ("the server would refuse it: nothing was done".to_owned(), Role::Error)
        }
        (Answer::Ready(_), Some(name)) => {
            let all = confirm.names().len();
            let which = if all > 1 { format!("{} of {all}: ", confirm.typed + 1) } else { String::new() };
            let ask = format!("{which}type {name} and Enter to go on: ");
            let x = paint.text(line.x, line.y, line.right(), &ask, Role::Warn);
            confirm.field.draw(paint, Rect { x, width: line.right().saturating_sub(x), ..line });
            return;
        }
        (Answer::Ready(_), None) if confirm.wants_yes() => ("y begins it".to_owned(), Role::Title),
        (Answer::Ready(_), None) => ("Enter begins it".to_owned(), Role::Title),
    };
    paint.text(line.x, line.y, line.right(), &text, role);
}

fn foot(confirm: &Confirm, more: usize) -> Vec<Line> {
    let mut foot = Vec::new();
    let mut key = |key: &str, hint: &str| {
        foot.push((format!(" {key} "), Role::Key));
        foot.push((format!("{hint} "), Role::Hint));
    };
    if confirm.is_open() && confirm.wanted().is_none() {
        key(if confirm.wants_yes() { "y" } else { "enter" }, "begin");
    }
    if confirm.proposal().is_some() {
        key("tab", if confirm.details { "the plan in short" } else { "steps and what the server says" });
    }
    if more > 0 {
        key("pgdn", &format!("{more} more lines"));
    }
    key("esc", if confirm.beginning { "close" } else { "no" });
    foot
}

fn content(confirm: &Confirm, glyphs: &Glyphs, width: usize) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut add = |text: &str, role: Role| lines.extend(hang(text, width).into_iter().map(|line| (line, role)));
    match &confirm.answer {
        Answer::Waiting => {}
        Answer::Refused(reasons) => {
            for reason in reasons {
                add(&format!("{} {reason}", glyphs.failed), Role::Error);
            }
        }
        Answer::Ready(proposal) => {
            for (text, role) in
                if confirm.details { details(proposal, glyphs) } else { words(proposal, confirm, glyphs) }
            {
                add(&text, role);
            }
        }
    }
    lines
}

/// The plan in short.
fn words(proposal: &Proposal, confirm: &Confirm, glyphs: &Glyphs) -> Vec<Line> {
    let preview = &proposal.preview;
    let mut lines = Vec::new();
    if matches!(preview.danger, Danger::Names { .. })
        || preview.waves.iter().map(|w| w.tenants.len()).sum::<usize>() > 1
    {
        lines.push((preview.headline.clone(), Role::Text));
    }
    lines.extend(preview.opening.iter().map(|said| (format!("before anybody: {said}"), Role::Text)));
    let many = preview.waves.len() > 1;
    for wave in &preview.waves {
        if many {
            let count = match wave.tenants.len() {
                1 => "1 tenant".to_owned(),
                n => format!("{n} tenants"),
            };
            lines.push((format!("wave {} {} {count}", wave.wave, glyphs.dot), Role::Title));
        }
        // What is said of all alike is said once, and below it who they are.
        let mut groups: Vec<(&str, Vec<&str>)> = Vec::new();
        for tenant in &wave.tenants {
            match groups.iter_mut().find(|(said, _)| *said == tenant.said) {
                Some((_, names)) => names.push(&tenant.tenant),
                None => groups.push((&tenant.said, vec![&tenant.tenant])),
            }
        }
        for (said, names) in groups {
            lines.push((said.to_owned(), Role::Text));
            lines.push((format!("  {}", names.join(" ")), Role::Title));
        }
    }
    lines.push((format!("without the gateway: {}", preview.downtime), Role::Text));
    for tenant in preview.waves.iter().flat_map(|wave| &wave.tenants) {
        if let Some(unwell) = &tenant.unwell {
            let said = format!("{}: unwell now ({unwell}), judged as no worse than before", tenant.tenant);
            lines.push((said, Role::Dim));
        }
        for warning in &tenant.warnings {
            lines.push((format!("{} {}: {warning}", glyphs.phase_rank(1), tenant.tenant), Role::Warn));
        }
    }
    for note in &proposal.notes {
        lines.push((format!("note: {note}"), Role::Dim));
    }
    if !proposal.left_out.0.is_empty() {
        lines.push((format!("left out, {}:", proposal.left_out.0.len()), Role::Warn));
        lines.extend(proposal.left_out.to_string().lines().map(|line| (format!("  {line}"), Role::Warn)));
    }
    lines.push(server(proposal));
    if let Some(refusal) = confirm.refusal() {
        lines.extend(refusal.into_iter().map(|line| (format!("{} {line}", glyphs.failed), Role::Error)));
    }
    lines
}

/// What the server's own dry run said, in a line.
fn server(proposal: &Proposal) -> Line {
    let verdicts: Vec<&Verdict> = proposal.server.values().flatten().collect();
    let of = proposal.asked_about().map_or_else(String::new, |who| format!(" of {who}"));
    let refused = verdicts.iter().filter(|v| v.refused.is_some()).count();
    let fields: usize = verdicts.iter().map(|v| v.changes.len()).sum();
    if refused > 0 {
        return (format!("server dry run{of}: {refused} of {} requests refused", verdicts.len()), Role::Error);
    }
    if verdicts.iter().any(|v| v.is_whole()) {
        let who = match proposal.plan.turns().count() {
            1 => "the Namespace goes with all in it".to_owned(),
            n => format!("{n} Namespaces go with all in them"),
        };
        return (format!("{who}: no dry run asks the server about that"), Role::Warn);
    }
    let deleted = verdicts.iter().filter(|v| v.deletes()).count();
    let fields = match fields {
        0 if deleted == 1 => "1 object deleted, no field changed".to_owned(),
        0 if deleted > 1 => format!("{deleted} objects deleted, no field changed"),
        0 => "no field of what is live changes".to_owned(),
        1 => "1 field of what is live changes".to_owned(),
        n => format!("{n} fields of what is live change"),
    };
    let accepted = match verdicts.len() {
        1 => "its request accepted".to_owned(),
        n => format!("all {n} requests accepted"),
    };
    (format!("server dry run{of}: {accepted}; {fields}"), Role::Ok)
}

/// Step by step, and object by object what would differ.
fn details(proposal: &Proposal, glyphs: &Glyphs) -> Vec<Line> {
    let mut lines = Vec::new();
    for (n, steps) in proposal.preview.steps.iter().enumerate() {
        lines.push((if n == 0 { "steps:" } else { "steps for those asleep:" }.to_owned(), Role::Title));
        lines.extend(steps.iter().map(|step| (format!("  {} {step}", glyphs.dot), Role::Text)));
    }
    for (tenant, verdicts) in &proposal.server {
        lines.push((format!("what the server says for {tenant}:"), Role::Title));
        for verdict in verdicts {
            let role = if verdict.refused.is_some() { Role::Error } else { Role::Text };
            lines.push((format!("  {} {}", verdict.object, verdict.said), role));
            lines.extend(verdict.changes.iter().map(|change| (format!("    {}", change.words()), Role::Dim)));
            lines.extend(verdict.refused.iter().map(|why| (format!("    refused: {why}"), Role::Error)));
        }
    }
    lines
}
