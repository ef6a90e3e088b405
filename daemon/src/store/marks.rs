//! The numbers that every commit moves on.

use tollgate_shared::time::Timestamp;

use crate::core::audit::{AuditHead, FIRST_PREVIOUS};

/// Numbers that every commit writes again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Marks {
    /// The latest moment that any commit has seen.
    pub(super) high_water: Timestamp,
    /// What the log's next row will be numbered.
    pub(super) next_log_seq: u64,
    /// The number of the last commit.
    pub(super) commit_no: u64,
    /// The seq of the last audit row; 0 = none yet.
    pub(super) audit_seq: u64,
    /// Its hash: what the next row is chained to.
    pub(super) audit_hash: [u8; 32],
}

// === impl Marks ===

impl Marks {
    pub(super) fn audit_head(&self) -> AuditHead {
        AuditHead { seq: self.audit_seq, hash: self.audit_hash }
    }
}

impl Default for Marks {
    fn default() -> Self {
        Self {
            high_water: Timestamp::default(),
            next_log_seq: 1,
            commit_no: 0,
            audit_seq: 0,
            audit_hash: FIRST_PREVIOUS,
        }
    }
}
