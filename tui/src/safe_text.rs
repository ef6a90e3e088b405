//! The only way from data to a screen or a pipe.
//!
//! The bodies, headers and paths that Tollgate shows were written by whoever can reach the gate, so they may try to
//! drive the operator's terminal, to hide text, or to forge a second record. A [`SafeText`] holds text in which every
//! such character has been replaced by a visible escape, together with the places of those escapes:
//!
//! | in the data | on the screen ([`SafeText::segments`]) | in a pipe ([`SafeText::to_plain`]) |
//! |---|---|---|
//! | C0 and DEL | `^[` | `<^[>` |
//! | C1 | `M-^[` | `<M-^[>` |
//! | CR, LF, tab inside a record | `\r` `\n` `\t` | `<\r>` `<\n>` `<\t>` |
//! | a byte that is not UTF-8 | `\x9B` | `<\x9B>` |
//! | everything else that hides, reorders or has no agreed width | `<U+202E>` | `<U+202E>` |
//! | a literal `<` in front of `U+`, `^`, `\` or `M-^` | `<` | `<U+003C>` |
//!
//! On a screen the *kind* of a segment (shown as a style) tells an escape from data that only looks like one. A pipe
//! has no styles, so there the brackets do it: the last row of the table makes the plain form unforgeable, as each
//! plain text has exactly one source. The screen form is idempotent (made safe again, it is borrowed and unchanged);
//! the plain form is deliberately not, since a plain text that is taken for data is data with a lookalike in it.

mod columns;
mod judge;
mod lookalike;
mod spans;
#[cfg(test)]
mod tests;

pub use columns::Ellipsis;
pub use spans::{label, to_spans, to_spans_owned};

use std::borrow::Cow;
use std::fmt::Write as _;
use std::ops::Range;

/// One line of text that no terminal can misread. It never holds a line break or any other control character.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SafeText<'a> {
    /// The screen form.
    text: Cow<'a, str>,
    /// Where `text` is ours and not the data's, in order, without overlap.
    marks: Vec<Mark>,
}

/// A part of a [`SafeText`] that is of one kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment<'s> {
    pub text: &'s str,
    pub kind: SegmentKind,
}

