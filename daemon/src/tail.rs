//! The newest rows of the API log, for everyone who tails it: one shared ring, a cursor for each reader.
//!
//! A reader that does not keep up costs nothing but its own cursor: when the ring has moved past it, it is told how many
//! rows it missed (a gap row) and goes on at the newest. It never slows the writer.
//!
//! A thousand readers must not be woken for a row that one of them wants: a reader that asks for few tokens is found by
//! them, and what lies between its last row and the next one of its tokens it never looks at.

mod listeners;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tollgate_shared::id::TokenId;
use tollgate_shared::log::{Gap, GapReason, LogRow};
use tollgate_shared::time::Timestamp;

pub use self::listeners::Listener;
use self::listeners::{Bell, Listeners};

/// What the ring holds at most, bytes (domain.md §5: one shared ring).
const RING_BYTES_MAX: usize = 16 << 20;

/// What a row costs besides its body, headers and verdict, bytes: an estimate of its other fields.
const ROW_BYTES: usize = 1_024;

/// What one condition of a verdict costs, bytes: path, values, what was seen. An estimate; a row of a global token may
/// have thousands of them.
const CONDITION_BYTES: usize = 256;

/// The ring and who listens.
pub struct TailHub {
    /// Short sections only: rows are pushed and taken, nobody is woken inside.
    ring: Mutex<Ring>,
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
    /// The newest seq that was published.
    newest: u64,
    listeners: Listeners,
}

/// What is asked of every entry stands beside the row, so that passing over it touches no row.
#[derive(Clone)]
struct Entry {
    first: u64,
    last: u64,
    /// `None` for a gap, which is everybody's.
    token: Option<TokenId>,
    what: What,
}

#[derive(Clone)]
enum What {
    Row(Arc<LogRow>),
    Lost(Gap),
}

/// What comes next for a reader.
pub enum Next {
    /// Rows and gaps that it asks for, in rising seq.
    Entries {
        /// Empty where there is nothing newer.
        entries: Vec<TailEntry>,
        /// Up to here everything that it asks for is among them.
        to: u64,
    },
    /// The ring has moved past it.
    Behind {
        /// The first seq that it was to see.
        due: u64,
        /// The newest seq that was published.
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
            ring: Mutex::new(Ring { newest: last_seq, ..Ring::default() }),
            tails: Mutex::default(),
            tails_max,
            gaps: AtomicU64::new(0),
        }
    }

    /// Shows rows that are on disk now.
    pub fn publish(&self, rows: &[Arc<LogRow>]) {
        self.push(rows.iter().map(Entry::row));
    }

    /// Says that rows were lost: their commit failed.
    pub fn publish_lost(&self, rows: &[Arc<LogRow>]) {
        let (Some(first), Some(last)) = (rows.first(), rows.last()) else { return };
        self.push(std::iter::once(Entry::lost(first.seq, last.seq)));
    }

    fn push(&self, entries: impl Iterator<Item = Entry>) {
        let mut rung = Vec::new();
        self.lock().push(entries, &mut rung);
        // Woken outside of the lock, which is the first thing that they take.
        rung.iter().for_each(|bell| bell.ring());
    }

    /// Begins to listen behind `after`: for rows of these tokens, or of all.
    pub fn listen(&self, tokens: Option<BTreeSet<TokenId>>, after: u64) -> Listener {
        let listener = Listener::new(tokens);
        let mut ring = self.lock();
        ring.listeners.add(&listener);
        ring.seek(&listener, after);
        listener
    }

    /// Ends what [`TailHub::listen`] began.
    pub fn leave(&self, listener: &Listener) {
        self.lock().listeners.remove(listener);
    }

    /// Moves a reader: it has seen what is up to `after`, from elsewhere, or does without.
    pub fn seek(&self, listener: &Listener, after: u64) {
        self.lock().seek(listener, after);
    }

    /// Up to `limit` entries that a reader asks for and has not seen; they count as seen then.
    pub fn hear(&self, listener: &Listener, limit: usize) -> Next {
        self.lock().hear(listener, limit)
    }

    /// Up to `limit` entries after `seq`, of whatever token.
    #[cfg(test)]
    pub fn after(&self, seq: u64, limit: usize) -> Next {
        let listener = self.listen(None, seq);
        let next = self.hear(&listener, limit);
        self.leave(&listener);
        next
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
        self.lock().newest
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
    /// Keeps the ring without holes: seqs that were given out in a commit that failed never come here, and a reader who
    /// stands before them must neither wait for them nor be taken for a slow one.
    fn push(&mut self, entries: impl Iterator<Item = Entry>, rung: &mut Vec<Arc<Bell>>) {
        for entry in entries {
            if entry.first > self.newest.saturating_add(1) {
                self.put(Entry::lost(self.newest + 1, entry.first - 1), rung);
            }
            self.put(entry, rung);
        }
    }

    fn put(&mut self, entry: Entry, rung: &mut Vec<Arc<Bell>>) {
        self.newest = self.newest.max(entry.last);
        self.listeners.due(entry.token, entry.first, rung);
        self.bytes += entry.bytes();
        self.entries.push_back(entry);
        while self.bytes > RING_BYTES_MAX && self.entries.len() > 1 {
            let gone = self.entries.pop_front().map_or(0, |entry| entry.bytes());
            self.bytes -= gone;
        }
    }

    fn seek(&self, listener: &Listener, after: u64) {
        listener.set_due((self.newest > after).then_some(after + 1));
    }

    fn hear(&self, listener: &Listener, limit: usize) -> Next {
        let newest = self.newest;
        let Some(due) = listener.due() else { return Next::Entries { entries: Vec::new(), to: newest } };
        if self.entries.front().is_none_or(|oldest| due < oldest.first) {
            return Next::Behind { due, newest };
        }
        let start = self.entries.partition_point(|entry| entry.last < due);
        let mut wanted = self.entries.range(start..).filter(|entry| listener.wants(entry.token));
        let entries = wanted.by_ref().take(limit).map(Entry::show).collect();
        let more = wanted.next().map(|entry| entry.first);
        listener.set_due(more);
        Next::Entries { entries, to: more.map_or(newest, |first| first - 1) }
    }
}

impl Entry {
    fn row(row: &Arc<LogRow>) -> Self {
        Self { first: row.seq, last: row.seq, token: Some(row.token), what: What::Row(row.clone()) }
    }

    fn lost(from: u64, to: u64) -> Self {
        let gap = Gap { from, to, count: to - from + 1, reason: GapReason::Lost };
        Self { first: from, last: to, token: None, what: What::Lost(gap) }
    }

    fn bytes(&self) -> usize {
        match &self.what {
            What::Row(row) => row_bytes(row),
            What::Lost(_) => ROW_BYTES,
        }
    }

    fn at(&self) -> Option<Timestamp> {
        match &self.what {
            What::Row(row) => Some(row.at),
            What::Lost(_) => None,
        }
    }

    fn show(&self) -> TailEntry {
        match &self.what {
            What::Row(row) => TailEntry::Row(row.clone()),
            What::Lost(gap) => TailEntry::Gap(*gap),
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
