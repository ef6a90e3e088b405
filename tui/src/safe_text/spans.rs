//! The one room that turns text into ratatui spans.

use super::{SafeText, SegmentKind};
use ratatui::style::Style;
use ratatui::text::Span;

/// The spans of a text, escapes in their own style. In a theme without colour that style must be reverse video or the
/// like, since it is all that tells an escape from data.
#[must_use]
pub fn to_spans<'s>(text: &'s SafeText<'_>, data: Style, escape: Style) -> Vec<Span<'s>> {
    let styled = text.segments().map(|segment| match segment.kind {
        SegmentKind::Data => Span::styled(segment.text, data),
        SegmentKind::Escape => Span::styled(segment.text, escape),
    });
    styled.collect()
}

/// As [`to_spans`], for a line that outlives the text it was made from.
#[must_use]
pub fn to_spans_owned(text: &SafeText<'_>, data: Style, escape: Style) -> Vec<Span<'static>> {
    let spans = to_spans(text, data, escape);
    spans.into_iter().map(|span| Span::styled(span.content.into_owned(), span.style)).collect()
}

/// Text of our own that is part of the program: headings, borders, key hints.
#[must_use]
pub fn label(text: &'static str, style: Style) -> Span<'static> {
    Span::styled(text, style)
}
