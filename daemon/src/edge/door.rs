//! What a door is: its limits, its socket, and who answers behind it.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response};
use hyper::body::Incoming;
use interprocess::local_socket::tokio::{Listener as LocalListener, Stream as LocalStream};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream, UnixStream};

use super::head::HeadRules;
use super::{Body, EdgeCounters, OnRefused, Peer};
use crate::local::bind::peer_of;

/// File descriptors kept free for the local socket, the store and the journal.
const FILE_DESCRIPTOR_RESERVE: u64 = 64;

/// What a door grants. The defaults are those of security.md.
#[derive(Debug, Clone)]
pub struct EdgeLimits {
    pub connections_max: usize,
    pub per_address_max: usize,
    /// Time for the drain after the stop; what is open then is cut.
    pub drain: Duration,
    /// Bytes of a request head; beyond is 431.
    pub head_bytes_max: usize,
    /// Header lines of a request; beyond is 431.
    pub header_lines_max: usize,
    /// From the accept to the end of the TLS handshake.
    pub handshake_timeout: Duration,
    /// From the first byte of a head (for the first head: from the connection's start) to its end.
    pub head_timeout: Duration,
    /// From an answer to the end of the next head.
    pub idle_timeout: Duration,
    /// From the head to the beginning of the answer, reading the body included.
    pub request_timeout: Duration,
    /// How long the peer may leave a full socket buffer unread.
    pub write_stall_timeout: Duration,
    /// The same for a stream without end: its reader may be a console that was stopped for a while, and what waits for
    /// him is bounded; one that is gone for good must end at some time.
    pub stream_stall_timeout: Duration,
}

/// Everything about a door but its socket and its handler.
#[derive(Clone)]
pub struct EdgeSettings {
    pub limits: EdgeLimits,
    pub rules: HeadRules,
    pub counters: Arc<EdgeCounters>,
    pub on_refused: OnRefused,
}

/// The socket of a door.
pub trait Door: Send + 'static {
    type Io: Opening;

    /// Waits for one connection. Must not lose a connection when dropped while it waits.
    fn accept(&self) -> impl Future<Output = io::Result<Arrival<Self::Io>>> + Send;
}

/// An accepted socket before its first byte: what TLS has to agree on comes first, and never in the accept loop.
pub trait Opening: Send + 'static {
    type Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static;

    /// The stream that HTTP is spoken over.
    fn open(self) -> impl Future<Output = Result<Self::Stream, OpenError>> + Send;
}

/// Why a connection did not open. The fixed text is for counters and the *Refused* list.
#[derive(Debug, thiserror::Error)]
#[error("{what}")]
pub struct OpenError {
    pub what: &'static str,
    pub source: io::Error,
}

/// One accepted connection.
pub enum Arrival<Io> {
    Connected(Io, Peer),
    /// Closed at once: the kernel's word about the peer is unusable.
    Refused(&'static str),
}

/// Answers requests. Implemented by every suitable `Fn(Request<Incoming>, Peer) -> Future`.
pub trait Handler: Clone + Send + Sync + 'static {
    fn handle(&self, request: Request<Incoming>, peer: Peer) -> impl Future<Output = Response<Body>> + Send;
}

// === impl EdgeLimits ===

impl Default for EdgeLimits {
    fn default() -> Self {
        EdgeLimits {
            connections_max: 4096,
            per_address_max: 256,
            drain: Duration::from_secs(10),
            head_bytes_max: 16 * 1024,
            header_lines_max: 64,
            handshake_timeout: Duration::from_secs(5),
            head_timeout: Duration::from_secs(5),
            idle_timeout: Duration::from_secs(60),
            request_timeout: Duration::from_secs(30),
            write_stall_timeout: Duration::from_secs(30),
            stream_stall_timeout: Duration::from_secs(3_600),
        }
    }
}

impl EdgeLimits {
    /// Lowers the number of connections to what the process may open, less a reserve for everything else.
    #[must_use]
    pub fn within_file_descriptors(mut self) -> Self {
        if let Some(soft) = rustix::process::getrlimit(rustix::process::Resource::Nofile).current {
            let usable = soft.saturating_sub(FILE_DESCRIPTOR_RESERVE).max(1);
            self.connections_max = self.connections_max.min(usize::try_from(usable).unwrap_or(usize::MAX));
        }
        self
    }
}

// === impl EdgeSettings ===

impl EdgeSettings {
    /// Default limits and rules, fresh counters, refusals only counted.
    #[must_use]
    pub fn new() -> Self {
        EdgeSettings {
            limits: EdgeLimits::default(),
            rules: HeadRules::default(),
            counters: Arc::default(),
            on_refused: Arc::new(|_| ()),
        }
    }
}

impl Default for EdgeSettings {
    fn default() -> Self {
        Self::new()
    }
}

// === impl Opening ===

impl Opening for TcpStream {
    type Stream = Self;

    async fn open(self) -> Result<Self, OpenError> {
        Ok(self)
    }
}

impl Opening for UnixStream {
    type Stream = Self;

    async fn open(self) -> Result<Self, OpenError> {
        Ok(self)
    }
}

// === impl Door ===

impl Door for TcpListener {
    type Io = TcpStream;

    async fn accept(&self) -> io::Result<Arrival<TcpStream>> {
        let (stream, address) = TcpListener::accept(self).await?;
        // Answers are small and written once: waiting for more to send only adds latency. A failure costs just that.
        if let Err(cause) = stream.set_nodelay(true) {
            tracing::debug!(%cause, "TCP_NODELAY could not be set");
        }
        Ok(Arrival::Connected(stream, Peer::Tcp(address)))
    }
}

impl Door for LocalListener {
    /// The plain socket: the wrapper's `poll_shutdown` does nothing.
    type Io = UnixStream;

    async fn accept(&self) -> io::Result<Arrival<UnixStream>> {
        let stream = interprocess::local_socket::traits::tokio::Listener::accept(self).await?;
        Ok(match peer_of(&stream) {
            Ok(peer) => {
                let LocalStream::UdSocket(inner) = stream;
                Arrival::Connected(inner.into(), peer)
            }
            Err(refusal) => Arrival::Refused(refusal.what()),
        })
    }
}

// === impl Handler ===

impl<F, Fut> Handler for F
where
    F: Fn(Request<Incoming>, Peer) -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = Response<Body>> + Send,
{
    fn handle(&self, request: Request<Incoming>, peer: Peer) -> impl Future<Output = Response<Body>> + Send {
        self(request, peer)
    }
}
