//! A log in one vector.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tollgate_shared::log::LogRow;
use tollgate_shared::time::Timestamp;

use crate::store::{LogPage, LogReader, LogStore, LogTotals, StoreError};

/// Clones are handles to the same log.
#[derive(Clone, Default)]
pub(crate) struct NaiveLog(Arc<Mutex<Vec<Arc<LogRow>>>>);

impl NaiveLog {
    fn rows(&self) -> MutexGuard<'_, Vec<Arc<LogRow>>> {
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
        pass: &dyn Fn(&LogRow) -> bool,
    ) -> Result<LogPage, StoreError> {
        let rows = self.rows();
        Ok(page(rows.iter().filter(|row| row.seq > after), cutoff, limit, scan, pass))
    }

    fn before(
        &self,
        before: Option<u64>,
        cutoff: Timestamp,
        limit: usize,
        scan: usize,
        pass: &dyn Fn(&LogRow) -> bool,
    ) -> Result<LogPage, StoreError> {
        let rows = self.rows();
        let older = rows.iter().rev().filter(|row| before.is_none_or(|before| row.seq < before));
        Ok(page(older, cutoff, limit, scan, pass))
    }

    fn totals(&self, cutoff: Timestamp) -> LogTotals {
        let rows = self.rows();
        let oldest = rows.iter().find(|row| row.at >= cutoff);
        LogTotals {
            oldest_at: oldest.map(|row| row.at),
            first_seq: oldest.map(|row| row.seq),
            last_seq: rows.last().map(|row| row.seq),
            ..LogTotals::default()
        }
    }
}

fn page<'a>(
    rows: impl Iterator<Item = &'a Arc<LogRow>>,
    cutoff: Timestamp,
    limit: usize,
    scan: usize,
    pass: &dyn Fn(&LogRow) -> bool,
) -> LogPage {
    let mut page = LogPage::default();
    for (looked_at, row) in rows.enumerate() {
        if page.rows.len() == limit || looked_at == scan {
            return page;
        }
        page.scanned_to = Some(row.seq);
        if row.at >= cutoff && pass(row) {
            page.rows.push(row.as_ref().clone());
        }
    }
    page.done = true;
    page
}
