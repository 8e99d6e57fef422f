//! How many tenants have what in common: a group each for phase, tier, image and node.

use ratatui::layout::Rect;

use crate::{
    fleet::{ImageRef, Phase},
    index::facets::{By, Facet},
    tui::{
        state::{FacetKey, State, pick::Pick},
        theme::Role,
        widget::{
            bar,
            paint::{Align, Paint},
        },
    },
};

use super::{fleet::phase_role, footer, header};

const TITLE: u16 = 1;
const METER: u16 = 22;
const COUNT: u16 = 9;
/// From here on there is room for a meter.
const WIDE: u16 = 72;

/// Rows on a screen of this size, titles of groups among them.
pub(crate) fn rows(size: (u16, u16)) -> usize {
    usize::from(size.1.saturating_sub(header::HEIGHT + TITLE + footer::HEIGHT))
}

/// A line of the page.
enum Line<'a> {
    Group(By),
    Facet(usize, &'a Facet),
}

pub(crate) fn draw(paint: &mut Paint<'_>, state: &State, pick: &Pick<FacetKey>, area: Rect) {
    let right = area.right().saturating_sub(1);
    let facets = state.facets();
    let all = state.list.order.len();
    let hidden = match state.list.hidden {
        0 => String::new(),
        n => format!(", the filter hides {n}"),
    };
    let style = paint.style(Role::Columns);
    paint.buf.set_style(Rect { height: 1, ..area }, style);
    let meter = if area.width >= WIDE { METER } else { 0 };
    let count = right.saturating_sub(meter + 2 + COUNT * 3);
    let words = format!("FACETS of {all} tenants{hidden}");
    paint.text(area.x + 2, area.y, count, &words, Role::Columns);
    for (i, title) in ["TENANTS", "FAILING", "DEGRADED"].into_iter().enumerate() {
        let x = count + COUNT * u16::try_from(i).unwrap_or_default();
        paint.cell(x, area.y, COUNT, title, Align::Right, Role::Columns);
    }
    if facets.is_empty() {
        paint.text(area.x + 2, area.y + 2, right, "no tenant is shown: nothing to count", Role::Dim);
        return;
    }
    let mut lines = Vec::new();
    for by in By::ALL {
        lines.push(Line::Group(by));
        lines.extend(facets.iter().enumerate().filter(|(_, f)| f.by == by).map(|(i, f)| Line::Facet(i, f)));
    }
    let page = usize::from(area.height.saturating_sub(TITLE));
    let chosen = lines.iter().position(|l| matches!(l, Line::Facet(i, _) if *i == pick.at)).unwrap_or(0);
    let first = (chosen + 1).saturating_sub(page);
    for (y, line) in (area.y + TITLE..area.bottom()).zip(lines.iter().skip(first)) {
        match line {
            Line::Group(by) => drop(paint.text(area.x + 2, y, right, by.key(), Role::Title)),
            Line::Facet(i, facet) => {
                value(paint, facet, y, count);
                for (n, (figure, role)) in
                    [(facet.tenants, Role::Text), (facet.failing, Role::Error), (facet.degraded, Role::Warn)]
                        .into_iter()
                        .enumerate()
                {
                    let x = count + COUNT * u16::try_from(n).unwrap_or_default();
                    let (text, role) =
                        if figure == 0 { ("-".to_owned(), Role::Dim) } else { (figure.to_string(), role) };
                    paint.cell(x, y, COUNT, &text, Align::Right, role);
                }
                let share = u32::try_from(facet.tenants * 100 / all.max(1)).ok();
                bar::plain_meter(paint, count + COUNT * 3 + 2, y, meter, share.map(|s| s.max(1)));
                if *i == pick.at {
                    let line = Rect { y, height: 1, ..area };
                    let selected = paint.style(Role::Selected);
                    paint.buf.set_style(line, selected);
                    paint.text(area.x, y, right, paint.glyphs.pointer, Role::Key);
                    paint.buf.set_style(Rect { width: 1, ..line }, selected);
                }
            }
        }
    }
}

fn value(paint: &mut Paint<'_>, facet: &Facet, y: u16, end: u16) {
    let x = 4;
    match facet.by {
        By::Phase => {
            let rank = Phase::WORDS.iter().position(|w| *w == facet.value).unwrap_or_default();
            let x = paint.text(x, y, end, paint.glyphs.phase_rank(rank), phase_role(rank)) + 1;
            paint.text(x, y, end, &facet.value, phase_role(rank));
        }
        _ if facet.value.is_empty() => drop(paint.text(x, y, end, "none", Role::Dim)),
        By::Image => {
            // The tag tells images apart; where they come from is the same for nearly all.
            let image = ImageRef::parse(&facet.value);
            let x = paint.text(x, y, end, image.short(), Role::Text) + 2;
            paint.text(x, y, end, image.repository, Role::Dim);
        }
        By::Tier | By::Node => drop(paint.text(x, y, end, &facet.value, Role::Text)),
    }
}

#[cfg(test)]
mod tests {
    use crate::tui::fixture::*;

    #[test]
    fn what_the_fleet_has_in_common() {
        let mut state = with(mixed());
        press(&mut state, "#");
        for (width, height) in [(80, 24), (120, 40), (44, 12)] {
            insta::assert_snapshot!(format!("facets_{width}x{height}"), screen(&mut state, width, height));
        }
    }

    #[test]
    fn enter_filters_the_fleet_by_the_chosen_one() {
        let mut state = with(mixed());
        press(&mut state, "#");
        screen(&mut state, 120, 40);
        press(&mut state, "enter");
        assert_eq!((state.list.filter.text.as_str(), state.views.len()), ("phase:failing", 0));
        assert!(screen(&mut state, 120, 40).contains("phase:failing"));
        // What is counted next is only who was left; the filter keeps one term of a kind.
        press(&mut state, "# down enter");
        assert!(state.list.filter.text.starts_with("phase:failing tier:="), "{}", state.list.filter.text);
        press(&mut state, "# G enter");
        assert!(state.list.filter.text.contains("node:="), "{}", state.list.filter.text);
        assert_eq!(state.list.filter.error, None);
    }
}
