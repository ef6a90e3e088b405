//! What `POST /v1/request` has of its own: who may come there, what the workflows say, how it is answered.

use http::{Response, StatusCode};
use tollgate_shared::api::RequestAnswer;
use tollgate_shared::id::CallId;
use tollgate_shared::problem::{Problem, Slug};
use tollgate_shared::token::Scope;

use super::presented;
use crate::core::answer;
use crate::core::authenticate::Denied;
use crate::core::decide::Decision;
use crate::core::endpoint::Endpoint;
use crate::core::model::Token;
use crate::edge::{Body, respond};

/// Only global tokens create requests (domain.md §7). Asked before the permission: a team's token cannot have that at all.
pub(super) fn in_scope(endpoint: Endpoint, token: &Token) -> Result<(), Denied> {
    if endpoint == Endpoint::Request && token.scope != Scope::Global {
        let detail = "only global tokens start workflows; this token's scope is narrower";
        return Err(Denied::of(token, Slug::ScopeMissing, detail));
    }
    Ok(())
}

/// The answer of a decided call.
pub(super) fn answered(call: CallId, decision: Decision) -> Response<Body> {
    if let Some(denied) = &decision.refused {
        let problem = presented::outside(denied);
        let named = |problem: Problem, error: tollgate_shared::problem::FieldError| {
            problem.with_error(error.path, error.message)
        };
        return respond::problem(decision.errors.into_iter().fold(problem, named));
    }
    let status = StatusCode::from_u16(answer::status_of(&decision)).unwrap_or(StatusCode::OK);
    respond::json(status, &body_of(call, decision))
}

/// One request stands alone, as Callgoose answers; several, or none, are a list.
fn body_of(call: CallId, mut decision: Decision) -> RequestAnswer {
    let alone = decision.started.len() == 1;
    let request = if alone { decision.started.pop() } else { None };
    let requests = if alone { None } else { Some(decision.started) };
    RequestAnswer { id: call, request, requests }
}
