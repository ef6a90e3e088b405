//! The local door: HTTP over a unix socket, where the kernel says who calls; and management itself, which the gate shares.
//! Thin: parse, ask the core or the readers, format (http.md §2).

mod answers;
mod audit;
mod backup;
pub mod bind;
mod caller;
mod events;
pub mod flow_routes;
mod histogram;
pub mod incident_search;
mod incidents;
mod logs;
mod maintenance;
mod openapi;
mod operators;
mod organisation;
mod params;
pub mod people_routes;
mod queries;
mod redaction;
mod requests;
mod status;
mod tail;
mod talkers;
mod tokens;
mod tried;
mod what_if;
mod workflows;

use std::sync::Arc;

use http::{Method, Request, Response};
use hyper::body::Incoming;
use tollgate_shared::log::REDACTED;
use tollgate_shared::problem::{Problem, Slug};
use tollgate_shared::secret;

pub use self::caller::Entrance;
use self::params::Call;
use crate::core::access::{Actor, Door, Operation, Target, allows};
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
    StatusHour,
    StatusTalkers,
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
    FilterEdit,
    FilterDelete,
    FilterTry,
    WhatIf,
    TokenList,
    TokenCreate,
    TokenShow,
    TokenEdit,
    TokenRotate,
    TokenRevoke,
    TokenDebug,
    TokenSources,
    TokenIssued,
    TokenOverlap,
    TokenRefresh,
    TokenSuspend,
    TokenResume,
    TokenImport,
    TokenIdentify,
    TokenBulk,
    TokenBatch,
    IncidentList,
    IncidentShow,
    IncidentAcknowledge,
    IncidentUnacknowledge,
    IncidentResolve,
    IncidentBulk,
    MaintenanceList,
    MaintenanceAdd,
    MaintenanceEnd,
    LogList,
    LogHistogram,
    LogShow,
    LogReplay,
    RefusedList,
    QueryList,
    QueryShow,
    QuerySave,
    QueryDelete,
    AuditList,
    TeamDelete,
    ServiceDelete,
    OperatorList,
    OperatorCreate,
    OperatorShow,
    OperatorEdit,
    OperatorDelete,
    OperatorPassphrase,
    SignIn,
    SignOut,
    LockdownSet,
    Backup,
    BackupWritten,
    RestoreReview,
    AuditVerify,
    RedactionList,
    RedactionAdd,
    RedactionRemove,
    RedactionTry,
    OpenApi,
    WorkflowList,
    WorkflowCreate,
    WorkflowTry,
    WorkflowShow,
    WorkflowEdit,
    WorkflowDelete,
    RequestList,
    RequestShow,
    RequestRetry,
    RequestCancel,
}

const fn route(act: Act, needs: Operation) -> Route {
    Route { act, needs }
}

