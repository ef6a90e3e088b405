//! An immutable piece of the index: some services with all their filters.

use std::ops::Range;
use std::sync::Arc;

use tollgate_shared::filter::Mode;
use tollgate_shared::id::TeamId;

use super::candidates::Postings;
use super::layer::Dead;
use super::memo::Memo;
use super::paths::Paths;
use super::{Filters, ServiceKey};
use crate::core::call::Call;
use crate::core::matching::compile::CompiledFilter;
use crate::core::matching::condition::CompiledCondition;
use crate::core::matching::evaluate::{ServiceMatch, resolve_hit, trigger_hit};

/// Services in the order of evaluation, and the index over their filters.
///
/// The parts of filter `n` have the numbers `2 n` (resolve) and `2 n + 1` (trigger), so that rising candidates are in
/// the order in which the plain evaluator asks.
pub(super) struct Segment {
    pub(super) services: Vec<Home>,
    pub(super) filters: Vec<Entry>,
    /// For each condition its number in the memo: a filter's trigger conditions, then those of its resolve part.
    pub(super) shared: Vec<u32>,
    pub(super) paths: Paths,
    pub(super) postings: Postings,
}

/// A service.
pub(super) struct Home {
    pub(super) key: ServiceKey,
    pub(super) filters: Filters,
    /// The number of its first filter.
    pub(super) first: u32,
}

/// A filter.
pub(super) struct Entry {
    pub(super) filter: Arc<CompiledFilter>,
    /// The place of its service.
    pub(super) service: u32,
    /// Where its conditions begin in `shared`.
    pub(super) shared: u32,
}

/// Two views of one call: as it came, and with its secrets replaced.
type Views<'a> = (&'a Call, &'a Call);

// === impl Segment ===

impl Segment {
    /// Appends the answers of the services in which something is true, but of none that is dead.
    pub(super) fn evaluate(
        &self,
        team: Option<TeamId>,
        dead: &Dead,
        (call, redacted): Views<'_>,
        found: &mut Vec<(ServiceKey, ServiceMatch)>,
    ) {
        let reach = self.reach(team);
        if reach.is_empty() {
            return;
        }
        let candidates = self.postings.candidates(&self.paths.hits(call), &reach);
        let mut memo = Memo::new();
        for parts in candidates.chunk_by(|a, b| a / 2 == b / 2) {
            let entry = &self.filters[parts[0] as usize / 2];
            if !dead.has(entry.service as usize) {
                self.test(entry, parts, (call, redacted), &mut memo, found);
            }
        }
    }

    /// Tests the candidate parts of one filter, as the plain evaluator does it.
    fn test(
        &self,
        entry: &Entry,
        parts: &[u32],
        (call, redacted): Views<'_>,
        memo: &mut Memo,
        found: &mut Vec<(ServiceKey, ServiceMatch)>,
    ) {
        let key = self.services[entry.service as usize].key;
        let resolve_is_candidate = parts[0].is_multiple_of(2);
        let trigger_is_candidate = !parts[parts.len() - 1].is_multiple_of(2);
        if resolve_is_candidate && self.resolves(entry, call, memo) {
            answer(found, key).resolve_keys.push(resolve_hit(&entry.filter, call));
        } else if trigger_is_candidate && !has_trigger(found, key) && self.triggers(entry, call, memo) {
            answer(found, key).trigger = Some(trigger_hit(&entry.filter, call, redacted));
        }
    }

    fn resolves(&self, entry: &Entry, call: &Call, memo: &mut Memo) -> bool {
        let skipped = entry.filter.trigger.conditions.len();
        let numbers = &self.shared[entry.shared as usize + skipped..];
        let part = entry.filter.resolve.as_ref();
        part.is_some_and(|part| holds(&part.conditions, numbers, part.mode, call, memo))
    }

    fn triggers(&self, entry: &Entry, call: &Call, memo: &mut Memo) -> bool {
        let trigger = &entry.filter.trigger;
        let numbers = &self.shared[entry.shared as usize..];
        trigger.match_all || holds(&trigger.conditions, numbers, trigger.mode, call, memo)
    }

    /// The numbers of the parts of one team's filters, or of all.
    fn reach(&self, team: Option<TeamId>) -> Range<u32> {
        let end = u32::try_from(2 * self.filters.len()).unwrap_or(u32::MAX);
        let Some(team) = team else { return 0..end };
        let first = |place: usize| self.services.get(place).map_or(end, |home| 2 * home.first);
        let start = self.services.partition_point(|home| home.key.0 < team);
        first(start)..first(self.services.partition_point(|home| home.key.0 <= team))
    }

    pub(super) fn place(&self, service: ServiceKey) -> Option<usize> {
        self.services.binary_search_by_key(&service, |home| home.key).ok()
    }

    pub(super) fn key_of(&self, place: usize) -> ServiceKey {
        self.services[place].key
    }

    pub(super) fn filters_of(&self, place: usize) -> &Filters {
        &self.services[place].filters
    }

    pub(super) fn service_count(&self) -> usize {
        self.services.len()
    }

    pub(super) fn filter_count(&self) -> usize {
        self.filters.len()
    }
}

/// The answer of a service that is being tested: always the last one.
fn answer(found: &mut Vec<(ServiceKey, ServiceMatch)>, key: ServiceKey) -> &mut ServiceMatch {
    let place = match found.last() {
        Some((last, _)) if *last == key => found.len() - 1,
        _ => {
            found.push((key, ServiceMatch::default()));
            found.len() - 1
        }
    };
    &mut found[place].1
}

fn has_trigger(found: &[(ServiceKey, ServiceMatch)], key: ServiceKey) -> bool {
    found.last().is_some_and(|(last, answer)| *last == key && answer.trigger.is_some())
}

fn holds(conditions: &[CompiledCondition], numbers: &[u32], mode: Mode, call: &Call, memo: &mut Memo) -> bool {
    let mut asked = conditions.iter().zip(numbers);
    let mut ask = |(condition, number): (&CompiledCondition, &u32)| memo.answer(*number, || condition.holds(call));
    match mode {
        Mode::All => asked.all(&mut ask),
        Mode::Any => asked.any(&mut ask),
    }
}
