//! Tables and lists of facts in plain text.

use unicode_width::UnicodeWidthStr as _;

use crate::safe_text::{Ellipsis, SafeText};

/// Between two columns.
const GAP: usize = 2;
/// A column is not cut below this to make a table fit.
const COLUMN_MIN: usize = 6;

/// A column's head and side.
#[derive(Clone, Copy, Debug)]
pub(super) struct Column {
    head: &'static str,
    is_number: bool,
}

/// Rows under heads. Cells hold the data as it is; they are made safe when the table is written.
#[derive(Debug)]
pub(super) struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<String>>,
}

/// A column of words.
pub(super) const fn words(head: &'static str) -> Column {
    Column { head, is_number: false }
}

/// A column of numbers, flush right.
pub(super) const fn numbers(head: &'static str) -> Column {
    Column { head, is_number: true }
}

impl Table {
    pub(super) fn new(columns: impl Into<Vec<Column>>) -> Self {
        Self { columns: columns.into(), rows: Vec::new() }
    }

    /// Adds a row of as many cells as there are columns.
    pub(super) fn row(&mut self, cells: impl Into<Vec<String>>) {
        let cells: Vec<String> = cells.into();
        debug_assert_eq!(cells.len(), self.columns.len());
        self.rows.push(cells);
    }

    /// The lines, head first; no wider than `width` where one is given. They are safe already.
    pub(super) fn lines(&self, width: Option<usize>) -> Vec<String> {
        let rows: Vec<Vec<String>> = self.rows.iter().map(|row| row.iter().map(|cell| plain(cell)).collect()).collect();
        let widths = self.widths(&rows, width);
        let head = self.columns.iter().map(|column| column.head.to_owned()).collect();
        [head].iter().chain(&rows).map(|row| self.layout(row, &widths)).collect()
    }

    /// The rows, head first, in cells that are safe already: what a CSV file has.
    pub(super) fn cells(&self) -> impl Iterator<Item = Vec<String>> {
        let head = self.columns.iter().map(|column| column.head.to_lowercase().replace(' ', "_")).collect();
        let rows = self.rows.iter().map(|row| row.iter().map(|cell| plain(cell)).collect());
        std::iter::once(head).chain(rows)
    }

    fn widths(&self, rows: &[Vec<String>], width: Option<usize>) -> Vec<usize> {
        let cells = |index: usize| rows.iter().map(move |row| row[index].width()).max().unwrap_or(0);
        let heads = self.columns.iter().enumerate();
        let mut widths: Vec<usize> = heads.map(|(index, column)| column.head.width().max(cells(index))).collect();
        let room = width.unwrap_or(usize::MAX).saturating_sub(GAP * widths.len().saturating_sub(1));
        while widths.iter().sum::<usize>() > room {
            match widths.iter_mut().max() {
                Some(widest) if *widest > COLUMN_MIN => *widest -= 1,
                _ => break,
            }
        }
        widths
    }

    fn layout(&self, row: &[String], widths: &[usize]) -> String {
        let mut line = String::new();
        for ((cell, width), column) in row.iter().zip(widths).zip(&self.columns) {
            let cell = SafeText::new(cell).truncate(*width, Ellipsis::Ascii);
            let fill = " ".repeat(width.saturating_sub(cell.width()));
            let (before, behind) = if column.is_number { (fill.as_str(), "") } else { ("", fill.as_str()) };
            line.extend([before, cell.as_screen_str(), behind, "  "]);
        }
        line.trim_end().to_owned()
    }
}

/// `label  value` lines with the values under each other; facts without a value are left out. Not yet safe.
pub(super) fn facts(facts: &[(&str, String)]) -> Vec<String> {
    let shown = || facts.iter().filter(|(_, value)| !value.is_empty());
    let width = shown().map(|(label, _)| label.len()).max().unwrap_or(0);
    shown().map(|(label, value)| format!("{label:width$}  {value}")).collect()
}

fn plain(cell: &str) -> String {
    SafeText::new(cell).to_plain().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let mut table = Table::new([words("NAME"), numbers("CALLS"), words("TITLE")]);
        table.row(["a".into(), "12".into(), "x".repeat(60)]);
        table.row(["longer".into(), "3".into(), "evil\u{1b}[2J\u{202e}".into()]);
        table
    }

    #[test]
    fn columns_are_as_wide_as_their_content_where_nobody_cuts_them() {
        let lines = table().lines(None);
        assert_eq!(lines[0], "NAME    CALLS  TITLE");
        assert_eq!(lines[1], format!("a          12  {}", "x".repeat(60)));
        assert_eq!(lines[2], "longer      3  evil<^[>[2J<U+202E>");
    }

    #[test]
    fn a_table_is_cut_to_the_terminal_at_its_widest_column() {
        let lines = table().lines(Some(30));
        assert!(lines.iter().all(|line| line.width() <= 30), "{lines:#?}");
        assert!(lines[1].ends_with('~') && lines[1].starts_with("a          12"), "{lines:#?}");
    }

    #[test]
    fn facts_without_a_value_are_left_out() {
        assert_eq!(
            facts(&[("id", "1".into()), ("reason", String::new()), ("state", "x".into())]),
            ["id     1", "state  x"]
        );
    }
}