/// All routes of the local door. The answers to wrong methods and the authorisation test come from this table.
pub const ROUTES: &[(Method, &str, Route)] = &[
    (Method::GET, "/v1/status", route(Act::Status, Operation::SeeDaemon)),
    (Method::GET, "/v1/status/hour", route(Act::StatusHour, Operation::SeeDaemon)),
    (Method::GET, "/v1/status/talkers", route(Act::StatusTalkers, Operation::SeeDaemon)),
    (Method::GET, "/v1/events", route(Act::Events, Operation::SeeDaemon)),
    (Method::GET, "/v1/teams", route(Act::TeamList, Operation::See)),
    (Method::POST, "/v1/teams", route(Act::TeamCreate, Operation::ChangeOrganisation)),
    (Method::GET, "/v1/services", route(Act::ServiceList, Operation::See)),
    (Method::POST, "/v1/services", route(Act::ServiceCreate, Operation::ChangeServices)),
    (Method::GET, "/v1/services/{service}", route(Act::ServiceShow, Operation::See)),
    (Method::PATCH, "/v1/services/{service}", route(Act::ServiceEdit, Operation::ChangeServices)),
    (Method::GET, "/v1/presets", route(Act::PresetList, Operation::See)),
    (Method::GET, "/v1/filters", route(Act::FilterList, Operation::See)),
    (Method::POST, "/v1/filters", route(Act::FilterCreate, Operation::ChangeServices)),
    (Method::GET, "/v1/filters/{filter}", route(Act::FilterShow, Operation::See)),
    (Method::PATCH, "/v1/filters/{filter}", route(Act::FilterEdit, Operation::ChangeServices)),
    (Method::DELETE, "/v1/filters/{filter}", route(Act::FilterDelete, Operation::ChangeServices)),
    (Method::POST, "/v1/filters/try", route(Act::FilterTry, Operation::See)),
    (Method::POST, "/v1/what-if", route(Act::WhatIf, Operation::ReadLog)),
    (Method::GET, "/v1/tokens", route(Act::TokenList, Operation::SeeTokens)),
    // Which role a change of tokens needs depends on the token: the writer asks when it has found it.
    (Method::POST, "/v1/tokens", route(Act::TokenCreate, Operation::ChangeSomeToken)),
    (Method::POST, "/v1/tokens/import", route(Act::TokenImport, Operation::ChangeSomeToken)),
    (Method::POST, "/v1/tokens/identify", route(Act::TokenIdentify, Operation::SeeTokens)),
    (Method::POST, "/v1/tokens/bulk", route(Act::TokenBulk, Operation::ChangeSomeToken)),
    (Method::POST, "/v1/tokens/batch", route(Act::TokenBatch, Operation::ChangeSomeToken)),
    (Method::GET, "/v1/tokens/{token}", route(Act::TokenShow, Operation::SeeTokens)),
    (Method::PATCH, "/v1/tokens/{token}", route(Act::TokenEdit, Operation::ChangeSomeToken)),
    (Method::GET, "/v1/tokens/{token}/sources", route(Act::TokenSources, Operation::SeeTokens)),
    (Method::GET, "/v1/tokens/{token}/issued", route(Act::TokenIssued, Operation::SeeTokens)),
    (Method::POST, "/v1/tokens/{token}/rotate", route(Act::TokenRotate, Operation::ChangeSomeToken)),
    (Method::POST, "/v1/tokens/{token}/overlap", route(Act::TokenOverlap, Operation::ChangeSomeToken)),
    (Method::POST, "/v1/tokens/{token}/refresh", route(Act::TokenRefresh, Operation::ChangeSomeToken)),
    (Method::POST, "/v1/tokens/{token}/suspend", route(Act::TokenSuspend, Operation::SuspendToken)),
    (Method::POST, "/v1/tokens/{token}/resume", route(Act::TokenResume, Operation::ChangeSomeToken)),
    (Method::POST, "/v1/tokens/{token}/revoke", route(Act::TokenRevoke, Operation::ChangeSomeToken)),
    (Method::POST, "/v1/tokens/{token}/debug", route(Act::TokenDebug, Operation::ChangeSomeToken)),
    (Method::GET, "/v1/incidents", route(Act::IncidentList, Operation::SeeIncidents)),
    (Method::GET, "/v1/incidents/{incident}", route(Act::IncidentShow, Operation::SeeIncidents)),
    (Method::POST, "/v1/incidents/{incident}/acknowledge", route(Act::IncidentAcknowledge, Operation::ChangeIncidents)),
    (
        Method::POST,
        "/v1/incidents/{incident}/unacknowledge",
        route(Act::IncidentUnacknowledge, Operation::ChangeIncidents),
    ),
    (Method::POST, "/v1/incidents/{incident}/resolve", route(Act::IncidentResolve, Operation::ChangeIncidents)),
    (Method::POST, "/v1/incidents/bulk", route(Act::IncidentBulk, Operation::ChangeIncidents)),
    (Method::GET, "/v1/maintenance", route(Act::MaintenanceList, Operation::See)),
    (Method::POST, "/v1/maintenance", route(Act::MaintenanceAdd, Operation::ChangeServices)),
    (Method::DELETE, "/v1/maintenance/{maintenance}", route(Act::MaintenanceEnd, Operation::ChangeServices)),
    (Method::GET, "/v1/logs", route(Act::LogList, Operation::ReadLog)),
    (Method::GET, "/v1/logs/histogram", route(Act::LogHistogram, Operation::ReadLog)),
    (Method::GET, "/v1/logs/{seq}", route(Act::LogShow, Operation::ReadLog)),
    (Method::POST, "/v1/logs/{seq}/replay", route(Act::LogReplay, Operation::ReadLog)),
    (Method::GET, "/v1/refused", route(Act::RefusedList, Operation::ReadLog)),
    (Method::GET, "/v1/queries", route(Act::QueryList, Operation::See)),
    (Method::GET, "/v1/queries/{screen}/{name}", route(Act::QueryShow, Operation::See)),
    (Method::PUT, "/v1/queries/{screen}/{name}", route(Act::QuerySave, Operation::KeepQueries)),
    (Method::DELETE, "/v1/queries/{screen}/{name}", route(Act::QueryDelete, Operation::KeepQueries)),
    (Method::GET, "/v1/audit", route(Act::AuditList, Operation::ReadAudit)),
];

