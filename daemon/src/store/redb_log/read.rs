//! Walks over segments in short transactions.

use std::ops::Range;
use std::sync::Arc;

use tollgate_shared::api::LogBounds;
use tollgate_shared::log::{Histogram, LogRow};
use tollgate_shared::time::Timestamp;

use super::block::Block;
use super::histogram::Tally;
use super::segment::{Direction, Segment, Stretch, Unusable, Wanted};
use super::shelf::Shelf;
use super::sieve::Sieve;
use super::tables::Span;
use crate::store::rows::decode;
use crate::store::{LogHints, LogPage, LogReader, StoreError};

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
    /// Rising: the seq that comes next where none is missing.
    expected: u64,
    sieve: Sieve<'a>,
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
        hints: &LogHints,
        pass: &dyn Fn(&LogRow) -> bool,
    ) -> Result<LogPage, StoreError> {
        let sieve = Sieve::new(hints, cutoff);
        self.walk(Walk::new(Direction::Rising, after, sieve, limit, scan, pass))
    }

    fn before(
        &self,
        before: Option<u64>,
        cutoff: Timestamp,
        limit: usize,
        scan: usize,
        hints: &LogHints,
        pass: &dyn Fn(&LogRow) -> bool,
    ) -> Result<LogPage, StoreError> {
        let sieve = Sieve::new(hints, cutoff);
        self.walk(Walk::new(Direction::Falling, before.unwrap_or(u64::MAX), sieve, limit, scan, pass))
    }

    fn histogram(&self, range: Range<Timestamp>, bucket_secs: u32, hints: &LogHints) -> Result<Histogram, StoreError> {
        let mut tally = Tally::new(&range, bucket_secs, hints);
        for (segment, span) in self.shelf.segments().into_iter().rev() {
            if !tally.wants(&segment, &span) {
                continue;
            }
            let counted = tally.count(&segment, &span);
            self.shelf.used(span.first_seq);
            match counted {
                Ok(true) => {}
                Ok(false) => break,
                Err(unusable) => self.give_up(&segment, unusable)?,
            }
        }
        Ok(tally.finish())
    }

    fn totals(&self, cutoff: Timestamp) -> LogBounds {
        let segments = self.shelf.segments();
        let oldest = segments
            .iter()
            .filter(|(_, span)| span.last_at >= cutoff)
            .find_map(|(segment, span)| self.first_readable(segment, *span, cutoff));
        LogBounds {
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
            if walk.steps_over(segment, span) {
                continue;
            }
            while let Some((from, to)) = walk.ahead(span) {
                if walk.is_full() {
                    return Ok(walk.page);
                }
                let wanted = Wanted { from, to, direction: walk.direction, rows_max: walk.rows_wanted() };
                let found = segment.stretches(wanted, &mut |_, head| Ok(walk.sieve.may_open(head)));
                let stretches = match found {
                    Ok(stretches) => stretches,
                    Err(unusable) => {
                        self.give_up(segment, unusable)?;
                        break;
                    }
                };
                self.shelf.used(span.first_seq);
                if stretches.is_empty() {
                    break;
                }
                for stretch in stretches {
                    walk.take(stretch, from, to);
                }
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
            let wanted = Wanted { from: seq, to: span.last_seq, direction: Direction::Rising, rows_max: 1 };
            match segment.stretches(wanted, &mut |_, _| Ok(true)).ok()?.pop()? {
                Stretch::Rows(rows) => rows.first().and_then(|(seq, row)| Some((*seq, decode::<LogRow>(row).ok()?.at))),
                Stretch::Block(first, _, packed) => {
                    let seq = seq.max(first);
                    Some((seq, Block::unpack(first, packed).ok()?.mark(seq).at))
                }
                Stretch::Skipped(..) => None,
            }
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

impl<'a> Walk<'a> {
    fn new(
        direction: Direction,
        position: u64,
        sieve: Sieve<'a>,
        limit: usize,
        scan: usize,
        pass: &'a dyn Fn(&LogRow) -> bool,
    ) -> Self {
        let expected = position.saturating_add(1);
        Self { direction, position, expected, sieve, limit, scan_left: scan, pass, page: LogPage::default() }
    }

    /// Steps over a segment in which nothing is wanted. Rising, one with missing seqs is walked all the same: they are
    /// found by its heads.
    fn steps_over(&mut self, segment: &Segment, span: &Span) -> bool {
        let Some((from, to)) = self.ahead(span) else {
            self.expected = self.expected.max(span.last_seq.saturating_add(1));
            return true;
        };
        let needed = self.direction == Direction::Rising && !span.is_whole();
        if needed || self.is_full() || self.sieve.may_open_segment(segment, span) {
            return false;
        }
        self.reach(from, to);
        true
    }

    /// What of a segment lies ahead; nothing where all of it is too old.
    fn ahead(&self, span: &Span) -> Option<(u64, u64)> {
        if span.last_at < self.sieve.cutoff() {
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

    fn take(&mut self, stretch: Stretch, from: u64, to: u64) {
        match stretch {
            Stretch::Skipped(first, last) => self.step_over(first.max(from), last.min(to)),
            Stretch::Block(first, last, packed) => match Block::unpack(first, packed) {
                Ok(block) if block.last_seq() == last => self.take_block(&block, from, to),
                // One damaged block is no reason to take the rest of its hour away.
                Ok(_) => self.leave_out(first.max(from), last.min(to), &"its head is another's"),
                Err(error) => self.leave_out(first.max(from), last.min(to), &error),
            },
            Stretch::Rows(rows) => {
                for (seq, bytes) in rows {
                    if self.is_full() {
                        return;
                    }
                    self.reach(seq, seq);
                    if self.sieve.admits_bytes(&bytes) {
                        self.offer(seq, &bytes);
                    }
                }
            }
        }
    }

    fn take_block(&mut self, block: &Block, from: u64, to: u64) {
        let (from, to) = (block.first_seq().max(from), block.last_seq().min(to));
        for nth in 0..=to - from {
            if self.is_full() {
                return;
            }
            let seq = if self.direction == Direction::Rising { from + nth } else { to - nth };
            self.reach(seq, seq);
            if self.sieve.admits_mark(&block.mark(seq)) && self.sieve.admits_bytes(block.bytes(seq)) {
                self.offer(seq, block.bytes(seq));
            }
        }
    }

    fn step_over(&mut self, first: u64, last: u64) {
        if !self.is_full() {
            self.reach(first, last);
        }
    }

    fn leave_out(&mut self, first: u64, last: u64, error: &dyn std::fmt::Display) {
        tracing::error!(first, last, %error, "a block of log rows is damaged and left out");
        self.step_over(first, last);
    }

    fn offer(&mut self, seq: u64, bytes: &[u8]) {
        match decode::<LogRow>(bytes) {
            // A changed byte may make it the row of another place, which a reader would get twice or out of order.
            Ok(row) if row.seq != seq => tracing::error!(seq, says = row.seq, "a log row is another's and is left out"),
            Ok(row) if self.sieve.admits_row(&row) && (self.pass)(&row) => self.page.rows.push(row),
            Ok(_) => {}
            // One unreadable row is no reason to take the rest of its hour away.
            Err(error) => tracing::error!(seq, %error, "a log row does not decode and is left out"),
        }
    }

    /// These seqs, which follow each other, are dealt with; that counts as having looked at one row.
    fn reach(&mut self, first: u64, last: u64) {
        self.scan_left -= 1;
        if self.direction == Direction::Rising {
            if first > self.expected {
                self.page.holes.push((self.expected, first - 1));
            }
            self.expected = last.saturating_add(1);
        }
        self.position = if self.direction == Direction::Rising { last } else { first };
        self.page.scanned_to = Some(self.position);
    }
}
