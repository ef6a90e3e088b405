//! Open incidents as readers see them beside the writer: in memory, so that a page of them costs no walk past 90 days of
//! resolved ones, however it is cut.

use std::collections::{BTreeMap, BinaryHeap, HashMap};
use std::ops::Bound;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use tollgate_shared::id::{IncidentId, ServiceId};
use tollgate_shared::incident::IncidentHead;
use tollgate_shared::priority::Priority;

use super::IncidentFilter;
use super::traits::SCAN_ROWS_MAX;

/// Rows that one reading looks at where their texts are left alone: the writer waits for it, but not for long.
const PLAIN_ROWS_MAX: usize = 10 * SCAN_ROWS_MAX;

/// The open incidents. Clones are handles to the same ones.
#[derive(Clone, Debug, Default)]
pub(super) struct OpenIncidents(
    /// The writer puts one head at a time; readers hold it for a bounded number of rows.
    Arc<RwLock<Open>>,
);

#[derive(Debug, Default)]
struct Open {
    all: Heads,
    services: HashMap<ServiceId, Heads>,
}

/// By id, which is by age.
#[derive(Debug, Default)]
struct Heads {
    heads: BTreeMap<IncidentId, Arc<IncidentHead>>,
    p1: u32,
}

// === impl OpenIncidents ===

impl OpenIncidents {
    /// Takes over what another handle's ones are: what was read from disk while readers still saw these.
    pub(super) fn replace(&self, other: &Self) {
        let open = std::mem::take(&mut *other.0.write().unwrap_or_else(PoisonError::into_inner));
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = open;
    }

    /// Puts a head in its place; one that is resolved leaves.
    pub(super) fn put(&self, head: &Arc<IncidentHead>) {
        let mut open = self.0.write().unwrap_or_else(PoisonError::into_inner);
        open.all.put(head);
        let of_service = open.services.entry(head.service).or_default();
        of_service.put(head);
        if of_service.heads.is_empty() {
            open.services.remove(&head.service);
        }
    }

    /// All open incidents and those of P1, of one service where asked.
    pub(super) fn counts(&self, service: Option<ServiceId>) -> (u32, u32) {
        let open = self.read();
        let counts = |heads: &Heads| (u32::try_from(heads.heads.len()).unwrap_or(u32::MAX), heads.p1);
        match service {
            None => counts(&open.all),
            Some(service) => open.services.get(&service).map(counts).unwrap_or_default(),
        }
    }

    /// As [`super::Reader::incidents`], of the open ones.
    pub(super) fn page(
        &self,
        filter: &IncidentFilter,
        before: Option<IncidentId>,
        limit: usize,
    ) -> (Vec<IncidentHead>, Option<IncidentId>) {
        let rows_max = if filter.text.is_some() { SCAN_ROWS_MAX } else { PLAIN_ROWS_MAX };
        let open = self.read();
        let mut page = Vec::new();
        for (row, head) in open.newest_first(filter, before).enumerate() {
            // Ids rise with time: whatever follows is older still.
            if filter.since.is_some_and(|since| head.first_seen < since) {
                return (page, None);
            }
            if filter.passes(head) {
                page.push(head.as_ref().clone());
            }
            if page.len() >= limit || row + 1 >= rows_max {
                return (page, Some(head.id));
            }
        }
        (page, None)
    }

    /// Rows survive a panic elsewhere: a poisoned lock is taken all the same.
    fn read(&self) -> RwLockReadGuard<'_, Open> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Open ===

impl Open {
    /// The heads that the filter's services have, older than `before`.
    fn newest_first<'o>(
        &'o self,
        filter: &IncidentFilter,
        before: Option<IncidentId>,
    ) -> Box<dyn Iterator<Item = &'o Arc<IncidentHead>> + 'o> {
        if filter.services.is_empty() {
            return Box::new(self.all.before(before));
        }
        let of_services = filter.services.iter().filter_map(|service| self.services.get(service));
        let mut rests: Vec<_> = of_services.map(|heads| heads.before(before)).collect();
        // The newest of each service, and whose it is.
        let mut fronts: Vec<Option<&Arc<IncidentHead>>> = rests.iter_mut().map(Iterator::next).collect();
        let front = |(at, head): (usize, &Option<&Arc<IncidentHead>>)| head.map(|head| (head.id, at));
        let mut newest: BinaryHeap<(IncidentId, usize)> = fronts.iter().enumerate().filter_map(front).collect();
        Box::new(std::iter::from_fn(move || {
            let (_, at) = newest.pop()?;
            let head = std::mem::replace(&mut fronts[at], rests[at].next());
            newest.extend(fronts[at].map(|head| (head.id, at)));
            head
        }))
    }
}

// === impl Heads ===

impl Heads {
    fn put(&mut self, head: &Arc<IncidentHead>) {
        let before = if head.state.is_open() {
            self.heads.insert(head.id, Arc::clone(head))
        } else {
            self.heads.remove(&head.id)
        };
        let is_p1 = |head: &IncidentHead| u32::from(head.state.is_open() && head.priority == Priority::P1);
        self.p1 = (self.p1 + is_p1(head)).saturating_sub(before.as_deref().map_or(0, is_p1));
    }

    fn before(&self, before: Option<IncidentId>) -> impl Iterator<Item = &Arc<IncidentHead>> {
        let end = before.map_or(Bound::Unbounded, Bound::Excluded);
        self.heads.range((Bound::Unbounded, end)).rev().map(|(_, head)| head)
    }
}