/// The handler of management, behind both doors.
pub struct Local {
    daemon: Arc<Daemon>,
    routes: RouteTable<Route>,
    entrance: Entrance,
}

impl Local {
    /// Management of a daemon; `entrance` is the socket file that requests come over.
    ///
    /// # Errors
    /// The route table contradicts itself: a mistake of ours.
    pub fn new(daemon: Arc<Daemon>, entrance: Entrance) -> Result<Self, RouteError> {
        Ok(Self { daemon, routes: RouteTable::new(&people_routes::all())?, entrance })
    }

    /// Answers one request on the local socket.
    pub async fn handle(self: Arc<Self>, request: Request<Incoming>, peer: Peer) -> Response<Body> {
        let actor = caller::actor(&self.daemon, &request, peer, self.entrance);
        self.answer(request, actor).await
    }

    /// Whether there is such a path, whatever the method.
    pub fn has(&self, method: &Method, path: &str) -> bool {
        !matches!(self.routes.find(method, path), Found::NotFound)
    }

    /// Answers one request of somebody who is known by now.
    pub async fn answer(&self, request: Request<Incoming>, actor: Actor) -> Response<Body> {
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        match self.routes.find(&method, &path) {
            Found::Route { operation, params } => {
                let (daemon, route, who) = (self.daemon.clone(), *operation, actor.clone());
                let answered = match allowed(&actor, route) {
                    Ok(()) => dispatch(route.act, Call { daemon, actor, params, request }).await,
                    Err(problem) => Err(problem),
                };
                let status = answered.as_ref().map_or_else(|problem| problem.status, |answer| answer.status().as_u16());
                tracing::debug!(act = ?route.act, actor = who.name, status, "a management request is answered");
                match answered {
                    Ok(response) => response,
                    Err(problem) => {
                        let problem = without_secrets(problem);
                        audit::refusal(&self.daemon, who, format!("{method} {path}"), &problem).await;
                        respond::problem(problem)
                    }
                }
            }
            Found::MethodNotAllowed { allow } if method == Method::OPTIONS => respond::options(&allow),
            Found::MethodNotAllowed { allow } => respond::method_not_allowed(&allow),
            Found::NotFound => respond::problem(Problem::new(Slug::NotFound, "there is no such resource here")),
        }
    }
}

/// Whether there can be anything that the caller may do with a route. Its objects are asked about one by one, by their names.
fn allowed(actor: &Actor, route: Route) -> Result<(), Problem> {
    if route.act.is_of_the_socket() && actor.door == Door::Gate {
        return Err(Problem::new(
            Slug::Forbidden,
            "signing in is for the local socket; at the gate a token says who you are",
        ));
    }
    allows(actor, route.needs, Target::Any)
}

impl Act {
    /// True where it is about the connection of a local caller.
    fn is_of_the_socket(self) -> bool {
        matches!(self, Self::SignIn | Self::SignOut)
    }
}

/// A refusal repeats what was asked for; a secret that somebody gave in the place of a reference is not repeated.
fn without_secrets(mut problem: Problem) -> Problem {
    clean(&mut problem.detail);
    for error in &mut problem.errors {
        clean(&mut error.path);
        clean(&mut error.message);
    }
    problem
}

/// Takes out what has the shape of a token. Not the redactor's work: to it `token:billing-ci` is a secret with its name.
fn clean(text: &mut String) {
    for range in secret::find_in(text).into_iter().rev() {
        text.replace_range(range, REDACTED);
    }
}

