//! What is wrong in the fleet: a line per cause, the selected one in full below; then the tenants of one cause.

use ratatui::layout::Rect;

use crate::{
    diagnose::{Cause, Causes, Evidence, Finding, Severity},
    fleet::Text,
    tui::{
        glyph::Glyphs,
        state::{CauseKey, State, pick::Pick},
        text,
        theme::Role,
        widget::{
            paint::{Align, Paint},
            wrap::wrap,
        },
    },
};

use super::{fleet::phase_role, footer, header};

/// Lines that the selected cause has below the list.
const DETAIL: u16 = 11;
const SEVERITY: u16 = 8;

/// The causes in the order of their rows.
pub(crate) fn keys(causes: &Causes<'_>) -> Vec<CauseKey> {
    causes.0.iter().map(|c| (c.code, c.about.to_owned())).collect()
}

/// The tenants of one cause, in the order of their rows.
pub(crate) fn tenants(causes: &Causes<'_>, key: &CauseKey) -> Vec<Text> {
    let cause = find(causes, key);
    cause.map(|c| c.tenants.iter().map(|t| (*t).clone()).collect()).unwrap_or_default()
}

fn find<'a, 'b>(causes: &'b Causes<'a>, (code, about): &CauseKey) -> Option<&'b Cause<'a>> {
    causes.0.iter().find(|c| c.code == *code && c.about == about)
}

/// Rows of the list on a screen of this size.
pub(crate) fn rows(size: (u16, u16)) -> usize {
    let body = size.1.saturating_sub(header::HEIGHT + footer::HEIGHT);
    usize::from(list_height(body).saturating_sub(1))
}

/// Its title too.
fn list_height(body: u16) -> u16 {
    body.saturating_sub(DETAIL).max(body / 2)
}

pub(crate) fn role(severity: Severity) -> Role {
    match severity {
        Severity::Critical => Role::Error,
        Severity::Warning => Role::Warn,
        Severity::Note => Role::Dim,
    }
}

pub(crate) fn glyph(glyphs: &'static Glyphs, severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => glyphs.broken,
        Severity::Warning => glyphs.phase_rank(1),
        Severity::Note => glyphs.dot,
    }
}

pub(crate) fn draw(paint: &mut Paint<'_>, state: &State, pick: &Pick<CauseKey>, area: Rect) {
    let causes = state.board.causes();
    if causes.0.is_empty() {
        nothing(paint, state, area);
        return;
    }
    let height = list_height(area.height);
    let list = Rect { height, ..area };
    titles(paint, list, "WHAT IS WRONG", Some("TENANTS"));
    let page = usize::from(height.saturating_sub(1));
    let first = (pick.at + 1).saturating_sub(page);
    for (y, (row, cause)) in (list.y + 1..list.bottom()).zip(causes.0.iter().enumerate().skip(first)) {
        let right = area.right();
        let x = paint.text(area.x + 1, y, right, glyph(paint.glyphs, cause.severity), role(cause.severity)) + 1;
        paint.cell(x, y, SEVERITY, cause.severity.word(), Align::Left, role(cause.severity));
        let text_end = right.saturating_sub(15);
        paint.text(x + SEVERITY + 1, y, text_end, &cause.title(), Role::Text);
        let count = if cause.tenants.is_empty() { "-".to_owned() } else { cause.tenants.len().to_string() };
        paint.cell(text_end, y, 8, &count, Align::Right, Role::Text);
        let since = cause.since.map_or_else(|| "-".to_owned(), |at| paint.age(at));
        paint.cell(text_end + 8, y, 6, &since, Align::Right, Role::Dim);
        if row == pick.at {
            select(paint, Rect { y, height: 1, ..area });
        }
    }
    if let Some(cause) = pick.key().and_then(|key| find(&causes, key)) {
        let below = Rect { y: area.y + height, height: area.height - height, ..area };
        detail(paint, state, cause, below);
    }
}

fn nothing(paint: &mut Paint<'_>, state: &State, area: Rect) {
    let y = area.y + area.height / 3;
    let settled = state.fleet.sources().settled();
    let text = if settled {
        "nothing is wrong by what can be read"
    } else {
        "nothing is judged before everything was read once"
    };
    paint.text(area.x + 2, y, area.right(), text, Role::Title);
    paint.text(area.x + 2, y + 2, area.right(), "esc goes back to the fleet", Role::Hint);
}

