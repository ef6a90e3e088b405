//! What a call does in one service: which keys it resolves, and which filter would open an incident.

use std::sync::Arc;

use tollgate_shared::priority::Priority;
use uuid::Uuid;

use super::compile::CompiledFilter;
use super::key::correlation_key;
use super::render;
use crate::core::call::Call;

/// The answer of one service's filters. The writer resolves first; only if that resolved nothing does it use `trigger`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServiceMatch {
    /// One for each filter whose resolve part was true, in order of position.
    pub resolve_keys: Vec<ResolveHit>,
    /// The first filter by position whose trigger was true and whose own resolve part was false.
    pub trigger: Option<TriggerHit>,
}

/// A resolve part that was true.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResolveHit {
    /// The filter's id.
    pub filter: Uuid,
    /// `None` = the call yields no key, so this resolves nothing.
    pub key: Option<String>,
}

/// The filter that opens an incident, and what the incident says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TriggerHit {
    /// The filter's id.
    pub filter: Uuid,
    /// Its name.
    pub filter_name: String,
    /// `None` = always a new incident.
    pub key: Option<String>,
    /// At most 1,024 characters, redacted.
    pub title: String,
    /// At most 4 KiB, redacted.
    pub description: String,
    /// As the call names it, or else the filter.
    pub priority: Priority,
}

/// Tests a service's filters, which are given in order of position, against a call. Texts are made from `redacted`,
/// the same call with its secrets replaced; keys and truth from `call`.
pub fn evaluate(filters: &[Arc<CompiledFilter>], call: &Call, redacted: &Call) -> ServiceMatch {
    debug_assert!(filters.is_sorted_by_key(|filter| filter.position), "filters are asked in order of position");
    let mut found = ServiceMatch::default();
    for filter in filters.iter().filter(|filter| filter.enabled) {
        if filter.resolves(call) {
            found.resolve_keys.push(resolve_hit(filter, call));
        } else if found.trigger.is_none() && filter.triggers(call) {
            found.trigger = Some(trigger_hit(filter, call, redacted));
        }
    }
    found
}

impl CompiledFilter {
    /// The key of a recovery by this filter; `None` where it has no resolve part or the call yields no key.
    pub fn resolve_key(&self, call: &Call) -> Option<String> {
        self.resolve.as_ref().and_then(|part| correlation_key(&part.correlate, call))
    }
}

pub(super) fn resolve_hit(filter: &CompiledFilter, call: &Call) -> ResolveHit {
    ResolveHit { filter: filter.id, key: filter.resolve_key(call) }
}

/// What the incident of `filter` says, for a call that its trigger matches.
pub(super) fn trigger_hit(filter: &CompiledFilter, call: &Call, redacted: &Call) -> TriggerHit {
    let trigger = &filter.trigger;
    TriggerHit {
        filter: filter.id,
        filter_name: filter.name.clone(),
        key: correlation_key(&trigger.correlate, call),
        title: render::title(&trigger.title_from, redacted),
        description: render::description(&trigger.description_from, redacted),
        priority: render::priority(trigger, call),
    }
}
