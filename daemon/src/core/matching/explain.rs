//! Why a call matched or missed. Costs more than evaluating, so details are made only for what is kept.

use std::sync::Arc;

use tollgate_shared::explain::{
    ConditionExplain, Explain, FilterExplain, NEAREST_MISSES_MAX, PartExplain, SKIPPED_MAX, Seen, SkipReason, Skipped,
    cut_seen,
};
use tollgate_shared::filter::{Mode, Quantifier};

use super::compile::CompiledFilter;
use super::condition::CompiledCondition;
use super::near::near;
use super::select::{Selected, select};
use crate::core::call::Call;

/// How a verdict names a service.
#[derive(Debug, Clone, Copy)]
pub struct ServiceLabel<'a> {
    /// The service's id.
    pub id: &'a str,
    /// Its full name, `Team/Service`.
    pub name: &'a str,
}

/// Assembles the verdict on one call from many services: keeps all matches and the nearest misses, counts the rest.
pub struct ExplainBuilder<'a> {
    call: &'a Call,
    redacted: &'a Call,
    matched: Vec<FilterExplain>,
    /// The nearest first; never more than [`NEAREST_MISSES_MAX`].
    misses: Vec<(usize, FilterExplain)>,
    missed: u32,
    skipped: Vec<Skipped>,
    skipped_not_shown: u32,
}

/// The truth of a filter without its details.
struct Tally {
    matched: bool,
    met: usize,
}

/// Explains every enabled filter of one service, in the given order.
pub fn explain(
    service: ServiceLabel<'_>,
    filters: &[Arc<CompiledFilter>],
    call: &Call,
    redacted: &Call,
) -> Vec<FilterExplain> {
    let enabled = filters.iter().filter(|filter| filter.enabled);
    enabled.map(|filter| explain_filter(service, filter, call, redacted)).collect()
}

// === impl ExplainBuilder ===

impl<'a> ExplainBuilder<'a> {
    pub fn new(call: &'a Call, redacted: &'a Call) -> Self {
        Self {
            call,
            redacted,
            matched: Vec::new(),
            misses: Vec::with_capacity(NEAREST_MISSES_MAX + 1),
            missed: 0,
            skipped: Vec::new(),
            skipped_not_shown: 0,
        }
    }

    /// Tests the filters of a service. Call it in the order of evaluation: equally near misses stay in that order.
    pub fn service(&mut self, service: ServiceLabel<'_>, filters: &[Arc<CompiledFilter>]) {
        for filter in filters {
            if filter.enabled {
                self.filter(service, filter);
            } else {
                self.skip(service, Some(&filter.name), SkipReason::Disabled);
            }
        }
    }

    /// Notes that a service, or one filter of it, took no part.
    pub fn skip(&mut self, service: ServiceLabel<'_>, filter: Option<&str>, why: SkipReason) {
        if self.skipped.len() == SKIPPED_MAX {
            self.skipped_not_shown += 1;
            return;
        }
        let (service_id, service) = (service.id.to_owned(), service.name.to_owned());
        self.skipped.push(Skipped { service_id, service, filter: filter.map(str::to_owned), why });
    }

    pub fn finish(self, not_reached_services: u32, note: Option<String>) -> Explain {
        let shown = u32::try_from(self.misses.len()).unwrap_or(u32::MAX);
        Explain {
            matched: self.matched,
            nearest_misses: self.misses.into_iter().map(|(_, miss)| miss).collect(),
            misses_not_shown: self.missed - shown,
            not_reached_services,
            skipped: self.skipped,
            skipped_not_shown: self.skipped_not_shown,
            note,
        }
    }

    fn filter(&mut self, service: ServiceLabel<'_>, filter: &CompiledFilter) {
        let tally = tally(filter, self.call);
        if tally.matched {
            self.matched.push(explain_filter(service, filter, self.call, self.redacted));
            return;
        }
        self.missed += 1;
        let place = self.misses.partition_point(|(met, _)| *met >= tally.met);
        if place < NEAREST_MISSES_MAX {
            self.misses.insert(place, (tally.met, explain_filter(service, filter, self.call, self.redacted)));
            self.misses.truncate(NEAREST_MISSES_MAX);
        }
    }
}

