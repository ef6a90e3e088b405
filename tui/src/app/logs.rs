//! The API log screen: calls of tokens in debug, and what was refused before a token was known.

use tollgate_shared::log::RefusedRow;

use super::cursor::Cursor;
use super::tail::{Entry, Tail};

/// Which list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogTab {
    #[default]
    Calls,
    Refused,
}

/// Which part of a row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DetailTab {
    #[default]
    Verdict,
    Body,
    Headers,
}

impl DetailTab {
    #[must_use]
    pub fn next(self) -> Self {
        match self {
            Self::Verdict => Self::Body,
            Self::Body => Self::Headers,
            Self::Headers => Self::Verdict,
        }
    }
}

/// The screen.
#[derive(Clone, Debug, Default)]
pub struct Logs {
    pub tail: Tail,
    pub tab: LogTab,
    pub detail: DetailTab,
    pub search: String,
    /// The filter that `F` brings back.
    pub parked: Option<super::query::LogFilter>,
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

    /// Goes to the next row with the search text in what the list shows of it. False if there is none.
    pub fn find(&mut self, forward: bool, from_here: bool) -> bool {
        let text = self.search.to_lowercase();
        let (len, here) = match self.tab {
            LogTab::Calls => (self.tail.entries.len(), self.tail.cursor.index),
            LogTab::Refused => (self.refused.len(), self.refused_cursor.index),
        };
        if text.is_empty() || len == 0 {
            return false;
        }
        let first = usize::from(!from_here);
        let place = |offset| if forward { (here + offset) % len } else { (here + len - offset % len) % len };
        let Some(index) = (first..len + first).map(place).find(|at| self.has_text(*at, &text)) else { return false };
        self.step(index.cast_signed() - here.cast_signed());
        true
    }

    fn has_text(&self, at: usize, text: &str) -> bool {
        let hays = match self.tab {
            LogTab::Calls => match &self.tail.entries[at] {
                Entry::Row(row) => {
                    vec![row.summary.clone(), row.remote_ip.to_string(), row.outcome.to_string(), row.seq.to_string()]
                }
                Entry::Gap(_) => Vec::new(),
            },
            LogTab::Refused => {
                let row = &self.refused[at];
                vec![row.target.clone(), row.reason.clone(), row.detail.clone()]
            }
        };
        hays.iter().any(|hay| hay.to_lowercase().contains(text))
    }
}
