//! The only reader of the wall clock.
//!
//! Hosts without internet have bad clocks. What the daemon calls *now* never goes back: it is the later of the wall clock
//! and the latest moment that it has already seen, in this run or (by the store's high-water mark) in an earlier one. So a
//! clock that is set back revives no expired token and makes no expired row readable.

use std::sync::atomic::{AtomicI64, Ordering};

use tollgate_shared::time::Timestamp;

/// Gives the time. Shared by all rooms that need to know what now is; the core takes the answer as an argument.
pub struct Clock {
    high_water_us: AtomicI64,
    source: Source,
}

enum Source {
    System,
    #[cfg(test)]
    Manual(AtomicI64),
}

impl Clock {
    /// The host's clock, not going behind `high_water`.
    pub fn system(high_water: Timestamp) -> Self {
        Self { high_water_us: AtomicI64::new(high_water.as_micros()), source: Source::System }
    }

    /// A clock that stands still until a test moves it.
    #[cfg(test)]
    pub fn manual(at: Timestamp) -> Self {
        Self { high_water_us: AtomicI64::new(at.as_micros()), source: Source::Manual(AtomicI64::new(at.as_micros())) }
    }

    /// Sets the wall clock of a manual clock, forwards or back.
    #[cfg(test)]
    pub fn set(&self, at: Timestamp) {
        if let Source::Manual(wall) = &self.source {
            wall.store(at.as_micros(), Ordering::Relaxed);
        }
    }

    /// The later of the wall clock and everything seen so far.
    pub fn now(&self) -> Timestamp {
        let wall = self.wall_us();
        let before = self.high_water_us.fetch_max(wall, Ordering::Relaxed);
        Timestamp::from_micros(before.max(wall))
    }

    /// How far the wall clock is behind what was already seen, in seconds; 0 where it is not.
    pub fn behind_secs(&self) -> i64 {
        (self.high_water_us.load(Ordering::Relaxed) - self.wall_us()).max(0) / 1_000_000
    }

    fn wall_us(&self) -> i64 {
        match &self.source {
            Source::System => system_now_us(),
            #[cfg(test)]
            Source::Manual(wall) => wall.load(Ordering::Relaxed),
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the room that reads the clock for all others")]
fn system_now_us() -> i64 {
    let since_epoch = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since_epoch.map_or(0, |elapsed| i64::try_from(elapsed.as_micros()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_set_back_an_hour_does_not_go_back() {
        let start = Timestamp::from_micros(1_000_000_000_000);
        let clock = Clock::manual(start);
        clock.set(start.plus_secs(10));
        assert_eq!(clock.now(), start.plus_secs(10));
        clock.set(start.plus_secs(-3_600));
        assert_eq!(clock.now(), start.plus_secs(10));
        assert_eq!(clock.behind_secs(), 3_610);
    }
}