fn tally(filter: &CompiledFilter, call: &Call) -> Tally {
    let (trigger, triggers) = count(&filter.trigger.conditions, filter.trigger.mode, call);
    let (resolve, resolves) = match &filter.resolve {
        Some(part) => count(&part.conditions, part.mode, call),
        None => (0, false),
    };
    Tally { matched: filter.trigger.match_all || triggers || resolves, met: trigger.max(resolve) }
}

fn count(conditions: &[CompiledCondition], mode: Mode, call: &Call) -> (usize, bool) {
    let met = conditions.iter().filter(|condition| condition.holds(call)).count();
    (met, is_true(met, conditions.len(), mode))
}

fn is_true(met: usize, total: usize, mode: Mode) -> bool {
    match mode {
        Mode::All => met == total && total > 0,
        Mode::Any => met > 0,
    }
}

fn explain_filter(service: ServiceLabel<'_>, filter: &CompiledFilter, call: &Call, redacted: &Call) -> FilterExplain {
    let trigger = &filter.trigger;
    let part = |conditions, mode, match_all| explain_part(conditions, mode, match_all, (call, redacted));
    FilterExplain {
        service_id: service.id.to_owned(),
        service: service.name.to_owned(),
        filter_id: filter.id.to_string(),
        filter: filter.name.clone(),
        position: filter.position,
        trigger: part(&trigger.conditions, trigger.mode, trigger.match_all),
        resolve: filter.resolve.as_ref().map(|resolve| part(&resolve.conditions, resolve.mode, false)),
    }
}

fn explain_part(
    conditions: &[CompiledCondition],
    mode: Mode,
    match_all: bool,
    (call, redacted): (&Call, &Call),
) -> PartExplain {
    let conditions: Vec<_> = conditions.iter().map(|item| explain_condition(item, call, redacted)).collect();
    let met = conditions.iter().filter(|condition| condition.ok).count();
    PartExplain {
        matched: match_all || is_true(met, conditions.len(), mode),
        match_all,
        mode,
        conditions_true: u32::try_from(met).unwrap_or(u32::MAX),
        conditions,
    }
}

fn explain_condition(condition: &CompiledCondition, call: &Call, redacted: &Call) -> ConditionExplain {
    let selected = select(&condition.path, call);
    ConditionExplain {
        path: condition.path.to_string(),
        op: condition.op,
        values: values_summary(condition),
        negate: condition.negate,
        ok: condition.holds_for(&selected),
        selected: u32::try_from(selected.len()).unwrap_or(u32::MAX),
        seen: if selected.is_empty() {
            Seen::Missing { near: near(&condition.path, redacted).as_deref().map(cut_seen) }
        } else {
            let place = condition.telling(&selected);
            seen(&selected[place].text(), condition, place, redacted)
        },
    }
}

/// The redacted view's value at the same place, and whether it differs from the true one.
fn seen(original: &str, condition: &CompiledCondition, place: usize, redacted: &Call) -> Seen {
    match select(&condition.path, redacted).get(place).map(Selected::text) {
        Some(text) if text == original => Seen::Value(cut_seen(&text)),
        Some(text) => Seen::Redacted(cut_seen(&text)),
        // A parent was replaced as a whole, so there is nothing at this place to show.
        None => Seen::Redacted(String::new()),
    }
}

fn values_summary(condition: &CompiledCondition) -> String {
    let between = match condition.quantifier {
        Quantifier::All => " and ",
        Quantifier::Any => " or ",
    };
    let quoted: Vec<String> = condition.values.iter().map(|value| format!("\"{value}\"")).collect();
    cut_seen(&quoted.join(between))
}