async fn dispatch(act: Act, call: Call) -> Result<Response<Body>, Problem> {
    match act {
        Act::Status => status::show(&call).await,
        Act::StatusHour => Ok(status::hour(&call)),
        Act::StatusTalkers => talkers::show(&call),
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
        Act::FilterEdit => organisation::edit_filter(call).await,
        Act::FilterDelete => organisation::delete_filter(call).await,
        Act::FilterTry => tried::try_filters(call).await,
        Act::WhatIf => what_if::run(call).await,
        Act::TokenList => tokens::list(&call),
        Act::TokenCreate => tokens::create(call).await,
        Act::TokenShow => tokens::show(&call),
        Act::TokenEdit => tokens::edit(call).await,
        Act::TokenRotate => tokens::rotate(call).await,
        Act::TokenRevoke => tokens::revoke(call).await,
        Act::TokenDebug => tokens::set_debug(call).await,
        Act::TokenSources => tokens::sources(&call),
        Act::TokenIssued => tokens::issued(&call),
        Act::TokenOverlap => tokens::change_overlap(call).await,
        Act::TokenRefresh => tokens::refresh(call).await,
        Act::TokenSuspend => tokens::suspend(call).await,
        Act::TokenResume => tokens::resume(call).await,
        Act::TokenImport => tokens::import(call).await,
        Act::TokenIdentify => tokens::identify(call).await,
        Act::TokenBulk => tokens::bulk(call).await,
        Act::TokenBatch => tokens::batch(call).await,
        Act::IncidentList => incidents::list(&call).await,
        Act::IncidentShow => incidents::show(&call).await,
        Act::IncidentAcknowledge => incidents::acknowledge(call).await,
        Act::IncidentUnacknowledge => incidents::unacknowledge(call).await,
        Act::IncidentResolve => incidents::resolve(call).await,
        Act::IncidentBulk => incidents::bulk(call).await,
        Act::MaintenanceList => maintenance::list(&call),
        Act::MaintenanceAdd => maintenance::add(call).await,
        Act::MaintenanceEnd => maintenance::end(call).await,
        Act::LogList => logs::list(&call).await,
        Act::LogHistogram => histogram::show(&call).await,
        Act::LogShow => logs::show(&call).await,
        Act::LogReplay => tried::replay(&call).await,
        Act::RefusedList => logs::refused(&call),
        Act::QueryList => queries::list(&call),
        Act::QueryShow => queries::show(&call),
        Act::QuerySave => queries::save(call).await,
        Act::QueryDelete => queries::delete(call).await,
        Act::AuditList => audit::list(&call).await,
        Act::TeamDelete => organisation::delete_team(call).await,
        Act::ServiceDelete => organisation::delete_service(call).await,
        Act::OperatorList => operators::list(&call),
        Act::OperatorCreate => operators::create(call).await,
        Act::OperatorShow => operators::show(&call),
        Act::OperatorEdit => operators::edit(call).await,
        Act::OperatorDelete => operators::delete(call).await,
        Act::OperatorPassphrase => operators::set_passphrase(call).await,
        Act::SignIn => operators::sign_in(call).await,
        Act::SignOut => operators::sign_out(call).await,
        Act::Backup => backup::make(call).await,
        Act::BackupWritten => backup::written(call).await,
        Act::RestoreReview => backup::review(call).await,
        Act::LockdownSet => operators::set_lockdown(call).await,
        Act::AuditVerify => audit::verify(&call).await,
        Act::RedactionList => redaction::list(&call),
        Act::RedactionAdd => redaction::add(call).await,
        Act::RedactionRemove => redaction::remove(call).await,
        Act::RedactionTry => redaction::try_rules(call).await,
        Act::OpenApi => Ok(openapi::show()),
        Act::WorkflowList => workflows::list(&call).await,
        Act::WorkflowCreate => workflows::create(call).await,
        Act::WorkflowTry => workflows::try_one(call).await,
        Act::WorkflowShow => workflows::show(&call).await,
        Act::WorkflowEdit => workflows::edit(call).await,
        Act::WorkflowDelete => workflows::delete(call).await,
        Act::RequestList => requests::list(&call).await,
        Act::RequestShow => requests::show(&call).await,
        Act::RequestRetry => requests::retry(call).await,
        Act::RequestCancel => requests::cancel(call).await,
    }
}

#[cfg(test)]
mod matrix_tests;
