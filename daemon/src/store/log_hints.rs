//! What a reader of the log knows beforehand about the rows that it wants, so that the store need not look at the others.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use tollgate_shared::id::TokenId;
use tollgate_shared::log::LogRow;
use tollgate_shared::outcome::Outcome;
use tollgate_shared::time::Timestamp;

/// Rows that these leave out are not read and not returned. Nothing set = every row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogHints {
    /// Only of these tokens.
    pub tokens: Option<BTreeSet<TokenId>>,
    /// Only with these outcomes.
    pub outcomes: Option<OutcomeSet>,
    /// Only with a status in this range.
    pub statuses: Option<RangeInclusive<u16>>,
    /// Not before this moment.
    pub since: Option<Timestamp>,
    /// Not after this moment.
    pub until: Option<Timestamp>,
    /// Only with these bytes, case-sensitive, in one of the row's texts (body, summary, path, a header …). A text that is
    /// made when a row is shown, such as its time or an id other than the token's, is not found by it. Looked for in the
    /// stored bytes, so a row may pass that has them by chance across two texts: the reader's own test decides.
    pub contains: Option<Vec<u8>>,
}

/// A set of outcomes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OutcomeSet(u16);

// === impl LogHints ===

impl LogHints {
    /// Every row.
    pub const NONE: Self =
        Self { tokens: None, outcomes: None, statuses: None, since: None, until: None, contains: None };

    /// Whether a row is among the wanted ones, as far as its own fields tell: all but `contains`.
    pub fn admit(&self, row: &LogRow) -> bool {
        self.tokens.as_ref().is_none_or(|tokens| tokens.contains(&row.token))
            && self.outcomes.is_none_or(|outcomes| outcomes.has(row.outcome))
            && self.statuses.as_ref().is_none_or(|statuses| statuses.contains(&row.status))
            && self.admit_moment(row.at)
    }

    pub(super) fn admit_moment(&self, at: Timestamp) -> bool {
        self.since.is_none_or(|since| at >= since) && self.until.is_none_or(|until| at <= until)
    }
}

// === impl OutcomeSet ===

impl OutcomeSet {
    /// The set with one more.
    #[must_use]
    pub const fn with(self, outcome: Outcome) -> Self {
        Self(self.0 | 1 << outcome as u16)
    }

    /// Whether an outcome is in it.
    pub const fn has(self, outcome: Outcome) -> bool {
        self.0 & (1 << outcome as u16) != 0
    }

    /// Whether the two have one in common.
    pub(super) const fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// As stored: one bit for each outcome, in the order of [`Outcome::ALL`].
    pub(super) const fn bits(self) -> u16 {
        self.0
    }

    pub(super) const fn from_bits(bits: u16) -> Self {
        Self(bits)
    }
}

impl FromIterator<Outcome> for OutcomeSet {
    fn from_iter<I: IntoIterator<Item = Outcome>>(outcomes: I) -> Self {
        outcomes.into_iter().fold(Self::default(), Self::with)
    }
}
