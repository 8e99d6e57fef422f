//! One line of a log: mark, time, container, text; wrapped or cut, with its matches and, where asked for, its colours.

use ratatui::{
    layout::Rect,
    style::{Modifier, Style},
};
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

use crate::{
    cluster::logs::{Ink, Kept, Kind, Lane, Level, Run, stamp},
    fleet::{Age, At},
    tui::{
        state::{
            State,
            logs::{Logs, Times},
        },
        theme::{self, Depth, Role},
        widget::paint::{Align, Paint},
    },
};

/// The widest prefix; longer names lose their middle parts, not their ends.
const PREFIX: usize = 16;
/// The same, with a tenant's id before the container's.
const PREFIX_OF_MANY: usize = 22;
/// The column of marks.
const MARK: usize = 2;
/// No line takes more of the screen, however long it is.
const MOST: usize = 40;

fn time_width(times: Times) -> usize {
    match times {
        Times::Off => 0,
        Times::Clock => 13,
        Times::Age | Times::Gap => 6,
    }
}

fn prefix_width(logs: &Logs) -> usize {
    logs.widest.min(if logs.targets.len() > 1 { PREFIX_OF_MANY } else { PREFIX })
}

/// Cells for the text.
pub(super) fn room(logs: &Logs, width: usize) -> usize {
    width.saturating_sub(MARK + time_width(logs.times) + prefix_width(logs) + 1).max(8)
}

/// Rows that a line takes.
pub(super) fn height(logs: &Logs, line: &Kept<'_>, room: usize) -> usize {
    // The usual case costs nothing.
    if !logs.wrap && !logs.opened.contains(&line.number) {
        return 1;
    }
    rows(logs, line, room, "--").len()
}

/// The rows of a line; our own stand between dashes, of two cells.
fn rows(logs: &Logs, line: &Kept<'_>, room: usize, dash: &str) -> Vec<String> {
    let mut texts = logs.text(line);
    if line.kind == Kind::Joint {
        texts = vec![format!("{dash} {} {dash}", line.str())];
    }
    let mut rows = Vec::new();
    for text in texts {
        if logs.wrap {
            rows.extend(wrapped(&text, room));
        } else {
            rows.push(text);
        }
    }
    if rows.len() > MOST {
        let more = rows.len() - (MOST - 1);
        rows.truncate(MOST - 1);
        rows.push(format!("[{more} more rows: y copies the whole line]"));
    }
    rows
}

fn wrapped(text: &str, room: usize) -> Vec<String> {
    let mut rows = vec![String::new()];
    let mut used = 0;
    for c in text.chars() {
        let width = c.width().unwrap_or(usize::from(c == '\t'));
        if used + width > room {
            rows.push(String::new());
            used = 0;
        }
        if let Some(row) = rows.last_mut() {
            row.push(c);
        }
        used += width;
    }
    rows
}

