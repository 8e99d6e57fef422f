//! The sections of a tenant's page. Each draws from line `y` on and returns the line after it.

use unicode_width::UnicodeWidthStr as _;

use crate::{
    diagnose::Finding,
    fleet::{Claim, Container, ImageRef, Pod, QuotaEntry, Right, Rights, State, fit, growth::Series},
    index::{
        Entry, Fleet, History, Link, Meter, Sources,
        words::{headroom, pace, shares_short, span},
    },
    manifest::TierSize,
    tui::{
        ask::Asked,
        text,
        theme::Role,
        view::findings,
        widget::{
            bar,
            paint::{Align, Paint},
            wrap::wrap,
        },
    },
};

/// Column where a section's facts begin, after its name.
pub(super) const BODY: u16 = 8;
const METER: u16 = 12;

/// Whom a page is about, and how well that is known.
pub(super) struct Subject<'a> {
    pub(super) entry: &'a Entry,
    pub(super) fleet: &'a Fleet,
    pub(super) sources: &'a Sources,
    pub(super) rights: Rights,
    pub(super) history: &'a History,
    pub(super) answers: &'a Asked,
    pub(super) findings: &'a [Finding],
    /// With the proof of every finding, not of the first alone.
    pub(super) proofs: bool,
    pub(super) tiers: &'a [TierSize],
}

/// Why a meter says nothing, where it does not.
fn silence(sources: &Sources, meter: Meter) -> Option<String> {
    let why = match &sources.meter(meter).link {
        Link::Live | Link::Polling { .. } => return None,
        Link::Loading => "nothing measured yet".to_owned(),
        Link::Broken { why, .. } => format!("cannot be read: {why}"),
        Link::Forbidden { why } => format!("may not be read: {why}"),
        Link::Absent { why } => format!("not served: {why}"),
    };
    Some(format!("{}: {why}", meter.name()))
}

pub(super) fn head(paint: &mut Paint<'_>, y: u16, right: u16, name: &str) {
    paint.text(1, y, right, name, Role::Title);
}

pub(super) fn why(paint: &mut Paint<'_>, of: &Subject<'_>, y: u16, right: u16) -> u16 {
    if of.findings.is_empty() {
        if of.entry.verdict.why.is_empty() {
            return y;
        }
        head(paint, y, right, "WHY");
        return wrap(paint, BODY, y, right, &of.entry.verdict.why, Role::Text, 3) + 1;
    }
    head(paint, y, right, "WHY");
    let mut y = y;
    for (i, found) in of.findings.iter().enumerate() {
        // The first in full, since it is what matters; of a long list the rest is behind a key.
        y = finding(paint, found, i == 0, of.proofs, y, right);
    }
    if !of.proofs && of.findings.iter().any(|f| !f.evidence.is_empty()) {
        let key = format!("{} shows what proves it", paint.glyphs.enter);
        paint.text(BODY, y, right, &key, Role::Hint);
        y += 1;
    }
    y + 1
}

fn finding(paint: &mut Paint<'_>, found: &Finding, first: bool, proofs: bool, y: u16, right: u16) -> u16 {
    let role = findings::role(found.severity);
    let glyph = findings::glyph(paint.glyphs, found.severity);
    let since = found.since.map(|at| format!("since {}", paint.age(at)));
    let end = since.and_then(|s| paint.parts_right(BODY + 30, y, right, &[(&s, Role::Dim)])).unwrap_or(right + 1);
    paint.text(BODY, y, end.saturating_sub(1), &format!("{glyph} {}", found.code), role);
    let mut y = wrap(paint, BODY + 2, y + 1, right, &found.sentence, Role::Text, if first || proofs { 4 } else { 1 });
    if first || proofs {
        paint.text(BODY + 2, y, right, "do", Role::Title);
        y = wrap(paint, BODY + 5, y, right, &found.advice, Role::Text, 3);
    }
    if proofs {
        for evidence in &found.evidence {
            let said = findings::proof(paint, evidence);
            y = wrap(paint, BODY + 5, y, right, &said, Role::Dim, 4);
        }
    }
    y
}

