//! What becomes an audit row, where one for each would let anybody fill the disk.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use tollgate_shared::time::Timestamp;

/// Refusals that become rows, each second; the rest are counted and told with the next row.
const REFUSALS_PER_SEC: u32 = 10;

/// The same reading by the same person within this is the same query: its next page, or a console that looks again.
const SAME_QUERY_SECS: i64 = 60;

/// Readings remembered.
const READINGS_MAX: usize = 1_024;

/// Refusals on the admin side.
#[derive(Default)]
pub struct RefusalPace(Mutex<Pace>);

#[derive(Default)]
struct Pace {
    sec: i64,
    rows: u32,
    uncounted: u64,
}

/// Readings of the log that are audited already.
#[derive(Default)]
pub struct Readings(Mutex<HashMap<String, Timestamp>>);

impl RefusalPace {
    /// Whether this refusal becomes a row: how many before it did not; `None` where it is counted only.
    pub fn row(&self, now: Timestamp) -> Option<u64> {
        let mut pace = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if pace.sec != now.as_secs() {
            pace.sec = now.as_secs();
            pace.rows = 0;
        }
        if pace.rows >= REFUSALS_PER_SEC {
            pace.uncounted += 1;
            return None;
        }
        pace.rows += 1;
        Some(std::mem::take(&mut pace.uncounted))
    }
}

impl Readings {
    /// True where the query is a new one, which is then remembered.
    pub fn is_new(&self, query: String, now: Timestamp) -> bool {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let recent = |at: &Timestamp| now.as_secs() - at.as_secs() < SAME_QUERY_SECS;
        if known.get(&query).is_some_and(recent) {
            return false;
        }
        if known.len() >= READINGS_MAX {
            known.retain(|_, at| recent(at));
        }
        // Still full: more different queries than that in a minute; they are audited and not remembered.
        if known.len() < READINGS_MAX {
            known.insert(query, now);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::testing::START;

    #[test]
    fn ten_refusals_a_second_are_rows_and_the_rest_is_told_with_the_next() {
        let pace = RefusalPace::default();
        assert_eq!((0..25).filter_map(|_| pace.row(START)).count(), 10);
        assert_eq!(pace.row(START.plus_secs(1)), Some(15));
        assert_eq!(pace.row(START.plus_secs(1)), Some(0));
    }

    #[test]
    fn a_query_is_one_row_however_many_pages_it_has() {
        let readings = Readings::default();
        assert!(readings.is_new("anna token=a".to_owned(), START));
        assert!(!readings.is_new("anna token=a".to_owned(), START.plus_secs(59)));
        assert!(readings.is_new("anna token=b".to_owned(), START));
        assert!(readings.is_new("anna token=a".to_owned(), START.plus_secs(60)));
    }
}
