//! Counts by time and outcome, from heads where every row of a block counts, from marks where only some do.

use std::collections::BTreeMap;
use std::ops::Range;

use tollgate_shared::api::OutcomeCounts;
use tollgate_shared::log::{Bucket, Histogram, LogRow};
use tollgate_shared::outcome::Outcome;
use tollgate_shared::time::Timestamp;

use super::block::Block;
use super::head::{Head, minute_of};
use super::segment::{Direction, Segment, Stretch, Unusable, Wanted};
use super::sieve::Sieve;
use super::tables::Span;
use crate::store::rows::decode;
use crate::store::{LogHints, StoreError};

const MINUTE_SECS: i64 = 60;
/// Rows that one histogram looks at beside the heads: some tenths of a second.
const ROWS_MAX: usize = 500_000;
/// Rows that stand alone, copied in one transaction.
const TRANSACTION_ROWS_MAX: usize = 1_000;

/// A histogram in the making, from the newest segment to the oldest.
pub(super) struct Tally<'a> {
    hints: &'a LogHints,
    sieve: Sieve<'a>,
    /// Minutes that count.
    minutes: Range<i64>,
    bucket_minutes: i64,
    rows_left: usize,
    buckets: BTreeMap<i64, OutcomeCounts>,
}

impl<'a> Tally<'a> {
    pub(super) fn new(range: &Range<Timestamp>, bucket_secs: u32, hints: &'a LogHints) -> Self {
        let first_minute_from =
            |at: Timestamp| minute_of(at) + i64::from(at.as_micros() % (MINUTE_SECS * 1_000_000) != 0);
        Self {
            hints,
            sieve: Sieve::new(hints, Timestamp::from_micros(i64::MIN)),
            minutes: first_minute_from(range.start)..first_minute_from(range.end),
            bucket_minutes: i64::from(bucket_secs.div_ceil(60).max(1)),
            rows_left: ROWS_MAX,
            buckets: BTreeMap::new(),
        }
    }

    /// False where a segment has nothing to count.
    pub(super) fn wants(&self, segment: &Segment, span: &Span) -> bool {
        self.meets(span.first_at, span.last_at) && self.sieve.may_open_segment(segment, span)
    }

    /// Counts a segment; false where there were too many rows to look at.
    pub(super) fn count(&mut self, segment: &Segment, span: &Span) -> Result<bool, Unusable> {
        let (from, mut to) = (span.first_seq, span.last_seq);
        while self.rows_left > 0 {
            let wanted = Wanted { from, to, direction: Direction::Falling, rows_max: TRANSACTION_ROWS_MAX };
            let stretches = segment.stretches(wanted, &mut |_, head| self.needs_rows_of(head, to))?;
            let Some(lowest) = stretches.last().map(Stretch::first_seq) else { return Ok(true) };
            for stretch in stretches {
                self.look_at(stretch, to);
            }
            match lowest.checked_sub(1) {
                Some(next) if next >= from => to = next,
                _ => return Ok(true),
            }
        }
        Ok(false)
    }

    pub(super) fn finish(self) -> Histogram {
        let bucket_secs = self.bucket_minutes * MINUTE_SECS;
        let bucket = |(index, counts): (i64, OutcomeCounts)| Bucket {
            at: Timestamp::from_micros(index * bucket_secs * 1_000_000),
            counts,
        };
        Histogram {
            bucket_secs: u32::try_from(bucket_secs).unwrap_or(u32::MAX),
            buckets: self.buckets.into_iter().map(bucket).collect(),
            complete: self.rows_left > 0,
        }
    }

    /// Counts a block by its head where that is enough; true where its rows must be looked at.
    fn needs_rows_of(&mut self, head: &Head<'_>, to: u64) -> Result<bool, StoreError> {
        if !self.meets(head.first_at, head.last_at) || !self.sieve.may_open(head) {
            return Ok(false);
        }
        // The last rows of a block may have been given out again in a newer segment.
        if head.last_seq > to || !self.sieve.admits_all_of(head) {
            return Ok(true);
        }
        for (minute, outcome, count) in head.minutes()? {
            self.add(minute, outcome, u64::from(count));
        }
        Ok(false)
    }

    fn look_at(&mut self, stretch: Stretch, to: u64) {
        match stretch {
            Stretch::Skipped(..) => {}
            Stretch::Rows(rows) => {
                self.rows_left = self.rows_left.saturating_sub(rows.len());
                for (_, bytes) in rows {
                    // A row that does not decode is reported when it is read.
                    let row = decode::<LogRow>(&bytes).ok().filter(|row| self.sieve.admits_row(row));
                    if let Some(row) = row.filter(|_| self.sieve.admits_bytes(&bytes)) {
                        self.add(minute_of(row.at), row.outcome, 1);
                    }
                }
            }
            Stretch::Block(first, last, packed) => match Block::unpack(first, packed) {
                Ok(block) => self.look_at_block(&block, last.min(to)),
                Err(error) => tracing::error!(first, last, %error, "a block of log rows is damaged and left out"),
            },
        }
    }

    fn look_at_block(&mut self, block: &Block, to: u64) {
        for seq in block.first_seq()..=block.last_seq().min(to) {
            self.rows_left = self.rows_left.saturating_sub(1);
            let mark = block.mark(seq);
            if let Some(outcome) = mark.outcome
                && self.sieve.admits_mark(&mark)
                && self.sieve.admits_bytes(block.bytes(seq))
            {
                self.add(minute_of(mark.at), outcome, 1);
            }
        }
    }

    fn add(&mut self, minute: i64, outcome: Outcome, count: u64) {
        if self.minutes.contains(&minute) && self.hints.outcomes.is_none_or(|outcomes| outcomes.has(outcome)) {
            let bucket = self.buckets.entry(minute.div_euclid(self.bucket_minutes)).or_default();
            *bucket.of(outcome) += count;
        }
    }

    fn meets(&self, first: Timestamp, last: Timestamp) -> bool {
        minute_of(last) >= self.minutes.start && minute_of(first) < self.minutes.end
    }
}
