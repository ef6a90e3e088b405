//! A segment and the services of it that a later change has made void.

use std::sync::Arc;

use tollgate_shared::id::TeamId;

use super::{Filters, Segment, ServiceKey, build};
use crate::core::call::Call;
use crate::core::matching::evaluate::ServiceMatch;

/// One segment as it stands now.
#[derive(Clone)]
pub(super) struct Layer {
    segment: Arc<Segment>,
    dead: Arc<Dead>,
}

/// One bit for each service of a segment.
#[derive(Clone, Default)]
pub(super) struct Dead {
    words: Vec<u64>,
    /// How many filters the dead services had.
    filters: usize,
}

// === impl Layer ===

impl Layer {
    /// The services must be in rising order.
    pub(super) fn of(services: Vec<(ServiceKey, Filters)>) -> Self {
        Self { segment: Arc::new(build::segment(services)), dead: Arc::default() }
    }

    /// Appends the answers of the living services in which something is true.
    pub(super) fn evaluate(
        &self,
        team: Option<TeamId>,
        call: &Call,
        redacted: &Call,
        found: &mut Vec<(ServiceKey, ServiceMatch)>,
    ) {
        self.segment.evaluate(team, &self.dead, (call, redacted), found);
    }

    /// The living filters of a service.
    pub(super) fn live(&self, service: ServiceKey) -> Option<&Filters> {
        let place = self.segment.place(service)?;
        (!self.dead.has(place)).then(|| self.segment.filters_of(place))
    }

    /// All living services with their filters, in rising order.
    pub(super) fn services(&self) -> impl Iterator<Item = (ServiceKey, Filters)> {
        let places = (0..self.segment.service_count()).filter(|place| !self.dead.has(*place));
        places.map(|place| (self.segment.key_of(place), self.segment.filters_of(place).clone()))
    }

    /// The services that are dead here.
    pub(super) fn buried(&self) -> impl Iterator<Item = ServiceKey> {
        let places = (0..self.segment.service_count()).filter(|place| self.dead.has(*place));
        places.map(|place| self.segment.key_of(place))
    }

    /// Whether both are of the same segment, whatever has died in it since.
    pub(super) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.segment, &other.segment)
    }

    /// From now on these services are not here.
    pub(super) fn bury(&mut self, services: impl Iterator<Item = ServiceKey>) {
        for place in services.filter_map(|service| self.segment.place(service)) {
            if !self.dead.has(place) {
                Arc::make_mut(&mut self.dead).set(place, self.segment.filters_of(place).len());
            }
        }
    }

    /// Living filters.
    pub(super) fn alive(&self) -> usize {
        self.segment.filter_count() - self.dead.filters
    }

    /// Dead filters.
    pub(super) fn dead(&self) -> usize {
        self.dead.filters
    }
}

// === impl Dead ===

impl Dead {
    pub(super) fn has(&self, place: usize) -> bool {
        self.words.get(place / 64).is_some_and(|word| word >> (place % 64) & 1 == 1)
    }

    fn set(&mut self, place: usize, filters: usize) {
        if self.words.len() <= place / 64 {
            self.words.resize(place / 64 + 1, 0);
        }
        self.words[place / 64] |= 1 << (place % 64);
        self.filters += filters;
    }
}
