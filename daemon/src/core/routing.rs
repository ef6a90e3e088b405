//! What a call would do in every service that its token reaches, judged by the filters alone. Which incidents are open is
//! not known here: the writer decides that.

use std::collections::BTreeSet;

use tollgate_shared::explain::{Explain, SKIPPED_MAX, SkipReason, Skipped};
use tollgate_shared::id::{FilterId, ServiceId};
use tollgate_shared::priority::Priority;
use tollgate_shared::time::Timestamp;
use tollgate_shared::token::Scope;

use super::call::Call;
use super::maintenance;
use super::matching::{self, ExplainBuilder, ServiceLabel, ServiceMatch};
use super::model::Token;
use super::registry::{Registry, ServiceEntry};
use super::rights;

/// What the filters say of one call.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// The routing state it was made with; another one means: make it again.
    pub routing: u64,
    /// Services in the order of evaluation, only those where something was true.
    pub services: Vec<ServicePlan>,
}

/// What the filters of one service say.
#[derive(Clone, Debug, PartialEq)]
pub struct ServicePlan {
    /// The service.
    pub service: ServiceId,
    /// Filters whose resolve part was true, with their keys.
    pub resolves: Vec<(FilterId, String)>,
    /// What a trigger would open or attach to, if nothing is resolved.
    pub trigger: Option<TriggerPlan>,
}

/// What a trigger would open.
#[derive(Clone, Debug, PartialEq)]
pub struct TriggerPlan {
    /// The filter that won.
    pub filter: FilterId,
    /// The correlation key; `None` = always a new incident.
    pub key: Option<String>,
    /// Rendered from the redacted view.
    pub title: String,
    /// Rendered from the redacted view.
    pub description: String,
    /// Its urgency.
    pub priority: Priority,
}

/// Evaluates `call` for everything that `token` reaches now: its scope, or the teams of a personal token's owner.
pub fn plan_for(registry: &Registry, token: &Token, call: &Call, redacted: &Call) -> Plan {
    match rights::own_teams(registry, token) {
        None => plan(registry, token.scope, call, redacted),
        Some(teams) => {
            let plans = teams.into_iter().map(|team| plan(registry, Scope::Team(team), call, redacted));
            Plan { routing: registry.routing(), services: plans.flat_map(|plan| plan.services).collect() }
        }
    }
}

/// Evaluates `call` for everything that `scope` reaches: many services through the index, one by its own few filters.
pub fn plan(registry: &Registry, scope: Scope, call: &Call, redacted: &Call) -> Plan {
    let team = match scope {
        Scope::Global => None,
        Scope::Team(team) => Some(team),
        Scope::Service(_) | Scope::Mine => return plan_plainly(registry, scope, call, redacted),
    };
    let found = registry.index().evaluate(team, call, redacted).into_iter();
    let services = found.filter_map(|((_, service), answer)| plan_service(service, answer)).collect();
    Plan { routing: registry.routing(), services }
}

/// The same plan by testing every filter.
fn plan_plainly(registry: &Registry, scope: Scope, call: &Call, redacted: &Call) -> Plan {
    let enabled = registry.reached(scope).iter().filter(|entry| entry.service.enabled);
    let answers = enabled.map(|entry| (entry.service.id, matching::evaluate(&entry.compiled, call, redacted)));
    let services = answers.filter_map(|(service, answer)| plan_service(service, answer)).collect();
    Plan { routing: registry.routing(), services }
}

/// The keys under which the filters that `token` reaches would open an incident for this call, whether or not they match.
pub fn keys_for(registry: &Registry, token: &Token, call: &Call) -> Vec<(ServiceId, String)> {
    let scopes = match rights::own_teams(registry, token) {
        None => vec![token.scope],
        Some(teams) => teams.into_iter().map(Scope::Team).collect(),
    };
    let reached = scopes.iter().flat_map(|scope| registry.reached(*scope)).filter(|entry| entry.service.enabled);
    let keys = reached.flat_map(|entry| {
        let enabled = entry.compiled.iter().filter(|filter| filter.enabled);
        enabled.filter_map(|filter| {
            matching::correlation_key(&filter.trigger.correlate, call).map(|key| (entry.service.id, key))
        })
    });
    keys.collect::<BTreeSet<_>>().into_iter().collect()
}

fn plan_service(service: ServiceId, answer: ServiceMatch) -> Option<ServicePlan> {
    let ServiceMatch { resolve_keys, trigger } = answer;
    let resolves: Vec<_> =
        resolve_keys.into_iter().filter_map(|hit| hit.key.map(|key| (FilterId(hit.filter), key))).collect();
    let trigger = trigger.map(|hit| TriggerPlan {
        filter: FilterId(hit.filter),
        key: hit.key,
        title: hit.title,
        description: hit.description,
        priority: hit.priority,
    });
    let plan = ServicePlan { service, resolves, trigger };
    (!plan.resolves.is_empty() || plan.trigger.is_some()).then_some(plan)
}

/// Why the filters were true or not: every match, the 20 nearest misses, what was skipped and what was out of reach.
pub fn explain_for(registry: &Registry, token: &Token, call: &Call, redacted: &Call) -> Explain {
    let scopes = match rights::own_teams(registry, token) {
        None => vec![token.scope],
        Some(teams) => teams.into_iter().map(Scope::Team).collect(),
    };
    explain(registry, &scopes, call, redacted)
}

fn explain(registry: &Registry, scopes: &[Scope], call: &Call, redacted: &Call) -> Explain {
    let reached: Vec<_> = scopes.iter().flat_map(|scope| registry.reached(*scope)).collect();
    let mut verdict = ExplainBuilder::new(call, redacted);
    for entry in &reached {
        let id = entry.service.id.to_string();
        let label = ServiceLabel { id: &id, name: &entry.full_name };
        if entry.service.enabled {
            verdict.service(label, &entry.compiled);
        } else {
            verdict.skip(label, None, SkipReason::Disabled);
        }
    }
    let not_reached = u32::try_from(registry.services().len() - reached.len()).unwrap_or(u32::MAX);
    verdict.finish(not_reached, None)
}

/// The verdict with what maintenance keeps from happening: of the filters that matched, it names each service whose
/// incidents are suppressed now, and until when.
pub fn with_maintenance(mut explain: Explain, registry: &Registry, call: &Call, now: Timestamp) -> Explain {
    let mut seen = BTreeSet::new();
    for filter in explain.matched.iter().filter(|filter| filter.trigger.matched) {
        let Ok(service) = filter.service_id.parse::<ServiceId>() else { continue };
        let Some(one) = maintenance::in_force(registry.maintenances_of(service), call, now) else { continue };
        if !seen.insert(service) {
            continue;
        }
        explain.note.get_or_insert_with(|| format!("{} is {}", filter.service, one.words()));
        if explain.skipped.len() < SKIPPED_MAX {
            let (service_id, service) = (filter.service_id.clone(), filter.service.clone());
            explain.skipped.push(Skipped { service_id, service, filter: None, why: SkipReason::Maintenance });
        } else {
            explain.skipped_not_shown += 1;
        }
    }
    explain
}

/// The same for one service, also where it is disabled: for trying filters.
pub fn explain_service(entry: &ServiceEntry, call: &Call, redacted: &Call) -> Explain {
    let id = entry.service.id.to_string();
    let mut verdict = ExplainBuilder::new(call, redacted);
    verdict.service(ServiceLabel { id: &id, name: &entry.full_name }, &entry.compiled);
    let note = (!entry.service.enabled).then(|| "the service is disabled: a real call would skip it".to_owned());
    verdict.finish(0, note)
}

#[cfg(test)]
mod tests;
