//! The API log screen: calls of tokens in debug, and what was refused before a token was known.

pub mod column;
pub mod compare;
pub mod export;
pub mod hex;
pub mod json;
pub mod strip;
pub mod suggest;

use serde::{Deserialize, Serialize};
use tollgate_shared::api::SavedQuery;
use tollgate_shared::log::{LogRow, RefusedRow};

use super::cursor::Cursor;
use super::held::HeldRow;
use super::history::QueryHistory;
use super::tail::{Entry, Tail, is_failure};
use super::tokens::Tokens;
use super::words;
use column::Column;
use strip::Strip;

/// Which list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogTab {
    #[default]
    Calls,
    Refused,
}

/// Which part of a row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DetailTab {
    #[default]
    Verdict,
    Body,
    Headers,
    Raw,
}

/// How the raw body is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RawForm {
    #[default]
    Text,
    Hex,
}

impl DetailTab {
    pub const ALL: [Self; 4] = [Self::Verdict, Self::Body, Self::Headers, Self::Raw];

    #[must_use]
    pub fn next(self) -> Self {
        Self::ALL[(self as usize + 1) % Self::ALL.len()]
    }

    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Verdict => "verdict",
            Self::Body => "body",
            Self::Headers => "headers",
            Self::Raw => "raw",
        }
    }
}

/// The screen.
#[derive(Clone, Debug, Default)]
pub struct Logs {
    pub tail: Tail,
    pub tab: LogTab,
    pub detail: DetailTab,
    pub raw: RawForm,
    pub folds: json::Folds,
    /// The marked line of the body, while the keys are in the pane.
    pub body_at: usize,
    /// Lines of the pane are cut instead of wrapped.
    pub unwrapped: bool,
    /// Columns of long texts that are scrolled away to the left.
    pub aside: usize,
    /// The column that `=` and `!` act on.
    pub column: Option<Column>,
    pub search: String,
    /// The filter that `F` brings back.
    pub parked: Option<super::query::LogFilter>,
    /// Queries of this session, the newest last.
    pub history: QueryHistory,
    /// The operator's saved queries, by name.
    pub saved: Vec<SavedQuery>,
    /// A row that another one is to be compared with.
    pub held: Option<std::sync::Arc<HeldRow>>,
    /// The comparison in the pane: the first row; the second is the marked one.
    pub compared: Option<std::sync::Arc<HeldRow>>,
    pub strip: Strip,
    /// Newest last.
    pub refused: Vec<RefusedRow>,
    pub refused_cursor: Cursor<u64>,
    pub refused_loaded: bool,
}

impl Logs {
    /// Takes the refusals anew; the mark stays, or follows the end where it stood there.
    pub fn take_refused(&mut self, rows: Vec<RefusedRow>) {
        let at_end = self.refused_cursor.index + 1 >= self.refused.len();
        self.refused = rows;
        self.refused_loaded = true;
        let rows = &self.refused;
        if at_end {
            self.refused_cursor.go(rows.len().saturating_sub(1), rows.len(), |at| rows[at].seq);
        } else {
            self.refused_cursor.relocate(rows.len(), |at| rows[at].seq);
        }
    }

    #[must_use]
    pub fn selected_refused(&self) -> Option<&RefusedRow> {
        self.refused.get(self.refused_cursor.index)
    }

    pub fn step(&mut self, by: isize) {
        match self.tab {
            LogTab::Calls => self.tail.step(by),
            LogTab::Refused => {
                let rows = &self.refused;
                self.refused_cursor.step(by, rows.len(), |at| rows[at].seq);
            }
        }
    }

    /// Another row is marked: what belonged to the former one starts anew.
    pub fn leave_row(&mut self) {
        (self.body_at, self.compared) = (0, None);
    }

    /// The marked row and the one that it is compared with.
    #[must_use]
    pub fn comparison(&self) -> Option<(&LogRow, &LogRow)> {
        let (first, second): (&LogRow, &LogRow) = (self.compared.as_deref()?, self.tail.selected_row()?);
        (first.seq != second.seq).then_some((first, second))
    }

