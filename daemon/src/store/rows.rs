//! How rows look on disk: `[version byte][postcard]`.
//!
//! Postcard is positional, so a stored type never changes in place. While a type of the model is itself the current
//! version of its row, its golden bytes in the tests guard it; when one of them has to change, the type as it was is kept
//! here under its version's name with a `From` into the new one, and `read` learns the old version byte.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tollgate_shared::audit::AuditRow;
use tollgate_shared::filter::FilterSpec;
use tollgate_shared::id::{CallId, FilterId, IncidentId, RequestId, ServiceId, TeamId, TokenId, WorkflowId};
use tollgate_shared::incident::{IncidentHead, TimelineEntry};
use tollgate_shared::log::LogRow;
use tollgate_shared::time::Timestamp;

use super::StoreError;
use crate::core::call::fingerprint::Fingerprint;
use crate::core::call::idempotency::IdempotencyKey;
use crate::core::measures::Measures;
use crate::core::model::{
    Backups, ClockSteps, DeadSecret, DedupEntry, FilterRecord, IncidentBody, KeptQuery, Lockdown, Maintenance,
    Operator, RedactionRules, Restored, Service, StoredAnswer, Team, Token, TokenOptions, Tombstone, UsageRecord,
};
use crate::core::workflows::{RequestRecord, StepOutput, Workflow};

/// A type that is kept in a table.
pub(super) trait Stored: Sized {
    /// What a row of it is called in an error.
    const WHAT: &'static str;
    /// The version that is written today.
    const VERSION: u8;

    /// The row after its version byte, appended to `out`.
    fn write(&self, out: Vec<u8>) -> Result<Vec<u8>, RowError>;

    /// Reads a row of any version that is still known.
    fn read(version: u8, bytes: &[u8]) -> Result<Self, RowError>;
}

/// Why a row could not be written or read.
#[derive(Debug, thiserror::Error)]
pub(super) enum RowError {
    /// No byte at all.
    #[error("the row is empty")]
    Empty,
    /// A JSON part does not decode.
    #[error("the JSON inside does not decode")]
    Json(#[source] serde_json::Error),
    /// The bytes do not decode.
    #[error("the bytes do not decode")]
    Postcard(#[source] postcard::Error),
    /// More bytes than the row's type has.
    #[error("{0} bytes too many")]
    Trailing(usize),
    /// A version that this program does not know.
    #[error("row version {0} is unknown to this program")]
    Version(u8),
}

/// What one commit has taught deduplication, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct DedupBlock {
    pub(super) entries: Vec<(TokenId, Fingerprint, DedupEntry)>,
}

/// The answers that one commit has given under idempotency keys, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct AnswerBlock {
    pub(super) entries: Vec<(IdempotencyKey, StoredAnswer)>,
}

/// A resolved incident, in the order of resolving: what retention walks along.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ResolvedRow {
    pub(super) id: IncidentId,
    pub(super) at: Timestamp,
}

/// An ended request, in the order of ending: what retention walks along.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct FinishedRow {
    pub(super) id: RequestId,
    pub(super) at: Timestamp,
}

/// The payload of a request, compressed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct PayloadRow {
    unpacked_bytes: u32,
    packed: Vec<u8>,
}

impl PayloadRow {
    pub(super) fn of(text: &str) -> Self {
        let unpacked_bytes = u32::try_from(text.len()).unwrap_or(u32::MAX);
        Self { unpacked_bytes, packed: lz4_flex::block::compress(text.as_bytes()) }
    }

    /// # Errors
    /// Damage.
    pub(super) fn text(&self) -> Result<String, StoreError> {
        let damaged =
            || StoreError::Damaged { what: Self::WHAT.to_owned(), detail: "it does not unpack to a text".to_owned() };
        let bytes = lz4_flex::block::decompress(&self.packed, self.unpacked_bytes as usize).map_err(|_| damaged())?;
        String::from_utf8(bytes).map_err(|_| damaged())
    }
}

mod flows;

/// A filter on disk: its spec is JSON, because a spec leaves out what has its default and postcard needs every field.
#[derive(Serialize, Deserialize)]
struct FilterV1 {
    id: FilterId,
    service: ServiceId,
    position: u32,
    spec_json: Vec<u8>,
    created_at: Timestamp,
}

