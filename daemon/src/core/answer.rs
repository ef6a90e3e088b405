//! What a sender is told of a decision (http.md §1): the status, and Callgoose's shape with `results`.

use tollgate_shared::api::{Phase, ProcessAnswer, TriggeredPhase};
use tollgate_shared::id::CallId;
use tollgate_shared::limits::RESULTS_LISTED_MAX;
use tollgate_shared::outcome::Outcome;

use super::decide::Decision;

/// 201 at least one created; 200 none created but one resolved or attached, or a duplicate; 202 nothing happened; a
/// refusal has its slug's status.
pub fn status_of(decision: &Decision) -> u16 {
    if let Some(denied) = &decision.refused {
        return denied.slug.status();
    }
    match decision.outcome {
        Outcome::Created | Outcome::Started => 201,
        Outcome::Attached | Outcome::Resolved | Outcome::Duplicate => 200,
        Outcome::Suppressed | Outcome::NoMatch | Outcome::Rejected => 202,
    }
}

/// The body of a 2xx answer.
pub fn body_of(call: CallId, decision: &Decision) -> ProcessAnswer {
    let duplicate = decision.outcome == Outcome::Duplicate;
    let any = |outcome| decision.results.iter().any(|result| result.outcome == outcome);
    ProcessAnswer {
        id: call,
        resolved: Phase { duplicate, resolved: any(Outcome::Resolved) },
        triggered: TriggeredPhase { duplicate, created: any(Outcome::Created) },
        results: decision.results.iter().copied().take(RESULTS_LISTED_MAX).collect(),
        results_total: u32::try_from(decision.results.len()).unwrap_or(u32::MAX),
    }
}

#[cfg(test)]
mod tests;
