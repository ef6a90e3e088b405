//! *Refused*: calls that were refused before a token was known. They have no debug option to consult, so the newest are kept
//! here, in memory, for whoever looks for a sender that "does not work" (domain.md §5).

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tollgate_shared::limits::REFUSED_ROWS_MAX;
use tollgate_shared::log::RefusedRow;
use tollgate_shared::problem::Slug;
use tollgate_shared::time::Timestamp;

/// Bytes of a target or a detail that are kept.
const TEXT_BYTES_MAX: usize = 256;

/// The newest refusals.
#[derive(Default)]
pub struct RefusedRing(Mutex<Ring>);

#[derive(Default)]
struct Ring {
    rows: VecDeque<RefusedRow>,
    total: u64,
}

/// What is noted of one refusal.
pub struct Refusal {
    /// When.
    pub at: Timestamp,
    /// From where.
    pub remote_ip: Option<IpAddr>,
    /// Method and path, the query cut off.
    pub target: String,
    /// What the sender is told.
    pub slug: Slug,
    /// What exactly was wrong.
    pub detail: String,
    /// The public id inside what was presented.
    pub presented_id: Option<String>,
}

impl RefusedRing {
    /// Notes a refusal; the oldest goes when the ring is full.
    pub fn note(&self, refusal: Refusal) {
        let mut ring = self.ring();
        ring.total += 1;
        let row = RefusedRow {
            seq: ring.total,
            at: refusal.at,
            remote_ip: refusal.remote_ip,
            target: cut(refusal.target),
            status: refusal.slug.status(),
            reason: refusal.slug.as_str().to_owned(),
            detail: cut(refusal.detail),
            presented_id: refusal.presented_id,
        };
        if ring.rows.len() == REFUSED_ROWS_MAX {
            ring.rows.pop_front();
        }
        ring.rows.push_back(row);
    }

    /// The newest `limit` rows after `seq`, rising.
    pub fn after(&self, seq: u64, limit: usize) -> Vec<RefusedRow> {
        let ring = self.ring();
        let fits = ring.rows.iter().filter(|row| row.seq > seq).count();
        ring.rows.iter().filter(|row| row.seq > seq).skip(fits.saturating_sub(limit)).cloned().collect()
    }

    /// How many were refused since the start.
    pub fn total(&self) -> u64 {
        self.ring().total
    }

    fn ring(&self) -> MutexGuard<'_, Ring> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn cut(mut text: String) -> String {
    text.truncate(text.floor_char_boundary(TEXT_BYTES_MAX));
    text
}
