//! The gate: TCP, asks for a token. Thin: parse, ask the core, queue, format (http.md §1).

mod enqueue;
mod intake;
mod manage;
mod marks;
mod own_token;
mod presented;
mod process;
mod refusals;
mod shape;
mod start;

use std::sync::Arc;
use std::time::Instant;

use http::{Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use tollgate_shared::problem::{Problem, Slug};

use crate::core::endpoint::Endpoint;
use crate::daemon::Daemon;
use crate::edge::routes::{Found, RouteError, RouteTable};
use crate::edge::{Body, Peer, RequestId, respond};
use crate::local::{Entrance, Local};

pub use refusals::on_refused_head;

/// Seconds that a sender shall wait during a lockdown: it is lifted by a person.
const LOCKED_DOWN_RETRY_SECS: u32 = 30;

/// What the gate does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// The process runs.
    Health,
    /// Calls are taken: the store is open.
    Ready,
    /// Take a call.
    Process,
    /// Take a call that starts workflows.
    Request,
    /// Take a PagerDuty event.
    Enqueue,
    /// A token asks what it is.
    WhoAmI,
    /// A token extends itself.
    RefreshSelf,
}

/// All routes of the gate: method, path, operation.
pub const ROUTES: [(Method, &str, Operation); 7] = [
    (Method::GET, "/healthz", Operation::Health),
    (Method::GET, "/readyz", Operation::Ready),
    (Method::POST, "/v1/process", Operation::Process),
    (Method::POST, "/v1/request", Operation::Request),
    (Method::POST, "/v2/enqueue", Operation::Enqueue),
    (Method::GET, "/v1/token", Operation::WhoAmI),
    (Method::POST, "/v1/token/refresh", Operation::RefreshSelf),
];

/// The gate's handler.
pub struct Gate {
    daemon: Arc<Daemon>,
    routes: RouteTable<Operation>,
    manage: Local,
}

impl Gate {
    /// The gate of a daemon.
    ///
    /// # Errors
    /// The route table contradicts itself: a mistake of ours.
    pub fn new(daemon: Arc<Daemon>) -> Result<Self, RouteError> {
        let manage = Local::new(daemon.clone(), Entrance::default())?;
        Ok(Self { daemon, routes: RouteTable::new(&ROUTES)?, manage })
    }

    /// Answers one request.
    pub async fn handle(self: Arc<Self>, request: Request<Incoming>, peer: Peer) -> Response<Body> {
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        match self.routes.find(&method, &path) {
            Found::Route { operation: Operation::Process | Operation::Request | Operation::Enqueue, .. }
                if self.daemon.registry.load().lockdown().is_some() =>
            {
                self.locked_down(&request, peer)
            }
            Found::Route { operation: Operation::Enqueue, .. } => self.taken(request, peer, Endpoint::Enqueue).await,
            Found::Route { operation: Operation::Process, .. } => self.taken(request, peer, Endpoint::Process).await,
            Found::Route { operation: Operation::Request, .. } => self.taken(request, peer, Endpoint::Request).await,
            Found::Route { operation: Operation::WhoAmI, .. } => {
                own_token::answer(&self.daemon, request, peer, own_token::Question::Who).await
            }
            Found::Route { operation: Operation::RefreshSelf, .. } => {
                own_token::answer(&self.daemon, request, peer, own_token::Question::Refresh).await
            }
            Found::Route { operation: Operation::Health, .. } => respond::json(StatusCode::OK, &"ok"),
            Found::Route { operation: Operation::Ready, .. } => self.ready(),
            Found::MethodNotAllowed { allow } if method == Method::OPTIONS => respond::options(&allow),
            Found::MethodNotAllowed { allow } => {
                let detail = format!("{method} is not allowed here; allowed: {allow}");
                refusals::note(&self.daemon, &request, peer, Slug::MethodNotAllowed, detail);
                respond::method_not_allowed(&allow)
            }
            Found::NotFound if manage::is_served(&self.daemon) && self.manage.has(&method, &path) => {
                manage::answer(&self.daemon, &self.manage, request, peer).await
            }
            Found::NotFound => {
                let detail = "there is nothing at this path; calls go to POST /v1/process".to_owned();
                refusals::note(&self.daemon, &request, peer, Slug::NotFound, detail.clone());
                respond::problem(Problem::new(Slug::NotFound, detail))
            }
        }
    }

    /// Takes a call, and notes how long that took.
    async fn taken(&self, request: Request<Incoming>, peer: Peer, endpoint: Endpoint) -> Response<Body> {
        let begun = Instant::now();
        let response = match endpoint {
            Endpoint::Enqueue => enqueue::take(&self.daemon, request, peer).await,
            Endpoint::Process | Endpoint::Request => process::take(&self.daemon, request, peer, endpoint).await,
        };
        let took_us = u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.daemon.meters.hour.answered(took_us, self.daemon.clock.now());
        response
    }

    /// Before the credential is looked at: a lockdown is for the time in which no token is trusted.
    fn locked_down(&self, request: &Request<Incoming>, peer: Peer) -> Response<Body> {
        let detail = "Tollgate takes no calls now; keep the call and send it again".to_owned();
        refusals::note(&self.daemon, request, peer, Slug::LockedDown, detail.clone());
        let problem = Problem::new(Slug::LockedDown, detail).with_retry_after(LOCKED_DOWN_RETRY_SECS);
        respond::closing(respond::problem(problem))
    }

    fn ready(&self) -> Response<Body> {
        if self.daemon.meters.store_down.load(std::sync::atomic::Ordering::Relaxed) {
            respond::problem(Problem::new(Slug::StorageUnavailable, "the store cannot be written"))
        } else {
            respond::json(StatusCode::OK, &"ready")
        }
    }
}

/// The id that the edge gave the request; also the call's id.
fn request_id(request: &Request<Incoming>) -> Option<uuid::Uuid> {
    request.extensions().get::<RequestId>().map(|id| id.0)
}
