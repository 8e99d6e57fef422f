//! The same page where there are few rows: what is over is told in one line, and nothing that matters is below the edge. All of
//! it stands on the page with the proofs.

use ratatui::layout::Rect;
use unicode_width::UnicodeWidthStr as _;

use crate::{
    fleet::{Age, Boot, QuotaEntry, StepState},
    index::words::{pace, span},
    tui::{
        text,
        theme::Role,
        view::findings,
        widget::{
            bar,
            paint::{Align, Paint},
            timeline,
            wrap::wrap,
        },
    },
};

use super::{
    boot,
    section::{self, BODY, Subject, head},
    web,
};

/// Findings after the first, and warnings.
const MORE: usize = 2;

pub(super) fn draw(paint: &mut Paint<'_>, of: &Subject<'_>, y: u16, right: u16) -> u16 {
    let mut y = why(paint, of, y, right);
    y = boot(paint, of, y, right);
    y = quota(paint, of, y, right);
    y = volumes(paint, of, y, right);
    // These leave a line free after them.
    y = web::draw(paint, of, y, right).saturating_sub(1);
    y = pod(paint, of, y, right);
    if of.entry.tenant.running_image().is_some_and(|running| of.entry.tenant.wanted_image() != Some(running)) {
        y = section::image(paint, of, y, right).saturating_sub(1);
    }
    warnings(paint, of, y, right)
}

fn why(paint: &mut Paint<'_>, of: &Subject<'_>, y: u16, right: u16) -> u16 {
    let Some((first, rest)) = of.findings.split_first() else {
        if of.entry.verdict.why.is_empty() {
            return y;
        }
        head(paint, y, right, "WHY");
        return wrap(paint, BODY, y, right, &of.entry.verdict.why, Role::Text, 2);
    };
    head(paint, y, right, "WHY");
    let mut y = line(paint, first, y, right);
    y = wrap(paint, BODY + 2, y, right, &first.sentence, Role::Text, 2);
    paint.text(BODY + 2, y, right, "do", Role::Title);
    y = wrap(paint, BODY + 5, y, right, &first.advice, Role::Text, 2);
    for found in rest.iter().take(MORE) {
        let x =
            paint.text(BODY, y, right, findings::glyph(paint.glyphs, found.severity), findings::role(found.severity));
        let x = paint.text(x + 1, y, right, &format!("{}: ", found.code), findings::role(found.severity));
        wrap(paint, x, y, right, &found.sentence, Role::Text, 1);
        y += 1;
    }
    if rest.len() > MORE {
        let text = format!("and {} more: {} shows all", rest.len() - MORE, paint.glyphs.enter);
        paint.text(BODY, y, right, &text, Role::Hint);
        y += 1;
    }
    y
}

fn line(paint: &mut Paint<'_>, found: &crate::diagnose::Finding, y: u16, right: u16) -> u16 {
    let since = found.since.map(|at| format!("since {}", paint.age(at)));
    let end = since.and_then(|s| paint.parts_right(BODY + 30, y, right, &[(&s, Role::Dim)])).unwrap_or(right + 1);
    let glyph = findings::glyph(paint.glyphs, found.severity);
    paint.text(BODY, y, end.saturating_sub(1), &format!("{glyph} {}", found.code), findings::role(found.severity));
    y + 1
}

/// The step that is at work or has failed; those before it in one, those after it in one.
fn boot(paint: &mut Paint<'_>, of: &Subject<'_>, y: u16, right: u16) -> u16 {
    let tenant = &of.entry.tenant;
    let Some(pod) = tenant.pod() else { return boot::draw(paint, of, y, right).saturating_sub(1) };
    head(paint, y, right, "BOOT");
    let boot = Boot::of(pod);
    let mut y = boot::summary(paint, of, pod, &boot, y, right);
    let Some(at) = boot.steps.iter().position(|step| !step.state.is_done()) else { return y };
    let (done, after) = (&boot.steps[..at], boot.steps.len() - at - 1);
    if !done.is_empty() {
        let seconds: u32 = done.iter().filter_map(|step| step.state.seconds(paint.now)).sum();
        let words = if done.len() == 1 { "1 step" } else { &format!("{} steps", done.len()) };
        paint.text(BODY, y, right, paint.glyphs.done, Role::Ok);
        paint.text(BODY + 2, y, right, &format!("{words} done in {}", Age(seconds)), Role::Dim);
        y += 1;
    }
    let beside = timeline::Beside::of(of.history, tenant, &boot, paint.now);
    let area = Rect { x: BODY, y, width: right.saturating_sub(BODY), height: 1 };
    y += timeline::one(paint, &boot, &beside, at, area);
    y = boot::stuck(paint, of, y, right);
    y = boot::log_end(paint, of, 1, y, right);
    let waits = boot.steps.iter().skip(at + 1).all(|step| step.state == StepState::Waiting);
    if after > 0 && waits {
        paint.text(BODY, y, right, paint.glyphs.waiting, Role::Dim);
        let words = if after == 1 { "1 more waits".to_owned() } else { format!("{after} more wait") };
        paint.text(BODY + 2, y, right, &words, Role::Dim);
        y += 1;
    }
    y
}

