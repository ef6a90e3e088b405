//! A block's head: what is in the block, in a table of its own, so that a search steps over blocks without reading them.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use tollgate_shared::outcome::Outcome;
use tollgate_shared::time::Timestamp;

use super::block::{PackedRow, TokenMark};
use crate::store::{OutcomeSet, StoreError};

const VERSION: u8 = 1;
const MINUTE_SECS: i64 = 60;

/// What is stored after the version byte. The lists are byte strings, so that reading a head takes no memory.
#[derive(Serialize, Deserialize)]
struct HeadV1<'a> {
    last_seq: u64,
    first_at: i64,
    last_at: i64,
    outcomes: u16,
    /// Token marks, rising, u32 little-endian each.
    tokens: &'a [u8],
    /// Statuses, rising, u16 little-endian each.
    statuses: &'a [u8],
    /// A list of [`MinuteCount`].
    minutes: &'a [u8],
}

/// Calls of one minute with one outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct MinuteCount {
    /// Minutes since 1970.
    minute: i64,
    outcome: u8,
    count: u32,
}

/// A head as it is read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Head<'a> {
    pub(super) last_seq: u64,
    /// The earliest row's moment.
    pub(super) first_at: Timestamp,
    /// The latest row's moment.
    pub(super) last_at: Timestamp,
    pub(super) outcomes: OutcomeSet,
    tokens: &'a [u8],
    statuses: &'a [u8],
    minutes: &'a [u8],
}

/// The value that is stored for the head of these rows, which are not none.
///
/// # Errors
/// It cannot be serialised, which its golden test excludes.
pub(super) fn encode_head(rows: &[PackedRow]) -> Result<Vec<u8>, StoreError> {
    let readable = || rows.iter().filter_map(|row| row.mark.outcome.map(|outcome| (row.mark, outcome)));
    let tokens: BTreeSet<u32> = readable().map(|(mark, _)| mark.token.0).collect();
    let statuses: BTreeSet<u16> = readable().map(|(mark, _)| mark.status).collect();
    let mut counts: BTreeMap<(i64, u8), u32> = BTreeMap::new();
    for (mark, outcome) in readable() {
        *counts.entry((minute_of(mark.at), outcome as u8)).or_default() += 1;
    }
    let minutes: Vec<_> =
        counts.into_iter().map(|((minute, outcome), count)| MinuteCount { minute, outcome, count }).collect();
    let head = HeadV1 {
        last_seq: rows.last().map_or(0, |row| row.seq),
        first_at: readable().map(|(mark, _)| mark.at.as_micros()).min().unwrap_or(i64::MAX),
        last_at: readable().map(|(mark, _)| mark.at.as_micros()).max().unwrap_or(i64::MIN),
        outcomes: readable().map(|(_, outcome)| outcome).collect::<OutcomeSet>().bits(),
        tokens: &tokens.into_iter().flat_map(u32::to_le_bytes).collect::<Vec<_>>(),
        statuses: &statuses.into_iter().flat_map(u16::to_le_bytes).collect::<Vec<_>>(),
        minutes: &postcard::to_stdvec(&minutes).map_err(damaged)?,
    };
    postcard::to_extend(&head, vec![VERSION]).map_err(damaged)
}

// === impl Head ===

impl<'a> Head<'a> {
    /// A head as it is found in its table.
    ///
    /// # Errors
    /// Its bytes are not those of a head.
    pub(super) fn decode(stored: &'a [u8]) -> Result<Self, StoreError> {
        let Some((&VERSION, rest)) = stored.split_first() else {
            return Err(damaged("its version is unknown to this program"));
        };
        let head: HeadV1<'_> = postcard::from_bytes(rest).map_err(damaged)?;
        Ok(Self {
            last_seq: head.last_seq,
            first_at: Timestamp::from_micros(head.first_at),
            last_at: Timestamp::from_micros(head.last_at),
            outcomes: OutcomeSet::from_bits(head.outcomes),
            tokens: head.tokens,
            statuses: head.statuses,
            minutes: head.minutes,
        })
    }

    /// The tokens of its rows, each once.
    pub(super) fn tokens(&self) -> impl Iterator<Item = TokenMark> + use<'a> {
        self.tokens.as_chunks().0.iter().map(|bytes| TokenMark(u32::from_le_bytes(*bytes)))
    }

    /// The statuses of its rows, each once.
    pub(super) fn statuses(&self) -> impl Iterator<Item = u16> + use<'a> {
        self.statuses.as_chunks().0.iter().map(|bytes| u16::from_le_bytes(*bytes))
    }

    /// Calls by minute and outcome.
    ///
    /// # Errors
    /// The bytes are damaged.
    pub(super) fn minutes(&self) -> Result<Vec<(i64, Outcome, u32)>, StoreError> {
        let minutes: Vec<MinuteCount> = postcard::from_bytes(self.minutes).map_err(damaged)?;
        let known = |m: MinuteCount| Some((m.minute, *Outcome::ALL.get(usize::from(m.outcome))?, m.count));
        Ok(minutes.into_iter().filter_map(known).collect())
    }
}

/// The minute of a moment, since 1970.
pub(super) const fn minute_of(at: Timestamp) -> i64 {
    at.as_micros().div_euclid(MINUTE_SECS * 1_000_000)
}

fn damaged(detail: impl ToString) -> StoreError {
    StoreError::Damaged { what: "the head of a block of log rows".to_owned(), detail: detail.to_string() }
}
