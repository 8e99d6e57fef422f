//! A framed box over the screen, with a title and a line of keys at its foot.

use ratatui::layout::Rect;

use crate::tui::theme::Role;

use super::paint::Paint;

/// Centres a box of at most this size, and leaves it what the screen has.
pub(crate) fn centred(screen: Rect, width: u16, height: u16) -> Rect {
    let (width, height) = (width.min(screen.width), height.min(screen.height));
    Rect { x: screen.x + (screen.width - width) / 2, y: screen.y + (screen.height - height) / 3, width, height }
}

/// Draws frame, title and foot; returns the inside.
pub(crate) fn draw(paint: &mut Paint<'_>, area: Rect, title: &str, foot: &[(&str, Role)]) -> Rect {
    paint.blank(area);
    if area.width < 4 || area.height < 3 {
        return Rect { width: 0, height: 0, ..area };
    }
    let [top_left, top_right, bottom_left, bottom_right, flat, side] = paint.glyphs.frame;
    let flat = flat.repeat(usize::from(area.width - 2));
    let (left, right, top, bottom) = (area.left(), area.right(), area.top(), area.bottom() - 1);
    for (y, start, end) in [(top, top_left, top_right), (bottom, bottom_left, bottom_right)] {
        paint.parts(left, y, right, &[(start, Role::Frame), (&flat, Role::Frame), (end, Role::Frame)]);
    }
    for y in top + 1..bottom {
        paint.text(left, y, right, side, Role::Frame);
        paint.text(right - 1, y, right, side, Role::Frame);
    }
    paint.text(left + 2, top, right - 2, &format!(" {title} "), Role::Title);
    if !foot.is_empty() {
        paint.parts(left + 2, bottom, right - 1, foot);
    }
    Rect { x: left + 2, y: top + 1, width: area.width.saturating_sub(4), height: area.height - 2 }
}
