//! What a whole block of log rows can be skipped by, before any row of it is read.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use super::FieldId;
use super::bind::{Node, Test};
use crate::id::TokenId;
use crate::outcome::Outcome;

/// Every row that passes is inside all of these; a row that is inside need not pass. An empty set or range = nothing
/// passes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hints {
    /// Tokens whose rows can pass; `None` = any.
    pub tokens: Option<BTreeSet<TokenId>>,
    /// Outcomes that can pass.
    pub outcomes: BTreeSet<Outcome>,
    /// Statuses that can pass.
    pub status: RangeInclusive<i64>,
    /// When a row that passes was written, microseconds since 1970.
    pub at: RangeInclusive<i64>,
    /// Positions in the log that can pass.
    pub seq: RangeInclusive<i64>,
    /// These say it all: every row that is inside passes. False where that is not known.
    pub exact: bool,
}

/// Every number.
const ANY: RangeInclusive<i64> = i64::MIN..=i64::MAX;
/// No number.
const NONE: RangeInclusive<i64> = RangeInclusive::new(1, 0);

// === impl Hints ===

impl Hints {
    /// True where no row can pass.
    pub fn pass_nothing(&self) -> bool {
        let no_token = self.tokens.as_ref().is_some_and(BTreeSet::is_empty);
        no_token || self.outcomes.is_empty() || self.status.is_empty() || self.at.is_empty() || self.seq.is_empty()
    }

    pub(super) fn of(root: &Node) -> Self {
        Self::of_node(root, false)
    }

    /// The hints of a node, or of its opposite: `not` goes down to the terms, where it is exact.
    fn of_node(node: &Node, negate: bool) -> Self {
        match node {
            Node::And(list) if !negate => Self::of_all(list, negate),
            Node::Or(list) if negate => Self::of_all(list, negate),
            Node::And(list) | Node::Or(list) => {
                let each = list.iter().map(|node| Self::of_node(node, negate));
                each.reduce(Self::union).unwrap_or_else(Self::nothing)
            }
            Node::Not(inner) => Self::of_node(inner, !negate),
            Node::Field(field, test) => Self::of_field(*field, test, negate),
            Node::Body(_) | Node::Text(_) => Self { exact: false, ..Self::everything() },
        }
    }

    fn of_all(list: &[Node], negate: bool) -> Self {
        list.iter().map(|node| Self::of_node(node, negate)).fold(Self::everything(), Self::intersection)
    }

    fn of_field(field: FieldId, test: &Test, negate: bool) -> Self {
        let mut hints = Self::everything();
        match (field, test) {
            (FieldId::Token, Test::Reach(reach)) if !negate => hints.tokens = Some(reach.tokens.clone()),
            (FieldId::Outcome, Test::Word(word)) => {
                hints.outcomes.retain(|outcome| (outcome.as_str() == *word) != negate);
            }
            (FieldId::Status, Test::Within(range)) => (hints.status, hints.exact) = side(range, negate),
            (FieldId::Since | FieldId::Until, Test::Within(range)) => (hints.at, hints.exact) = side(range, negate),
            (FieldId::Seq, Test::Within(range)) => (hints.seq, hints.exact) = side(range, negate),
            _ => hints.exact = false,
        }
        hints
    }

    fn everything() -> Self {
        Self { tokens: None, outcomes: Outcome::ALL.into(), status: ANY, at: ANY, seq: ANY, exact: true }
    }

    fn nothing() -> Self {
        Self {
            tokens: Some(BTreeSet::new()),
            outcomes: BTreeSet::new(),
            status: NONE,
            at: NONE,
            seq: NONE,
            exact: true,
        }
    }

    fn intersection(self, other: Self) -> Self {
        Self {
            tokens: match (self.tokens, other.tokens) {
                (Some(left), Some(right)) => Some(&left & &right),
                (left, right) => left.or(right),
            },
            outcomes: &self.outcomes & &other.outcomes,
            status: common(&self.status, &other.status),
            at: common(&self.at, &other.at),
            seq: common(&self.seq, &other.seq),
            exact: self.exact && other.exact,
        }
    }

    fn union(self, other: Self) -> Self {
        // What passes nothing would widen the other's ranges for nothing.
        if self.pass_nothing() || other.pass_nothing() {
            return if self.pass_nothing() { other } else { self };
        }
        let exact = self.exact && other.exact && self.differs_in_one_set(&other);
        Self {
            tokens: self.tokens.zip(other.tokens).map(|(left, right)| &left | &right),
            outcomes: &self.outcomes | &other.outcomes,
            status: spanning(&self.status, &other.status),
            at: spanning(&self.at, &other.at),
            seq: spanning(&self.seq, &other.seq),
            exact,
        }
    }

    /// Two boxes together are a box again where they differ in one direction only, and sets have no holes.
    fn differs_in_one_set(&self, other: &Self) -> bool {
        let same_ranges = self.status == other.status && self.at == other.at && self.seq == other.seq;
        same_ranges && (self.tokens == other.tokens || self.outcomes == other.outcomes)
    }
}

/// The range, or what is known of its opposite, and whether that is all of it: a hole in the middle cannot be said.
fn side(range: &RangeInclusive<i64>, negate: bool) -> (RangeInclusive<i64>, bool) {
    match (negate, *range.start(), *range.end()) {
        (false, _, _) => (range.clone(), true),
        (true, start, end) if start > end => (ANY, true),
        (true, i64::MIN, i64::MAX) => (NONE, true),
        (true, i64::MIN, end) => (end + 1..=i64::MAX, true),
        (true, start, i64::MAX) => (i64::MIN..=start - 1, true),
        (true, _, _) => (ANY, false),
    }
}

fn common(left: &RangeInclusive<i64>, right: &RangeInclusive<i64>) -> RangeInclusive<i64> {
    *left.start().max(right.start())..=*left.end().min(right.end())
}

/// The smallest range that holds both; neither is empty.
fn spanning(left: &RangeInclusive<i64>, right: &RangeInclusive<i64>) -> RangeInclusive<i64> {
    *left.start().min(right.start())..=*left.end().max(right.end())
}