fn titles(paint: &mut Paint<'_>, area: Rect, what: &str, count: Option<&str>) {
    let style = paint.style(Role::Columns);
    paint.buf.set_style(Rect { height: 1, ..area }, style);
    paint.text(area.x + 3, area.y, area.right(), what, Role::Columns);
    let end = area.right().saturating_sub(15);
    if let Some(count) = count {
        paint.cell(end, area.y, 8, count, Align::Right, Role::Columns);
    }
    paint.cell(end + 8, area.y, 6, "SINCE", Align::Right, Role::Columns);
}

fn select(paint: &mut Paint<'_>, line: Rect) {
    let selected = paint.style(Role::Selected);
    paint.buf.set_style(line, selected);
    paint.text(line.x, line.y, line.right(), paint.glyphs.pointer, Role::Key);
    paint.buf.set_style(Rect { width: 1, ..line }, selected);
}

/// One of its findings, whom it concerns, what to do and what proves it.
fn detail(paint: &mut Paint<'_>, state: &State, cause: &Cause<'_>, area: Rect) {
    let right = area.right().saturating_sub(1);
    let line = paint.glyphs.line.repeat(usize::from(right.saturating_sub(1)));
    paint.text(area.x + 1, area.y, right, &line, Role::Frame);
    let mut y = area.y + 1;
    let x = paint.text(area.x + 1, y, right, cause.code.word(), role(cause.severity)) + 2;
    y = within(paint, area, x, y, right, &cause.example.sentence, Role::Text, 2);
    if !cause.tenants.is_empty() && y < area.bottom() {
        let id = |ns: &&Text| state.fleet.get(ns).map_or_else(|| ns.to_string(), |e| e.tenant.id.to_string());
        let names: Vec<_> = cause.tenants.iter().take(12).map(id).collect();
        let more = cause.tenants.len().saturating_sub(names.len());
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        labelled(paint, area, &mut y, right, "whom", &format!("{}{more}", names.join(", ")), Role::Text, 2);
    }
    labelled(paint, area, &mut y, right, "do", &cause.example.advice, Role::Text, 3);
    for evidence in &cause.example.evidence {
        let said = proof(paint, evidence);
        labelled(paint, area, &mut y, right, "proof", &said, Role::Dim, 2);
    }
}

#[expect(clippy::too_many_arguments, reason = "a pen, a place and a text")]
fn labelled(
    paint: &mut Paint<'_>,
    area: Rect,
    y: &mut u16,
    right: u16,
    label: &str,
    said: &str,
    role: Role,
    most: u16,
) {
    if *y < area.bottom() {
        paint.text(area.x + 1, *y, right, label, Role::Title);
        *y = within(paint, area, area.x + 8, *y, right, said, role, most);
    }
}

/// Wraps, and never below the area.
#[expect(clippy::too_many_arguments, reason = "a pen, a place and a text")]
fn within(paint: &mut Paint<'_>, area: Rect, x: u16, y: u16, right: u16, said: &str, role: Role, most: u16) -> u16 {
    wrap(paint, x, y, right, said, role, most.min(area.bottom().saturating_sub(y)).max(1))
}

/// `event FailedCreate of StatefulSet openclaw, 9 times, 1m ago: ...`.
pub(crate) fn proof(paint: &mut Paint<'_>, evidence: &Evidence) -> String {
    let mut head = format!("{} {}", evidence.proof.word(), evidence.place);
    if evidence.count > 1 {
        head.push_str(&format!(", {} times", evidence.count));
    }
    if let Some(at) = evidence.at {
        head.push_str(&format!(", {} ago", paint.age(at)));
    }
    format!("{head}: {}", evidence.said)
}

pub(crate) fn draw_cause(paint: &mut Paint<'_>, state: &State, key: &CauseKey, pick: &Pick<Text>, area: Rect) {
    let causes = state.board.causes();
    let Some(cause) = find(&causes, key) else {
        let y = area.y + area.height / 3;
        paint.text(area.x + 2, y, area.right(), "nobody has this any more", Role::Title);
        paint.text(area.x + 2, y + 2, area.right(), "esc goes back", Role::Hint);
        return;
    };
    let height = list_height(area.height);
    let list = Rect { height, ..area };
    titles(paint, list, &cause.title(), None);
    let page = usize::from(height.saturating_sub(1));
    let first = (pick.at + 1).saturating_sub(page);
    for (y, (row, namespace)) in (list.y + 1..list.bottom()).zip(cause.tenants.iter().enumerate().skip(first)) {
        let finding = of_cause(state.board.of(namespace), key);
        tenant_row(paint, state, namespace, finding, Rect { y, height: 1, ..area });
        if row == pick.at {
            select(paint, Rect { y, height: 1, ..area });
        }
    }
    let below = Rect { y: area.y + height, height: area.height - height, ..area };
    let example = pick.key().and_then(|ns| of_cause(state.board.of(ns), key)).unwrap_or(cause.example);
    detail(paint, state, &Cause { example, tenants: vec![], ..cause.clone() }, below);
}