/// A row as it is put into its table.
///
/// # Errors
/// Only where the type cannot be serialised, which its golden test excludes.
pub(super) fn encode<T: Stored>(value: &T) -> Result<Vec<u8>, StoreError> {
    let mut out = Vec::with_capacity(256);
    out.push(T::VERSION);
    value.write(out).map_err(|error| damaged::<T>(&error))
}

/// A row as it is found in its table.
///
/// # Errors
/// [`StoreError::Damaged`] where it is of an unknown version, too short or too long.
pub(super) fn decode<T: Stored>(bytes: &[u8]) -> Result<T, StoreError> {
    let (version, rest) = bytes.split_first().ok_or_else(|| damaged::<T>(&RowError::Empty))?;
    T::read(*version, rest).map_err(|error| damaged::<T>(&error))
}

/// The service of an incident's head, read without the rest; `None` where the row has another version than today's.
pub(super) fn service_of(head: &[u8]) -> Option<ServiceId> {
    let (version, rest) = head.split_first()?;
    let begins: Result<((IncidentId, ServiceId), _), _> = postcard::take_from_bytes(rest);
    begins.ok().filter(|_| *version == IncidentHead::VERSION).map(|((_, service), _)| service)
}

fn damaged<T: Stored>(error: &RowError) -> StoreError {
    let cause = std::error::Error::source(error).map(|source| format!(" ({source})")).unwrap_or_default();
    StoreError::Damaged { what: T::WHAT.to_owned(), detail: format!("{error}{cause}") }
}

fn to_postcard<T: Serialize>(value: &T, out: Vec<u8>) -> Result<Vec<u8>, RowError> {
    postcard::to_extend(value, out).map_err(RowError::Postcard)
}

fn from_postcard<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, RowError> {
    let (value, rest) = postcard::take_from_bytes(bytes).map_err(RowError::Postcard)?;
    if rest.is_empty() { Ok(value) } else { Err(RowError::Trailing(rest.len())) }
}

/// The type of the model is itself version 1 of its row.
macro_rules! stored_as_it_is {
    ($($type:ty => $what:literal),* $(,)?) => {$(
        impl Stored for $type {
            const WHAT: &'static str = $what;
            const VERSION: u8 = 1;

            fn write(&self, out: Vec<u8>) -> Result<Vec<u8>, RowError> {
                to_postcard(self, out)
            }

            fn read(version: u8, bytes: &[u8]) -> Result<Self, RowError> {
                match version {
                    1 => from_postcard(bytes),
                    other => Err(RowError::Version(other)),
                }
            }
        }
    )*};
}

stored_as_it_is! {
    AnswerBlock => "a block of answers",
    AuditRow => "an audit row",
    Backups => "the last backups",
    ClockSteps => "the steps of the wall clock",
    DeadSecret => "a dead secret",
    DedupBlock => "a deduplication block",
    IncidentBody => "an incident's body",
    IncidentHead => "an incident's head",
    KeptQuery => "a kept query",
    Lockdown => "the lockdown",
    LogRow => "a log row",
    Maintenance => "a maintenance",
    Measures => "the measures on a token",
    Operator => "an operator",
    RedactionRules => "the rules of redaction",
    ResolvedRow => "a row of the resolved incidents",
    Restored => "the mark of a restored state",
    FinishedRow => "a row of the ended requests",
    PayloadRow => "a request's payload",
    StepOutput => "a step's output",
    Service => "a service",
    Team => "a team",
    TimelineEntry => "a timeline entry",
    Token => "a token",
    TokenOptions => "a token's options",
    Tombstone => "a tombstone",
    UsageRecord => "a usage record",
}

impl Stored for FilterRecord {
    const WHAT: &'static str = "a filter";
    const VERSION: u8 = 1;

    fn write(&self, out: Vec<u8>) -> Result<Vec<u8>, RowError> {
        let row = FilterV1 {
            id: self.id,
            service: self.service,
            position: self.position,
            spec_json: self.spec.to_json().map_err(RowError::Json)?,
            created_at: self.created_at,
        };
        to_postcard(&row, out)
    }

    fn read(version: u8, bytes: &[u8]) -> Result<Self, RowError> {
        let row: FilterV1 = match version {
            1 => from_postcard(bytes)?,
            other => return Err(RowError::Version(other)),
        };
        Ok(Self {
            id: row.id,
            service: row.service,
            position: row.position,
            spec: FilterSpec::from_json(&row.spec_json).map_err(RowError::Json)?,
            created_at: row.created_at,
        })
    }
}

#[cfg(test)]
mod golden;
