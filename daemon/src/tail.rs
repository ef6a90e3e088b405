//! The newest rows of the API log, for everyone who tails it: one shared ring, a cursor for each reader.
//!
//! A reader that does not keep up costs nothing but its own cursor: when the ring has moved past it, it is told how many
//! rows it missed (a gap row) and goes on at the newest. It never slows the writer.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;
use tollgate_shared::id::TokenId;
use tollgate_shared::log::{Gap, GapReason, LogRow};
use tollgate_shared::time::Timestamp;

/// What the ring holds at most, bytes (domain.md §5: one shared ring).
const RING_BYTES_MAX: usize = 16 << 20;

/// What a row costs besides its body, headers and verdict, bytes: an estimate of its other fields.
const ROW_BYTES: usize = 1_024;

/// What one condition of a verdict costs, bytes: path, values, what was seen. An estimate; a row of a global token may
/// have thousands of them.
const CONDITION_BYTES: usize = 256;

/// The ring and its bell.
pub struct TailHub {
    ring: Mutex<Ring>,
    newest: watch::Sender<u64>,
    tails: Mutex<BTreeMap<Seat, usize>>,
    /// Tails that one uid or token may have open.
    tails_max: usize,
    gaps: AtomicU64,
}

/// Whom a tail is counted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Seat {
    /// Somebody on the local socket.
    Uid(Option<u32>),
    /// A token at the gate.
    Token(TokenId),
}

/// One uid or token has as many tails open as it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} tails of the log are open, which is the limit")]
pub struct Full(usize);

#[derive(Default)]
struct Ring {
    entries: VecDeque<Entry>,
    bytes: usize,
}

#[derive(Clone)]
enum Entry {
    Row(Arc<LogRow>),
    Lost(Gap),
}

/// What comes after a cursor.
pub enum Next {
    /// Rows and gaps in rising seq; empty when there is nothing newer.
    Entries(Vec<TailEntry>),
    /// The ring begins later than the cursor: `oldest` is the first seq that it still has.
    Behind {
        /// First seq in the ring.
        oldest: u64,
        /// Last seq in the ring.
        newest: u64,
    },
}

/// One thing to show.
pub enum TailEntry {
    /// A row.
    Row(Arc<LogRow>),
    /// Rows that never reached the disk.
    Gap(Gap),
}

impl TailHub {
    /// An empty ring; `last_seq` is the newest row on disk; `tails_max` are the tails that one uid or token may have.
    pub fn new(last_seq: u64, tails_max: usize) -> Self {
        Self {
            ring: Mutex::default(),
            newest: watch::Sender::new(last_seq),
            tails: Mutex::default(),
            tails_max,
            gaps: AtomicU64::new(0),
        }
    }

    /// Shows rows that are on disk now.
    pub fn publish(&self, rows: &[Arc<LogRow>]) {
        self.push(rows.iter().map(|row| Entry::Row(row.clone())));
    }

    /// Says that rows were lost: their commit failed.
    pub fn publish_lost(&self, rows: &[Arc<LogRow>]) {
        let (Some(first), Some(last)) = (rows.first(), rows.last()) else { return };
        self.push(std::iter::once(Entry::lost(first.seq, last.seq)));
    }

    /// Keeps the ring without holes: seqs that were given out in a commit that failed never come here, and a reader who
    /// stands before them must neither wait for them nor be taken for a slow one.
    fn push(&self, entries: impl Iterator<Item = Entry>) {
        let before = *self.newest.borrow();
        let mut newest = before;
        {
            let mut ring = self.lock();
            for entry in entries {
                if entry.first() > newest.saturating_add(1) {
                    ring.put(Entry::lost(newest + 1, entry.first() - 1));
                }
                newest = newest.max(entry.last());
                ring.put(entry);
            }
        }
        if newest > before {
            self.newest.send_replace(newest);
        }
    }

    /// Up to `limit` entries after `seq`.
    pub fn after(&self, seq: u64, limit: usize) -> Next {
        let ring = self.lock();
        let (Some(oldest), Some(newest)) =
            (ring.entries.front().map(Entry::first), ring.entries.back().map(Entry::last))
        else {
            return self.nothing_after(seq);
        };
        if newest <= seq {
            return Next::Entries(Vec::new());
        }
        if oldest > seq + 1 {
            return Next::Behind { oldest, newest };
        }
        let start = ring.entries.partition_point(|entry| entry.last() <= seq);
        Next::Entries(ring.entries.range(start..).take(limit).map(Entry::show).collect())
    }