/// Draws a line; the rows it took. `before` is the time of the line above it.
pub(super) fn draw(
    paint: &mut Paint<'_>,
    state: &State,
    logs: &Logs,
    line: &Kept<'_>,
    before: Option<i64>,
    area: Rect,
) -> u16 {
    let room = room(logs, usize::from(area.width));
    let rows = rows(logs, line, room, &paint.glyphs.line.repeat(2));
    let is_here = logs.at == Some(line.number);
    let marked = logs.marks.contains(&line.number);
    let y = area.y;
    let glyph = if is_here {
        paint.glyphs.pointer
    } else if marked {
        paint.glyphs.done
    } else {
        " "
    };
    paint.text(area.x, y, area.right(), glyph, if marked { Role::Progress } else { Role::Key });
    let mut x = area.x + cells(MARK);
    let width = cells(time_width(logs.times));
    if width > 0 {
        let text = time(logs.times, line.time, before, paint.now);
        paint.cell(x, y, width.saturating_sub(1), &text, Align::Right, Role::Dim);
        x += width;
    }
    let prefix = cells(prefix_width(logs));
    let who = narrow(logs.who(line.lane), usize::from(prefix));
    paint.cell(x, y, prefix, &who, Align::Left, colour(line.lane));
    x += prefix + 1;
    let height = u16::try_from(rows.len()).unwrap_or(u16::MAX).min(area.height);
    if line.kind == Kind::Joint {
        // They begin where no container can write: on the blank before its lines.
        for (row, y) in rows.iter().zip(y..y + height) {
            paint.text(x - 1, y, area.right(), row, Role::Progress);
        }
    } else {
        let role = level_role(line.level);
        // Their places are those of the line as it is.
        let as_it_is = rows.len() == 1 && rows[0].starts_with(line.str());
        let tint = |run: Run| (usize::from(run.at), tint(&run, state.looks.depth));
        let tints: Vec<_> = if logs.colours && as_it_is { line.runs().map(tint).collect() } else { Vec::new() };
        for (row, y) in rows.iter().zip(y..y + height) {
            text(paint, logs, row, &tints, role, Rect { x, y, width: area.right().saturating_sub(x), height: 1 });
        }
    }
    if is_here {
        let style = paint.style(Role::Selected);
        paint.buf.set_style(Rect { height, ..area }.intersection(paint.buf.area), style);
    }
    height.max(1)
}

fn cells(n: usize) -> u16 {
    u16::try_from(n).unwrap_or(u16::MAX)
}

/// Writes one row, character by character where something in it is to be told apart.
fn text(paint: &mut Paint<'_>, logs: &Logs, row: &str, tints: &[(usize, Style)], role: Role, area: Rect) {
    let base = paint.style(role);
    let found: Vec<_> = logs.search.iter().flat_map(|s| s.find_all(row.as_bytes())).take(200).collect();
    let shift = if logs.wrap { 0 } else { logs.shift };
    if found.is_empty() && tints.is_empty() && shift == 0 {
        paint.text(area.x, area.y, area.right(), row, role);
        return;
    }
    let mut column = 0;
    let mut x = area.x;
    let mut ends_early = false;
    let mut chars = row.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let width = c.width().unwrap_or(usize::from(c == '\t'));
        let mut end = at + c.len_utf8();
        while let Some((_, mark)) = chars.next_if(|(_, next)| next.width() == Some(0)) {
            end += mark.len_utf8();
        }
        column += width;
        if column <= shift {
            continue;
        }
        if usize::from(x) + width > usize::from(area.right()) {
            ends_early = true;
            break;
        }
        let mut style = base;
        if let Some((_, tint)) = tints.iter().rev().find(|(from, _)| *from <= at) {
            style = style.patch(*tint);
        }
        if found.iter().any(|f| f.contains(&at)) {
            style = style.add_modifier(Modifier::REVERSED);
        }
        let symbol = if c == '\t' { " " } else { &row[at..end] };
        paint.buf.set_stringn(x, area.y, symbol, width.max(1), style);
        x += cells(width);
    }
    if ends_early && area.right() > area.x {
        let dots = paint.glyphs.ellipsis;
        paint.buf.set_stringn(area.right() - 1, area.y, dots, 1, base);
    }
}

/// A container's own colour, as far as this terminal shows it.
fn tint(run: &Run, depth: Depth) -> Style {
    let style = match run.ink {
        Ink::Plain => Style::new(),
        Ink::Indexed(n) => Style::new().fg(theme::Ink::of_256(n).at(depth)),
        Ink::Rgb(r, g, b) => Style::new().fg(theme::Ink::Rgb([r, g, b], None).at(depth)),
    };
    if run.bold { style.add_modifier(Modifier::BOLD) } else { style }
}

fn level_role(level: Level) -> Role {
    match level {
        Level::Fatal | Level::Error => Role::Error,
        Level::Warn => Role::Warn,
        Level::Debug | Level::Trace => Role::Dim,
        Level::Info | Level::Unknown => Role::Text,
    }
}

