//! One connection from its first byte to its last, and the frame around each handler call.

use std::convert::Infallible;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use http::{Request, Response, StatusCode, Version};
use hyper::body::{Body as _, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::OwnedSemaphorePermit;
use tokio_util::sync::CancellationToken;
use tollgate_shared::problem::{Problem, Slug};
use tracing::{debug, error};

use super::door::{EdgeSettings, Handler, Opening};
use super::head::{self, HeadRefusal};
use super::limits::AddressPermit;
use super::tap::{Framing, HeadTap, TapNotes, TapTimes};
use super::{Body, ConnectionState, EdgeCounters, Peer, RefusedHead, RequestId, respond};

/// hyper's read buffer: a head and the beginning of a body.
const BUFFER_BYTES_MAX: usize = 64 * 1024;

/// The places that a connection occupies, given back when it ends.
pub(super) struct Permits {
    pub(super) _place: OwnedSemaphorePermit,
    pub(super) _address: Option<AddressPermit>,
}

/// One accepted connection.
pub(super) struct Connection<H> {
    pub(super) handler: H,
    pub(super) peer: Peer,
    pub(super) state: Arc<ConnectionState>,
    pub(super) _permits: Permits,
    pub(super) settings: Arc<EdgeSettings>,
    pub(super) stop: CancellationToken,
    pub(super) kill: CancellationToken,
}

// === impl Connection ===

impl<H: Handler> Connection<H> {
    /// Opens the stream within its time, then serves it.
    pub(super) async fn open<Io: Opening>(self, io: Io) {
        let opened = tokio::select! {
            opened = tokio::time::timeout(self.settings.limits.handshake_timeout, io.open()) => opened,
            () = self.kill.cancelled() => return,
        };
        match opened {
            Ok(Ok(stream)) => self.run(stream).await,
            Ok(Err(failed)) => {
                EdgeCounters::bump(&self.settings.counters.bad_heads);
                debug!(cause = %failed.source, what = failed.what, "a connection did not open");
                self.tell(Slug::MalformedRequest, failed.what, None);
            }
            Err(_elapsed) => {
                EdgeCounters::bump(&self.settings.counters.timeouts);
                self.tell(Slug::BodyTimeout, "the TLS handshake was too slow", None);
            }
        }
    }

    async fn run<Io>(self, io: Io)
    where
        Io: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let notes = Arc::new(TapNotes::default());
        let limits = &self.settings.limits;
        let times = TapTimes {
            head: limits.head_timeout,
            write_stall: limits.write_stall_timeout,
            stream_stall: limits.stream_stall_timeout,
        };
        let tap = HeadTap::new(io, Arc::clone(&notes), times);
        let service = service_fn(|request| async {
            let framing = notes.next_head();
            let response = self.answer(request, framing).await;
            notes.set_streaming(respond::is_stream(&response));
            Ok::<_, Infallible>(response)
        });
        let mut served = pin!(self.protocol().serve_connection(TokioIo::new(tap), service));
        let mut is_stopping = false;
        let outcome = loop {
            tokio::select! {
                outcome = served.as_mut() => break outcome,
                () = self.kill.cancelled() => return,
                () = self.stop.cancelled(), if !is_stopping => {
                    is_stopping = true;
                    served.as_mut().graceful_shutdown();
                }
            }
        };
        self.report(outcome.err().as_ref(), &notes);
    }

    fn protocol(&self) -> http1::Builder {
        let limits = &self.settings.limits;
        let mut builder = http1::Builder::new();
        builder
            .timer(TokioTimer::new())
            // hyper's timer runs from an answer to the end of the next head; the tap limits the head itself.
            .header_read_timeout(limits.idle_timeout)
            .max_headers(limits.header_lines_max)
            .max_header_size(limits.head_bytes_max)
            .max_buf_size(BUFFER_BYTES_MAX.max(2 * limits.head_bytes_max));
        builder
    }

    async fn answer(&self, mut request: Request<Incoming>, framing: Option<Framing>) -> Response<Body> {
        let id = RequestId::generate();
        let (parts, body) = request.into_parts();
        let verdict = head::check(&parts, framing, &self.settings.rules, &self.peer);
        let is_old = parts.version == Version::HTTP_10;
        let has_body = !body.is_end_stream();
        request = Request::from_parts(parts, body);
        request.extensions_mut().insert(id);
        request.extensions_mut().insert(Arc::clone(&self.state));
        let response = match verdict {
            Ok(()) => self.handled(request).await,
            Err(refusal) => self.refused(refusal, id),
        };
        let is_last = is_old || framing.is_none_or(|framing| framing.last);
        let response = if is_last || (has_body && leaves_body_unread(response.status())) {
            respond::closing(response)
        } else {
            response
        };
        respond::seal(response, id, &self.stop)
    }

    /// Calls the handler within its time; a panic becomes a 500 and ends the connection, not the daemon.
    async fn handled(&self, request: Request<Incoming>) -> Response<Body> {
        let mut call = pin!(self.handler.handle(request, self.peer));
        let caught = std::future::poll_fn(|cx| match catch_unwind(AssertUnwindSafe(|| call.as_mut().poll(cx))) {
            Ok(poll) => poll.map(Some),
            Err(_panic) => Poll::Ready(None),
        });
        let limit = self.settings.limits.request_timeout;
        match tokio::time::timeout(limit, caught).await {
            Ok(Some(response)) => response,
            Ok(None) => {
                EdgeCounters::bump(&self.settings.counters.panics);
                error!(peer = ?self.peer, "a handler panicked; the panic message is above");
                let detail = "the request could not be handled, the daemon's log says more";
                respond::closing(respond::problem(Problem::new(Slug::Internal, detail)))
            }
            Err(_elapsed) => {
                EdgeCounters::bump(&self.settings.counters.timeouts);
                let detail = format!("no answer within {} s, try again", limit.as_secs());
                respond::closing(respond::problem(Problem::new(Slug::Overloaded, detail).with_retry_after(5)))
            }
        }
    }

    fn refused(&self, refusal: HeadRefusal, id: RequestId) -> Response<Body> {
        EdgeCounters::bump(&self.settings.counters.bad_heads);
        self.tell(refusal.reason, refusal.what, Some(id));
        let answer = match refusal.reason {
            Slug::MethodNotAllowed => respond::method_not_allowed("DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT"),
            reason => respond::problem(Problem::new(reason, refusal.what)),
        };
        respond::closing(answer)
    }

    /// What ended without an answer of ours: hyper has sent a bare 400 or 431, or just closed.
    fn report(&self, error: Option<&hyper::Error>, notes: &TapNotes) {
        let counters = &self.settings.counters;
        if notes.timed_out() {
            // hyper takes the end of a silent connection for an orderly one, so the notes come first.
            EdgeCounters::bump(&counters.timeouts);
            return self.tell(Slug::BodyTimeout, "the head was too slow, or the answer was not read", None);
        }
        let Some(error) = error else { return };
        if error.is_parse_too_large() {
            EdgeCounters::bump(&counters.bad_heads);
            self.tell(Slug::HeadersTooLarge, "the head has too many bytes or lines", None);
        } else if error.is_parse() {
            EdgeCounters::bump(&counters.bad_heads);
            let what = if notes.spoke_tls() {
                "a TLS handshake came where plain HTTP is spoken: give the sender http:// instead of https://"
            } else {
                "the head is not valid HTTP/1.1"
            };
            self.tell(Slug::MalformedRequest, what, None);
        } else {
            // Idle for too long, or gone: nobody is refused anything.
            debug!(cause = %error, "connection ended");
        }
    }

    fn tell(&self, reason: Slug, what: &'static str, request_id: Option<RequestId>) {
        (self.settings.on_refused)(RefusedHead { peer: self.peer, reason, what, request_id });
    }
}

/// Statuses that are decided before a body is read: what is still on its way must not be taken for a request.
fn leaves_body_unread(status: StatusCode) -> bool {
    matches!(status.as_u16(), 401 | 403 | 404 | 405 | 408 | 413 | 415)
}
