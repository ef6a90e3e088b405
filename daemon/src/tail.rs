//! The newest rows of the API log, for everyone who tails it: one shared ring, a cursor for each reader.
//!
//! A reader that does not keep up costs nothing but its own cursor: when the ring has moved past it, it is told how many
//! rows it missed (a gap row) and goes on at the newest. It never slows the writer.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;
use tollgate_shared::log::{Gap, GapReason, LogRow};

/// What the ring holds at most, bytes (domain.md §5: one shared ring).
const RING_BYTES_MAX: usize = 16 << 20;

/// What a row costs besides its body, bytes: an estimate of its other fields.
const ROW_BYTES: usize = 1_024;

/// The ring and its bell.
pub struct TailHub {
    ring: Mutex<Ring>,
    newest: watch::Sender<u64>,
    tails: AtomicU64,
    gaps: AtomicU64,
}

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

/// Counts a tail while it is open.
pub struct TailGuard<'a>(&'a TailHub);

impl TailHub {
    /// An empty ring; `last_seq` is the newest row on disk.
    pub fn new(last_seq: u64) -> Self {
        Self {
            ring: Mutex::default(),
            newest: watch::Sender::new(last_seq),
            tails: AtomicU64::new(0),
            gaps: AtomicU64::new(0),
        }
    }

    /// Shows rows that are on disk now.
    pub fn publish(&self, rows: &[Arc<LogRow>]) {
        self.push(rows.iter().map(|row| (Entry::Row(row.clone()), row.seq)));
    }

    /// Says that rows were lost: their commit failed.
    pub fn publish_lost(&self, rows: &[Arc<LogRow>]) {
        let (Some(first), Some(last)) = (rows.first(), rows.last()) else { return };
        let count = last.seq - first.seq + 1;
        let gap = Gap { from: first.seq, to: last.seq, count, reason: GapReason::Lost };
        self.push(std::iter::once((Entry::Lost(gap), last.seq)));
    }

    fn push(&self, entries: impl Iterator<Item = (Entry, u64)>) {
        let mut newest = None;
        {
            let mut ring = self.lock();
            for (entry, seq) in entries {
                ring.bytes += entry.bytes();
                ring.entries.push_back(entry);
                newest = Some(seq);
            }
            while ring.bytes > RING_BYTES_MAX && ring.entries.len() > 1 {
                let gone = ring.entries.pop_front().map_or(0, |entry| entry.bytes());
                ring.bytes -= gone;
            }
        }
        if let Some(seq) = newest {
            self.newest.send_replace(seq);
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

    /// The newest seq that was published.
    pub fn newest(&self) -> u64 {
        *self.newest.borrow()
    }

    /// Rings whenever rows were published.
    pub fn subscribe(&self) -> watch::Receiver<u64> {
        self.newest.subscribe()
    }

    /// Counts one open tail until the guard is dropped.
    pub fn open(&self) -> TailGuard<'_> {
        self.tails.fetch_add(1, Ordering::Relaxed);
        TailGuard(self)
    }

    /// Counts a gap that a slow reader was told of.
    pub fn count_gap(&self) {
        self.gaps.fetch_add(1, Ordering::Relaxed);
    }

    /// Open tails, and gaps told since the start.
    pub fn counts(&self) -> (u64, u64) {
        (self.tails.load(Ordering::Relaxed), self.gaps.load(Ordering::Relaxed))
    }

    /// Entries are pushed and taken whole: a poisoned lock is taken all the same.
    fn lock(&self) -> MutexGuard<'_, Ring> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for TailGuard<'_> {
    fn drop(&mut self) {
        self.0.tails.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Entry {
    fn bytes(&self) -> usize {
        match self {
            Self::Row(row) => ROW_BYTES + row.body.len(),
            Self::Lost(_) => ROW_BYTES,
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
