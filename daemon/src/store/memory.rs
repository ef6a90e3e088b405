//! What lives in memory for deciding: open incidents, their keys, deduplication, and the counters that a commit moves.
//! Rebuilt from disk at each opening; changed only by [`Memory::apply`], after a commit is durable.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use tollgate_shared::id::{IncidentId, ServiceId};
use tollgate_shared::incident::IncidentHead;
use tollgate_shared::limits::IDEMPOTENCY_KEYS_MAX;
use tollgate_shared::priority::Priority;

use super::answers::Answers;
use super::dedup::{Dedup, DedupBounds};
use super::marks::Marks;
use super::memory_requests::Requests;
use super::overlay::Overlay;
use crate::core::model::AnswerPlace;

/// Memory as of the last commit.
#[derive(Debug)]
pub(super) struct Memory {
    heads: HashMap<IncidentId, IncidentHead>,
    services: HashMap<ServiceId, OpenOfService>,
    pub(super) dedup: Dedup,
    pub(super) requests: Requests,
    pub(super) answers: Answers,
    pub(super) marks: Marks,
    counts: SharedCounts,
}

/// What is open in one service.
#[derive(Debug, Default)]
struct OpenOfService {
    keys: HashMap<String, IncidentId>,
    overflow: Option<IncidentId>,
    counts: Counts,
}

/// Open incidents: all of them, and those of priority P1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) open: u32,
    pub(super) p1: u32,
}

/// The counts as readers see them beside the writer.
#[derive(Clone, Debug, Default)]
pub(super) struct SharedCounts(Arc<RwLock<PublishedCounts>>);

#[derive(Debug, Default)]
struct PublishedCounts {
    all: Counts,
    services: HashMap<ServiceId, Counts>,
}

// === impl Memory ===

impl Memory {
    /// Memory of an empty database. `counts` is shared with readers and begins anew.
    pub(super) fn new(bounds: DedupBounds, marks: Marks, counts: SharedCounts) -> Self {
        counts.clear();
        Self {
            heads: HashMap::new(),
            services: HashMap::new(),
            dedup: Dedup::new(bounds),
            requests: Requests::default(),
            answers: Answers::new(IDEMPOTENCY_KEYS_MAX),
            marks,
            counts,
        }
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
        self.heads.get(&id)
    }

    pub(super) fn open_count(&self, service: ServiceId) -> u32 {
        self.services.get(&service).map_or(0, |of_service| of_service.counts.open)
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
        self.services.retain(|_, of_service| of_service.counts.open > 0);
    }

    /// Puts a head in its place, open or not, and keeps the counts.
    fn put_head(&mut self, head: IncidentHead) {
        let (id, service) = (head.id, head.service);
        let after = Counts::of(&head);
        let before = if head.state.is_open() { self.heads.insert(id, head) } else { self.heads.remove(&id) };
        let before = before.as_ref().map(Counts::of).unwrap_or_default();
        let of_service = self.services.entry(service).or_default();
        of_service.counts = of_service.counts.moved(before, after);
        self.counts.publish(service, of_service.counts, before, after);
    }
}

// === impl Counts ===

impl Counts {
    /// What one head adds.
    pub(super) fn of(head: &IncidentHead) -> Self {
        let open = head.state.is_open();
        Self { open: u32::from(open), p1: u32::from(open && head.priority == Priority::P1) }
    }

    fn moved(self, before: Self, after: Self) -> Self {
        Self {
            open: (self.open + after.open).saturating_sub(before.open),
            p1: (self.p1 + after.p1).saturating_sub(before.p1),
        }
    }
}

// === impl SharedCounts ===

impl SharedCounts {
    /// All open incidents and those of P1, of one service where asked.
    pub(super) fn get(&self, service: Option<ServiceId>) -> (u32, u32) {
        let published = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let counts = match service {
            None => published.all,
            Some(service) => published.services.get(&service).copied().unwrap_or_default(),
        };
        (counts.open, counts.p1)
    }

    fn clear(&self) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = PublishedCounts::default();
    }

    fn publish(&self, service: ServiceId, of_service: Counts, before: Counts, after: Counts) {
        let mut published = self.0.write().unwrap_or_else(PoisonError::into_inner);
        published.all = published.all.moved(before, after);
        if of_service.open == 0 {
            published.services.remove(&service);
        } else {
            published.services.insert(service, of_service);
        }
    }
}
