//! The HTTP edge: sockets, request heads, bodies, routes and answers, with no knowledge of tokens or incidents.
//!
//! Both doors use the same accept loop ([`accept::serve`]); a door differs only in who the [`Peer`] is. Everything a
//! stranger can do before a handler runs is bounded here: connections, head bytes, header lines, time.

use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http_body_util::combinators::BoxBody;
use tollgate_shared::problem::Slug;
use uuid::Uuid;

pub mod accept;
pub mod body;
mod connection;
pub mod door;
pub mod head;
mod limits;
pub mod respond;
pub mod routes;
mod tap;
pub mod tls;

/// The one body type of every answer.
pub type Body = BoxBody<Bytes, std::convert::Infallible>;

/// Who is at the other end, as the kernel tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Peer {
    /// Credentials fixed at the peer's `connect`. `pid` is for logs only: it can be reused, so it never decides.
    Local {
        uid: u32,
        gid: u32,
        pid: i32,
    },
    Tcp(SocketAddr),
}

/// The id of one request: in the extensions of each request that reaches a handler, and in `X-Request-Id`.
///
/// A version 7 UUID; its time part is a convenience for readers, nothing decides by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestId(pub Uuid);

/// What a handler remembers of a connection while it lasts: in the extensions of each of its requests.
#[derive(Debug, Default)]
pub struct ConnectionState(Mutex<Option<Subject>>);

/// Somebody who has proved who he is on a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Subject {
    /// Who.
    pub id: Uuid,
    /// What he proved it by, hashed: it ends when that changes.
    pub proof: [u8; 32],
    /// The hash of the ticket that his other connections show.
    pub ticket: [u8; 32],
}

/// What was refused before a handler saw it; material for the in-memory *Refused* ring (domain.md section 5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedHead {
    pub peer: Peer,
    pub reason: Slug,
    /// Which malformation or limit it was. Fixed text: nothing of the request is repeated.
    pub what: &'static str,
    /// Absent where the connection ended without an answer of ours.
    pub request_id: Option<RequestId>,
}

/// Told of each refusal; must return at once.
pub type OnRefused = Arc<dyn Fn(RefusedHead) + Send + Sync>;

/// What the edge counts, for `/metrics` and the status screen. All are totals since the start.
#[derive(Debug, Default)]
pub struct EdgeCounters {
    /// Connections handed to HTTP.
    pub accepted: AtomicU64,
    /// `accept` failures, such as no free file descriptor.
    pub accept_errors: AtomicU64,
    /// Requests or connections refused for their head.
    pub bad_heads: AtomicU64,
    /// Handlers that panicked.
    pub panics: AtomicU64,
    /// Connections closed at once: a limit was reached, or the peer has no usable credentials.
    pub refused: AtomicU64,
    /// Connections or requests ended because the peer or the handler was too slow.
    pub timeouts: AtomicU64,
}

// === impl Peer ===

impl Peer {
    /// The address with IPv4-mapped IPv6 folded to IPv4; `None` for a local peer.
    #[must_use]
    pub fn ip(&self) -> Option<IpAddr> {
        match self {
            Peer::Local { .. } => None,
            Peer::Tcp(address) => Some(address.ip().to_canonical()),
        }
    }
}

// === impl ConnectionState ===

impl ConnectionState {
    /// Who has proved who he is.
    #[must_use]
    pub fn subject(&self) -> Option<Subject> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on it is he, or nobody.
    pub fn set(&self, subject: Option<Subject>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = subject;
    }
}

// === impl RequestId ===

impl RequestId {
    pub(crate) fn generate() -> Self {
        RequestId(Uuid::now_v7())
    }
}

// === impl EdgeCounters ===

impl EdgeCounters {
    pub(crate) fn bump(counter: &AtomicU64) {
        counter.fetch_add(1, Ordering::Relaxed);
    }
}