pub(super) fn quota(paint: &mut Paint<'_>, of: &Subject<'_>, mut y: u16, right: u16) -> u16 {
    head(paint, y, right, "QUOTA");
    let Some(quota) = of.entry.tenant.quota() else {
        paint.text(BODY, y, right, "none seen", Role::Dim);
        return y + 2;
    };
    for line in quota.entries() {
        quota_line(paint, &line, y, right);
        y += 1;
    }
    for fit in fit::of_tiers(&of.entry.tenant, of.tiers.iter().map(|t| (&t.tier, &*t.amounts))) {
        let own = of.entry.tenant.tier.as_ref().is_some_and(|tier| tier.as_str() == fit.tier.as_str());
        if own && fit.fits() {
            continue;
        }
        let role = if fit.fits() { Role::Dim } else { Role::Warn };
        paint.text(BODY, y, right, &fit.sentence(), role);
        y += 1;
    }
    let used = match of.entry.tenant.usage {
        Some(usage) => {
            let age = paint.age(usage.at);
            Some(format!("in use now: memory {}, cpu {} ({age} old)", usage.memory().bytes(), usage.cpu()))
        }
        None => silence(of.sources, Meter::Pods),
    };
    if let Some(used) = used.filter(|_| of.entry.tenant.pod().is_some()) {
        paint.text(BODY, y, right, &used, Role::Dim);
        y += 1;
    }
    y + 1
}

fn quota_line(paint: &mut Paint<'_>, line: &QuotaEntry<'_>, y: u16, right: u16) {
    paint.cell(BODY, y, 24, line.resource, Align::Left, Role::Text);
    let x = BODY + 25;
    let percent = line.used.and_then(|used| used.percent_of(line.hard));
    bar::plain_meter(paint, x, y, METER, percent);
    let used = line.used.map_or_else(|| "?".to_owned(), |q| q.to_string());
    paint.text(x + METER + 1, y, right, &format!("{used} of {}", line.hard), Role::Text);
}

pub(super) fn volumes(paint: &mut Paint<'_>, of: &Subject<'_>, mut y: u16, right: u16) -> u16 {
    head(paint, y, right, "DISK");
    if of.entry.tenant.claims.is_empty() {
        paint.text(BODY, y, right, "no claims seen", Role::Dim);
        return y + 2;
    }
    for claim in &of.entry.tenant.claims {
        volume_line(paint, claim, of.fleet.series(claim.uid), y, right);
        y += 1;
    }
    if of.entry.tenant.claims.iter().any(|c| c.usage.is_none())
        && let Some(why) = silence(of.sources, Meter::Volumes)
        && let Some(also) = silence(of.sources, Meter::Prometheus)
    {
        for why in [why, also] {
            paint.text(BODY, y, right, &why, Role::Dim);
            y += 1;
        }
        if of.rights.get(Right::Shell) != Some(false) && of.entry.tenant.pod().is_some() {
            paint.text(BODY, y, right, "m asks df inside the pod", Role::Hint);
            y += 1;
        }
    }
    y + 1
}

fn volume_line(paint: &mut Paint<'_>, claim: &Claim, series: Option<&Series>, y: u16, right: u16) {
    paint.cell(BODY, y, 24, &claim.name, Align::Left, Role::Text);
    let x = BODY + 25;
    let percent = claim.percent();
    bar::meter(paint, x, y, METER, percent);
    let share = percent.map_or_else(|| "-".to_owned(), bar::share_text);
    paint.cell(x + METER + 1, y, 5, &share, Align::Right, percent.map_or(Role::Dim, bar::share_role));
    let mut about = text::claim(claim);
    if let Some(usage) = claim.usage {
        if let Some(inodes) = claim.inode_percent() {
            about.push_str(&format!(", inodes {inodes}%"));
        }
        if let Some(growth) = claim.growth {
            let course = bar::course_of(paint.glyphs, series, usage.capacity);
            let gap = if course.is_empty() { "" } else { " " };
            about.push_str(&format!(", {course}{gap}{}/day", pace(growth)));
        }
        if let Some(seconds) = claim.seconds_to_full() {
            about.push_str(&format!(", full in {}", span(seconds)));
        }
        let age = paint.age(usage.at);
        about.push_str(&format!(" ({}, {age} old)", usage.source.word()));
    }
    for more in [claim.resize().map(|r| &**r), claim.class.as_deref()].into_iter().flatten() {
        about.push_str(&format!(", {more}"));
    }
    paint.text(x + METER + 8, y, right, &about, Role::Text);
}

