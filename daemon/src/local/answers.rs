//! The way of a change to the writer and back, and of a read to the store and back.

use std::sync::Arc;

use http::header::{ETAG, IF_MATCH};
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use serde::Serialize;
use tokio::sync::oneshot;
use tollgate_shared::api::Page;
use tollgate_shared::problem::{Problem, Slug};

use crate::core::access::Actor;
use crate::core::admin::{Command, Reply};
use crate::daemon::Daemon;
use crate::edge::{Body, respond};
use crate::jobs::{AdminAnswer, AdminJob};
use crate::lanes::NotQueued;
use crate::store::StoreError;

/// 200 with a document.
pub(super) fn ok<T: Serialize>(value: &T) -> Response<Body> {
    respond::json(StatusCode::OK, value)
}

/// 201 with a document.
pub(super) fn created<T: Serialize>(value: &T) -> Response<Body> {
    respond::json(StatusCode::CREATED, value)
}

/// An answer with `ETag: "VERSION"`, for a later change with `If-Match`.
pub(super) fn tagged(mut response: Response<Body>, version: u64) -> Response<Body> {
    if let Ok(tag) = HeaderValue::from_str(&format!("\"{version}\"")) {
        response.headers_mut().insert(ETAG, tag);
    }
    response
}

/// The version in `If-Match`; `*` and nothing at all match any.
///
/// # Errors
/// It is there and is no version.
pub(super) fn version_of(headers: &HeaderMap) -> Result<Option<u64>, Problem> {
    let Some(value) = headers.get(IF_MATCH) else { return Ok(None) };
    let text = value.to_str().unwrap_or("").trim();
    if text == "*" {
        return Ok(None);
    }
    text.trim_matches('"').parse().map(Some).map_err(|_| {
        let detail = "If-Match: give the version as it stands in ETag, such as \"3\"";
        Problem::new(Slug::Validation, detail).with_error("If-Match", "is no version")
    })
}

/// A page made by cutting a whole list; the cursor is the place in it.
pub(super) fn page<T: Serialize>(all: Vec<T>, cursor: Option<usize>, limit: usize) -> Response<Body> {
    let (start, total) = (cursor.unwrap_or(0), all.len());
    let items: Vec<T> = all.into_iter().skip(start).take(limit).collect();
    let end = start.saturating_add(limit);
    ok(&Page { items, next: (end < total).then(|| end.to_string()) })
}

/// Gives a command to the writer and waits until it is on disk and in force.
///
/// # Errors
/// The writer's refusal, or that it does not take commands now.
pub(super) async fn change(daemon: &Daemon, actor: Actor, command: Command) -> Result<AdminAnswer, Problem> {
    let (answer, waiting) = oneshot::channel();
    daemon.lanes.push_admin(AdminJob::Command { actor, command, answer }).map_err(|back| match back {
        NotQueued::Full(_) => Problem::new(Slug::Overloaded, "too many changes are waiting; try again"),
        NotQueued::Closed(_) => Problem::new(Slug::ShuttingDown, "the daemon is shutting down"),
    })?;
    waiting.await.unwrap_or_else(|_| Err(Problem::new(Slug::ShuttingDown, "the daemon stopped before it was done")))
}

/// The same where the reply is an id that the caller shows.
pub(super) async fn reply(daemon: &Daemon, actor: Actor, command: Command) -> Result<Reply, Problem> {
    match change(daemon, actor, command).await? {
        AdminAnswer::Reply(reply) => Ok(reply),
        AdminAnswer::Receipt(_) => Err(unexpected()),
    }
}

/// The writer answered something else than was asked: a mistake of ours, said plainly.
pub(super) fn unexpected() -> Problem {
    Problem::new(Slug::Internal, "the change was made, but its answer is not the expected one; look at the object")
}

/// Reads from the store on a thread that may block.
///
/// # Errors
/// The store's failure: what the caller may know; the log gets the chain.
pub(super) async fn read<T: Send + 'static>(
    daemon: &Arc<Daemon>,
    work: impl FnOnce(&Daemon) -> Result<T, StoreError> + Send + 'static,
) -> Result<T, Problem> {
    let daemon = daemon.clone();
    let done = tokio::task::spawn_blocking(move || work(&daemon)).await;
    match done {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => {
            tracing::error!(error = %crate::report(&error), "reading the store failed");
            Err(Problem::new(Slug::StorageUnavailable, "the store could not be read; the daemon's log says why"))
        }
        Err(_) => Err(Problem::new(Slug::Internal, "reading the store failed unexpectedly; the daemon's log says why")),
    }
}
