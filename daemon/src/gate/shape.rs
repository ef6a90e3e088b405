//! Refusals in the shapes that the senders of an endpoint can read.

use http::{Response, StatusCode};
use tollgate_shared::api::EnqueueAnswer;
use tollgate_shared::problem::{Problem, Slug};

use crate::core::answer;
use crate::core::endpoint::Endpoint;
use crate::edge::{Body, respond};

/// A refusal in the shape of its endpoint.
pub(super) fn refusal(endpoint: Endpoint, problem: Problem) -> Response<Body> {
    match endpoint {
        Endpoint::Process | Endpoint::Request => respond::problem(problem),
        Endpoint::Enqueue => enqueue(&problem),
    }
}

/// A refusal in PagerDuty's shape, with what our headers say.
pub(super) fn enqueue(problem: &Problem) -> Response<Body> {
    let slug = problem.slug().unwrap_or(Slug::Internal);
    let status = answer::refused_status(Endpoint::Enqueue, slug);
    let body = match status {
        400 => EnqueueAnswer::invalid(vec![problem.detail.clone()]),
        429 => {
            EnqueueAnswer::failed("throttle exceeded", "Requests for this service are arriving too quickly", problem)
        }
        _ => EnqueueAnswer::failed(slug.as_str(), slug.title(), problem),
    };
    let mut response = respond::json(StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR), &body);
    if let Some(secs) = problem.retry_after {
        response.headers_mut().insert(http::header::RETRY_AFTER, secs.into());
    }
    response
}
