//! Where the time of this fleet's boots goes.

use super::{Content, Line, plain, stale};
use crate::{
    diagnose::kept_down,
    fleet::{
        Age,
        boot::{Lap, Pace},
    },
    index::{
        Entry,
        history::{BootKind, Spread, Stats},
        outlook,
    },
    tui::{
        state::State,
        theme::Role,
        view::{fleet::phase_role, tenant::boot::lap_name},
        widget::paint::Paint,
    },
};

/// Tenants that are on their way and named.
const UNDER_WAY: usize = 12;
/// Cells of a share's bar.
const BAR: usize = 20;

pub(super) fn content(paint: &mut Paint<'_>, state: &State) -> Content {
    let history = state.fleet.history();
    let mut lines = stale(paint, state);
    lines.extend(under_way(paint, state));
    for (kind, stats) in history.kinds() {
        lines.extend(of_kind(paint, kind, stats));
        lines.push(vec![]);
    }
    if history.is_empty() {
        lines.push(plain("no boot has been seen to its end yet: nothing to compare with", Role::Dim));
    }
    if let Some(why) = &history.trouble {
        lines.push(plain(why.to_string(), Role::Warn));
    }
    let title = format!("BOOTS of {}: the latest {} are remembered", state.context.name, history.len());
    Content { title, lines, chosen: None }
}

fn under_way(paint: &mut Paint<'_>, state: &State) -> Vec<Line> {
    let history = state.fleet.history();
    let kept = |e: &Entry| kept_down(&e.verdict.phase, state.board.of(&e.tenant.namespace_name)).map(|f| f.code);
    let forecasts = state.fleet.iter().filter_map(|e| Some((e, history.forecast(e, state.now)?)));
    let mut all: Vec<_> = forecasts.map(|(e, f)| (e, f, kept(e))).collect();
    if all.is_empty() {
        return vec![];
    }
    // Who needs looking at first: those who will not come up by themselves, then those of whom nobody can say how long.
    all.sort_by_key(|(e, f, kept)| {
        (kept.is_none(), std::cmp::Reverse(f.seconds().unwrap_or(u32::MAX)), e.tenant.namespace_name.clone())
    });
    let mut lines = vec![plain(
        format!("UNDER WAY: {}", outlook::boots(u32::try_from(all.len()).unwrap_or(u32::MAX))),
        Role::Title,
    )];
    for (entry, _, kept) in all.iter().take(UNDER_WAY) {
        let (text, role) = match (kept, outlook::clause(entry, history, state.now)) {
            (_, Some((Pace::Stuck, text))) => (text, Role::Error),
            (Some(code), _) => (format!("down: {code}"), Role::Error),
            (None, Some((Pace::Slow, text))) => (text, Role::Warn),
            (None, Some((Pace::Usual, text))) => (text, Role::Progress),
            (None, None) => ("no history yet".to_owned(), Role::Dim),
        };
        lines.push(vec![
            (super::field(paint, &entry.tenant.id, 16), Role::Text),
            (super::field(paint, &text, 24), role),
            (crate::tui::text::phase(&entry.verdict.phase), phase_role(entry.verdict.phase.rank())),
        ]);
    }
    if all.len() > UNDER_WAY {
        lines.push(plain(format!("and {} more", all.len() - UNDER_WAY), Role::Dim));
    }
    lines.push(vec![]);
    // Their times grow by the second.
    paint.wake_at(state.now.plus(1));
    lines
}

/// `openclaw, tier pro, new volumes: 40 boots, median 94s, p95 120s`.
fn heading(kind: &BootKind, stats: &Stats) -> Line {
    let tier = match kind.tier.as_deref() {
        Some("") => "no tier".to_owned(),
        Some(tier) => format!("tier {tier}"),
        None => "any tier".to_owned(),
    };
    let volumes = match kind.new_volumes {
        Some(true) => "first boots (new volumes)",
        Some(false) => "later boots (volumes kept)",
        None => "volumes unknown",
    };
    let n = outlook::boots(stats.boots());
    let whole = match (stats.whole().median(), stats.whole().p95()) {
        (Some(median), Some(p95)) => format!("median {}, p95 {}", Age(median), Age(p95)),
        _ => "none of them known from end to end".to_owned(),
    };
    let few = if stats.boots() < Stats::ENOUGH { ": too few to foretell from" } else { "" };
    vec![
        (format!("{tier}, {volumes}: "), Role::Title),
        (format!("{n}, {whole}{few}"), Role::Text),
        (format!("  {}", kind.image), Role::Dim),
    ]
}

