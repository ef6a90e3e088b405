//! What the daemon asks of the API log's store: the writing side of one thread, and readers beside it.

use std::ops::Range;
use std::sync::Arc;

use tollgate_shared::api::LogBounds;
use tollgate_shared::log::{Histogram, LogRow};
use tollgate_shared::time::Timestamp;

use super::{LogHints, StoreError};

/// A stretch of the log.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LogPage {
    /// The rows that passed, in the order asked for.
    pub rows: Vec<LogRow>,
    /// The last seq that was looked at, passed or not; go on from it. `None` where nothing was looked at.
    pub scanned_to: Option<u64>,
    /// True where the end (or beginning) of the log was reached.
    pub done: bool,
    /// Seqs, first and last, that are missing in the log between where a rising page began and `scanned_to`: their rows
    /// never reached the disk or are erased. A row that is only too old to be shown, or that a filter leaves out, is not
    /// missing. Empty in falling pages.
    pub holes: Vec<(u64, u64)>,
}

/// The API log's writing side. Owned by the log thread.
pub trait LogStore: Send {
    /// Writes rows, durably, in rising seq; begins a new segment when one is due (1 h of running time, 1 GiB, or an
    /// unclean start). `now` is for ages; rows bring their own times.
    ///
    /// # Errors
    /// None of these rows may be counted on; call [`LogStore::reopen`].
    fn append(&mut self, rows: &[Arc<LogRow>], now: Timestamp) -> Result<(), StoreError>;

    /// Deletes every segment whose newest row is older than `cutoff`; returns how many.
    ///
    /// # Errors
    /// I/O.
    fn drop_before(&mut self, cutoff: Timestamp) -> Result<usize, StoreError>;

    /// Ends the running segment and opens a new one after a failure.
    ///
    /// # Errors
    /// I/O.
    fn reopen(&mut self) -> Result<(), StoreError>;

    /// A handle for reading beside the log thread.
    fn reader(&self) -> Arc<dyn LogReader>;

    /// Flushes and closes.
    ///
    /// # Errors
    /// The last rows may be missing.
    fn close(self: Box<Self>) -> Result<(), StoreError>;
}

/// Reads the log in short transactions (at most 1,000 rows each). Rows whose `at` is before `cutoff` are never returned,
/// nor those that the hints leave out.
pub trait LogReader: Send + Sync {
    /// Rows with seq > `after`, rising, those that `pass`; at most `limit` of them, looking at no more than `scan` rows.
    /// Rows that the hints let the store jump over together count as one.
    ///
    /// # Errors
    /// I/O; a damaged segment is skipped and counted, not an error.
    fn after(
        &self,
        after: u64,
        cutoff: Timestamp,
        limit: usize,
        scan: usize,
        hints: &LogHints,
        pass: &dyn Fn(&LogRow) -> bool,
    ) -> Result<LogPage, StoreError>;

    /// Rows with seq < `before` (all where `None`), falling.
    ///
    /// # Errors
    /// As [`LogReader::after`].
    fn before(
        &self,
        before: Option<u64>,
        cutoff: Timestamp,
        limit: usize,
        scan: usize,
        hints: &LogHints,
        pass: &dyn Fn(&LogRow) -> bool,
    ) -> Result<LogPage, StoreError>;

    /// Counts calls by time and outcome, to the minute: a minute counts where it begins inside `range`. The caller keeps
    /// `range` younger than 48 h. A bucket is `bucket_secs` long, made up to whole minutes. Rows are read only where
    /// hints (other than on outcomes) admit a part of a block; then a bounded number of them, the newest first.
    ///
    /// # Errors
    /// As [`LogReader::after`].
    fn histogram(&self, range: Range<Timestamp>, bucket_secs: u32, hints: &LogHints) -> Result<Histogram, StoreError>;

    /// Figures for status.
    fn totals(&self, cutoff: Timestamp) -> LogBounds;
}