/// Containers side by side look different; the name says which is which all the same.
fn colour(lane: Lane) -> Role {
    const COLOURS: [Role; 5] = [Role::Key, Role::Ok, Role::Progress, Role::PhaseUpdating, Role::Hint];
    COLOURS[usize::from(lane.0) % COLOURS.len()]
}

/// A name within so many cells: its end tells containers of a kind apart.
fn narrow(name: &str, most: usize) -> String {
    if name.width() <= most {
        return name.to_owned();
    }
    let count = name.chars().count();
    let keep = most.saturating_sub(1);
    let head: String = name.chars().take(keep / 2).collect();
    let tail: String = name.chars().skip(count.saturating_sub(keep - keep / 2)).collect();
    format!("{head}~{tail}")
}

fn time(times: Times, at: Option<i64>, before: Option<i64>, now: At) -> String {
    let Some(at) = at else { return "?".to_owned() };
    let age = |nanos: i64| Age(u32::try_from(nanos / 1_000_000_000).unwrap_or(0)).to_string();
    match times {
        Times::Off => String::new(),
        Times::Clock => stamp::rfc3339(at, 3).get(11..23).unwrap_or_default().to_owned(),
        Times::Age => age(now.unix() * 1_000_000_000 - at),
        Times::Gap => match before.map(|b| at - b) {
            Some(gap) if gap >= 10_000_000_000 => format!("+{}", age(gap)),
            Some(gap) => format!("+{:.1}", gap.max(0) as f64 / 1e9),
            None => String::new(),
        },
    }
}

#[cfg(test)]
mod tests {
    use ratatui::style::Color;

    use super::*;

    #[test]
    fn names_keep_their_ends() {
        assert_eq!(narrow("gateway", 16), "gateway");
        assert_eq!(narrow("rehydrate-runtime-apt", 16), "rehydra~time-apt");
        assert_eq!(narrow("abc", 0), "~");
    }

    #[test]
    fn colours_are_those_that_the_terminal_has() {
        let check = |ink: Ink, depth: Depth, expect: Option<Color>| {
            let run = Run { at: 0, ink, bold: false };
            assert_eq!(tint(&run, depth).fg, expect, "{ink:?} {depth:?}");
        };
        check(Ink::Rgb(255, 0, 0), Depth::True, Some(Color::Rgb(255, 0, 0)));
        check(Ink::Rgb(255, 0, 0), Depth::Ansi256, Some(Color::Indexed(196)));
        check(Ink::Rgb(255, 0, 0), Depth::Ansi16, Some(Color::LightRed));
        check(Ink::Indexed(1), Depth::Ansi16, Some(Color::Red));
        check(Ink::Indexed(244), Depth::Ansi256, Some(Color::Indexed(244)));
        check(Ink::Indexed(196), Depth::Ansi16, Some(Color::LightRed));
        check(Ink::Plain, Depth::True, None);
    }

    #[test]
    fn rows_are_as_wide_as_there_is_room() {
        assert_eq!(wrapped("abcdef", 4), ["abcd", "ef"]);
        assert_eq!(wrapped("日本語", 5), ["日本", "語"]);
        assert_eq!(wrapped("", 4), [""]);
    }

    #[test]
    fn times_read_three_ways() {
        let at = At::from_unix(1_790_000_100).unwrap();
        let nanos = 1_790_000_000_250_000_000;
        assert_eq!(time(Times::Clock, Some(nanos), None, at), "14:13:20.250");
        assert_eq!(time(Times::Age, Some(nanos), None, at), "99s");
        assert_eq!(time(Times::Gap, Some(nanos), Some(nanos - 1_500_000_000), at), "+1.5");
        assert_eq!(time(Times::Gap, Some(nanos), Some(nanos - 61_000_000_000), at), "+61s");
        assert_eq!(time(Times::Clock, None, None, at), "?");
    }
}
