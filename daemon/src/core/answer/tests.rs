use tollgate_shared::api::ServiceResult;
use tollgate_shared::id::{FilterId, ServiceId};
use tollgate_shared::problem::Slug;
use uuid::Uuid;

use super::*;
use crate::core::authenticate::Denied;

fn decision(outcome: Outcome, results: &[Outcome]) -> Decision {
    let result = |outcome: &Outcome| ServiceResult {
        service: ServiceId(Uuid::nil()),
        outcome: *outcome,
        incident: None,
        filter: FilterId(Uuid::nil()),
    };
    Decision { results: results.iter().map(result).collect(), ..Decision::of(outcome) }
}

fn flags(decision: &Decision) -> [bool; 4] {
    let body = body_of(CallId(Uuid::nil()), decision);
    [body.resolved.duplicate, body.resolved.resolved, body.triggered.duplicate, body.triggered.created]
}

#[test]
fn the_status_says_what_became_of_the_call() {
    let status = |outcome| status_of(&decision(outcome, &[]));
    assert_eq!(Outcome::ALL.map(status), [201, 200, 200, 200, 202, 202, 201, 202]);
}

#[test]
fn a_refusal_has_the_status_of_its_slug_whatever_the_outcome() {
    let denied =
        Denied { slug: Slug::TokenRevoked, token: None, dead: None, presented_id: None, detail: String::new() };
    assert_eq!(status_of(&Decision { refused: Some(denied), ..decision(Outcome::Created, &[]) }), 401);
}

#[test]
fn a_duplicate_has_both_duplicate_flags_and_no_other() {
    assert_eq!(flags(&decision(Outcome::Duplicate, &[])), [true, false, true, false]);
}

#[test]
fn a_call_that_resolves_here_and_creates_there_says_both() {
    let both = decision(Outcome::Created, &[Outcome::Resolved, Outcome::Created]);
    assert_eq!(flags(&both), [false, true, false, true]);
    assert_eq!(flags(&decision(Outcome::Attached, &[Outcome::Attached])), [false; 4]);
}

#[test]
fn an_answer_lists_100_results_and_says_how_many_there_are() {
    let body = body_of(CallId(Uuid::nil()), &decision(Outcome::Created, &[Outcome::Created; 250]));
    assert_eq!((body.results.len(), body.results_total), (100, 250));
}
