//! A list of the log that another console left, and this one goes on with.

use serde::{Deserialize, Serialize};
use tollgate_shared::api::LogBounds;
use tollgate_shared::log::{Gap, GapReason, LogRow};

use super::{Entry, ROWS_MAX, Tail};
use crate::app::words;

/// Rows that are fetched at once, at most: what the daemon gives as one page.
const FETCHED_MAX: u64 = 1_000;

/// Where a list was left.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Left {
    /// The last row that was there; 0 = none.
    pub last_seq: u64,
    /// Where the daemon said that the stream stood.
    pub cursor: Option<String>,
    /// The row that was being read; none = the list followed.
    pub paused_on: Option<u64>,
    /// Rows that had come since the pause.
    pub newer: u64,
}

/// What came between two consoles, to a list that followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Away {
    /// The last row that was seen.
    seen: u64,
    /// The newest row of the log at the first connection.
    until: u64,
    /// Rows in between that have come so far.
    came: u64,
    /// No more than so many were asked for.
    asked: u64,
}

impl Away {
    /// `412 rows came while you were away`; nothing where that is not known.
    #[must_use]
    pub fn words(&self) -> Option<String> {
        match self.came {
            0 if self.until > self.seen => None,
            0 => Some("nothing came while you were away".to_owned()),
            came if came >= self.asked => Some(format!(">= {} came while you were away", words::count(came, "row"))),
            came => Some(format!("{} came while you were away", words::count(came, "row"))),
        }
    }
}

impl Tail {
    /// Where the list stands, for the next console.
    #[must_use]
    pub fn place_left(&self) -> Left {
        if let Some(left) = &self.left {
            return left.clone();
        }
        let seen = self.away.map_or(0, |away| away.seen);
        let paused_on = self.again.or(self.cursor.key).filter(|_| self.paused);
        Left { last_seq: self.last_seq.max(seen), cursor: self.resume.clone(), paused_on, newer: self.newer }
    }

    /// Goes on where another console stood, in a log with these rows: either behind [`Tail::after`], or with so many of
    /// the newest rows as this says. Only after [`Tail::ask`].
    pub fn go_on(&mut self, left: Left, log: &LogBounds, last: u32) -> u32 {
        let newest = log.last_seq.unwrap_or(0);
        if left.last_seq == 0 || newest < left.last_seq {
            // Nothing had been seen, or this is another log.
            return last;
        }
        if let Some(seq) = left.paused_on {
            (self.paused, self.again, self.newer) = (true, Some(seq), left.newer);
            self.detached = Some(left.last_seq);
            self.begin_behind(left);
            return last;
        }
        let missed = newest - left.last_seq;
        let asked = (u64::from(last) + missed).min(FETCHED_MAX);
        self.away = Some(Away { seen: left.last_seq, until: newest, came: 0, asked });
        let first = log.first_seq.unwrap_or(newest + 1);
        if first <= left.last_seq + 1 {
            return u32::try_from(asked).unwrap_or(last);
        }
        let (from, to) = (left.last_seq + 1, first - 1);
        if newest.saturating_sub(to) <= ROWS_MAX as u64 {
            // All that was seen is erased: the daemon begins with what else is, and then gives the rest.
            self.away = self.away.map(|away| Away { asked: u64::MAX, ..away });
            self.begin_behind(left);
        } else if self.filter.asked("").is_none() {
            self.expired = Some(Gap { from, to, count: to - from + 1, reason: GapReason::Expired });
        }
        u32::try_from(asked).unwrap_or(last)
    }

    /// The row that was being read is erased: a gap stands in its place, and the rows behind it are asked for.
    pub fn stand_on_gap(&mut self, seq: u64, first: u64) {
        self.again = None;
        self.entries.clear();
        (self.bytes, self.loaded, self.at_start) = (0, true, true);
        self.push(Entry::Gap(Gap { from: seq, to: first - 1, count: first - seq, reason: GapReason::Expired }));
        self.go(0);
    }

    /// The row that was being read, and those before it. What came since was counted already.
    pub(super) fn read_again(&mut self, rows: Vec<LogRow>) {
        let newer = self.newer;
        self.replace(rows, true, true);
        (self.newer, self.again) = (newer, None);
    }

    /// The list has the live end again, by a page that may be ahead of the stream: what the stream will not tell any more is
    /// counted.
    pub(super) fn count_ahead(&mut self, end: u64) {
        let ahead = self.entries.iter().rev().take_while(|entry| entry.seq() > self.last_seq);
        let rows = ahead.filter(|entry| matches!(entry, Entry::Row(_))).count() as u64;
        self.newer += if self.paused { rows } else { 0 };
        self.last_seq = self.last_seq.max(end);
    }

    pub(super) fn count_away(&mut self, entry: &Entry) {
        let Some(away) = self.away.as_mut().filter(|away| entry.seq() > away.seen && entry.seq() <= away.until) else {
            return;
        };
        away.came += match entry {
            Entry::Row(_) => 1,
            Entry::Gap(gap) if gap.reason == GapReason::SlowReader => gap.count,
            Entry::Gap(_) => 0,
        };
    }

    /// Over the first row that is kept stands how many were erased before anybody saw them.
    pub(super) fn tell_expired(&mut self) {
        let front = self.entries.front().map_or(0, Entry::seq);
        let Some(gap) = self.expired.take_if(|gap| self.at_start && front > gap.to) else { return };
        let entry = Entry::Gap(gap);
        self.bytes += entry.bytes();
        self.entries.push_front(entry);
        self.cursor.index += 1;
        self.cursor.top += 1;
    }

    fn begin_behind(&mut self, left: Left) {
        self.last_seq = left.last_seq;
        self.resume = left.cursor.or_else(|| Some(left.last_seq.to_string()));
    }
}