/// How full, how long it will still do, and how fast it fills: in the order in which it matters.
fn volumes(paint: &mut Paint<'_>, of: &Subject<'_>, y: u16, right: u16) -> u16 {
    let claims = &of.entry.tenant.claims;
    if claims.is_empty() || claims.iter().any(|c| c.usage.is_none()) {
        return section::volumes(paint, of, y, right).saturating_sub(1);
    }
    head(paint, y, right, "DISK");
    let mut y = y;
    for claim in claims {
        paint.cell(BODY, y, 16, &claim.name, Align::Left, Role::Text);
        let percent = claim.percent();
        bar::meter(paint, BODY + 17, y, 7, percent);
        let share = percent.map_or_else(|| "-".to_owned(), bar::share_text);
        paint.cell(BODY + 25, y, 5, &share, Align::Right, percent.map_or(Role::Dim, bar::share_role));
        let mut about = text::claim(claim);
        about.extend(claim.seconds_to_full().map(|seconds| format!(", full in {}", span(seconds))));
        about.extend(claim.growth.map(|growth| format!(", {}/day", pace(growth))));
        about.extend(claim.inode_percent().map(|inodes| format!(", inodes {inodes}%")));
        about.extend(claim.usage.map(|usage| format!(" ({}, {} old)", usage.source.word(), paint.age(usage.at))));
        paint.text(BODY + 31, y, right, &about, Role::Text);
        y += 1;
    }
    y
}

/// As many to a line as have room, the fullest in colour.
fn quota(paint: &mut Paint<'_>, of: &Subject<'_>, mut y: u16, right: u16) -> u16 {
    head(paint, y, right, "QUOTA");
    let Some(quota) = of.entry.tenant.quota() else {
        paint.text(BODY, y, right, "none seen", Role::Dim);
        return y + 1;
    };
    let half = right.saturating_sub(BODY) / 2;
    let mut x = BODY;
    for entry in quota.entries() {
        if x + half > right {
            (x, y) = (BODY, y + 1);
        }
        allowance(paint, &entry, Rect { x, y, width: half.saturating_sub(1), height: 1 });
        x += half;
    }
    y + 1
}

fn allowance(paint: &mut Paint<'_>, entry: &QuotaEntry<'_>, area: Rect) {
    let used = entry.used.map_or_else(|| "?".to_owned(), |q| q.to_string());
    let percent = entry.used.and_then(|used| used.percent_of(entry.hard));
    let name = 15.min(area.width / 2);
    paint.cell(area.x, area.y, name, entry.resource, Align::Left, Role::Text);
    let meter = 5;
    bar::plain_meter(paint, area.x + name + 1, area.y, meter, percent);
    paint.text(area.x + name + meter + 2, area.y, area.right(), &format!("{used} of {}", entry.hard), Role::Text);
}

fn pod(paint: &mut Paint<'_>, of: &Subject<'_>, y: u16, right: u16) -> u16 {
    head(paint, y, right, "POD");
    let Some(pod) = of.entry.tenant.pod() else {
        paint.text(BODY, y, right, "none", Role::Dim);
        return y + 1;
    };
    section::pod_facts(paint, pod, y, right);
    let dot = format!(" {} ", paint.glyphs.dot);
    let parts = |with_memory: bool| {
        let mut parts = Vec::new();
        for (i, container) in pod.containers.iter().enumerate() {
            if i > 0 {
                parts.push((dot.clone(), Role::Dim));
            }
            let mut said = format!("{} {}", container.name, text::container_state(container));
            if container.restarts > 0 {
                said.push_str(&format!(" {}{}", paint.glyphs.restarts, container.restarts));
            }
            let usage = of.entry.tenant.part_usage(&container.name).filter(|_| with_memory);
            parts.push((said, section::container_role(container)));
            parts.extend(usage.map(|usage| (format!(" {}", usage.memory().bytes()), Role::Dim)));
        }
        parts
    };
    // What each container holds of the memory, where there is room for it: it is what they die of.
    let width = |parts: &[(String, Role)]| parts.iter().map(|(text, _)| text.width()).sum::<usize>();
    let mut said = parts(true);
    if width(&said) > usize::from(right.saturating_sub(BODY)) {
        said = parts(false);
    }
    let said: Vec<_> = said.iter().map(|(text, role)| (text.as_str(), *role)).collect();
    paint.parts(BODY, y + 1, right, &said);
    y + 2
}

/// The latest, each on a line.
fn warnings(paint: &mut Paint<'_>, of: &Subject<'_>, mut y: u16, right: u16) -> u16 {
    for (i, warning) in text::latest(of.entry).take(MORE).enumerate() {
        if i == 0 {
            head(paint, y, right, "WARN");
        }
        let age = warning.last.map_or_else(|| "?".to_owned(), |at| paint.age(at));
        paint.cell(BODY, y, 5, &age, Align::Right, Role::Dim);
        let about = format!("{} {}{} ", warning.reason, paint.glyphs.times, warning.count);
        let x = paint.text(BODY + 6, y, right, &about, Role::Warn);
        wrap(paint, x, y, right, &warning.message, Role::Text, 1);
        y += 1;
    }
    y
}
