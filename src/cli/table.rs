//! Tables for people: aligned by cells, cut to the terminal, never wrapped.

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

pub(super) struct Table {
    head: Vec<&'static str>,
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(super) fn new(head: &[&'static str]) -> Self {
        Self { head: head.to_vec(), rows: Vec::new() }
    }

    /// A row with a text per column; what is not known is `-`.
    pub(super) fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }

    /// Widths of all columns but the last, which takes what it needs.
    pub(super) fn widths(&self) -> Vec<usize> {
        let mut widths: Vec<usize> = self.head.iter().map(|h| h.width()).collect();
        for row in &self.rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.width());
            }
        }
        widths
    }

    pub(super) fn lines(&self, cut: Option<usize>) -> Vec<String> {
        let widths = self.widths();
        let head: Vec<String> = self.head.iter().map(ToString::to_string).collect();
        std::iter::once(&head).chain(&self.rows).map(|row| line(row, &widths, cut)).collect()
    }
}

/// One row by given widths, for tables that go on.
pub(super) fn line(row: &[String], widths: &[usize], cut_at: Option<usize>) -> String {
    let mut out = String::new();
    for (i, (cell, width)) in row.iter().zip(widths).enumerate() {
        if i > 0 {
            out.push_str("  ");
        }
        out.push_str(cell);
        out.extend(std::iter::repeat_n(' ', width.saturating_sub(cell.width())));
    }
    let out = out.trim_end();
    match cut_at {
        Some(columns) => cut(out, columns),
        None => out.to_owned(),
    }
}

/// At most this many cells; what is missing is told by `…`.
pub(super) fn cut(text: &str, columns: usize) -> String {
    if text.width() <= columns {
        return text.to_owned();
    }
    let mut out = String::new();
    let mut used = 0;
    for c in text.chars() {
        let width = c.width().unwrap_or(0);
        if used + width + 1 > columns {
            break;
        }
        out.push(c);
        used += width;
    }
    if columns > 0 {
        out.push('…');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_align_by_cells_and_lines_are_cut() {
        let mut table = Table::new(&["TENANT", "WHY"]);
        table.row(vec!["漢字漢字".to_owned(), "a long reason".to_owned()]);
        table.row(vec!["b".to_owned(), String::new()]);
        assert_eq!(table.lines(None), ["TENANT    WHY", "漢字漢字  a long reason", "b"]);
        assert_eq!(table.lines(Some(16))[1], "漢字漢字  a lon…");
        assert_eq!(cut("漢字", 3), "漢…");
        assert_eq!(cut("abc", 0), "");
    }
}
