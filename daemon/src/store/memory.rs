//! What lives in memory for deciding: open incidents, their keys, deduplication, and the numbers that a commit moves.
//! Rebuilt from disk at each opening; changed only by [`Memory::apply`], after a commit is durable.

use std::collections::HashMap;
use std::sync::Arc;

use tollgate_shared::id::{IncidentId, ServiceId};
use tollgate_shared::incident::IncidentHead;
use tollgate_shared::limits::IDEMPOTENCY_KEYS_MAX;

use super::answers::Answers;
use super::dedup::{Dedup, DedupBounds};
use super::marks::Marks;
use super::memory_requests::Requests;
use super::open::OpenIncidents;
use super::overlay::Overlay;
use crate::core::model::AnswerPlace;

/// Memory as of the last commit.
#[derive(Debug)]
pub(super) struct Memory {
    heads: HashMap<IncidentId, Arc<IncidentHead>>,
    services: HashMap<ServiceId, OpenOfService>,
    pub(super) dedup: Dedup,
    pub(super) requests: Requests,
    pub(super) answers: Answers,
    pub(super) marks: Marks,
    open: OpenIncidents,
}

/// What is open in one service.
#[derive(Debug, Default)]
struct OpenOfService {
    keys: HashMap<String, IncidentId>,
    overflow: Option<IncidentId>,
    count: u32,
}

// === impl Memory ===

impl Memory {
    /// Memory of an empty database.
    pub(super) fn new(bounds: DedupBounds, marks: Marks) -> Self {
        Self {
            heads: HashMap::new(),
            services: HashMap::new(),
            dedup: Dedup::new(bounds),
            requests: Requests::default(),
            answers: Answers::new(IDEMPOTENCY_KEYS_MAX),
            marks,
            open: OpenIncidents::default(),
        }
    }

    /// Shows readers the open incidents from now on, once all were read.
    pub(super) fn share_open(&mut self, with: &OpenIncidents) {
        with.replace(&self.open);
        self.open = with.clone();
    }

    /// Takes in an open head that was read from disk.
    pub(super) fn load_open(&mut self, head: IncidentHead) {
        let of_service = self.services.entry(head.service).or_default();
        if let Some(key) = &head.key {
            of_service.keys.insert(key.clone(), head.id);
        }
        if head.overflow {
            of_service.overflow = Some(head.id);
        }
        self.put_head(head);
    }

    pub(super) fn open_incident(&self, service: ServiceId, key: &str) -> Option<IncidentId> {
        self.services.get(&service)?.keys.get(key).copied()
    }

    /// An open incident's head.
    pub(super) fn head(&self, id: IncidentId) -> Option<&IncidentHead> {
        self.heads.get(&id).map(Arc::as_ref)
    }

    pub(super) fn open_count(&self, service: ServiceId) -> u32 {
        self.services.get(&service).map_or(0, |of_service| of_service.count)
    }

    pub(super) fn open_total(&self) -> usize {
        self.heads.len()
    }

    pub(super) fn overflow_incident(&self, service: ServiceId) -> Option<IncidentId> {
        self.services.get(&service)?.overflow
    }

    /// Takes in a batch that is durable. `marks` are those that were written with it.
    pub(super) fn apply(&mut self, overlay: Overlay, marks: Marks) {
        self.marks = marks;
        for head in overlay.heads.into_values() {
            self.put_head(head);
        }
        for (service, keys) in overlay.keys {
            let of_service = self.services.entry(service).or_default();
            for (key, id) in keys {
                match id {
                    Some(id) => of_service.keys.insert(key, id),
                    None => of_service.keys.remove(&key),
                };
            }
        }
        for (service, overflow) in overlay.overflow {
            self.services.entry(service).or_default().overflow = overflow;
        }
        for (token, fingerprint, entry) in overlay.remembered.entries {
            self.dedup.insert(marks.commit_no, token, fingerprint, entry);
        }
        for record in overlay.requests.into_values() {
            self.requests.put(Arc::unwrap_or_clone(record));
        }
        for (index, (key, answer)) in (0..).zip(overlay.answers.entries) {
            self.answers.insert(key, answer.at_place(AnswerPlace { block: marks.commit_no, index }));
        }
        self.services.retain(|_, of_service| of_service.count > 0);
    }

    /// Puts a head in its place, open or not, and keeps the counts.
    fn put_head(&mut self, head: IncidentHead) {
        let head = Arc::new(head);
        self.open.put(&head);
        let (id, service, is_open) = (head.id, head.service, head.state.is_open());
        let before = if is_open { self.heads.insert(id, head) } else { self.heads.remove(&id) };
        let of_service = self.services.entry(service).or_default();
        of_service.count = (of_service.count + u32::from(is_open)).saturating_sub(u32::from(before.is_some()));
    }
}
