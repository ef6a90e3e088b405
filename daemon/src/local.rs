//! The local door: HTTP over a unix socket, where the kernel says who calls. Thin: parse, ask the core or the readers,
//! format (http.md §2).

mod answers;
pub mod bind;
mod events;
mod incidents;
mod logs;
mod organisation;
mod params;
mod status;
mod tail;
mod tokens;
mod tried;

use std::sync::Arc;

use http::{Method, Request, Response};
use hyper::body::Incoming;
use tollgate_shared::problem::{Problem, Slug};
use tollgate_shared::secret;

use self::params::Call;
use crate::core::access::{Actor, Operation, allows};
use crate::daemon::Daemon;
use crate::edge::routes::{Found, RouteError, RouteTable};
use crate::edge::{Body, Peer, respond};

/// One route of the local door: what it does and what it asks of the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route {
    /// What it does.
    pub act: Act,
    /// What the caller must be allowed.
    pub needs: Operation,
}

/// What a route does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each name says what its route in the table below does")]
pub enum Act {
    Status,
    Events,
    TeamList,
    TeamCreate,
    ServiceList,
    ServiceCreate,
    ServiceShow,
    ServiceEdit,
    PresetList,
    FilterList,
    FilterCreate,
    FilterShow,
    FilterDelete,
    FilterTry,
    TokenList,
    TokenCreate,
    TokenShow,
    TokenEdit,
    TokenRotate,
    TokenRevoke,
    TokenDebug,
    IncidentList,
    IncidentShow,
    IncidentAcknowledge,
    IncidentUnacknowledge,
    IncidentResolve,
    LogList,
    LogShow,
    RefusedList,
    AuditList,
}

const fn route(act: Act, needs: Operation) -> Route {
    Route { act, needs }
}

/// All routes of the local door. The answers to wrong methods and the authorisation test come from this table.
pub const ROUTES: [(Method, &str, Route); 30] = [
    (Method::GET, "/v1/status", route(Act::Status, Operation::See)),
    (Method::GET, "/v1/events", route(Act::Events, Operation::See)),
    (Method::GET, "/v1/teams", route(Act::TeamList, Operation::See)),
    (Method::POST, "/v1/teams", route(Act::TeamCreate, Operation::ChangeServices)),
    (Method::GET, "/v1/services", route(Act::ServiceList, Operation::See)),
    (Method::POST, "/v1/services", route(Act::ServiceCreate, Operation::ChangeServices)),
    (Method::GET, "/v1/services/{service}", route(Act::ServiceShow, Operation::See)),
    (Method::PATCH, "/v1/services/{service}", route(Act::ServiceEdit, Operation::ChangeServices)),
    (Method::GET, "/v1/presets", route(Act::PresetList, Operation::See)),
    (Method::GET, "/v1/filters", route(Act::FilterList, Operation::See)),
    (Method::POST, "/v1/filters", route(Act::FilterCreate, Operation::ChangeServices)),
    (Method::GET, "/v1/filters/{filter}", route(Act::FilterShow, Operation::See)),
    (Method::DELETE, "/v1/filters/{filter}", route(Act::FilterDelete, Operation::ChangeServices)),
    (Method::POST, "/v1/filters/try", route(Act::FilterTry, Operation::See)),
    (Method::GET, "/v1/tokens", route(Act::TokenList, Operation::See)),
    (Method::POST, "/v1/tokens", route(Act::TokenCreate, Operation::ChangeTokens)),
    (Method::GET, "/v1/tokens/{token}", route(Act::TokenShow, Operation::See)),
    (Method::PATCH, "/v1/tokens/{token}", route(Act::TokenEdit, Operation::ChangeTokens)),
    (Method::POST, "/v1/tokens/{token}/rotate", route(Act::TokenRotate, Operation::ChangeTokens)),
    (Method::POST, "/v1/tokens/{token}/revoke", route(Act::TokenRevoke, Operation::ChangeTokens)),
    (Method::POST, "/v1/tokens/{token}/debug", route(Act::TokenDebug, Operation::ChangeTokens)),
    (Method::GET, "/v1/incidents", route(Act::IncidentList, Operation::See)),
    (Method::GET, "/v1/incidents/{incident}", route(Act::IncidentShow, Operation::See)),
    (Method::POST, "/v1/incidents/{incident}/acknowledge", route(Act::IncidentAcknowledge, Operation::ChangeIncidents)),
    (
        Method::POST,
        "/v1/incidents/{incident}/unacknowledge",
        route(Act::IncidentUnacknowledge, Operation::ChangeIncidents),
    ),
    (Method::POST, "/v1/incidents/{incident}/resolve", route(Act::IncidentResolve, Operation::ChangeIncidents)),
    (Method::GET, "/v1/logs", route(Act::LogList, Operation::ReadLog)),
    (Method::GET, "/v1/logs/{seq}", route(Act::LogShow, Operation::ReadLog)),
    (Method::GET, "/v1/refused", route(Act::RefusedList, Operation::ReadLog)),
    (Method::GET, "/v1/audit", route(Act::AuditList, Operation::ReadAudit)),
];

