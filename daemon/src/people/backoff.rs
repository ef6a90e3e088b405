//! Failed sign-ins: after three, each further one has to wait twice as long, by operator and by uid.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use tollgate_shared::time::Timestamp;

/// Failures without a wait: a slip, a second slip, caps lock.
const FREE: u32 = 3;

/// The longest wait: an attacker must not keep the operator himself out for long.
const WAIT_SECS_MAX: i64 = 60;

/// After this without a failure it begins anew.
const FORGOTTEN_SECS: i64 = 900;

/// Names and uids remembered; the one that failed longest ago goes.
const ENTRIES_MAX: usize = 1_024;

/// Failed sign-ins.
#[derive(Default)]
pub struct BackOff(Mutex<HashMap<String, Failures>>);

#[derive(Clone, Copy)]
struct Failures {
    count: u32,
    last: Timestamp,
}

impl Failures {
    fn wait_secs(self, now: Timestamp) -> i64 {
        let passed = now.as_secs() - self.last.as_secs();
        if self.count < FREE || passed >= FORGOTTEN_SECS {
            return 0;
        }
        let doubled = 1_i64 << (self.count - FREE).min(6);
        (doubled.min(WAIT_SECS_MAX) - passed).max(0)
    }
}

impl BackOff {
    /// Seconds until any of these may try again; 0 = now.
    pub fn wait_secs(&self, keys: &[String], now: Timestamp) -> u32 {
        let failures = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let waits = keys.iter().filter_map(|key| failures.get(key)).map(|failures| failures.wait_secs(now));
        u32::try_from(waits.max().unwrap_or(0)).unwrap_or(u32::MAX)
    }

    /// A sign-in failed.
    pub fn failed(&self, keys: &[String], now: Timestamp) {
        let mut failures = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for key in keys {
            if failures.len() >= ENTRIES_MAX && !failures.contains_key(key) {
                let oldest = failures.iter().min_by_key(|(_, entry)| entry.last).map(|(key, _)| key.clone());
                oldest.map(|oldest| failures.remove(&oldest));
            }
            let entry = failures.entry(key.clone()).or_insert(Failures { count: 0, last: now });
            let forgotten = now.as_secs() - entry.last.as_secs() >= FORGOTTEN_SECS;
            entry.count = if forgotten { 1 } else { entry.count.saturating_add(1) };
            entry.last = now;
        }
    }

    /// A sign-in succeeded.
    pub fn succeeded(&self, keys: &[String]) {
        let mut failures = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for key in keys {
            failures.remove(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::testing::START;

    #[test]
    fn after_three_failures_the_wait_doubles_up_to_a_minute_and_success_ends_it() {
        let (back_off, keys) = (BackOff::default(), ["anna".to_owned(), "uid 1000".to_owned()]);
        let mut waits = Vec::new();
        for _ in 0..12 {
            back_off.failed(&keys, START);
            waits.push(back_off.wait_secs(&keys[..1], START));
        }
        assert_eq!(waits, [0, 0, 1, 2, 4, 8, 16, 32, 60, 60, 60, 60]);
        assert_eq!(back_off.wait_secs(&keys[1..], START.plus_secs(59)), 1, "by uid as well");
        assert_eq!(back_off.wait_secs(&keys, START.plus_secs(60)), 0);
        back_off.succeeded(&keys);
        assert_eq!(back_off.wait_secs(&keys, START), 0);
    }

    #[test]
    fn the_memory_of_failures_is_bounded() {
        let back_off = BackOff::default();
        for n in 0..3 * ENTRIES_MAX {
            back_off.failed(&[format!("name {n}")], START.plus_secs(n as i64));
        }
        assert_eq!(back_off.0.lock().unwrap().len(), ENTRIES_MAX);
    }
}
