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
//! [`FilterIndex::rebuilt`] melts the layers into one, or everything into a new base, for a background thread; what has
//! changed meanwhile stays in the layers that it made.

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

/// Filters in the newest layer at most. Each change builds that layer anew, within a millisecond; twice the filters of
/// one service.
///
/// Few in tests, whose filters are few, so that there are layers.
const NEWEST_FILTERS_MAX: usize = if cfg!(test) { 6 } else { 64 };

/// Layers on top of the base from which on they are melted in the background: each costs one more walk of the payload.
const LAYERS_MELT: usize = 4;

/// Layers on top of the base at most. One more change melts them at once: more changes have come than the background
/// could take in.
const LAYERS_MAX: usize = 64;

/// A new base is due when this part of the filters is outside the base or dead in it.
const REBUILD_SHARE: usize = 64;

/// But not for fewer than these.
const REBUILD_FILTERS_MIN: usize = 256;

/// All filters, ready to be asked. Never changed: a change makes the next index, which shares nearly everything.
#[derive(Clone)]
pub struct FilterIndex {
    base: Layer,
    /// The newest last.
    recent: Vec<Layer>,
    /// Of an index that is not in force yet: from what it was melted.
    melted: Option<Arc<Melted>>,
}

/// The base and the layers of the index that another one was melted from.
struct Melted {
    base: Layer,
    recent: Vec<Layer>,
}

// === impl FilterIndex ===

impl FilterIndex {
    /// Builds the index of these services, given in rising order of their keys.
    pub fn build(services: impl IntoIterator<Item = (ServiceKey, Filters)>) -> Self {
        Self { base: Layer::of(services.into_iter().collect()), recent: Vec::new(), melted: None }
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

    /// The index after the filters of some services have changed; no filters means that a service has none any more.
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

    /// Is it time for [`Self::rebuilt`]?
    pub fn wants_rebuild(&self) -> bool {
        self.recent.len() > LAYERS_MELT || self.wants_base()
    }

    fn wants_base(&self) -> bool {
        let outside: usize = self.recent.iter().map(Layer::alive).sum();
        outside + self.base.dead() > REBUILD_FILTERS_MIN.max(self.base.alive() / REBUILD_SHARE)
    }

    /// The same filters in one base, or in the same base and one layer where those outside the base are few. A new base
    /// takes about a second for 100,000 filters: for a background thread. [`Self::rebased`] puts it in force.
    #[must_use]
    pub fn rebuilt(&self) -> Self {
        let melted = Some(Arc::new(Melted { base: self.base.clone(), recent: self.recent.clone() }));
        if self.wants_base() || self.recent.is_empty() {
            let mut services: Vec<_> = self.services().collect();
            services.sort_by_key(|(service, _)| *service);
            return Self { melted, ..Self::build(services) };
        }
        let mut services: Vec<_> = self.recent.iter().flat_map(Layer::services).collect();
        services.sort_by_key(|(service, _)| *service);
        Self { base: self.base.clone(), recent: vec![Layer::of(services)], melted }
    }

    /// This index with what `rebuilt` has melted, which was made from an earlier state of it. Layers that were made since
    /// then stay on top as they are, so that this costs no more than a change. Where this index does not stand on the
    /// base that was melted (it was read anew from disk), it stays as it is.
    #[must_use]
    pub fn rebased(&self, rebuilt: &Self) -> Self {
        let Some(melted) = rebuilt.melted.as_ref().filter(|melted| melted.base.is(&self.base)) else {
            return self.clone();
        };
        let newer = self.recent.iter().filter(|layer| !melted.recent.iter().any(|known| known.is(layer)));
        let newer: Vec<_> = newer.cloned().collect();
        let mut next = Self { base: rebuilt.base.clone(), recent: rebuilt.recent.clone(), melted: None };
        // What was changed since then is in a newer layer; what was deleted is nowhere any more.
        let moved = newer.iter().flat_map(Layer::services).map(|(service, _)| service);
        let known = melted.recent.iter().flat_map(Layer::services).map(|(service, _)| service);
        let gone = known.chain(self.base.buried()).filter(|service| self.live(*service).is_none());
        let void: Vec<_> = moved.chain(gone).collect();
        next.layers_mut().for_each(|layer| layer.bury(void.iter().copied()));
        next.recent.extend(newer);
        next.recent.retain(|layer| layer.alive() > 0);
        next
    }

    /// How many filters there are, disabled ones included.
    pub fn filters(&self) -> usize {
        self.layers().map(Layer::alive).sum()
    }

    /// How many layers a call is tested against.
    #[cfg(test)]
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
