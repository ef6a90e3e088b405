//! What a call does: the writer asks this for each proposal, in queue order (architecture.md rule 1).
//!
//! The order is: is the token still good → was it answered under its idempotency key → was the call already here (§4) →
//! resolve, attach or create (§3, §6). The view
//! is memory as of the last commit plus this batch's own changes, so [fire, recover, fire] in one batch gives created,
//! resolved, created.

mod effects;
mod pace;

use std::sync::Arc;

use tollgate_shared::limits::{IDEMPOTENCY_SECS, SERVICES_PER_CALL_MAX};
use tollgate_shared::outcome::Outcome;
use tollgate_shared::problem::Slug;
use tollgate_shared::time::Timestamp;
use tollgate_shared::token::Permission;
use uuid::Uuid;

use super::answer;
use super::authenticate::{self, Denied};
use super::decision::{Decision, Proposal};
use super::model::{Answered, DedupEntry, StoredAnswer, Token};
use super::registry::Registry;
use super::routing;
use super::workflows;
use crate::store::View;

pub use effects::{Origin, fire_once};
pub use pace::Pace;

/// What deciding needs besides the proposal.
pub struct Bench<'a> {
    /// The authoritative registry.
    pub registry: &'a Registry,
    /// Authoritative memory and the batch's changes.
    pub view: &'a mut dyn View,
    /// How many incidents without a key each token opens a minute.
    pub pace: &'a mut Pace,
    /// Makes ids that sort by age.
    pub new_id: &'a mut dyn FnMut() -> Uuid,
    /// The batch's moment.
    pub now: Timestamp,
}

/// Decides one proposal and puts its changes into the view.
pub fn decide(bench: &mut Bench<'_>, proposal: &Proposal) -> Decision {
    if let Some(denied) = locked_down(bench, proposal) {
        return Decision::refused(denied);
    }
    let token = match still_good(bench, proposal) {
        Ok(token) => token,
        Err(denied) => return Decision::refused(denied),
    };
    match answered_before(bench, proposal, &token) {
        Ok(None) => {}
        Ok(Some(answered)) => return Decision { replayed: Some(answered), ..Decision::of(Outcome::Duplicate) },
        Err(denied) => return Decision::refused(denied),
    }
    if let Some(start) = &proposal.start {
        let decision = workflows::decide_start(bench, proposal, &token, start);
        remember_answer(bench, proposal, &decision);
        return malformed_unless_matched(decision, &token, proposal);
    }
    if let Some(entry) = standing_entry(bench, proposal, &token) {
        return duplicate(bench, &entry);
    }
    let fresh;
    let plan = if bench.registry.routing() == proposal.plan.routing {
        &proposal.plan
    } else {
        fresh = routing::plan_for(bench.registry, &token, &proposal.content.call, &proposal.content.redacted);
        &fresh
    };
    if plan.services.len() > SERVICES_PER_CALL_MAX {
        return Decision::refused(too_many_services(&token, plan.services.len()));
    }
    let mut done = effects::carry_out(bench, proposal, plan);
    if token.permissions.contains(&Permission::IncidentsUpdate) {
        effects::acknowledge(bench, proposal, &token, &mut done);
    }
    if let Some(fingerprint) = proposal.fingerprint.filter(|_| done.decision.outcome.has_effect()) {
        bench.view.remember(token.id, fingerprint, DedupEntry { at: bench.now, effects: done.effects });
    }
    remember_answer(bench, proposal, &done.decision);
    malformed_unless_matched(done.decision, &token, proposal)
}

/// Keeps the answer of a call that had an effect, for its retries.
fn remember_answer(bench: &mut Bench<'_>, proposal: &Proposal, decision: &Decision) {
    if let Some(idempotency) = proposal.idempotency.filter(|_| decision.outcome.has_effect()) {
        let (status, body) =
            (answer::status_at(proposal.endpoint, decision), answer::kept_document(proposal, decision));
        let answer = StoredAnswer { at: bench.now, print: idempotency.print, status, body };
        bench.view.remember_answer(idempotency.key, answer);
    }
}

