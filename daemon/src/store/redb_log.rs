//! The API log in files of about an hour: expiry is the deletion of a file, which gives the disk back and leaves nothing
//! behind. In a file, rows are packed in blocks with a head each (`block`, `head`), by what `pack` decides at a commit;
//! `read` walks over segments, heads, blocks and rows, and `sieve` tells it which of them it may leave closed. A lost file is a lost hour of debugging, never a lost decision, so a commit takes one phase.

mod backend;
mod block;
pub(super) mod check;
pub(super) mod guard;
mod head;
mod histogram;
mod pack;
mod read;
pub(super) mod segment;
mod shelf;
mod sieve;
mod tables;

use std::path::PathBuf;
use std::sync::Arc;

use tollgate_shared::log::LogRow;
use tollgate_shared::time::Timestamp;

pub(super) use self::backend::OpenBackend;
use self::read::RedbLogReader;
use self::segment::Segment;
use self::shelf::{Shelf, allocated_bytes, io_error};
use super::{LogReader, LogStore, StoreError};

/// Where the log is and how it is cut.
#[derive(Clone, Debug)]
pub struct LogSettings {
    /// An existing directory of its own, mode 0700.
    pub directory: PathBuf,
    /// A new segment after this many seconds.
    pub segment_secs: i64,
    /// A new segment from this many bytes on.
    pub segment_bytes: u64,
    /// Memory for the pages of one open segment.
    pub cache_bytes: usize,
    /// Segments held open for reading beside the one that is written.
    pub open_sealed_max: usize,
    /// What the files are reached through.
    pub(super) backend: OpenBackend,
}

/// The log in a directory of redb files. Owned by the log thread.
pub struct RedbLog {
    shelf: Arc<Shelf>,
}

impl LogSettings {
    /// One hour, 1 GiB, 4 MiB of cache, four open segments (storage.md).
    pub fn new(directory: PathBuf) -> Self {
        const MIB: usize = 1_024 * 1_024;
        Self {
            directory,
            segment_secs: 3_600,
            segment_bytes: 1_024 * 1_024 * 1_024,
            cache_bytes: 4 * MIB,
            open_sealed_max: 4,
            backend: OpenBackend::default(),
        }
    }
}

impl RedbLog {
    /// Looks through the directory; repairs what a crash has left, moves aside what does not open, goes on in the newest
    /// segment where that was closed cleanly.
    ///
    /// # Errors
    /// The directory cannot be listed or written.
    pub fn open(settings: LogSettings) -> Result<Self, StoreError> {
        Ok(Self { shelf: Arc::new(Shelf::open(settings)?) })
    }

    /// The segment that a row of this seq goes into: the active one, or a new one where that has had its time.
    fn segment_for(&self, seq: u64, now: Timestamp) -> Result<Arc<Segment>, StoreError> {
        if let Some(active) = self.shelf.active() {
            if !self.is_due(&active, now)? {
                return Ok(active);
            }
            self.shelf.seal();
        }
        let segment = Segment::create(&self.shelf.settings.directory, seq, self.shelf.opener(), now)?;
        Ok(self.shelf.begin(segment))
    }

    fn is_due(&self, active: &Segment, now: Timestamp) -> Result<bool, StoreError> {
        // A clock that was set back must not keep a segment alive for longer than its hour, so the distance counts.
        let age_secs = now.secs_since(active.span().begun_at).unsigned_abs();
        if age_secs >= self.shelf.settings.segment_secs.unsigned_abs() {
            return Ok(true);
        }
        let metadata = std::fs::metadata(&active.path).map_err(|error| io_error("look at a log segment", error))?;
        Ok(allocated_bytes(&metadata) >= self.shelf.settings.segment_bytes)
    }

    /// Rows must rise, also over the last one that is kept: a seq names one row for ever.
    fn check_order(&self, rows: &[Arc<LogRow>]) -> Result<(), StoreError> {
        let mut last = self.shelf.segments().last().map_or(0, |(_, span)| span.last_seq);
        for row in rows {
            if row.seq <= last {
                let detail = format!("seq {} shall be written after {last}", row.seq);
                return Err(StoreError::Damaged { what: "the order of the log".to_owned(), detail });
            }
            last = row.seq;
        }
        Ok(())
    }
}

impl LogStore for RedbLog {
    fn append(&mut self, rows: &[Arc<LogRow>], now: Timestamp) -> Result<(), StoreError> {
        let Some(first) = rows.first() else { return Ok(()) };
        self.check_order(rows)?;
        self.segment_for(first.seq, now)?.append(rows)
    }

    fn drop_before(&mut self, cutoff: Timestamp) -> Result<usize, StoreError> {
        let mut dropped = 0;
        for (segment, span) in self.shelf.segments() {
            if span.last_at >= cutoff {
                continue;
            }
            if self.shelf.active().is_some_and(|active| active.path == segment.path) {
                self.shelf.seal();
            }
            self.shelf.remove(&segment)?;
            dropped += 1;
        }
        self.shelf.remove_leftovers(cutoff)?;
        Ok(dropped)
    }

    fn reopen(&mut self) -> Result<(), StoreError> {
        let Some(active) = self.shelf.give_up_active() else { return Ok(()) };
        if active.span().is_empty() { self.shelf.remove(&active) } else { Ok(()) }
    }

    fn reader(&self) -> Arc<dyn LogReader> {
        Arc::new(RedbLogReader { shelf: Arc::clone(&self.shelf) })
    }

    fn close(self: Box<Self>) -> Result<(), StoreError> {
        self.shelf.close()
    }
}

#[cfg(test)]
mod golden;
