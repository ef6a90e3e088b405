//! What a sender is told of a decision (http.md §1): the status, and Callgoose's shape with `results`, or PagerDuty's.

use serde::Serialize;
use serde_json::Value;
use tollgate_shared::api::{EnqueueAnswer, Phase, ProcessAnswer, RequestAnswer, TriggeredPhase};
use tollgate_shared::id::CallId;
use tollgate_shared::limits::{IDEMPOTENCY_ANSWER_BYTES_MAX, RESULTS_LISTED_MAX};
use tollgate_shared::outcome::Outcome;
use tollgate_shared::problem::Slug;

use super::decision::{Content, Decision, Proposal};
use super::endpoint::Endpoint;

/// The status of a decision in the words of its endpoint.
pub fn status_at(endpoint: Endpoint, decision: &Decision) -> u16 {
    match (endpoint, &decision.refused, decision.replayed) {
        (_, None, Some(replayed)) => replayed.status,
        (Endpoint::Process | Endpoint::Request, _, _) => status_of(decision),
        (Endpoint::Enqueue, Some(denied), _) => refused_status(Endpoint::Enqueue, denied.slug),
        (Endpoint::Enqueue, None, _) => 202,
    }
}

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

/// The status of a refusal. Clients of PagerDuty know 400, 429 and 5xx: what is wrong with the event or its key is 400,
/// so that they say why and do not send it again.
pub fn refused_status(endpoint: Endpoint, slug: Slug) -> u16 {
    match (endpoint, slug.status()) {
        (Endpoint::Enqueue, 401 | 403 | 415 | 422) => 400,
        (_, status) => status,
    }
}

/// The JSON document of a 2xx answer.
pub fn document(endpoint: Endpoint, call: CallId, content: &Content, decision: &Decision) -> Vec<u8> {
    match endpoint {
        Endpoint::Process => json(&body_of(call, decision)),
        Endpoint::Request => json(&request_body_of(call, decision)),
        Endpoint::Enqueue => json(&EnqueueAnswer::success(dedup_key(content, decision))),
    }
}

/// The same as it is kept for a retry: of a long one the last results are left out.
pub fn kept_document(proposal: &Proposal, decision: &Decision) -> Vec<u8> {
    let whole = document(proposal.endpoint, proposal.call, &proposal.content, decision);
    if whole.len() <= IDEMPOTENCY_ANSWER_BYTES_MAX || proposal.endpoint != Endpoint::Process {
        return whole;
    }
    let mut body = body_of(proposal.call, decision);
    while !body.results.is_empty() {
        body.results.truncate(body.results.len() * 3 / 4);
        let shorter = json(&body);
        if shorter.len() <= IDEMPOTENCY_ANSWER_BYTES_MAX {
            return shorter;
        }
    }
    json(&body)
}

/// Of a duplicate the key of the incident that it counts on: where the event named none, each call got one of its own.
fn dedup_key(content: &Content, decision: &Decision) -> String {
    let own = content.call.json.as_ref().and_then(|event| event.get("dedup_key")).and_then(Value::as_str);
    let key = decision.key.as_deref().filter(|_| decision.outcome == Outcome::Duplicate).or(own);
    key.unwrap_or_default().to_owned()
}

/// Texts, ids and booleans always serialise.
fn json<T: Serialize>(value: &T) -> Vec<u8> {
    serde_json::to_vec(value).unwrap_or_default()
}

/// The body of a 2xx answer of `/v1/request`: one request stands alone, as Callgoose answers; several, or none, are a list.
fn request_body_of(call: CallId, decision: &Decision) -> RequestAnswer {
    match decision.started.as_slice() {
        [alone] => RequestAnswer { id: call, request: Some(alone.clone()), requests: None },
        several => RequestAnswer { id: call, request: None, requests: Some(several.to_vec()) },
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
