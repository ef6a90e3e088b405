//! The last hour of a token's calls, minute by minute.

use tollgate_shared::time::Timestamp;

/// Minutes that the sparkline looks back.
const MINUTES: usize = 60;

/// Calls of the last 60 minutes, in a ring by minute.
pub(super) struct Hour {
    minute: i64,
    calls: [u32; MINUTES],
    hits: [u32; MINUTES],
}

impl Default for Hour {
    fn default() -> Self {
        Self { minute: 0, calls: [0; MINUTES], hits: [0; MINUTES] }
    }
}

impl Hour {
    /// Moves the ring on to `minute`, forgetting what is more than an hour old.
    fn turn_to(&mut self, minute: i64) {
        let passed = (minute - self.minute).clamp(0, MINUTES as i64);
        for step in 0..passed {
            let slot = Self::slot(minute - step);
            self.calls[slot] = 0;
            self.hits[slot] = 0;
        }
        self.minute = self.minute.max(minute);
    }

    fn slot(minute: i64) -> usize {
        usize::try_from(minute.rem_euclid(MINUTES as i64)).unwrap_or(0)
    }

    pub(super) fn count(&mut self, at: Timestamp, hit: bool) {
        self.turn_to(at.as_secs().div_euclid(60));
        let slot = Self::slot(self.minute);
        self.calls[slot] = self.calls[slot].saturating_add(1);
        self.hits[slot] = self.hits[slot].saturating_add(u32::from(hit));
    }

    /// Calls of the last hour.
    pub(super) fn total(&self, now: Timestamp) -> u32 {
        self.since(now).0.iter().sum()
    }

    /// Calls per minute, oldest first, and the hits of the hour.
    pub(super) fn since(&self, now: Timestamp) -> (Vec<u32>, u32) {
        let minute = now.as_secs().div_euclid(60);
        let age = |back: i64| {
            (minute - back <= self.minute && minute - back > self.minute - MINUTES as i64)
                .then(|| Self::slot(minute - back))
        };
        let backs = (0..MINUTES as i64).rev();
        let calls = backs.clone().map(|back| age(back).map_or(0, |slot| self.calls[slot])).collect();
        let hits = backs.filter_map(age).map(|slot| self.hits[slot]).sum();
        (calls, hits)
    }
}
