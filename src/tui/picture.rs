//! A frame as SVG: what the README shows. Text stays text; each run of one style stands at its own column and is as wide as
//! its cells, whichever font a viewer has.

use std::fmt::Write as _;

use ratatui::{
    buffer::{Buffer, Cell},
    style::{Color, Modifier},
};
use unicode_width::UnicodeWidthStr as _;

/// A cell, in SVG's units.
const WIDE: usize = 8;
const HIGH: usize = 17;
/// From the top of a cell to the line that letters stand on.
const BASE: usize = 13;
const MARGIN: usize = 8;
/// Where a theme leaves the terminal its own colours.
const GROUND: (&str, &str) = ("#10141a", "#d5d9df");
const PAPER: (&str, &str) = ("#ffffff", "#24292f");

/// One style's stretch of a row.
struct Run {
    x: usize,
    wide: usize,
    text: String,
    ink: String,
    bold: bool,
    underlined: bool,
}

pub(crate) fn svg(buffer: &Buffer, title: &str, light: bool) -> String {
    let (ground, ink) = if light { PAPER } else { GROUND };
    let area = buffer.area;
    let (columns, rows) = (usize::from(area.width), usize::from(area.height));
    let (width, height) = (columns * WIDE + 2 * MARGIN, rows * HIGH + 2 * MARGIN);
    let mut out = String::new();
    // Writing into a String does not fail.
    let mut put = |text: std::fmt::Arguments<'_>| out.write_fmt(text).unwrap();
    put(format_args!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" \
         font-family=\"ui-monospace,'DejaVu Sans Mono',Menlo,Consolas,monospace\" font-size=\"13\" xml:space=\"preserve\">\n\
         <title>{}</title>\n<rect width=\"{width}\" height=\"{height}\" rx=\"6\" fill=\"{ground}\"/>\n",
        escaped(title)
    ));
    for y in 0..area.height {
        let cells: Vec<&Cell> = (0..area.width).map(|x| &buffer[(x, y)]).collect();
        let top = MARGIN + usize::from(y) * HIGH;
        for (x, wide, fill) in grounds(&cells, ground, ink) {
            let x = MARGIN + x * WIDE;
            put(format_args!(
                "<rect x=\"{x}\" y=\"{top}\" width=\"{}\" height=\"{HIGH}\" fill=\"{fill}\"/>\n",
                wide * WIDE
            ));
        }
        for run in runs(&cells, ground, ink) {
            let (x, y) = (MARGIN + run.x * WIDE, top + BASE);
            let fill = if run.ink == ink { String::new() } else { format!(" fill=\"{}\"", run.ink) };
            let bold = if run.bold { " font-weight=\"bold\"" } else { "" };
            let line = if run.underlined { " text-decoration=\"underline\"" } else { "" };
            put(format_args!(
                "<text x=\"{x}\" y=\"{y}\" textLength=\"{}\"{fill}{bold}{line}>{}</text>\n",
                run.wide * WIDE,
                escaped(&run.text)
            ));
        }
    }
    put(format_args!("</svg>\n"));
    out.replacen("xml:space", &format!("fill=\"{ink}\" xml:space"), 1)
}

/// Colours of a cell: writing and ground, after reversal and dimming.
fn colours(cell: &Cell, ground: &str, ink: &str) -> (String, String) {
    let (mut fg, mut bg) = (hex(cell.fg).unwrap_or(ink.to_owned()), hex(cell.bg).unwrap_or(ground.to_owned()));
    if cell.modifier.contains(Modifier::REVERSED) {
        std::mem::swap(&mut fg, &mut bg);
    }
    (fg, bg)
}

fn grounds(cells: &[&Cell], ground: &str, ink: &str) -> Vec<(usize, usize, String)> {
    let mut found: Vec<(usize, usize, String)> = Vec::new();
    let mut x = 0;
    while x < cells.len() {
        // What follows a wide letter is its second half, and says nothing itself.
        let (cell, at) = (cells[x], x);
        let own = cell.symbol().width().max(1);
        x += own;
        let fill = colours(cell, ground, ink).1;
        if fill == ground {
            continue;
        }
        match found.last_mut() {
            Some((from, wide, last)) if *from + *wide == at && *last == fill => *wide += own,
            _ => found.push((at, own, fill)),
        }
    }
    found
}

