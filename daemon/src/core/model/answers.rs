//! Answers that are kept for a retry under the same idempotency key (http.md §1).

use serde::{Deserialize, Serialize};
use tollgate_shared::time::Timestamp;

use crate::core::call::fingerprint::Fingerprint;

/// An answer that is given again to a retry under the same idempotency key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredAnswer {
    /// When the call was accepted.
    pub at: Timestamp,
    /// Its content: a retry has the same.
    pub print: Fingerprint,
    /// The HTTP status.
    pub status: u16,
    /// The JSON document, ≤ 4 KiB.
    pub body: Vec<u8>,
}

/// What memory knows of a [`StoredAnswer`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answered {
    /// When the call was accepted.
    pub at: Timestamp,
    /// Its content.
    pub print: Fingerprint,
    /// The HTTP status.
    pub status: u16,
    /// Where the document is.
    pub place: AnswerPlace,
}

impl StoredAnswer {
    /// What memory keeps of it.
    pub fn at_place(&self, place: AnswerPlace) -> Answered {
        Answered { at: self.at, print: self.print, status: self.status, place }
    }
}

/// Where an answer is on disk, once the commit that it is part of is durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AnswerPlace {
    /// The commit's block.
    pub block: u64,
    /// Its place in the block.
    pub index: u32,
}
