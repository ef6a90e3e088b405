//! The compiled index: the answer of the plain evaluator for every service that a call concerns, without a test for each
//! filter (domain.md section 3, "Matching must not cost a test per filter").
//!
//! Every part of a filter (resolve or trigger) is posted at the rarest thing that must be true of a call for the part to
//! be true: its guard. One walk of the payload finds the guards that hold, their postings are the candidates, and only
//! those are tested, with the plain evaluator's own conditions. So a wrong guess of what is rare costs time and never
//! changes an answer; what must be right is only that no guard is missed.
//!
//! A change does not rebuild 100,000 filters. The index is one large base and a few small layers on top of it; a changed
//! service is dead in the layer that had it and alive in the newest, which is small enough to be built anew each time.
//! [`FilterIndex::rebuilt`] melts everything into a new base, for a background thread.

mod build;
mod candidates;
mod guard;
mod layer;
mod memo;
mod paths;
mod segment;
mod texts;
mod trie;

use std::sync::Arc;

use tollgate_shared::id::{ServiceId, TeamId};

use self::layer::Layer;
use self::segment::Segment;
use super::compile::CompiledFilter;
use super::evaluate::ServiceMatch;
use crate::core::call::Call;

/// The place of a service in the order of evaluation.
pub type ServiceKey = (TeamId, ServiceId);

/// The filters of one service in order of position, shared: an equal pointer means an unchanged service.
pub type Filters = Arc<[Arc<CompiledFilter>]>;

/// Filters in the newest layer at most. Each change builds that layer anew, within some milliseconds.
const NEWEST_FILTERS_MAX: usize = 256;

/// Layers on top of the base at most: each costs one more walk of the payload. One more change melts them into one.
const LAYERS_MAX: usize = 8;

/// A new base is due when this part of the filters is outside the base or dead in it.
const REBUILD_SHARE: usize = 64;

/// All filters, ready to be asked. Never changed: a change makes the next index, which shares nearly everything.
#[derive(Clone)]
pub struct FilterIndex {
    base: Layer,
    /// The newest last.
    recent: Vec<Layer>,
}

// === impl FilterIndex ===

impl FilterIndex {
    /// Builds the index of these services, given in rising order of their keys.
    pub fn build(services: impl IntoIterator<Item = (ServiceKey, Filters)>) -> Self {
        Self { base: Layer::of(services.into_iter().collect()), recent: Vec::new() }
    }

    /// The answers of all services (of one team, where given) in which something is true, in the order of evaluation.
    /// Each is what [`evaluate`](super::evaluate()) says of that service's filters.
    pub fn evaluate(&self, team: Option<TeamId>, call: &Call, redacted: &Call) -> Vec<(ServiceKey, ServiceMatch)> {
        let mut found = Vec::new();
        for layer in self.layers() {
            layer.evaluate(team, call, redacted, &mut found);
        }
        if !self.recent.is_empty() {
            found.sort_by_key(|(service, _)| *service);
        }
        found
    }

    /// The index after one service's filters have changed; no filters means that the service has none any more.
    pub fn with_change(&self, service: ServiceKey, filters: &Filters) -> Self {
        self.with_changes(vec![(service, filters.clone())])
    }

    /// The index after the filters of several services have changed.
    pub fn with_changes(&self, mut changes: Vec<(ServiceKey, Filters)>) -> Self {
        changes.retain(|(service, filters)| !self.has(*service, filters));
        let mut next = self.clone();
        for layer in next.layers_mut() {
            layer.bury(changes.iter().map(|(service, _)| *service));
        }
        next.recent.retain(|layer| layer.alive() > 0);
        next.put(changes);
        next
    }

    /// Is a new base due? Then [`Self::rebuilt`] is worth its time.
    pub fn wants_rebuild(&self) -> bool {
        let outside: usize = self.recent.iter().map(Layer::alive).sum();
        outside + self.base.dead() > NEWEST_FILTERS_MAX.max(self.base.alive() / REBUILD_SHARE)
    }

    /// The same filters in one base. Takes about a second for 100,000 filters: for a background thread.
    #[must_use]
    pub fn rebuilt(&self) -> Self {
        let mut services: Vec<_> = self.services().collect();
        services.sort_by_key(|(service, _)| *service);
        Self::build(services)
    }

    /// This index as changes on top of the base of `rebuilt`, which was made from an earlier state of it.
    #[must_use]
    pub fn rebased(&self, rebuilt: &Self) -> Self {
        let gone = rebuilt.services().filter(|(service, _)| self.live(*service).is_none());
        let gone = gone.map(|(service, _)| (service, Filters::from([])));
        rebuilt.with_changes(self.services().chain(gone).collect())
    }

    /// How many filters there are, disabled ones included.
    pub fn filters(&self) -> usize {
        self.layers().map(Layer::alive).sum()
    }

    /// How many layers a call is tested against.
    pub fn layer_count(&self) -> usize {
        self.layers().count()
    }

    fn put(&mut self, mut changes: Vec<(ServiceKey, Filters)>) {
        changes.retain(|(_, filters)| !filters.is_empty());
        if changes.is_empty() {
            return;
        }
        let count: usize = changes.iter().map(|(_, filters)| filters.len()).sum();
        let joins = self.recent.last().is_some_and(|newest| newest.alive() + count <= NEWEST_FILTERS_MAX);
        let melts = if self.recent.len() == LAYERS_MAX && !joins { LAYERS_MAX } else { usize::from(joins) };
        for layer in self.recent.drain(self.recent.len() - melts..) {
            changes.extend(layer.services());
        }
        changes.sort_by_key(|(service, _)| *service);
        self.recent.push(Layer::of(changes));
    }

    fn has(&self, service: ServiceKey, filters: &Filters) -> bool {
        self.live(service).map_or(filters.is_empty(), |live| Arc::ptr_eq(live, filters))
    }

    fn live(&self, service: ServiceKey) -> Option<&Filters> {
        self.layers().find_map(|layer| layer.live(service))
    }

    fn services(&self) -> impl Iterator<Item = (ServiceKey, Filters)> {
        self.layers().flat_map(Layer::services)
    }

    fn layers(&self) -> impl Iterator<Item = &Layer> {
        std::iter::once(&self.base).chain(&self.recent)
    }

    fn layers_mut(&mut self) -> impl Iterator<Item = &mut Layer> {
        std::iter::once(&mut self.base).chain(&mut self.recent)
    }
}

impl Default for FilterIndex {
    fn default() -> Self {
        Self::build([])
    }
}

#[cfg(test)]
mod tests;
