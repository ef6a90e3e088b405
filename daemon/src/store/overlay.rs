//! One batch's changes over memory: what the core sees while it decides, and what the commit then writes.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use tollgate_shared::audit::AuditRow;
use tollgate_shared::id::{IncidentId, RequestId, ServiceId, TokenId};
use tollgate_shared::incident::{IncidentHead, TimelineEntry};
use tollgate_shared::time::Timestamp;

use super::marks::Marks;
use super::rows::{AnswerBlock, DedupBlock};
use crate::core::audit::AuditHead;
use crate::core::call::fingerprint::Fingerprint;
use crate::core::call::idempotency::IdempotencyKey;
use crate::core::model::{IncidentBody, RegistryChange, UsageRecord};
use crate::core::workflows::{RequestRecord, StepOutput};

/// The changes. Sorted where they are written, so that a table is touched in its own order.
#[derive(Debug, Default)]
pub(super) struct Overlay {
    pub(super) heads: BTreeMap<IncidentId, IncidentHead>,
    pub(super) bodies: BTreeMap<IncidentId, IncidentBody>,
    /// Entries to add, already merged among themselves.
    pub(super) timelines: BTreeMap<IncidentId, Vec<TimelineEntry>>,
    /// Keys that this batch has opened or freed.
    pub(super) keys: HashMap<ServiceId, HashMap<String, Option<IncidentId>>>,
    pub(super) overflow: HashMap<ServiceId, Option<IncidentId>>,
    pub(super) remembered: DedupBlock,
    /// Where in `remembered` a call's latest entry is.
    pub(super) remembered_at: HashMap<(TokenId, Fingerprint), usize>,
    pub(super) answers: AnswerBlock,
    /// Where in `answers` a key is.
    pub(super) answered_at: HashMap<IdempotencyKey, u32>,
    pub(super) registry: Vec<RegistryChange>,
    pub(super) usage: BTreeMap<TokenId, UsageRecord>,
    pub(super) audit: Vec<AuditRow>,
    pub(super) requests: BTreeMap<RequestId, Arc<RequestRecord>>,
    /// `None` takes one away.
    pub(super) payloads: BTreeMap<RequestId, Option<String>>,
    pub(super) outputs: BTreeMap<(RequestId, u32), StepOutput>,
    /// Where the audit's chain ends after this batch.
    pub(super) audit_head: Option<AuditHead>,
    /// By how much the open incidents of a service have changed.
    pub(super) opened: HashMap<ServiceId, i64>,
    pub(super) log_seqs: u64,
}

// === impl Overlay ===

impl Overlay {
    /// True where the batch has nothing that must be on disk. Log seqs alone are not.
    pub(super) fn is_empty(&self) -> bool {
        self.heads.is_empty()
            && self.bodies.is_empty()
            && self.timelines.is_empty()
            && self.remembered.entries.is_empty()
            && self.answers.entries.is_empty()
            && self.registry.is_empty()
            && self.usage.is_empty()
            && self.audit.is_empty()
            && self.requests.is_empty()
            && self.payloads.is_empty()
            && self.outputs.is_empty()
    }

    /// The marks after this batch, begun at `now`.
    pub(super) fn marks_after(&self, before: Marks, now: Timestamp) -> Marks {
        Marks {
            high_water: before.high_water.max(now),
            next_log_seq: before.next_log_seq.saturating_add(self.log_seqs),
            commit_no: before.commit_no.saturating_add(u64::from(!self.is_empty())),
            audit_seq: self.audit_head.map_or(before.audit_seq, |head| head.seq),
            audit_hash: self.audit_head.map_or(before.audit_hash, |head| head.hash),
        }
    }
}
