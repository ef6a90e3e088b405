//! What the debug option of a busy token would cost: asked before it is switched on (operator.md, job 7).

use crate::api::RecentUse;
use crate::limits::{
    DEBUG_ROWS_PER_SEC_ASKED, DEBUG_SECS, LOG_BODY_BYTES_MAX, LOG_ROW_DISK_BYTES, REJECTED_ROWS_PER_SEC,
};

/// Seconds of [`RecentUse`].
const RECENT_SECS: u64 = 10;

/// Rows that the log would get of a token that goes on as it does now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DebugCost {
    rows_per_10_secs: u64,
    row_bytes: u64,
}

impl DebugCost {
    /// Of what a token did in the last ten seconds. Refusals become ten rows a second at most. A row counts with the bytes
    /// of a body, as many as are kept, or with what was measured of an ordinary row where that is more; packing makes it
    /// less, so the sum is an upper bound for all but the smallest calls.
    #[must_use]
    pub fn of(recent: RecentUse) -> Self {
        let refused = u64::from(recent.refused).min(u64::from(REJECTED_ROWS_PER_SEC) * RECENT_SECS);
        let mean = recent.body_bytes / u64::from(recent.accepted).max(1);
        let row_bytes = mean.min(LOG_BODY_BYTES_MAX as u64).max(LOG_ROW_DISK_BYTES);
        Self { rows_per_10_secs: u64::from(recent.accepted) + refused, row_bytes }
    }

    /// True where it is not switched on without a question.
    #[must_use]
    pub fn is_asked(self) -> bool {
        self.rows_per_10_secs > u64::from(DEBUG_ROWS_PER_SEC_ASKED) * RECENT_SECS
    }

    /// Rows a second.
    #[must_use]
    pub fn rows_per_sec(self) -> u64 {
        self.rows_per_10_secs / RECENT_SECS
    }

    /// Bytes that a row is counted with.
    #[must_use]
    pub fn row_bytes(self) -> u64 {
        self.row_bytes
    }

    /// Bytes on disk after 48 h, with one call in so many logged.
    #[must_use]
    pub fn bytes(self, one_in: u32) -> u64 {
        let all = self.rows_per_10_secs * self.row_bytes * DEBUG_SECS.unsigned_abs() / RECENT_SECS;
        all / u64::from(one_in.max(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_is_immediate_below_50_rows_a_second_and_asks_above() {
        let of = |accepted, refused| DebugCost::of(RecentUse { accepted, refused, body_bytes: 0 });
        assert!(!of(500, 0).is_asked() && of(501, 0).is_asked());
        assert!(!of(0, 1_000_000).is_asked(), "refusals become ten rows a second at most");
        assert!(of(401, 1_000_000).is_asked());
    }

    #[test]
    fn the_projection_is_rows_now_times_the_tokens_own_bodies_times_48_h() {
        let cost = DebugCost::of(RecentUse { accepted: 50_000, refused: 0, body_bytes: 50_000 * 800 });
        assert_eq!((cost.rows_per_sec(), cost.row_bytes()), (5_000, 800));
        assert_eq!(cost.bytes(1), 5_000 * 800 * 48 * 3_600);
        assert_eq!(cost.bytes(100), 50 * 800 * 48 * 3_600);
        let large = DebugCost::of(RecentUse { accepted: 10, refused: 0, body_bytes: 10 * 500_000 });
        assert_eq!(large.row_bytes(), 16 * 1_024, "a row keeps 16 KiB of a body");
        assert_eq!(DebugCost::of(RecentUse::default()).row_bytes(), 466);
    }
}