fn runs(cells: &[&Cell], ground: &str, ink: &str) -> Vec<Run> {
    let mut found: Vec<Run> = Vec::new();
    let mut x = 0;
    while x < cells.len() {
        let (cell, symbol) = (cells[x], cells[x].symbol());
        let wide = symbol.width().max(1);
        let mut text = symbol.to_owned();
        let fg = colours(cell, ground, ink).0;
        let (bold, underlined) = (cell.modifier.contains(Modifier::BOLD), cell.modifier.contains(Modifier::UNDERLINED));
        if text.is_empty() {
            text = " ".to_owned();
        }
        match found.last_mut() {
            // Spaces have no colour: they join what stands before them.
            Some(last)
                if last.x + last.wide == x
                    && (text == " " && !underlined && !last.underlined
                        || last.ink == fg && last.bold == bold && last.underlined == underlined) =>
            {
                last.text.push_str(&text);
                last.wide += wide;
            }
            _ => found.push(Run { x, wide, text, ink: fg, bold, underlined }),
        }
        x += wide;
    }
    // A gap of three and more is not written but skipped; nothing is written of what is empty.
    found.into_iter().flat_map(|run| split(&run)).collect()
}

fn split(run: &Run) -> Vec<Run> {
    let mut parts = Vec::new();
    let mut x = run.x;
    for (at, piece) in run.text.split("   ").enumerate() {
        if at > 0 {
            x += 3;
        }
        let lead = piece.len() - piece.trim_start().len();
        let text = piece.trim();
        if !text.is_empty() {
            let part = Run { x: x + lead, wide: text.width(), text: text.to_owned(), ink: run.ink.clone(), ..*run };
            parts.push(part);
        }
        x += piece.width();
    }
    parts
}

fn hex(color: Color) -> Option<String> {
    let named = |c: &str| Some(c.to_owned());
    match color {
        Color::Reset => None,
        Color::Rgb(r, g, b) => Some(format!("#{r:02x}{g:02x}{b:02x}")),
        Color::Black => named("#000000"),
        Color::Red => named("#cc3333"),
        Color::Green => named("#33aa55"),
        Color::Yellow => named("#c8a02c"),
        Color::Blue => named("#3c78d8"),
        Color::Magenta => named("#b05cc0"),
        Color::Cyan => named("#2fa3a3"),
        Color::Gray => named("#b8bec6"),
        Color::DarkGray => named("#6a727c"),
        Color::White => named("#ffffff"),
        // Pictures are made in true colour: a theme says no others.
        other => panic!("{other:?} is a colour of the terminal's own"),
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use ratatui::{layout::Rect, style::Style};

    use super::*;

    #[test]
    fn every_run_stands_where_its_cells_are() {
        let mut buffer = Buffer::empty(Rect { x: 0, y: 0, width: 20, height: 2 });
        buffer.set_string(0, 0, "a<b    c", Style::new().fg(Color::Rgb(255, 0, 0)));
        buffer.set_string(2, 1, "日本 x", Style::new().bg(Color::Rgb(0, 0, 9)).add_modifier(Modifier::BOLD));
        let drawn = svg(&buffer, "t & t", false);
        for part in [
            "viewBox=\"0 0 176 50\"",
            "<title>t &amp; t</title>",
            "<text x=\"8\" y=\"21\" textLength=\"24\" fill=\"#ff0000\">a&lt;b</text>",
            "<text x=\"64\" y=\"21\" textLength=\"8\" fill=\"#ff0000\">c</text>",
            "<rect x=\"24\" y=\"25\" width=\"48\" height=\"17\" fill=\"#000009\"/>",
            "<text x=\"24\" y=\"38\" textLength=\"48\" font-weight=\"bold\">日本 x</text>",
        ] {
            assert!(drawn.contains(part), "{part}\n{drawn}");
        }
    }
}
