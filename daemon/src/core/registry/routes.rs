//! What is derived from the services and kept beside them: their order, the homes of filters, the headers that filters
//! read, the filter index. A change touches only what belongs to the services that it changed.

use std::collections::BTreeSet;
use std::sync::Arc;

use tollgate_shared::id::{FilterId, ServiceId};

use super::order::Order;
use super::shards::Shards;
use super::{Registry, ServiceEntry};
use crate::core::matching::{FilterIndex, Filters, ServiceKey};

/// The derived part of the registry. Cloning copies pointers.
#[derive(Clone)]
pub(super) struct Routes {
    /// Services in the order of evaluation: team id, then service id (domain.md section 3).
    pub(super) order: Arc<Order>,
    /// Which service a filter belongs to.
    pub(super) homes: Shards<FilterId, ServiceId>,
    /// Lower-case names of the headers that some filter reads: part of the fingerprint (domain.md section 4).
    pub(super) header_names: Arc<Vec<String>>,
    /// The filters of all enabled services.
    pub(super) index: FilterIndex,
}

/// A service as it was, where it was, and as it is, where it still is.
pub(super) type ServiceChange<'a> = (Option<&'a Arc<ServiceEntry>>, Option<&'a Arc<ServiceEntry>>);

// === impl Routes ===

impl Routes {
    /// Derives everything from the services, given in any order.
    pub(super) fn of(mut order: Vec<Arc<ServiceEntry>>) -> Self {
        order.sort_by_key(|entry| entry.key());
        let mut homes = Shards::new();
        for entry in &order {
            entry.records.iter().for_each(|record| homes.insert(record.id, entry.service.id));
        }
        let index = FilterIndex::build(order.iter().map(|entry| (entry.key(), entry.active())));
        let header_names = Arc::new(header_names(order.iter()));
        Self { order: Arc::new(Order::of(&order)), homes, header_names, index }
    }

    /// Takes in how services have changed: each as it was, where it was, and as it is, where it still is.
    pub(super) fn change(&mut self, changed: &[ServiceChange<'_>]) {
        let (mut filters, mut headers) = (Vec::new(), false);
        for (old, new) in changed {
            // Only what is gone: what stays has the same home, and each touch copies a piece of the map.
            let gone =
                old.iter().flat_map(|old| &old.records).filter(|record| new.is_none_or(|new| !new.has(record.id)));
            gone.for_each(|record| self.homes.remove(&record.id));
            if let Some(old) = old.filter(|old| new.is_none_or(|new| old.key() != new.key())) {
                self.leave(old.key());
                filters.push((old.key(), Filters::from([])));
            }
            if let Some(new) = new {
                self.put(new);
                filters.push((new.key(), new.active()));
            }
            headers |= old.map(|old| &old.header_names) != new.map(|new| &new.header_names);
        }
        self.index = self.index.with_changes(filters);
        if headers {
            self.header_names = Arc::new(header_names(self.order.all().iter()));
        }
    }

    fn put(&mut self, entry: &Arc<ServiceEntry>) {
        Arc::make_mut(&mut self.order).put(entry);
        for record in &entry.records {
            if self.homes.get(&record.id) != Some(&entry.service.id) {
                self.homes.insert(record.id, entry.service.id);
            }
        }
    }

    fn leave(&mut self, key: ServiceKey) {
        Arc::make_mut(&mut self.order).remove(key);
    }
}

// === impl ServiceEntry ===

impl ServiceEntry {
    /// Its place in the order of evaluation.
    pub fn key(&self) -> ServiceKey {
        (self.service.team, self.service.id)
    }

    fn has(&self, filter: FilterId) -> bool {
        self.records.iter().any(|record| record.id == filter)
    }

    /// The filters that calls are tested against: none where the service is disabled.
    fn active(&self) -> Filters {
        if self.service.enabled { self.compiled.clone() } else { Filters::from([]) }
    }
}

// === impl Registry ===

impl Registry {
    /// The filters of all enabled services, for calls that reach many.
    pub fn index(&self) -> &FilterIndex {
        &self.routes.index
    }

    /// This registry on top of a new base, which [`FilterIndex::rebuilt`] made from an earlier state of the index.
    /// Nothing but the speed differs, so no version counts up.
    #[must_use]
    pub fn with_rebuilt_index(&self, rebuilt: &FilterIndex) -> Self {
        let mut next = self.clone();
        next.routes.index = self.routes.index.rebased(rebuilt);
        next
    }
}

fn header_names<'e>(services: impl Iterator<Item = &'e Arc<ServiceEntry>>) -> Vec<String> {
    let names: BTreeSet<_> = services.flat_map(|entry| &entry.header_names).cloned().collect();
    names.into_iter().collect()
}