/// The local door's handler.
pub struct Local {
    daemon: Arc<Daemon>,
    routes: RouteTable<Route>,
}

impl Local {
    /// The local door of a daemon.
    ///
    /// # Errors
    /// The route table contradicts itself: a mistake of ours.
    pub fn new(daemon: Arc<Daemon>) -> Result<Self, RouteError> {
        Ok(Self { daemon, routes: RouteTable::new(&ROUTES)? })
    }

    /// Answers one request.
    pub async fn handle(self: Arc<Self>, request: Request<Incoming>, peer: Peer) -> Response<Body> {
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        match self.routes.find(&method, &path) {
            Found::Route { operation, params } => {
                let actor = self.actor(peer);
                let (daemon, route) = (self.daemon.clone(), *operation);
                let answered = match allows(&actor, route.needs) {
                    Ok(()) => dispatch(route.act, Call { daemon, actor, params, request }).await,
                    Err(problem) => Err(problem),
                };
                answered.unwrap_or_else(|problem| respond::problem(without_secrets(problem)))
            }
            Found::MethodNotAllowed { allow } if method == Method::OPTIONS => respond::options(&allow),
            Found::MethodNotAllowed { allow } => respond::method_not_allowed(&allow),
            Found::NotFound => {
                respond::problem(Problem::new(Slug::NotFound, "there is no such resource on the local socket"))
            }
        }
    }

    fn actor(&self, peer: Peer) -> Actor {
        match peer {
            Peer::Local { uid, .. } => Actor::of_uid(uid, self.daemon.facts.uid),
            // This door is never bound to TCP; a peer without a uid has no role.
            Peer::Tcp(_) => Actor { uid: None, name: "tcp".to_owned(), role: crate::core::access::Role::None },
        }
    }
}

/// A refusal repeats what was asked for; a secret that somebody gave in the place of a reference is not repeated.
fn without_secrets(mut problem: Problem) -> Problem {
    let clean = |text: &mut String| {
        for range in secret::find_in(text).into_iter().rev() {
            text.replace_range(range, "[redacted]");
        }
    };
    clean(&mut problem.detail);
    for error in &mut problem.errors {
        clean(&mut error.path);
        clean(&mut error.message);
    }
    problem
}

async fn dispatch(act: Act, call: Call) -> Result<Response<Body>, Problem> {
    match act {
        Act::Status => status::show(&call).await,
        Act::Events => Ok(events::stream(&call)),
        Act::TeamList => organisation::teams(&call),
        Act::TeamCreate => organisation::create_team(call).await,
        Act::ServiceList => organisation::services(&call),
        Act::ServiceCreate => organisation::create_service(call).await,
        Act::ServiceShow => organisation::show_service(&call),
        Act::ServiceEdit => organisation::edit_service(call).await,
        Act::PresetList => Ok(organisation::presets()),
        Act::FilterList => organisation::filters(&call),
        Act::FilterCreate => organisation::create_filter(call).await,
        Act::FilterShow => organisation::show_filter(&call),
        Act::FilterDelete => organisation::delete_filter(call).await,
        Act::FilterTry => tried::try_filters(call).await,
        Act::TokenList => tokens::list(&call),
        Act::TokenCreate => tokens::create(call).await,
        Act::TokenShow => tokens::show(&call),
        Act::TokenEdit => tokens::edit(call).await,
        Act::TokenRotate => tokens::rotate(call).await,
        Act::TokenRevoke => tokens::revoke(call).await,
        Act::TokenDebug => tokens::set_debug(call).await,
        Act::IncidentList => incidents::list(&call).await,
        Act::IncidentShow => incidents::show(&call).await,
        Act::IncidentAcknowledge => incidents::acknowledge(call).await,
        Act::IncidentUnacknowledge => incidents::unacknowledge(call).await,
        Act::IncidentResolve => incidents::resolve(call).await,
        Act::LogList => logs::list(&call).await,
        Act::LogShow => logs::show(&call).await,
        Act::RefusedList => logs::refused(&call),
        Act::AuditList => logs::audit(&call).await,
    }
}