fn of_kind(paint: &Paint<'_>, kind: &BootKind, stats: &Stats) -> Vec<Line> {
    let shares = stats.shares();
    let share = |lap: usize| shares.get(lap).map(|s| s.share);
    let mut rows: Vec<(String, &Spread, Option<f64>)> = Vec::new();
    let waits: f64 = (0..kind.laps()).filter(|l| Lap::of(*l).waits).filter_map(share).sum();
    for lap in (0..kind.laps()).filter(|l| !Lap::of(*l).waits) {
        if let Some(spread) = stats.lap(lap) {
            rows.push((lap_name(&kind.stages, Lap::of(lap)), spread, share(lap)));
        }
    }
    // Between the steps containers wait for their images and their starts: one row, for any of them alone is little.
    rows.insert(
        2.min(rows.len()),
        ("images and starts".to_owned(), stats.waits(), (!shares.is_empty()).then_some(waits)),
    );
    let most = rows.iter().filter_map(|(.., s)| *s).fold(0.0, f64::max);
    let mut lines = vec![heading(kind, stats), head()];
    let mut dominant = String::new();
    for (name, spread, share) in rows {
        let top = share.is_some_and(|s| s > 0.0 && s >= most);
        if top {
            dominant.clone_from(&name);
        }
        lines.push(row(paint, &name, spread, share, top));
    }
    if let Some((lap, s)) = worst_wait(kind, &shares) {
        lines.push(plain(
            format!(
                "of the images and starts the longest: {}, {} of all",
                lap_name(&kind.stages, Lap::of(lap)),
                percent(s)
            ),
            Role::Dim,
        ));
    }
    if most > 0.0 {
        lines.push(plain(format!("most of the time goes to {dominant}: {} of it", percent(most)), Role::Text));
    }
    lines
}

/// A single wait that is worth a line.
fn worst_wait(kind: &BootKind, shares: &[crate::index::history::Share]) -> Option<(usize, f64)> {
    let waits = shares.iter().filter(|s| s.lap < kind.laps() && Lap::of(s.lap).waits);
    waits.max_by(|a, b| a.share.total_cmp(&b.share)).map(|s| (s.lap, s.share)).filter(|(_, s)| *s >= 0.05)
}

fn head() -> Line {
    plain(format!("{:<23}{:>6}{:>6}{:>8}  {:>5}", "PART", "MEDIAN", "P95", "LONGEST", "SHARE"), Role::Columns)
}

fn row(paint: &Paint<'_>, name: &str, spread: &Spread, share: Option<f64>, top: bool) -> Line {
    let age = |seconds: Option<u32>| seconds.map_or_else(|| "-".to_owned(), |s| Age(s).to_string());
    let figures = format!("{:>5}{:>6}{:>8}", age(spread.median()), age(spread.p95()), age(spread.longest()));
    let (text, bar) = match share {
        Some(share) => (percent(share), bar(paint, share)),
        None => ("-".to_owned(), String::new()),
    };
    vec![
        (super::field(paint, name, 23), Role::Text),
        (figures, Role::Text),
        (format!("  {text:>5}  "), if top { Role::Warn } else { Role::Text }),
        (bar, if top { Role::Warn } else { Role::Meter }),
    ]
}

fn bar(paint: &Paint<'_>, share: f64) -> String {
    // A share is from 0 to 1.
    let cells = (share * BAR as f64).round() as usize;
    paint.glyphs.stage_done.repeat(cells.max(usize::from(share > 0.0)).min(BAR))
}

fn percent(share: f64) -> String {
    format!("{:.0}%", share * 100.0)
}