    /// The ring is empty since the start; what is on disk already is history.
    fn nothing_after(&self, seq: u64) -> Next {
        let newest = *self.newest.borrow();
        if newest > seq { Next::Behind { oldest: newest + 1, newest } } else { Next::Entries(Vec::new()) }
    }

    /// Lets go of rows from before `cutoff`: what is not shown any more need not be held.
    pub fn forget_before(&self, cutoff: Timestamp) {
        let mut ring = self.lock();
        // A gap has no moment of its own: it goes with an old row behind it.
        let old = ring.entries.iter().take_while(|entry| entry.at().is_none_or(|at| at < cutoff)).collect::<Vec<_>>();
        let count = old.iter().rposition(|entry| entry.at().is_some()).map_or(0, |last| last + 1);
        for _ in 0..count {
            let gone = ring.entries.pop_front().map_or(0, |entry| entry.bytes());
            ring.bytes -= gone;
        }
    }

    /// The newest seq that was published.
    pub fn newest(&self) -> u64 {
        *self.newest.borrow()
    }

    /// Rings whenever rows were published.
    pub fn subscribe(&self) -> watch::Receiver<u64> {
        self.newest.subscribe()
    }

    /// Counts a tail as open until [`TailHub::close`].
    ///
    /// # Errors
    /// As many are open as may be.
    pub fn open(&self, seat: Seat) -> Result<(), Full> {
        let mut tails = self.tails.lock().unwrap_or_else(PoisonError::into_inner);
        let open = tails.entry(seat).or_default();
        if *open >= self.tails_max {
            return Err(Full(self.tails_max));
        }
        *open += 1;
        Ok(())
    }

    /// A tail has ended.
    pub fn close(&self, seat: Seat) {
        let mut tails = self.tails.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(open) = tails.get_mut(&seat) {
            *open = open.saturating_sub(1);
        }
        tails.retain(|_, open| *open > 0);
    }

    /// Counts a gap that a slow reader was told of.
    pub fn count_gap(&self) {
        self.gaps.fetch_add(1, Ordering::Relaxed);
    }

    /// Open tails, and gaps told since the start.
    pub fn counts(&self) -> (u64, u64) {
        let tails = self.tails.lock().unwrap_or_else(PoisonError::into_inner);
        (tails.values().map(|open| *open as u64).sum(), self.gaps.load(Ordering::Relaxed))
    }

    /// Entries are pushed and taken whole: a poisoned lock is taken all the same.
    fn lock(&self) -> MutexGuard<'_, Ring> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ring {
    fn put(&mut self, entry: Entry) {
        self.bytes += entry.bytes();
        self.entries.push_back(entry);
        while self.bytes > RING_BYTES_MAX && self.entries.len() > 1 {
            let gone = self.entries.pop_front().map_or(0, |entry| entry.bytes());
            self.bytes -= gone;
        }
    }
}

impl Entry {
    fn lost(from: u64, to: u64) -> Self {
        Self::Lost(Gap { from, to, count: to - from + 1, reason: GapReason::Lost })
    }

    fn bytes(&self) -> usize {
        match self {
            Self::Row(row) => row_bytes(row),
            Self::Lost(_) => ROW_BYTES,
        }
    }

    fn at(&self) -> Option<Timestamp> {
        match self {
            Self::Row(row) => Some(row.at),
            Self::Lost(_) => None,
        }
    }

    fn first(&self) -> u64 {
        match self {
            Self::Row(row) => row.seq,
            Self::Lost(gap) => gap.from,
        }
    }

    fn last(&self) -> u64 {
        match self {
            Self::Row(row) => row.seq,
            Self::Lost(gap) => gap.to,
        }
    }

    fn show(&self) -> TailEntry {
        match self {
            Self::Row(row) => TailEntry::Row(row.clone()),
            Self::Lost(gap) => TailEntry::Gap(*gap),
        }
    }
}

/// About what a row holds in memory.
pub fn row_bytes(row: &LogRow) -> usize {
    let headers: usize = row.headers.iter().map(|(name, value)| name.len() + value.len()).sum();
    let filters = row.explain.iter().flat_map(|verdict| verdict.matched.iter().chain(&verdict.nearest_misses));
    let conditions = filters.map(|filter| {
        let resolve = filter.resolve.as_ref().map_or(0, |part| part.conditions.len());
        1 + filter.trigger.conditions.len() + resolve
    });
    ROW_BYTES + row.body.len() + headers + CONDITION_BYTES * conditions.sum::<usize>()
}

#[cfg(test)]
mod tests;
