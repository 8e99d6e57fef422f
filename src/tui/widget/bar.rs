//! Bars: stages done of stages in all, and a meter for a percentage.

use crate::{
    fleet::growth::Series,
    tui::{glyph::Glyphs, theme::Role},
};

use super::paint::Paint;

/// From here a share is high, and from here it is as good as full.
pub(crate) const HIGH: u32 = 80;
pub(crate) const FULL: u32 = 90;

/// The role for a share that is bad when it is high.
pub(crate) fn share_role(percent: u32) -> Role {
    match percent {
        FULL.. => Role::MeterFull,
        HIGH.. => Role::MeterHigh,
        _ => Role::Meter,
    }
}

/// `97%!`, `82%`: the mark says in a word's stead what the colour says.
pub(crate) fn share_text(percent: u32) -> String {
    if percent >= FULL { format!("{percent}%!") } else { format!("{percent}%") }
}

/// One cell per stage: done ones, then the rest. Returns where it ended.
pub(crate) fn stages(paint: &mut Paint<'_>, x: u16, y: u16, right: u16, done: usize, total: usize) -> u16 {
    let todo = total.saturating_sub(done);
    let done = paint.glyphs.stage_done.repeat(done.min(total));
    let todo = paint.glyphs.stage_todo.repeat(todo);
    paint.parts(x, y, right, &[(&done, Role::BarDone), (&todo, Role::BarTodo)])
}

/// A meter of `width` cells, frame included, coloured by how full it is; unknown is an empty frame.
pub(crate) fn meter(paint: &mut Paint<'_>, x: u16, y: u16, width: u16, percent: Option<u32>) {
    draw_meter(paint, x, y, width, percent, percent.map_or(Role::Meter, share_role));
}

/// The same without alarm: for what is full when all is well, such as a quota that fits exactly.
pub(crate) fn plain_meter(paint: &mut Paint<'_>, x: u16, y: u16, width: u16, percent: Option<u32>) {
    draw_meter(paint, x, y, width, percent, Role::Meter);
}

fn draw_meter(paint: &mut Paint<'_>, x: u16, y: u16, width: u16, percent: Option<u32>, role: Role) {
    let Some(inner) = width.checked_sub(2).filter(|inner| *inner > 0) else { return };
    let fill = fill(paint.glyphs, inner, percent.unwrap_or(0));
    let (left, end) = (paint.glyphs.meter_left, paint.glyphs.meter_right);
    paint.parts(x, y, x + width, &[(left, Role::BarTodo), (&fill, role), (end, Role::BarTodo)]);
}

/// What a figure was, a cell for each look, from its least to its most; what moved by less than `least` stays flat.
pub(crate) fn course(glyphs: &Glyphs, values: impl Iterator<Item = u64> + Clone, least: u64) -> String {
    let (Some(low), Some(high)) = (values.clone().min(), values.clone().max()) else { return String::new() };
    let span = u128::from((high - low).max(least).max(1));
    let top = glyphs.course.len().saturating_sub(1) as u128;
    let height = |value: u64| usize::try_from(u128::from(value - low) * top / span).unwrap_or_default();
    values.filter_map(|value| glyphs.course.get(height(value))).copied().collect()
}

/// What a volume held, where it was looked at more than twice; a fiftieth of it is no movement.
pub(crate) fn course_of(glyphs: &Glyphs, series: Option<&Series>, capacity: u64) -> String {
    let looks = series.map_or(&[][..], Series::samples);
    let looks = if looks.len() > 2 { looks } else { &[] };
    course(glyphs, looks.iter().map(|(_, used)| *used), capacity / 50)
}

fn fill(glyphs: &Glyphs, cells: u16, percent: u32) -> String {
    let Some(steps) = u32::try_from(glyphs.meter.len()).ok().and_then(|n| n.checked_sub(1)).filter(|n| *n > 0) else {
        return String::new();
    };
    let total = u32::from(cells) * steps;
    // Anything above nothing shows, and only what is full looks full.
    let mut filled = percent.min(100) * total / 100;
    if percent > 0 {
        filled = filled.max(1);
    }
    if percent < 100 {
        filled = filled.min(total - 1);
    }
    let part = |cell: u32| filled.saturating_sub(cell * steps).min(steps);
    (0..u32::from(cells)).filter_map(|cell| glyphs.meter.get(part(cell) as usize)).copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::glyph::GlyphSet;

    #[test]
    fn a_meter_shows_the_least_and_never_looks_full_before_it_is() {
        let check = |set: GlyphSet, percent, expect| {
            assert_eq!(fill(set.glyphs(), 5, percent), expect, "{percent}");
        };
        check(GlyphSet::Unicode, 0, "     ");
        check(GlyphSet::Unicode, 1, "▏    ");
        check(GlyphSet::Unicode, 41, "██   ");
        check(GlyphSet::Unicode, 50, "██▌  ");
        check(GlyphSet::Unicode, 99, "████▉");
        check(GlyphSet::Unicode, 100, "█████");
        check(GlyphSet::Unicode, 250, "█████");
        check(GlyphSet::Ascii, 50, "##=  ");
        check(GlyphSet::Ascii, 99, "####=");
    }

    #[test]
    fn a_course_rises_with_its_figure_and_makes_nothing_of_noise() {
        let of = |set: GlyphSet, values: &[u64], least| course(set.glyphs(), values.iter().copied(), least);
        assert_eq!(of(GlyphSet::Unicode, &[10, 20, 45, 80], 1), "▁▂▄█");
        assert_eq!(of(GlyphSet::Unicode, &[80, 10], 1), "█▁");
        assert_eq!(of(GlyphSet::Unicode, &[1_000, 1_004, 999], 100), "▁▁▁");
        assert_eq!(of(GlyphSet::Ascii, &[0, u64::MAX], 1), "_^");
        assert_eq!(of(GlyphSet::Unicode, &[7], 0), "▁");
        assert_eq!(of(GlyphSet::Unicode, &[], 5), "");
    }

    #[test]
    fn shares_say_when_they_are_full() {
        assert_eq!((share_text(89).as_str(), share_role(89)), ("89%", Role::MeterHigh));
        assert_eq!((share_text(90).as_str(), share_role(90)), ("90%!", Role::MeterFull));
    }
}
