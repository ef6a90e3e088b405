//! Measuring, cutting, filling and wrapping by display columns.
//!
//! The width of a text is the sum over its grapheme clusters, which is how ratatui fills its cells.

use super::{MarkKind, SafeText};
use std::ops::Range;
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

/// The sign that text was cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ellipsis {
    /// For terminals that show Unicode.
    Unicode,
    /// For the ASCII theme.
    Ascii,
}

impl Ellipsis {
    /// One column wide in both forms.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unicode => "\u{2026}",
            Self::Ascii => "~",
        }
    }
}

/// The smallest part that is not cut: a cluster of data, or one character of a mark.
struct Unit {
    range: Range<usize>,
    columns: usize,
    mark: Option<MarkKind>,
}

impl SafeText<'_> {
    /// The columns this text takes on a screen.
    #[must_use]
    pub fn width(&self) -> usize {
        if self.text.is_ascii() {
            return self.text.len();
        }
        self.pieces().map(|(range, _)| columns_of(&self.text[range])).sum()
    }

    /// The text in at most `columns`; where it has to be cut, the last column is the ellipsis. An escape is cut as a
    /// whole: half an escape would say something else.
    #[must_use]
    pub fn truncate(self, columns: usize, ellipsis: Ellipsis) -> Self {
        if self.text.len() <= columns && self.text.is_ascii() || self.width() <= columns {
            return self;
        }
        let Some(room) = columns.checked_sub(1) else { return Self::default() };
        let mut cut = self.before(self.end_within(room));
        cut.push_mark(ellipsis.as_str(), MarkKind::Cut);
        cut
    }

    /// The text without its first columns. What is cut in two is left out as a whole.
    #[must_use]
    pub fn without(&self, columns: usize) -> SafeText<'static> {
        let (mut rest, mut used) = (SafeText::default(), 0);
        for unit in self.units(usize::MAX) {
            let begins_at = used;
            used += unit.columns;
            if begins_at < columns {
                continue;
            }
            match unit.mark {
                Some(kind) => rest.push_mark(&self.text[unit.range], kind),
                None => rest.push_data(&self.text[unit.range]),
            }
        }
        rest
    }

    /// The text with spaces behind it up to `columns`; longer text is left as it is.
    #[must_use]
    pub fn pad(mut self, columns: usize) -> Self {
        let missing = columns.saturating_sub(self.width());
        if missing > 0 {
            self.push_data(&" ".repeat(missing));
        }
        self
    }

    /// Exactly `columns` wide: cut or filled.
    #[must_use]
    pub fn fit(self, columns: usize, ellipsis: Ellipsis) -> Self {
        self.truncate(columns, ellipsis).pad(columns)
    }

    /// The text in rows of at most `columns`, broken where the row is full and not at words, so that copied rows join
    /// to the record again. A cluster wider than `columns` becomes a cut sign; an escape is broken only where it is
    /// wider than a row. No rows for an empty text or for no columns.
    #[must_use]
    pub fn wrap(&self, columns: usize) -> Vec<SafeText<'static>> {
        let mut rows = Vec::new();
        if columns == 0 {
            return rows;
        }
        let mut row = SafeText::default();
        let mut used = 0;
        for unit in self.units(columns) {
            let too_wide = unit.columns > columns;
            let width = if too_wide { 1 } else { unit.columns };
            if used + width > columns {
                rows.push(std::mem::take(&mut row));
                used = 0;
            }
            used += width;
            match unit.mark {
                _ if too_wide => row.push_mark(Ellipsis::Ascii.as_str(), MarkKind::Cut),
                Some(kind) => row.push_mark(&self.text[unit.range], kind),
                None => row.push_data(&self.text[unit.range]),
            }
        }
        if !row.is_empty() {
            rows.push(row);
        }
        rows
    }

    /// Clusters and whole marks; a mark wider than `columns` comes as its single (ASCII) characters.
    fn units(&self, columns: usize) -> impl Iterator<Item = Unit> {
        self.pieces().flat_map(move |(range, mark)| {
            let text = &self.text[range.clone()];
            let whole = mark.is_some() && columns_of(text) <= columns;
            let whole = whole.then(|| Unit { range: range.clone(), columns: columns_of(text), mark });
            let start = range.start;
            let parts = text.grapheme_indices(true).filter(move |_| mark.is_none() || columns_of(text) > columns);
            let parts = parts.map(move |(at, cluster)| Unit {
                range: start + at..start + at + cluster.len(),
                columns: cluster.width(),
                mark,
            });
            whole.into_iter().chain(parts)
        })
    }

    /// The byte at which the units that fit in `columns` end.
    fn end_within(&self, columns: usize) -> usize {
        let mut used = 0;
        let fitting = self.units(usize::MAX).take_while(|unit| {
            used += unit.columns;
            used <= columns
        });
        fitting.last().map_or(0, |unit| unit.range.end)
    }

    /// The part before a unit's boundary.
    fn before(&self, end: usize) -> Self {
        let mut part = SafeText::default();
        for (piece, mark) in self.pieces().take_while(|(piece, _)| piece.start < end) {
            let text = &self.text[piece.start..piece.end.min(end)];
            match mark {
                Some(kind) => part.push_mark(text, kind),
                None => part.push_data(text),
            }
        }
        part
    }
}

/// By cluster, as ratatui's cells are filled; a whole string's width may differ where letters join over clusters.
fn columns_of(text: &str) -> usize {
    if text.is_ascii() {
        return text.len();
    }
    text.graphemes(true).map(UnicodeWidthStr::width).sum()
}
