//! Which rows of the log are shown: the query as typed, and the stretch of time. The daemon evaluates both.

use serde::{Deserialize, Serialize};
use tollgate_shared::query::{Expr, LOGS, Query, QueryError};
use tollgate_shared::time::Timestamp;

use super::words;

/// Which rows of the log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogFilter {
    /// Only this token's: for the pane of its own calls.
    pub token: Option<String>,
    /// A query, as it was typed.
    pub text: String,
    pub range: Range,
}

/// A stretch of time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Range {
    /// Everything that is kept.
    #[default]
    All,
    /// The last so many seconds, and what comes.
    Last(u32),
    /// From the first moment to the one before the second.
    Between(Timestamp, Timestamp),
}

impl LogFilter {
    /// Checks a query.
    ///
    /// # Errors
    /// The first fault with its place. What the daemon alone knows, such as names, is not checked.
    pub fn parse(line: &str) -> Result<Self, QueryError> {
        Query::parse(line, &LOGS)?;
        Ok(Self { text: line.trim().to_owned(), ..Self::default() })
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// What the daemon is asked, with `extra` terms; `None` = everything.
    #[must_use]
    pub fn asked(&self, extra: &str) -> Option<String> {
        let mut terms: Vec<String> = Vec::new();
        // In parentheses, because the query may hold an "or".
        terms.extend((!self.text.is_empty()).then(|| format!("({})", self.text)));
        terms.extend(self.range.terms());
        terms.extend((!extra.is_empty()).then(|| extra.to_owned()));
        (!terms.is_empty()).then(|| terms.join(" "))
    }

    /// The same as options of `tollgate log`.
    #[must_use]
    pub fn options(&self) -> String {
        let mut query = self.text.clone();
        if let Some(terms) = self.range.terms() {
            query = if query.is_empty() { terms } else { format!("{} {terms}", grouped(&query)) };
        }
        if query.is_empty() { String::new() } else { format!(" --query {}", words::shell(&query)) }
    }

    /// The query with one more term, which every row then satisfies.
    #[must_use]
    pub fn with(&self, term: &str) -> Self {
        let text = if self.text.is_empty() { term.to_owned() } else { format!("{} {term}", grouped(&self.text)) };
        Self { text, ..self.clone() }
    }
}

/// The text so that another term may stand beside it.
fn grouped(text: &str) -> String {
    let is_or = Query::parse(text, &LOGS).is_ok_and(|query| matches!(query.expr(), Some(Expr::Or(_))));
    if is_or { format!("({text})") } else { text.to_owned() }
}

impl Range {
    /// The lengths that the menu offers, with their letters.
    pub const LENGTHS: [(char, Self); 6] = [
        ('a', Self::Last(300)),
        ('b', Self::Last(900)),
        ('c', Self::Last(3_600)),
        ('d', Self::Last(6 * 3_600)),
        ('e', Self::Last(86_400)),
        ('f', Self::All),
    ];

    /// In words, as the screen says it.
    #[must_use]
    pub fn words(self) -> String {
        match self {
            Self::All => "all 48 h".to_owned(),
            Self::Last(secs) => format!("last {}", length(secs)),
            Self::Between(from, to) => format!("{} to {}", words::moment(from), words::clock(to)),
        }
    }

    /// The moments at `now`.
    #[must_use]
    pub fn span(self, now: Timestamp) -> (Timestamp, Timestamp) {
        match self {
            Self::All => (now.plus_secs(-tollgate_shared::limits::LOG_ROW_SECS), now),
            Self::Last(secs) => (now.plus_secs(-i64::from(secs)), now),
            Self::Between(from, to) => (from, to),
        }
    }

    /// The stretch of the same length half its length earlier or later; what reaches the present is live again.
    #[must_use]
    pub fn moved(self, later: bool, now: Timestamp) -> Self {
        if self == Self::All {
            return self;
        }
        let (from, to) = self.span(now);
        let length = to.secs_since(from).max(60);
        let by = if later { length / 2 } else { -(length / 2) };
        let oldest = now.plus_secs(-tollgate_shared::limits::LOG_ROW_SECS);
        let from = from.plus_secs(by).max(oldest);
        let to = from.plus_secs(length);
        if to >= now { Self::Last(u32::try_from(length).unwrap_or(u32::MAX)) } else { Self::Between(from, to) }
    }

    fn terms(self) -> Option<String> {
        match self {
            Self::All => None,
            Self::Last(secs) => Some(format!("since:{}", length(secs))),
            Self::Between(from, to) => Some(format!("since:{} until:{}", moment(from), moment(to))),
        }
    }
}

/// A moment as the query language takes it, to the second.
#[must_use]
pub fn moment(at: Timestamp) -> String {
    at.to_utc().format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// `15m`: in the largest unit that is exact.
fn length(secs: u32) -> String {
    let units = [("d", 86_400), ("h", 3_600), ("m", 60)];
    match units.into_iter().find(|(_, unit)| secs > *unit && secs.is_multiple_of(*unit) || secs == *unit) {
        Some(("d", _)) if secs == 86_400 => "24h".to_owned(),
        Some((name, unit)) => format!("{}{name}", secs / unit),
        None => format!("{secs}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::fixtures::now;

    #[test]
    fn what_is_asked_parses_whatever_was_typed() {
        for text in ["", "token:\"a b\" outcome:no_match", "a or b", "body.x = 1 or (c -d)"] {
            let filter = LogFilter::parse(text).unwrap();
            for (_, range) in Range::LENGTHS.into_iter().chain([(' ', Range::Last(900).moved(false, now()))]) {
                let asked = LogFilter { range, ..filter.clone() }.asked("seq:<=9").unwrap();
                assert!(Query::parse(&asked, &LOGS).is_ok(), "{asked}");
            }
        }
        assert_eq!(LogFilter::default().asked(""), None);
        assert_eq!(LogFilter::parse("a or b").unwrap().with("ip:::1").text, "(a or b) ip:::1");
        let filter = LogFilter { range: Range::Last(900), ..LogFilter::parse("outcome:no_match").unwrap() };
        assert_eq!(filter.options(), " --query 'outcome:no_match since:15m'");
    }

    #[test]
    fn a_wrong_word_has_its_place_and_the_right_form() {
        let error = LogFilter::parse("tokn:x").unwrap_err();
        assert_eq!((error.at, error.suggestion.as_deref()), (0..4, Some("token")));
    }

    #[test]
    fn a_range_moves_by_half_its_length_and_is_live_again_at_the_present() {
        let range = Range::Last(3_600).moved(false, now());
        assert_eq!(range.span(now()), (now().plus_secs(-5_400), now().plus_secs(-1_800)));
        assert_eq!(range.moved(true, now()), Range::Last(3_600));
        assert_eq!(Range::All.moved(false, now()), Range::All);
        let lengths: Vec<String> = Range::LENGTHS.iter().map(|(_, range)| range.words()).collect();
        assert_eq!(lengths[..5], ["last 5m", "last 15m", "last 1h", "last 6h", "last 24h"]);
    }
}
