//! Walks over segments in short transactions.

use std::sync::Arc;

use tollgate_shared::log::LogRow;
use tollgate_shared::time::Timestamp;

use super::segment::{Direction, FoundRow, Segment, Span, Unusable};
use super::shelf::Shelf;
use crate::store::{LogPage, LogReader, LogTotals, StoreError};

/// Rows that one transaction copies.
const TRANSACTION_ROWS_MAX: usize = 1_000;
/// Rows that one transaction copies at least, where there are so many: most rows may not pass.
const TRANSACTION_ROWS_MIN: usize = 64;

/// Reads beside the log thread.
pub(super) struct RedbLogReader {
    pub(super) shelf: Arc<Shelf>,
}

/// How far one call has come.
struct Walk<'a> {
    direction: Direction,
    /// The last seq that is behind us.
    position: u64,
    cutoff: Timestamp,
    limit: usize,
    scan_left: usize,
    pass: &'a dyn Fn(&LogRow) -> bool,
    page: LogPage,
}

impl LogReader for RedbLogReader {
    fn after(
        &self,
        after: u64,
        cutoff: Timestamp,
        limit: usize,
        scan: usize,
        pass: &dyn Fn(&LogRow) -> bool,
    ) -> Result<LogPage, StoreError> {
        let page = LogPage::default();
        let direction = Direction::Rising;
        self.walk(Walk { direction, position: after, cutoff, limit, scan_left: scan, pass, page })
    }

    fn before(
        &self,
        before: Option<u64>,
        cutoff: Timestamp,
        limit: usize,
        scan: usize,
        pass: &dyn Fn(&LogRow) -> bool,
    ) -> Result<LogPage, StoreError> {
        let page = LogPage::default();
        let (direction, position) = (Direction::Falling, before.unwrap_or(u64::MAX));
        self.walk(Walk { direction, position, cutoff, limit, scan_left: scan, pass, page })
    }

    fn totals(&self, cutoff: Timestamp) -> LogTotals {
        let segments = self.shelf.segments();
        let oldest = segments
            .iter()
            .filter(|(_, span)| span.last_at >= cutoff)
            .find_map(|(segment, span)| self.first_readable(segment, *span, cutoff));
        LogTotals {
            oldest_at: oldest.map(|(_, at)| at),
            first_seq: oldest.map(|(seq, _)| seq),
            last_seq: segments.last().map(|(_, span)| span.last_seq),
            segments: u32::try_from(self.shelf.count()).unwrap_or(u32::MAX),
            disk_bytes: self.shelf.disk_bytes(),
            damaged: self.shelf.damaged(),
        }
    }
}

impl RedbLogReader {
    fn walk(&self, mut walk: Walk<'_>) -> Result<LogPage, StoreError> {
        let mut segments = self.shelf.segments();
        if walk.direction == Direction::Falling {
            segments.reverse();
        }
        for (segment, span) in &segments {
            while let Some((from, to)) = walk.ahead(span) {
                if walk.is_full() {
                    return Ok(walk.page);
                }
                let rows = match segment.rows(from, to, walk.direction, walk.rows_wanted()) {
                    Ok(rows) => rows,
                    Err(unusable) => {
                        self.give_up(segment, unusable)?;
                        break;
                    }
                };
                self.shelf.used(span.first_seq);
                if rows.is_empty() {
                    break;
                }
                walk.take(rows);
            }
        }
        walk.page.done = true;
        Ok(walk.page)
    }

    /// A damaged segment is set aside and skipped, one that was deleted meanwhile is skipped; anything else is an error.
    fn give_up(&self, segment: &Segment, unusable: Unusable) -> Result<(), StoreError> {
        if !self.shelf.holds(segment) {
            return Ok(());
        }
        let active = self.shelf.active().is_some_and(|active| active.path == segment.path);
        match unusable {
            Unusable::Damaged(error) if !active => {
                self.shelf.set_aside(&segment.path, &error);
                Ok(())
            }
            Unusable::Damaged(error) | Unusable::Unreachable(error) => Err(error),
        }
    }

    /// The first row of a segment that is not too old, found by halving: rows are written in the order of their moments,
    /// give or take a batch.
    fn first_readable(&self, segment: &Segment, span: Span, cutoff: Timestamp) -> Option<(u64, Timestamp)> {
        let row_from = |seq: u64| {
            let rows = segment.rows(seq, span.last_seq, Direction::Rising, 1).ok()?;
            rows.into_iter().find_map(|found| Some((found.seq, found.row.ok()?.at)))
        };
        self.shelf.used(span.first_seq);
        if span.first_at >= cutoff {
            return row_from(span.first_seq);
        }
        let (mut low, mut high) = (span.first_seq, span.last_seq);
        while low < high {
            let middle = low + (high - low) / 2;
            match row_from(middle) {
                Some((seq, at)) if at < cutoff => low = seq + 1,
                _ => high = middle,
            }
        }
        row_from(low)
    }
}

impl Walk<'_> {
    /// What of a segment lies ahead; nothing where all of it is too old.
    fn ahead(&self, span: &Span) -> Option<(u64, u64)> {
        if span.last_at < self.cutoff {
            return None;
        }
        let (from, to) = match self.direction {
            Direction::Rising => (span.first_seq.max(self.position.checked_add(1)?), span.last_seq),
            Direction::Falling => (span.first_seq, span.last_seq.min(self.position.checked_sub(1)?)),
        };
        (from <= to).then_some((from, to))
    }

    fn is_full(&self) -> bool {
        self.page.rows.len() >= self.limit || self.scan_left == 0
    }

    fn rows_wanted(&self) -> usize {
        let missing = self.limit - self.page.rows.len();
        missing.clamp(TRANSACTION_ROWS_MIN, TRANSACTION_ROWS_MAX).min(self.scan_left)
    }

    fn take(&mut self, rows: Vec<FoundRow>) {
        for FoundRow { seq, row } in rows {
            if self.is_full() {
                return;
            }
            self.scan_left -= 1;
            self.position = seq;
            self.page.scanned_to = Some(seq);
            match row {
                Ok(row) if row.at >= self.cutoff && (self.pass)(&row) => self.page.rows.push(row),
                Ok(_) => {}
                // One unreadable row is no reason to take the rest of its hour away.
                Err(error) => tracing::error!(seq, %error, "a log row does not decode and is left out"),
            }
        }
    }
}