fn of_cause<'a>(findings: &'a [Finding], (code, about): &CauseKey) -> Option<&'a Finding> {
    findings.iter().find(|f| f.code == *code && f.about == *about)
}

fn tenant_row(paint: &mut Paint<'_>, state: &State, namespace: &Text, finding: Option<&Finding>, line: Rect) {
    let Some(entry) = state.fleet.get(namespace) else { return };
    let (y, right) = (line.y, line.right());
    let role = phase_role(entry.verdict.phase.rank());
    let x = paint.text(line.x + 1, y, right, paint.glyphs.phase(&entry.verdict.phase), role) + 1;
    paint.cell(x, y, 24, &entry.tenant.id, Align::Left, Role::Text);
    let end = right.saturating_sub(7);
    paint.text(x + 25, y, end, &text::phase(&entry.verdict.phase), role);
    let since = finding.and_then(|f| f.since).map_or_else(|| "-".to_owned(), |at| paint.age(at));
    paint.cell(end, y, 6, &since, Align::Right, Role::Dim);
}

#[cfg(test)]
mod tests {
    use crate::{
        fleet::{fixture::*, *},
        tui::{fixture::*, state::State},
    };

    fn page() -> State {
        let mut all = mixed();
        for id in ["lea", "lou"] {
            let mut leo = all[1].clone();
            (leo.id, leo.namespace_name) = (text(id), text(&format!("tenant-{id}")));
            leo.namespace.as_mut().unwrap().owner = None;
            all.push(leo);
        }
        let mut state = with(all);
        press(&mut state, "f");
        state
    }

    #[test]
    fn causes_the_worst_first_with_the_selected_one_in_full() {
        let mut state = page();
        insta::assert_snapshot!("findings_80x24", screen(&mut state, 80, 24));
        insta::assert_snapshot!("findings_120x40", screen(&mut state, 120, 40));
        insta::assert_snapshot!("findings_44x16", screen(&mut state, 44, 16));
        state.looks = looks("mono", crate::tui::theme::Depth::None, crate::tui::glyph::GlyphSet::Ascii);
        insta::assert_snapshot!("findings_80x24_mono_ascii", styled(&mut state, 80, 24));
    }

    #[test]
    fn a_cause_opens_its_tenants_and_they_open_their_pages() {
        let mut state = page();
        let rows = screen(&mut state, 80, 24);
        let at = rows.lines().skip(3).position(|l| l.contains("image cannot be pulled")).unwrap();
        for _ in 0..at {
            press(&mut state, "j");
        }
        press(&mut state, "enter");
        let shown = screen(&mut state, 80, 24);
        assert!(["lea", "leo", "lou"].iter().all(|id| shown.contains(id)), "{shown}");
        insta::assert_snapshot!("cause_80x24", shown);
        insta::assert_snapshot!("cause_120x40", screen(&mut state, 120, 40));
        press(&mut state, "j enter");
        assert!(screen(&mut state, 80, 24).lines().nth(2).unwrap().contains("leo"));
        press(&mut state, "esc esc esc");
        assert!(screen(&mut state, 80, 24).contains("TENANT"));
    }

    #[test]
    fn nothing_wrong_and_nothing_known_are_told_apart() {
        let mut state = console();
        press(&mut state, "f");
        assert!(screen(&mut state, 80, 24).contains("before everything was read once"));
        let mut fine = tenant("a", Some(later(ready(), 100)));
        fine.quotas = Box::new([quota("2Gi")]);
        let mut state = with(vec![fine]);
        press(&mut state, "f enter");
        assert!(screen(&mut state, 80, 24).contains("nothing is wrong"));
    }

    #[test]
    fn the_cursor_stays_with_its_cause() {
        let mut state = page();
        press(&mut state, "j");
        let selected = |state: &mut State| {
            let shown = screen(state, 120, 40);
            shown.lines().find(|l| l.starts_with('▸')).unwrap().to_owned()
        };
        let before = selected(&mut state);
        let silent = Node { ready: condition(false, 100), ..node("node-1") };
        let key = crate::index::Key { namespace: silent.name.clone(), uid: silent.uid };
        let facet = crate::index::Facet { key, tenant: None, tier: None, part: crate::index::Part::Node(silent) };
        feed(&mut state, vec![crate::index::Delta::Upsert(Box::new(facet))]);
        assert!(screen(&mut state, 120, 40).contains("node is not ready: node-1"));
        assert_eq!(selected(&mut state), before);
    }
}