    /// The last call of the same token before this one that had an effect, among the rows that are here.
    #[must_use]
    pub fn last_match(&self, row: &LogRow) -> Option<&std::sync::Arc<HeldRow>> {
        let may_have =
            |other: &HeldRow| other.seq() < row.seq && other.token_id() == row.token && !is_failure(other.became());
        let had_effect = |other: &LogRow| other.explain.as_ref().is_some_and(|explain| !explain.matched.is_empty());
        self.tail.rows().rev().filter(|other| may_have(other)).find(|other| other.look(had_effect))
    }

    /// The next row here with the search text in it: what the list shows, and the call's body, path and query. And whether
    /// the search went on at the other end.
    #[must_use]
    pub fn find(&self, tokens: &Tokens, forward: bool, from_here: bool) -> Option<(usize, bool)> {
        let text: Vec<char> = fold(&self.search).collect();
        let (len, here) = match self.tab {
            LogTab::Calls => (self.tail.entries.len(), self.tail.cursor.index),
            LogTab::Refused => (self.refused.len(), self.refused_cursor.index),
        };
        if text.is_empty() {
            return None;
        }
        let index = words::find(len, here, forward, from_here, |at| self.has_text(tokens, at, &text))?;
        let went_round = if forward { index < here } else { index > here };
        Some((index, went_round || (!from_here && index == here)))
    }

    /// Marks a row of the list that is shown.
    pub fn go(&mut self, index: usize) {
        let here = match self.tab {
            LogTab::Calls => self.tail.cursor.index,
            LogTab::Refused => self.refused_cursor.index,
        };
        self.step(index.cast_signed() - here.cast_signed());
    }

    fn has_text(&self, tokens: &Tokens, at: usize, text: &[char]) -> bool {
        match self.tab {
            LogTab::Calls => match &self.tail.entries[at] {
                Entry::Row(row) => row.look(|row| row_has(row, tokens, text)),
                Entry::Gap(_) => false,
            },
            LogTab::Refused => {
                let row = &self.refused[at];
                let ip = row.remote_ip.map(|ip| ip.to_string()).unwrap_or_default();
                [&row.target, &row.reason, &row.detail, &ip].into_iter().any(|hay| holds(hay, text))
            }
        }
    }
}

fn row_has(row: &LogRow, tokens: &Tokens, text: &[char]) -> bool {
    let outcome = super::verdict::outcome_words(row.outcome);
    let shown = [
        row.seq.to_string(),
        words::clock(row.at),
        row.remote_ip.to_string(),
        row.status.to_string(),
        outcome.to_owned(),
        tokens.name_of(row.token),
    ];
    let held = [&row.summary, &row.path, &row.query, &row.body];
    shown.iter().any(|hay| holds(hay, text)) || held.into_iter().any(|hay| holds(hay, text))
}

/// A text without regard to case: each character by itself, so that places stay.
pub fn fold(text: &str) -> impl Iterator<Item = char> + '_ {
    text.chars().map(fold_char)
}

/// One character without regard to case.
#[must_use]
pub fn fold_char(c: char) -> char {
    if c.is_ascii() { c.to_ascii_lowercase() } else { c.to_lowercase().next().unwrap_or(c) }
}

/// True where a text stands in another; `needle` is folded already.
fn holds(hay: &str, needle: &[char]) -> bool {
    let Some(first) = needle.first() else { return false };
    let mut rest = hay.chars();
    loop {
        let mut here = rest.clone();
        match here.next() {
            None => return false,
            Some(c) if fold_char(c) == *first => {
                let mut ahead = rest.clone();
                if needle.iter().all(|wanted| ahead.next().map(fold_char) == Some(*wanted)) {
                    return true;
                }
            }
            Some(_) => {}
        }
        rest = here;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_text_is_found_as_by_the_plain_way(hay in "[abAB\u{c4}\u{e4} ]{0,20}", needle in "[abAB\u{c4}\u{e4}]{1,3}") {
            let folded: Vec<char> = fold(&needle).collect();
            let plain = fold(&hay).collect::<String>().contains(&folded.iter().collect::<String>());
            prop_assert_eq!(holds(&hay, &folded), plain);
        }
    }
}
