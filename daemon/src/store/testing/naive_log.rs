//! A log in one vector.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tollgate_shared::api::{LogBounds, OutcomeCounts};
use tollgate_shared::log::{Bucket, Histogram, LogRow};
use tollgate_shared::time::Timestamp;

use crate::store::{LogHints, LogPage, LogReader, LogStore, StoreError};

/// Clones are handles to the same log.
#[derive(Clone, Default)]
pub(crate) struct NaiveLog(Arc<Mutex<Vec<Arc<LogRow>>>>);

impl NaiveLog {
    pub(in crate::store) fn rows(&self) -> MutexGuard<'_, Vec<Arc<LogRow>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl LogStore for NaiveLog {
    fn append(&mut self, rows: &[Arc<LogRow>], _: Timestamp) -> Result<(), StoreError> {
        self.rows().extend_from_slice(rows);
        Ok(())
    }

    fn drop_before(&mut self, cutoff: Timestamp) -> Result<usize, StoreError> {
        self.rows().retain(|row| row.at >= cutoff);
        Ok(0)
    }

    fn reopen(&mut self) -> Result<(), StoreError> {
        Ok(())
    }

    fn reader(&self) -> Arc<dyn LogReader> {
        Arc::new(self.clone())
    }

    fn close(self: Box<Self>) -> Result<(), StoreError> {
        Ok(())
    }
}

impl LogReader for NaiveLog {
    fn after(
        &self,
        after: u64,
        cutoff: Timestamp,
        limit: usize,
        scan: usize,
        hints: &LogHints,
        pass: &dyn Fn(&LogRow) -> bool,
    ) -> Result<LogPage, StoreError> {
        let rows = self.rows();
        let mut page = page(rows.iter().filter(|row| row.seq > after), cutoff, limit, scan, hints, pass);
        let mut expected = after + 1;
        for row in rows.iter().filter(|row| row.seq > after && page.scanned_to.is_some_and(|to| row.seq <= to)) {
            if row.seq > expected {
                page.holes.push((expected, row.seq - 1));
            }
            expected = row.seq + 1;
        }
        Ok(page)
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
        let rows = self.rows();
        let older = rows.iter().rev().filter(|row| before.is_none_or(|before| row.seq < before));
        Ok(page(older, cutoff, limit, scan, hints, pass))
    }

    fn histogram(&self, range: Range<Timestamp>, bucket_secs: u32, hints: &LogHints) -> Result<Histogram, StoreError> {
        let bucket_secs = bucket_secs.div_ceil(60).max(1) * 60;
        let mut buckets: BTreeMap<i64, OutcomeCounts> = BTreeMap::new();
        for row in self.rows().iter().filter(|row| admits(hints, row)) {
            let minute = row.at.as_secs().div_euclid(60) * 60;
            if range.contains(&Timestamp::default().plus_secs(minute)) {
                *buckets.entry(minute.div_euclid(bucket_secs.into())).or_default().of(row.outcome) += 1;
            }
        }
        let at = |index: i64| Timestamp::default().plus_secs(index * i64::from(bucket_secs));
        let buckets = buckets.into_iter().map(|(index, counts)| Bucket { at: at(index), counts }).collect();
        Ok(Histogram { bucket_secs, buckets, complete: true })
    }

    fn totals(&self, cutoff: Timestamp) -> LogBounds {
        let rows = self.rows();
        let oldest = rows.iter().find(|row| row.at >= cutoff);
        LogBounds {
            oldest_at: oldest.map(|row| row.at),
            first_seq: oldest.map(|row| row.seq),
            last_seq: rows.last().map(|row| row.seq),
            ..LogBounds::default()
        }
    }
}

fn page<'a>(
    rows: impl Iterator<Item = &'a Arc<LogRow>>,
    cutoff: Timestamp,
    limit: usize,
    scan: usize,
    hints: &LogHints,
    pass: &dyn Fn(&LogRow) -> bool,
) -> LogPage {
    let mut page = LogPage::default();
    for (looked_at, row) in rows.enumerate() {
        if page.rows.len() == limit || looked_at == scan {
            return page;
        }
        page.scanned_to = Some(row.seq);
        if row.at >= cutoff && admits(hints, row) && pass(row) {
            page.rows.push(row.as_ref().clone());
        }
    }
    page.done = true;
    page
}

fn admits(hints: &LogHints, row: &LogRow) -> bool {
    let text = |text: &str| row.body.contains(text) || row.summary.contains(text);
    let contains = hints.contains.as_ref().is_none_or(|bytes| text(str::from_utf8(bytes).unwrap()));
    contains && hints.admit(row)
}
