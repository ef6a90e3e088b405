//! Two fates of one call, compared.

use tollgate_shared::api::NamedRef;
use tollgate_shared::api::trying::{Doubt, Fate, NAMED_MAX, TriedEffect, Verdict};
use tollgate_shared::explain::FilterExplain;
use tollgate_shared::log::LogRow;
use tollgate_shared::outcome::Outcome;

use super::judge::Judged;

/// The verdict on one call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tried {
    /// The verdict.
    pub verdict: Verdict,
    /// Why there is none.
    pub doubt: Option<Doubt>,
    /// Without the proposal, or then.
    pub before: Fate,
    /// With it.
    pub after: Fate,
}

/// The verdict on a call whose filters were asked before and after.
pub fn compare(before: &Judged, after: &Judged) -> (Verdict, Option<Doubt>) {
    if let Some(doubt) = before.doubt.or(after.doubt) {
        return (Verdict::CannotTell, Some(doubt));
    }
    if before.effects == after.effects {
        return (Verdict::Unchanged, None);
    }
    let details = before.details.or(after.details);
    match details.filter(|_| same(&before.effects, &after.effects)) {
        Some(doubt) => (Verdict::CannotTell, Some(doubt)),
        None => (by_count(before.effects.len(), after.effects.len()), None),
    }
}

/// The verdict on a call beside what was decided when it came; of that only services, filters and phases were kept.
pub fn compare_with_then(then: &Fate, now: &Judged) -> (Verdict, Option<Doubt>) {
    if let Some(doubt) = now.doubt {
        return (Verdict::CannotTell, Some(doubt));
    }
    let effects: Vec<_> = now.keyless.iter().chain(&now.effects).cloned().collect();
    if same(&then.effects, &now.effects) || same(&then.effects, &effects) {
        return (Verdict::Unchanged, None);
    }
    (by_count(then.effects.len(), now.effects.len()), None)
}

/// The verdict on so many effects before and after, where they differ.
pub(super) fn by_count(before: usize, after: usize) -> Verdict {
    match (before, after) {
        (0, 0) => Verdict::Unchanged,
        (0, _) => Verdict::Gained,
        (_, 0) => Verdict::Lost,
        _ => Verdict::Changed,
    }
}

fn same(one: &[TriedEffect], other: &[TriedEffect]) -> bool {
    let place = |effect: &TriedEffect| (effect.service.id.clone(), effect.filter.id.clone(), effect.phase.clone());
    let sorted = |effects: &[TriedEffect]| {
        let mut places: Vec<_> = effects.iter().map(place).collect();
        places.sort_unstable();
        places
    };
    one.len() == other.len() && sorted(one) == sorted(other)
}

/// What was decided when the call came, by the row's own explanation; `None` where the row has none.
pub fn then(row: &LogRow) -> Option<Fate> {
    if row.outcome == Outcome::Rejected {
        let refused = Some(row.problem.clone().unwrap_or_else(|| "refused".to_owned()));
        return Some(Fate { refused, effects: Vec::new() });
    }
    let matched = &row.explain.as_ref()?.matched;
    let services = matched.chunk_by(|one, other| one.service_id == other.service_id);
    Some(Fate { refused: None, effects: services.flat_map(of_service).take(NAMED_MAX).collect() })
}

/// As the filters were asked: every resolve part that was true, or else the first trigger.
fn of_service(matched: &[FilterExplain]) -> Vec<TriedEffect> {
    let resolves = |filter: &&FilterExplain| filter.resolve.as_ref().is_some_and(|part| part.matched);
    let found: Vec<_> = matched.iter().filter(resolves).map(|filter| decided(filter, "resolve")).collect();
    if !found.is_empty() {
        return found;
    }
    let first = matched.iter().filter(|filter| filter.trigger.matched).min_by_key(|filter| filter.position);
    first.map(|filter| decided(filter, "trigger")).into_iter().collect()
}

fn decided(filter: &FilterExplain, phase: &str) -> TriedEffect {
    TriedEffect {
        service: NamedRef { id: filter.service_id.clone(), name: filter.service.clone() },
        filter: NamedRef { id: filter.filter_id.clone(), name: filter.filter.clone() },
        phase: phase.to_owned(),
        key: None,
        priority: None,
        title: None,
    }
}
