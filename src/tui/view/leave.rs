//! The question before one leaves runs behind.

use ratatui::layout::Rect;

use crate::tui::{
    state::State,
    theme::Role,
    widget::{boxed, paint::Paint},
};

pub(crate) fn draw(paint: &mut Paint<'_>, state: &State, screen: Rect) {
    let runs: Vec<_> = state.runs.alive().collect();
    let height = u16::try_from(runs.len()).unwrap_or(5).min(5) + 5;
    let area = boxed::centred(screen, 78, height);
    let foot = [
        (" y ", Role::Key),
        ("stop before the next step, and leave ", Role::Hint),
        (" esc ", Role::Key),
        ("stay ", Role::Hint),
    ];
    let inner = boxed::draw(paint, area, "leave?", &foot);
    let mut y = inner.y;
    let mut line = |paint: &mut Paint<'_>, text: &str, role: Role| {
        if y < inner.bottom() {
            paint.text(inner.x, y, inner.right(), text, role);
        }
        y += 1;
    };
    line(paint, "This console carries out:", Role::Text);
    for run in runs.iter().take(5) {
        let counts = run.ledger.counts();
        let text = format!("  {}: {} of {} done", run.plan.id, counts.done, counts.total());
        line(paint, &text, Role::Title);
    }
    line(paint, "", Role::Text);
    let recorded = runs.iter().all(|run| run.recorded);
    let text = if recorded {
        "What is done stays done; `fleetdeck runs resume ID` goes on with it."
    } else {
        "What is done stays done; what no cluster remembers is not gone on with."
    };
    line(paint, text, Role::Dim);
}
