//! Memory and one batch's changes as one: what the core sees while it decides.

use std::collections::BTreeSet;
use std::sync::Arc;

use tollgate_shared::audit::AuditRow;
use tollgate_shared::id::{IncidentId, RequestId, ServiceId, TokenId};
use tollgate_shared::incident::{IncidentHead, TimelineEntry};

use super::memory::Memory;
use super::overlay::Overlay;
use super::{StoreError, View, timeline};
use crate::core::audit::{self, AuditHead};
use crate::core::call::fingerprint::Fingerprint;
use crate::core::call::idempotency::IdempotencyKey;
use crate::core::model::{AnswerPlace, Answered, DedupEntry, IncidentBody, RegistryChange, StoredAnswer, UsageRecord};
use crate::core::workflows::{RequestBrief, RequestRecord, StepOutput};

/// Memory and the overlay as one.
pub(super) struct BatchView<'a> {
    memory: &'a Memory,
    /// Reads a request that is not in memory, for it has ended.
    on_disk: &'a dyn Fn(RequestId) -> Result<Option<RequestRecord>, StoreError>,
    overlay: Overlay,
}

// === impl BatchView ===

impl<'a> BatchView<'a> {
    pub(super) fn new(
        memory: &'a Memory,
        on_disk: &'a dyn Fn(RequestId) -> Result<Option<RequestRecord>, StoreError>,
    ) -> Self {
        Self { memory, on_disk, overlay: Overlay::default() }
    }

    pub(super) fn into_overlay(self) -> Overlay {
        self.overlay
    }

    fn head(&self, id: IncidentId) -> Option<&IncidentHead> {
        self.overlay.heads.get(&id).or_else(|| self.memory.head(id))
    }

    /// Takes an open head out of the keys, the overflow place and the count.
    fn close(&mut self, old: &IncidentHead) {
        *self.overlay.opened.entry(old.service).or_default() -= 1;
        if let Some(key) = &old.key
            && self.open_incident(old.service, key) == Some(old.id)
        {
            self.overlay.keys.entry(old.service).or_default().insert(key.clone(), None);
        }
        if old.overflow && self.overflow_incident(old.service) == Some(old.id) {
            self.overlay.overflow.insert(old.service, None);
        }
    }

    fn open(&mut self, new: &IncidentHead) {
        *self.overlay.opened.entry(new.service).or_default() += 1;
        if let Some(key) = &new.key {
            self.overlay.keys.entry(new.service).or_default().insert(key.clone(), Some(new.id));
        }
        if new.overflow {
            self.overlay.overflow.insert(new.service, Some(new.id));
        }
    }
}

