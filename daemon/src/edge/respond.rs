//! Answers: problems, JSON, streams. Nothing may be cached, whatever it is.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::{ALLOW, CACHE_CONTROL, CONNECTION, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Frame;
use serde::Serialize;
use tokio::sync::mpsc;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};
use tollgate_shared::problem::{MEDIA_TYPE, Problem, Slug};
use tracing::error;

use super::{Body, RequestId};

/// Marks a response whose body has no natural end: the edge ends it when the daemon stops.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Streaming;

/// Rows from a bounded queue. A slow reader fills the queue; what happens then is the sender's decision.
struct ChannelBody {
    rows: mpsc::Receiver<Bytes>,
}

/// A body that ends early when the token is cancelled.
struct EndingBody {
    inner: Body,
    stop: Pin<Box<WaitForCancellationFutureOwned>>,
}

/// The answer for a problem. The edge adds the request id to the document when it sends it.
#[must_use]
pub fn problem(problem: Problem) -> Response<Body> {
    let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = bytes_response(status, MEDIA_TYPE, problem_bytes(&problem));
    let headers = response.headers_mut();
    if let Some(secs) = problem.retry_after {
        headers.insert(RETRY_AFTER, HeaderValue::from(secs));
    }
    if let Some(challenge) = problem.slug().ok().and_then(Slug::www_authenticate) {
        headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
    }
    response.extensions_mut().insert(problem);
    response
}

/// A JSON document. A value that cannot be serialised is our fault: 500, and the log says so.
#[must_use]
pub fn json<T: Serialize + ?Sized>(status: StatusCode, value: &T) -> Response<Body> {
    match serde_json::to_vec(value) {
        Ok(bytes) => bytes_response(status, "application/json", bytes.into()),
        Err(cause) => {
            error!(cause = %cause, "an answer could not be written as JSON");
            problem(Problem::new(Slug::Internal, "the answer could not be written"))
        }
    }
}

/// An answer without a body, such as 204.
#[must_use]
pub fn empty(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(http_body_util::Empty::new().boxed());
    *response.status_mut() = status;
    no_store(&mut response);
    response
}

/// Any ready-made bytes, for metrics and the OpenAPI document.
#[must_use]
pub fn bytes_response(status: StatusCode, media_type: &'static str, bytes: Bytes) -> Response<Body> {
    let mut response = Response::new(Full::new(bytes).boxed());
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    no_store(&mut response);
    response
}

/// A stream of NDJSON rows; each item is one or more whole lines with their line feeds. It ends when the sender is
/// dropped or the daemon stops.
#[must_use]
pub fn ndjson(rows: mpsc::Receiver<Bytes>) -> Response<Body> {
    stream(rows, "application/x-ndjson")
}

/// A stream of pieces of any kind, as [`ndjson`].
#[must_use]
pub fn stream(pieces: mpsc::Receiver<Bytes>, media_type: &'static str) -> Response<Body> {
    let mut response = Response::new(ChannelBody { rows: pieces }.boxed());
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    response.extensions_mut().insert(Streaming);
    no_store(&mut response);
    response
}

/// 405 with the methods that the route has.
#[must_use]
pub fn method_not_allowed(allow: &str) -> Response<Body> {
    let mut response = problem(Problem::new(Slug::MethodNotAllowed, format!("allowed here: {allow}")));
    set_allow(&mut response, allow);
    response
}

/// The answer to `OPTIONS`: 204 with the methods that the route has.
#[must_use]
pub fn options(allow: &str) -> Response<Body> {
    let mut response = empty(StatusCode::NO_CONTENT);
    set_allow(&mut response, allow);
    response
}

/// Makes this the last answer of its connection; right where the body of the request was not read.
#[must_use]
pub fn closing(mut response: Response<Body>) -> Response<Body> {
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    response
}

/// Adds what only the edge knows: the request id, and the end of a stream when the daemon stops.
pub(crate) fn seal(mut response: Response<Body>, id: RequestId, stop: &CancellationToken) -> Response<Body> {
    if let Ok(value) = HeaderValue::try_from(id.0.to_string()) {
        response.headers_mut().insert("x-request-id", value);
    }
    if !response.headers().contains_key(CACHE_CONTROL) {
        no_store(&mut response);
    }
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        *response.body_mut() = Full::new(problem_bytes(&problem.with_request_id(id.0.to_string()))).boxed();
    }
    if is_stream(&response) {
        let stop = Box::pin(stop.clone().cancelled_owned());
        return response.map(|inner| EndingBody { inner, stop }.boxed());
    }
    response
}

/// Whether an answer is a stream without end.
pub(crate) fn is_stream(response: &Response<Body>) -> bool {
    response.extensions().get::<Streaming>().is_some()
}

fn problem_bytes(problem: &Problem) -> Bytes {
    // Strings and small integers always serialise; an empty document still carries the right status.
    serde_json::to_vec(problem).unwrap_or_default().into()
}

fn no_store(response: &mut Response<Body>) {
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
}

fn set_allow(response: &mut Response<Body>, allow: &str) {
    if let Ok(value) = HeaderValue::try_from(allow) {
        response.headers_mut().insert(ALLOW, value);
    }
}

// === impl ChannelBody ===

impl hyper::body::Body for ChannelBody {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        self.rows.poll_recv(cx).map(|row| row.map(|bytes| Ok(Frame::data(bytes))))
    }
}

// === impl EndingBody ===

impl hyper::body::Body for EndingBody {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        if self.stop.as_mut().poll(cx).is_ready() {
            return Poll::Ready(None);
        }
        Pin::new(&mut self.inner).poll_frame(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_answer_forbids_caching() {
        let (_sender, rows) = mpsc::channel(1);
        let answers = [
            problem(Problem::new(Slug::NotFound, "")),
            json(StatusCode::OK, &1),
            empty(StatusCode::NO_CONTENT),
            ndjson(rows),
            options("GET"),
        ];
        for answer in answers {
            assert_eq!(answer.headers()[CACHE_CONTROL], "no-store");
        }
    }

    #[test]
    fn problem_carries_challenge_and_retry_after() {
        let missing = problem(Problem::new(Slug::CredentialMissing, "send a token"));
        assert_eq!(missing.headers()[WWW_AUTHENTICATE], "Bearer realm=\"tollgate\"");
        assert_eq!(missing.headers()[CONTENT_TYPE], MEDIA_TYPE);
        let overloaded = problem(Problem::new(Slug::Overloaded, "").with_retry_after(7));
        assert_eq!(overloaded.status(), 503);
        assert_eq!(overloaded.headers()[RETRY_AFTER], "7");
    }

    #[tokio::test]
    async fn request_id_reaches_header_and_document() {
        let id = RequestId::generate();
        let answer = seal(problem(Problem::new(Slug::NotFound, "x")), id, &CancellationToken::new());
        assert_eq!(answer.headers()["x-request-id"].to_str().unwrap(), id.0.to_string());
        let bytes = answer.into_body().collect().await.unwrap().to_bytes();
        let document: Problem = serde_json::from_slice(&bytes).unwrap();
        assert_eq!(document.request_id, Some(id.0.to_string()));
    }
}
