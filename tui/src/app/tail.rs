//! Rows of the log as they arrive: contiguous, bounded, and honest about what is missing.

use std::collections::VecDeque;
use std::sync::Arc;

use tollgate_shared::log::{Gap, GapReason, LogRow, TailItem};
use tollgate_shared::time::Timestamp;

use super::cursor::Cursor;
use super::query::LogFilter;
use super::words;

/// The ring holds no more rows than this,
pub const ROWS_MAX: usize = 20_000;
/// and no more bytes than this.
pub const BYTES_MAX: usize = 16 << 20;

/// One line of the list.
#[derive(Clone, Debug)]
pub enum Entry {
    Row(Arc<LogRow>),
    /// Rows that are not here, and why.
    Gap(Gap),
}

impl Entry {
    /// What selection goes by: the row's seq, a gap's first.
    #[must_use]
    pub fn seq(&self) -> u64 {
        match self {
            Self::Row(row) => row.seq,
            Self::Gap(gap) => gap.from,
        }
    }

    fn last_seq(&self) -> u64 {
        match self {
            Self::Row(row) => row.seq,
            Self::Gap(gap) => gap.to,
        }
    }

    fn bytes(&self) -> usize {
        match self {
            // The verdict is the large part besides the body; its own size is not worth a walk.
            Self::Row(row) => 1_024 + row.body.len() + row.query.len() + row.headers.len() * 64,
            Self::Gap(_) => 64,
        }
    }
}

/// A list that follows the log.
#[derive(Clone, Debug, Default)]
pub struct Tail {
    pub entries: VecDeque<Entry>,
    bytes: usize,
    /// The list shows its end; otherwise the mark stands on a row and the list stays.
    pub paused: bool,
    /// Rows that came since the pause.
    pub newer: u64,
    pub cursor: Cursor<u64>,
    /// What was asked for.
    pub filter: LogFilter,
    /// Answers of another number are of an older question.
    pub generation: u64,
    /// Where to go on after a lost connection.
    resume: Option<String>,
    last_seq: u64,
    /// The daemon's refusal of the question.
    pub refused: Option<String>,
    /// Something has been heard since the question.
    pub loaded: bool,
}

impl Tail {
    /// Begins a new question; what was shown belongs to the old one.
    pub fn ask(&mut self, filter: LogFilter, generation: u64) {
        *self = Self { filter, generation, ..Self::default() };
    }

    /// Where the next connection goes on.
    #[must_use]
    pub fn after(&self) -> Option<String> {
        self.resume.clone()
    }

    /// The last seq that is accounted for.
    #[must_use]
    pub fn last_seq(&self) -> u64 {
        self.last_seq
    }

    /// Takes what came, in order. A row that is here already is not taken again.
    pub fn take(&mut self, items: Vec<TailItem>) {
        self.loaded = true;
        for item in items {
            match item {
                TailItem::Row(row) if row.seq > self.last_seq => self.push(Entry::Row(Arc::from(row))),
                TailItem::Gap(gap) if gap.to > self.last_seq => self.push(Entry::Gap(gap)),
                TailItem::Row(_) | TailItem::Gap(_) | TailItem::End(_) => {}
                TailItem::Heartbeat(beat) => self.resume = Some(beat.cursor),
            }
        }
        self.shrink();
        self.place();
    }

    /// Follows again, or stays on the marked row.
    pub fn set_paused(&mut self, paused: bool) {
        self.paused = paused && !self.entries.is_empty();
        if !self.paused {
            self.newer = 0;
        }
        self.place();
    }

    /// Moves the mark. Up pauses; reaching the end does not follow by itself, so that nothing moves unasked.
    pub fn step(&mut self, by: isize) {
        if self.entries.is_empty() {
            return;
        }
        self.paused = true;
        let len = self.entries.len();
        let entries = &self.entries;
        self.cursor.step(by, len, |at| entries[at].seq());
    }

    /// Moves the mark to the next or previous row that failed: no match, or refused. False if there is none.
    pub fn step_to_error(&mut self, forward: bool) -> bool {
        let is_error = |at: &usize| match &self.entries[*at] {
            Entry::Row(row) => is_failure(row),
            Entry::Gap(_) => true,
        };
        let here = self.cursor.index;
        let found = if forward {
            (here + 1..self.entries.len()).find(is_error)
        } else {
            (0..here.min(self.entries.len())).rev().find(is_error)
        };
        let Some(index) = found else { return false };
        self.paused = true;
        let (len, entries) = (self.entries.len(), &self.entries);
        self.cursor.go(index, len, |at| entries[at].seq());
        true
    }

    #[must_use]
    pub fn selected(&self) -> Option<&Entry> {
        let entry = self.entries.get(self.cursor.index)?;
        (Some(entry.seq()) == self.cursor.key).then_some(entry)
    }

    #[must_use]
    pub fn selected_row(&self) -> Option<&Arc<LogRow>> {
        match self.selected()? {
            Entry::Row(row) => Some(row),
            Entry::Gap(_) => None,
        }
    }

    fn push(&mut self, entry: Entry) {
        self.last_seq = entry.last_seq();
        self.resume = Some(self.last_seq.to_string());
        self.bytes += entry.bytes();
        if self.paused && matches!(entry, Entry::Row(_)) {
            self.newer += 1;
        }
        self.entries.push_back(entry);
    }

    fn shrink(&mut self) {
        while self.entries.len() > ROWS_MAX || self.bytes > BYTES_MAX {
            let Some(entry) = self.entries.pop_front() else { return };
            self.bytes -= entry.bytes();
            self.cursor.index = self.cursor.index.saturating_sub(1);
            self.cursor.top = self.cursor.top.saturating_sub(1);
        }
    }

    fn place(&mut self) {
        let (len, entries) = (self.entries.len(), &self.entries);
        if self.paused {
            self.cursor.relocate(len, |at| entries[at].seq());
        } else {
            self.cursor.go(len.saturating_sub(1), len, |at| entries[at].seq());
        }
    }
}

/// A call that had no effect it should have had.
#[must_use]
pub fn is_failure(row: &LogRow) -> bool {
    use tollgate_shared::outcome::Outcome;
    matches!(row.outcome, Outcome::NoMatch | Outcome::Rejected)
}

/// A gap in words.
#[must_use]
pub fn gap_words(gap: &Gap) -> String {
    let why = match gap.reason {
        GapReason::SlowReader => "this console did not keep up",
        GapReason::Expired => "older than 48 h, erased",
        GapReason::Shed => "dropped by the daemon: short of disk",
        GapReason::Lost => "lost: their write failed",
    };
    format!("{} not shown: {why}", words::count(gap.count, "row"))
}

/// `this row is erased in 47 h 58 m`.
#[must_use]
pub fn retention(row: &LogRow, now: Timestamp) -> String {
    let left = tollgate_shared::limits::LOG_ROW_SECS - now.secs_since(row.at);
    format!("this row is erased in {}", words::countdown(left))
}
