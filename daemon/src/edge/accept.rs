//! The accept loop of both doors, and its orderly end.
//!
//! Why not a ready-made server: none of those at hand limits connections, heads and idle time before a handler runs.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response};
use hyper::body::Incoming;
use interprocess::local_socket::tokio::{Listener as LocalListener, Stream as LocalStream};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tollgate_shared::problem::Slug;
use tracing::{info, warn};

use super::connection::{Connection, Permits};
use super::head::HeadRules;
use super::limits::AddressTable;
use super::{Body, EdgeCounters, OnRefused, Peer, RefusedHead};
use crate::local::bind::peer_of;

/// How long the loop rests after an `accept` that failed for want of something (file descriptors, memory).
const BACK_OFF: Duration = Duration::from_millis(100);
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

/// How a drain went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Drained {
    /// Connections that were still open at the deadline and were cut.
    pub cut: usize,
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

/// Serves the door until `stop` is cancelled, then drains: no new connection, idle ones closed, requests in hand
/// finished, streams ended. Returns when all is done or the drain deadline has passed.
pub async fn serve<D: Door, H: Handler>(
    door: D,
    handler: H,
    settings: EdgeSettings,
    stop: CancellationToken,
) -> Drained {
    let drain = settings.limits.drain;
    let server = Server {
        places: Arc::new(Semaphore::new(settings.limits.connections_max)),
        addresses: Arc::default(),
        tasks: TaskTracker::new(),
        kill: CancellationToken::new(),
        settings: Arc::new(settings),
        handler,
        stop,
    };
    server.run(&door).await;
    // The socket goes first, so that a successor can bind while this one drains.
    drop(door);
    server.drain(drain).await
}

struct Server<H> {
    addresses: Arc<AddressTable>,
    handler: H,
    kill: CancellationToken,
    places: Arc<Semaphore>,
    settings: Arc<EdgeSettings>,
    stop: CancellationToken,
    tasks: TaskTracker,
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

// === impl Server ===

impl<H: Handler> Server<H> {
    /// The permit is taken before the accept: at the limit new peers wait in the kernel's backlog and cost nothing.
    async fn run<D: Door>(&self, door: &D) {
        let mut is_failing = false;
        loop {
            let next = async {
                let place = Arc::clone(&self.places).acquire_owned().await;
                (place, door.accept().await)
            };
            let (place, arrival) = tokio::select! {
                biased;
                () = self.stop.cancelled() => return,
                next = next => next,
            };
            // The semaphore is never closed; if it were, there would be nothing left to serve.
            let Ok(place) = place else { return };
            match arrival {
                Ok(arrival) => {
                    is_failing = false;
                    self.admit(arrival, place);
                }
                Err(error) => self.back_off(&error, &mut is_failing).await,
            }
        }
    }

    fn admit<Io: Opening>(&self, arrival: Arrival<Io>, place: OwnedSemaphorePermit) {
        let (io, peer) = match arrival {
            Arrival::Connected(io, peer) => (io, peer),
            Arrival::Refused(what) => {
                EdgeCounters::bump(&self.settings.counters.refused);
                warn!(what, "local connection refused");
                return;
            }
        };
        let max = self.settings.limits.per_address_max;
        let address = peer.ip().map(|ip| self.addresses.admit(ip, max));
        if matches!(address, Some(None)) {
            return self.refuse(peer);
        }
        EdgeCounters::bump(&self.settings.counters.accepted);
        let connection = Connection {
            handler: self.handler.clone(),
            peer,
            state: Arc::default(),
            _permits: Permits { _place: place, _address: address.flatten() },
            settings: Arc::clone(&self.settings),
            stop: self.stop.clone(),
            kill: self.kill.clone(),
        };
        self.tasks.spawn(connection.open(io));
    }

    /// Too many from one address: closed without an answer, since even an answer is work that a flood can order.
    fn refuse(&self, peer: Peer) {
        EdgeCounters::bump(&self.settings.counters.refused);
        let what = "too many connections from one address";
        (self.settings.on_refused)(RefusedHead { peer, reason: Slug::Overloaded, what, request_id: None });
    }

    async fn back_off(&self, error: &io::Error, is_failing: &mut bool) {
        EdgeCounters::bump(&self.settings.counters.accept_errors);
        if is_peers_fault(error) {
            return;
        }
        if !*is_failing {
            warn!(cause = %error, "connections cannot be accepted, trying on");
        }
        *is_failing = true;
        tokio::select! {
            () = self.stop.cancelled() => (),
            () = tokio::time::sleep(BACK_OFF) => (),
        }
    }

    async fn drain(self, limit: Duration) -> Drained {
        self.tasks.close();
        if tokio::time::timeout(limit, self.tasks.wait()).await.is_ok() {
            info!("all connections drained");
            return Drained { cut: 0 };
        }
        let cut = self.tasks.len();
        warn!(cut, "drain deadline reached, open connections are cut");
        self.kill.cancel();
        self.tasks.wait().await;
        Drained { cut }
    }
}

/// The connection died before it was accepted; the next one may be fine.
fn is_peers_fault(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionReset | Interrupted)
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

#[cfg(test)]
mod tests;
