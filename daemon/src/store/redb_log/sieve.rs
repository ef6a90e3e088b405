//! What a reader wants, made ready to be asked of a segment, a head, a mark and a row.

use memchr::memmem::Finder;
use tollgate_shared::log::LogRow;
use tollgate_shared::time::Timestamp;

use super::block::{RowMark, TokenMark};
use super::head::Head;
use super::segment::Segment;
use super::tables::Span;
use crate::store::LogHints;

/// Hints and the age beyond which nothing is shown.
pub(super) struct Sieve<'a> {
    hints: &'a LogHints,
    cutoff: Timestamp,
    /// Rising.
    tokens: Option<Vec<TokenMark>>,
    finder: Option<Finder<'a>>,
}

impl<'a> Sieve<'a> {
    pub(super) fn new(hints: &'a LogHints, cutoff: Timestamp) -> Self {
        let tokens = hints.tokens.as_ref().map(|tokens| {
            let mut marks: Vec<_> = tokens.iter().copied().map(TokenMark::of).collect();
            marks.sort_unstable();
            marks
        });
        Self { hints, cutoff, tokens, finder: hints.contains.as_deref().map(Finder::new) }
    }

    pub(super) const fn cutoff(&self) -> Timestamp {
        self.cutoff
    }

    /// False where a segment holds no row that is wanted.
    pub(super) fn may_open_segment(&self, segment: &Segment, span: &Span) -> bool {
        self.meets(span.first_at, span.last_at) && self.tokens.as_ref().is_none_or(|tokens| segment.may_hold(tokens))
    }

    /// False where a block holds no row that is wanted.
    pub(super) fn may_open(&self, head: &Head<'_>) -> bool {
        self.meets(head.first_at, head.last_at)
            && self.hints.outcomes.is_none_or(|outcomes| outcomes.meets(head.outcomes))
            && self.hints.statuses.as_ref().is_none_or(|range| head.statuses().any(|status| range.contains(&status)))
            && self.tokens.as_ref().is_none_or(|_| head.tokens().any(|token| self.admits_token(token)))
    }

    /// True where every row of a block is wanted, but for its outcome.
    pub(super) fn admits_all_of(&self, head: &Head<'_>) -> bool {
        self.finder.is_none()
            && self.hints.admit_moment(head.first_at)
            && self.hints.admit_moment(head.last_at)
            && self.hints.statuses.as_ref().is_none_or(|range| head.statuses().all(|status| range.contains(&status)))
            && self.tokens.as_ref().is_none_or(|_| head.tokens().all(|token| self.admits_token(token)))
    }

    pub(super) fn admits_mark(&self, mark: &RowMark) -> bool {
        let Some(outcome) = mark.outcome else { return *self.hints == LogHints::NONE };
        mark.at >= self.cutoff
            && self.hints.admit_moment(mark.at)
            && self.hints.outcomes.is_none_or(|outcomes| outcomes.has(outcome))
            && self.hints.statuses.as_ref().is_none_or(|range| range.contains(&mark.status))
            && self.admits_token(mark.token)
    }

    /// Whether the text that is looked for is in a row's bytes.
    pub(super) fn admits_bytes(&self, bytes: &[u8]) -> bool {
        self.finder.as_ref().is_none_or(|finder| finder.find(bytes).is_some())
    }

    pub(super) fn admits_row(&self, row: &LogRow) -> bool {
        row.at >= self.cutoff && self.hints.admit(row)
    }

    fn admits_token(&self, token: TokenMark) -> bool {
        self.tokens.as_ref().is_none_or(|tokens| tokens.binary_search(&token).is_ok())
    }

    /// Whether a stretch of time has a wanted moment.
    fn meets(&self, first: Timestamp, last: Timestamp) -> bool {
        last >= self.cutoff
            && self.hints.since.is_none_or(|since| last >= since)
            && self.hints.until.is_none_or(|until| first <= until)
    }
}
