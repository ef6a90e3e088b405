//! New ids: UUIDv7 from the daemon's own clock, so that they sort by age also where the wall clock steps back.

use std::sync::Mutex;

use tollgate_shared::time::Timestamp;
use uuid::{ContextV7, Uuid};

/// Makes ids. Ids made within one millisecond still rise.
pub struct Ids(Mutex<ContextV7>);

impl Default for Ids {
    fn default() -> Self {
        Self(Mutex::new(ContextV7::new()))
    }
}

impl Ids {
    /// An id for something that begins now.
    pub fn new_id(&self, now: Timestamp) -> Uuid {
        let micros = now.as_micros().max(0).unsigned_abs();
        let nanos = u32::try_from(micros % 1_000_000).unwrap_or(0) * 1_000;
        // A poisoned lock only means that another thread panicked while it counted up; the counter is still good.
        let context = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        Uuid::new_v7(uuid::Timestamp::from_unix(&*context, micros / 1_000_000, nanos))
    }
}