/// Who wrote a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SegmentKind {
    /// The sender, character for character.
    Data,
    /// We did: an escape, or the sign that text was cut. To be styled so that data cannot imitate it.
    Escape,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Mark {
    range: Range<usize>,
    kind: MarkKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum MarkKind {
    /// Stands for one character or byte of the data.
    Escape,
    /// Says that text was left out; it has no source.
    Cut,
}

impl<'a> SafeText<'a> {
    /// One record on one line: line breaks and tabs inside it become visible markers. Borrows clean text.
    #[must_use]
    pub fn new(text: &'a str) -> Self {
        judge::record(text)
    }

    /// As [`SafeText::new`], for bytes that may not be UTF-8: each bad byte is shown as `\xNN`.
    #[must_use]
    pub fn from_bytes(bytes: &'a [u8]) -> Self {
        judge::record_bytes(bytes)
    }

    /// The lines of a body. It is split at `\n` first, so no line can reach into another; a `\r` stays visible, and a
    /// tab becomes the spaces up to the next stop of four. A final `\n` does not start another line.
    pub fn lines(body: &'a str) -> impl Iterator<Item = Self> {
        body.split_terminator('\n').map(judge::body_line)
    }

    /// As [`SafeText::lines`], for bytes that may not be UTF-8.
    pub fn lines_from_bytes(body: &'a [u8]) -> impl Iterator<Item = Self> {
        let body = body.strip_suffix(b"\n").unwrap_or(body);
        let lines = (!body.is_empty()).then(|| body.split(|byte| *byte == b'\n'));
        lines.into_iter().flatten().map(judge::body_line_bytes)
    }

    /// The start of a record, no wider than `columns`, without looking at more of it than that needs: this is for
    /// cells of a table, where a line of a megabyte must cost no more than a short one.
    #[must_use]
    pub fn clipped(text: &'a str, columns: usize, ellipsis: Ellipsis) -> Self {
        let enough = columns.saturating_add(2).saturating_mul(judge::CLUSTER_CHARS_MAX);
        match text.char_indices().nth(enough) {
            None => Self::new(text).truncate(columns, ellipsis),
            Some((end, _)) => Self::new(&text[..end]).truncate(columns, ellipsis),
        }
    }

    /// The parts in order; never an empty one.
    pub fn segments(&self) -> impl Iterator<Item = Segment<'_>> {
        self.pieces().map(|(range, mark)| Segment {
            text: &self.text[range],
            kind: mark.map_or(SegmentKind::Data, |_| SegmentKind::Escape),
        })
    }

    /// The text for a pipe or a file, where no style can mark an escape: see the table above. Borrows where it can.
    #[must_use]
    pub fn to_plain(&self) -> Cow<'_, str> {
        if self.marks.is_empty() {
            return lookalike::disarm(&self.text);
        }
        let mut plain = String::with_capacity(self.text.len() + 4 * self.marks.len());
        for (range, mark) in self.pieces() {
            let text = &self.text[range];
            match mark {
                None => plain.push_str(&lookalike::disarm(text)),
                Some(MarkKind::Cut) => plain.push_str(text),
                Some(MarkKind::Escape) if text.starts_with('<') => plain.push_str(text),
                Some(MarkKind::Escape) => plain.extend(["<", text, ">"]),
            }
        }
        Cow::Owned(plain)
    }

    /// The screen form as one string. Without its segments an escape can be imitated, so this is for tests and for
    /// text that is measured, not for showing.
    #[must_use]
    pub fn as_screen_str(&self) -> &str {
        &self.text
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// True if something had to be escaped or was cut.
    #[must_use]
    pub fn is_marked(&self) -> bool {
        !self.marks.is_empty()
    }

    /// The same text, no longer tied to the data it came from.
    #[must_use]
    pub fn into_owned(self) -> SafeText<'static> {
        SafeText { text: Cow::Owned(self.text.into_owned()), marks: self.marks }
    }

    /// The same text for a terminal that shows ASCII only: every other character of the data is escaped as well. It
    /// becomes no narrower.
    #[must_use]
    pub fn into_ascii(self) -> Self {
        if self.text.is_ascii() {
            return self;
        }
        let mut safe = SafeText::default();
        for (range, mark) in self.pieces() {
            let text = &self.text[range];
            match mark {
                Some(kind) => safe.push_mark(text, kind),
                None => safe.push_in_ascii(text),
            }
        }
        safe
    }

    fn push_in_ascii(&mut self, mut text: &str) {
        while !text.is_empty() {
            let run = text.find(|character: char| !character.is_ascii()).unwrap_or(text.len());
            self.push_data(&text[..run]);
            let mut rest = text[run..].chars();
            if let Some(character) = rest.next() {
                self.push_escape(format_args!("<U+{:04X}>", u32::from(character)));
            }
            text = rest.as_str();
        }
    }

    fn clean(text: &'a str) -> Self {
        Self { text: Cow::Borrowed(text), marks: Vec::new() }
    }

    fn push_data(&mut self, text: &str) {
        self.text.to_mut().push_str(text);
    }

    fn push_mark(&mut self, text: &str, kind: MarkKind) {
        let start = self.text.len();
        self.push_data(text);
        self.marks.push(Mark { range: start..self.text.len(), kind });
    }

    fn push_escape(&mut self, escape: std::fmt::Arguments<'_>) {
        let start = self.text.len();
        let written = self.text.to_mut().write_fmt(escape);
        debug_assert!(written.is_ok(), "a String takes every write");
        self.marks.push(Mark { range: start..self.text.len(), kind: MarkKind::Escape });
    }

    /// Data runs and marks in order, by byte range.
    fn pieces(&self) -> impl Iterator<Item = (Range<usize>, Option<MarkKind>)> {
        let mut at = 0;
        let mut marks = self.marks.iter().peekable();
        std::iter::from_fn(move || {
            if let Some(mark) = marks.next_if(|mark| mark.range.start == at) {
                at = mark.range.end;
                return Some((mark.range.clone(), Some(mark.kind)));
            }
            let end = marks.peek().map_or(self.text.len(), |mark| mark.range.start);
            let start = std::mem::replace(&mut at, end);
            (start < end).then_some((start..end, None))
        })
    }
}