impl View for BatchView<'_> {
    fn open_incident(&self, service: ServiceId, key: &str) -> Option<IncidentId> {
        match self.overlay.keys.get(&service).and_then(|keys| keys.get(key)) {
            Some(changed) => *changed,
            None => self.memory.open_incident(service, key),
        }
    }

    fn incident(&self, id: IncidentId) -> Option<IncidentHead> {
        self.head(id).cloned()
    }

    fn open_count(&self, service: ServiceId) -> u32 {
        let change = self.overlay.opened.get(&service).copied().unwrap_or(0);
        u32::try_from(i64::from(self.memory.open_count(service)) + change).unwrap_or(0)
    }

    fn open_total(&self) -> usize {
        let change: i64 = self.overlay.opened.values().sum();
        self.memory.open_total().saturating_add_signed(isize::try_from(change).unwrap_or(0))
    }

    fn overflow_incident(&self, service: ServiceId) -> Option<IncidentId> {
        match self.overlay.overflow.get(&service) {
            Some(changed) => *changed,
            None => self.memory.overflow_incident(service),
        }
    }

    fn dedup(&self, token: TokenId, fingerprint: &Fingerprint) -> Option<DedupEntry> {
        match self.overlay.remembered_at.get(&(token, *fingerprint)) {
            Some(index) => self.overlay.remembered.entries.get(*index).map(|(_, _, entry)| entry.clone()),
            None => self.memory.dedup.get(token, fingerprint).cloned(),
        }
    }

    fn request(&self, id: RequestId) -> Option<Arc<RequestRecord>> {
        let known = self.overlay.requests.get(&id).or_else(|| self.memory.requests.get(id));
        known.cloned().or_else(|| match (self.on_disk)(id) {
            Ok(found) => found.map(Arc::new),
            Err(error) => {
                tracing::error!(error = %crate::report(&error), request = %id, "a request could not be read");
                None
            }
        })
    }

    fn unfinished(&self) -> Vec<RequestId> {
        let mut ids: BTreeSet<_> = self.memory.requests.ids().collect();
        for (id, record) in &self.overlay.requests {
            if record.state.is_finished() {
                ids.remove(id)
            } else {
                ids.insert(*id)
            };
        }
        ids.into_iter().collect()
    }

    fn unfinished_load(&self) -> (usize, u64) {
        let (mut count, mut bytes) = self.memory.requests.load_of();
        for (id, record) in &self.overlay.requests {
            let before = self.memory.requests.get(*id);
            let now = (!record.state.is_finished()).then_some(record);
            count = count + usize::from(now.is_some()) - usize::from(before.is_some());
            bytes = bytes + now.map_or(0, |now| now.payload_bytes) - before.map_or(0, |before| before.payload_bytes);
        }
        (count, bytes)
    }

    fn started_by(&self, token: TokenId, fingerprint: &Fingerprint) -> Vec<RequestBrief> {
        let changed = self
            .overlay
            .requests
            .values()
            .filter(|record| record.token == token && record.fingerprint.as_ref() == Some(fingerprint));
        let known = self.memory.requests.started_by(token, fingerprint);
        let known = known.filter(|brief| !self.overlay.requests.contains_key(&brief.id)).cloned();
        known.chain(changed.map(|record| record.brief())).collect()
    }

    fn put_request(&mut self, record: RequestRecord) {
        self.overlay.requests.insert(record.id, Arc::new(record));
    }

    fn put_request_payload(&mut self, id: RequestId, payload: String) {
        self.overlay.payloads.insert(id, Some(payload));
    }

    fn drop_request_payload(&mut self, id: RequestId) {
        self.overlay.payloads.insert(id, None);
    }

    fn put_request_output(&mut self, id: RequestId, step: usize, output: StepOutput) {
        self.overlay.outputs.insert((id, u32::try_from(step).unwrap_or(u32::MAX)), output);
    }

    fn answered(&self, key: &IdempotencyKey) -> Option<Answered> {
        let Some(index) = self.overlay.answered_at.get(key).copied() else { return self.memory.answers.get(key) };
        // The block has the number of the commit that this batch will be: with an answer in it, it writes.
        let place = AnswerPlace { block: self.memory.marks.commit_no + 1, index };
        let (_, answer) = self.overlay.answers.entries.get(usize::try_from(index).ok()?)?;
        Some(answer.at_place(place))
    }

    fn put_incident(&mut self, head: IncidentHead) {
        if let Some(old) = self.head(head.id).filter(|old| old.state.is_open()).cloned() {
            self.close(&old);
        }
        if head.state.is_open() {
            self.open(&head);
        }
        self.overlay.heads.insert(head.id, head);
    }

    fn put_incident_body(&mut self, id: IncidentId, body: IncidentBody) {
        self.overlay.bodies.insert(id, body);
    }

    fn add_timeline(&mut self, id: IncidentId, entry: TimelineEntry) {
        timeline::add(self.overlay.timelines.entry(id).or_default(), entry);
    }

    fn remember(&mut self, token: TokenId, fingerprint: Fingerprint, entry: DedupEntry) {
        let block = &mut self.overlay.remembered.entries;
        self.overlay.remembered_at.insert((token, fingerprint), block.len());
        block.push((token, fingerprint, entry));
    }

    fn remember_answer(&mut self, key: IdempotencyKey, answer: StoredAnswer) {
        let block = &mut self.overlay.answers.entries;
        self.overlay.answered_at.insert(key, u32::try_from(block.len()).unwrap_or(u32::MAX));
        block.push((key, answer));
    }

    fn put_registry(&mut self, change: RegistryChange) {
        self.overlay.registry.push(change);
    }

    fn put_usage(&mut self, token: TokenId, usage: UsageRecord) {
        self.overlay.usage.insert(token, usage);
    }

    fn audit(&mut self, mut row: AuditRow) -> u64 {
        let before = self.overlay.audit_head.unwrap_or_else(|| self.memory.marks.audit_head());
        let hash = audit::link(&mut row, before);
        let seq = row.seq;
        self.overlay.audit_head = Some(AuditHead { seq, hash });
        self.overlay.audit.push(row);
        seq
    }

    fn next_log_seq(&mut self) -> u64 {
        let seq = self.memory.marks.next_log_seq + self.overlay.log_seqs;
        self.overlay.log_seqs += 1;
        seq
    }
}
