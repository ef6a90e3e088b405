//! The Status screen: rows of text, charts, and rows that open something.

use crate::app::layout::{Area, Layout};
use crate::app::model::Model;
use crate::app::status::{self, Chart, FIRST_COLUMNS, Row};

use super::canvas::Canvas;
use super::{chart, empty, lists, pane};

/// Columns of a chart's name, and of its words at least.
const LABEL: usize = 12;
const WORDS_MIN: usize = 30;

pub(super) fn status(canvas: &mut Canvas<'_>, model: &Model, layout: &Layout) {
    let (rows, beside) = status::rows(model);
    let area = layout.list;
    if empty::list(canvas, model, area, model.status.is_some(), rows.len()) {
        return;
    }
    let first = if beside.is_empty() { area } else { Area { width: FIRST_COLUMNS, ..area } };
    let seen = status::height(model, rows.len());
    let height = u16::try_from(seen).unwrap_or(first.height);
    column(canvas, model, Area { height, ..first }, &rows, model.pane_top);
    if height < first.height {
        let last = (model.pane_top + seen).min(rows.len());
        let words = format!(" rows {} to {last} of {}   arrows, PgDn, PgUp", model.pane_top + 1, rows.len());
        let style = canvas.theme.strong();
        canvas.text_at(first, height, &words, style);
    }
    let x = FIRST_COLUMNS + 2;
    column(canvas, model, Area { x, width: area.width.saturating_sub(x), ..area }, &beside, 0);
}

fn column(canvas: &mut Canvas<'_>, model: &Model, area: Area, rows: &[Row], top: usize) {
    for (y, row) in (0..area.height).zip(rows.iter().skip(top)) {
        match row {
            Row::Text(line) => text(canvas, area, y, &line.text, pane::style_of(canvas.theme, line.kind)),
            Row::Chart(figures) => figure(canvas, area, y, figures),
            Row::Axis { from, to, words } => axis(canvas, area, y, from, to, words),
            Row::Open(line, target) => {
                let is_marked = model.health.mark.as_ref() == Some(target);
                let theme = canvas.theme;
                let mut cells = canvas.row(area, lists::base(theme, is_marked, false));
                let style = pane::style_of(theme, line.kind);
                cells.text(lists::arrow(is_marked), theme.plain()).text(&line.text, style).rest();
                canvas.put(area, y, cells);
            }
        }
    }
}

fn text(canvas: &mut Canvas<'_>, area: Area, y: u16, text: &str, style: ratatui::style::Style) {
    canvas.text_at(area, y, &format!(" {text}"), style);
}

/// Columns of bars, where there is room for them beside the words.
fn room(area: Area, values: usize) -> Option<usize> {
    chart::columns(values, usize::from(area.width).checked_sub(LABEL + 2 + WORDS_MIN)?)
}

/// ` no match     |..:.:..:..:.:..:..:..:.!..!..| 37, most 9 at 03:02  !`
fn figure(canvas: &mut Canvas<'_>, area: Area, y: u16, figures: &Chart) {
    let theme = canvas.theme;
    let style = pane::style_of(theme, figures.kind);
    let mut row = canvas.row(area, theme.plain());
    row.text(" ", theme.plain()).cell(figures.label, LABEL - 1, theme.plain());
    if let Some(columns) = room(area, figures.cells.len()) {
        row.text("|", theme.muted());
        chart::bars(&mut row, theme, &figures.cells, figures.scale, columns, style);
        row.text("| ", theme.muted());
    }
    row.text(&figures.words, style);
    canvas.put(area, y, row);
}

/// The times under the first and the last column, and how long a column is.
fn axis(canvas: &mut Canvas<'_>, area: Area, y: u16, from: &str, to: &str, words: &str) {
    let theme = canvas.theme;
    let Some(columns) = room(area, 60).filter(|columns| *columns > from.len() + to.len()) else { return };
    let each = 60 / columns;
    let each = if each == 1 { String::new() } else { format!("{each} min each") };
    let gap = if words.is_empty() || each.is_empty() { "" } else { ", " };
    let mut row = canvas.row(area, theme.plain());
    row.cell("", LABEL + 1, theme.plain()).text(from, theme.muted());
    row.right(to, columns - from.len(), theme.muted());
    row.text(&format!("  {each}{gap}{words}"), theme.muted());
    canvas.put(area, y, row);
}
