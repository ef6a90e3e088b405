//! What is wrong with a query, where, and what to write instead.

use std::fmt;
use std::ops::Range;

use super::text::fold;

/// Characters of a query that [`QueryError::drawn`] shows before the fault, at most.
const LEAD_CHARS_MAX: usize = 60;
/// Characters of a query that it shows in all, at most.
const DRAWN_CHARS_MAX: usize = 76;

/// A text is not a query, or names something that does not exist.
///
/// Display gives one line for a log or a problem document; [`QueryError::drawn`] draws the place for a person.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}, at character {}", at.start + 1)]
pub struct QueryError {
    /// The place in the query, in characters from 0. Empty where something is missing.
    pub at: Range<usize>,
    /// What is wrong and what to do, without the place.
    pub message: String,
    /// A text that can be put in the place of `at`.
    pub suggestion: Option<String>,
}

/// The picture of an error; see [`QueryError::drawn`].
struct Drawn<'a> {
    error: &'a QueryError,
    text: &'a str,
}

// === impl QueryError ===

impl QueryError {
    pub(super) fn new(at: Range<usize>, message: impl Into<String>) -> Self {
        Self { at, message: message.into(), suggestion: None }
    }

    pub(super) fn suggest(mut self, suggestion: impl Into<String>) -> Self {
        self.suggestion = Some(suggestion.into());
        self
    }

    /// The query (or the part around the fault), a line of carets under the fault, and the words:
    ///
    /// ```
    /// use tollgate_shared::query::{LOGS, Query};
    /// let text = "outcome:no_mach status:>=400";
    /// let error = Query::parse(text, &LOGS).unwrap_err();
    /// let drawn = "outcome:no_mach status:>=400\n        ^^^^^^^\n`no_mach` is no outcome: it is one of created, \
    ///     attached, resolved, duplicate, suppressed, no_match, started, rejected\ndid you mean `no_match`?";
    /// assert_eq!(error.drawn(text).to_string(), drawn);
    /// ```
    ///
    /// Control characters are drawn as spaces. A character counts as one column, so the carets may stand a little to the
    /// left under wide characters.
    pub fn drawn<'a>(&'a self, text: &'a str) -> impl fmt::Display + 'a {
        Drawn { error: self, text }
    }
}

// === impl Drawn ===

impl fmt::Display for Drawn<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let QueryError { at, message, suggestion } = self.error;
        let skipped = at.start.saturating_sub(LEAD_CHARS_MAX);
        let visible = |c: char| if c.is_control() { ' ' } else { c };
        let shown: String = self.text.chars().skip(skipped).take(DRAWN_CHARS_MAX).map(visible).collect();
        let lead = at.start - skipped;
        let carets = at.len().clamp(1, DRAWN_CHARS_MAX - LEAD_CHARS_MAX.min(lead));
        write!(f, "{shown}\n{:lead$}{}\n{message}", "", "^".repeat(carets))?;
        match suggestion {
            Some(suggestion) => write!(f, "\ndid you mean `{suggestion}`?"),
            None => Ok(()),
        }
    }
}

/// The word of `known` that is most like `wanted`, if one is alike enough to be meant: one letter off for short words,
/// a third of the letters for long ones, or `wanted` is its beginning.
pub fn nearest<'a>(wanted: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted: Vec<char> = fold(wanted).chars().collect();
    let allowed = (wanted.len() / 3).clamp(1, 3);
    let scored = known.into_iter().map(|word| {
        let letters: Vec<char> = fold(word).chars().collect();
        let begins = wanted.len() >= 2 && letters.starts_with(&wanted);
        (if begins { 0 } else { distance(&wanted, &letters) }, word)
    });
    scored.filter(|(distance, _)| *distance <= allowed).min_by_key(|(distance, _)| *distance).map(|(_, word)| word)
}

/// Letters to insert, drop or replace to come from one word to the other; two letters exchanged count as one change.
fn distance(left: &[char], right: &[char]) -> usize {
    // Words of a schema are short; a long text is like none of them.
    if left.len().abs_diff(right.len()) > 3 {
        return usize::MAX;
    }
    let mut rows: Vec<Vec<usize>> = vec![(0..=right.len()).collect()];
    for (i, a) in left.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, b) in right.iter().enumerate() {
            let replaced = rows[i][j] + usize::from(a != b);
            let exchanged = i > 0 && j > 0 && *a == right[j - 1] && left[i - 1] == *b;
            let exchanged = if exchanged { rows[i - 1][j - 1] + 1 } else { usize::MAX };
            row.push(replaced.min(rows[i][j + 1] + 1).min(row[j] + 1).min(exchanged));
        }
        rows.push(row);
    }
    rows[left.len()][right.len()]
}
