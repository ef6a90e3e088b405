//! The one place where a test waits: for a condition, with a deadline, never for a time.

use std::time::{Duration, Instant};

/// Between two looks. Short, so that waiting costs a test nothing that anyone notices.
const PAUSE: Duration = Duration::from_millis(5);

/// What most conditions are given. Far more than they need: a loaded machine must not make a test fail.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Looks until `look` gives a value. An `Err` says how things stand and is shown when the time is over.
///
/// # Panics
/// `within` is over: with what was waited for and the last status.
#[track_caller]
pub fn until<T>(what: &str, within: Duration, mut look: impl FnMut() -> Result<T, String>) -> T {
    let start = Instant::now();
    loop {
        match look() {
            Ok(value) => return value,
            Err(status) if start.elapsed() >= within => {
                panic!("{what}: not within {within:?}; last seen: {status}")
            }
            Err(_) => std::thread::park_timeout(PAUSE),
        }
    }
}
