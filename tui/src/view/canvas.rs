//! The only room that writes cells. Out of bounds is nothing, never a panic.

use ratatui::buffer::Buffer;
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};

use super::theme::Theme;
use crate::app::layout::Area;
use crate::app::logs::{fold, fold_char};
use crate::safe_text::SafeText;
use crate::safe_text::to_spans_owned;

/// The screen while it is drawn.
pub struct Canvas<'b> {
    buffer: &'b mut Buffer,
    pub theme: &'b Theme,
    pub columns: u16,
    pub rows: u16,
}

/// A line that is put together from cells.
pub struct Row<'t> {
    theme: &'t Theme,
    spans: Vec<Span<'static>>,
    left: usize,
    base: Style,
    /// What is looked for, folded; empty for nothing.
    wanted: Vec<char>,
}

impl<'t> Row<'t> {
    /// A line of a width; `base` lies under every cell (reverse for the marked row).
    #[must_use]
    pub fn new(theme: &'t Theme, width: u16, base: Style) -> Self {
        Self { theme, spans: Vec::new(), left: usize::from(width), base, wanted: Vec::new() }
    }

    /// From here on this text is shown as found wherever it stands, whatever its case.
    pub fn look_for(&mut self, text: &str) -> &mut Self {
        self.wanted = fold(text).collect();
        self
    }

    /// A text of its own width without its first columns; a sign says that something is to the left.
    pub fn aside(&mut self, text: &str, columns: usize, style: Style) -> &mut Self {
        if columns == 0 {
            return self.text(text, style);
        }
        let safe = self.theme.clipped(text, columns.saturating_add(self.left + 1));
        let rest = safe.without(columns);
        let safe = rest.truncate(self.left.saturating_sub(1), self.theme.ellipsis());
        self.push(&SafeText::new("<"), self.theme.escape_on(self.base));
        self.push(&safe, style);
        self
    }

    /// A cell of exactly `width` columns (less at the end of the line), cut with an ellipsis where it is too long.
    pub fn cell(&mut self, text: &str, width: usize, style: Style) -> &mut Self {
        let width = width.min(self.left);
        let safe = self.theme.clipped(text, width).pad(width);
        self.push(&safe, style);
        self
    }

    /// As [`Row::cell`], with the text at the right end.
    pub fn right(&mut self, text: &str, width: usize, style: Style) -> &mut Self {
        let width = width.min(self.left);
        let safe = self.theme.clipped(text, width);
        let missing = width.saturating_sub(safe.width());
        self.push(&SafeText::default().pad(missing), style);
        self.push(&safe, style);
        self
    }

    /// A text of its own width.
    pub fn text(&mut self, text: &str, style: Style) -> &mut Self {
        let safe = self.theme.clipped(text, self.left);
        self.push(&safe, style);
        self
    }

    /// A text that was made safe elsewhere. Taken as a text it would lose what tells its escapes from data.
    pub fn safe(&mut self, text: &SafeText<'_>, style: Style) -> &mut Self {
        let safe = text.clone().truncate(self.left, self.theme.ellipsis());
        self.push(&safe, style);
        self
    }

    /// Fills the line to its end.
    pub fn rest(&mut self) -> &mut Self {
        self.cell("", self.left, Style::new())
    }

    /// Columns that are free.
    #[must_use]
    pub fn left(&self) -> usize {
        self.left
    }

    fn push(&mut self, text: &SafeText<'_>, style: Style) {
        if text.is_empty() {
            return;
        }
        self.left = self.left.saturating_sub(text.width());
        let mut style = self.base.patch(style);
        if self.base.add_modifier.contains(Modifier::REVERSED) {
            // The mark is one bar, not patches of colours; the words say what the colours say.
            style.fg = None;
        }
        let spans = to_spans_owned(text, style, self.theme.escape_on(self.base));
        if self.wanted.is_empty() {
            self.spans.extend(spans);
        } else {
            let found = self.theme.found();
            self.spans.extend(spans.into_iter().flat_map(|span| split_at_finds(span, &self.wanted, found)));
        }
    }
}