/// The answer that the same call got before under its idempotency key, for 24 h. It is given again whatever has become of
/// the call's effect: its sender asks whether it arrived, not what is open now.
///
/// # Errors
/// The key was used for another call.
fn answered_before(bench: &Bench<'_>, proposal: &Proposal, token: &Token) -> Result<Option<Answered>, Denied> {
    let Some(own) = &proposal.idempotency else { return Ok(None) };
    let found = bench.view.answered(&own.key).filter(|found| bench.now < found.at.plus_secs(IDEMPOTENCY_SECS));
    match found {
        Some(found) if found.print != own.print => {
            let detail = format!("the idempotency key was used for another body at {}; send a fresh key", found.at);
            Err(Denied::of(token, Slug::IdempotencyMismatch, detail))
        }
        found => Ok(found),
    }
}

/// A call that waited while ingestion was locked down is turned away as one that comes now.
fn locked_down(bench: &Bench<'_>, proposal: &Proposal) -> Option<Denied> {
    let lockdown = bench.registry.lockdown()?;
    let detail = format!("ingestion is locked down since {}", lockdown.at);
    Some(Denied { slug: Slug::LockedDown, token: Some(proposal.token), dead: None, presented_id: None, detail })
}

/// Declared JSON that does not parse was tried as text; where nothing matched, the sender is told what is wrong with it
/// (http.md §1, body).
fn malformed_unless_matched(decision: Decision, token: &Token, proposal: &Proposal) -> Decision {
    match &proposal.json_problem {
        Some(why) if decision.outcome == Outcome::NoMatch => {
            Decision::refused(Denied::of(token, Slug::MalformedJson, why.clone()))
        }
        _ => decision,
    }
}

/// The token as it is now, if the call may still use it.
fn still_good(bench: &Bench<'_>, proposal: &Proposal) -> Result<Arc<Token>, Denied> {
    let revoked = |detail: &str| Denied {
        slug: Slug::TokenRevoked,
        token: None,
        dead: Some(proposal.token),
        presented_id: Some(proposal.token.to_string()),
        detail: detail.to_owned(),
    };
    let token =
        bench.registry.token(proposal.token).ok_or_else(|| revoked("revoked while the call waited for the writer"))?;
    let old = token.overlap.filter(|overlap| overlap.runs(bench.now)).map(|overlap| overlap.mac);
    if token.mac != proposal.mac && old != Some(proposal.mac) {
        return Err(revoked("rotated, or its overlap ended, while the call waited for the writer"));
    }
    authenticate::check(bench.registry, token, proposal.source_ip, Some(proposal.endpoint.permission()), bench.now)?;
    Ok(token.clone())
}

fn too_many_services(token: &Token, services: usize) -> Denied {
    let detail = format!("the call matches in {services} services; {SERVICES_PER_CALL_MAX} are the limit");
    Denied::of(token, Slug::Validation, detail)
}

/// What is remembered of an equal call, if its window is open and all its effects still stand (§4).
fn standing_entry(bench: &Bench<'_>, proposal: &Proposal, token: &Token) -> Option<DedupEntry> {
    let fingerprint = proposal.fingerprint.as_ref()?;
    let entry = bench.view.dedup(token.id, fingerprint)?;
    let window_open = bench.now < entry.at.plus_secs(i64::from(token.dedup_window_secs));
    let stands =
        window_open && (token.dedup_strict || entry.effects.iter().all(|effect| effects::stands(bench.view, effect)));
    stands.then_some(entry)
}

/// A duplicate creates nothing; the open incidents that the first call touched count it.
fn duplicate(bench: &mut Bench<'_>, entry: &DedupEntry) -> Decision {
    let (mut title, mut key) = (None, None);
    for effect in &entry.effects {
        // One that was resolved a moment ago, in this very batch, is as closed as any other.
        if let Some(mut head) = bench.view.incident(effect.incident).filter(|head| head.state.is_open()) {
            head.duplicates += 1;
            title.get_or_insert_with(|| head.title.clone());
            key = key.or_else(|| head.key.clone());
            bench.view.put_incident(head);
        }
    }
    Decision { title, key, ..Decision::of(Outcome::Duplicate) }
}

#[cfg(test)]
mod intake_tests;

#[cfg(test)]
mod tests;

#[cfg(test)]
mod model_tests;
