//! How fast a token opens incidents that have no key (domain.md §6): beyond 100 a minute into one service its calls go to
//! the overflow incident.

use std::collections::HashMap;

use tollgate_shared::id::{ServiceId, TokenId};
use tollgate_shared::limits::UNKEYED_PER_MINUTE_MAX;
use tollgate_shared::time::Timestamp;

/// Counts of the running minute. Forgotten at a restart: then a storm gets another hundred.
#[derive(Default)]
pub struct Pace {
    minute: i64,
    opened: HashMap<(TokenId, ServiceId), u32>,
}

impl Pace {
    /// Counts one more incident without a key; false where the minute's hundred are used up.
    pub fn may_open(&mut self, token: TokenId, service: ServiceId, now: Timestamp) -> bool {
        let minute = now.as_secs().div_euclid(60);
        if minute != self.minute {
            self.minute = minute;
            self.opened.clear();
        }
        let opened = self.opened.entry((token, service)).or_insert(0);
        *opened = opened.saturating_add(1);
        *opened <= UNKEYED_PER_MINUTE_MAX
    }
}