/// A span in parts: what is found gets a style of its own.
fn split_at_finds(span: Span<'static>, wanted: &[char], found: Style) -> Vec<Span<'static>> {
    let chars: Vec<(usize, char)> = span.content.char_indices().collect();
    let folded: Vec<char> = chars.iter().map(|(_, c)| fold_char(*c)).collect();
    let byte = |at: usize| chars.get(at).map_or(span.content.len(), |(byte, _)| *byte);
    let (mut parts, mut done, mut at) = (Vec::new(), 0, 0);
    while at + wanted.len() <= folded.len() {
        if folded[at..].starts_with(wanted) {
            parts.push(Span { content: span.content[byte(done)..byte(at)].to_owned().into(), style: span.style });
            done = at + wanted.len();
            let style = span.style.patch(found);
            parts.push(Span { content: span.content[byte(at)..byte(done)].to_owned().into(), style });
            at = done;
        } else {
            at += 1;
        }
    }
    parts.push(Span { content: span.content[byte(done)..].to_owned().into(), style: span.style });
    parts
}

impl<'b> Canvas<'b> {
    /// Columns and rows beyond the buffer's are left out.
    #[must_use]
    pub fn new(buffer: &'b mut Buffer, theme: &'b Theme, columns: u16, rows: u16) -> Self {
        let columns = columns.min(buffer.area.width);
        let rows = rows.min(buffer.area.height);
        Self { buffer, theme, columns, rows }
    }

    /// A line for a row of an area.
    #[must_use]
    pub fn row(&self, area: Area, base: Style) -> Row<'b> {
        Row::new(self.theme, area.width, base)
    }

    /// Puts a finished line on a row of an area.
    pub fn put(&mut self, area: Area, row: u16, line: Row<'_>) {
        let y = area.y.saturating_add(row);
        if row >= area.height || y >= self.rows || area.x >= self.columns {
            return;
        }
        let width = area.width.min(self.columns - area.x);
        let (x, y) = (self.buffer.area.x + area.x, self.buffer.area.y + y);
        self.buffer.set_line(x, y, &Line::from(line.spans), width);
    }

    /// One text on the first row of an area.
    pub fn text(&mut self, area: Area, text: &str, style: Style) {
        self.text_at(area, 0, text, style);
    }

    /// One text on a row of an area.
    pub fn text_at(&mut self, area: Area, row: u16, text: &str, style: Style) {
        let mut line = self.row(area, Style::new());
        line.text(text, style);
        self.put(area, row, line);
    }

    /// A safe text that was wrapped elsewhere.
    pub fn safe_at(&mut self, area: Area, row: u16, text: &SafeText<'_>, style: Style) {
        self.found_at(area, row, text, style, "");
    }

    /// As [`Canvas::safe_at`], with what is looked for shown as found.
    pub fn found_at(&mut self, area: Area, row: u16, text: &SafeText<'_>, style: Style, wanted: &str) {
        let mut line = self.row(area, Style::new());
        line.look_for(wanted);
        line.push(text, style);
        self.put(area, row, line);
    }

    /// Empties an area, for what lies over the screen.
    pub fn clear(&mut self, area: Area) {
        for row in 0..area.height {
            let mut line = self.row(area, Style::reset());
            line.rest();
            self.put(area, row, line);
        }
    }

    /// The whole screen.
    #[must_use]
    pub fn area(&self) -> Area {
        Area { x: 0, y: 0, width: self.columns, height: self.rows }
    }

    /// A rule over the width of an area.
    pub fn rule(&mut self, area: Area, row: u16) {
        let rule = self.theme.rule().repeat(usize::from(area.width));
        let style = self.theme.plain();
        self.text_at(area, row, &rule, style);
    }
}