pub(super) fn pod(paint: &mut Paint<'_>, of: &Subject<'_>, mut y: u16, right: u16) -> u16 {
    head(paint, y, right, "POD");
    let Some(pod) = of.entry.tenant.pod() else {
        paint.text(BODY, y, right, "none", Role::Dim);
        return y + 2;
    };
    pod_facts(paint, pod, y, right);
    y += 1;
    for container in pod.containers.iter().chain(pod.stages.iter().filter(|s| s.restarts > 0)) {
        paint.cell(BODY, y, 24, &container.name, Align::Left, Role::Text);
        let role = container_role(container);
        paint.cell(BODY + 25, y, 20, &text::container_state(container), Align::Left, role);
        let mut about = match container.restarts {
            0 => "no restarts".to_owned(),
            1 => "1 restart".to_owned(),
            n => format!("{n} restarts"),
        };
        if let Some(usage) = of.entry.tenant.part_usage(&container.name) {
            about = format!("{}, {about}", shares_short(container, usage));
        }
        if let Some(last) = &container.last {
            let when = last.finished.map(|at| format!(", {} ago", paint.age(at))).unwrap_or_default();
            about.push_str(&format!("; last run ended: {}{when}", text::ending(last)));
        }
        paint.text(BODY + 46, y, right, &about, if container.restarts > 0 { Role::Warn } else { Role::Dim });
        y += 1;
    }
    if let Some(headroom) = headroom(&of.entry.tenant) {
        paint.text(BODY, y, right, &format!("used/asked/at most; {headroom}"), Role::Dim);
        y += 1;
    }
    y + 1
}

/// Which it is, where, and since when.
pub(super) fn pod_facts(paint: &mut Paint<'_>, pod: &Pod, y: u16, right: u16) {
    let mut facts = vec![pod.name.to_string()];
    facts.push(pod.node.as_ref().map_or_else(|| "no node yet".to_owned(), |n| format!("on {n}")));
    facts.extend(pod.ip.map(|ip| ip.to_string()));
    if let Some(created) = pod.created {
        facts.push(format!("made {} ago", paint.age(created)));
    }
    let text = facts.join(&format!(" {} ", paint.glyphs.dot));
    paint.text(BODY, y, right, &text, Role::Text);
}

pub(super) fn container_role(container: &Container) -> Role {
    match (&container.state, container.ready) {
        (_, true) => Role::Ok,
        (State::Terminated(t), _) if t.exit_code == 0 => Role::Ok,
        (State::Terminated(_), _) => Role::Error,
        (State::Waiting(_), _) if container.trouble().is_some() => Role::Error,
        _ => Role::Progress,
    }
}

pub(super) fn image(paint: &mut Paint<'_>, of: &Subject<'_>, y: u16, right: u16) -> u16 {
    head(paint, y, right, "IMAGE");
    let tenant = &of.entry.tenant;
    let short = |image: Option<ImageRef<'_>>| image.map_or_else(|| "-".to_owned(), |i| i.short().to_owned());
    let (wanted, running) = (tenant.wanted_image(), tenant.running_image());
    let differs = running.is_some() && running != wanted;
    let dot = paint.glyphs.dot;
    let mut text = format!("wanted {} {dot} runs {}", short(wanted), short(running));
    if let Some(set) = tenant.set() {
        let revision = tenant.pod().and_then(|p| p.revision.as_ref());
        if let (Some(update), Some(revision)) = (&set.update_revision, revision)
            && update != revision
        {
            text.push_str(&format!(" {dot} {revision} {} {update} with the next pod", paint.glyphs.arrow));
        }
    }
    paint.text(BODY, y, right, &text, if differs { Role::Warn } else { Role::Text });
    y + 2
}

pub(super) fn warnings(paint: &mut Paint<'_>, of: &Subject<'_>, mut y: u16, right: u16) -> u16 {
    if of.entry.tenant.warnings.is_empty() {
        return y;
    }
    head(paint, y, right, "WARN");
    for warning in text::latest(of.entry) {
        let age = warning.last.map_or_else(|| "?".to_owned(), |at| paint.age(at));
        paint.cell(BODY, y, 5, &age, Align::Right, Role::Dim);
        let about = format!("{} {}{} {}", warning.reason, paint.glyphs.times, warning.count, warning.object);
        let x = paint.text(BODY + 6, y, right, &about, Role::Warn) + 1;
        // Beside its head where it fits whole, else on lines of its own.
        y = if warning.message.width() <= usize::from(right.saturating_sub(x)) {
            wrap(paint, x, y, right, &warning.message, Role::Text, 1)
        } else {
            wrap(paint, BODY + 6, y + 1, right, &warning.message, Role::Text, 3)
        };
    }
    y
}
