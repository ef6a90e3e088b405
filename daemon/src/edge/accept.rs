//! The accept loop of both doors, and its orderly end.
//!
//! Why not a ready-made server: none of those at hand limits connections, heads and idle time before a handler runs.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tollgate_shared::problem::Slug;
use tracing::{info, warn};

use super::connection::{Connection, Permits};
use super::door::{Arrival, Door, EdgeSettings, Handler, Opening};
use super::limits::AddressTable;
use super::{EdgeCounters, Peer, RefusedHead};

/// How long the loop rests after an `accept` that failed for want of something (file descriptors, memory).
const BACK_OFF: Duration = Duration::from_millis(100);
/// How a drain went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Drained {
    /// Connections that were still open at the deadline and were cut.
    pub cut: usize,
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

#[cfg(test)]
mod tests;
